#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Fails when a line is wider than 100 columns, with a tab every 8.

As in the kernel, a string is not split: 40 columns count of each longer one. Nor are the rows of a
table in Markdown. What a program has written, or reads, is data, and any width will do.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100
STRING = 40
DATA = re.compile(
    r"\.(lock|svg|tsv|vec|def|log|json)$|^COPYING$|^debian/changelog$"
    # As the kernel has it.
    r"|^\.clippy\.toml$"
    # What these say is the key of a build root and of kernels: even a comment makes another one.
    r"|^scripts/(bootstrap\.sh|kconfig/)"
    # Names of changes, as cargo-mutants prints them.
    r"|^docs/mutants\.md$"
)
# What builds leave.
BUILT = {".git", "target", "__pycache__"}
MADE = re.compile(
    r"^\..*\.(cmd|d)$|\.(o|ko|mod|mod\.c|rmeta)$|^helpers_generated|^modules\.order|\.symvers$"
)
# Wide lines that were there when the limit came. The numbers may only go down.
OLD = {
    "tools/replay/src/page.html": 30,
}
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'")


def columns(line: str) -> int:
    """The width that counts."""
    short = _STRING.sub(lambda match: match[0][:STRING], line)
    return len(short.expandtabs(8))


def is_table(path: str, line: str) -> bool:
    """Whether a line is a row of a table in Markdown, or a link that cannot be split."""
    return path.endswith(".md") and (line.lstrip().startswith("|") or " " not in line.strip())


def sources() -> list[str]:
    """The files of the source, without what builds have left there."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [n for n in folders if n not in BUILT and Path(folder, n) != ROOT / "build"]
        inside = Path(folder).relative_to(ROOT)
        found += [str(inside / name) for name in files if not MADE.search(name)]
    return sorted(found)


def main() -> int:
    """Checks them."""
    failed = False
    names = [name for name in sources() if not DATA.search(name)]
    for name in names:
        lines = (ROOT / name).read_text(errors="replace").split("\n")
        wide = [
            n
            for n, line in enumerate(lines, 1)
            if columns(line) > WIDTH and not is_table(name, line)
        ]
        if len(wide) > OLD.get(name, 0):
            failed = True
            print(
                "\n".join(
                    f"{name}:{number}: {columns(lines[number - 1])} columns" for number in wide
                )
            )
        elif len(wide) < OLD.get(name, 0):
            failed = True
            print(
                f"{name}: only {len(wide)} wide lines are left: lower its number in scripts/columns.py"
            )
    print(f"{len(names)} files")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
