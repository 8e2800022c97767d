#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""run.py [DOCUMENT...]: runs what the documents show, as it stands there, in the order given.

KTAP: a test per command. Each document begins on a machine on which nothing of another one is
left: scene.sh makes it. What docs/session.svg shows must come again, but for numbers that vary.
`--transcript DOCUMENT` prints commands and their output instead.
"""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

from commands import ROOT, Block, blocks, documents
from tlsnet import Ktap

HERE = Path(__file__).resolve().parent
# Seconds: an upper bound that no command should come near, never a measure of speed.
TIMEOUT = 600
PICTURE = ROOT / "docs/session.svg"


def scene(word: str) -> None:
    """Makes the machine that a document begins on, or takes it down."""
    subprocess.run([HERE / "scene.sh", word], check=True, timeout=TIMEOUT)


def folder(block: Block) -> Path:
    """Where its commands are typed: an example's beside the example, others in the scene."""
    if block.document.startswith("examples/"):
        return (ROOT / block.document).parent
    return Path(os.environ["NF_CT_TLS_SCENE"])


def run(block: Block, command: str) -> tuple[int, str]:
    """A command's exit status, and what it printed."""
    if block.kind == "nft":
        argv, text = ["nft", "-f", "-"], command
    else:
        argv, text = ["bash", "-c", command], ""
    done = subprocess.run(
        argv,
        input=text,
        cwd=folder(block),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode, done.stdout


def session() -> dict[str, list[str]]:
    """What each command of the picture prints there."""
    shown: dict[str, list[str]] = {}
    lines: list[str] = []
    picture = PICTURE.read_text() if PICTURE.exists() else ""
    for line in re.findall(r"<text [^>]*>(.*?)</text>", picture):
        text = html.unescape(line)
        if text.startswith("# "):
            shown[text[2:]] = lines = []
        else:
            lines.append(text)
    return shown


def comparable(line: str) -> str:
    """A line without what varies: times, ports, what a counter shows, and how columns are laid out."""
    line = re.sub(r"^\[ *\d+\.\d+\] |:\d{4,5}\b|\b[sd]port=\d{4,5}\b|(?<=\w) +\d+$", "", line)
    return " ".join(line.split())


def typed(command: str) -> str:
    """A command without the comment after it."""
    return command.split("    # ")[0].strip()


def expected(command: str) -> int:
    """The exit status that the comment after a command names."""
    named = re.search(r" {4}# exit status (\d+)", command)
    return int(named[1]) if named else 0


def differs(printed: str, shown: list[str]) -> str | None:
    """What is missing, if a document or the picture shows other lines than a command printed."""
    got = [comparable(line.rstrip()) for line in printed.splitlines()]
    missing = [line for line in shown if comparable(line) not in got]
    return f"{printed}It is shown with: {missing}" if missing else None


def title(block: Block, command: str) -> str:
    """What a test is called."""
    command = typed(command)
    words = f"nft -f - # {len(block.lines)} lines" if block.kind == "nft" else command
    return f"{block.document}:{block.line} {' '.join(words.split())}".replace("#", "-")


def transcript(path: Path) -> int:
    """Prints the commands of a document, and what they print."""
    scene("up")
    for block in blocks(path):
        for command in block.commands() if not block.not_run else []:
            print(f"# {typed(command)}\n{run(block, command)[1]}", end="", flush=True)
    scene("down")
    return 0


def main(names: list[str]) -> int:
    """Runs them."""
    if names[:1] == ["--transcript"]:
        return transcript(ROOT / names[1])
    asked = [ROOT / name for name in names] or documents()
    todo = {path: [block for block in blocks(path) if block.commands()] for path in asked}
    todo = {path: found for path, found in todo.items() if found}
    all_blocks = [block for found in todo.values() for block in found]
    ktap = Ktap(sum(len(block.commands()) for block in all_blocks if not block.not_run))
    shown = session()
    left_out = 0
    for found in todo.values():
        scene("up")
        for block in found:
            if block.not_run:
                left_out += len(block.commands())
                ktap.note(f"{block.document}:{block.line} is not run: {block.not_run}")
                continue
            for command, printed_there in zip(block.commands(), block.printed(), strict=True):
                status, printed = run(block, command)
                error = f"{printed}exit status {status}" if status != expected(command) else None
                wanted = printed_there or shown.get(typed(command), [])
                ktap.result(title(block, command), error or differs(printed, wanted))
        scene("down")
    ktap.note(f"{left_out} commands are not run")
    ktap.counts()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
