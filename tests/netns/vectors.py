#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Plays the cases of tests/vectors over real TCP, through the router.

Each case is one connection: its lines are sent in their order, each as one
send() by its side, and received whole by the other side before the next. The
line that breaks a rule must not arrive whole; the log names the reason and the
direction, once; and afterwards nothing passes in either direction.
"""

import re
import socket
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import tlsnet
from tlsnet import KernelLog, Ktap, client_of, pair, pending, reset, swallowed

# Cases played at once: most of their time they wait for retransmissions.
AT_ONCE = 24
# Lines shorter than this are sent byte by byte in the third round.
BYTEWISE_BELOW = 64

DIRECTION = {"c": "original", "s": "reply"}


# --- the format -------------------------------------------------------------


@dataclass
class Case:
    """One case of a .vec file."""

    name: str
    lines: list[tuple[str, bytes]] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    expect: str = ""


_TOKEN = re.compile(
    r"\s*(?:(len8|len16|len24)\(|(\))|\$(\w+)|(high|[0-9a-fA-F]{2})\*(\d+)|([0-9a-fA-F]+))"
)


class Tokens:
    """Turns the tokens of a line into bytes."""

    def __init__(self, macros: dict[str, str], text: str) -> None:
        self.macros = macros
        self.text = text
        self.at = 0

    def all(self) -> bytes:
        """The whole line's bytes."""
        data = self._until_close(nested=False)
        if self.at != len(self.text):
            raise ValueError(f"stray ) in {self.text!r}")
        return data

    def _until_close(self, nested: bool) -> bytes:
        data = bytearray()
        while match := _TOKEN.match(self.text, self.at):
            self.at = match.end()
            if match[2]:
                if not nested:
                    raise ValueError(f"stray ) in {self.text!r}")
                return bytes(data)
            data += self._token(match)
        if nested or self.text[self.at :].strip():
            raise ValueError(f"cannot read {self.text[self.at :]!r} of {self.text!r}")
        self.at = len(self.text)
        return bytes(data)

    def _token(self, match: re.Match[str]) -> bytes:
        prefix, _, macro, repeated, count, plain = match.groups()
        if prefix:
            body = self._until_close(nested=True)
            return len(body).to_bytes(int(prefix[3:]) // 8, "big") + body
        if macro:
            return Tokens(self.macros, self.macros[macro]).all()
        if repeated == "high":
            return bytes(0x80 | i & 0x7F for i in range(int(count)))
        if repeated:
            return bytes.fromhex(repeated) * int(count)
        return bytes.fromhex(plain)


def logical_lines(text: str) -> Iterator[str]:
    """The lines without comments, continuations joined."""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            yield line


class Reader:
    """Reads .def and .vec files; the macros of one file are known in the next."""

    def __init__(self) -> None:
        self.macros: dict[str, str] = {}
        self.cases: list[Case] = []

    def read(self, file: Path) -> None:
        """Reads one file."""
        for line in logical_lines(file.read_text()):
            word, _, rest = line.partition(" ")
            try:
                self._line(word, rest.strip())
            except (KeyError, ValueError, IndexError) as error:
                raise ValueError(f"{file.name}: {line}: {error!r}") from error

    def _line(self, word: str, rest: str) -> None:
        if word == "def":
            name, _, value = rest.partition("=")
            self.macros[name.strip()] = value
        elif word == "case":
            self.cases.append(Case(rest))
        elif word == "param":
            for item in rest.split():
                name, _, value = item.partition("=")
                self.cases[-1].params[name] = value
        elif word in DIRECTION:
            self.cases[-1].lines.append((word, Tokens(self.macros, rest).all()))
        elif word == "expect":
            self.cases[-1].expect = rest
        elif word != "why":
            raise ValueError("unknown word")


def read_cases(folder: Path) -> list[Case]:
    """All cases of the folder."""
    reader = Reader()
    for file in [folder / "common.def", *sorted(folder.glob("*.vec"))]:
        reader.read(file)
    names = [case.name for case in reader.cases]
    if len(set(names)) != len(names):
        raise ValueError("two cases have the same name")
    for case in reader.cases:
        if not case.expect or not case.lines:
            raise ValueError(f"{case.name} expects nothing, or says nothing")
    return reader.cases


# --- playing ----------------------------------------------------------------


@dataclass(frozen=True)
class Round:
    """One way to play a case."""

    name: str
    family: socket.AddressFamily
    bytewise: bool

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """What is sent at a time."""
        if self.bytewise and len(data) < BYTEWISE_BELOW:
            return [data[i : i + 1] for i in range(len(data))]
        return [data]


ROUNDS = [
    Round("ipv4", socket.AF_INET, False),
    Round("ipv6", socket.AF_INET6, False),
    Round("bytewise", socket.AF_INET, True),
]


class Play:
    """One case, one way."""

    def __init__(self, log: KernelLog, case: Case, how: Round) -> None:
        self.log, self.case, self.how = log, case, how
        client, server = pair(how.family)
        self.ways = {"c": (client, server), "s": (server, client)}
        self.client = client_of(client)
        log.forget(self.client)

    def run(self) -> None:
        """Plays it; raises if anything is not as expected."""
        try:
            if self.case.expect == "pass":
                self._pass(self.case.lines)
            else:
                self._pass(self.case.lines[:-1])
                self._break(*self.case.lines[-1])
        finally:
            for sock in self.ways["c"]:
                reset(sock)

    def _pass(self, lines: list[tuple[str, bytes]]) -> None:
        for number, (side, data) in enumerate(lines, 1):
            for piece in self.how.pieces(data):
                self._arrive(side, piece, number)
        if condemned := self.log.about(self.client):
            raise AssertionError(f"condemned: {condemned}")

    def _arrive(self, side: str, piece: bytes, number: int) -> None:
        sender, receiver = self.ways[side]
        sender.sendall(piece)
        arrived = bytearray()

        def whole() -> bool:
            arrived.extend(pending(receiver))
            return len(arrived) >= len(piece) or bool(self.log.about(self.client))

        tlsnet.wait_until(whole, f"line {number}", fd=receiver.fileno())
        if arrived != piece:
            raise AssertionError(f"line {number}: {len(arrived)} of {len(piece)} bytes arrived, "
                                 f"log: {self.log.about(self.client)}")

    def _break(self, side: str, data: bytes) -> None:
        sender, receiver = self.ways[side]
        arrived = self._send_until_condemned(sender, receiver, data)
        condemned = self.log.wait_about(self.client)
        expected = (self.case.expect, DIRECTION[side])
        if (condemned.reason, condemned.direction) != expected:
            raise AssertionError(f"expected {expected}, the log says {condemned}")
        arrived += pending(receiver)
        if len(arrived) >= len(data):
            raise AssertionError("the line that breaks the rule arrived whole")
        swallowed(*self.ways.values())
        if len(self.log.about(self.client)) != 1:
            raise AssertionError(f"logged more than once: {self.log.about(self.client)}")

    def _send_until_condemned(
        self, sender: socket.socket, receiver: socket.socket, data: bytes
    ) -> bytes:
        """Sends the pieces, each but the last after the arrival of the one before."""
        arrived = bytearray()
        *before, last = self.how.pieces(data)
        for piece in before:
            sender.sendall(piece)
            wanted = len(arrived) + len(piece)

            def settled() -> bool:
                arrived.extend(pending(receiver))
                return len(arrived) >= wanted or bool(self.log.about(self.client))

            tlsnet.wait_until(settled, "a byte", fd=receiver.fileno())
            if len(arrived) < wanted:
                return bytes(arrived)
        sender.sendall(last)
        return bytes(arrived)


def groups(cases: list[Case]) -> dict[tuple[tuple[str, str], ...], list[Case]]:
    """The cases by the parameters they need the module to have."""
    by_params: dict[tuple[tuple[str, str], ...], list[Case]] = {}
    for case in cases:
        by_params.setdefault(tuple(sorted(case.params.items())), []).append(case)
    return by_params


def error_of(play: tuple[KernelLog, Case, Round]) -> str | None:
    """Plays a case: what went wrong, or None."""
    try:
        Play(*play).run()
    except Exception as error:  # whatever it is, the test failed
        return f"{type(error).__name__}: {error}"
    return None


def main(folder: Path, wanted: list[str]) -> int:
    """Plays all cases, or those wanted."""
    cases = [case for case in read_cases(folder) if not wanted or case.name in wanted]
    ktap = Ktap(len(cases) * len(ROUNDS))
    log = KernelLog()
    for params, members in groups(cases).items():
        tlsnet.load(**dict(params))
        plays = [(log, case, how) for how in ROUNDS for case in members]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for (_, case, how), error in zip(plays, pool.map(error_of, plays), strict=True):
                ktap.result(f"{how.name} {case.name}", error)
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
