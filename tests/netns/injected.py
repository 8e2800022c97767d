#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A connection that userspace puts into conntrack, as conntrackd does on failover, is followed."""

import socket
import struct
import subprocess

import tlsnet
from tlsnet import KernelLog, client_of, counters, netns, pair, receive_exactly, swallowed

NETLINK_NETFILTER = 12
# linux/netlink.h: request, acknowledge, exclusive, create.
FLAGS = 0x01 | 0x04 | 0x200 | 0x400
NLMSG_ERROR, NEW_CONNECTION = 2, 1 << 8
# linux/netfilter/nfnetlink_conntrack.h
ORIGINAL, REPLY, STATUS, PROTOINFO, HELP, TIMEOUT = 1, 2, 3, 4, 5, 7
SEEN_REPLY_ASSURED_CONFIRMED = 2 | 4 | 8
TCP_ESTABLISHED, BE_LIBERAL = 3, b"\x08\x08"

# Application data of random look: a whole record. And one that is cleartext.
RECORD = b"\x17\x03\x03\x00\x40" + bytes(0x80 | i for i in range(0x40))
CLEARTEXT = b"\x17\x03\x03\x00\xff" + b"a" * 0xFF

Address = tuple[str, int]


def attribute(kind: int, data: bytes) -> bytes:
    """A netlink attribute."""
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def nest(kind: int, *attributes: bytes) -> bytes:
    """An attribute that holds others."""
    return attribute(kind | 0x8000, b"".join(attributes))


def of_tuple(kind: int, source: Address, target: Address) -> bytes:
    """One direction's addresses and ports."""
    addresses = (attribute(i, socket.inet_aton(end[0])) for i, end in ((1, source), (2, target)))
    ports = (attribute(i, struct.pack("!H", end[1])) for i, end in ((2, source), (3, target)))
    protocol = attribute(1, bytes([socket.IPPROTO_TCP]))
    return nest(kind, nest(1, *addresses), nest(2, protocol, *ports))


def inject(client: Address, server: Address, helper: str) -> None:
    """Puts an established connection with that helper into the router's conntrack."""
    state = nest(
        1,
        attribute(1, bytes([TCP_ESTABLISHED])),
        attribute(4, BE_LIBERAL),
        attribute(5, BE_LIBERAL),
    )
    body = b"".join(
        (
            struct.pack("!BBH", socket.AF_INET, 0, 0),
            of_tuple(ORIGINAL, client, server),
            of_tuple(REPLY, server, client),
            attribute(STATUS, struct.pack("!I", SEEN_REPLY_ASSURED_CONFIRMED)),
            attribute(TIMEOUT, struct.pack("!I", 300)),
            nest(PROTOINFO, state),
            nest(HELP, attribute(1, helper.encode() + b"\0")),
        )
    )
    with netns("router"), socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER
    ) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), NEW_CONNECTION, FLAGS, 1, 0) + body)
        answer = sock.recv(1 << 16)
    kind, error = struct.unpack_from("=4xH10xi", answer)
    if kind != NLMSG_ERROR or error:
        raise AssertionError(f"conntrack answered {kind}: {error}")


def router(*command: str) -> str:
    """What a command prints in the router."""
    command = ("ip", "netns", "exec", "router", *command)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exchange(sender: socket.socket, receiver: socket.socket) -> None:
    """A record that arrives."""
    sender.sendall(RECORD)
    if receive_exactly(receiver, len(RECORD)) != RECORD:
        raise AssertionError("the record did not arrive whole")


def main() -> None:
    """Follows a connection over a failover, and catches what it does then."""
    tlsnet.load(ports=0, reset=0)
    log = KernelLog()
    client, server = pair(socket.AF_INET, 8444)
    exchange(client, server)
    # Only the injected entry may make the connection known again.
    router("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0")
    router("conntrack", "-F")
    before = counters()
    inject(client.getsockname()[:2], client.getpeername()[:2], "tls")
    if "helper=tls" not in router("conntrack", "-L", "-p", "tcp"):
        raise AssertionError("the injected connection has no helper")
    exchange(client, server)
    exchange(server, client)
    resynced = counters()["resynced"] - before["resynced"]
    if resynced != 2:
        raise AssertionError(f"{resynced} directions picked up instead of both")
    client.sendall(CLEARTEXT)
    if log.wait_about(client_of(client)).reason != "suspicious_sequence":
        raise AssertionError("condemned for something else")
    swallowed((client, server), (server, client))
    router("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=1")


if __name__ == "__main__":
    main()
