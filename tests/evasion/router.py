# SPDX-License-Identifier: GPL-2.0
"""What the tests do to the router and its neighbour: settings, and what conntrack remembers."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator

from tlsnet import wait_until

# The server's initial sequence numbers advance by one per 64 ns of the wall clock (RFC 6528,
# secure_seq.c).
NANOSECONDS_PER_NUMBER = 64
_clock = threading.Lock()
_iptables = threading.Lock()


def run(namespace: str, *command: str, given: str = "") -> str:
    """Runs a command in a namespace, which reads what is given; returns what it prints."""
    whole = ["ip", "netns", "exec", namespace, *command]
    done = subprocess.run(whole, input=given, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(whole)}: {done.stderr.strip()}")
    return done.stdout


def sysctl(**settings: object) -> None:
    """Sets conntrack's settings in the router, by the ends of their names."""
    names = (f"net.netfilter.nf_conntrack_{name}={value}" for name, value in settings.items())
    run("router", "sysctl", "-qw", *names)


def remembers(client: tuple[str, int]) -> bool:
    """Whether conntrack has an entry for the connection of this client."""
    family = "ipv6" if ":" in client[0] else "ipv4"
    listing = ["conntrack", "-L", "-f", family, "-p", "tcp", "--orig-src", client[0]]
    return bool(run("router", *listing, "--orig-port-src", str(client[1])))


def await_forgotten(client: tuple[str, int]) -> None:
    """Waits until conntrack has no entry for the connection."""
    wait_until(lambda: not remembers(client), f"conntrack to forget {client}")


@contextlib.contextmanager
def clock_to_move(fraction: float) -> Iterator[None]:
    """Steps the wall clock, so that the server's numbers move by that fraction of 2^32.

    One case at a time may do so, until its body has run.
    """
    with _clock:
        now = time.clock_gettime_ns(time.CLOCK_REALTIME)
        step = int(fraction * (1 << 32)) * NANOSECONDS_PER_NUMBER
        time.clock_settime_ns(time.CLOCK_REALTIME, now + step)
        yield


@contextlib.contextmanager
def losing(port: int, mark: bytes = b"") -> Iterator[None]:
    """Loses what the victim sends to the port: all of it, or what has the mark in it."""
    rule = ["FORWARD", "-o", "eth0", "-p", "tcp", "-m", "multiport", "--ports", str(port)]
    if mark:
        rule += ["-m", "string", "--algo", "bm", "--hex-string", f"|{mark.hex()}|"]
    with _iptables:
        run("server", "iptables", "-A", *rule, "-j", "DROP")
    try:
        yield
    finally:
        with _iptables:
            run("server", "iptables", "-D", *rule, "-j", "DROP")
