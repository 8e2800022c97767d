# SPDX-License-Identifier: GPL-2.0
"""One attack: a crafted TCP endpoint, client or server, with a victim at the other end."""

import contextlib
import os
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tlsnet
import victim as tls
from tlsnet import KernelLog
from victim import SECRET, Victim, Victims
from wire import Arrival, Segment, Wire, icmp_error_like_segment

ATTACKER = {4: "10.0.1.3", 6: "2001:db8:1::3"}
VICTIM = {4: "10.0.4.2", 6: "2001:db8:4::2"}
FAST_OPEN, SMALL_BUFFER, MULTIPATH, COOKIES = "10.0.4.3", "10.0.4.4", "10.0.4.5", "10.0.5.2"
# MP_CAPABLE of Multipath TCP (RFC 8684 3.1), as a SYN has it, and as a SYN-ACK has it.
MULTIPATH_OFFER = b"\x1e\x04\x01\x01"
MULTIPATH_CONSENT = b"\x1e\x0c\x01\x01" + b"\x55" * 8
MSS = 1200
CLAIMED = 0x2000
# How often a victim sends an answer again until it is clear that none of it passes.
IN_VAIN = 6
# How many round trips to wait for a SYN. If it has not come by then, it was dropped.
ROUND_TRIPS = 4


@dataclass(frozen=True)
class Setting:
    """Who attacks, when, and over what."""

    is_client: bool = True
    # After a whole handshake, where the module sees lengths only.
    protected: bool = False
    family: int = 4
    host: str = ""
    timestamps: bool = False
    window: int = 65535
    # What the hellos agree on.
    compressed: bool = False
    heartbeats: bool = True
    # Whether the attacker's SYN says that it speaks Multipath TCP.
    multipath: bool = False


def heartbeat(protected: bool) -> bytes:
    """A heartbeat request that claims more than it carries."""
    request = b"\x01" + struct.pack("!H", CLAIMED)
    if protected:
        return tls.record(tls.HEARTBEAT, tls.protect(request + os.urandom(16)))
    return tls.record(tls.HEARTBEAT, request)


class Swallowed(Exception):
    """The victim never answered."""


def high(count: int) -> bytes:
    """Bytes like ciphertext."""
    return bytes(0x80 | i & 0x7F for i in range(count))


def before(first: int, second: int) -> bool:
    """Whether sequence number `first` comes before `second`."""
    return (first - second) & 0xFFFFFFFF > 0x7FFFFFFF


class Attack:
    """The attacker's TCP: it sends what it is given, and acknowledges what it gets."""

    def __init__(
        self, wire: Wire, victims: Victims, log: KernelLog, port: int, setting: Setting
    ) -> None:
        self.wire, self.victims, self.log, self.setting = wire, victims, log, setting
        self.heartbeat = heartbeat(setting.protected)
        host = setting.host or VICTIM[setting.family]
        ports = (port, tls.PORT) if setting.is_client else (tls.PORT, port)
        self.own = (ATTACKER[setting.family], ports[0])
        self.peer = (host, ports[1])
        self.victim: Victim | None = None
        self.seq = 0
        self.ack = 0
        # Up to where the victim has acknowledged, and the right edge of its window.
        self.acked = self.edge = 0
        self.received = bytearray()
        self.leaked = False
        # What must not reach the victim, if the case is not about the secret.
        self.forbidden = b""
        self._secret = tls.mask(SECRET) if setting.protected else SECRET
        self._sent: list[Segment] = []
        self._early: dict[int, bytes] = {}
        self._synced = threading.Event()
        self._peer_timestamp = 0
        self._clock = 1_000_000
        self._quiet = self._deaf = False
        self.port = port
        self._barriers = 0
        self._lock = threading.RLock()
        wire.take((self.peer[1], self.own[1]), self._arrive)

    # --- sending ----------------------------------------------------------------

    def segment(self, data: bytes = b"", **fields: Any) -> None:
        """Sends a segment, at the stream's current place unless told otherwise, and stays there."""
        given: dict[str, Any] = {"seq": self.seq, "ack": self.ack, "window": self.setting.window}
        given |= {"options": self._timestamp(fields.pop("age", 0)) + fields.pop("options", b"")}
        given |= fields
        segment = Segment(self.own, self.peer, data=data, **given)
        self._sent.append(segment)
        self.wire.send(segment)

    def send(self, data: bytes, **fields: Any) -> None:
        """Sends the stream's next bytes, and moves on."""
        for at in range(0, len(data), MSS):
            part = data[at : at + MSS]
            self.segment(part, **fields)
            self.seq += len(part)

    def at(self, offset: int, data: bytes, **fields: Any) -> None:
        """Sends bytes that belong `offset` after the stream's current place."""
        self.segment(data, seq=self.seq + offset, **fields)

    def spoof(self, data: bytes) -> None:
        """Sends the next bytes of the victim's own stream, in its name."""
        with self._ignoring():
            for at in range(0, len(data), MSS):
                part = data[at : at + MSS]
                self.wire.send(
                    Segment(self.peer, self.own, seq=self.ack + at, ack=self.seq, data=part)
                )
            self.barrier()

    def icmp_error(self, data: bytes) -> None:
        """Sends an ICMP error that reads like the stream's next segment."""
        inner = (self.peer, self.own)
        self.wire.put(*icmp_error_like_segment(self.own[0], inner, self.seq, data))

    @contextlib.contextmanager
    def not_acknowledging(self) -> Iterator[None]:
        """Acknowledges nothing of what arrives meanwhile."""
        self._quiet = True
        yield
        self._quiet = False

    @contextlib.contextmanager
    def _ignoring(self) -> Iterator[None]:
        # Spoofed segments come back here. They are not the victim's.
        self.barrier()
        self._deaf = True
        yield
        self._deaf = False

    def _timestamp(self, age: int) -> bytes:
        if not self.setting.timestamps:
            return b""
        self._clock += 1
        return b"\x01\x01\x08\x0a" + struct.pack("!II", self._clock - age, self._peer_timestamp)

    # --- receiving --------------------------------------------------------------

    def _arrive(self, arrival: Arrival) -> None:
        with self._lock:
            if self._deaf:
                return
            self._peer_timestamp = arrival.timestamp or self._peer_timestamp
            if arrival.has("A"):
                self.acked, self.edge = arrival.ack, (arrival.ack + arrival.window) & 0xFFFFFFFF
            if arrival.has("S") and not self._synced.is_set():
                self.ack = arrival.seq + 1
                self._synced.set()
            if not arrival.data:
                return
            self._early[arrival.seq] = arrival.data
            self._put_in_order()
            # An attacker reads what arrives after a gap, too.
            if self._secret in self.received or self._secret in arrival.data:
                self.leaked = True
            if not self._quiet:
                self._acknowledge()

    def _put_in_order(self) -> None:
        moved = True
        while moved:
            moved = False
            for seq, data in list(self._early.items()):
                start = self.ack & 0xFFFFFFFF
                if before(start, seq):
                    continue
                new = data[(start - seq) & 0xFFFFFFFF :]
                del self._early[seq]
                self.received += new
                self.ack += len(new)
                moved = moved or bool(new)

    def _acknowledge(self) -> None:
        self.wire.send(
            Segment(
                self.own,
                self.peer,
                self.seq,
                self.ack,
                window=self.setting.window,
                options=self._timestamp(0),
            )
        )

    # --- the course of an attack --------------------------------------------------

    def sync(self, times: int = 1) -> None:
        """Lets everything arrive, and lets the victim read and answer it."""
        for _ in range(times):
            self.barrier()
            if self.victim is None and self.setting.is_client:
                self.victim = self.victims.accepted(self.own)
            if self.victim is not None:
                self.victim.pump()
            self.barrier()

    def barrier(self) -> None:
        """Lets everything arrive."""
        for _ in range(2):
            self._barriers += 1
            self.wire.barrier(ATTACKER[4], VICTIM[4], (self.port, self._barriers))

    def syn_options(self) -> bytes:
        """What a SYN carries."""
        options = b"\x02\x04" + struct.pack("!H", 1460)
        if self.setting.multipath:
            options += MULTIPATH_OFFER if self.setting.is_client else MULTIPATH_CONSENT
        return options

    def syn(self, data: bytes = b"", **fields: Any) -> None:
        """Sends a SYN; the stream begins after it."""
        self.segment(data, **({"flags": "S", "ack": 0, "options": self.syn_options()} | fields))

    def await_syn(self) -> None:
        """Waits for the victim's SYN, with or without ACK."""
        for _ in range(ROUND_TRIPS):
            self.barrier()
            if self._synced.is_set():
                return
        raise Swallowed

    def expect_syn(self) -> None:
        """Treats the victim's next SYN as the beginning of its stream."""
        self.barrier()
        with self._lock:
            self._synced.clear()
            self._early.clear()
            self.received.clear()
            self._sent.clear()
            self.ack = 0

    def open(self, isn: int | None = None) -> None:
        """The TCP handshake."""
        self.seq = int.from_bytes(os.urandom(3), "big") if isn is None else isn
        if self.setting.is_client:
            self.syn()
            self.await_syn()
            self.seq += 1
            self.segment()
        else:
            self.be_connected_to()
            self.segment(flags="SA", options=self.syn_options())
            self.seq += 1
        self.sync()
        if self.victim is None:
            raise Swallowed

    def reopen(self, isn: int) -> None:
        """Another connection from the same port, after the victim has lost the first one."""
        self.victims.forget(self.own)
        self.victim = None
        self.expect_syn()
        self.open(isn)

    def be_connected_to(self) -> None:
        """Lets the victim send its SYN."""
        self.victim = self.victims.connect(self.peer, self.own[0])
        self.await_syn()

    def hello(self, kind: int) -> bytes:
        """A hello that offers or chooses what the setting says."""
        methods = tls.DEFLATE_OR_NULL if self.setting.compressed else tls.NULL
        return tls.hello(kind, methods, self.setting.heartbeats)

    def preamble(self) -> list[bytes]:
        """What the attacker says before the attack, each part when the last one is answered."""
        if self.setting.is_client:
            clear = [self.hello(tls.CLIENT_HELLO)]
            return clear + [tls.CLIENT_FLIGHT] if self.setting.protected else clear
        hello = self.hello(tls.SERVER_HELLO)
        if self.setting.protected:
            return [hello + tls.message(tls.HELLO_DONE, b""), tls.SERVER_FLIGHT]
        return [hello]

    def begin(self, isn: int | None = None) -> None:
        """Opens the connection, and goes through the preamble."""
        self.open(isn)
        self.greet()

    def be_greeted(self) -> None:
        """Lets a client send its hello."""
        if not self.setting.is_client:
            assert self.victim is not None
            self.victim.say(self.hello(tls.CLIENT_HELLO))
            self.sync()

    def greet(self) -> None:
        """Goes through the preamble."""
        self.be_greeted()
        for part in self.preamble():
            self.send(part)
            self.sync()

    def disregard(self) -> None:
        """Counts from here on only."""
        self.barrier()
        with self._lock:
            self.received.clear()
            self._sent.clear()
            self.leaked = False
        if self.victim is not None:
            self.victim.requests = 0

    def isn_for_wrap(self) -> int:
        """The initial sequence number that lets the numbers wrap in the heartbeat's header."""
        return (1 << 32) - 4 - sum(len(part) for part in self.preamble())

    def client(self) -> tuple[str, int]:
        """The connection's client, by whom conntrack and the log name it."""
        return self.own if self.setting.is_client else self.peer

    def condemned(self) -> list[str]:
        """The reasons that the log names for this connection."""
        return [line.reason for line in self.log.about(self.client())]

    def conclude(self) -> None:
        """Waits for what is under way; an attacker sends again what did not arrive."""
        self.sync()
        for _ in range(2):
            if self.succeeded() or self.condemned() or self._delivered():
                break
            for segment in self._sent:
                if "S" not in segment.flags:
                    self.wire.send(segment)
            self.sync()
        self._await_answer()
        self.sync()

    def _await_answer(self) -> None:
        """Until the answer is here, or was sent again without effect."""
        if self.victim is None or not self._delivered():
            return
        arrived, enough = -1, 0
        end = time.monotonic() + 4 * tlsnet.TIMEOUT
        while self.victim.is_waiting() and not self.succeeded() and not self.condemned():
            if self._arrived() != arrived:
                # On a busy machine much is sent again although it is only late.
                arrived, enough = self._arrived(), self.victim.retransmits() + IN_VAIN
            if self.victim.retransmits() >= enough or time.monotonic() > end:
                break
            self.sync()

    def _arrived(self) -> int:
        """How many bytes have arrived, in order or not."""
        with self._lock:
            return len(self.received) + sum(map(len, self._early.values()))

    def _delivered(self) -> bool:
        return self.victim is not None and self.victim.requests > 0

    def succeeded(self) -> bool:
        """Whether the attacker has what it came for."""
        if self.forbidden:
            return self.victim is not None and self.forbidden in self.victim.received
        return self.leaked

    def verdict(self) -> str:
        """What came of it."""
        if self.succeeded():
            return "evaded"
        return "harmless" if self._delivered() else "stopped"

    def close(self) -> None:
        """Lets the victim's socket and the wire go."""
        self._quiet = True
        if self.victim is not None:
            self.victim.close()
        self.wire.leave((self.peer[1], self.own[1]))
