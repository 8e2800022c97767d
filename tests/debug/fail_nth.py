#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Loads the module with its first allocation failing, then its second, until none is left.

Each load has to fail with ENOMEM and leave nothing, or succeed without what it did not get.
"""

import ctypes
import errno
import os
import sys
from collections import Counter
from pathlib import Path

MODULE = "nf_conntrack_tls"
FAIL_NTH = Path("/proc/thread-self/fail-nth")

libc = ctypes.CDLL(None, use_errno=True)


def load(nth: int) -> tuple[int, bool]:
    """Loads it: the errno, and whether the allocation of that number failed."""
    module = os.open(os.environ["NF_CT_TLS_KO"], os.O_RDONLY | os.O_CLOEXEC)
    switch = os.open(FAIL_NTH, os.O_RDWR | os.O_CLOEXEC)
    os.write(switch, str(nth).encode())
    failed = libc.syscall(313, module, b"", 0)  # finit_module, on x86_64
    error = ctypes.get_errno() if failed else 0
    left = int(os.pread(switch, 16, 0))
    os.pwrite(switch, b"0", 0)
    os.close(switch)
    os.close(module)
    return error, left == 0


def remains() -> list[str]:
    """What there is of the module."""
    sysctl = f"/proc/sys/net/netfilter/{MODULE}_ports"
    places = [f"/sys/module/{MODULE}", f"/proc/net/{MODULE}", sysctl]
    names = [line.split()[0] for line in Path("/proc/modules").read_text().splitlines()]
    return [place for place in places if os.path.exists(place)] + [n for n in names if n == MODULE]


def main() -> None:
    """Fails each allocation in its turn."""
    outcomes: Counter[str] = Counter()
    nth = 0
    while True:
        nth += 1
        error, failed = load(nth)
        if not error and libc.syscall(176, MODULE.encode(), os.O_NONBLOCK):  # delete_module
            sys.exit(f"allocation {nth} failed: loaded, but cannot be removed")
        if error not in (0, errno.ENOMEM) or remains():
            sys.exit(f"allocation {nth} failed: {os.strerror(error)}, there remains {remains()}")
        if not failed:
            break
        outcomes["refused" if error else "loaded without it"] += 1
    print(f"{nth - 1} allocations failed: {dict(outcomes)}")
    if error or not outcomes["refused"]:
        sys.exit(f"none fails any more: {os.strerror(error)}")


if __name__ == "__main__":
    main()
