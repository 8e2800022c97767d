#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draws a terminal session as an SVG: a transcript on standard input, whose commands begin with "# ".

Shows the commands of the README's session, from `modprobe` on, and what they printed.
"""

import html
import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
FIRST = "modprobe nf_conntrack"
COLUMNS = 128
# Pixels: of a character, of a line, and around all.
CHARACTER, LINE, MARGIN = 8.4, 19, 16
STYLE = """
rect { fill: #1b1f24 }
text { font: 14px ui-monospace, Menlo, Consolas, monospace; fill: #d6dbe1; white-space: pre }
.typed { fill: #9ecbff; font-weight: bold }
"""


def session(readme: str) -> list[str]:
    """The commands of the README's session."""
    block = re.search(rf"^({FIRST}$.*?)^```", readme, re.DOTALL | re.MULTILINE)
    if not block:
        raise SystemExit(f"README.md shows no session that begins with {FIRST}")
    return [line.split("    # ")[0].strip() for line in block[1].splitlines()]


def excerpt(transcript: list[str], commands: list[str]) -> list[str]:
    """The lines of a transcript that belong to those commands."""
    shown = False
    lines = []
    for line in transcript:
        if line.startswith("# "):
            shown = line[2:] in commands
        if shown:
            lines.append(line)
    return lines


def folded(lines: list[str]) -> list[str]:
    """The lines as a terminal of that width has them."""
    parts = (
        (line[at : at + COLUMNS]) for line in lines for at in range(0, len(line) or 1, COLUMNS)
    )
    return list(parts)


def draw(lines: list[str]) -> str:
    """The picture."""
    width, height = 2 * MARGIN + COLUMNS * CHARACTER, 2 * MARGIN + len(lines) * LINE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}"'
        f' width="{width:.0f}" height="{height}" role="img">',
        "<title>A terminal: the module is loaded, a heartbleed probe is stopped</title>",
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" rx="6"/>',
    ]
    for number, line in enumerate(lines, 1):
        kind = ' class="typed"' if line.startswith("# ") else ""
        y = MARGIN + number * LINE - 5
        parts.append(f'<text x="{MARGIN}" y="{y}"{kind}>{html.escape(line, quote=False)}</text>')
    return "\n".join([*parts, "</svg>"])


def main() -> int:
    """Draws it."""
    commands = session(README.read_text())
    lines = excerpt([line.rstrip() for line in sys.stdin], commands)
    typed = [line[2:] for line in lines if line.startswith("# ")]
    if typed != commands:
        raise SystemExit(f"the transcript has {typed}, the README {commands}")
    print(draw(folded(lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
