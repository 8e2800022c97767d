#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The tests of a protocol: rows.py PROTOCOL..., with its server running.

Native clients and openssl's upgrade, and are served. Without an upgrade they are served, too, or
are refused where one is required. Heartbleed probes, and cleartext in the segment of the request,
end the connection. The module's counters tell what it saw, and nothing else may have changed.
"""

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator

import tlsnet
from attacks import client_hello
from protocols import PROTOCOLS, SCRATCH, SERVER, Client, Other, Protocol, read_until
from tlsnet import KernelLog, Ktap, client_of, counters, netns, sysctl

SERVER_HELLO_DONE = bytes.fromhex("0e000000")
HEARTBEAT = bytes.fromhex("18 0303 0003 01 4000")
# Asks for nothing: the record of a ClientHello has it as its last extension.
OFFER = bytes.fromhex("000f 0001 01")

# What follows from a broken rule: more or less of it, as the ends take it.
CONSEQUENCES = {"dropped", "resets"}

Test = tuple[str, str, Callable[[], None]]
COLUMNS = ("upgrade", "clear", "required", "probe", "injection", "other")


def hello() -> bytes:
    """A ClientHello of OpenSSL for TLS 1.2, which offers heartbeats too."""
    plain = client_hello(ssl.TLSVersion.TLSv1_2)
    session = 9 + 2 + 32
    suites = session + 1 + plain[session]
    methods = suites + 2 + int.from_bytes(plain[suites : suites + 2])
    extensions = methods + 1 + plain[methods]
    body = plain[9:extensions]
    listed = plain[extensions + 2 :] + OFFER
    body += len(listed).to_bytes(2) + listed
    message = b"\x01" + len(body).to_bytes(3) + body
    return plain[:3] + len(message).to_bytes(2) + message


def changes(before: dict[str, int]) -> dict[str, int]:
    """What has been counted of upgrades and of broken rules: from "condemned" on, all are."""
    now = counters()
    names = list(now)
    watched = {"upgraded", "cleartext", *names[names.index("condemned") :]} - CONSEQUENCES
    return {name: now[name] - before[name] for name in watched if now[name] != before[name]}


def expect(before: dict[str, int], *names: str) -> None:
    """Fails unless each of these was counted once, and nothing else."""
    if (found := changes(before)) != dict.fromkeys(names, 1):
        raise AssertionError(f"counted was {found}, not {names}")


class Rows:
    """The tests of one protocol."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.log = KernelLog()

    def all(self) -> Iterator[Test]:
        """Each with its name, and its column of the table."""
        if self.protocol.openssl is not None:
            yield "openssl s_client upgrades", "upgrade", self.openssl
        for client in self.protocol.clients:
            yield from self.of_client(client)
        if self.protocol.nmap:
            yield "nmap's heartbleed probe is stopped", "probe", self.nmap
        yield "a heartbleed probe is stopped", "probe", self.probe
        yield "cleartext after the request is stopped", "injection", self.inject
        for other in self.protocol.others:
            yield other.name, "other", lambda other=other: self.other(other)

    def of_client(self, client: Client) -> Iterator[Test]:
        """The tests of a native client."""
        if client.upgraded:
            yield f"{client.name} upgrades", "upgrade", lambda: self.passes(
                client.upgraded, "upgraded"
            )
            yield f"{client.name} upgrades, which is required", "upgrade", lambda: self.required(
                lambda: self.passes(client.upgraded, "upgraded")
            )
        if client.clear:
            yield f"{client.name} stays in the clear", "clear", lambda: self.passes(
                client.clear, "cleartext"
            )
            yield f"{client.name} is refused in the clear", "required", lambda: self.required(
                lambda: self.refused(client.clear, "condemned", "cleartext", "starttls_required")
            )

    def other(self, other: Other) -> None:
        """A session of another kind."""
        if "condemned" in other.counted:
            self.refused(other.client, *other.counted)
        else:
            self.passes(other.client, *other.counted)

    # --- ordinary sessions ----------------------------------------------------

    @staticmethod
    def passes(client: Callable[[], None], *counted: str) -> None:
        """A client is served, and counted so."""
        before = counters()
        with netns("client"):
            client()
        expect(before, *counted)

    @staticmethod
    def refused(client: Callable[[], None], *counted: str) -> None:
        """A client is not served, and counted so."""
        before = counters()
        try:
            with netns("client"):
                client()
        except Exception as error:  # each client has its own
            print(f"refused: {error!r}"[:300], flush=True)
        else:
            raise AssertionError("it was served")
        expect(before, *counted)

    @staticmethod
    def required(test: Callable[[], None]) -> None:
        """A test where upgrades are required."""
        sysctl("starttls", "require")
        try:
            test()
        finally:
            sysctl("starttls", "allow")

    def openssl(self) -> None:
        """openssl's client upgrades, says something and is answered."""
        before = counters()
        command = ["ip", "netns", "exec", "client", "openssl", "s_client", "-quiet", "-ign_eof"]
        command += ["-crlf", *self.protocol.openssl, "-connect", "{}:{}".format(*self.near())]
        seen = b""
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as client:
            assert client.stdin and client.stdout
            client.stdin.write(self.protocol.said.encode("latin-1"))
            client.stdin.flush()
            while not re.search(self.protocol.answer.encode("latin-1"), seen):
                if not (more := client.stdout.read1()):
                    raise AssertionError(f"not answered: {seen!r}")
                seen += more
            client.kill()
        expect(before, "upgraded")

    def near(self) -> tuple[str, int]:
        """Where openssl's client and nmap connect."""
        return self.protocol.near or (SERVER, self.protocol.port)

    # --- attacks ---------------------------------------------------------------

    def begin(self) -> socket.socket:
        """A connection on which the request comes next."""
        with netns("client"):
            client = socket.create_connection((SERVER, self.protocol.port), tlsnet.TIMEOUT)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.log.forget(client_of(client))
        for said, answer in self.protocol.opening:
            client.sendall(said)
            read_until(client, answer)
        return client

    def probe(self) -> None:
        """Heartbleed, after the server's true answer to a hello."""
        before = counters()
        client = self.begin()
        client.sendall(self.protocol.request)
        read_until(client, self.protocol.accepted)
        client.sendall(hello())
        read_until(client, re.escape(SERVER_HELLO_DONE) + rb"\Z")
        client.sendall(HEARTBEAT)
        self.log.ended(client, "heartbleed")
        expect(before, "upgraded", "condemned", "heartbleed")

    def nmap(self) -> None:
        """nmap's probes end by a rule; it tries one version after another."""
        before = counters()
        host, port = self.near()
        command = ["ip", "netns", "exec", "client", "nmap", "-Pn", "-n", "-sT", "-p", str(port)]
        command += ["--initial-rtt-timeout", "10s", "--min-rtt-timeout", "10s"]
        command += ["--max-rtt-timeout", "60s", "--datadir", f"{SCRATCH}/nmap"]
        command += ["--script", f"+{SCRATCH}/nmap/scripts/ssl-heartbleed.nse", host]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = changes(before)
        print(said, found, flush=True)
        stopped = found.pop("condemned", 0)
        upgraded = found.pop("upgraded", 0)
        # A server that refuses a version may say so in the clear.
        found.pop(self.protocol.refuses, None)
        if not stopped or not upgraded or set(found) != {"heartbleed"} or "VULNERABLE" in said:
            raise AssertionError(f"{found}, {said}")

    def inject(self) -> None:
        """Cleartext in the same segment, after the request."""
        before = counters()
        client = self.begin()
        client.sendall(self.protocol.request + self.protocol.injected)
        self.log.ended(client, self.protocol.reason)
        found = changes(before)
        if found.get("condemned") != 1 or found.get(self.protocol.reason) != 1:
            raise AssertionError(f"counted was {found}")


def run(ktap: Ktap, rows: Rows) -> None:
    """Runs the tests of a protocol, and adds a line to the table."""
    protocol = rows.protocol
    seen: dict[str, str] = {}
    for what, column, test in rows.all():
        failures = ktap.failures
        ktap.check(f"{protocol.name}: {what}", test)
        if seen.get(column) != "fails":
            seen[column] = "ok" if ktap.failures == failures else "fails"
    clients = ["s_client"] * (protocol.openssl is not None)
    clients += [client.name for client in protocol.clients]
    cells = [protocol.name, protocol.server, ", ".join(clients)]
    cells += [seen.get(column, "-") for column in COLUMNS]
    if table := os.environ.get("UPGRADES_TABLE"):
        with open(table, "a", encoding="ascii") as file:
            print(*cells, sep=" | ", file=file)


def main(names: list[str]) -> int:
    """Runs the tests of these protocols."""
    all_rows = [Rows(PROTOCOLS[name]) for name in names]
    ktap = Ktap(sum(len(list(rows.all())) for rows in all_rows))
    for rows in all_rows:
        run(ktap, rows)
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
