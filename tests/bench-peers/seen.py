#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""seen.py EVE COUNTER: a counter of the newest statistics in Suricata's log of events.

0 if it has no statistics, or not this counter: it writes a counter once it has counted."""

import json
import sys


def newest(path: str) -> dict[str, object]:
    """The statistics written last."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            # The last line may not be whole yet.
            if line.endswith("\n") and '"event_type":"stats"' in line:
                found = json.loads(line)["stats"]
    return found


def main() -> None:
    """Prints the counter."""
    value: object = newest(sys.argv[1])
    for name in sys.argv[2].split("."):
        value = value.get(name, {}) if isinstance(value, dict) else {}
    print(value if isinstance(value, int) else 0)


if __name__ == "__main__":
    main()
