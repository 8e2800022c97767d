# SPDX-License-Identifier: GPL-2.0
"""A TLS endpoint with the heartbeat flaw, server or client, on the kernel's own TCP.

It reads records as the flawed OpenSSL did: a heartbeat request is answered at any time with as
many bytes as it claims to carry, read from memory that holds the secret. Its ciphertext is fake: of
a protected record the module sees the length, and bytes that are not low.
"""

import fcntl
import os
import socket
import struct
import threading
import zlib
from dataclasses import dataclass, field

import tlsnet

CCS, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
CLIENT_HELLO, SERVER_HELLO, HELLO_DONE, KEY_EXCHANGE = 1, 2, 14, 16
MAX_PLAINTEXT = 1 << 14
TAG = bytes([0xEE] * 16)
MASKED = bytes(byte ^ 0xA5 for byte in range(256))
PORT = 443
SECRET = os.urandom(16).hex().encode()
# What memory holds after any request.
MEMORY = SECRET * (1 << 11)
# Compression methods, as a ClientHello offers them (RFC 3749).
NULL, DEFLATE_OR_NULL = b"\x00", b"\x01\x00"
# To take data on SYN from so many at once; to have so many bytes of memory.
OPTIONS = {
    "fast_open": (socket.IPPROTO_TCP, socket.TCP_FASTOPEN),
    "buffer": (socket.SOL_SOCKET, socket.SO_RCVBUF),
}
SIOCOUTQ = 0x5411
TCP_CLOSE = 7
# Nothing more to read or send now, or on a connection that has ended in whatever way.
NOTHING_MORE = (BlockingIOError, ConnectionError, TimeoutError)


def record(kind: int, body: bytes, minor: int = 3) -> bytes:
    """A record."""
    return struct.pack("!BBBH", kind, 3, minor, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    """A handshake message, in a record of its own."""
    return record(HANDSHAKE, bytes([kind]) + len(body).to_bytes(3, "big") + body)


def mask(data: bytes) -> bytes:
    """Makes it look like ciphertext, or reverses that, as a peer with the keys can."""
    return data.translate(MASKED)


def protect(plain: bytes) -> bytes:
    """The body of a protected record."""
    return mask(plain) + TAG


def unprotect(body: bytes) -> bytes:
    """Undoes protect()."""
    return mask(body[: -len(TAG)])


def hello(kind: int, methods: bytes = NULL, heartbeats: bool = True) -> bytes:
    """A ClientHello or ServerHello of TLS 1.2, with the heartbeat extension or without it.

    A ServerHello chooses the first of the compression methods.
    """
    if kind == SERVER_HELLO:
        choice = b"\xc0\x2f" + methods[:1]
    else:
        choice = b"\x00\x02\xc0\x2f" + bytes([len(methods)]) + methods
    extension = struct.pack("!HHHB", 5, 15, 1, 1) if heartbeats else b"\x00\x00"
    return message(kind, b"\x03\x03" + b"\x55" * 32 + b"\x00" + choice + extension)


def stored(data: bytes) -> bytes:
    """A block of deflate that holds the data as it is (RFC 1951 3.2.4)."""
    return struct.pack("<BHH", 0, len(data), len(data) ^ 0xFFFF) + data


# How a stream of deflate begins (RFC 1950).
ZLIB_HEADER = b"\x78\x01"


def compress(data: bytes) -> bytes:
    """Compresses at the level that leaves the data as it is."""
    return ZLIB_HEADER + stored(data)


def decompress(data: bytes) -> bytes:
    """Undoes any compression."""
    return zlib.decompressobj().decompress(data)


FINISHED = record(HANDSHAKE, bytes([0x80 | i for i in range(40)]))
CHANGE_CIPHER_SPEC = record(CCS, b"\x01")
CLIENT_FLIGHT = (
    message(KEY_EXCHANGE, b"\x41" + bytes(0x80 | i for i in range(65)))
    + CHANGE_CIPHER_SPEC
    + FINISHED
)
SERVER_FLIGHT = CHANGE_CIPHER_SPEC + FINISHED


@dataclass
class Victim:
    """One connection of it, driven by calls of pump()."""

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
    _compressed: bool = False

    def pump(self) -> None:
        """Reads what there is, and answers it."""
        try:
            while data := self.sock.recv(1 << 16):
                self.received += data
                self._buffer += data
                self._read_records()
        except NOTHING_MORE:
            pass
        self._flush()

    def say(self, data: bytes) -> None:
        """Sends, now or when there is room."""
        self._unsent += data
        self._flush()

    def is_waiting(self) -> bool:
        """Whether the peer has yet to acknowledge something, on a connection that lives."""
        if self._info()[0] == TCP_CLOSE:
            return False
        queued = fcntl.ioctl(self.sock, SIOCOUTQ, bytes(4))
        return bool(self._unsent) or queued != bytes(4)

    def retransmits(self) -> int:
        """How many segments its TCP has sent again."""
        return tlsnet.retransmits(self.sock)

    def _info(self) -> bytes:
        return self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self.sock.send(self._unsent)]
        except NOTHING_MORE:
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
            self._heartbeat(body)

    def _handshake(self, body: bytes) -> None:
        if self._peer_protected:
            if self.is_server and not self._protected:
                self.say(SERVER_FLIGHT)
                self._protected = True
        elif self.is_server and body[0] == CLIENT_HELLO:
            self._choose(body)
        elif body[0] == SERVER_HELLO:
            self._compressed = body == hello(SERVER_HELLO, DEFLATE_OR_NULL)[5:]
        elif not self.is_server and body[0] == HELLO_DONE:
            self.say(CLIENT_FLIGHT)
            self._protected = True

    def _choose(self, client_hello: bytes) -> None:
        self._compressed = client_hello == hello(CLIENT_HELLO, DEFLATE_OR_NULL)[5:]
        methods = DEFLATE_OR_NULL if self._compressed else NULL
        self.say(hello(SERVER_HELLO, methods) + message(HELLO_DONE, b""))

    def _heartbeat(self, body: bytes) -> None:
        plain = unprotect(body) if self._peer_protected else body
        request = decompress(plain) if self._compressed else plain
        if len(request) < 3 or request[0] != 1:
            return
        self.requests += 1
        claimed = int.from_bytes(request[1:3], "big")
        answer = b"\x02" + request[1:3] + (request[3:] + MEMORY)[:claimed] + bytes(16)
        for at in range(0, len(answer), MAX_PLAINTEXT):
            self._say_heartbeat(answer[at : at + MAX_PLAINTEXT])

    def _say_heartbeat(self, part: bytes) -> None:
        part = compress(part) if self._compressed else part
        self.say(record(HEARTBEAT, protect(part) if self._protected else part))

    def close(self) -> None:
        """Resets the connection, so that nothing is sent again."""
        tlsnet.reset(self.sock)


class Victims:
    """All of them, in the namespaces after the hop."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._listeners: list[socket.socket] = []
        self._accepted: dict[tuple[str, int], Victim] = {}

    def listen(self, host: str, namespace: str = "", protocol: int = 0, **options: int) -> None:
        """Listens on an address, by another protocol than TCP or with socket options."""
        sock = self._socket(host, namespace, protocol)
        for name, value in options.items():
            sock.setsockopt(*OPTIONS[name], value)
        sock.bind((host, PORT))
        sock.listen(256)
        self._listeners.append(sock)

    def _socket(self, host: str, namespace: str = "", protocol: int = 0) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with tlsnet.netns(namespace or self._home):
            sock = socket.socket(family, socket.SOCK_STREAM, protocol)
        sock.setblocking(False)
        return sock

    def accepted(self, peer: tuple[str, int]) -> Victim | None:
        """The server's end of the connection from there, once it is there."""
        with self._lock:
            for listener in self._listeners:
                self._accept(listener)
            return self._accepted.get(peer)

    def forget(self, peer: tuple[str, int]) -> None:
        """Drops the connection from there, so that another one can be accepted."""
        with self._lock:
            self._accepted.pop(peer, None)

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
        sock = self._socket(remote)
        sock.bind(local)
        try:
            sock.connect((remote, PORT))
        except BlockingIOError:
            pass
        return Victim(sock, is_server=False)
