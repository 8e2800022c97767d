#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints the layout of the source, for CONTRIBUTING.md. With --check: fails if that has another.

Each entry of the top level, of tests/ and of tools/ has a line here. A new one needs one, too.
"""

import sys

from columns import ROOT, sources

# Dot files and what every project has need no words.
KNOWN = {"COPYING", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
WORDS = {
    "nf_conntrack_tls.rs": "the module: judges a packet, and acts on the verdict",
    "ffi.rs": "the border to C; every unsafe block is here",
    "counters.rs": "the table of counters",
    "tls_parser.rs": "the protocol: no kernel type, no unsafe, no allocation, no panic",
    "tls_parser": "its parts; scripts/layers.py has their order",
    "helpers.h": "what C and Rust call of each other, with its contract",
    "helpers.c": "the C side of a packet",
    "helpers": "the rest of the C side: policy, attaching, resets, counters, reports",
    "Kbuild": "the kernel's build",
    "Makefile": "the targets; make help lists them",
    "docs": "manual page, operating, rules, evasion, design, performance, testing",
    "examples": "rulesets and settings, ready to use",
    "debian": "the Debian packages",
    "scripts": "build root, booting, packaging, lints",
    "tools/replay": "tls-replay: judges captures as the module would",
    "tools/status": "tls-status: shows policy and counters",
    "tests/vectors": "the rules as byte streams, read by the parser's tests and the guest",
    "tests/parser": "the parser in userspace: rules, every split, TCP order, properties",
    "tests/fuzz": "fuzz targets: parser, TCP order, search, tls-replay's reader",
    "tests/netns": "selftests in a guest with Debian's stock kernel",
    "tests/evasion": "crafted packets against the stream rules",
    "tests/networks": "ordinary TLS through NAT, SYNPROXY, MPTCP and others",
    "tests/profile": "the module's object under callgrind: instructions per function",
    "tests/netem": "ordinary TLS under loss, reordering and delay",
    "tests/interop": "real TLS stacks and a browser",
    "tests/upgrades": "real servers that begin in the clear: mail, databases, chat, proxies",
    "tests/stress": "many connections, many loads",
    "tests/debug": "a debug kernel: KASAN, lockdep, KUnit, failing allocations",
    "tests/demo": "real tools against a flawed server: make demo",
    "tests/docs": "runs the commands that the documents show",
    "tests/smoke": "the module in a guest, in short",
    "tests/build": "what the build makes, and what it refuses",
    "tests/scripts": "tests of what the other tests use",
    "tests/bench": "instructions and time of the parser",
    "tests/bench-guest": "instructions of the module in a kernel",
    "tests/bench-peers": "the same beside Suricata",
    "tests/bench-uml": "throughput in user-mode Linux",
    "tests/behaviours.sh": "runs selftests, one file per behaviour",
    "tests/ktap.sh": "test results of shell scripts, in KTAP",
}
DEEPER = ("tests", "tools")


def entries() -> set[str]:
    """The entries of the tree that need words."""
    found = set()
    for name in sources():
        parts = name.split("/")
        depth = 2 if parts[0] in DEEPER else 1
        found.add("/".join(parts[:depth]))
    return {name for name in found if name not in KNOWN and not name.startswith(".")}


def layout() -> str:
    """The picture: a line per entry."""
    lines = []
    for name, words in WORDS.items():
        shown = name + "/" * (ROOT / name).is_dir()
        lines.append(f"{shown:<22} {words}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Prints it, or compares."""
    there = entries()
    found = [f"{name}: scripts/map.py has no words for it" for name in sorted(there - set(WORDS))]
    found += [f"{name} is not there: scripts/map.py" for name in sorted(set(WORDS) - there)]
    if arguments != ["--check"]:
        print(layout())
    elif layout() not in (ROOT / "CONTRIBUTING.md").read_text():
        found.append("CONTRIBUTING.md has another layout than scripts/map.py prints")
    print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
