#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What becomes of a condemned connection that conntrack forgets: revived.py SECRET."""

import contextlib
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import tlsnet
from tlsnet import (
    SERVER,
    KernelLog,
    Ktap,
    client_of,
    netns,
    pending,
    reset,
    retransmits,
    wait_until,
)

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
IPTABLES = ("iptables", "ip6tables")
REJECT = "-p tcp -m connmark --mark 0x10/0x10 -j REJECT --reject-with tcp-reset"
IGNORE = "-p tcp --tcp-flags RST RST -j DROP"
# A heartbeat request that asks for 16384 bytes and brings none, cut in the middle of its length.
HALVES = bytes.fromhex("18030200"), bytes.fromhex("03014000")
HELLO_DONE = bytes.fromhex("0e000000")
# After this time conntrack has forgotten the connection, and later retransmissions have come.
ENOUGH = 6
# The time between two retransmissions doubles each time.
PATIENCE = 4 * tlsnet.TIMEOUT
TCPI_UNACKED = 24


@contextlib.contextmanager
def rule(namespace: str, chain: str, text: str) -> Iterator[None]:
    """A rule of both families, in a namespace."""
    change_rules(namespace, "-A", chain, text)
    try:
        yield
    finally:
        change_rules(namespace, "-D", chain, text)


def change_rules(namespace: str, action: str, chain: str, text: str) -> None:
    """Adds or deletes a rule of both families."""
    for iptables in IPTABLES:
        command = ["ip", "netns", "exec", namespace, iptables, action, chain, *text.split()]
        subprocess.run(command, check=True)


def client_hello() -> bytes:
    """A ClientHello of TLS 1.2 that offers heartbeats."""
    suites = bytes.fromhex("c02fc013009c002f0035000a")
    extensions = bytes.fromhex("000f000101000a00080006001d00170018000b00020100")
    extensions += bytes.fromhex("000d000e000c040105010601020104030203")
    body = b"\x03\x03" + b"\x55" * 32 + b"\0"
    body += struct.pack("!H", len(suites)) + suites + b"\x01\0"
    body += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def connect(family: socket.AddressFamily, port: int = 0) -> socket.socket:
    """A connection to the server, from that port."""
    with netns("client"):
        sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(tlsnet.TIMEOUT)
    sock.bind(("", port))
    sock.connect((SERVER[family], 443))
    return sock


def unacknowledged(sock: socket.socket) -> int:
    """How many segments are under way: tcpi_unacked."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int(struct.unpack_from("=I", info, TCPI_UNACKED)[0])


class Probe:
    """A connection that has just been condemned for a heartbeat in two segments."""

    def __init__(self, log: KernelLog, family: socket.AddressFamily) -> None:
        self.sock = connect(family)
        self.name = client_of(self.sock)
        self.received = bytearray()
        log.forget(self.name)
        self.sock.sendall(client_hello())
        wait_until(lambda: HELLO_DONE in self.read(), "the server's hello")
        self.sock.sendall(HALVES[0])
        wait_until(lambda: not unacknowledged(self.sock), "the acknowledgement")
        self._before = retransmits(self.sock)
        self.sock.sendall(HALVES[1])
        log.wait_about(self.name)

    def read(self) -> bytearray:
        """All that has arrived."""
        self.received += pending(self.sock)
        return self.received

    def has_insisted(self) -> bool:
        """Whether its TCP has sent the second half again, and again."""
        return retransmits(self.sock) >= self._before + ENOUGH


def memory_stays(log: KernelLog, family: socket.AddressFamily, secret: bytes) -> None:
    """The server's memory never arrives at a client that ignores resets."""
    with rule("client", "INPUT", IGNORE):
        probe = Probe(log, family)
        wait_until(
            lambda: secret in probe.read() or probe.has_insisted(), "retransmissions", PATIENCE
        )
        reset(probe.sock)
    if secret in probe.received:
        raise AssertionError(f"the memory arrived, {len(probe.received)} bytes in all")


def server_lets_go(log: KernelLog, family: socket.AddressFamily, _: bytes) -> None:
    """The server's socket is gone, whatever the client does."""
    with rule("client", "INPUT", IGNORE):
        probe = Probe(log, family)
        wait_until(lambda: not sockets(probe.name[1]), "the server's end of the connection to go")
        reset(probe.sock)


def sockets(port: int) -> str:
    """The server's sockets that are connected to that port."""
    command = ["ip", "netns", "exec", "server", "ss", "-Htan", f"sport = :443 and dport = :{port}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def port_is_served(log: KernelLog, family: socket.AddressFamily, _: bytes) -> None:
    """A client that is reset can use its port again at once."""
    probe = Probe(log, family)
    wait_until(lambda: is_reset(probe), "the reset")
    probe.sock.close()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(connect(family, probe.name[1])) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        if not sock.recv(100).startswith(b"HTTP/1.1 200"):
            raise AssertionError("the second connection is not served")


def is_reset(probe: Probe) -> bool:
    """Whether the client's TCP was reset."""
    try:
        probe.read()
    except ConnectionError:
        return True
    return False


TESTS = {
    "memory_stays": memory_stays,
    "server_lets_go": server_lets_go,
    "port_is_served": port_is_served,
}


def run(ktap: Ktap, log: KernelLog, secret: bytes, suffix: str) -> None:
    """All tests, over both families."""
    for name, test in TESTS.items():
        for family_name, family in FAMILIES.items():
            ktap.check(f"revived_{name}_{family_name}_{suffix}", partial(test, log, family, secret))


def main(secret: str) -> int:
    """Runs all tests, with a rule that rejects by the mark and without it."""
    ktap = Ktap(2 * len(TESTS) * len(FAMILIES))
    log = KernelLog()
    run(ktap, log, secret.encode(), "without_rule")
    with rule("router", "FORWARD", REJECT):
        run(ktap, log, secret.encode(), "with_rule")
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
