#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A connection that the helper follows flows on when the module is removed, and when it is back."""

import socket

import tlsnet
from tlsnet import pair, receive_exactly

# An alert in the clear breaks no rule.
RECORD = b"\x15\x03\x01\x00\x02\x01\x5a"


def exchange(client: socket.socket, server: socket.socket) -> None:
    """A record each way."""
    for sender, receiver in ((client, server), (server, client)):
        sender.sendall(RECORD)
        if receive_exactly(receiver, len(RECORD)) != RECORD:
            raise AssertionError("the record did not arrive whole")


def main() -> None:
    """Exchanges records before, between and after."""
    families = (socket.AF_INET, socket.AF_INET6)
    connections = [pair(family, 8444) for family in families]
    steps = (tlsnet.unload, lambda: tlsnet.load(ports=8444), tlsnet.unload)
    for step in steps:
        for connection in connections:
            exchange(*connection)
        step()
    for connection in connections:
        exchange(*connection)


if __name__ == "__main__":
    main()
