# SPDX-License-Identifier: GPL-2.0
"""Attacks on a handshake, run in the guest: attacks.py NAME SERVER PORT. Prints what came of it.

A connection that the log names and that brings no answer counts as silent. No test waits to see how
long the silence lasts.
"""

import select
import socket
import ssl
import sys
import threading

from tlsnet import TIMEOUT, KernelLog, client_of, netns, wait_until

# supported_versions of a client that offers TLS 1.3 and 1.2, and what makes 1.2 the best of it.
OFFERS_13 = bytes.fromhex("002b 0005 04 0304 0303")
OFFERS_12 = bytes.fromhex("002b 0005 04 0303 0303")
CHANGE_CIPHER_SPEC = bytes.fromhex("140303000101")
SERVER_HELLO_DONE = bytes.fromhex("0e000000")
PROXY_PORT = 9443


def context() -> ssl.SSLContext:
    """A client that takes any certificate."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def client_hello(maximum: ssl.TLSVersion) -> bytes:
    """The first flight of OpenSSL."""
    settings = context()
    settings.maximum_version = maximum
    outgoing = ssl.MemoryBIO()
    tls = settings.wrap_bio(ssl.MemoryBIO(), outgoing)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def is_answered(sock: socket.socket, log: KernelLog) -> bool:
    """Waits for an answer, or for the log to name the connection: whether it is the former."""

    def readable() -> bool:
        return bool(select.select([sock], [], [], 0)[0])

    wait_until(
        lambda: readable() or log.about(client_of(sock)),
        "an answer or a log line",
        fd=sock.fileno(),
    )
    return readable()


def ccs_injection(server: str, port: int) -> str:
    """CVE-2014-0224: a ChangeCipherSpec in front of the key exchange."""
    log = KernelLog()
    with netns("client"), socket.create_connection((server, port), TIMEOUT) as sock:
        sock.sendall(client_hello(ssl.TLSVersion.TLSv1_2))
        flight = b""
        while not flight.endswith(SERVER_HELLO_DONE):
            flight += sock.recv(65536)
        sock.sendall(CHANGE_CIPHER_SPEC)
        if not is_answered(sock, log):
            return "silence"
        return "answered" if sock.recv(1) else "closed"


def pump(source: socket.socket, sink: socket.socket, rewrite: bool) -> None:
    """Copies a direction; a ClientHello that offers TLS 1.3 comes out offering 1.2."""
    try:
        while data := source.recv(65536):
            sink.sendall(data.replace(OFFERS_13, OFFERS_12) if rewrite else data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def proxy(listener: socket.socket, namespace: str, target: tuple[str, int]) -> None:
    """Serves one connection, and rewrites its ClientHello."""
    near, _ = listener.accept()
    with netns(namespace):
        far = socket.create_connection(target, TIMEOUT)
    for pair in ((near, far, True), (far, near, False)):
        threading.Thread(target=pump, args=pair, daemon=True).start()


def handshake(address: tuple[str, int]) -> str:
    """What a client that offers TLS 1.3 gets."""
    log = KernelLog()
    with netns("client"):
        plain = socket.create_connection(address, TIMEOUT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing)
    while True:
        try:
            tls.do_handshake()
            plain.sendall(outgoing.read())
            return str(tls.version())
        except ssl.SSLWantReadError:
            plain.sendall(outgoing.read())
            if not is_answered(plain, log):
                return "silence"
            if data := plain.recv(65536):
                incoming.write(data)
            else:
                incoming.write_eof()
        except (ssl.SSLError, OSError) as error:
            return f"refused: {getattr(error, 'reason', error)}"


def downgrade(namespace: str, bind: str, server: str, port: int) -> str:
    """Shakes hands through a proxy in that namespace."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with netns(namespace):
        listener = socket.create_server((bind, PROXY_PORT), family=family)
    threading.Thread(target=proxy, args=(listener, namespace, (server, port)), daemon=True).start()
    return handshake((bind, PROXY_PORT))


ATTACKS = {
    "ccs_injection": ccs_injection,
    # In front of the module, which sees a client that never offered more.
    "downgrade_before": lambda server, port: downgrade(
        "client", "::1" if ":" in server else "127.0.0.1", server, port
    ),
    # After the module, which saw the true offer.
    "downgrade_behind": lambda server, port: downgrade("server", server, server, port),
    "handshake": lambda server, port: handshake((server, port)),
}

if __name__ == "__main__":
    print(ATTACKS[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
