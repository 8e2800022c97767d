#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A TLS 1.0 to 1.2 server with the heartbeat flaw of OpenSSL 1.0.1 (CVE-2014-0160).

It speaks real TLS (tlslite-ng), and answers a heartbeat request as the flawed
OpenSSL did: at any time, right after its ServerHello too, whatever was
negotiated, and with as many bytes as the request *claims* to carry, read from
where the request lies in memory. A secret follows it.

What each connection received, TLS or not, is kept under --tap in a file named
after the peer's port, which appears when the connection has ended.
"""

import argparse
import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.constants import ContentType, HeartbeatMessageType
from tlslite.errors import TLSError

# Where the secret follows the request, and how far memory reaches.
SECRET_DISTANCE = 200
MEMORY_SIZE = 1 << 17
# Seconds before an answer: a client that sent its request early has then read what came first.
DELAY = 0.5
HEADER_SIZE = 3
PADDING_SIZE = 16


class Memory:
    """The process's memory as the flaw reads it: the request, and what follows it."""

    def __init__(self, secret: bytes) -> None:
        stale = bytearray(b"GET /account HTTP/1.1\r\nHost: bank.example\r\n" * (MEMORY_SIZE // 40))
        stale[SECRET_DISTANCE : SECRET_DISTANCE + len(secret)] = secret
        self._stale = bytes(stale)

    def read(self, request: bytes, length: int) -> bytes:
        """memcpy(): length bytes from the request's payload on, wherever that ends."""
        return (request[HEADER_SIZE:] + self._stale)[:length]


class Reply:
    """A heartbeat response, as tlslite-ng's record layer takes messages."""

    contentType = ContentType.heartbeat

    def __init__(self, payload: bytes) -> None:
        length = len(payload).to_bytes(2, "big")
        kind = bytes([HeartbeatMessageType.heartbeat_response])
        self._bytes = bytearray(kind + length + payload + os.urandom(PADDING_SIZE))

    def write(self) -> bytearray:
        """The message's bytes."""
        return self._bytes


class LeakyConnection(TLSConnection):  # type: ignore[misc]
    """A connection that answers heartbeats before tlslite-ng checks them."""

    memory: Memory

    def _getNextRecord(self) -> Iterator[Any]:
        for result in super()._getNextRecord():
            if isinstance(result, tuple) and result[0].type == ContentType.heartbeat:
                yield from self._answer(bytes(result[1].bytes))
            else:
                yield result

    def _answer(self, request: bytes) -> Iterator[Any]:
        if request[:1] != bytes([HeartbeatMessageType.heartbeat_request]):
            return
        time.sleep(DELAY)
        claimed = int.from_bytes(request[1:HEADER_SIZE], "big")
        yield from self._sendMsg(Reply(self.memory.read(request, claimed)))
        self.sock.flush()


class Tap:
    """A socket that remembers what it received."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.received = bytearray()

    def recv(self, size: int) -> bytes:
        """Receives and remembers."""
        data = self._sock.recv(size)
        self.received += data
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Server(socketserver.ThreadingTCPServer):
    """Listens on one address."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, options: argparse.Namespace) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.tap_folder: Path = options.tap
        self.memory = Memory(options.secret.encode())
        self.key = parsePEMKey(options.key.read_text(), private=True)
        self.chain = X509CertChain()
        self.chain.parsePemList(options.cert.read_text())
        self.settings = HandshakeSettings()
        self.settings.minVersion = (3, 1)
        self.settings.maxVersion = (3, 3)
        super().__init__((host, 443), Handler)


class Handler(socketserver.BaseRequestHandler):
    """One connection: a handshake, then any request gets a short answer."""

    server: Server

    def handle(self) -> None:
        tap = Tap(self.request)
        try:
            self._serve(tap)
        except (TLSError, OSError):
            pass
        finally:
            self._keep(tap)

    def _serve(self, tap: Tap) -> None:
        connection = LeakyConnection(tap)
        connection.memory = self.server.memory
        connection.handshakeServer(
            certChain=self.server.chain, privateKey=self.server.key, settings=self.server.settings
        )
        while connection.read(max=4096, min=1):
            connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")

    def _keep(self, tap: Tap) -> None:
        name = str(self.client_address[1])
        part = self.server.tap_folder / f".{name}"
        part.write_bytes(tap.received)
        part.rename(self.server.tap_folder / name)


def main() -> None:
    """Serves until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cert", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--tap", type=Path, required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("hosts", nargs="+", metavar="HOST")
    options = parser.parse_args()
    for host in options.hosts:
        threading.Thread(target=Server(host, options).serve_forever).start()


if __name__ == "__main__":
    main()
