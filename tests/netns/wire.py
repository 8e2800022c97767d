# SPDX-License-Identifier: GPL-2.0
"""Packets made by hand, put on the attacker's wire below its TCP stack, and read from it."""

import json
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tlsnet import TIMEOUT, netns

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
ICMP, TCP, FRAGMENT, DESTINATION_OPTIONS, HOP_BY_HOP = 1, 6, 44, 60, 0
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}

Key = tuple[int, int]


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1]))
    if len(data) & 1:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(frozen=True)
class Segment:
    """A TCP segment, and what its IP packet is like."""

    source: tuple[str, int]
    target: tuple[str, int]
    seq: int
    ack: int = 0
    flags: str = "A"
    window: int = 65535
    urgent: int = 0
    options: bytes = b""
    data: bytes = b""
    ttl: int = 64
    bad_checksum: bool = False
    # The payload of each IP fragment, or 0 for none; the last one first if backwards.
    fragment: int = 0
    backwards: bool = False
    ip_options: bytes = b""
    # IPv6: the types of the extension headers, each holding padding.
    extensions: tuple[int, ...] = ()

    def tcp(self) -> bytes:
        """The segment's bytes."""
        options = self.options + b"\x01" * (-len(self.options) % 4)
        offset = (20 + len(options)) // 4
        head = struct.pack(
            "!HHIIBBHHH",
            self.source[1],
            self.target[1],
            self.seq & 0xFFFFFFFF,
            self.ack & 0xFFFFFFFF,
            offset << 4,
            sum(FLAGS[flag] for flag in self.flags),
            self.window,
            0,
            self.urgent,
        )
        plain = head + options + self.data
        told = checksum(self._pseudo_header(len(plain)) + plain) ^ (0x5555 * self.bad_checksum)
        return plain[:16] + struct.pack("!H", told) + plain[18:]

    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.source[0] else socket.AF_INET

    def _addresses(self) -> bytes:
        family = self._family()
        return b"".join(socket.inet_pton(family, end[0]) for end in (self.source, self.target))

    def _pseudo_header(self, length: int) -> bytes:
        layout = "!HH" if self._family() == socket.AF_INET else "!II"
        return self._addresses() + struct.pack(layout, TCP, length)

    def packets(self, identity: int) -> list[tuple[int, bytes]]:
        """The IP packets that carry the segment, each with its Ethernet type."""
        if self._family() == socket.AF_INET:
            packets = [(ETH_P_IP, packet) for packet in self._ipv4(identity)]
        else:
            packets = [(ETH_P_IPV6, packet) for packet in self._ipv6(identity)]
        return packets[::-1] if self.backwards else packets

    def _fragments(self, payload: bytes) -> list[tuple[int, bool, bytes]]:
        size = self.fragment or len(payload)
        starts = range(0, len(payload), size)
        return [(at, at + size < len(payload), payload[at : at + size]) for at in starts]

    def _ipv4(self, identity: int) -> list[bytes]:
        return [
            ipv4(self._addresses(), TCP, part, self.ttl, identity, at // 8 | more << 13, self.ip_options)
            for at, more, part in self._fragments(self.tcp())
        ]

    def _ipv6(self, identity: int) -> list[bytes]:
        kind, payload = TCP, self.tcp()
        for extension in reversed(self.extensions):
            # A length of 0 is 8 bytes, here filled by one PadN option.
            payload = bytes([kind, 0, 1, 4, 0, 0, 0, 0]) + payload
            kind = extension
        if not self.fragment:
            return [self._ipv6_packet(kind, payload)]
        return [
            self._ipv6_packet(FRAGMENT, struct.pack("!BBHI", kind, 0, at | more, identity) + part)
            for at, more, part in self._fragments(payload)
        ]

    def _ipv6_packet(self, kind: int, payload: bytes) -> bytes:
        head = struct.pack("!IHBB", 6 << 28, len(payload), kind, self.ttl)
        return head + self._addresses() + payload


def ipv4(
    addresses: bytes, protocol: int, payload: bytes, ttl: int, identity: int, place: int, options: bytes
) -> bytes:
    """An IPv4 packet."""
    words = 5 + len(options) // 4
    length = words * 4 + len(payload)
    head = struct.pack("!BBHHHBBH", 4 << 4 | words, 0, length, identity & 0xFFFF, place, ttl, protocol, 0)
    told = checksum(head + addresses + options)
    return head[:10] + struct.pack("!H", told) + addresses + options + payload


@dataclass(frozen=True)
class Arrival:
    """What is read of a TCP segment that arrives."""

    source: int
    target: int
    seq: int
    ack: int
    flags: int
    data: bytes
    timestamp: int

    def has(self, flag: str) -> bool:
        """Whether the flag is set."""
        return bool(self.flags & FLAGS[flag])


def parse_tcp(tcp: bytes) -> Arrival:
    """Reads a TCP segment."""
    source, target, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", tcp)
    end = (offset >> 4) * 4
    return Arrival(source, target, seq, ack, flags, tcp[end:], timestamp_of(tcp[20:end]))


def timestamp_of(options: bytes) -> int:
    """The timestamp option's value, or 0."""
    while options and options[0] != 0:
        if options[0] == 1:
            options = options[1:]
        elif options[0] == 8:
            return int(struct.unpack_from("!I", options, 2)[0])
        else:
            options = options[max(options[1], 2) :]
    return 0


class Wire:
    """The attacker's end of the link to the router."""

    def __init__(self, namespace: str, device: str, gateway: tuple[str, str]) -> None:
        with netns(namespace):
            self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 25)
        self._sock.bind((device, ETH_P_ALL))
        self._device = device
        self._gateway = mac_of(*gateway)
        self._identity = 0
        self._takers: dict[Key, Callable[[Arrival], None]] = {}
        self._echoes: dict[Key, threading.Event] = {}
        threading.Thread(target=self._receive, daemon=True).start()

    def take(self, key: Key, taker: Callable[[Arrival], None]) -> None:
        """Hands the segments from and to these ports to `taker`, from another thread."""
        self._takers[key] = taker

    def leave(self, key: Key) -> None:
        """Hands them to nobody again."""
        self._takers.pop(key, None)

    def send(self, segment: Segment) -> None:
        """Sends a segment as it is."""
        self._identity += 1
        for kind, packet in segment.packets(self._identity):
            self._put(kind, packet)

    def _put(self, kind: int, packet: bytes) -> None:
        self._sock.sendto(packet, (self._device, kind, 0, 0, self._gateway))

    def barrier(self, source: str, target: str, key: Key) -> None:
        """Returns when all that was sent before has arrived, and so has the answer of the kernel there.

        Nothing on the way changes the order of packets, so an echo comes back behind them.
        """
        event = self._echoes[key] = threading.Event()
        body = struct.pack("!HH", *key)
        plain = struct.pack("!BBH", 8, 0, 0) + body
        echo = plain[:2] + struct.pack("!H", checksum(plain)) + body
        addresses = socket.inet_aton(source) + socket.inet_aton(target)
        self._put(ETH_P_IP, ipv4(addresses, ICMP, echo, 64, 0, 0, b""))
        if not event.wait(TIMEOUT):
            raise TimeoutError("the echo did not come back")

    def _receive(self) -> None:
        while True:
            packet, (_, kind, way, _, _) = self._sock.recvfrom(1 << 17)
            if way != PACKET_OUTGOING:
                self._dispatch(kind, packet)

    def _dispatch(self, kind: int, packet: bytes) -> None:
        if kind == ETH_P_IP:
            start, protocol = (packet[0] & 15) * 4, packet[9]
            packet = packet[: struct.unpack_from("!H", packet, 2)[0]]
        elif kind == ETH_P_IPV6:
            start, protocol = 40, packet[6]
        else:
            return
        if protocol == TCP:
            arrival = parse_tcp(packet[start:])
            taker = self._takers.get((arrival.source, arrival.target))
            if taker is not None:
                taker(arrival)
        elif protocol == ICMP and packet[start] == 0:
            event = self._echoes.pop(struct.unpack_from("!HH", packet, start + 4), None)
            if event is not None:
                event.set()


def mac_of(namespace: str, device: str) -> bytes:
    """The Ethernet address of a device."""
    command = ["ip", "-j", "-n", namespace, "link", "show", device]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return bytes.fromhex(json.loads(shown)[0]["address"].replace(":", ""))
