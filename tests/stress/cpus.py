#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Both CPUs on one connection: nothing is lost, no connection is condemned wrongly, and none twice.

cpus.py stream RECORDS: both ends send at once, each segment from another CPU than the one before.
cpus.py race CONNECTIONS: both ends break a rule at once, each on its CPU.
"""

import hashlib
import mmap
import os
import socket
import sys
from collections.abc import Callable

from kinds import HANDSHAKE, high
from tlsnet import counters, pair, receive_exactly, reset

# Of every size: within a segment, a segment, many.
LENGTHS = [1, 600, 1448, 5000, 16384]
# Not the sink's.
PORT = 8444
BREAKS_RULE = bytes.fromhex("17 0400 0010")


def records(count: int) -> list[bytes]:
    """Application data of random look."""
    lengths = (LENGTHS[i % len(LENGTHS)] for i in range(count))
    return [b"\x17\x03\x03" + length.to_bytes(2, "big") + high(length) for length in lengths]


def connect(family: socket.AddressFamily) -> tuple[socket.socket, socket.socket]:
    """A connection whose handshake is over."""
    client, server = pair(family, PORT)
    for side, data in HANDSHAKE:
        sender, receiver = (client, server) if side == "c" else (server, client)
        sender.sendall(data)
        if receive_exactly(receiver, len(data)) != data:
            raise AssertionError("the handshake did not arrive")
    return client, server


def at_once(*jobs: Callable[[], None]) -> None:
    """Runs each in a process of its own."""
    children = []
    for job in jobs:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                job()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    if failed:
        raise AssertionError(f"{len(failed)} of {len(jobs)} ends failed")


def send_hopping(sock: socket.socket, data: list[bytes]) -> None:
    """Sends each record from another CPU than the one before."""
    for number, record in enumerate(data):
        os.sched_setaffinity(0, {number % os.cpu_count()})
        sock.sendall(record)


def receive(sock: socket.socket, data: list[bytes]) -> None:
    """Fails unless just that arrives."""
    whole = b"".join(data)
    arrived = receive_exactly(sock, len(whole))
    if hashlib.sha256(arrived).digest() != hashlib.sha256(whole).digest():
        raise AssertionError(f"{len(arrived)} bytes arrived, not the {len(whole)} that were sent")


def stream(count: int) -> None:
    """Both ends send and receive at once."""
    data = records(count)
    for family in (socket.AF_INET, socket.AF_INET6):
        before = counters()
        client, server = connect(family)
        at_once(
            lambda: send_hopping(client, data),
            lambda: send_hopping(server, data),
            lambda: receive(client, data),
            lambda: receive(server, data),
        )
        reset(client)
        reset(server)
        if counters()["condemned"] != before["condemned"]:
            raise AssertionError("a valid connection was condemned")


class Step:
    """Lets two processes do the same things in turn, both at the same time."""

    def __init__(self) -> None:
        self.at = mmap.mmap(-1, 2 * mmap.PAGESIZE)

    def wait(self, me: int, number: int) -> None:
        """Spins until the other process has reached this number, too."""
        mine, other = (slice(i * mmap.PAGESIZE, i * mmap.PAGESIZE + 4) for i in (me, 1 - me))
        self.at[mine] = number.to_bytes(4, "little")
        while int.from_bytes(self.at[other], "little") < number:
            pass


def race(count: int) -> None:
    """Each connection is condemned once, whichever end is first."""
    before = counters()
    families = (socket.AF_INET, socket.AF_INET6)
    connections = [connect(families[number % 2]) for number in range(count)]
    step = Step()

    def break_rules(me: int) -> None:
        os.sched_setaffinity(0, {me % os.cpu_count()})
        for number, ends in enumerate(connections, 1):
            step.wait(me, number)
            ends[me].sendall(BREAKS_RULE)

    at_once(lambda: break_rules(0), lambda: break_rules(1))
    for ends in connections:
        for end in ends:
            reset(end)
    now = counters()
    for name in ("condemned", "record_version"):
        if now[name] - before[name] != count:
            raise AssertionError(f"{name} grew by {now[name] - before[name]}, not by {count}")


if __name__ == "__main__":
    {"stream": stream, "race": race}[sys.argv[1]](int(sys.argv[2]))
