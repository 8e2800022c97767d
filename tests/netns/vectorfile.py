# SPDX-License-Identifier: GPL-2.0
"""The cases of tests/vectors, from build/vectors.json, which scripts/vectors.sh makes."""

import json
from dataclasses import dataclass
from pathlib import Path

_CLONE = Path(__file__).resolve().parent.parent.parent
_FILE = _CLONE / "build" / "vectors.json"
_SOURCES = _CLONE / "tests" / "vectors"

# Who says a line: the direction of the connection.
DIRECTION = {"c": "original", "s": "reply"}


@dataclass(frozen=True)
class Case:
    """One case: what both sides send, and the reason of the verdict on the last line, or "pass"."""

    name: str
    lines: list[tuple[str, bytes]]
    # The helper whose connection it is.
    helper: str
    # The module's parameters that differ from their defaults.
    params: dict[str, str]
    expect: str


def _is_stale() -> bool:
    made = _FILE.stat().st_mtime
    sources = [*_SOURCES.glob("*.vec"), *_SOURCES.glob("*.def")]
    return any(source.stat().st_mtime > made for source in sources)


def read_cases() -> list[Case]:
    """All cases."""
    if not _FILE.exists() or _is_stale():
        raise RuntimeError(f"{_FILE} is missing, or older than tests/vectors: run 'make vectors'")
    return [
        Case(
            name=case["name"],
            lines=[(side, bytes.fromhex(digits)) for side, digits in case["lines"]],
            helper=case["helper"],
            params=case["params"],
            expect=case["expect"],
        )
        for case in json.loads(_FILE.read_text(encoding="ascii"))
    ]


def lines_of(name: str) -> list[tuple[str, bytes]]:
    """What both sides say in the case of that name."""
    return next(case.lines for case in read_cases() if case.name == name)
