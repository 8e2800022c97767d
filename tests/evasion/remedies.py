# SPDX-License-Identifier: GPL-2.0
"""The remedies of examples/, loaded into the router unchanged, and removed again."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from router import run, sysctl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SETTINGS = EXAMPLES / "sysctl.d" / "nf_conntrack_tls.conf"
# A rule that an operator may want is commented out without a space.
OPTIONAL = re.compile(r"^(\s*)#(?=[-a-z])", re.MULTILINE)
# What a ruleset cannot express, it names as a command.
COMMAND = re.compile(r"^#\s+ip (.* mtu lock \d+)$", re.MULTILINE)
TABLES = ("tls", "tls_scrub")


def example(name: str) -> str:
    """The file's text, with its optional rules in force."""
    return OPTIONAL.sub(r"\1", (EXAMPLES / name).read_text())


@contextlib.contextmanager
def nft() -> Iterator[None]:
    """A router's rules, by nft."""
    with _settings("scrub.nft"):
        for name in ("scrub.nft", "router.nft"):
            run("router", "nft", "-f", "-", given=example(name))
        yield
        for table in TABLES:
            run("router", "nft", "delete", "table", "inet", table)


@contextlib.contextmanager
def iptables() -> Iterator[None]:
    """A router's rules, by iptables."""
    families = ("iptables", "ip6tables")
    with _settings("iptables-scrub.rules"):
        for family in families:
            for name in ("iptables-scrub.rules", "iptables-router.rules"):
                run("router", f"{family}-restore", "--noflush", given=example(name))
        yield
        for family in families:
            for table in ("raw", "mangle", "filter"):
                run("router", family, "-t", table, "-F")


@contextlib.contextmanager
def _settings(name: str) -> Iterator[None]:
    """What lies outside of a ruleset: conntrack's setting, and the narrow links."""
    run("router", "iptables", "-F", "FORWARD")
    run("router", "ip6tables", "-F", "FORWARD")
    run("router", "sysctl", "-q", "-p", str(SETTINGS))
    commands = COMMAND.findall((EXAMPLES / name).read_text())
    if not commands:
        raise ValueError(f"{name} names no narrow link")
    for command in commands:
        run("router", "ip", *command.split())
    yield
    for command in commands:
        run("router", "ip", *re.sub(r" mtu lock \d+", "", command).split())
    sysctl(tcp_loose=1)
