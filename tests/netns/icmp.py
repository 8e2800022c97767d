#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""ICMP errors that travel in a connection's original direction, and read as TCP segments of it."""

import socket
import struct
import subprocess
import sys
from functools import partial

import tlsnet
from tlsnet import (
    CLIENT,
    SERVER,
    KernelLog,
    Ktap,
    client_of,
    counters,
    pair,
    receive_exactly,
    reset,
)
from wire import checksum

# An alert in the clear breaks no rule.
RECORD = b"\x15\x03\x01\x00\x02\x01\x5a"
# Where a TCP header has its length and flags, the packet inside an ICMP error has its IP ID, or its
# length.
HEADER_LENGTH = 5 << 12
FLAGS = {"urgent": 0x20, "syn": 0x02, "payload": 0}


def inner_packet(family: socket.AddressFamily, port: int, flags: int) -> bytes:
    """The packet that an error is about: one of the server's to the client's port."""
    addresses = socket.inet_pton(family, SERVER[family]) + socket.inet_pton(family, CLIENT[family])
    ports = struct.pack("!HHI", 443, port, 0)
    if family == socket.AF_INET:
        start = struct.pack(
            "!BBHHHBBH", 0x45, 0, 28, HEADER_LENGTH | flags, 0, 64, socket.IPPROTO_TCP, 0
        )
    else:
        start = struct.pack("!IHBB", 6 << 28, HEADER_LENGTH | flags, socket.IPPROTO_TCP, 64)
    return start + addresses + ports + bytes(16)


def send_error(family: socket.AddressFamily, port: int, flags: int) -> None:
    """Sends the server an ICMP error: its packet did not reach the port."""
    inner = inner_packet(family, port, flags)
    if family == socket.AF_INET:
        protocol, start = socket.IPPROTO_ICMP, b"\x03\x01"
        rest = bytes(4) + inner
        packet = start + struct.pack("!H", checksum(start + bytes(2) + rest)) + rest
    else:
        # The kernel adds this checksum.
        protocol, packet = socket.IPPROTO_ICMPV6, b"\x01\x03" + bytes(6) + inner
    with tlsnet.netns("client"), socket.socket(family, socket.SOCK_RAW, protocol) as raw:
        raw.sendto(packet, (SERVER[family], 0))


def related(family: socket.AddressFamily) -> int:
    """How many related packets the router has forwarded."""
    command = "iptables" if family == socket.AF_INET else "ip6tables"
    listing = subprocess.run(
        ["ip", "netns", "exec", "router", command, "-nvxL", "FORWARD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sum(int(line.split()[0]) for line in listing.splitlines() if "ctstate RELATED" in line)


def goes_on(log: KernelLog, family: socket.AddressFamily, flags: int) -> None:
    """The connection goes on after an error about it."""
    client, server = pair(family)
    before, seen = counters(), related(family)
    send_error(family, client_of(client)[1], flags)
    client.sendall(RECORD)
    if receive_exactly(server, len(RECORD)) != RECORD:
        raise AssertionError("the record did not arrive")
    if related(family) != seen + 1:
        raise AssertionError("the router forwarded no related packet: this shows nothing")
    now = counters()
    grown = {name: now[name] - count for name, count in before.items() if now[name] != count}
    if grown != {"bytes": len(RECORD), "records": 1}:
        raise AssertionError(f"counted {grown}")
    if lines := log.about(client_of(client)):
        raise AssertionError(f"the log says {lines}")
    reset(client)
    reset(server)


def main() -> int:
    """Runs each kind of error over each family."""
    families = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
    ktap = Ktap(len(families) * len(FLAGS))
    tlsnet.load()
    log = KernelLog()
    for version, family in families.items():
        command = "iptables" if family == socket.AF_INET else "ip6tables"
        rule = [command, "-A", "FORWARD", "-m", "conntrack", "--ctstate", "RELATED", "-j", "ACCEPT"]
        subprocess.run(["ip", "netns", "exec", "router", *rule], check=True)
        for kind, flags in FLAGS.items():
            ktap.check(
                f"{version}: an error that reads as {kind}", partial(goes_on, log, family, flags)
            )
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main())
