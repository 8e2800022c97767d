#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Fails on prose that scripts/words.txt rejects, or on a sentence of over 30 words in a document.

Prose is the text of the documents and manual pages without their code, and the comments, docstrings
and messages of the source. With --proselint: has proselint read the documents, too.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from columns import ROOT, sources

# Words in a sentence of a document. A comment is short enough by itself.
LONGEST = 30
# The list itself, its test, what others have written, and data.
NOT_OURS = re.compile(
    r"^(COPYING|scripts/words\.txt|tests/scripts/test_documents\.py|debian/changelog)$"
    r"|^docs/mutants\.md$|\.(vec|def)$"
)
HASH = re.compile(
    r"\.(sh|py|awk|toml|txt|nft|rules|conf|config|dkms|postinst)$|(^|/)(Makefile|Kbuild|tls-status)$"
)
SLASH = re.compile(r"\.(rs|c|h|go|java)$")
PIECE = tuple[int, str]
# A string that reads like a sentence: three words or more.
_MESSAGE = re.compile(r'"((?:[a-zA-Z\'`,:;()-]+ ){2,}[a-zA-Z\'`,:;().-]+)"')


def _code_removed(text: str) -> str:
    """A text without what it has in code font, quotes and links."""
    text = re.sub(r"`[^`]*`", "CODE", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return re.sub(r"https?://\S+", "LINK", text)


def _paragraphs(lines: list[PIECE]) -> Iterator[PIECE]:
    """Joins lines with text up to an empty one."""
    held: list[str] = []
    start = 0
    for number, text in [*lines, (0, "")]:
        if text.strip():
            start = start if held else number
            held.append(text.strip())
        elif held:
            yield start, _code_removed(" ".join(held))
            held = []


def markdown(text: str) -> Iterator[PIECE]:
    """The paragraphs, items and cells of a document."""
    lines: list[PIECE] = []
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif line.lstrip().startswith("|"):
            lines += [piece for cell in line.split("|") for piece in ((number, cell), (number, ""))]
        elif not fenced:
            begins = re.match(r"\s*(- |\d+\. |#|>)", line)
            lines += [(number, ""), (number, line)] if begins else [(number, line)]
    return _paragraphs(lines)


def manual(text: str) -> Iterator[PIECE]:
    """The sentences of a manual page: a macro is a word."""
    lines: list[PIECE] = []
    literal = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(".Bd"):
            literal = True
        elif line.startswith(".Ed"):
            literal = False
        elif re.match(r"\.(Pp|S[hs]|It|Bl|El)", line):
            lines.append((number, ""))
        elif line.startswith("."):
            lines.append((number, "CODE" + ("." if line.endswith(" .") else "")))
        elif not literal:
            lines.append((number, line))
    return _paragraphs(lines)


def comments(name: str, text: str) -> Iterator[PIECE]:
    """Comments on lines of their own, docstrings, and messages."""
    mark = (
        r"\s*//[/!]? ?(.*)|\s*/?\*+(?!/) ?(.*?)(?:\*/)?"
        if SLASH.search(name)
        else r"\s*#(?!!) ?(.*)"
    )
    lines: list[PIECE] = []
    doc = False
    for number, line in enumerate(text.splitlines(), 1):
        found = re.fullmatch(mark, line)
        quotes = line.count('"""') if name.endswith(("py", "tls-status")) else 0
        if doc or quotes:
            lines.append((number, line.replace('"""', "")))
            doc ^= quotes == 1
        elif found:
            lines.append((number, next(filter(None, found.groups()), "")))
        else:
            lines.append((number, ""))
    yield from _paragraphs(lines)
    for number, line in enumerate(text.splitlines(), 1):
        yield from ((number, said[1]) for said in _MESSAGE.finditer(line))


def pieces(name: str) -> Iterator[PIECE]:
    """The prose of a file."""
    text = (ROOT / name).read_text(errors="replace")
    if name.endswith(".md"):
        return markdown(text)
    if re.search(r"\.\d$", name):
        return manual(text)
    if HASH.search(name) or SLASH.search(name):
        return comments(name, text)
    return iter(())


def word_list() -> list[tuple[re.Pattern[str], str]]:
    """What not to write, and what instead."""
    lines = (ROOT / "scripts/words.txt").read_text().splitlines()
    rows = [line.split("\t") for line in lines if line and line[0] != "#"]
    return [(re.compile(pattern, re.IGNORECASE), better) for pattern, better in rows]


def long_sentences(text: str) -> Iterator[str]:
    """Sentences with too many words."""
    for sentence in re.split(r"(?<=[.:;?!])\s+", text):
        words = re.findall(r"\w[\w'/-]*", sentence)
        if len(words) > LONGEST:
            yield f"{len(words)} words: {' '.join(sentence.split()[:8])} ..."


def complaints(name: str, words: list[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    """What is wrong with a file's prose."""
    for number, text in pieces(name):
        for pattern, better in words:
            for found in pattern.finditer(text):
                yield f"{name}:{number}: '{found[0]}': write '{better}'"
        if name.endswith(".md") or re.search(r"\.\d$", name):
            yield from (f"{name}:{number}: {long}" for long in long_sentences(text))


def proselint(name: str) -> Iterator[str]:
    """What proselint says about a document's prose."""
    config = {
        "checks": {"typography": False, "weasel_words.very": False, "lexical_illusions": False}
    }
    with tempfile.TemporaryDirectory() as folder:
        prose, settings = Path(folder, "prose.md"), Path(folder, "proselint.json")
        prose.write_text("\n\n".join(text for _, text in pieces(name)))
        settings.write_text(json.dumps(config))
        command = ["proselint", "check", "--config", settings, prose]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in (done.stdout + done.stderr).splitlines():
        yield f"{name}: {line.replace(str(prose), '')}"


def main(arguments: list[str]) -> int:
    """Reads them all."""
    words = word_list()
    names = [name for name in sources() if not NOT_OURS.search(name)]
    found = [line for name in names for line in complaints(name, words)]
    if arguments == ["--proselint"]:
        documents = [name for name in names if name.endswith(".md")]
        found = [line for name in documents for line in proselint(name)]
    print("\n".join(found) or f"{len(names)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
