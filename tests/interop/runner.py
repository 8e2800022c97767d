# SPDX-License-Identifier: GPL-2.0
"""Runs the cases of the matrix, several at a time, and keeps what each one showed.

A case has a port of its own, which the server namespace redirects to the one that its server
listens on: so one server serves many cases, and the port tells the case in the kernel log and in
the capture.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import tlsnet
from stacks import BODY, CLIENTS, REQUEST, SERVERS, STORE, Command, Wish

FIRST_PORT = 4000  # of the cases
FIRST_SERVER_PORT = 6000
# How long a server may take to listen: an upper bound.
PATIENCE = 1200.0
# Our servers answer with the file and the request, NSS's with the request only.
ECHOING = {"mbedTLS", "wolfSSL", "rustls", "tlslite-ng", "Go", "Java"}
BODY_ONLY = {"curl", "wget"}


@dataclass(frozen=True)
class Case:
    """A server stack, a client stack, a feature, and the facts that show its use."""

    server: str
    client: str
    feature: str
    wants: frozenset[str]  # facts of the wire, see witness
    server_wish: Wish = Wish()
    client_wish: Wish = Wish()
    port: int = 0
    command: Command | None = None  # another client than the stack's usual one
    server_words: tuple[str, ...] = ()  # another server, with {port}
    says: tuple[str, ...] = ()  # what the client must say beside the body
    transfers: bool = True  # false: the case is that it fails
    condemned: str = ""  # the reason that is right here

    @property
    def name(self) -> str:
        """The case in one word."""
        return f"{self.server}-{self.client}-{self.feature}".replace(" ", "_")


@dataclass
class Outcome:
    """What came of a case."""

    errors: list[str] = field(default_factory=list)
    said: str = ""
    seconds: float = 0


def _answer(case: Case) -> tuple[bytes, ...]:
    """What the server sends, the last part last."""
    request = b"GET /data HTTP/1.1" if case.client in BODY_ONLY else REQUEST
    if case.server == "NSS":
        return (request,)
    if case.server in ECHOING and case.client not in BODY_ONLY:
        return (BODY, request)
    return (BODY,)


class Servers:
    """The servers, each started when it is first needed."""

    def __init__(self) -> None:
        self.ports: dict[tuple[str, ...], int] = {}
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.locks: dict[int, threading.Lock] = {}

    def plan(self, case: Case) -> int:
        """The port of the case's server."""
        key = self._words(case, 0)
        port = self.ports.setdefault(key, FIRST_SERVER_PORT + len(self.ports))
        self.locks.setdefault(port, threading.Lock())
        return port

    @staticmethod
    def _words(case: Case, port: int) -> tuple[str, ...]:
        if case.server_words:
            return tuple(word.replace("{port}", str(port)) for word in case.server_words)
        return SERVERS[case.server](case.server_wish, port)

    def ensure(self, case: Case) -> None:
        """Starts the case's server unless it runs."""
        port = self.plan(case)
        with self.locks[port]:
            if port in self.running:
                return
            words = self._words(case, port)
            log = open(f"{tempfile.gettempdir()}/server-{port}.log", "wb")
            with tlsnet.netns("server"):
                self.running[port] = subprocess.Popen(
                    words, cwd=STORE, stdin=subprocess.PIPE, stdout=log, stderr=log
                )
            log.close()
            tlsnet.wait_until(lambda: self._listens(port), f"{words} to listen", PATIENCE)

    def _listens(self, port: int) -> bool:
        if self.running[port].poll() is not None:
            raise RuntimeError(f"the server ended: {self.log(port)}")
        with tlsnet.netns("server"):
            tables = [Path("/proc/thread-self/net/tcp"), Path("/proc/thread-self/net/tcp6")]
            return any(
                f":{port:04X} " in line and " 0A " in line for t in tables for line in t.open()
            )

    @staticmethod
    def log(port: int) -> str:
        """The last of what a server said."""
        text = Path(f"{tempfile.gettempdir()}/server-{port}.log").read_bytes()
        return text[-600:].decode(errors="replace")

    def stop(self) -> None:
        """Ends them all."""
        for process in self.running.values():
            process.kill()
            process.wait()


class Conversation:
    """One client's process."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.said = bytearray()
        with tlsnet.netns("client"):
            self.process = subprocess.Popen(
                command.words,
                cwd=STORE,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )

    def run(self) -> bool:
        """Sends and awaits what the command says; returns whether all of it came."""
        try:
            return all(self._exchange(send, wanted) for send, wanted in self.command.talk)
        finally:
            if self.command.kill:
                self.process.kill()
            self._close()
            self._read_until(None)
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def _exchange(self, send: bytes, wanted: bytes) -> bool:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(send)
            self.process.stdin.flush()
        if self.command.close:
            self._close()
        return self._read_until(wanted)

    def _close(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def _read_until(self, wanted: bytes | None) -> bool:
        """Reads until the client has printed that, has ended, or has been silent too long."""
        assert self.process.stdout is not None
        end = time.monotonic() + self.command.patience
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while wanted is None or wanted not in self.said:
                if not selector.select(max(0.0, end - time.monotonic())):
                    self.said += b"\n[silent]"
                    return False
                part = os.read(self.process.stdout.fileno(), 1 << 16)
                if not part:
                    return wanted is not None and wanted in self.said
                self.said += part
        return True


class Runner:
    """All cases of a run."""

    def __init__(self, cases: list[Case], workers: int) -> None:
        self.servers = Servers()
        self.cases = [replace(case, port=FIRST_PORT + n) for n, case in enumerate(cases)]
        self.workers = workers
        self.outcomes: dict[int, Outcome] = {}

    def redirect(self) -> None:
        """Redirects each case's port to its server's."""
        rules = [
            f"-A PREROUTING -p tcp --dport {case.port} -j REDIRECT --to-ports {self.servers.plan(case)}"
            for case in self.cases
        ]
        text = "\n".join(["*nat", *rules, "COMMIT", ""])
        with tlsnet.netns("server"):
            subprocess.run(["iptables-restore"], input=text.encode(), check=True)

    def run(self, honest: bool) -> Iterator[tuple[Case, Outcome]]:
        """Runs the cases of which nothing may be dropped, or the others; yields each when it has ended."""
        cases = [case for case in self.cases if honest == (not case.condemned)]
        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(lambda case: (case, self._run(case)), cases)

    def _run(self, case: Case) -> Outcome:
        outcome = Outcome()
        start = time.monotonic()
        try:
            self.servers.ensure(case)
            self._talk(case, outcome)
        except Exception as error:  # whatever happens to one case is its own
            outcome.errors.append(f"{type(error).__name__}: {error}")
        if outcome.errors:
            outcome.errors.append("server: " + self.servers.log(self.servers.plan(case)))
        outcome.seconds = time.monotonic() - start
        self.outcomes[case.port] = outcome
        return outcome

    def _talk(self, case: Case, outcome: Outcome) -> None:
        commands = (
            [case.command] if case.command else CLIENTS[case.client](case.client_wish, case.port)
        )
        for command in commands:
            words = tuple(word.replace("{port}", str(case.port)) for word in command.words)
            answer = _answer(case)
            talk = tuple(
                (send, answer[-1] if wanted == BODY else wanted) for send, wanted in command.talk
            )
            conversation = Conversation(replace(command, words=words, talk=talk))
            right = conversation.run()
            said = bytes(conversation.said)
            if any(wanted == BODY for _, wanted in command.talk):
                right = right and all(part in said for part in answer)
            shown = (
                said.replace(BODY, b"[BODY]")
                .replace(REQUEST, b"[REQUEST]")
                .decode(errors="replace")
            )
            outcome.said += shown
            if right != case.transfers:
                ends = shown if len(shown) < 2000 else f"{shown[:1000]} [...] {shown[-1000:]}"
                outcome.errors.append(f"transfer: {' '.join(words)} said: {ends}")
        outcome.errors += [
            f"the client did not say {word!r}" for word in case.says if word not in outcome.said
        ]
