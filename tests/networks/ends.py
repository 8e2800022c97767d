#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Both ends of TLS transfers of which every byte is checked.

The client asks by a line "DOWN UP". The server sends DOWN bytes and reads UP bytes at once, both
from the beginning of the same file, and answers "same" or "other", the client's address as it sees
it, and its own. The lines "close" and "reset" make the server end the connection first.

The client prints a line per connection, of what the connection's TCP came to, then the number of
those that carried all, their bytes and the seconds they took, and last how many have failed.
"""

import argparse
import errno
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator

# Seconds without progress: an upper bound for events, never a measure of speed.
PATIENCE = float(os.environ.get("NETWORKS_PATIENCE", "120"))
PORT = 443
MPTCP_INFO = (284, 1)  # SOL_MPTCP, MPTCP_INFO
IPV6_OPTIONS = {"hop": 54, "destination": 59}  # IPV6_HOPOPTS, IPV6_DSTOPTS
IPV6_PADDING = b"\0\0\x01\x04\0\0\0\0"  # a header of eight bytes that hold PadN
NOW = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset


def pump(peer: ssl.SSLSocket, sending: bytes, awaited: int) -> bytes:
    """Sends and receives at once, whichever goes; returns what came."""
    unsent, came = memoryview(sending), bytearray()
    peer.setblocking(False)
    while unsent or len(came) < awaited:
        sent, part = send_some(peer, unsent), receive_some(peer, awaited - len(came))
        unsent = unsent[sent:]
        came += part
        if not sent and not part:
            wait(peer, bool(unsent))
    peer.settimeout(PATIENCE)
    return bytes(came)


def send_some(peer: ssl.SSLSocket, unsent: memoryview) -> int:
    """As much as the socket takes."""
    try:
        return peer.send(unsent[: 1 << 16]) if unsent else 0
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0


def receive_some(peer: ssl.SSLSocket, most: int) -> bytes:
    """As much as there is."""
    if not most:
        return b""
    try:
        part = peer.recv(min(most, 1 << 16))
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return b""
    if not part:
        raise EOFError(f"{most} bytes are missing")
    return part


def wait(peer: ssl.SSLSocket, to_send: bool) -> None:
    """Until the socket can be used again."""
    if not any(select.select([peer], [peer] if to_send else [], [], PATIENCE)):
        raise TimeoutError(f"no progress for {PATIENCE} s")


def read_line(peer: ssl.SSLSocket) -> str:
    """A line, without its end; empty at the end of the stream."""
    line = bytearray()
    while (byte := peer.recv(1)) not in (b"", b"\n"):
        line += byte
    return line.decode()


def place(address: tuple[str, int]) -> str:
    """An address and a port, without IPv6's mapping of IPv4 addresses."""
    return f"{address[0].removeprefix('::ffff:')}:{address[1]}"


# --- the server ---------------------------------------------------------------


def serve(peer: ssl.SSLSocket, data: bytes) -> None:
    """Answers lines until the client has no more, or wants the server to end it."""
    while (line := read_line(peer)) not in ("", "close", "reset"):
        down, up = map(int, line.split())
        verdict = "same" if pump(peer, data[:down], up) == data[:up] else "other"
        peer.sendall(
            f"{verdict} {place(peer.getpeername())} {place(peer.getsockname())}\n".encode()
        )
    if line == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)


def accepted(raw: socket.socket, context: ssl.SSLContext, data: bytes) -> None:
    """One connection, from its TLS handshake on."""
    raw.settimeout(PATIENCE)
    try:
        with context.wrap_socket(raw, server_side=True) as peer:
            serve(peer, data)
    except (OSError, EOFError) as error:
        print(f"{raw}: {error!r}", file=sys.stderr, flush=True)
    finally:
        raw.close()


def server(options: argparse.Namespace, data: bytes) -> None:
    """Listens for ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{options.folder}/cert.pem", f"{options.folder}/key.pem")
    listener = new_socket(options)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if options.fastopen:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    listener.bind((options.host, options.port))
    listener.listen(256)
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=accepted, args=(raw, context, data), daemon=True).start()


# --- the client ---------------------------------------------------------------


def new_socket(options: argparse.Namespace) -> socket.socket:
    """A socket as both ends have it."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_MPTCP if options.mptcp else 0)
    for name in options.headers:
        raw.setsockopt(socket.IPPROTO_IPV6, IPV6_OPTIONS[name], IPV6_PADDING)
    return raw


def connect(options: argparse.Namespace, number: int) -> socket.socket:
    """A TCP connection."""
    raw = new_socket(options)
    raw.settimeout(PATIENCE)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if options.sndbuf:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, options.sndbuf)
    if options.source:
        raw.bind((options.source.format(number + options.first), options.source_port))
    once_free(lambda: raw.connect((options.host, options.port)))
    return raw


def once_free(connect_socket: Callable[[], None]) -> None:
    """Connects when the last acknowledgement of the port's connection before has come."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connect_socket()
            return
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL or time.monotonic() > end:
                raise
        time.sleep(0.01)


def tls_version(number: int) -> ssl.TLSVersion:
    """TLS 1.2 and 1.3 by turns."""
    return (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)[number % 2]


def begin_tls(raw: socket.socket, version: ssl.TLSVersion) -> ssl.SSLSocket:
    """The handshake, of just that version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context.wrap_socket(raw)


def joined(peer: ssl.SSLSocket, subflows: int) -> bool:
    """More MPTCP subflows than the first, so many."""
    return peer.getsockopt(*MPTCP_INFO, 1)[0] >= subflows


def await_subflows(peer: ssl.SSLSocket, subflows: int) -> None:
    """Until they have joined."""
    end = time.monotonic() + PATIENCE
    while not joined(peer, subflows):
        if time.monotonic() > end:
            raise TimeoutError("no subflow joined")
        time.sleep(0.01)


def tcp_facts(peer: ssl.SSLSocket) -> str:
    """What the handshake of TCP agreed on."""
    info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 7)
    agreed, scales = info[5], info[6]
    return f"timestamps={agreed & 1} sack={agreed >> 1 & 1} scales={scales & 15},{scales >> 4}"


def ask(peer: ssl.SSLSocket, data: bytes, down: int, up: int) -> str:
    """Transfers both ways at once; returns how the server sees the connection."""
    peer.sendall(f"{down} {up}\n".encode())
    if pump(peer, data[:up], down) != data[:down]:
        raise ValueError("the client got other bytes than the server sent")
    verdict, *places = read_line(peer).split(" ")
    if verdict != "same":
        raise ValueError(f"the server got other bytes than the client sent: {verdict!r}")
    return "client={} server={}".format(*places)


def requests(options: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """What each connection carries: bytes down, bytes up."""
    if options.duplex:
        yield options.bytes, options.bytes
    else:
        yield options.bytes, 0
        yield 0, options.bytes


def end(peer: ssl.SSLSocket, how: str) -> None:
    """Closes the connection, or has the server close it, and waits for that."""
    if how != "client":
        peer.sendall(f"{how}\n".encode())
        try:
            while peer.recv(1):
                pass
        except ConnectionResetError:
            pass
    peer.close()


def transfer(options: argparse.Namespace, data: bytes, number: int) -> str:
    """One connection, with all its requests; returns what there is to know of it."""
    version = tls_version(number)
    with connect(options, number) as raw, begin_tls(raw, version) as peer:
        if options.subflows:
            await_subflows(peer, options.subflows)
        for down, up in requests(options):
            seen = ask(peer, data, down, up)
        facts = f"{version.name} {seen} {tcp_facts(peer)}"
        end(peer, options.end)
    return facts


def tried(options: argparse.Namespace, data: bytes, number: int) -> bool:
    """Whether one connection carried all; tells about it."""
    begun = time.monotonic()
    try:
        facts = transfer(options, data, number)
    except (OSError, EOFError, ValueError) as error:
        taken = time.monotonic() - begun
        print(f"broken: {tls_version(number).name} after {taken:.1f} s: {error!r}", flush=True)
        return False
    print(f"connection: {facts}", flush=True)
    return True


def run_client(options: argparse.Namespace, data: bytes) -> None:
    """All connections, some of them at once; tells what came of them."""
    begun, numbers = time.monotonic(), iter(range(options.connections))
    outcomes: list[bool] = []

    def work() -> None:
        for number in numbers:
            outcomes.append(tried(options, data, number))

    workers = [threading.Thread(target=work) for _ in range(options.at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    whole = outcomes.count(True)
    carried = sum(down + up for down, up in requests(options)) * whole
    print(f"sum: {whole} {carried} {time.monotonic() - begun:.1f}")
    print(f"failed: {outcomes.count(False)}", flush=True)


def clients(folder: str, data: bytes) -> None:
    """A client per line that it is asked by: Python takes long to start in an emulated machine."""
    with open(f"{folder}/asked", encoding="ascii") as asked:
        for line in asked:
            run_client(arguments(["client", folder, *line.split()]), data)


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("server", "client", "clients"))
    parser.add_argument("folder", help="holds data, cert.pem, key.pem")
    parser.add_argument("host", nargs="?")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--mptcp", action="store_true")
    parser.add_argument("--fastopen", action="store_true", help="as a server")
    parser.add_argument("--headers", nargs="*", default=[], choices=IPV6_OPTIONS)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--bytes", type=int, default=200_000, help="each way")
    parser.add_argument("--duplex", action="store_true", help="both ways at once")
    parser.add_argument("--source", help="an address; {} is the number of the connection")
    parser.add_argument("--first", type=int, default=0, help="the first of these numbers")
    parser.add_argument("--source-port", type=int, default=0)
    parser.add_argument("--sndbuf", type=int, help="of the client, in bytes")
    parser.add_argument("--subflows", type=int, default=0, help="of MPTCP, to wait for")
    parser.add_argument("--end", choices=("client", "close", "reset"), default="client")
    return parser.parse_args(words)


def main() -> None:
    """Either end."""
    options = arguments(sys.argv[1:])
    with open(f"{options.folder}/data", "rb") as file:
        data = file.read()
    if options.role == "server":
        server(options, data)
    elif options.role == "client":
        run_client(options, data)
    else:
        clients(options.folder, data)


if __name__ == "__main__":
    main()
