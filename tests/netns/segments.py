#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Crafted segments: overlaps, repetitions, gaps, urgent data.

The client is a raw socket. The server is a real TCP: what it reads and acknowledges shows what the
router let pass. The client's kernel does not know the connection, and would reset it: a rule in
main() prevents that.
"""

import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import tlsnet
from tlsnet import CLIENT, SERVER, KernelLog, Ktap, counters, netns, pending, receive_exactly
from vectorfile import lines_of
from wire import Arrival, Segment, parse_tcp

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
PORTS = iter(range(40000, 41000))

WRAP = 1 << 32
# In each stream the sequence numbers wrap after 30 bytes.
START = WRAP - 30

# Alerts in the clear: they break no rule, and a gap in them could hide a record.
ALERTS = b"\x15\x03\x01\x00\x02\x01\x5a" * 9
RECORD = b"\x17\x03\x03\x02\x58" + bytes(0x80 | i & 0x7F for i in range(600))
BAD_RECORD = b"\x63\x03\x03\x00\x10" + bytes(16)


class Peer:
    """A TCP client that crafts its segments."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self.family = family
        self.port = next(PORTS)
        with netns("client"):
            self.raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.raw.bind((CLIENT[family], 0))
        self.raw.connect((SERVER[family], 0))
        with netns("server"):
            listener = socket.create_server((SERVER[family], 443), family=family)
        self.start, self.peer_next = START, 0
        with listener:
            self.send(-1, b"", "S")
            syn = self._await(lambda arrival: arrival.has("S"))
            self.peer_next = (syn.seq + 1) % WRAP
            self.send(0, b"")
            listener.settimeout(tlsnet.TIMEOUT)
            self.server, _ = listener.accept()
        self.server.settimeout(tlsnet.TIMEOUT)

    def close(self) -> None:
        """Lets the server's side go."""
        tlsnet.reset(self.server)
        self.raw.close()

    @property
    def name(self) -> tuple[str, int]:
        """The client as a log line names it."""
        return CLIENT[self.family], self.port

    def send(self, offset: int, data: bytes, flags: str = "AP", urgent: int = 0) -> None:
        """Sends a segment whose data begins at this offset of the stream."""
        seq = (self.start + offset) % WRAP
        target = SERVER[self.family], 443
        ack = self.peer_next
        segment = Segment(self.name, target, seq, ack, flags, urgent=urgent, data=data)
        self.raw.send(segment.tcp())

    def _await(self, wanted: Callable[[Arrival], bool]) -> Arrival:
        end = time.monotonic() + tlsnet.TIMEOUT
        while time.monotonic() < end:
            if not select.select([self.raw], [], [], 0.1)[0]:
                continue
            packet = self.raw.recv(65536)
            if self.family == socket.AF_INET:
                packet = packet[(packet[0] & 15) * 4 :]
            arrival = parse_tcp(packet)
            if arrival.target == self.port and wanted(arrival):
                return arrival
        raise TimeoutError("the server did not answer as it should")

    def await_ack(self, offset: int) -> None:
        """Waits until the server acknowledges the stream up to this offset, and no more."""
        seen: list[int] = []

        def acknowledged(arrival: Arrival) -> bool:
            seen.append((arrival.ack - self.start) % WRAP)
            return arrival.has("A") and seen[-1] >= offset

        self._await(acknowledged)
        if seen[-1] != offset:
            raise AssertionError(f"acknowledged up to {seen[-1]}, expected {offset}")


class Trial:
    """One test: a peer, the log, and the counters before."""

    def __init__(self, log: KernelLog, family: socket.AddressFamily) -> None:
        self.log = log
        self.before = counters()
        self.peer = Peer(family)
        log.forget(self.peer.name)

    def received(self, data: bytes) -> None:
        """Fails unless the server has read exactly this."""
        got = receive_exactly(self.peer.server, len(data)) + pending(self.peer.server)
        if got != data:
            raise AssertionError(f"the server read {got.hex()}, expected {data.hex()}")

    def counted(self, name: str, times: int = 1) -> None:
        """Fails unless the counter went up so much."""
        grew = counters()[name] - self.before[name]
        if grew != times:
            raise AssertionError(f"{name} went up by {grew}, expected {times}")

    def condemned_for(self, reason: str) -> None:
        """Fails unless the log names the reason."""
        condemned = self.log.wait_about(self.peer.name)
        if (condemned.reason, condemned.direction) != (reason, "original"):
            raise AssertionError(f"the log says {condemned}")

    def untouched(self) -> None:
        """Fails if the log names the connection."""
        if lines := self.log.about(self.peer.name):
            raise AssertionError(f"the log says {lines}")


def retransmission(trial: Trial) -> None:
    """The same segment twice: both pass, the stream goes on."""
    trial.peer.send(0, ALERTS)
    trial.peer.await_ack(len(ALERTS))
    trial.peer.send(0, ALERTS)
    trial.peer.await_ack(len(ALERTS))
    trial.received(ALERTS)
    trial.counted("retransmissions")
    trial.untouched()


def gap(trial: Trial) -> None:
    """A segment after a gap is dropped for now; sent again once the gap is filled, it passes."""
    first, second = ALERTS[:20], ALERTS[20:]
    trial.peer.send(20, second)
    trial.peer.send(0, first)
    trial.peer.await_ack(20)
    trial.received(first)
    trial.counted("ooo_dropped")
    trial.peer.send(20, second)
    trial.peer.await_ack(len(ALERTS))
    trial.received(second)
    trial.untouched()


def overlap(trial: Trial) -> None:
    """The new part of an overlapping segment is read once, from the right place."""
    trial.peer.send(0, ALERTS[:40])
    trial.peer.send(10, ALERTS[10:])
    trial.peer.await_ack(len(ALERTS))
    trial.peer.send(len(ALERTS) - 8, ALERTS[-8:] + ALERTS)
    trial.peer.await_ack(2 * len(ALERTS))
    trial.received(ALERTS + ALERTS)
    trial.untouched()


def overlap_breaks(trial: Trial) -> None:
    """The new part of an overlapping segment is judged."""
    trial.peer.send(0, ALERTS)
    trial.peer.await_ack(len(ALERTS))
    trial.peer.send(len(ALERTS) - 8, ALERTS[-8:] + BAD_RECORD)
    trial.condemned_for("record_type")
    trial.received(ALERTS)


def overlap_lies(trial: Trial) -> None:
    """Its old part is not: the receiver has those bytes already."""
    trial.peer.send(0, ALERTS)
    trial.peer.await_ack(len(ALERTS))
    trial.peer.send(0, BAD_RECORD)
    trial.peer.send(len(ALERTS) - len(BAD_RECORD), BAD_RECORD + ALERTS)
    trial.peer.await_ack(2 * len(ALERTS))
    trial.received(ALERTS + ALERTS)
    trial.untouched()


def first_byte_after_gap(trial: Trial) -> None:
    """A bad record condemns only once the gap before it is filled."""
    trial.peer.send(len(ALERTS), BAD_RECORD)
    trial.peer.send(0, ALERTS)
    trial.peer.await_ack(len(ALERTS))
    trial.received(ALERTS)
    trial.untouched()
    trial.peer.send(len(ALERTS), BAD_RECORD)
    trial.condemned_for("record_type")


def shake_hands(trial: Trial) -> bytes:
    """Plays a handshake without heartbeats; what the client sent of it."""
    sent, passed = b"", trial.before["bytes"]
    for side, data in lines_of("honest_full_handshake_13"):
        passed += len(data)
        if side == "c":
            trial.peer.send(len(sent), data)
            sent += data
        else:
            trial.peer.server.sendall(data)
            trial.peer.peer_next += len(data)
        read = partial(lambda count: counters()["bytes"] == count, passed)
        tlsnet.wait_until(read, f"the module to read {len(data)} bytes of side {side}")
    return sent


def gap_in_body(trial: Trial) -> None:
    """A gap inside an opaque body costs nothing: what follows it passes at once."""
    shaken = shake_hands(trial)
    record = b"\x17\x03\x03\x00\x40" + bytes(0x80 | i for i in range(0x40))
    for start, end in [(0, 20), (40, len(record)), (20, 40)]:
        trial.peer.send(len(shaken) + start, record[start:end])
    trial.peer.await_ack(len(shaken) + len(record))
    trial.received(shaken + record)
    trial.counted("gaps_skipped")
    trial.counted("ooo_dropped", 0)
    trial.untouched()


def passes_out_of_order(trial: Trial) -> None:
    """After a gap that may hide a header, all segments without one pass, except the first."""
    shaken = shake_hands(trial)
    data = RECORD + RECORD

    def send(start: int, end: int, acknowledged: int | None = None) -> None:
        trial.peer.send(len(shaken) + start, data[start:end])
        if acknowledged is not None:
            trial.peer.await_ack(len(shaken) + acknowledged)

    send(0, 100, 100)
    send(650, 750)
    send(750, 850)
    send(850, 950)
    send(100, 650, 650)
    send(650, 750, 950)
    send(950, len(data), len(data))
    trial.counted("ooo_passed", 2)
    trial.counted("ooo_dropped")
    trial.received(shaken + data)
    trial.untouched()


def urgent(trial: Trial) -> None:
    """Urgent data breaks the rules."""
    trial.peer.send(0, ALERTS, "AU", urgent=1)
    trial.condemned_for("urgent_data")


def bytewise(trial: Trial) -> None:
    """One byte per segment."""
    for at in range(len(ALERTS)):
        trial.peer.send(at, ALERTS[at : at + 1])
        trial.peer.await_ack(at + 1)
    trial.counted("records", 9)
    trial.received(ALERTS)
    trial.untouched()


TESTS: dict[str, Callable[[Trial], None]] = {
    "a retransmission passes": retransmission,
    "after a gap, dropped for now": gap,
    "a partial overlap is read once": overlap,
    "a partial overlap that breaks a rule": overlap_breaks,
    "an overlap with other bytes": overlap_lies,
    "a bad record after a gap": first_byte_after_gap,
    "a gap inside an opaque body": gap_in_body,
    "segments pass out of order after a gap": passes_out_of_order,
    "urgent data": urgent,
    "one byte a segment": bytewise,
}


def keep_quiet(iptables: str) -> None:
    """Keeps the client's kernel from resetting connections that it does not know."""
    rule = "-A OUTPUT -p tcp --sport 40000:40999 --tcp-flags RST RST -j DROP"
    subprocess.run(["ip", "netns", "exec", "client", iptables, *rule.split()], check=True)


def main() -> int:
    """Runs each test on a connection of its own."""
    ktap = Ktap(len(TESTS) * len(FAMILIES))
    keep_quiet("iptables")
    keep_quiet("ip6tables")
    tlsnet.load()
    log = KernelLog()
    for name, test in TESTS.items():
        for version, family in FAMILIES.items():
            trial = Trial(log, family)
            ktap.check(f"{version}: {name}", partial(test, trial))
            trial.peer.close()
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main())
