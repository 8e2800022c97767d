#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Actions for each reason, the reason in the mark, and a policy that changes under load."""

import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import tlsnet
from tlsnet import KernelLog, Ktap, client_of, counters, pair, receive_exactly, reset, sysctl

NOT_TLS = b"GET / HTTP/1.0\r\n\r\n"
HEARTBLEED = b"\x18\x03\x02\x00\x03\x01\x40\x00"
# An alert of 32 low bytes in a row; seq_len is 16.
LOW_RUN = b"\x15\x03\x01\x00\x20" + bytes(32)
# A short one breaks no rule.
RECORD = b"\x15\x03\x01\x00\x02\x01\x5a"
MASK = 0x1F00
# With everything reported, rules decide: a connection that sent heartbleed gets no answer.
VMAP = """table inet decide {
    chain forward {
        type filter hook forward priority filter
        ct mark and 0x1f00 vmap { 0x0100 : continue, 0x0400 : drop }
    }
}
"""
DEFAULTS: dict[str, object] = {"report": "none", "off": "none", "seq_len": 16, "mark": 0}


def run(*command: str, text: str | None = None) -> str:
    """Runs a command on the router."""
    full = ["ip", "netns", "exec", "router", *command]
    return subprocess.run(full, input=text, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def policy(**fields: object) -> Iterator[None]:
    """Sets a policy on the router, and restores it."""
    for name, value in fields.items():
        sysctl(name, value)
    try:
        yield
    finally:
        for name in fields:
            sysctl(name, DEFAULTS[name])


class Test:
    """The tests, with the log at hand."""

    def __init__(self) -> None:
        self.log = KernelLog()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A new connection, nothing logged about it."""
        client, server = pair(socket.AF_INET)
        self.log.forget(client_of(client))
        return client, server

    def said(self, client: socket.socket) -> list[tuple[str, str]]:
        """Reasons and outcomes of the lines about a connection."""
        return [(line.reason, line.outcome) for line in self.log.about(client_of(client))]

    def passes(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        """Fails unless the data arrives."""
        client.sendall(data)
        if receive_exactly(server, len(data)) != data:
            raise AssertionError(f"{data!r} did not arrive")

    def ends(self, data: bytes, client: socket.socket) -> None:
        """Fails unless the data costs the connection."""
        client.sendall(data)
        try:
            client.recv(1)
        except ConnectionResetError:
            return
        raise AssertionError("the client saw no reset")

    def expect(self, client: socket.socket, *lines: tuple[str, str]) -> None:
        """Fails unless the log has just these lines about the connection."""
        tlsnet.wait_until(lambda: len(self.said(client)) >= len(lines), f"log lines {lines}")
        if self.said(client) != list(lines):
            raise AssertionError(f"the log says {self.said(client)}")

    def drops(self) -> None:
        """By default a broken rule ends the connection."""
        client, _ = self.connect()
        self.ends(LOW_RUN, client)
        self.expect(client, ("suspicious_sequence", "connection condemned, reset"))

    def reports(self) -> None:
        """A reported break passes, is logged once, and the module goes on following."""
        with policy(report="suspicious_sequence,urgent_data"):
            before = counters()
            client, server = self.connect()
            self.passes(LOW_RUN, client, server)
            self.passes(RECORD, client, server)
            self.ends(HEARTBLEED, client)
            self.expect(
                client,
                ("suspicious_sequence", "reported"),
                ("heartbleed", "connection condemned, reset"),
            )
            now = counters()
            for name in ("reported", "suspicious_sequence", "heartbleed", "condemned"):
                if now[name] != before[name] + 1:
                    raise AssertionError(f"{name} went from {before[name]} to {now[name]}")

    def ignores(self) -> None:
        """A reason that is off is not looked for."""
        with policy(off="suspicious_sequence"):
            client, server = self.connect()
            self.passes(LOW_RUN, client, server)
            self.ends(HEARTBLEED, client)
            self.expect(client, ("heartbleed", "connection condemned, reset"))

    def loses_framing(self) -> None:
        """What is not TLS passes unread if record_type is only reported."""
        with policy(report="record_type"):
            client, server = self.connect()
            for data in (NOT_TLS, HEARTBLEED, NOT_TLS):
                self.passes(data, client, server)
            self.expect(client, ("record_type", "reported"))

    def mark_of(self, client: socket.socket) -> int:
        """The mark in conntrack's entry."""
        line = run("conntrack", "-L", "-p", "tcp", "--orig-port-src", str(client_of(client)[1]))
        return int(line.partition("mark=")[2].split()[0])

    def numbers(self) -> None:
        """A mask of five bits holds the reason's number, and leaves the other bits."""
        with policy(report="all", mark=hex(MASK)):
            for data, number in ((NOT_TLS, 1), (HEARTBLEED, 4)):
                client, server = self.connect()
                self.passes(data, client, server)
                if self.mark_of(client) != number << 8:
                    raise AssertionError(f"the mark is {self.mark_of(client):#x}")

    def decides(self) -> None:
        """With everything reported, an nft map decides by the reason."""
        run("nft", "-f", "-", text=VMAP)
        try:
            with policy(report="all", mark=hex(MASK)):
                client, server = self.connect()
                self.passes(NOT_TLS, client, server)
                self.passes(NOT_TLS, server, client)
                client, server = self.connect()
                self.passes(HEARTBLEED, client, server)
                tlsnet.swallowed((server, client), data=HEARTBLEED)
                reset(client)
                reset(server)
        finally:
            run("nft", "delete", "table", "inet", "decide")

    def under_load(self) -> None:
        """Writers on each CPU lose no change of another, while connections are judged."""
        values = {"seq_len": (16, 17), "mark": ("0x100", "0x200"), "log_limit": (0, 60000)}
        stop = multiprocessing.Event()
        writers = [
            multiprocessing.Process(target=write, args=(name, both, stop))
            for name, both in values.items()
        ]
        for writer in writers:
            writer.start()
        try:
            for _ in range(20):
                client, server = self.connect()
                self.passes(RECORD, client, server)
                self.ends(LOW_RUN, client)
        finally:
            stop.set()
            for writer in writers:
                writer.join(tlsnet.TIMEOUT)
        if codes := [writer.exitcode for writer in writers if writer.exitcode != 0]:
            raise AssertionError(f"writers ended with {codes}")
        for name, value in {"log_limit": 0, "mark": 0, "seq_len": 16}.items():
            sysctl(name, value)


def write(name: str, values: tuple, stop: object) -> None:
    """Writes one value, then the other, and reads each again: nobody else writes this one."""
    path = f"/proc/sys/net/netfilter/{tlsnet.MODULE}_{name}"
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpus[len(name) % len(cpus)]})
    with tlsnet.netns("router"):
        while not stop.is_set():  # type: ignore[attr-defined]
            for value in values:
                with open(path, "w", encoding="ascii") as file:
                    file.write(f"{value}\n")
                with open(path, encoding="ascii") as file:
                    read = file.read().strip()
                if read != str(value):
                    raise SystemExit(f"wrote {value} to {name}, read {read}")


def main() -> int:
    """Runs the tests in their order."""
    test = Test()
    tests = {
        "by default a broken rule drops": test.drops,
        "report: passes, and the connection is followed on": test.reports,
        "off: not looked for": test.ignores,
        "report, of a rule without which nothing can be read": test.loses_framing,
        "the reason's number in the mark": test.numbers,
        "rules decide by the number": test.decides,
        "many writers under load": test.under_load,
    }
    ktap = Ktap(len(tests))
    tlsnet.load(seq_len=16)
    for name, body in tests.items():
        ktap.check(name, body)
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main())
