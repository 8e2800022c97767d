#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Plays the cases of tests/vectors over real TCP, through the router.

Each case is one connection: its lines are sent in their order, each as one
send() by its side, and received whole by the other side before the next. The
line that breaks a rule must not arrive whole; the log names the reason and the
direction, once; and afterwards nothing passes in either direction.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import tlsnet
from tlsnet import KernelLog, Ktap, client_of, pair, pending, reset, swallowed
from vectorfile import DIRECTION, Case, read_cases

# Cases played at once: they wait for retransmissions most of the time.
AT_ONCE = 24
# Lines shorter than this are sent byte by byte in the third round.
BYTEWISE_BELOW = 64
# The ports of the helpers that rules give.
PORTS = {"tls": 443, "starttls": 587, "tls-proxy": 8443}


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


def rounds() -> list[Round]:
    """All of them, or those that NF_CT_TLS_ROUNDS names."""
    if not (wanted := os.environ.get("NF_CT_TLS_ROUNDS", "").split()):
        return ROUNDS
    if unknown := set(wanted) - {how.name for how in ROUNDS}:
        raise ValueError(f"NF_CT_TLS_ROUNDS: no round has the name {', '.join(sorted(unknown))}")
    return [how for how in ROUNDS if how.name in wanted]


class Play:
    """One case, one way."""

    def __init__(self, log: KernelLog, case: Case, how: Round) -> None:
        self.log, self.case, self.how = log, case, how
        client, server = pair(how.family, PORTS[case.helper])
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
            raise AssertionError(
                f"line {number}: {len(arrived)} of {len(piece)} bytes arrived, "
                f"log: {self.log.about(self.client)}"
            )

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


def router(*command: str) -> None:
    """Runs a command on the router."""
    subprocess.run(["ip", "netns", "exec", "router", *command], check=True)


def attach() -> None:
    """Has rules give the helpers to their ports; the module itself gives "tls" to 443."""
    for table in ("iptables", "ip6tables"):
        for helper, port in PORTS.items():
            if helper != "tls":
                rule = f"-A PREROUTING -p tcp --dport {port} -j CT --helper {helper}"
                router(table, "-t", "raw", *rule.split())


def detach() -> None:
    """Lets go of the helpers, which hold the module."""
    for table in ("iptables", "ip6tables"):
        router(table, "-t", "raw", "-F")


def error_of(play: tuple[KernelLog, Case, Round]) -> str | None:
    """Plays a case: what went wrong, or None."""
    try:
        Play(*play).run()
    except Exception as error:  # whatever it is, the test failed
        return f"{type(error).__name__}: {error}"
    return None


def choose(wanted: list[str]) -> list[Case]:
    """All cases, or those wanted."""
    cases = read_cases()
    if unknown := set(wanted) - {case.name for case in cases}:
        raise ValueError(f"no case has the name {', '.join(sorted(unknown))}")
    return [case for case in cases if not wanted or case.name in wanted]


def main(wanted: list[str]) -> int:
    """Plays all cases, or those wanted."""
    cases = choose(wanted)
    ways = rounds()
    ktap = Ktap(len(cases) * len(ways))
    log = KernelLog()
    for params, members in groups(cases).items():
        # With reset=0: after a reset it would be unclear how much had arrived.
        tlsnet.load(reset=0, **dict(params))
        attach()
        plays = [(log, case, how) for how in ways for case in members]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for (_, case, how), error in zip(plays, pool.map(error_of, plays), strict=True):
                ktap.result(f"{how.name} {case.name}", error)
        detach()
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
