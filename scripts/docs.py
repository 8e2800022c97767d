#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Fails when the documents name what is not there, or lack what is.

Compared with the code: reasons, counters and settings. With the tree: paths, and targets of make.
With docs/session.svg: the README's session, of which it is a picture.
"""

import html
import re
import sys
from pathlib import Path

from session import session

ROOT = Path(__file__).resolve().parent.parent


def read(path: str) -> str:
    """The text of a file of the repository."""
    return (ROOT / path).read_text()


def rows(path: str, heading: str) -> set[str]:
    """The names in code font in the first column of the first table after a heading."""
    table = read(path).split(heading, 1)[1].split("|---", 1)[1]
    found: set[str] = set()
    for line in table.splitlines()[1:]:
        if not line.startswith("|"):
            break
        found |= set(re.findall(r"`(\w+)`", line.split("|")[1]))
    return found


def items(section: str) -> set[str]:
    """The words of the manual page's lists in a section."""
    text = read("docs/nf_conntrack_tls.4").split(section, 1)[1]
    text = re.split(r"^\.S[hs] ", text, maxsplit=1, flags=re.MULTILINE)[0]
    words = " ".join(re.findall(r"^\.It (?:Cm|Li|Va|Sy|Ic) (.*)", text, flags=re.MULTILINE))
    return set(re.findall(r"[a-z]\w+", re.sub(r"\b(?:Cm|Li|Va|Sy|Ic|Ns)\b", "", words)))


def differences(what: str, code: set[str], document: str, named: set[str]) -> list[str]:
    """What one of both lacks, a line each."""
    lines = [f"{document} lacks the {what} {name}" for name in sorted(code - named)]
    return lines + [
        f"{document} names the {what} {name}, which is none" for name in sorted(named - code)
    ]


def dead_ends(document: str) -> list[str]:
    """The paths and targets of make that a document names in code font or links, and that are not."""
    text = re.sub(r"^```.*?^```", "", read(document), flags=re.DOTALL | re.MULTILINE)
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    spans = re.findall(r"`([^`\n]+)`", text)
    named = {word for span in spans for word in re.findall(r"\bmake ([a-z][a-z-]+)", span)}
    lines = [f"{document}: there is no target {name}" for name in sorted(named - targets)]
    paths = {
        span
        for span in spans
        if re.fullmatch(r"(docs|examples|scripts|tests|tools)/[\w./-]+", span)
        and "REASON" not in span
    }
    links = {link for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", text)}
    folder = (ROOT / document).parent
    lines += [
        f"{document}: {path} is not there" for path in sorted(paths) if not (ROOT / path).exists()
    ]
    return lines + [
        f"{document}: {p} is not there" for p in sorted(links) if not (folder / p).exists()
    ]


def picture() -> list[str]:
    """Whether the picture of the README's session, if it has one, is of the commands there."""
    if "(docs/session.svg)" not in read("README.md"):
        return []
    typed = re.findall(r'class="typed">(.*?)</text>', read("docs/session.svg"))
    shown = [html.unescape(line).removeprefix("# ") for line in typed]
    if shown == session(read("README.md")):
        return []
    return ["docs/session.svg shows other commands than README.md: make session"]


def main() -> int:
    """Compares."""
    reasons = set(re.findall(r'Reason::\w+ => "(\w+)"', read("tls_parser/reason.rs")))
    counters = set(re.findall(r'^    \w+ = "(\w+)",', read("counters.rs"), flags=re.MULTILINE))
    fields = {
        name.lower()
        for name in re.findall(r"NF_CT_TLS_FIELD_(\w+)\] = FIELD", read("helpers/fields.c"))
    }
    found = differences("reason", reasons, "docs/RULES.md", rows("docs/RULES.md", "# Rules"))
    found += differences(
        "reason",
        reasons,
        "README.md",
        set(
            re.findall(
                r"`(\w+)`",
                read("README.md").split("## What it checks", 1)[1].split("Each reason", 1)[0],
            )
        ),
    )
    found += differences(
        "setting", fields, "docs/OPERATING.md", rows("docs/OPERATING.md", "## Policy")
    )
    found += differences(
        "counter", counters, "docs/OPERATING.md", rows("docs/OPERATING.md", "`name value` pair")
    )
    man = items(".Ss Parameters and sysctls")
    found += differences("setting", fields, "docs/nf_conntrack_tls.4", man)
    text = read("docs/nf_conntrack_tls.4")
    found += [
        f"docs/nf_conntrack_tls.4 lacks {name}"
        for name in sorted(reasons | counters)
        if not re.search(rf"\b{name}\b", text)
    ]
    for document in sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*.md")):
        found += dead_ends(document)
    for document in sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md")):
        found += dead_ends(document)
    found += picture()
    if not (reasons and counters and fields):
        found.append("the code has no reasons, counters or settings: is this script out of date?")
    print(
        "\n".join(found)
        or f"{len(reasons)} reasons, {len(counters)} counters and {len(fields)} settings agree"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
