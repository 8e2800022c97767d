#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tlslite-ng as a client or server, SSL3 and heartbeats among them; the words are those of peer.c.

heartbeat=N: the client sends N heartbeats once the handshake is over, waits for the answer of each,
and gets as many from the server.
"""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from tlslite.api import (
    HandshakeSettings,
    SessionCache,
    TLSConnection,
    X509CertChain,
    parsePEMKey,
)
from tlslite.errors import TLSError

Words = dict[str, str]
TICK, TOCK = b"tick\r\n", b"tock\r\n"


def version(name: str) -> tuple[int, int]:
    """A version's name, such as 1.2, in the wire's form."""
    return (3, 0) if name == "3.0" else (3, 1 + int(name[2]))


def make_settings(words: Words, answered: Callable[[object], None]) -> HandshakeSettings:
    """What the words ask for, and all ciphers that tlslite-ng has, but for NULL."""
    settings = HandshakeSettings()
    settings.minVersion = version(words.get("min", "1.2"))
    settings.maxVersion = version(words.get("max", "1.3"))
    settings.cipherNames = [*settings.cipherNames, "3des", "rc4"]
    settings.use_heartbeat_extension = "heartbeat" in words
    if "heartbeat" in words:
        # A side without a callback tells the other not to send any.
        settings.heartbeat_response_callback = answered
    settings.useExperimentalTackExtension = False
    settings.ticketKeys = [bytearray(range(32))]
    settings.ticketCipher = "aes256gcm"
    settings.ticket_count = 2
    if "record" in words:
        settings.record_size_limit = int(words["record"])
    if "groups" in words:
        names = {"p256": "secp256r1", "p384": "secp384r1", "x25519": "x25519"}
        settings.eccCurves = [names[name] for name in words["groups"].split(",")]
        settings.keyShares = settings.eccCurves[:1]
        settings.dhGroups = []
    return settings


class Beats:
    """The heartbeats of one side, each answered before the next."""

    def __init__(self, words: Words) -> None:
        self.planned = int(words.get("heartbeat", "0"))
        self.sent = 0
        self.answers = 0

    def answered(self, _response: object) -> None:
        """The other side answered one."""
        self.answers += 1

    def send(self, tls: TLSConnection) -> None:
        """Sends one, of another size than the last."""
        tls.send_heartbeat_request(bytearray(b"\xa5" * (40 * self.sent)), 16 + self.sent)
        self.sent += 1


def read_until(tls: TLSConnection, mark: bytes | None) -> bytes:
    """Reads to a mark, or to the end."""
    parts = bytearray()
    while mark is None or mark not in parts:
        part = tls.read(max=1 << 14, min=1)
        if not part:
            break
        parts += part
    return bytes(parts)


def exchange_beats(tls: TLSConnection, beats: Beats) -> None:
    """A client's heartbeats; what is sent after each tells when it has been answered."""
    while beats.sent < beats.planned:
        beats.send(tls)
        tls.write(TICK)
        read_until(tls, TOCK)


def read_request(tls: TLSConnection, beats: Beats) -> bytes:
    """What a client asks; for each heartbeat of it, it gets one of ours."""
    parts = bytearray()
    while b"\r\n\r\n" not in parts:
        part = tls.read(max=1 << 14, min=1)
        if not part:
            return b""
        parts += part
        # Before TLS 1.1 a write may come in two.
        if parts.endswith(TICK):
            beats.send(tls)
            tls.write(TOCK)
    return bytes(parts)


def load(words: Words) -> tuple[X509CertChain, object]:
    """The certificate chain, and its key."""
    chain = X509CertChain()
    chain.parsePemList(Path(words["cert"]).read_text(encoding="ascii"))
    return chain, parsePEMKey(Path(words["key"]).read_text(encoding="ascii"), private=True)


def ask(words: Words, where: tuple[str, int], request: bytes, before: object) -> object:
    """One connection; returns the session, for the next one."""
    tls = TLSConnection(socket.create_connection(where))
    beats = Beats(words)
    settings = make_settings(words, beats.answered)
    if "cert" in words:
        chain, key = load(words)
        tls.handshakeClientCert(chain, key, session=before, settings=settings)
    else:
        tls.handshakeClientCert(session=before, settings=settings, serverName="server.example")
    exchange_beats(tls, beats)
    tls.write(request)
    sys.stdout.buffer.write(read_until(tls, None))
    sys.stdout.buffer.flush()
    print(f"{beats.answers} heartbeats answered", file=sys.stderr)
    tls.close()
    return tls.session


def answer(words: Words, tcp: socket.socket, cache: SessionCache, data: bytes) -> None:
    """One connection of a server."""
    tls = TLSConnection(tcp)
    chain, key = load(words)
    beats = Beats(words)
    tls.handshakeServer(
        certChain=chain,
        privateKey=key,
        sessionCache=cache,
        settings=make_settings(words, beats.answered),
        reqCert=words.get("auth") == "1",
        # Without any, tlslite-ng fails with clients that offer one.
        alpn=[bytearray(b"http/1.1")],
    )
    tls.closeSocket = True
    request = read_request(tls, beats)
    if request:
        tls.write(data)
        tls.write(request)
    tls.close()


def serve(words: Words, where: tuple[str, int]) -> None:
    """Answers one connection after the other."""
    data = Path(words["data"]).read_bytes()
    cache = SessionCache()
    listener = socket.create_server(where)
    while True:
        tcp, _ = listener.accept()
        try:
            answer(words, tcp, cache, data)
        except (TLSError, OSError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            tcp.close()


def main() -> None:
    """client|server HOST PORT WORD=VALUE..."""
    words = dict(word.split("=", 1) for word in sys.argv[4:])
    where = (sys.argv[2], int(sys.argv[3]))
    if sys.argv[1] == "server":
        serve(words, where)
    request = sys.stdin.buffer.read()
    session = None
    for _ in range(int(words.get("connections", "1"))):
        session = ask(words, where, request, session)


main()
