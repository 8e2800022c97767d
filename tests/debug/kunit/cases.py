#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints the cases of tests/vectors as a Rust array."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TESTS / "netns"))

# pylint: disable-next=wrong-import-position
from vectorfile import DIRECTION, Case, read_cases  # noqa: E402


def opening(case: Case) -> str:
    """What comes before TLS in a case."""
    required = "Required" if case.params.get("starttls") == "require" else ""
    return {"tls": "Tls", "starttls": f"Starttls{required}", "tls-proxy": "Proxy"}[case.helper]


def policy(case: Case) -> str:
    """The policy of a case, over the default one."""
    switch = {"0": "false", "1": "true"}
    fields = [
        f"{name}: {switch[value] if name == 'heartbeat' else value}"
        for name, value in case.params.items()
        if name != "starttls"
    ]
    if case.helper != "tls":
        fields.append(f"opening: Opening::{opening(case)}")
    return f"Policy {{ {', '.join([*fields, '..DEFAULT'])} }}"


def line(side: str, data: bytes) -> str:
    """A line of a case: its direction and its bytes."""
    escaped = "".join(f"\\x{byte:02x}" for byte in data)
    return f'(Direction::{DIRECTION[side].capitalize()}, b"{escaped}")'


def entry(case: Case) -> str:
    """One case."""
    lines = ", ".join(line(*said) for said in case.lines)
    return (
        f'Case {{ name: "{case.name}", policy: {policy(case)}, '
        f'lines: &[{lines}], expect: "{case.expect}" }},'
    )


def main() -> None:
    """Prints them all."""
    print("// SPDX-License-Identifier: GPL-2.0")
    print("const CASES: &[Case] = &[")
    for case in read_cases():
        print(entry(case))
    print("];")


if __name__ == "__main__":
    main()
