# SPDX-License-Identifier: GPL-2.0
"""What each TLS stack is told for a case: a command line for a client, and one for a server."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

ADDRESS = "10.0.2.2"
HERE = Path(__file__).resolve().parent
OUT = HERE.parent.parent / "build/interop"
STORE = OUT / "store"
PYTHON = "/opt/venv/bin/python3"

REQUEST = (STORE / "request").read_bytes()
BODY = (STORE / "body").read_bytes()


@dataclass(frozen=True)
class Wish:
    """What is asked of a stack."""

    low: str = "1.2"
    high: str = "1.3"
    groups: str = ""  # x25519, p256, p384, x25519mlkem768, joined by commas
    cert: str = "server"
    auth: bool = False
    tickets: bool = True
    connections: int = 1
    early: bool = False
    renegotiate: bool = False
    fragment: int = 0  # max_fragment_length
    record: int = 0  # record_size_limit
    extra: tuple[str, ...] = ()

    def only(self, version: str) -> "Wish":
        """The same of one version."""
        return replace(self, low=version, high=version)


@dataclass(frozen=True)
class Command:
    """A process, what it is told, and what it must say: (send, await) in turn."""

    words: tuple[str, ...]
    talk: tuple[tuple[bytes, bytes], ...] = ((REQUEST, BODY),)
    close: bool = False  # the standard input ends once all is sent, not once all is said
    kill: bool = False  # and then it is ended, at once
    patience: float = (
        1200  # seconds of silence: an upper bound under emulation, never a measure of speed
    )


Client = Callable[[Wish, int], list[Command]]
Server = Callable[[Wish, int], tuple[str, ...]]


def _path(name: str) -> str:
    return str(STORE / name)


def _own_words(wish: Wish, server: bool) -> tuple[str, ...]:
    """The words that peer.c knows."""
    words = {"min": wish.low, "max": wish.high, "ca": _path("ca.pem")}
    name = wish.cert if server else "client"
    if server or wish.auth:
        words |= {"cert": _path(f"{name}.pem"), "key": _path(f"{name}.key")}
    if server:
        words |= {"data": _path("data")}
        if wish.auth:
            words["auth"] = "1"
    if wish.groups:
        words["groups"] = wish.groups
    if not wish.tickets:
        words["tickets"] = "0"
    if wish.connections > 1:
        words["connections"] = str(wish.connections)
    for on, word in ((wish.early, "early"), (wish.renegotiate, "renegotiate")):
        if on:
            words[word] = "1"
    if wish.fragment:
        words["mfl"] = str(wish.fragment)
    if wish.record:
        words["record"] = str(wish.record)
    return (*(f"{name}={value}" for name, value in words.items()), *wish.extra)


def _own(*program: str) -> tuple[Client, Server]:
    """A stack that a program of ours calls."""

    def client(wish: Wish, port: int) -> list[Command]:
        words = (*program, "client", ADDRESS, str(port), *_own_words(wish, False))
        return [Command(words, close=True)]

    def server(wish: Wish, port: int) -> tuple[str, ...]:
        return (*program, "server", "0.0.0.0", str(port), *_own_words(wish, True))

    return client, server


# --- OpenSSL ----------------------------------------------------------------

_OPENSSL_GROUPS = {
    "x25519": "X25519",
    "p256": "P-256",
    "p384": "P-384",
    "x25519mlkem768": "X25519MLKEM768",
}


def _openssl_words(wish: Wish) -> tuple[str, ...]:
    if wish.low == wish.high:
        words = ["-tls1" + {"1.0": "", "1.1": "_1", "1.2": "_2", "1.3": "_3"}[wish.low]]
    else:
        words = [
            "-min_protocol",
            "TLSv" + wish.low.removesuffix(".0"),
            "-max_protocol",
            "TLSv" + wish.high,
        ]
    words += ["-cipher", "ALL:@SECLEVEL=0"]
    if wish.groups:
        words += ["-groups", ":".join(_OPENSSL_GROUPS[name] for name in wish.groups.split(","))]
    if not wish.tickets:
        words.append("-no_ticket")
    return (*words, *wish.extra)


def openssl_client(wish: Wish, port: int) -> list[Command]:
    """openssl s_client; a later connection takes the first one's session from a file."""
    session = f"/tmp/interop-{port}.session"
    words = [
        "openssl",
        "s_client",
        "-connect",
        f"{ADDRESS}:{port}",
        "-servername",
        "server.example",
    ]
    words += [
        "-CAfile",
        _path("ca.pem"),
        "-verify_return_error",
        "-no_ign_eof",
        *_openssl_words(wish),
    ]
    if wish.auth:
        words += ["-cert", _path("client.pem"), "-key", _path("client.key")]
    if wish.fragment:
        words += ["-maxfraglen", str(wish.fragment)]
    if wish.renegotiate:
        return [Command((*words,), ((b"R\n", b"RENEGOTIATING"), (REQUEST, BODY)))]
    if wish.connections == 1:
        return [Command((*words, "-quiet", "-no_ign_eof"))]
    again = (*words, "-sess_in", session)
    if wish.early:
        early = (*again, "-early_data", _path("request"))
        return [
            Command((*words, "-sess_out", session)),
            Command(early, ((b"", b"Early data was accepted"), (b"", BODY))),
        ]
    return [Command((*words, "-sess_out", session)), Command(again)]


def openssl_server(wish: Wish, port: int) -> tuple[str, ...]:
    """openssl s_server, which answers with a file."""
    words = ["openssl", "s_server", "-accept", f"{port}", "-HTTP", "-quiet", *_openssl_words(wish)]
    words += ["-cert", _path(f"{wish.cert}.pem"), "-cert_chain", _path(f"{wish.cert}.pem")]
    words += ["-key", _path(f"{wish.cert}.key")]
    if wish.auth:
        words += ["-CAfile", _path("ca.pem"), "-Verify", "3", "-verify_return_error"]
    return tuple(words)


# --- GnuTLS -----------------------------------------------------------------

_GNUTLS_GROUPS = {
    "x25519": "X25519",
    "p256": "SECP256R1",
    "p384": "SECP384R1",
    "x25519mlkem768": "X25519-MLKEM768",
}


def _gnutls_priority(wish: Wish) -> str:
    words = ["NORMAL", "-VERS-ALL"]
    words += [f"+VERS-TLS1.{minor}" for minor in range(int(wish.low[2]), int(wish.high[2]) + 1)]
    words += ["+SHA1", "+SIGN-RSA-SHA1", "%VERIFY_ALLOW_SIGN_WITH_SHA1"]
    if wish.groups:
        words += [
            "-GROUP-ALL",
            *(f"+GROUP-{_GNUTLS_GROUPS[name]}" for name in wish.groups.split(",")),
        ]
    if wish.renegotiate:
        words.append("%UNSAFE_RENEGOTIATION")
    return ":".join(words)


# Without a limit of their own: see peers/patient.c.
_PATIENT = ("env", f"LD_PRELOAD={OUT / 'patient.so'}")


def gnutls_client(wish: Wish, port: int) -> list[Command]:
    """gnutls-cli."""
    words = [
        *_PATIENT,
        "gnutls-cli",
        "--x509cafile",
        _path("ca.pem"),
        "--sni-hostname",
        "server.example",
    ]
    words += ["--verify-hostname", "server.example", "--priority", _gnutls_priority(wish)]
    words += ["-p", str(port), *wish.extra]
    if wish.auth:
        words += ["--x509certfile", _path("client.pem"), "--x509keyfile", _path("client.key")]
    if wish.connections > 1:
        words += ["--resume", *(["--waitresumption"] if wish.high == "1.3" else [])]
    if not wish.tickets:
        words.append("--noticket")
    if wish.renegotiate:
        words.append("--rehandshake")
    if wish.record:
        words += ["--recordsize", str(wish.record)]
    if wish.early:
        words += ["--earlydata", _path("early")]
    return [Command((*words, ADDRESS))]


def gnutls_server(wish: Wish, port: int) -> tuple[str, ...]:
    """gnutls-serv, which answers with a file."""
    words = [
        *_PATIENT,
        "gnutls-serv",
        "--http",
        "--httpdata",
        _path("body"),
        "-p",
        str(port),
        "--quiet",
    ]
    words += ["--priority", _gnutls_priority(wish), *wish.extra]
    words += [
        "--x509certfile",
        _path(f"{wish.cert}.pem"),
        "--x509keyfile",
        _path(f"{wish.cert}.key"),
    ]
    if wish.auth:
        words += ["--require-client-cert", "--verify-client-cert", "--x509cafile", _path("ca.pem")]
    else:
        words.append("--disable-client-cert")
    if not wish.tickets:
        words.append("--noticket")
    if wish.record:
        words += ["--recordsize", str(wish.record)]
    if wish.early:
        words += ["--earlydata", "--maxearlydata", "16384"]
    return tuple(words)


# --- NSS --------------------------------------------------------------------

_NSS_GROUPS = {
    "x25519": "x25519",
    "p256": "P256",
    "p384": "P384",
    "x25519mlkem768": "mlkem768x25519",
}


def _nss_words(wish: Wish) -> list[str]:
    names = ["ssl3" if version == "3.0" else f"tls{version}" for version in (wish.low, wish.high)]
    words = ["-d", f"sql:{STORE}/nss", "-V", ":".join(names)]
    if wish.groups:
        words += ["-I", ",".join(_NSS_GROUPS[name] for name in wish.groups.split(","))]
    if wish.tickets:
        words.append("-u")
    return [*words, *wish.extra]


def nss_client(wish: Wish, port: int) -> list[Command]:
    """tstclnt."""
    words = ["tstclnt", "-h", ADDRESS, "-a", "server.example", "-p", str(port), *_nss_words(wish)]
    words += ["-A", _path("request")]
    if wish.auth:
        words += ["-n", "client"]
    if wish.connections > 1:
        words += ["-L", str(wish.connections)]
    if wish.renegotiate:
        words += ["-r", "1"]
    if wish.early:
        words.append("-Z")
    return [Command(tuple(words), ((b"", BODY),))]


def nss_server(wish: Wish, port: int) -> tuple[str, ...]:
    """selfserv, which answers with a file."""
    words = ["selfserv", "-n", "server", "-p", str(port), *_nss_words(wish), "-H", "1"]
    if wish.auth:
        words += ["-r", "-r"]
    if wish.early:
        words.append("-Z")
    return tuple(words)


# --- the other clients ------------------------------------------------------


def curl_client(wish: Wish, port: int) -> list[Command]:
    """curl, with OpenSSL."""
    words = ["curl", "-sS", "--cacert", _path("ca.pem"), "--ciphers", "ALL:@SECLEVEL=0"]
    words += ["--tlsv" + wish.low, "--tls-max", wish.high, f"https://{ADDRESS}:{port}/data"]
    return [Command(tuple(words), ((b"", BODY),))]


def wget_client(wish: Wish, port: int) -> list[Command]:
    """wget, with GnuTLS in Debian."""
    priority = _gnutls_priority(wish)
    words = (
        "wget",
        "-qO-",
        "--tries=1",
        "--ca-certificate=" + _path("ca.pem"),
        "--ciphers=" + priority,
    )
    return [Command((*words, f"https://{ADDRESS}:{port}/data"), ((b"", BODY),))]


def botan_client(wish: Wish, port: int) -> list[Command]:
    """botan tls_client."""
    words = ["botan", "tls_client", ADDRESS, f"--port={port}", "--skip-system-cert-store"]
    words += ["--trusted-cas=" + _path("ca.pem"), f"--tls-version={wish.high}", *wish.extra]
    return [Command(tuple(words))]


def java_client(wish: Wish, port: int) -> list[Command]:
    """Java's own TLS."""
    words = [*_JAVA, "client", ADDRESS, str(port), *_own_words(replace(wish, auth=False), False)]
    if wish.auth:
        words.append("store=" + _path("client.p12"))
    return [Command(tuple(words), close=True)]


def java_server(wish: Wish, port: int) -> tuple[str, ...]:
    """Java's own TLS."""
    words = _own_words(wish, True)
    return (*_JAVA, "server", "0.0.0.0", str(port), *words, "store=" + _path(f"{wish.cert}.p12"))


_JAVA = (
    "java",
    "-Xshare:auto",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xmx128m",
    "-cp",
    str(OUT),
    "Peer",
)

mbedtls_client, mbedtls_server = _own(str(OUT / "mbedtls"))
wolfssl_client, wolfssl_server = _own(str(OUT / "wolfssl"))
rustls_client, rustls_server = _own(str(OUT / "rustls"))
go_client, go_server = _own(str(OUT / "go"))
tlslite_client, tlslite_server = _own(PYTHON, str(HERE / "peers/tlslite_peer.py"))
python_client, _ = _own("python3", str(HERE / "peers/pyssl.py"))

CLIENTS: dict[str, Client] = {
    "OpenSSL": openssl_client,
    "GnuTLS": gnutls_client,
    "NSS": nss_client,
    "mbedTLS": mbedtls_client,
    "wolfSSL": wolfssl_client,
    "rustls": rustls_client,
    "tlslite-ng": tlslite_client,
    "Go": go_client,
    "Java": java_client,
    "Botan": botan_client,
    "Python ssl": python_client,
    "curl": curl_client,
    "wget": wget_client,
}
SERVERS: dict[str, Server] = {
    "OpenSSL": openssl_server,
    "GnuTLS": gnutls_server,
    "NSS": nss_server,
    "mbedTLS": mbedtls_server,
    "wolfSSL": wolfssl_server,
    "rustls": rustls_server,
    "tlslite-ng": tlslite_server,
    "Go": go_server,
    "Java": java_server,
}
