#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges the browser's capture: each site's connections show what they are for, and break no rule.

browser.py TLS_REPLAY CAPTURE. Prints one line per site, and ends with a line of counts.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import witness

HYBRID, P384 = "group 11ec", "group 0018"
# What must be seen on the wire, by port: see browser.sh.
WANTS = {
    4431: {"TLS 1.3", HYBRID, "c:grease"},
    4432: {"TLS 1.2", "new ticket", "c:grease"},
    4433: {"TLS 1.3", HYBRID, "resumed"},
    4434: {"TLS 1.2", "resumed", "by ticket", "false start"},
    4435: {"TLS 1.3", P384, "hello retry"},
}


def verdicts(replay: str, capture: Path) -> dict[int, list[str]]:
    """What tls-replay says of each connection, by the server's port."""
    command = [replay, "--json", "--ports", ",".join(map(str, WANTS)), str(capture)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode > 1:
        sys.exit(f"{replay} failed")
    told = defaultdict(list)
    for line in map(json.loads, result.stdout.splitlines()):
        if line["event_type"] == "connection":
            told[line["dest_port"]].append(line["reason"] or line["verdict"])
    return told


def main(replay: str, capture: Path) -> int:
    """Prints the table."""
    flows = witness.flows(capture, range(min(WANTS), max(WANTS) + 1))
    told = verdicts(replay, capture)
    failed = 0
    for port, wants in WANTS.items():
        facts = set().union(*(witness.facts(flow) for flow in flows.get(port, [])))
        bad = [verdict for verdict in told[port] if verdict != "clean"]
        missing = sorted(wants - facts)
        right = not bad and not missing and len(told[port]) == len(flows.get(port, [])) > 0
        failed += not right
        result = "ok" if right else f"FAILED: missing {missing}, condemned {bad}"
        print(
            f"nginx        Chromium     {', '.join(sorted(wants)):38}  {len(told[port])} connections  {result}"
        )
    print(f"{len(WANTS) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
