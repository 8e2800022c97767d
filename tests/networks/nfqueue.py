#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Accepts what a queue of netfilter hands over: nfqueue.py QUEUE FILE [HELD].

With HELD, so many packets are held back, and go on the last one first: the queue reorders. A packet
that nothing comes after goes on within milliseconds. The number of packets that were overtaken goes
to the file.
"""

import select
import socket
import struct
import sys
from collections.abc import Iterator

NETLINK_NETFILTER = 12
SUBSYSTEM = 3 << 8  # NFNL_SUBSYS_QUEUE
PACKET, VERDICT, CONFIG = 0, 1, 2
CONFIG_COMMAND, CONFIG_COPY = 1, 2
PACKET_HEADER, VERDICT_HEADER = 1, 2
BIND, COPY_META, ACCEPT = 1, 1, 1
REQUEST = 1
QUIET = (270, 5)  # SOL_NETLINK, NETLINK_NO_ENOBUFS: what does not fit is lost, as on any network
PATIENCE = 0.003  # seconds that a held packet waits for more


def attribute(kind: int, value: bytes) -> bytes:
    """A netlink attribute, padded."""
    return struct.pack("HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, queue: int, *attributes: bytes) -> bytes:
    """A netlink message to the queue."""
    body = struct.pack("!BBH", 0, 0, queue) + b"".join(attributes)
    return struct.pack("IHHII", 16 + len(body), SUBSYSTEM | kind, REQUEST, 0, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The netlink messages in what was received: kind, body."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("IH", data)
        yield kind, data[16:length]
        data = data[(length + 3) & ~3 :]


def packet_id(body: bytes) -> int:
    """The number by which the kernel knows the packet."""
    at = 4
    while at < len(body):
        length, kind = struct.unpack_from("HH", body, at)
        if kind == PACKET_HEADER:
            return int(struct.unpack_from("!I", body, at + 4)[0])
        at += (length + 3) & ~3
    raise ValueError("a packet without a header")


class Queue:
    """One queue, and the packets that it holds."""

    def __init__(self, number: int, told: str, held: int) -> None:
        self.number, self.told, self.most = number, told, held
        self.held: list[int] = []
        self.overtaken = 0
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.netlink.setsockopt(*QUIET, 1)
        self.netlink.bind((0, 0))
        command = attribute(CONFIG_COMMAND, struct.pack("!BxH", BIND, socket.AF_INET))
        copy = attribute(CONFIG_COPY, struct.pack("!IB", 0, COPY_META))
        self.netlink.send(message(CONFIG, number, command, copy))

    def release(self) -> None:
        """Lets go what is held, the last one first."""
        for identity in reversed(self.held):
            verdict = attribute(VERDICT_HEADER, struct.pack("!II", ACCEPT, identity))
            self.netlink.send(message(VERDICT, self.number, verdict))
        if len(self.held) > 1:
            self.overtaken += len(self.held) - 1
            with open(self.told, "w", encoding="ascii") as told:
                print(self.overtaken, file=told)
        self.held.clear()

    def take(self) -> None:
        """Holds the packets that have come."""
        for kind, body in messages(self.netlink.recv(1 << 16)):
            if kind == SUBSYSTEM | PACKET:
                self.held.append(packet_id(body))
            if len(self.held) >= self.most:
                self.release()

    def run(self) -> None:
        """For ever."""
        while True:
            if select.select([self.netlink], [], [], PATIENCE if self.held else None)[0]:
                self.take()
            else:
                self.release()


if __name__ == "__main__":
    Queue(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1).run()
