# SPDX-License-Identifier: GPL-2.0
"""The cases of the matrix, and what is left out of it."""

from collections.abc import Iterator
from dataclasses import replace

from runner import Case
from stacks import (
    BODY,
    CLIENTS,
    HERE,
    REQUEST,
    SERVERS,
    STORE,
    Command,
    Wish,
    curl_client,
    gnutls_client,
    openssl_client,
    openssl_server,
    wget_client,
)

# What each stack speaks, as Debian builds it.
MODERN = ("1.2", "1.3")
ALL = ("1.0", "1.1", *MODERN)
VERSIONS = {
    "OpenSSL": ALL,
    "GnuTLS": ALL,
    "NSS": ALL,
    "mbedTLS": MODERN,
    "wolfSSL": ("1.1", *MODERN),
    "rustls": MODERN,
    "tlslite-ng": ALL,
    "Go": ALL,
    "Java": ALL,
    "Botan": MODERN,
    "Python ssl": ALL,
    "curl": ALL,
    "wget": ALL,
}
# Its server is slow to start, and like the others': one client per version.
JAVA_CLIENTS = ("OpenSSL", "Java")

LEFT_OUT = [
    ("OpenSSL", "OpenSSL", "SSL 3", "Debian builds it without; also GnuTLS, wolfSSL, Go"),
    ("mbedTLS", "any", "TLS 1.0, 1.1", "mbedTLS 3 has none; also rustls, Botan 3; wolfSSL: 1.0"),
    ("any", "any", "SSL 2", "no stack has it any more: tests/vectors has"),
    ("Go", "Go", "resumption by id", "Go has tickets only"),
    (
        "mbedTLS",
        "mbedTLS",
        "0-RTT",
        "Debian builds it without; also wolfSSL; Go, Java, tlslite-ng have none",
    ),
    ("GnuTLS", "GnuTLS", "0-RTT", "gnutls-cli 3.8.9: error sending early data"),
    ("GnuTLS", "GnuTLS", "heartbeats", "Debian builds it without; so do all others but tlslite-ng"),
    (
        "GnuTLS",
        "any",
        "X25519MLKEM768",
        "Debian builds it without; mbedTLS, wolfSSL, Java, Botan not tried",
    ),
    ("mbedTLS", "mbedTLS", "max_fragment_length, TLS 1.3", "mbedTLS has it up to 1.2"),
    (
        "tlslite-ng",
        "GnuTLS",
        "record_size_limit",
        "GnuTLS refuses the size of tlslite-ng's records",
    ),
    (
        "wolfSSL",
        "wolfSSL",
        "renegotiation",
        "Debian builds it without; rustls, Go's server, tlslite-ng have none",
    ),
    ("OpenSSL", "NSS", "renegotiation", "s_server answers with an alert"),
    (
        "GnuTLS",
        "NSS",
        "renegotiation",
        "gnutls-serv refuses data meanwhile, without the module as well",
    ),
    ("NSS", "OpenSSL", "0-RTT", "not answered; without the module as well"),
    ("Botan", "any", "as a server", "not tried; BearSSL neither"),
    ("Java", "all but two", "TLS 1.0 to 1.3", "slow to start: OpenSSL and Java only"),
    ("GnuTLS", "OpenSSL", "100 KB chain", "gnutls-serv sends only what leads to its authority"),
    ("mbedTLS", "any", "100 KB chain", "refused; also by wolfSSL, rustls and Java as clients"),
    ("wolfSSL", "Java", "SSL2-format hello", "refused; NSS waits; mbedTLS, rustls, Go have none"),
    (
        "any",
        "NSS",
        "False Start",
        "tstclnt -g does none, gnutls-cli cannot: Chromium's capture has, see browser.py",
    ),
]


def wide(server: str) -> Wish:
    """All that a server speaks."""
    versions = VERSIONS[server]
    return Wish(low=versions[0], high=versions[-1])


def plain(server: str, client: str, version: str) -> Case:
    """A transfer in one version."""
    wants = frozenset({f"TLS {version}"})
    asked = Wish().only(version)
    if server == "tlslite-ng" and version == "1.3":
        # It refuses a ClientHello that offers TLS 1.3 only and has groups of TLS 1.2.
        asked = Wish()
    return Case(server, client, f"TLS {version}", wants, wide(server), asked)


def versions() -> Iterator[Case]:
    """Each client with each server; in the old versions each with OpenSSL and with itself."""
    for server in SERVERS:
        for client in CLIENTS:
            if server == "Java" and client not in JAVA_CLIENTS:
                continue
            usual = "OpenSSL" in (server, client) or server == client
            for version in ALL if usual else MODERN:
                if version in VERSIONS[server] and version in VERSIONS[client]:
                    yield plain(server, client, version)


# --- resumption -------------------------------------------------------------

# Each client with one server, and each server with one client, is enough here.
RESUMING_CLIENTS = [name for name in CLIENTS if name not in ("Botan", "curl", "wget")]


def pairs(servers: list[str], clients: list[str]) -> Iterator[tuple[str, str]]:
    """Each client with OpenSSL's server, and each server with OpenSSL's client."""
    yield from (("OpenSSL", client) for client in clients)
    yield from ((server, "OpenSSL") for server in servers if server != "OpenSSL")


def resumption() -> Iterator[Case]:
    """By id, by ticket, and as TLS 1.3 does."""
    for server, client in (
        *pairs(list(SERVERS), RESUMING_CLIENTS),
        ("GnuTLS", "GnuTLS"),
        ("NSS", "NSS"),
    ):
        for version, tickets, how in (
            ("1.2", False, "by id"),
            ("1.2", True, "by ticket"),
            ("1.3", True, ""),
        ):
            if how and (server, client, how) in NOT_RESUMING:
                continue
            wish = Wish(tickets=tickets).only(version)
            wants = {f"TLS {version}", "resumed", *([how] if how else [])}
            feature = f"resumption {how}, TLS {version}" if how else f"resumption, TLS {version}"
            yield Case(
                server, client, feature, frozenset(wants), wish, replace(wish, connections=2)
            )


# Go resumes by tickets only.
NOT_RESUMING = {("OpenSSL", "Go", "by id"), ("Go", "OpenSSL", "by id")}


def early_data() -> Iterator[Case]:
    """0-RTT data after the ClientHello."""
    wish = Wish(early=True).only("1.3")
    for server, client in (("rustls", "rustls"), ("NSS", "NSS"), ("rustls", "OpenSSL")):
        yield Case(server, client, "0-RTT", EARLY, wish, replace(wish, connections=2))
    yield replace(openssl_early(), client="OpenSSL", feature="0-RTT")


EARLY = frozenset({"TLS 1.3", "resumed", "c:ext:42"})


def openssl_early() -> Case:
    """OpenSSL takes early data only if it serves no files: it sends the file without a request."""
    words = openssl_server(Wish(extra=("-early_data",)).only("1.3"), 0)
    plain_words = [word for word in words if word not in ("-HTTP", "0")]
    plain_words[plain_words.index("-accept")] = "-accept {port}"
    shell = f"while cat {STORE}/data; do sleep 1; done | {' '.join(plain_words)}"
    wish = Wish(early=True, connections=2).only("1.3")
    return Case("OpenSSL", "", "", EARLY, client_wish=wish, server_words=("bash", "-c", shell))


# --- what hellos negotiate --------------------------------------------------


def hello_retry() -> Iterator[Case]:
    """The server wants a group that the client offers without a key share."""
    clients = [
        name for name in CLIENTS if name not in ("curl", "wget", "Python ssl", "Java", "Botan")
    ]
    for server, client in pairs([name for name in SERVERS if name != "Java"], clients):
        offer, demand = Wish(groups="x25519,p384").only("1.3"), Wish(groups="p384").only("1.3")
        if "tlslite-ng" in (server, client):
            offer = replace(offer, low="1.2")
        if client == "GnuTLS":
            offer = replace(offer, extra=("--single-key-share",))
        yield Case(
            server,
            client,
            "HelloRetryRequest",
            frozenset({"TLS 1.3", "hello retry", "group 0018"}),
            demand,
            offer,
        )


def post_quantum() -> Iterator[Case]:
    """Hellos of over a kilobyte."""
    wish = Wish(groups="x25519mlkem768").only("1.3")
    for server in ("OpenSSL", "NSS", "rustls", "Go"):
        for client in ("OpenSSL", "NSS", "rustls", "Go"):
            yield Case(
                server, client, "X25519MLKEM768", frozenset({"TLS 1.3", "group 11ec"}), wish, wish
            )


def fragments() -> Iterator[Case]:
    """Small records, by both extensions."""
    small = {"s:small records"}
    for server, client in (
        ("OpenSSL", "OpenSSL"),
        ("mbedTLS", "OpenSSL"),
        ("wolfSSL", "OpenSSL"),
        ("OpenSSL", "mbedTLS"),
        ("OpenSSL", "wolfSSL"),
        ("mbedTLS", "mbedTLS"),
    ):
        for version in ("1.2",) if "mbedTLS" in (server, client) else MODERN:
            wants = small | {
                "c:ext:1",
                f"TLS {version}",
                *(["s:ext:1"] if version == "1.2" else []),
            }
            wish = Wish(fragment=512).only(version)
            # A certificate that fits a record: mbedTLS does not split a message over records.
            yield Case(
                server,
                client,
                f"max_fragment_length, TLS {version}",
                frozenset(wants),
                Wish(cert="ec").only(version),
                wish,
            )
    for server, client in (
        ("GnuTLS", "GnuTLS"),
        ("tlslite-ng", "tlslite-ng"),
        ("GnuTLS", "tlslite-ng"),
    ):
        for version in MODERN:
            wants = small | {
                "c:ext:28",
                f"TLS {version}",
                *(["s:ext:28"] if version == "1.2" else []),
            }
            wish = Wish(record=512).only(version)
            # gnutls-serv wants the whole of a request in one record.
            short = gnutls_client(wish, 0)[0] if client == "GnuTLS" else None
            if short is not None:
                words = tuple("{port}" if word == "0" else word for word in short.words)
                short = Command(words, ((b"GET / HTTP/1.0\r\n\r\n", BODY),))
            yield Case(
                server,
                client,
                f"record_size_limit, TLS {version}",
                frozenset(wants),
                wish,
                wish,
                command=short,
            )


def heartbeats() -> Iterator[Case]:
    """The extension, and heartbeats as they should be."""
    beating = Wish(extra=("heartbeat=5",))
    for version in ALL:
        wants = frozenset(
            {
                f"TLS {version}",
                "c:ext:15",
                "c:heartbeat",
                "s:heartbeat",
                *(["s:ext:15"] if version != "1.3" else []),
            }
        )
        if version == "1.3":
            wants -= {"c:heartbeat", "s:heartbeat"}
        wish = beating.only(version)
        yield Case(
            "tlslite-ng",
            "tlslite-ng",
            f"heartbeats, TLS {version}",
            wants,
            wish,
            wish,
            says=("5 heartbeats answered",),
        )


def client_certificates() -> Iterator[Case]:
    """The server asks for one, and gets it."""
    clients = [name for name in CLIENTS if name not in ("Botan", "curl", "wget")]
    for server, client in pairs(list(SERVERS), clients):
        for version in MODERN:
            wants = {f"TLS {version}", *(["certificate request"] if version == "1.2" else [])}
            wish = Wish(auth=True).only(version)
            yield Case(
                server, client, f"client certificate, TLS {version}", frozenset(wants), wish, wish
            )


def renegotiation() -> Iterator[Case]:
    """Another handshake inside the first."""
    wish = Wish(renegotiate=True).only("1.2")
    wants = frozenset({"TLS 1.2", "renegotiation"})
    for client in ("OpenSSL", "GnuTLS", "mbedTLS"):
        yield Case(
            "OpenSSL",
            client,
            "renegotiation",
            wants,
            Wish(extra=("-client_renegotiation",)).only("1.2"),
            wish,
        )
    for server in ("GnuTLS", "NSS", "mbedTLS"):
        yield Case(server, "OpenSSL", "renegotiation", wants, wish, wish)
    yield Case("NSS", "NSS", "renegotiation", wants, wish, wish)


def long_chains() -> Iterator[Case]:
    """A Certificate message of nearly 100 KB."""
    for server, client in pairs(
        ["Go", "rustls", "tlslite-ng"], ["OpenSSL", "GnuTLS", "NSS", "Go", "tlslite-ng"]
    ):
        for version in MODERN:
            wants = {f"TLS {version}", "long chain" if version == "1.2" else "s:long"}
            yield Case(
                server,
                client,
                f"100 KB chain, TLS {version}",
                frozenset(wants),
                Wish(cert="long").only(version),
                Wish().only(version),
            )


# --- oddities ---------------------------------------------------------------


def openssl_pair(
    feature: str, wants: set[str], *extra: str, version: str = "1.3", **fields: object
) -> Case:
    """OpenSSL with itself, both told something more."""
    wish = Wish(extra=extra).only(version)
    return Case("OpenSSL", "OpenSSL", feature, frozenset(wants), wish, wish, **fields)


def ciphers() -> Iterator[Case]:
    """Key exchanges and ciphers that change what the handshake looks like."""
    for name in (
        "AES128-SHA",
        "DHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "AES128-CCM8",
        "ADH-AES128-SHA",
        "AECDH-AES128-SHA",
    ):
        yield openssl_pair(name, {"TLS 1.2"}, "-cipher", f"{name}:@SECLEVEL=0", version="1.2")
    null = openssl_pair(
        "NULL cipher", {"TLS 1.2"}, "-cipher", "NULL-SHA256:@SECLEVEL=0", version="1.2"
    )
    silent = replace(openssl_client(null.client_wish, 0)[0], patience=120)
    silent = replace(silent, words=tuple(word.replace(":0", ":{port}") for word in silent.words))
    yield replace(null, command=silent, transfers=False, condemned="suspicious_sequence")


def oddities() -> Iterator[Case]:
    """Valid, and rare."""
    yield openssl_pair("middlebox CCS", {"TLS 1.3", "c:ccs", "s:ccs"})
    yield openssl_pair("without middlebox CCS", {"TLS 1.3"}, "-no_middlebox")
    yield openssl_pair("record padding", {"TLS 1.3"}, "-record_padding", "4096")
    yield openssl_pair("records of 512", {"TLS 1.3", "s:small records"}, "-max_send_frag", "512")
    yield openssl_pair("records of 512", {"TLS 1.0"}, "-max_send_frag", "512", version="1.0")
    for extra, feature in (
        (("--enable-rfc8701-grease",), "GREASE"),
        (("-i", "100"), "GREASE of ECH"),
        (("--enable-ch-extension-permutation",), "extensions permuted"),
        (("-e",), "middlebox CCS"),
    ):
        wants = {"TLS 1.3"} | (
            {"c:grease"} if feature == "GREASE" else {"c:ccs"} if "CCS" in feature else set()
        )
        for server in ("OpenSSL", "GnuTLS", "rustls", "Go"):
            # NSS changes GREASE values in its second ClientHello, so no case asks for one.
            yield Case(
                server, "NSS", feature, frozenset(wants), Wish(groups="x25519"), Wish(extra=extra)
            )
    for server in ("OpenSSL", "GnuTLS", "tlslite-ng"):
        yield Case(
            server,
            "Java",
            "SSL2-format hello",
            frozenset({"SSL2 hello", "TLS 1.2"}),
            replace(wide(server), high="1.2"),
            Wish(extra=("ssl2=1",)),
        )
    for server, client in (
        ("NSS", "NSS"),
        ("tlslite-ng", "NSS"),
        ("NSS", "tlslite-ng"),
        ("tlslite-ng", "tlslite-ng"),
    ):
        yield Case(
            server,
            client,
            "SSL 3",
            frozenset({"SSL 3"}),
            Wish(low="3.0", high="1.2"),
            Wish(low="3.0", high="3.0"),
        )


def endings() -> Iterator[Case]:
    """Connections that end early, or with a fatal alert."""
    for version in MODERN:
        wish = Wish().only(version)
        killed = replace(openssl_client(wish, 0)[0], talk=((REQUEST, b"HTTP/1.0 200"),), kill=True)
        words = tuple(word.replace(":0", ":{port}") for word in killed.words)
        yield Case(
            "OpenSSL",
            "OpenSSL",
            f"client killed, TLS {version}",
            frozenset({f"TLS {version}"}),
            wish,
            command=replace(killed, words=words),
        )
        idle = Command(words, ((b"", b"verify return:1"),))
        yield Case(
            "OpenSSL",
            "OpenSSL",
            f"closed without data, TLS {version}",
            frozenset({f"TLS {version}"}),
            wish,
            command=idle,
        )
        yield Case(
            "OpenSSL",
            "GnuTLS",
            f"certificate refused, TLS {version}",
            frozenset({f"TLS {version}"}),
            wish,
            replace(wish, extra=("--verify-hostname", "other.example")),
            transfers=False,
        )
    old, new = Wish().only("1.2"), Wish().only("1.3")
    for server in ("OpenSSL", "GnuTLS", "NSS", "mbedTLS", "wolfSSL", "rustls", "Go", "tlslite-ng"):
        number = 40 if server == "GnuTLS" else 70
        yield Case(
            server,
            "OpenSSL",
            "alert protocol_version",
            frozenset({f"s:alert {number}"}),
            new,
            old,
            transfers=False,
        )
    for server in ("OpenSSL", "GnuTLS", "NSS", "mbedTLS"):
        wish = replace(old, extra=("-cipher", "PSK:@SECLEVEL=0", "-psk", "1a2b3c4d"))
        yield Case(
            server,
            "OpenSSL",
            "alert handshake_failure",
            frozenset({"s:alert 40"}),
            old,
            wish,
            transfers=False,
        )
    yield Case(
        "OpenSSL",
        "OpenSSL",
        "alert inappropriate_fallback",
        frozenset({"s:alert 86"}),
        Wish(low="1.0"),
        Wish(extra=("-fallback_scsv",)).only("1.1"),
        transfers=False,
    )


def browsing() -> Iterator[Case]:
    """What fetches web pages, from a web server."""
    shell = f"sed s/PORT/{{port}}/ {HERE}/nginx.conf >/tmp/nginx-{{port}}.conf && exec nginx -c /tmp/nginx-{{port}}.conf -p {STORE}"
    for version in MODERN:
        wish = Wish().only(version)
        for name, client in (("curl", curl_client), ("wget", wget_client)):
            yield Case(
                "nginx",
                name,
                f"HTTP/1.1, TLS {version}",
                frozenset({f"TLS {version}"}),
                client_wish=wish,
                server_words=("bash", "-c", shell),
            )
        words = (
            "curl",
            "--http2",
            *(word.replace(":0/", ":{port}/") for word in curl_client(wish, 0)[0].words[1:]),
        )
        yield Case(
            "nginx",
            "curl",
            f"HTTP/2, TLS {version}",
            frozenset({f"TLS {version}"}),
            command=Command(words, ((b"", BODY),)),
            server_words=("bash", "-c", shell),
        )


def kernel_tls() -> Iterator[Case]:
    """Records made by the kernel."""
    for version in MODERN:
        wish = Wish(extra=("-ktls",)).only(version)
        words = tuple(word for word in openssl_client(wish, 0)[0].words if word != "-quiet")
        words = tuple(word.replace(":0", ":{port}") for word in words)
        yield Case(
            "OpenSSL",
            "OpenSSL",
            f"kTLS, TLS {version}",
            frozenset({f"TLS {version}"}),
            wish,
            command=Command(words),
            says=("Using Kernel TLS for sending",),
        )


def all_cases() -> list[Case]:
    """The matrix."""
    makers = (
        versions,
        resumption,
        early_data,
        hello_retry,
        post_quantum,
        fragments,
        heartbeats,
        client_certificates,
        renegotiation,
        long_chains,
        ciphers,
        oddities,
        endings,
        browsing,
        kernel_tls,
    )
    return [case for make in makers for case in make()]
