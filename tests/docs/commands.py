#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The commands that the documents show, in the order given.

The first line of a fence in a Markdown document says what it holds: `sh` is commands, `console`
commands after `# ` and what they print, `nft` a ruleset for `nft -f -`, `text` none of these. In
the manual page the comment before `.Bd` says it: `.\\" sh`. In examples/ commands stand in
comments, after three spaces. What no guest can run has `not run: REASON` before it, in a comment
of the document. `    # exit status N` after a command says how it ends, if not with 0.
"""

import html
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = ("sh", "nft", "console", "text")

_FENCE = re.compile(r"^ *```(.*)$")
_NOT_RUN = re.compile(r'^(?:<!--|\.\\")\s*not run: (.*?)(?:\s*-->)?$')
_COMMENT = re.compile(r"^#   (\S.*)$")


class Unclear(Exception):
    """A block that does not say what it is."""


@dataclass
class Block:
    """A block of a document: its place, what it is, its lines, and why it cannot be run."""

    document: str
    line: int
    kind: str
    lines: list[str]
    not_run: str = ""

    def console(self) -> list[tuple[str, list[str]]]:
        """The commands of a console, each with what it prints."""
        shown: list[tuple[str, list[str]]] = []
        for line in "\n".join(self.lines).replace("\\\n\t", "").splitlines():
            if line.startswith("# "):
                shown.append((line[2:], []))
            else:
                shown[-1][1].append(line)
        return shown

    def printed(self) -> list[list[str]]:
        """What it shows that each of its commands prints: nothing, if it is no console."""
        if self.kind == "console":
            return [lines for _, lines in self.console()]
        return [[] for _ in self.commands()]

    def commands(self) -> list[str]:
        """Its commands; a ruleset is one."""
        text = "\n".join(self.lines) + "\n"
        if self.kind == "nft":
            return [text]
        if self.kind == "console":
            return [command for command, _ in self.console()]
        if self.kind == "text":
            return []
        joined = re.split(r"(?<!\\)\n", text)
        return [command for command in joined if command.strip() and command.strip()[0] != "#"]


def _markdown(name: str, lines: list[str]) -> Iterator[Block]:
    block = None
    for number, line in enumerate(lines, 1):
        fence = _FENCE.match(line)
        if fence and block is None:
            reason = _NOT_RUN.match(lines[number - 2])
            block = Block(name, number, fence[1], [], reason[1] if reason else "")
            if block.kind not in KINDS:
                raise Unclear(f"{name}:{number}: ```{block.kind} is none of {', '.join(KINDS)}")
        elif fence and block:
            yield block
            block = None
        elif block:
            block.lines.append(line)


def _manual(name: str, lines: list[str]) -> Iterator[Block]:
    for number, line in enumerate(lines, 1):
        if not line.startswith(".Bd -literal"):
            continue
        said = lines[number - 2].removeprefix('.\\" ')
        if said not in KINDS:
            raise Unclear(f"{name}:{number}: the comment before .Bd is none of {', '.join(KINDS)}")
        body = lines[number : lines.index(".Ed", number)]
        reason = _NOT_RUN.match(lines[number - 3])
        shown = [text.replace("\\e", "\\").replace("\\-", "-") for text in body]
        yield Block(name, number, said, shown, reason[1] if reason else "")


def _example(name: str, lines: list[str]) -> Iterator[Block]:
    for number, line in enumerate(lines, 1):
        command = _COMMENT.match(line)
        if command:
            reason = _NOT_RUN.match(lines[number - 2].replace("# ", '.\\" ', 1))
            yield Block(
                name, number, "sh", [html.unescape(command[1])], reason[1] if reason else ""
            )


def blocks(path: Path) -> list[Block]:
    """The blocks of a document."""
    name = str(path.relative_to(ROOT))
    lines = path.read_text().splitlines()
    if path.suffix == ".md":
        return list(_markdown(name, lines))
    if path.suffix == ".4":
        return list(_manual(name, lines))
    return list(_example(name, lines))


def documents() -> list[Path]:
    """All documents, README.md first."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    found += sorted((ROOT / "docs").glob("*.4"))
    return found + sorted(path for path in (ROOT / "examples").rglob("*") if path.is_file())


def main() -> int:
    """Shows them."""
    for path in documents():
        for block in blocks(path):
            for command in block.commands():
                print(f"{block.document}:{block.line}: {block.not_run or 'run'}: {command.strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
