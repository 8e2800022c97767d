#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Python's ssl module (OpenSSL, by another hand) as a client; the words are those of peer.c."""

import socket
import ssl
import sys

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def make_context(words: dict[str, str]) -> ssl.SSLContext:
    """What the words ask for."""
    context = ssl.create_default_context(cafile=words["ca"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = VERSIONS[words.get("min", "1.2")]
    context.maximum_version = VERSIONS[words.get("max", "1.3")]
    if "cert" in words:
        context.load_cert_chain(words["cert"], words["key"])
    if words.get("tickets") == "0":
        context.options |= ssl.OP_NO_TICKET
    return context


def ask(
    context: ssl.SSLContext, where: tuple[str, int], request: bytes, before: ssl.SSLSession | None
) -> ssl.SSLSession | None:
    """One connection; returns the session, for the next one."""
    with (
        socket.create_connection(where) as tcp,
        context.wrap_socket(tcp, server_hostname="server.example", session=before) as tls,
    ):
        tls.sendall(request)
        while part := tls.recv(1 << 14):
            sys.stdout.buffer.write(part)
        return tls.session


def main() -> None:
    """client HOST PORT WORD=VALUE..."""
    words = dict(word.split("=", 1) for word in sys.argv[4:])
    context = make_context(words)
    request = sys.stdin.buffer.read()
    session = None
    for _ in range(int(words.get("connections", "1"))):
        session = ask(context, (sys.argv[2], int(sys.argv[3])), request, session)


main()
