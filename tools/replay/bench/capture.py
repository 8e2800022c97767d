#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a pcap of TLS 1.2 connections to standard output, to measure tls-replay by.

capture.py CONNECTIONS BYTES [TOGETHER]: BYTES of application data per connection, in records of
16 KiB. TOGETHER connections are open at once (100). Each has addresses of its own, and a name in
its ClientHello.
"""

import struct
import sys

SEGMENT = 1448
RECORD = 1 << 14
SYN, ACK, FIN = 2, 16, 1
CLIENT, SERVER = b"\x0a\x00\x00\x01", b"\xc0\x00\x02\x01"


def record(kind: int, body: bytes) -> bytes:
    """One TLS record."""
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    """One handshake message, in a record."""
    return record(22, struct.pack(">I", kind << 24 | len(body)) + body)


def client_hello(name: bytes) -> bytes:
    """A ClientHello that names the server."""
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    extensions = struct.pack(">HH", 0, len(sni)) + sni
    body = b"\x03\x03" + bytes(range(128, 160)) + b"\x00" + b"\x00\x02\xc0\x2f" + b"\x01\x00"
    return message(1, body + struct.pack(">H", len(extensions)) + extensions)


def server_hello() -> bytes:
    """A server's first flight."""
    hello = b"\x03\x03" + bytes(range(160, 192)) + b"\x00" + b"\xc0\x2f" + b"\x00"
    certificate = b"\x00\x03\xe8" + b"\x00\x03\xe5" + bytes(997)
    return message(2, hello) + message(11, certificate) + message(12, bytes(300)) + message(14, b"")


def data(length: int) -> bytes:
    """Records that look encrypted."""
    noise = bytes((i * 167 + (i >> 8) * 59) & 0xFF | 0x80 * (i & 1) for i in range(RECORD))
    return b"".join(
        record(23, noise[: min(RECORD, length - at)]) for at in range(0, length, RECORD)
    )


class Talk:
    """A connection's packets."""

    def __init__(self) -> None:
        self.seq = [1000, 5000]
        self.packets: list[tuple[int, bytes]] = []

    def packet(self, side: int, flags: int, payload: bytes = b"") -> None:
        """Adds one segment."""
        tcp = struct.pack(
            ">HHIIBBHHH",
            *((0, 443) if side == 0 else (443, 0)),
            self.seq[side],
            self.seq[1 - side] if flags & ACK else 0,
            0x50,
            flags,
            0xFFFF,
            0,
            0,
        )
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, *ends)
        self.packets.append((side, ip + tcp + payload))
        self.seq[side] += len(payload) + bool(flags & (SYN | FIN))

    def say(self, side: int, stream: bytes) -> None:
        """Adds a stream in segments; the other side acknowledges every second one."""
        for count, at in enumerate(range(0, len(stream), SEGMENT)):
            self.packet(side, ACK, stream[at : at + SEGMENT])
            if count % 2:
                self.packet(1 - side, ACK)


def talk(length: int) -> Talk:
    """A whole connection."""
    it = Talk()
    it.packet(0, SYN)
    it.packet(1, SYN | ACK)
    it.packet(0, ACK)
    it.say(0, client_hello(b"server.example.org"))
    it.say(1, server_hello())
    it.say(0, message(16, bytes(66)) + record(20, b"\x01") + record(22, bytes(range(200, 240))))
    it.say(1, record(20, b"\x01") + record(22, bytes(range(200, 240))))
    it.say(0, data(min(length, 300)))
    it.say(1, data(length))
    for side in (0, 1):
        it.packet(side, FIN | ACK)
    it.packet(0, ACK)
    return it


def main() -> None:
    """Writes the connections, so many of them at once, packet by packet."""
    connections, length = int(sys.argv[1]), int(sys.argv[2])
    together = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    packets = talk(length).packets
    out = sys.stdout.buffer
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101))
    time = 0
    for first in range(0, connections, together):
        batch = range(first, min(first + together, connections))
        # Addresses by the connection's number, so that ports are used again by other hosts only.
        ends = [struct.pack(">BBH", 10, i >> 22, i >> 6 & 0xFFFF) for i in batch]
        ports = [struct.pack(">H", 1024 + (i & 63)) for i in batch]
        for side, packet in packets:
            size = struct.pack("<II", len(packet), len(packet))
            before, address = packet[:12], packet[16:20]
            for end, port in zip(ends, ports):
                time += 10
                out.write(struct.pack("<II", 1764200000 + time // 1000000, time % 1000000) + size)
                if side == 0:
                    out.write(before + end + address + port + packet[22:])
                else:
                    out.write(packet[:16] + end + packet[20:22] + port + packet[24:])


main()
