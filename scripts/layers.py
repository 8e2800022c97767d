#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""layers.py [TLS_PARSER.RS]: fails when a file of the parser imports a higher one, or in a circle.

LAYERS is the order. A file may import files of the layers below its own. It may import files of its
own layer if that makes no circle. Prints each forbidden import, each circle, and how many files are
in circles.

A path that leaves the file counts as an import: `use super::x`, `super::x::y()`,
`crate::tls_parser::x`. An item that tls_parser.rs re-exports from a module counts as that module's.
An item that tls_parser.rs defines counts as its own. Methods that another file adds to a type are
not seen.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# The lowest first. The last one is tls_parser.rs itself.
LAYERS = [
    ["header", "options", "reason", "runs", "scratch", "seq", "version", "words"],
    ["policy", "prelude", "search", "segment"],
    ["state"],
    ["side"],
    ["negotiation"],
    ["ccs", "handshake", "heartbeat", "hello", "ssl2"],
    ["commands", "ldap", "mysql", "postgres", "proxy", "rdp", "replies", "socks", "xmpp"],
    ["data"],
    ["record"],
    ["upgrade"],
    ["ahead", "tcp"],
    ["follow"],
    ["tls_parser"],
]

ROOT = Path(__file__).resolve().parent.parent / "tls_parser.rs"

# Comments and literals, which hold no imports, and what paths consist of.
_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'|\s+)"""
    r"""|(?P<token>\w+|::|.)""",
    re.DOTALL,
)
_VISIBILITY = re.compile(r"\bpub\s*\([^)]*\)")

PathOf = tuple[str, ...]
Graph = dict[str, set[str]]


def tokens(text: str) -> list[str]:
    """The tokens of a source, without comments, literals and restricted visibilities."""
    found = (match["token"] for match in _TOKEN.finditer(text))
    return _VISIBILITY.sub("pub", " ".join(token for token in found if token)).split()


@dataclass
class Source:
    """The paths that a source names: those of `use`, and those that begin with `super` or `crate`."""

    stream: list[str]
    at: int = 0
    # For each open brace, whether it is a module's.
    braces: list[bool] = field(default_factory=list)

    def _next(self) -> str:
        self.at += 1
        return self.stream[self.at - 1]

    def _peek(self, ahead: int = 0) -> str:
        return self.stream[self.at + ahead] if self.at + ahead < len(self.stream) else ""

    def paths(self) -> Iterator[tuple[int, PathOf]]:
        """Each path, and in how many modules of the file it stands."""
        while self.at < len(self.stream):
            token = self._next()
            if token == "{":
                self.braces.append(self._peek(-3) == "mod")
            elif token == "}":
                self.braces.pop()
            elif token == "use":
                yield from ((sum(self.braces), path) for path in self._tree(()))
            elif token in ("super", "crate") and self._peek(-2) != "::":
                self.at -= 1
                yield sum(self.braces), self._path()

    def _path(self) -> PathOf:
        path = [self._next()]
        while self._peek() == "::" and re.fullmatch(r"\w+", self._peek(1)):
            self.at += 1
            path.append(self._next())
        return tuple(path)

    def _tree(self, prefix: PathOf) -> Iterator[PathOf]:
        """The paths of a use tree, up to what ends it."""
        while self._peek() == "::":
            self.at += 1
        if self._peek() == "{":
            self.at += 1
            while self._peek() != "}":
                yield from self._tree(prefix)
                if self._peek() == ",":
                    self.at += 1
            self.at += 1
            return
        path = prefix + (self._path() if self._peek() != "*" else (self._next(),))
        if self._peek() == "::":
            yield from self._tree(path)
        else:
            yield path
            if self._peek() == "as":
                self.at += 2


def first_outside(depth: int, path: PathOf) -> str | None:
    """The name in tls_parser.rs that a module's path begins with; None if the path stays inside."""
    if path[0] == "crate":
        return path[2] if path[1:2] == ("tls_parser",) and len(path) > 2 else None
    supers = next((i for i, name in enumerate(path) if name != "super"), len(path))
    if supers <= depth:
        return None
    return path[supers] if len(path) > supers else "*"


def origins(root: Path, modules: set[str]) -> dict[str, str]:
    """What tls_parser.rs takes from its modules: each name, and the module."""
    found = {name: name for name in modules}
    for _, path in Source(tokens(root.read_text())).paths():
        inside = path[1:] if path[0] == "self" else path
        if inside[0] in modules:
            found.setdefault(inside[-1], inside[0])
    return found


def imports(root: Path) -> Graph:
    """What each file imports."""
    files = {path.stem: path for path in root.with_suffix("").glob("*.rs")}
    taken = origins(root, set(files))
    graph: Graph = {root.stem: set(files)}
    for name, path in files.items():
        outside = (first_outside(*found) for found in Source(tokens(path.read_text())).paths())
        graph[name] = {taken.get(item, root.stem) for item in outside if item} - {name}
    return graph


def reachable(graph: Graph, start: str) -> set[str]:
    """All that a file imports, by whatever way."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        new = graph[ahead.pop()] - seen
        seen |= new
        ahead += new
    return seen


def circles(graph: Graph) -> list[list[str]]:
    """The sets of files that all import one another."""
    reach = {name: reachable(graph, name) for name in graph}
    sets = {
        tuple(sorted(other for other in reach[name] if name in reach[other]))
        for name in graph
        if name in reach[name]
    }
    return [list(names) for names in sorted(sets)]


def complaints(graph: Graph, layers: list[list[str]]) -> list[str]:
    """Each file that the layers lack, or that is not there; and each import that goes up."""
    height = {name: number for number, names in enumerate(layers) for name in names}
    wrong = [f"{name} is in no layer" for name in sorted(set(graph) - set(height))]
    wrong += [
        f"there is no {name}.rs, but a layer has it" for name in sorted(set(height) - set(graph))
    ]
    wrong += [
        f"{name} imports {other}, which stands above it"
        for name in sorted(graph)
        for other in sorted(graph[name])
        if name in height and height.get(other, -1) > height[name]
    ]
    return wrong


def main(root: Path, layers: list[list[str]]) -> int:
    """Prints what is wrong; 0 if nothing is."""
    graph = imports(root)
    found = circles(graph)
    wrong = complaints(graph, layers)
    wrong += [f"a circle: {' '.join(names)}" for names in found]
    for line in wrong:
        print(line)
    print(f"{sum(map(len, found))} of {len(graph)} files are in import circles")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT, LAYERS))
