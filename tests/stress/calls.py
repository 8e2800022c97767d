#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes many connections through the router, each of one kind.

calls.py exact NUMBER: each has to succeed, and the router's counters to add up to what was said.
calls.py storm NUMBER FILE: at least so many, until the file is there; they may fail in any way.
calls.py hold NUMBER: opens so many in mid-record, and waits to be killed; they may fail.
"""

import array
import contextlib
import fcntl
import os
import signal
import socket
import sys
import termios
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from kinds import HALF, KINDS, Kind
from tlsnet import counters, netns, reset

WORKERS = 2 * os.cpu_count()
SERVERS = ["10.0.2.2", "2001:db8:2::2", "10.0.2.3", "2001:db8:2::3"]
# In a storm packets are lost, and late ones do not matter. An upper bound otherwise.
PATIENCE = {"exact": 600.0, "storm": 1.0, "hold": 5.0}
# What depends on the order of events, beside the kinds of connections.
LOOSE = {"retransmissions", "ooo_dropped", "dropped"}
# A FIN that a slow machine's TCP sends again cuts the same record short again.
AT_LEAST = {"truncated"}


def wait_arrived(sock: socket.socket) -> None:
    """Waits until the peer has acknowledged all that was sent."""
    unsent = array.array("i", [1])
    end = time.monotonic() + sock.gettimeout()
    while unsent[0]:
        if time.monotonic() > end:
            raise TimeoutError("what was sent did not arrive")
        fcntl.ioctl(sock, termios.TIOCOUTQ, unsent)


def call(kind: Kind, server: str, port: int, patience: float) -> None:
    """One connection, from its beginning to its end."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(patience)
        try:
            sock.connect((server, port))
            sock.sendall(kind.data)
            if kind.ending == "close":
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1)
                return
            if kind.ending == "cut":
                wait_arrived(sock)
            reset(sock)
        except OSError:
            # Else it would go on trying unnoticed.
            reset(sock)
            raise


def work(worker: int, how: str, count: int, until: str) -> tuple[list[int], int]:
    """Makes connections in turn, on one CPU, so that no RST overtakes the data before it."""
    os.sched_setaffinity(0, {worker % os.cpu_count()})
    done, failed, number = [0] * len(KINDS), 0, 0
    ports = [443] if how == "exact" else [443, 8443]
    with netns("client"):
        while number < count or (until and not os.path.exists(until)):
            kind = (worker + number) % len(KINDS)
            server = SERVERS[number // len(KINDS) % len(SERVERS)]
            try:
                call(KINDS[kind], server, ports[number % len(ports)], PATIENCE[how])
                done[kind] += 1
            except OSError:
                if how == "exact":
                    raise
                failed += 1
            number += 1
    return done, failed


def make(how: str, count: int, until: str = "") -> tuple[Counter[int], int]:
    """Distributes the connections; returns how many of each kind were made, and how many failed."""
    total: Counter[int] = Counter()
    failures = 0
    with ProcessPoolExecutor(WORKERS) as pool:
        shares = [count // WORKERS + (worker < count % WORKERS) for worker in range(WORKERS)]
        jobs = [pool.submit(work, i, how, share, until) for i, share in enumerate(shares)]
        for job in jobs:
            done, failed = job.result()
            total.update(dict(enumerate(done)))
            failures += failed
    return total, failures


def tell(made: int, failed: int, since: float) -> None:
    """Prints what was done, and how fast."""
    seconds = time.monotonic() - since
    print(
        f"{made} connections, {failed} failed, {(made + failed) / seconds:.0f} a second", flush=True
    )


def exact(count: int) -> None:
    """Compares what the router counted with what was said."""
    before, start = counters(), time.monotonic()
    done, _ = make("exact", count)
    tell(count, 0, start)
    expected = Counter(connections=count)
    for kind, number in done.items():
        for name, each in KINDS[kind].counts.items():
            expected[name] += number * each
    now = counters()
    grown = {name: value - before[name] for name, value in now.items()}
    wrong = {
        name: f"{value}, not {expected[name]}"
        for name, value in grown.items()
        if name not in LOOSE and value != max(expected[name], value if name in AT_LEAST else 0)
    }
    if wrong or grown["dropped"] < grown["condemned"]:
        raise AssertionError(f"wrong: {wrong}; all: {grown}")


def hold(count: int) -> None:
    """Stays in mid-record until killed."""
    held = []
    with netns("client"):
        for number in range(count):
            with contextlib.suppress(OSError):
                server = SERVERS[number % len(SERVERS)]
                held.append(socket.create_connection((server, 443), PATIENCE["hold"]))
                held[-1].sendall(HALF)
    print(f"{len(held)} held", flush=True)
    signal.pause()


def main() -> None:
    """Runs the command line."""
    how, count = sys.argv[1], int(sys.argv[2])
    if how == "exact":
        exact(count)
    elif how == "hold":
        hold(count)
    else:
        start = time.monotonic()
        done, failed = make(how, count, sys.argv[3])
        tell(done.total(), failed, start)


if __name__ == "__main__":
    main()
