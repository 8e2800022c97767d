#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What has to add up, or be freed, once the connections are gone.

account.py reasons: the router's condemned connections, and the reasons that they were condemned
    for, are as many.
account.py memory FILE: writes down what memory the kernel holds and cannot give back.
account.py given-back FILE: it holds no more than was written down, but for a little.
"""

import json
import re
import sys
from pathlib import Path

from tlsnet import counters

CACHES = Path("/sys/kernel/slab")
# In caches, per CPU, and mapped.
HELD = ("SUnreclaim", "Percpu", "VmallocUsed")
# In kB. If each of 20000 connections left 100 bytes, or each of 100 loads 20 KB, it would be more.
LITTLE = 2000
# The counter after which the reasons stand.
LAST_GENERAL = "resets"


def reasons() -> None:
    """Compares the counters."""
    now = counters()
    names = list(now)
    found = {name: now[name] for name in names[names.index(LAST_GENERAL) + 1 :]}
    if not now["condemned"] or sum(found.values()) != now["condemned"]:
        raise AssertionError(
            f"{now['condemned']} condemned, {sum(found.values())} reasons: {found}"
        )


def held() -> dict[str, int]:
    """What the kernel holds, in kB, after caches have been shrunk."""
    for cache in CACHES.iterdir():
        if not cache.is_symlink():
            (cache / "shrink").write_text("1", encoding="ascii")
    found = re.findall(
        r"^(\w+): +(\d+) kB$", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE
    )
    return {name: int(size) for name, size in found if name in HELD}


def memory(file: str) -> None:
    """Writes it down."""
    Path(file).write_text(json.dumps(held()), encoding="ascii")


def given_back(file: str) -> None:
    """Compares it; prints both."""
    before, after = json.loads(Path(file).read_text(encoding="ascii")), held()
    for name in HELD:
        print(f"{name}: {before[name]} kB before, {after[name]} kB after")
    grown = sum(after.values()) - sum(before.values())
    if grown >= LITTLE:
        raise AssertionError(f"{grown} kB are not given back")


if __name__ == "__main__":
    {"reasons": reasons, "memory": memory, "given-back": given_back}[sys.argv[1]](*sys.argv[2:])
