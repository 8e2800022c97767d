# SPDX-License-Identifier: GPL-2.0
"""A TLS endpoint with the heartbeat flaw, server or client, on the kernel's own TCP.

It reads records as the flawed OpenSSL did: a heartbeat request is answered at any time with as many bytes as
it claims to carry, behind which the secret lies. Its ciphertext is no cipher: what the module sees of a
protected record is its length, and bytes that are not low.
"""

import os
import socket
import struct
import threading
from dataclasses import dataclass, field

from tlsnet import netns

CCS, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
CLIENT_HELLO, SERVER_HELLO, HELLO_DONE, KEY_EXCHANGE = 1, 2, 14, 16
MAX_PLAINTEXT = 1 << 14
TAG = bytes([0xEE] * 16)
MASKED = bytes(byte ^ 0xA5 for byte in range(256))
PORT = 443
SECRET = os.urandom(16).hex().encode()
# What lies in memory behind any request.
MEMORY = SECRET * (1 << 11)


def record(kind: int, body: bytes, minor: int = 3) -> bytes:
    """A record."""
    return struct.pack("!BBBH", kind, 3, minor, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    """A handshake message, in a record of its own."""
    return record(HANDSHAKE, bytes([kind]) + len(body).to_bytes(3, "big") + body)


def mask(data: bytes) -> bytes:
    """Makes it look like ciphertext, or undoes that: the peer can read it, as one that holds the keys."""
    return data.translate(MASKED)


def protect(plain: bytes) -> bytes:
    """The body of a protected record."""
    return mask(plain) + TAG


def unprotect(body: bytes) -> bytes:
    """Undoes protect()."""
    return mask(body[: -len(TAG)])


def hello(kind: int) -> bytes:
    """A ClientHello or ServerHello of TLS 1.2, with the heartbeat extension."""
    suites = b"\xc0\x2f\x00" if kind == SERVER_HELLO else b"\x00\x02\xc0\x2f\x01\x00"
    extension = struct.pack("!HHHB", 5, 15, 1, 1)
    return message(kind, b"\x03\x03" + b"\x55" * 32 + b"\x00" + suites + extension)


FINISHED = record(HANDSHAKE, bytes([0x80 | i for i in range(40)]))
CHANGE_CIPHER_SPEC = record(CCS, b"\x01")
CLIENT_FLIGHT = message(KEY_EXCHANGE, b"\x41" + bytes(0x80 | i for i in range(65))) + CHANGE_CIPHER_SPEC + FINISHED
SERVER_FLIGHT = CHANGE_CIPHER_SPEC + FINISHED


@dataclass
class Victim:
    """One connection of it, driven by whoever calls pump()."""

    sock: socket.socket
    is_server: bool
    # All that the application read.
    received: bytearray = field(default_factory=bytearray)
    # How many whole heartbeat requests it read.
    requests: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _unsent: bytearray = field(default_factory=bytearray)
    _peer_protected: bool = False
    _protected: bool = False

    def pump(self) -> None:
        """Reads what there is, and answers it."""
        try:
            while data := self.sock.recv(1 << 16):
                self.received += data
                self._buffer += data
                self._read_records()
        except (BlockingIOError, ConnectionError):
            pass
        self._flush()

    def say(self, data: bytes) -> None:
        """Sends, now or when there is room."""
        self._unsent += data
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self.sock.send(self._unsent)]
        except (BlockingIOError, ConnectionError):
            pass

    def _read_records(self) -> None:
        while len(self._buffer) >= 5:
            kind, _, _, length = struct.unpack_from("!BBBH", self._buffer)
            if len(self._buffer) < 5 + length:
                return
            body = bytes(self._buffer[5 : 5 + length])
            del self._buffer[: 5 + length]
            self._record(kind, body)

    def _record(self, kind: int, body: bytes) -> None:
        if kind == CCS:
            self._peer_protected = True
        elif kind == HANDSHAKE:
            self._handshake(body)
        elif kind == HEARTBEAT:
            self._heartbeat(unprotect(body) if self._peer_protected else body)

    def _handshake(self, body: bytes) -> None:
        if self._peer_protected:
            if self.is_server and not self._protected:
                self.say(SERVER_FLIGHT)
                self._protected = True
        elif self.is_server and body[0] == CLIENT_HELLO:
            self.say(hello(SERVER_HELLO) + message(HELLO_DONE, b""))
        elif not self.is_server and body[0] == HELLO_DONE:
            self.say(CLIENT_FLIGHT)
            self._protected = True

    def _heartbeat(self, request: bytes) -> None:
        if len(request) < 3 or request[0] != 1:
            return
        self.requests += 1
        claimed = int.from_bytes(request[1:3], "big")
        answer = b"\x02" + request[1:3] + (request[3:] + MEMORY)[:claimed] + bytes(16)
        for at in range(0, len(answer), MAX_PLAINTEXT):
            part = answer[at : at + MAX_PLAINTEXT]
            self.say(record(HEARTBEAT, protect(part) if self._protected else part))

    def close(self) -> None:
        """Ends the connection by a reset, so that nothing is sent again."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Victims:
    """All of them, in the namespace behind the hop."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._lock = threading.Lock()
        self._listeners: list[socket.socket] = []
        self._accepted: dict[tuple[str, int], Victim] = {}

    def listen(self, host: str, fast_open: bool = False, buffer: int = 0) -> None:
        """Listens on an address; with data on SYN taken, or with a receive buffer of a few bytes."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with netns(self._namespace):
            sock = socket.socket(family, socket.SOCK_STREAM)
        if fast_open:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 256)
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setblocking(False)
        sock.bind((host, PORT))
        sock.listen(256)
        self._listeners.append(sock)

    def accepted(self, peer: tuple[str, int]) -> Victim | None:
        """The server's end of the connection from there, once it is there."""
        with self._lock:
            for listener in self._listeners:
                self._accept(listener)
            return self._accepted.get(peer)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            sock.setblocking(False)
            self._accepted[address[0], address[1]] = Victim(sock, is_server=True)

    def connect(self, local: tuple[str, int], remote: str) -> Victim:
        """A client that connects, and will say hello when it has."""
        family = socket.AF_INET6 if ":" in remote else socket.AF_INET
        with netns(self._namespace):
            sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.bind(local)
        try:
            sock.connect((remote, PORT))
        except BlockingIOError:
            pass
        return Victim(sock, is_server=False)
