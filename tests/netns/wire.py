# SPDX-License-Identifier: GPL-2.0
"""Crafted packets, sent on the attacker's link below its TCP stack, and what arrives there."""

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
ICMP, TCP, FRAGMENT, AUTHENTICATION, ICMPV6 = 1, 6, 44, 51, 58
ECHO_REQUEST, ECHO_REPLY = 8, 0
DONT_FRAGMENT = 2 << 13
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}

Key = tuple[int, int]
Endpoint = tuple[str, int]


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1]))
    if len(data) & 1:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(frozen=True)
class Extension:
    """An IPv6 extension header: its type, and what follows its type and length."""

    kind: int
    body: bytes

    def before(self, kind: int, payload: bytes) -> bytes:
        """The header, and a payload of that type after it."""
        size = len(self.body) + 2
        length = size // 4 - 2 if self.kind == AUTHENTICATION else size // 8 - 1
        return bytes([kind, length]) + self.body + payload


_PADDING = b"\x01\x04\0\0\0\0"
HOP_BY_HOP = Extension(0, _PADDING)
DESTINATION_OPTIONS = Extension(60, _PADDING)
# Each of these makes a host discard the packet: an option that says so (RFC 8200 4.2), a routing
# header of a type that no host knows (4.4), and authentication that nobody agreed on (RFC 4302
# 3.4).
UNKNOWN_OPTION = Extension(60, b"\x5e\x04\0\0\0\0")
UNKNOWN_ROUTING = Extension(43, b"\xfd\x01\0\0\0\0")
UNKNOWN_AUTHENTICATION = Extension(AUTHENTICATION, b"\0\0" + b"\x55" * 12)


@dataclass(frozen=True)
class Segment:
    """A TCP segment, and what its IP packet is like."""

    source: Endpoint
    target: Endpoint
    seq: int
    ack: int = 0
    flags: str = "A"
    window: int = 65535
    urgent: int = 0
    options: bytes = b""
    data: bytes = b""
    ttl: int = 64
    bad_checksum: bool = False
    dont_fragment: bool = False
    # The payload of each IP fragment, or 0 for none; the last one first if backwards.
    fragment: int = 0
    backwards: bool = False
    ip_options: bytes = b""
    extensions: tuple[Extension, ...] = ()

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
        pseudo = pseudo_header(self._addresses(), TCP, len(plain))
        found = checksum(pseudo + plain) ^ (0x5555 * self.bad_checksum)
        return plain[:16] + struct.pack("!H", found) + plain[18:]

    def _addresses(self) -> bytes:
        return addresses(self.source[0], self.target[0])

    def packets(self, identity: int) -> list[tuple[int, bytes]]:
        """The IP packets that carry the segment, each with its Ethernet type."""
        if ":" in self.source[0]:
            packets = [(ETH_P_IPV6, packet) for packet in self._ipv6(identity)]
        else:
            packets = [(ETH_P_IP, packet) for packet in self._ipv4(identity)]
        return packets[::-1] if self.backwards else packets

    def _fragments(self, payload: bytes) -> list[tuple[int, bool, bytes]]:
        size = self.fragment or len(payload)
        starts = range(0, len(payload), size)
        return [(at, at + size < len(payload), payload[at : at + size]) for at in starts]

    def _ipv4(self, identity: int) -> list[bytes]:
        flags = DONT_FRAGMENT * self.dont_fragment
        return [
            ipv4(
                self._addresses(),
                TCP,
                part,
                self.ttl,
                identity,
                at // 8 | more << 13 | flags,
                self.ip_options,
            )
            for at, more, part in self._fragments(self.tcp())
        ]

    def _ipv6(self, identity: int) -> list[bytes]:
        kind, payload = TCP, self.tcp()
        for extension in reversed(self.extensions):
            payload = extension.before(kind, payload)
            kind = extension.kind
        if not self.fragment:
            return [ipv6(self._addresses(), kind, payload, self.ttl)]
        return [
            ipv6(
                self._addresses(),
                FRAGMENT,
                struct.pack("!BBHI", kind, 0, at | more, identity) + part,
                self.ttl,
            )
            for at, more, part in self._fragments(payload)
        ]


def addresses(source: str, target: str) -> bytes:
    """Source and target, as the IP header has them."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    return socket.inet_pton(family, source) + socket.inet_pton(family, target)


def pseudo_header(pair: bytes, protocol: int, length: int) -> bytes:
    """What a checksum covers before the payload."""
    return pair + struct.pack("!HH" if len(pair) == 8 else "!II", protocol, length)


def ipv4(
    pair: bytes,
    protocol: int,
    payload: bytes,
    ttl: int = 64,
    identity: int = 0,
    place: int = 0,
    options: bytes = b"",
) -> bytes:
    """An IPv4 packet."""
    words = 5 + len(options) // 4
    length = words * 4 + len(payload)
    head = struct.pack(
        "!BBHHHBBH", 4 << 4 | words, 0, length, identity & 0xFFFF, place, ttl, protocol, 0
    )
    found = checksum(head + pair + options)
    return head[:10] + struct.pack("!H", found) + pair + options + payload


def ipv6(
    pair: bytes, kind: int, payload: bytes, hops: int = 64, length: int | None = None
) -> bytes:
    """An IPv6 packet; its header may give another length than the payload has."""
    stated = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, stated, kind, hops) + pair + payload


def icmp_error_like_segment(
    source: str, inner: tuple[Endpoint, Endpoint], seq: int, data: bytes
) -> tuple[int, bytes]:
    """An ICMP error that, read as a TCP segment, has this sequence number and these bytes.

    Where TCP has its sequence number, an ICMP error has 4 bytes of no meaning. Where TCP has the
    length of its header, 12 bytes in, the inner IPv4 header has its identification, and the inner
    IPv6 header its length.
    """
    (inner_source, port), (inner_target, inner_port) = inner
    pair = addresses(inner_source, inner_target)
    ports = struct.pack("!HHI", port, inner_port, 12345)
    number = struct.pack("!I", seq & 0xFFFFFFFF)
    outer = addresses(source, inner_source)
    if ":" in source:
        # TCP's header of 15 words ends 52 bytes into what follows ICMP's first 8 bytes.
        body = number + ipv6(pair, TCP, ports, length=15 << 12) + bytes(4) + data
        return ETH_P_IPV6, ipv6(
            outer, ICMPV6, _icmp(1, 3, body, pseudo_header(outer, ICMPV6, len(body) + 4))
        )
    # TCP's header of 9 words ends where the inner header and the 8 bytes of TCP after it do.
    body = number + ipv4(pair, TCP, ports, identity=9 << 12) + data
    return ETH_P_IP, ipv4(outer, ICMP, _icmp(3, 1, body))


def _icmp(kind: int, code: int, body: bytes, pseudo: bytes = b"") -> bytes:
    found = checksum(pseudo + struct.pack("!BBH", kind, code, 0) + body)
    return struct.pack("!BBH", kind, code, found) + body


@dataclass(frozen=True)
class Arrival:
    """What is read of a TCP segment that arrives."""

    source: int
    target: int
    seq: int
    ack: int
    flags: int
    window: int
    data: bytes
    timestamp: int

    def has(self, flag: str) -> bool:
        """Whether the flag is set."""
        return bool(self.flags & FLAGS[flag])


def parse_tcp(tcp: bytes) -> Arrival:
    """Reads a TCP segment."""
    source, target, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", tcp)
    end = (offset >> 4) * 4
    return Arrival(source, target, seq, ack, flags, window, tcp[end:], timestamp_of(tcp[20:end]))


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
            self.put(kind, packet)

    def put(self, kind: int, packet: bytes) -> None:
        """Sends a packet of this Ethernet type."""
        self._sock.sendto(packet, (self._device, kind, 0, 0, self._gateway))

    def barrier(self, source: str, target: str, key: Key) -> None:
        """Returns when what was sent before has arrived, and what its receiver answered at once.

        Nothing on the way changes the order of packets, so an echo comes back after them.
        """
        event = self._echoes[key] = threading.Event()
        echo = _icmp(ECHO_REQUEST, 0, struct.pack("!HH", *key))
        self.put(ETH_P_IP, ipv4(addresses(source, target), ICMP, echo))
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
        elif protocol == ICMP and packet[start] == ECHO_REPLY:
            event = self._echoes.pop(struct.unpack_from("!HH", packet, start + 4), None)
            if event is not None:
                event.set()


def mac_of(namespace: str, device: str) -> bytes:
    """The Ethernet address of a device."""
    command = ["ip", "-j", "-n", namespace, "link", "show", device]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return bytes.fromhex(json.loads(shown)[0]["address"].replace(":", ""))
