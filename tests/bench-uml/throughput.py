#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares transfers with the helper (port 443) to those without (8443), and these to 8444."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

from tlsnet import SERVER, counters, netns

HELPED, PLAIN, AGAIN = 443, 8443, 8444
ROUNDS = 12
SERVER4 = SERVER[socket.AF_INET]
RAW4 = "10.0.2.3"

# TLS 1.3's largest usual record: 2^14 bytes, their type, and the tag.
BODY = (1 << 14) + 17
RECORDS = 4096
WINDOW = 1 << 20

Transfer = Callable[[int], tuple[int, float]]


def tls(times: int) -> Transfer:
    """The file from nginx to curl, several times per connection: bytes, and seconds of transfer."""

    def transfer(port: int) -> tuple[int, float]:
        pages = [f"https://{SERVER4}:{port}/file"] * times
        start = time.monotonic()
        sizes = subprocess.run(
            [
                "ip",
                "netns",
                "exec",
                "client",
                "curl",
                "-sfkw",
                "%{stderr}%{size_download}\\n",
                *pages,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=True,
            text=True,
        ).stderr
        return sum(map(int, sizes.split())), time.monotonic() - start

    return transfer


class Sender:
    """Sends ready records to each client, from the page cache: the sender touches no byte of them."""

    def __init__(self, file: int, ports: list[int]) -> None:
        self.file = file
        self.times = 1
        with netns("server"):
            self.listeners = {port: socket.create_server((RAW4, port)) for port in ports}

    def send(self, port: int) -> None:
        """Serves one connection."""
        connection, _ = self.listeners[port].accept()
        size = os.fstat(self.file).st_size
        with connection:
            for _ in range(self.times):
                offset = 0
                while offset < size:
                    offset += os.sendfile(connection.fileno(), self.file, offset, size - offset)


def raw(sender: Sender, times: int) -> Transfer:
    """The ready records, several times per connection, to a receiver that does not copy them."""

    def transfer(port: int) -> tuple[int, float]:
        sender.times = times
        buffer = bytearray(WINDOW)
        total = 0
        thread = threading.Thread(target=sender.send, args=(port,))
        thread.start()
        start = time.monotonic()
        with netns("client"):
            connection = socket.create_connection((RAW4, port))
        with connection:
            while got := connection.recv_into(buffer, WINDOW, socket.MSG_TRUNC):
                total += got
        seconds = time.monotonic() - start
        thread.join()
        return total, seconds

    return transfer


def speed(transfer: Transfer, port: int) -> float:
    """Gbit/s of one transfer, of which the helper read all or nothing."""
    before = counters()
    total, seconds = transfer(port)
    after = counters()
    read = after["bytes"] - before["bytes"]
    if after["condemned"] or (read < total if port == HELPED else read):
        sys.exit(
            f"port {port}: {total} bytes sent, {read} read by the helper, {after['condemned']} condemned"
        )
    return total * 8 / seconds / 1e9


def summary(ratios: list[float]) -> str:
    """The median of ratios, their quartiles, and the least and the most."""
    low, median, high = statistics.quantiles(ratios, n=4)
    return f"{median:.3f}  {low:.3f}..{high:.3f}  {min(ratios):.3f}..{max(ratios):.3f}"


def compare(name: str, transfer: Transfer) -> None:
    """Rounds of one transfer per port, in changing order; a ratio is of two adjacent transfers."""
    order = [HELPED, PLAIN, AGAIN]
    speeds: dict[int, list[float]] = {port: [] for port in order}
    for port in order:
        speed(transfer, port)
    for number in range(ROUNDS):
        shift = number % len(order)
        for port in order[shift:] + order[:shift]:
            speeds[port].append(speed(transfer, port))
    plain = speeds[PLAIN]
    print(f"{name:<38} {statistics.median(plain):5.1f} Gbit/s without", flush=True)
    for label, port in (("with / without", HELPED), ("without / without", AGAIN)):
        print(f"  {label:<18} {summary([a / b for a, b in zip(speeds[port], plain)])}", flush=True)


def segments(limit: int) -> None:
    """The most segments that the sending stack hands over as one packet."""
    command = ["ip", "-n", "server", "link", "set", "eth0", "gso_max_segs", str(limit)]
    subprocess.run(command, check=True)


def main() -> None:
    """All comparisons."""
    with tempfile.TemporaryFile() as file:
        header = b"\x17\x03\x03" + BODY.to_bytes(2, "big")
        for _ in range(RECORDS):
            file.write(header + os.urandom(BODY))
        file.flush()
        sender = Sender(file.fileno(), [HELPED, PLAIN, AGAIN])
        print(f"{ROUNDS} rounds; ratios: median, quartiles, least..most", flush=True)
        compare("TLS 1.3, nginx to curl", tls(4))
        compare("ready records, no copy", raw(sender, 16))
        segments(1)
        compare("TLS 1.3, one segment per packet", tls(2))
        compare("ready records, one segment per packet", raw(sender, 4))


if __name__ == "__main__":
    main()
