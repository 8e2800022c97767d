#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sessions that begin in the clear: servers of each protocol, with openssl's client and our own.

For each protocol: `openssl s_client -starttls` upgrades and is served; a session that stays in the
clear is served, and counted; bytes after the request, and a heartbleed probe after the upgrade, end
the connection.
"""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

import tlsnet
from tlsnet import KernelLog, Ktap, client_of, counters, netns, receive_exactly, reset, sysctl
from vectorfile import lines_of

SERVER = tlsnet.SERVER[socket.AF_INET]
CLIENT = tlsnet.CLIENT[socket.AF_INET]
PROXY_PORT = 8443
PROXY_V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\1\xbb"
LDAP_OID = b"1.3.6.1.4.1.1466.20037"
LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + LDAP_OID
MYSQL_GREETING = b"\x4a\0\0\0\x0a8.0.36\0" + b"\xaa" * 12 + b"\0\xff\xff" + b"\xaa" * 44 + bytes(7)
MYSQL_REQUEST = b"\x20\0\0\1\x85\xae\x7f\0\0\0\0\1\x2d" + bytes(23)
MYSQL_LOGIN = b"\x26\0\0\1\x85\xa6\x7f\0\0\0\0\1\x2d" + bytes(23) + b"user\0\0"
STREAM = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
FEATURES = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
CONNECT = b"CONNECT 10.0.2.2:443 HTTP/1.1\r\nHost: 10.0.2.2:443\r\n\r\n"


@dataclass(frozen=True)
class Protocol:
    """What its two sides say: the request that its server upgrades for, and something in the clear."""

    name: str
    port: int
    greeting: bytes
    # What ends a message of the client.
    ends: Callable[[bytes], bool]
    request: bytes
    acceptance: bytes
    # What else a client says, as openssl's does, and the answers.
    others: dict[bytes, bytes]
    clear: bytes
    answer: bytes


def line(data: bytes) -> bool:
    """Whether text has come to a line's end."""
    return data.endswith(b"\n")


def whole(length: int) -> Callable[[bytes], bool]:
    """Whether so many bytes have come."""
    return lambda data: len(data) >= length


def ber(data: bytes) -> bool:
    """Whether a short message of LDAP is whole."""
    return len(data) > 1 and len(data) >= 2 + data[1]


PROTOCOLS = [
    Protocol(
        "smtp",
        25,
        b"220 mx ESMTP\r\n",
        line,
        b"STARTTLS\r\n",
        b"220 ready\r\n",
        {b"EHLO": b"250-mx\r\n250 STARTTLS\r\n"},
        b"MAIL FROM:<>\r\n",
        b"250 ok\r\n",
    ),
    Protocol(
        "lmtp",
        24,
        b"220 mx LMTP\r\n",
        line,
        b"STARTTLS\r\n",
        b"220 ready\r\n",
        {b"LHLO": b"250-mx\r\n250 STARTTLS\r\n"},
        b"MAIL FROM:<>\r\n",
        b"250 ok\r\n",
    ),
    Protocol(
        "ftp",
        21,
        b"220 ready\r\n",
        line,
        b"AUTH TLS\r\n",
        b"234 proceed\r\n",
        {},
        b"USER a\r\n",
        b"331 password\r\n",
    ),
    Protocol(
        "nntp",
        119,
        b"200 ready\r\n",
        line,
        b"STARTTLS\r\n",
        b"382 proceed\r\n",
        {b"CAPABILITIES": b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"},
        b"DATE\r\n",
        b"111 2026\r\n",
    ),
    Protocol(
        "pop3",
        110,
        b"+OK ready\r\n",
        line,
        b"STLS\r\n",
        b"+OK begin\r\n",
        {},
        b"USER a\r\n",
        b"+OK\r\n",
    ),
    Protocol(
        "imap",
        143,
        b"* OK ready\r\n",
        line,
        b". STARTTLS\r\n",
        b". OK begin\r\n",
        {b". CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n"},
        b". LOGIN a b\r\n",
        b". OK done\r\n",
    ),
    Protocol(
        "sieve",
        4190,
        b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK\r\n',
        line,
        b"STARTTLS\r\n",
        b'OK "begin"\r\n',
        {},
        b'HAVESPACE "a" 1\r\n',
        b"OK\r\n",
    ),
    Protocol(
        "irc",
        6667,
        b"",
        line,
        b"STARTTLS\r\n",
        b":irc 670 * :begin\r\n",
        {},
        b"NICK a\r\n",
        b":irc 001 a :welcome\r\n",
    ),
    Protocol(
        "xmpp",
        5222,
        b"",
        lambda data: data.endswith(b">"),
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        {b"<stream": STREAM + FEATURES},
        b"<presence/>",
        b"<presence/>",
    ),
    Protocol(
        "ldap",
        389,
        b"",
        ber,
        LDAP_REQUEST,
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
        {},
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00",
        b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
    ),
    Protocol(
        "postgres",
        5432,
        b"",
        whole(8),
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b"S",
        {},
        b"\0\0\0\x0c\0\3\0\0a\0b\0",
        b"R\0\0\0\x08\0\0\0\0",
    ),
    Protocol(
        "mysql",
        3306,
        MYSQL_GREETING,
        whole(36),
        MYSQL_REQUEST,
        b"",
        {},
        MYSQL_LOGIN,
        b"\7\0\0\2\0\0\0\2\0\0\0",
    ),
    Protocol(
        "connect",
        3128,
        b"",
        lambda data: data.endswith(b"\r\n\r\n"),
        CONNECT,
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        {},
        b"GET http://example.org/ HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ),
]
# openssl's client asks so, in place of `-starttls NAME`.
BY_PROXY = "connect"


class Server:
    """A server of one protocol, which echoes what comes by TLS."""

    def __init__(self, protocol: Protocol | None, port: int, context: ssl.SSLContext) -> None:
        self.protocol, self.context = protocol, context
        with netns("server"):
            self.listener = socket.create_server((SERVER, port))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            if self.protocol is None:
                self._skip_header(client)
            elif not self._speak(self.protocol, client):
                return
            with self.context.wrap_socket(client, server_side=True) as secured:
                while data := secured.recv(4096):
                    secured.sendall(data)
        except (OSError, ValueError):
            # A client that breaks a rule comes to such an end.
            pass
        finally:
            client.close()

    @staticmethod
    def _skip_header(client: socket.socket) -> None:
        header = receive_exactly(client, 16)
        if header.startswith(b"PROXY"):
            while not header.endswith(b"\n"):
                header += receive_exactly(client, 1)
        else:
            receive_exactly(client, header[15])

    @staticmethod
    def _message(protocol: Protocol, client: socket.socket) -> bytes:
        data = b""
        while not protocol.ends(data):
            if not (more := client.recv(1)):
                return b""
            data += more
            if (
                protocol.name == "mysql"
                and data[:1] == MYSQL_LOGIN[:1]
                and len(data) < len(MYSQL_LOGIN)
            ):
                data += receive_exactly(client, len(MYSQL_LOGIN) - len(data))
            if protocol.name == "postgres" and len(data) == 8 and data[4:5] == b"\0":
                data += receive_exactly(client, data[3] - 8)
        return data

    def _speak(self, protocol: Protocol, client: socket.socket) -> bool:
        """Speaks in the clear until the upgrade."""
        client.sendall(protocol.greeting)
        while message := self._message(protocol, client):
            if self._asks(protocol, message):
                client.sendall(protocol.acceptance)
                return True
            others = (
                answer for start, answer in protocol.others.items() if message.startswith(start)
            )
            client.sendall(next(others, protocol.answer))
        return False

    @staticmethod
    def _asks(protocol: Protocol, message: bytes) -> bool:
        if protocol.name == "ldap":
            return LDAP_OID in message
        if protocol.name == "mysql":
            return len(message) == len(MYSQL_REQUEST)
        if protocol.name == BY_PROXY:
            return message.startswith(b"CONNECT")
        return message.startswith(protocol.request)


class Tests:
    """The tests, with the log at hand."""

    def __init__(self) -> None:
        self.log = KernelLog()

    def connect(self, port: int) -> socket.socket:
        """A connection through the router, nothing logged about it."""
        with netns("client"):
            client = socket.create_connection((SERVER, port), timeout=tlsnet.TIMEOUT)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.log.forget(client_of(client))
        return client

    def begin(self, protocol: Protocol) -> socket.socket:
        """The same, after the greeting, and what else comes before the request."""
        client = self.connect(protocol.port)
        self.expect(client, protocol.greeting)
        for start, answer in protocol.others.items():
            opening = {b"<stream": STREAM}.get(start, start + b" client\r\n")
            client.sendall(b". CAPABILITY\r\n" if start == b". CAPABILITY" else opening)
            self.expect(client, answer)
        return client

    @staticmethod
    def expect(client: socket.socket, data: bytes) -> None:
        """Fails unless that comes."""
        if (came := receive_exactly(client, len(data))) != data:
            raise AssertionError(f"{came!r} came, not {data!r}")

    def upgrades(self, protocol: Protocol) -> None:
        """openssl's client upgrades, and is served."""
        before = counters()
        command = ["ip", "netns", "exec", "client", "openssl", "s_client", "-quiet", "-ign_eof"]
        if protocol.name == BY_PROXY:
            command += ["-proxy", f"{SERVER}:{protocol.port}", "-connect", f"{SERVER}:443"]
        else:
            command += ["-starttls", protocol.name, "-connect", f"{SERVER}:{protocol.port}"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as client:
            if client.stdin is None or client.stdout is None:
                raise AssertionError("no pipes")
            client.stdin.write(b"through TLS\n")
            client.stdin.flush()
            # Some of them show the server's last words in the clear.
            while (said := client.stdout.readline()) and b"through TLS" not in said:
                pass
            client.kill()
        if b"through TLS" not in said:
            raise AssertionError("nothing came back")
        now = counters()
        changed = {
            name for name in ("upgraded", "condemned", "cleartext") if now[name] != before[name]
        }
        if changed != {"upgraded"}:
            raise AssertionError(f"changed were {changed}")

    def stays(self, protocol: Protocol) -> None:
        """A session without an upgrade is served, and counted."""
        before = counters()["cleartext"]
        client = self.begin(protocol)
        client.sendall(protocol.clear)
        self.expect(client, protocol.answer)
        client.close()
        if counters()["cleartext"] != before + 1:
            raise AssertionError("it was not counted once")

    def injects(self, protocol: Protocol) -> None:
        """Cleartext after the request ends the connection."""
        client = self.begin(protocol)
        client.sendall(protocol.request + protocol.clear)
        # MySQL's server answers nothing: what follows is to be TLS at once.
        self.log.ended(client, "record_type" if protocol.name == "mysql" else "starttls_injection")

    def probes(self, protocol: Protocol) -> None:
        """A heartbleed probe after the upgrade ends the connection, after a hello in single bytes, too."""
        (_, hello), *_, (_, probe) = lines_of("heartbleed_starttls_direct_tool_probe")
        for step in (1, 1000):
            client = self.begin(protocol)
            client.sendall(protocol.request)
            self.expect(client, protocol.acceptance)
            # The server may refuse the hello, and close: its last byte comes with the probe.
            for at in range(0, len(hello) - 1, step):
                client.sendall(hello[at : min(at + step, len(hello) - 1)])
            client.sendall(hello[-1:] + probe)
            self.ended_by_log(client, "heartbleed")

    def ended_by_log(self, client: socket.socket, reason: str) -> None:
        """Fails unless the log names that reason."""
        condemned = self.log.wait_about(client_of(client))
        reset(client)
        if condemned.reason != reason:
            raise AssertionError(f"condemned for {condemned.reason}")

    def is_refused(self, protocol: Protocol) -> None:
        """Where an upgrade is required, a session without one ends."""
        sysctl("starttls", "require")
        try:
            client = self.begin(protocol)
            client.sendall(protocol.clear)
            self.log.ended(client, "starttls_required")
        finally:
            sysctl("starttls", "allow")

    def behind_header(self, header: bytes) -> None:
        """A PROXY header goes before TLS, and before a probe in the same segment."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        client = self.connect(PROXY_PORT)
        client.sendall(header)
        with context.wrap_socket(client) as secured:
            secured.sendall(b"through TLS")
            if (came := secured.recv(100)) != b"through TLS":
                raise AssertionError(f"{came!r} came back")
        (_, hello), *_, (_, probe) = lines_of("heartbleed_starttls_direct_tool_probe")
        client = self.connect(PROXY_PORT)
        client.sendall(header + hello + probe)
        self.ended_by_log(client, "heartbleed")

    def without_header(self) -> None:
        """Without one the connection ends."""
        client = self.connect(PROXY_PORT)
        client.sendall(b"\x16\x03\x01")
        self.ended_by_log(client, "proxy_header")


def main(certificate: str, key: str) -> int:
    """Runs them all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for protocol in PROTOCOLS:
        Server(protocol, protocol.port, context)
    Server(None, PROXY_PORT, context)
    tests = Tests()
    what = {
        "openssl's client upgrades": tests.upgrades,
        "a session in the clear passes": tests.stays,
        "cleartext after the request is stopped": tests.injects,
        "heartbleed after the upgrade is stopped": tests.probes,
        "without an upgrade, where one is required": tests.is_refused,
    }
    ktap = Ktap(len(PROTOCOLS) * len(what) + 3)
    for protocol in PROTOCOLS:
        for name, test in what.items():
            ktap.check(f"{protocol.name}: {name}", lambda: test(protocol))
    ktap.check("PROXY, version 1", lambda: tests.behind_header(PROXY_V1))
    ktap.check("PROXY, version 2", lambda: tests.behind_header(PROXY_V2))
    ktap.check("no PROXY header", tests.without_header)
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
