#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What becomes of a connection that broke a rule, and of others, if neither end is reset."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import tlsnet
from tlsnet import KernelLog, Ktap, client_of, counters, pair, receive_exactly, reset, swallowed

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
NOT_TLS = b"GET / HTTP/1.0\r\n\r\n"
# An alert in the clear breaks no rule.
RECORD = b"\x15\x03\x01\x00\x02\x01\x5a"


class Broken:
    """A connection whose client has just broken a rule."""

    def __init__(self, log: KernelLog, family: socket.AddressFamily) -> None:
        self.log = log
        self.before = counters()
        self.client, self.server = pair(family)
        self.name = client_of(self.client)
        log.forget(self.name)
        self.client.sendall(NOT_TLS)
        log.wait_about(self.name)

    def close(self) -> None:
        """Closes all that it has opened."""
        reset(self.client)
        reset(self.server)

    def conntrack(self) -> str:
        """The connection's line in the router's table."""
        family = "ipv6" if ":" in self.name[0] else "ipv4"
        command = ["ip", "netns", "exec", "router", "conntrack", "-L", "-f", family, "-p", "tcp"]
        command += ["--orig-port-src", str(self.name[1])]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def await_state(self, state: str) -> None:
        """Waits until conntrack has the connection in such a state."""
        tlsnet.wait_until(
            lambda: re.search(state, self.conntrack()), f"{state}: {self.conntrack()}"
        )


def nothing_passes(broken: Broken) -> None:
    """Payload is swallowed in both directions."""
    swallowed((broken.client, broken.server), (broken.server, broken.client))


def one_line(broken: Broken) -> None:
    """Retransmissions and later data are counted, and not reported again."""
    swallowed((broken.client, broken.server), (broken.server, broken.client))
    lines = broken.log.about(broken.name)
    if len(lines) != 1:
        raise AssertionError(f"{len(lines)} lines: {lines}")
    now = counters()
    if now["condemned"] - broken.before["condemned"] != 1:
        raise AssertionError("the counter of condemned connections did not go up by 1")
    if now["record_type"] - broken.before["record_type"] != 1:
        raise AssertionError("the counter of the reason did not go up by 1")
    if now["dropped"] - broken.before["dropped"] < 4:
        raise AssertionError("the retransmissions are not among the packets dropped")


def own_counters(_: Broken) -> None:
    """The router counts; other namespaces do not."""
    for namespace in ("client", "server"):
        if any(counters(namespace).values()):
            raise AssertionError(f"{namespace} has counted: {counters(namespace)}")


def fin_passes(broken: Broken) -> None:
    """The side without unacknowledged data can close: its FIN arrives, conntrack follows."""
    broken.server.shutdown(socket.SHUT_WR)
    if broken.client.recv(1) != b"":
        raise AssertionError("data arrived instead of the end")
    broken.await_state("FIN_WAIT|CLOSE_WAIT")


def reset_passes(broken: Broken) -> None:
    """The side whose data was dropped can reset: the peer learns of it."""
    reset(broken.client)
    try:
        broken.server.recv(1)
    except ConnectionResetError:
        broken.await_state(r"CLOSE(?!_WAIT)")
        return
    raise AssertionError("the server saw no reset")


def neighbours_untouched(broken: Broken) -> None:
    """Another connection between the same two goes on."""
    client, server = pair(socket.AF_INET6 if ":" in broken.name[0] else socket.AF_INET)
    client.sendall(RECORD)
    if receive_exactly(server, len(RECORD)) != RECORD or broken.log.about(client_of(client)):
        raise AssertionError("the other connection suffered")
    reset(client)
    reset(server)


TESTS: dict[str, Callable[[Broken], None]] = {
    "payload is dropped in both directions": nothing_passes,
    "one log line, and counters": one_line,
    "only its network namespace counts it": own_counters,
    "a bare FIN passes": fin_passes,
    "a RST passes": reset_passes,
    "other connections are untouched": neighbours_untouched,
}


def main() -> int:
    """Runs each test on a connection of its own."""
    ktap = Ktap(len(TESTS) * len(FAMILIES))
    tlsnet.load(reset=0)
    log = KernelLog()
    for name, test in TESTS.items():
        for version, family in FAMILIES.items():
            broken = Broken(log, family)
            ktap.check(f"{version}: {name}", partial(test, broken))
            broken.close()
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main())
