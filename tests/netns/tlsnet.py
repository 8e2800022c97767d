# SPDX-License-Identifier: GPL-2.0
"""What the guest's Python tests share: namespaces, kernel log, TCP facts, KTAP."""

import contextlib
import errno
import os
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MODULE = "nf_conntrack_tls"
# An upper bound for events to happen, on a machine ten times slower, too; never a measure of speed.
TIMEOUT = 300.0

SERVER = {socket.AF_INET: "10.0.2.2", socket.AF_INET6: "2001:db8:2::2"}
CLIENT = {socket.AF_INET: "10.0.1.2", socket.AF_INET6: "2001:db8:1::2"}

CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def netns(name: str) -> Iterator[None]:
    """Makes the sockets opened inside belong to the namespace."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        os.setns(there, CLONE_NEWNET)
        yield
    finally:
        os.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


# --- the kernel log ---------------------------------------------------------


@dataclass(frozen=True)
class Condemned:
    """One line of the log: a connection broke a rule, and what came of it."""

    reason: str
    outcome: str
    direction: str
    client: tuple[str, int]
    server: tuple[str, int]


_LINE = re.compile(
    rf"{MODULE}: (?P<reason>\w+): (?P<outcome>reported|connection condemned, (dropped|reset)), "
    r"(?P<direction>original|reply) direction, (?P<client>\S+) -> (?P<server>\S+)( in net:\[\d+\])?$"
)


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def parse_condemned(message: str) -> Condemned | None:
    """Reads the module's log line; None if it is another."""
    match = _LINE.search(message)
    if match is None:
        return None
    return Condemned(
        match["reason"],
        match["outcome"],
        match["direction"],
        _endpoint(match["client"]),
        _endpoint(match["server"]),
    )


class KernelLog:
    """The kernel log from the moment this is made."""

    def __init__(self) -> None:
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.lines: list[str] = []
        self.condemned: dict[tuple[str, int], list[Condemned]] = defaultdict(list)
        self.lock = threading.Lock()

    def fileno(self) -> int:
        """Lets select and asyncio wait for new lines."""
        return self.fd

    def close(self) -> None:
        """Lets the log go."""
        os.close(self.fd)

    def _record(self) -> bytes | None:
        try:
            return os.read(self.fd, 8192)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            if error.errno == errno.EPIPE:
                raise RuntimeError("the kernel log ran over: lines were lost") from error
            raise

    def read(self) -> None:
        """Takes in what is new; many threads may ask."""
        with self.lock:
            self._take_in()

    def _take_in(self) -> None:
        while (record := self._record()) is not None:
            message = record.partition(b";")[2].partition(b"\n")[0].decode(errors="replace")
            self.lines.append(message)
            condemned = parse_condemned(message)
            if condemned is not None:
                self.condemned[condemned.client].append(condemned)

    def about(self, client: tuple[str, int]) -> list[Condemned]:
        """The lines about the connection of this client address and port."""
        self.read()
        return self.condemned.get(client, [])

    def forget(self, client: tuple[str, int]) -> None:
        """Drops the lines about an earlier connection from the same port."""
        self.read()
        self.condemned.pop(client, None)

    def wait_about(self, client: tuple[str, int], timeout: float = TIMEOUT) -> Condemned:
        """Waits for a line about the connection."""
        wait_until(lambda: self.about(client), f"a log line about {client}", timeout, self.fd)
        return self.about(client)[0]

    def ended(self, client: socket.socket, reason: str) -> None:
        """Fails unless the module ended the connection, for that reason; closes the client."""
        condemned = self.wait_about(client_of(client))
        if condemned.reason != reason or not condemned.outcome.startswith("connection condemned"):
            raise AssertionError(f"{condemned}, not {reason}")
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            return
        finally:
            reset(client)
        raise AssertionError("no reset came")


def wait_until(
    true: Callable[[], object], what: str, timeout: float = TIMEOUT, fd: int | None = None
) -> None:
    """Waits until true() is; looks again when fd is readable, or after 50 ms."""
    end = time.monotonic() + timeout
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"timed out waiting for {what}")
        select.select([] if fd is None else [fd], [], [], 0.05)


# --- TCP --------------------------------------------------------------------


def client_of(sock: socket.socket) -> tuple[str, int]:
    """The local address and port, as a log line names them."""
    host, port = sock.getsockname()[:2]
    return str(host), int(port)


def retransmits(sock: socket.socket) -> int:
    """How many segments the socket's TCP has sent again: tcpi_total_retrans."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int(struct.unpack_from("=I", info, 100)[0])


def reset(sock: socket.socket) -> None:
    """Closes with a RST: what is still unsent goes nowhere. Closed is closed."""
    if sock.fileno() < 0:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


_listeners: dict[tuple[int, int], socket.socket] = {}
_connecting = threading.Lock()


def _listener(family: socket.AddressFamily, port: int) -> socket.socket:
    if (family, port) not in _listeners:
        with netns("server"):
            listener = socket.create_server((SERVER[family], port), family=family)
        listener.settimeout(TIMEOUT)
        _listeners[family, port] = listener
    return _listeners[family, port]


def pair(
    family: socket.AddressFamily, port: int = 443, source: int = 0
) -> tuple[socket.socket, socket.socket]:
    """A connection through the router, from a port if given: both ends' sockets, the client's first."""
    with _connecting:
        listener = _listener(family, port)
        with netns("client"):
            client = socket.socket(family, socket.SOCK_STREAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((CLIENT[family], source))
        client.settimeout(TIMEOUT)
        client.connect((SERVER[family], port))
        server, _ = listener.accept()
    for sock in (client, server):
        sock.settimeout(TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # So that one send() takes a whole line, acknowledged or not.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return client, server


def receive_exactly(sock: socket.socket, count: int) -> bytes:
    """Reads count bytes, or what there is until the end of the stream."""
    parts = bytearray()
    while len(parts) < count and (part := sock.recv(count - len(parts))):
        parts += part
    return bytes(parts)


def pending(sock: socket.socket) -> bytes:
    """What lies ready to read, without waiting."""
    patience = sock.gettimeout()
    sock.setblocking(False)
    try:
        return sock.recv(1 << 20)
    except BlockingIOError:
        return b""
    finally:
        sock.settimeout(patience)


def swallowed(*ways: tuple[socket.socket, socket.socket], data: bytes = bytes(10)) -> None:
    """Sends data each way; fails unless the network swallows it, sent again twice."""
    before = [retransmits(sender) for sender, _ in ways]
    for sender, _ in ways:
        sender.sendall(data)
    for (sender, receiver), count in zip(ways, before):
        wait_until(lambda: retransmits(sender) >= count + 2, "the second retransmission")
        if arrived := pending(receiver):
            raise AssertionError(f"{len(arrived)} bytes arrived of what was to be dropped")


# --- the module -------------------------------------------------------------


def load(**parameters: object) -> None:
    """Reloads the module with these parameters, and without a limit on log lines."""
    unload()
    given = [f"{name}={value}" for name, value in ({"log_limit": 0} | parameters).items()]
    subprocess.run(["insmod", os.environ["NF_CT_TLS_KO"], *given], check=True)


def unload() -> None:
    """Removes the module if it is there."""
    if os.path.isdir(f"/sys/module/{MODULE}"):
        subprocess.run(["rmmod", MODULE], check=True)


def sysctl(name: str, value: object, namespace: str = "router") -> None:
    """Changes the policy of a namespace."""
    path = f"/proc/sys/net/netfilter/{MODULE}_{name}"
    with netns(namespace), open(path, "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def counters(namespace: str = "router") -> dict[str, int]:
    """What the module has counted in a namespace."""
    with netns(namespace), open(f"/proc/thread-self/net/{MODULE}", encoding="ascii") as file:
        return {name: int(value) for name, value in (line.split() for line in file)}


# --- KTAP -------------------------------------------------------------------


class Ktap:
    """The results of one script. Only this class writes to them: see tests/ktap.sh."""

    def __init__(self, planned: int) -> None:
        self.planned = planned
        self.ran = 0
        self.failures = 0
        descriptor = int(os.environ.get("KTAP_FD", sys.stdout.fileno()))
        self._results = open(descriptor, "w", encoding="utf-8", buffering=1, closefd=False)
        self._print(f"KTAP version 1\n1..{planned}")

    def _print(self, text: str) -> None:
        print(text, file=self._results, flush=True)

    def note(self, text: str) -> None:
        """Writes comments."""
        for line in text.splitlines():
            self._print(f"# {line}")

    def result(self, name: str, error: str | None) -> None:
        """Reports one test: its error, or None."""
        self.ran += 1
        self._print(f"{'ok' if error is None else 'not ok'} {self.ran} {name}")
        if error is not None:
            self.failures += 1
            self.note(error)

    def check(self, name: str, test: Callable[[], None]) -> None:
        """Runs one test: it fails by raising."""
        try:
            test()
        except Exception as error:  # a test may fail in any way
            self.result(name, f"{type(error).__name__}: {error}")
        else:
            self.result(name, None)

    def counts(self) -> None:
        """Writes the line that a whole run ends with."""
        self._print(f"{self.ran - self.failures} passed, {self.failures} failed")

    def status(self) -> int:
        """The exit status: 0 only if all that was planned ran and passed, and something was."""
        complete = self.ran == self.planned > 0
        if not complete:
            self.note(f"planned {self.planned} tests, ran {self.ran}")
        return int(self.failures > 0 or not complete)
