# SPDX-License-Identifier: GPL-2.0
"""The protocols, as clients of ours and others' clients speak them to a real server.

Of each protocol there is a dialogue in the clear up to its request, and native clients. These raise
unless they are served.
"""

import ftplib
import imaplib
import os
import poplib
import re
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from sievelib import managesieve

import tlsnet

SERVER = tlsnet.SERVER[socket.AF_INET]
SCRATCH = os.environ["SCRATCH"]
# For a client that wants to know whom it trusts.
os.environ["SSL_CERT_FILE"] = f"{SCRATCH}/cert.pem"
MAIL = b"Subject: test\r\n\r\nSTARTTLS\r\n.STARTTLS\r\n"
USER, PASSWORD = "test", "secret"


@dataclass(frozen=True)
class Client:
    """A native client: what it does with an upgrade, and without one."""

    name: str
    upgraded: Callable[[], None] | None
    clear: Callable[[], None] | None = None


@dataclass(frozen=True)
class Other:
    """Something else that a client may do, and what is counted then."""

    name: str
    client: Callable[[], None]
    counted: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """A protocol, and the server that speaks it."""

    name: str
    port: int
    server: str
    # What a client says before it asks, and the end of the answer; the greeting's end is first.
    opening: list[tuple[bytes, bytes]]
    request: bytes
    accepted: bytes
    # What an attacker puts after the request, in its segment.
    injected: bytes
    clients: list[Client] = field(default_factory=list)
    # How openssl's client begins it, and what it sends and gets back by TLS; None if it cannot.
    openssl: list[str] | None = None
    said: str = ""
    answer: str = ""
    # Whether nmap speaks it.
    nmap: bool = True
    # Why the bytes after the request end the connection.
    reason: str = "starttls_injection"
    # What its server breaks by a reply in the clear to a handshake that it refuses.
    refuses: str = ""
    # Where openssl's client and nmap connect, if not to the server.
    near: tuple[str, int] | None = None
    # Sessions of other kinds: they pass, unless "condemned" is counted.
    others: list[Other] = field(default_factory=list)


def context() -> ssl.SSLContext:
    """A client that takes any certificate."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def run(*command: str, answer: str = "", said: str | None = None) -> None:
    """Runs a client; fails unless it succeeds, and has got the answer."""
    done = subprocess.run(
        command,
        input=said,
        stdin=subprocess.DEVNULL if said is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=tlsnet.TIMEOUT * 4,
        check=False,
    )
    if done.returncode or not re.search(answer, done.stdout):
        raise ConnectionError(f"{command[0]}: status {done.returncode}: {done.stdout[-1500:]}")


def command(*words: str, answer: str = "", said: str | None = None) -> Callable[[], None]:
    """A client that is a command."""
    return lambda: run(*words, answer=answer, said=said)


# --- mail ---------------------------------------------------------------------


def smtp(upgrade: bool) -> None:
    """Python's client sends two mails."""
    with smtplib.SMTP(SERVER, 25, local_hostname="client", timeout=tlsnet.TIMEOUT) as client:
        if upgrade:
            client.starttls(context=context())
        client.sendmail("a@example.org", ["b@example.org"], MAIL)
        client.sendmail("a@example.org", ["b@example.org"], MAIL)


def smtp_mixed() -> None:
    """Sends mails in the clear by DATA and BDAT, with commands in them and in flight; then upgrades."""
    who = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
    with socket.create_connection((SERVER, 25), tlsnet.TIMEOUT) as client:
        talk(client, b"", rb"^220 .*\n")
        talk(client, b"EHLO client\r\n", rb"^250 .*\n")
        talk(client, who + b"DATA\r\n", rb"^354 .*\n")
        talk(client, MAIL + b".\r\nRSET\r\n", rb"^250 .*queued.*\n250 .*\n")
        chunks = b"BDAT %d\r\n%bBDAT %d LAST\r\n%b" % (len(MAIL), MAIL, len(MAIL), MAIL)
        talk(client, who + chunks, rb"^250 .*queued.*\n")
        talk(client, b"STARTTLS\r\n", rb"^220 .*\n")
        with context().wrap_socket(client) as secured:
            talk(secured, b"EHLO client\r\n", rb"^250 .*\n")
            talk(secured, b"QUIT\r\n", rb"^221 .*\n")


def imap_literals() -> None:
    """Logs in by literals that wait for nobody, appends a mail so, and idles."""
    with socket.create_connection((SERVER, 143), tlsnet.TIMEOUT) as client:
        talk(client, b"", rb"^\* OK.*\n")
        talk(client, b"a LOGIN {4+}\r\ntest {6+}\r\nsecret\r\n", rb"^a OK.*\n")
        mail = MAIL + b"b STARTTLS\r\n"
        talk(client, b"b APPEND INBOX {%d+}\r\n%b\r\n" % (len(mail), mail), rb"^b OK.*\n")
        talk(client, b"c SELECT INBOX\r\n", rb"^c OK.*\n")
        talk(client, b"d FETCH 1:* (FLAGS BODY[])\r\n", rb"^d OK.*\n")
        talk(client, b"e IDLE\r\n", rb"^\+ .*\n")
        talk(client, b"DONE\r\n", rb"^e OK.*\n")
        talk(client, b"f NOOP\r\ng LOGOUT\r\n", rb"^g OK.*\n")


def pop3_pipelined() -> None:
    """Sends commands without waiting for their answers."""
    with socket.create_connection((SERVER, 110), tlsnet.TIMEOUT) as client:
        talk(client, b"", rb"^\+OK.*\n")
        talk(client, b"CAPA\r\nUSER test\r\nPASS secret\r\n", rb"^\+OK Logged in.*\n")
        talk(client, b"STAT\r\nLIST\r\nRETR 1\r\nQUIT\r\n", rb"^\+OK Logging out.*\n")


def talk(client: socket.socket, said: bytes, answer: bytes) -> None:
    """Says something, and waits for the end of the answer."""
    client.sendall(said)
    read_until(client, answer)


def lmtp(upgrade: bool) -> None:
    """The same, by LMTP."""
    with smtplib.LMTP(SERVER, 24, local_hostname="client") as client:
        if upgrade:
            client.starttls(context=context())
        client.sendmail("a@example.org", [USER], MAIL)


def swaks(*options: str) -> Callable[[], None]:
    """swaks sends a mail."""
    mail = ("--from", "a@example.org", "--to", "b@example.org", "--helo", "client")
    return command("swaks", "--server", SERVER, *mail, *options, answer="250 .*queued")


def imap(upgrade: bool) -> None:
    """Python's client appends a mail, which is a literal, and reads it."""
    with imaplib.IMAP4(SERVER, 143, timeout=tlsnet.TIMEOUT) as client:
        if upgrade:
            client.starttls(context())
        client.login(USER, PASSWORD)
        client.append("INBOX", "", "", MAIL)
        client.select()
        _, found = client.fetch("1", "(BODY[])")
        if b"STARTTLS" not in found[0][1]:
            raise ConnectionError(f"{found!r} was read")


def pop3(upgrade: bool) -> None:
    """Python's client reads mails."""
    client = poplib.POP3(SERVER, 110, timeout=tlsnet.TIMEOUT)
    if upgrade:
        client.stls(context())
    client.user(USER)
    client.pass_(PASSWORD)
    client.list()
    if client.stat()[0]:
        client.retr(1)
    client.quit()


def sieve(upgrade: bool) -> None:
    """sievelib's client stores a script, which is a literal, and reads it."""
    client = managesieve.Client(SERVER)
    client.read_timeout = tlsnet.TIMEOUT
    if not client.connect(USER, PASSWORD, starttls=upgrade):
        raise ConnectionError("no connection")
    script = "/*\r\nSTARTTLS\r\n*/\r\nkeep;\r\n"
    if not client.putscript("script", script) or "STARTTLS" not in client.getscript("script"):
        raise ConnectionError("it was not stored")
    client.logout()


def curl(url: str, *options: str, answer: str = "") -> Callable[[], None]:
    """curl asks for something."""
    fixed = ("curl", "--silent", "--show-error", "--insecure", "--user", f"{USER}:{PASSWORD}")
    return command(*fixed, *options, url, answer=answer)


MAIL_PROTOCOLS = [
    Protocol(
        "smtp",
        25,
        "Postfix",
        [(b"", rb"^220 .*\n"), (b"EHLO client\r\n", rb"^250 .*\n")],
        b"STARTTLS\r\n",
        rb"^220 .*\n",
        b"MAIL FROM:<a@example.org>\r\n",
        [
            Client("swaks", swaks("-tls"), swaks()),
            Client("smtplib", lambda: smtp(True), lambda: smtp(False)),
        ],
        ["-starttls", "smtp"],
        "NOOP\n",
        r"250 2\.0\.0 Ok",
        others=[
            Other("mails by DATA and BDAT, and an upgrade", smtp_mixed, ("cleartext", "upgraded"))
        ],
    ),
    Protocol(
        "lmtp",
        24,
        "Dovecot",
        [(b"", rb"^220 .*\n"), (b"LHLO client\r\n", rb"^250 .*\n")],
        b"STARTTLS\r\n",
        rb"^220 .*\n",
        b"MAIL FROM:<a@example.org>\r\n",
        [Client("smtplib", lambda: lmtp(True), lambda: lmtp(False))],
        ["-starttls", "lmtp"],
        "NOOP\n",
        "250 2",
        nmap=False,
    ),
    Protocol(
        "imap",
        143,
        "Dovecot",
        [(b"", rb"^\* OK.*\n"), (b"a CAPABILITY\r\n", rb"^a OK.*\n")],
        b"b STARTTLS\r\n",
        rb"^b OK.*\n",
        b"c LOGIN test secret\r\n",
        [
            Client("imaplib", lambda: imap(True), lambda: imap(False)),
            Client(
                "curl",
                curl(f"imap://{SERVER}/INBOX;UID=1", "--ssl-reqd", answer="Subject: test"),
                curl(f"imap://{SERVER}/INBOX;UID=1", answer="Subject: test"),
            ),
        ],
        ["-starttls", "imap"],
        "x NOOP\n",
        "x OK",
        others=[Other("literals in flight, and IDLE", imap_literals, ("cleartext",))],
    ),
    Protocol(
        "pop3",
        110,
        "Dovecot",
        [(b"", rb"^\+OK.*\n"), (b"CAPA\r\n", rb"^\.\r\n")],
        b"STLS\r\n",
        rb"^\+OK.*\n",
        b"USER test\r\n",
        [
            Client("poplib", lambda: pop3(True), lambda: pop3(False)),
            Client(
                "curl",
                curl(f"pop3://{SERVER}/", "--ssl-reqd"),
                curl(f"pop3://{SERVER}/"),
            ),
        ],
        ["-starttls", "pop3"],
        "CAPA\n",
        "SASL",
        others=[Other("commands in flight", pop3_pipelined, ("cleartext",))],
    ),
    Protocol(
        "sieve",
        4190,
        "Dovecot",
        [(b"", rb"^OK.*\n"), (b"CAPABILITY\r\n", rb"^OK.*\n")],
        b"STARTTLS\r\n",
        rb"^OK.*\n",
        b'HAVESPACE "a" 1\r\n',
        [Client("sievelib", lambda: sieve(True), lambda: sieve(False))],
        ["-starttls", "sieve"],
        "NOOP\n",
        "OK ",
        nmap=False,
    ),
]

# --- files, directories, databases, chat ----------------------------------------


def ftp(upgrade: bool) -> None:
    """Python's client stores nothing, and fetches a file."""
    kind = ftplib.FTP_TLS if upgrade else ftplib.FTP
    with kind(timeout=tlsnet.TIMEOUT, **({"context": context()} if upgrade else {})) as client:
        client.connect(SERVER, 21)
        client.login()
        if isinstance(client, ftplib.FTP_TLS):
            client.prot_p()
        parts: list[bytes] = []
        client.retrbinary("RETR file", parts.append)
    if sum(map(len, parts)) != 100_000:
        raise ConnectionError("a part of the file is missing")


def ldapsearch(*options: str) -> Callable[[], None]:
    """OpenLDAP's client searches."""
    words = ("env", "LDAPTLS_REQCERT=never", "ldapsearch", "-x", "-LLL")
    where = ("-H", f"ldap://{SERVER}", "-b", "dc=example,dc=org")
    who = ("-D", "cn=admin,dc=example,dc=org", "-w", PASSWORD)
    return command(*words, *options, *where, *who, answer="o: example")


def psql(mode: str) -> Callable[[], None]:
    """PostgreSQL's client asks for a sum."""
    where = f"host={SERVER} user={USER} dbname=postgres sslmode={mode}"
    return command("psql", where, "-Atc", "select 41 + 1", answer="^42$")


def mariadb(*options: str) -> Callable[[], None]:
    """MariaDB's client does."""
    words = ("mariadb", "--no-defaults", "-h", SERVER, "-u", USER, f"-p{PASSWORD}", *options)
    return command(*words, "-Ne", "select 41 + 1", answer="42")


def nntp_clear() -> None:
    """Lists the groups."""
    with socket.create_connection((SERVER, 119), tlsnet.TIMEOUT) as client:
        read_until(client, rb"^20[01] .*\n")
        client.sendall(b"LIST\r\n")
        read_until(client, rb"^example.test .*\r\n\.\r\n")


def xmpp_clear() -> None:
    """Logs in."""
    with socket.create_connection((SERVER, 5222), tlsnet.TIMEOUT) as client:
        client.sendall(STREAM)
        read_until(client, rb"</stream:features>")
        client.sendall(XMPP_LOGIN)
        read_until(client, rb"<success")


def read_until(client: socket.socket, pattern: bytes) -> bytes:
    """Reads until there is what the pattern describes."""
    data = b""
    while not re.search(pattern, data, re.MULTILINE):
        if not (more := client.recv(4096)):
            raise ConnectionError(f"{data!r} came, and not {pattern!r}")
        data += more
    return data


LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
LDAP_BIND = "\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\x00\x80\x00"
POSTGRES_START = "\0\0\0\x25\0\3\0\0user\0test\0database\0postgres\0\0"
MYSQL_REQUEST = b"\x20\0\0\1\x85\xae\x7f\0\0\0\0\1\x2d" + bytes(23)
MYSQL_LOGIN = "\x26\0\0\2\x85\xae\x7f\0\0\0\0\1\x2d" + "\0" * 23 + "user\0\0"
STREAM = (
    b"<?xml version='1.0'?><stream:stream to='server.example' version='1.0' "
    b"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
)
XMPP_LOGIN = (
    b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHRlc3QAc2VjcmV0</auth>"
)

OTHER_PROTOCOLS = [
    Protocol(
        "ftp",
        21,
        "vsftpd",
        [(b"", rb"^220 .*\n"), (b"FEAT\r\n", rb"^211 .*\n")],
        b"AUTH TLS\r\n",
        rb"^234 .*\n",
        b"USER anonymous\r\n",
        [
            Client("ftplib", lambda: ftp(True), lambda: ftp(False)),
            Client(
                "curl",
                curl(f"ftp://{SERVER}/", "--user", "ftp:x", "--ssl-reqd", answer="file"),
                curl(f"ftp://{SERVER}/", "--user", "ftp:x", answer="file"),
            ),
        ],
        ["-starttls", "ftp"],
        "FEAT\n",
        "211 End",
        refuses="record_type",
    ),
    Protocol(
        "nntp",
        119,
        "INN",
        [(b"", rb"^20[01] .*\n"), (b"CAPABILITIES\r\n", rb"^\.\r\n")],
        b"STARTTLS\r\n",
        rb"^382 .*\n",
        b"LIST\r\n",
        [Client("a script", None, nntp_clear)],
        ["-starttls", "nntp"],
        "LIST\n",
        "example.test",
    ),
    Protocol(
        "ldap",
        389,
        "OpenLDAP",
        [],
        LDAP_REQUEST,
        rb"\x0a\x01\x00",
        LDAP_BIND.encode(),
        [Client("ldapsearch", ldapsearch("-ZZ"), ldapsearch())],
        ["-starttls", "ldap"],
        LDAP_BIND,
        "\x61\x07\x0a\x01\x00",
    ),
    Protocol(
        "postgres",
        5432,
        "PostgreSQL",
        [],
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        rb"\AS",
        POSTGRES_START.encode(),
        [Client("psql", psql("require"), psql("disable"))],
        ["-starttls", "postgres"],
        POSTGRES_START,
        "server_version",
        others=[Other("psql begins with TLS", psql("require sslnegotiation=direct"), ())],
    ),
    Protocol(
        "mysql",
        3306,
        "MariaDB",
        [(b"", rb"mysql_native_password\0\Z")],
        MYSQL_REQUEST,
        b"",
        MYSQL_LOGIN.encode("latin-1"),
        [
            Client(
                "mariadb",
                mariadb("--ssl", "--disable-ssl-verify-server-cert"),
                mariadb("--skip-ssl"),
            )
        ],
        ["-starttls", "mysql"],
        MYSQL_LOGIN,
        "08S01",
        # Its server answers nothing: what follows is to be TLS at once.
        reason="record_type",
        refuses="record_version",
    ),
    Protocol(
        "xmpp",
        5222,
        "Prosody",
        [(STREAM, rb"</stream:features>")],
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        rb"<proceed[^>]*>",
        XMPP_LOGIN,
        [
            Client(
                "go-sendxmpp",
                command(
                    *("go-sendxmpp", "-n", "-u", "test@server.example", "-p", PASSWORD),
                    *("-j", f"{SERVER}:5222", "test@server.example"),
                    said="a message\n",
                ),
            ),
            Client("a script", None, xmpp_clear),
        ],
        ["-starttls", "xmpp", "-xmpphost", "server.example"],
        STREAM.decode() + "\n",
        "</stream:features>",
    ),
]

# --- proxies --------------------------------------------------------------------

ORIGIN = "10.0.2.3"
CONNECT = f"CONNECT {ORIGIN}:443 HTTP/1.1\r\nHost: {ORIGIN}:443\r\n\r\n".encode()
CONNECT_AUTH = CONNECT[:-2] + b"Proxy-Authorization: Basic dGVzdDpzZWNyZXQ=\r\n\r\n"
SOCKS4_REQUEST = b"\4\1\1\xbb" + socket.inet_aton(ORIGIN)
SOCKS5_REQUEST = b"\5\1\0\1" + socket.inet_aton(ORIGIN) + b"\1\xbb"
SOCKS5_LOGIN = [(b"\5\1\2", rb"\A\x05\x02"), (b"\1\4test\6secret", rb"\A\x01\x00")]
SOCKS5_GRANTED = rb"\A\x05\x00\x00\x01[\s\S]{6}"
GET = "GET / HTTP/1.1\nHost: server.example\n\n"
SQUID = ("--proxy-user", f"{USER}:{PASSWORD}", "--proxy", f"http://{SERVER}:3129")
PROXY_V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\1\xbb"


def tunnel(scheme: str, *options: str) -> Callable[[], None]:
    """curl asks nginx by a proxy."""
    return curl(f"{scheme}://{ORIGIN}/", *options, answer="by nginx")


@dataclass(frozen=True)
class Socks:
    """One way to speak to a SOCKS server: the request, and what goes before."""

    server: str
    opening: list[tuple[bytes, bytes]]
    request: bytes
    granted: bytes


def socks(name: str, port: int, way: Socks, options: list[str], *login: str) -> Protocol:
    """A SOCKS server; curl speaks to it by each of these options."""
    proxy = f"{SERVER}:{port}"
    return Protocol(
        name,
        port,
        way.server,
        way.opening,
        way.request,
        way.granted,
        GET.encode(),
        [Client(f"curl {name}", tunnel("https", name, proxy, *login)) for name in options],
        nmap=False,
        others=[
            Other(
                "HTTP in the tunnel is stopped",
                tunnel("http", options[0], proxy, *login),
                ("upgraded", "condemned", "record_type"),
            )
        ],
    )


def after_haproxy(name: str, port: int, header: bytes, *others: Other) -> Protocol:
    """TLS with a PROXY header, which HAProxy adds; its clients speak to it."""
    return Protocol(
        name,
        8443,
        "HAProxy, nginx",
        [],
        header,
        b"",
        header,
        [Client("curl", curl(f"https://{NEAR}:{port}/", answer=f"^{NEAR} by nginx"))],
        [],
        GET,
        f"{NEAR} by nginx",
        reason="record_type",
        near=(NEAR, port),
        others=[*others],
    )


NEAR = tlsnet.CLIENT[socket.AF_INET]
PROXIES = [
    Protocol(
        "connect",
        3128,
        "tinyproxy",
        [],
        CONNECT,
        rb"\r\n\r\n",
        GET.encode(),
        [
            Client(
                "curl",
                tunnel("https", "--proxy", f"http://{SERVER}:3128"),
                tunnel("http", "--proxy", f"http://{SERVER}:3128"),
            )
        ],
        ["-proxy", f"{SERVER}:3128"],
        GET,
        "by nginx",
        nmap=False,
        near=(ORIGIN, 443),
        others=[
            Other(
                "HTTP in the tunnel is stopped",
                tunnel("http", "--proxytunnel", "--proxy", f"http://{SERVER}:3128"),
                ("upgraded", "condemned", "record_type"),
            )
        ],
    ),
    Protocol(
        "connect_auth",
        3129,
        "Squid",
        [(CONNECT, rb"</html>")],
        CONNECT_AUTH,
        rb"^HTTP/1.1 200 [\s\S]*\r\n\r\n",
        GET.encode(),
        [
            Client(
                "curl",
                tunnel("https", "--proxy-anyauth", *SQUID),
                tunnel("http", "--proxy-anyauth", *SQUID),
            )
        ],
        ["-proxy", f"{SERVER}:3129", "-proxy_user", USER, "-proxy_pass", f"pass:{PASSWORD}"],
        GET,
        "by nginx",
        nmap=False,
        near=(ORIGIN, 443),
    ),
    socks(
        "socks",
        1080,
        Socks("microsocks", [(b"\5\1\0", rb"\A\x05\x00")], SOCKS5_REQUEST, SOCKS5_GRANTED),
        ["--socks5", "--socks5-hostname"],
    ),
    socks(
        "socks_password",
        1081,
        Socks("microsocks", SOCKS5_LOGIN, SOCKS5_REQUEST, SOCKS5_GRANTED),
        ["--socks5", "--socks5-hostname"],
        *("--proxy-user", f"{USER}:{PASSWORD}"),
    ),
    socks(
        "socks4",
        1082,
        Socks("OpenSSH", [], SOCKS4_REQUEST + b"user\0", rb"\A\x00\x5a[\s\S]{6}"),
        ["--socks4", "--socks4a", "--socks5"],
    ),
    after_haproxy(
        "proxy_v1",
        8001,
        PROXY_V1,
        Other(
            "TLS without a header is stopped",
            curl(f"https://{NEAR}:8004/"),
            ("condemned", "proxy_header"),
        ),
    ),
    after_haproxy("proxy_v2", 8002, PROXY_V2),
    after_haproxy("proxy_v2_more", 8003, PROXY_V2),
]

PROTOCOLS = {protocol.name: protocol for protocol in [*MAIL_PROTOCOLS, *OTHER_PROTOCOLS, *PROXIES]}
