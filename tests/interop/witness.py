# SPDX-License-Identifier: GPL-2.0
"""What a capture shows of TLS connections: whether a feature was really used.

A case of the matrix proves nothing if its stacks silently did something else. So each names facts
that must be seen on the wire, in clear: "TLS 1.3", "hello retry", "resumed", "c:ext:15" for an
extension of the ClientHello, "s:ext:1" for one of the ServerHello, and so on: see _facts().
"""

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
CCS, ALERT, HANDSHAKE, DATA, HEARTBEAT = range(20, 25)
CLIENT_HELLO, SERVER_HELLO, TICKET, CERTIFICATE, CERTIFICATE_REQUEST = 1, 2, 4, 11, 13
NAMES = {
    0x0300: "SSL 3",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
}


# --- packets to streams -----------------------------------------------------


@dataclass
class Stream:
    """One direction of a TCP connection."""

    start: int | None = None
    segments: list[tuple[float, int, bytes]] = field(default_factory=list)

    def bytes(self) -> bytes:
        """What was sent, up to the capture's first gap."""
        out = bytearray()
        for _, offset, payload in sorted(self._placed(), key=lambda segment: segment[1]):
            if offset > len(out):
                break
            out += payload[len(out) - offset :]
        return bytes(out)

    def time_of(self, offset: int) -> float:
        """When the byte at this offset first passed."""
        return min(
            (time for time, at, payload in self._placed() if at <= offset < at + len(payload)),
            default=float("inf"),
        )

    def _placed(self) -> Iterator[tuple[float, int, bytes]]:
        start = self.start if self.start is not None else 0
        for time, sequence, payload in self.segments:
            yield time, (sequence - start) & 0xFFFFFFFF, payload


@dataclass
class Flow:
    """A TCP connection."""

    client: Stream = field(default_factory=Stream)
    server: Stream = field(default_factory=Stream)


def _packets(path: Path) -> Iterator[tuple[float, bytes]]:
    content = path.read_bytes()
    scale = 1e-9 if content[:4] == b"\x4d\x3c\xb2\xa1" else 1e-6
    at = 24
    while at + 16 <= len(content):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", content, at)
        yield seconds + fraction * scale, content[at + 16 : at + 16 + size]
        at += 16 + size


def flows(path: Path, ports: range) -> dict[int, list[Flow]]:
    """The connections to these ports in a capture, by port."""
    found: dict[tuple[int, int], Flow] = {}
    for time, frame in _packets(path):
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        ip = 14
        tcp = ip + (frame[ip] & 15) * 4
        source, target, sequence = struct.unpack_from(">HHI", frame, tcp)
        end = ip + struct.unpack_from(">H", frame, ip + 2)[0]
        payload = frame[tcp + (frame[tcp + 12] >> 4) * 4 : end]
        if target in ports:
            stream = found.setdefault((target, source), Flow()).client
        elif source in ports:
            stream = found.setdefault((source, target), Flow()).server
        else:
            continue
        if frame[tcp + 13] & 2:
            stream.start = (sequence + 1) & 0xFFFFFFFF
        if payload:
            stream.segments.append((time, sequence, payload))
    by_port: dict[int, list[Flow]] = defaultdict(list)
    for (port, _), flow in found.items():
        by_port[port].append(flow)
    return by_port


# --- streams to messages ----------------------------------------------------


@dataclass(frozen=True)
class Record:
    """A TLS record."""

    offset: int
    kind: int
    version: int
    body: bytes


@dataclass
class Hello:
    """A ClientHello or ServerHello."""

    version: int
    random: bytes
    session: bytes
    ciphers: list[int]
    extensions: dict[int, bytes]


def starts_as_ssl2(stream: bytes) -> bool:
    """Whether it begins with a ClientHello in SSL2's format."""
    return len(stream) > 2 and bool(stream[0] & 0x80) and stream[2] == CLIENT_HELLO


def records(stream: bytes) -> list[Record]:
    """The records of a stream, after an SSL2-format hello."""
    at = 2 + (struct.unpack_from(">H", stream)[0] & 0x7FFF) if starts_as_ssl2(stream) else 0
    found = []
    while at + 5 <= len(stream):
        kind, version, size = struct.unpack_from(">BHH", stream, at)
        found.append(Record(at, kind, version, stream[at + 5 : at + 5 + size]))
        at += 5 + size
    return found


def _messages(found: list[Record], protects: bool) -> Iterator[tuple[int, bytes]]:
    """The cleartext handshake messages; protects: what follows ChangeCipherSpec is ciphertext."""
    clear = bytearray()
    for record in found:
        if record.kind == CCS and protects:
            break
        if record.kind == HANDSHAKE:
            clear += record.body
    at = 0
    while at + 4 <= len(clear):
        size = int.from_bytes(clear[at + 1 : at + 4])
        yield clear[at], bytes(clear[at + 4 : at + 4 + size])
        at += 4 + size


def _hello(kind: int, body: bytes) -> Hello:
    version, random = struct.unpack_from(">H32s", body)
    at = 34
    session = body[at + 1 : at + 1 + body[at]]
    at += 1 + len(session)
    size = 2
    if kind == CLIENT_HELLO:
        size = struct.unpack_from(">H", body, at)[0]
        at += 2
    ciphers = [value for (value,) in struct.iter_unpack(">H", body[at : at + size])]
    at += size
    at += 1 + body[at] if kind == CLIENT_HELLO else 1
    at += 2
    extensions = {}
    while at + 4 <= len(body):
        number, size = struct.unpack_from(">HH", body, at)
        extensions[number] = body[at + 4 : at + 4 + size]
        at += 4 + size
    return Hello(version, random, session, ciphers, extensions)


def _hellos(kind: int, messages: list[tuple[int, bytes]]) -> list[Hello]:
    return [_hello(kind, body) for number, body in messages if number == kind]


# --- messages to facts ------------------------------------------------------


def _grease(value: int) -> bool:
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def facts(flow: Flow) -> set[str]:
    """What a connection shows of itself."""
    client, server = flow.client.bytes(), flow.server.bytes()
    sent, answered = records(client), records(server)
    told = set(_side_facts("c", sent)) | set(_side_facts("s", answered))
    if starts_as_ssl2(client):
        told.add("SSL2 hello")
    server_hellos = _hellos(SERVER_HELLO, list(_messages(answered, True))[:1])
    if not server_hellos:
        return (
            told
            | {f"c:{fact}" for fact in _alerts(sent, True)}
            | {f"s:{fact}" for fact in _alerts(answered, True)}
        )
    tls13 = 43 in server_hellos[0].extensions
    asked, replied = list(_messages(sent, not tls13)), list(_messages(answered, not tls13))
    client_hellos, server_hellos = _hellos(CLIENT_HELLO, asked), _hellos(SERVER_HELLO, replied)
    told |= set(_hello_facts(client_hellos, server_hellos))
    told |= {
        f"{side}:{fact}"
        for side, found in (("c", sent), ("s", answered))
        for fact in _alerts(found, False)
    }
    if not tls13:
        told |= set(_old_facts(flow, client_hellos, replied, sent, answered))
    return told


def _side_facts(side: str, found: list[Record]) -> Iterator[str]:
    kinds = [record.kind for record in found]
    if CCS in kinds:
        yield f"{side}:ccs"
    if HEARTBEAT in kinds:
        yield f"{side}:heartbeat"
    if found and max(len(record.body) for record in found) <= 512 + 256:
        yield f"{side}:small records"
    if sum(len(record.body) for record in found) > 160_000:
        yield f"{side}:long"


def _alerts(found: list[Record], whole: bool) -> Iterator[str]:
    for record in found:
        if record.kind == CCS and not whole:
            return
        if record.kind == ALERT and len(record.body) == 2:
            yield f"alert {record.body[1]}"


def _hello_facts(client: list[Hello], server: list[Hello]) -> Iterator[str]:
    last = server[-1]
    chosen = last.extensions.get(43)
    yield NAMES.get(int.from_bytes(chosen) if chosen else last.version, "?")
    if any(hello.random == RETRY for hello in server):
        yield "hello retry"
    if 51 in last.extensions:
        yield f"group {int.from_bytes(last.extensions[51][:2]):04x}"
    if 41 in last.extensions:
        yield "resumed"
    for side, hellos in (("c", client), ("s", server)):
        for hello in hellos:
            yield from (f"{side}:ext:{number}" for number in hello.extensions)
            yield from (f"{side}:grease" for n in (*hello.ciphers, *hello.extensions) if _grease(n))


def _old_facts(
    flow: Flow,
    client: list[Hello],
    replied: list[tuple[int, bytes]],
    sent: list[Record],
    answered: list[Record],
) -> Iterator[str]:
    """What TLS 1.2 and before show in clear, and 1.3 hides."""
    kinds = [kind for kind, _ in replied]
    handshakes = [record.kind for record in sent]
    if CERTIFICATE not in kinds and any(record.kind == CCS for record in answered):
        yield "resumed"
        # An empty ticket asks for one.
        yield "by ticket" if any(hello.extensions.get(35) for hello in client) else "by id"
    if TICKET in kinds:
        yield "new ticket"
    if CERTIFICATE_REQUEST in kinds:
        yield "certificate request"
    if any(kind == CERTIFICATE and len(body) > 90_000 for kind, body in replied):
        yield "long chain"
    if CCS in handshakes and HANDSHAKE in handshakes[handshakes.index(CCS) + 2 :]:
        yield "renegotiation"
    data = next((record for record in sent if record.kind == DATA), None)
    change = next((record for record in answered if record.kind == CCS), None)
    if data and change and flow.client.time_of(data.offset) < flow.server.time_of(change.offset):
        yield "false start"
