#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""mark= marks condemned connections; log_only=1 drops nothing. Both change at run time."""

import socket
import subprocess
import sys

import tlsnet
from tlsnet import KernelLog, Ktap, client_of, pair, receive_exactly, reset, swallowed

NOT_TLS = b"GET / HTTP/1.0\r\n\r\n"
# An alert in the clear breaks no rule.
RECORD = b"\x15\x03\x01\x00\x02\x01\x5a"


def router(*command: str) -> str:
    """Runs a command on the router."""
    return subprocess.run(
        ["ip", "netns", "exec", "router", *command], capture_output=True, text=True, check=True
    ).stdout


class Test:
    """The tests, with the log at hand."""

    def __init__(self) -> None:
        self.log = KernelLog()

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A new connection, nothing logged about it."""
        client, server = pair(socket.AF_INET)
        self.log.forget(client_of(client))
        return client, server

    def break_rule(self) -> tuple[socket.socket, socket.socket]:
        """A connection that has broken a rule."""
        client, server = self.connect()
        client.sendall(NOT_TLS)
        self.log.wait_about(client_of(client))
        return client, server

    def marked(self, client: socket.socket, mark: int) -> None:
        """Fails unless conntrack shows exactly this mark."""
        port = str(client_of(client)[1])
        line = router("conntrack", "-L", "-p", "tcp", "--orig-port-src", port, "-m", str(mark))
        if f"mark={mark} " not in line:
            everything = router("conntrack", "-L", "-p", "tcp", "--orig-port-src", port)
            raise AssertionError(f"no connection with mark {mark}: {everything}")

    def mark_condemned(self) -> None:
        """A condemned connection carries the mark."""
        client, _ = self.break_rule()
        self.marked(client, 0x10)

    def mark_others_not(self) -> None:
        """One that kept the rules does not."""
        client, server = self.connect()
        client.sendall(RECORD)
        receive_exactly(server, len(RECORD))
        self.marked(client, 0)

    def mark_keeps_bits(self) -> None:
        """The bits that a rule set before stay."""
        rule = ["PREROUTING", "-p", "tcp", "--syn", "-j", "CONNMARK", "--set-mark", "0x100"]
        router("iptables", "-t", "mangle", "-A", *rule)
        try:
            client, _ = self.break_rule()
            self.marked(client, 0x110)
        finally:
            router("iptables", "-t", "mangle", "-D", *rule)

    def mark_rejects(self) -> None:
        """A rule on the mark resets the connection."""
        rule = ["FORWARD", "-p", "tcp", "-m", "connmark", "--mark", "0x10/0x10"]
        rule += ["-j", "REJECT", "--reject-with", "tcp-reset"]
        router("iptables", "-I", *rule)
        try:
            client, _ = self.break_rule()
            client.recv(1)
        except ConnectionResetError:
            return
        finally:
            router("iptables", "-D", *rule)
        raise AssertionError("the client saw no reset")

    def mark_at_runtime(self) -> None:
        """Another mark for the connections to come."""
        tlsnet.sysctl("mark", "0x20")
        client, _ = self.break_rule()
        self.marked(client, 0x20)

    def log_only_passes(self) -> None:
        """What breaks a rule is reported once, and arrives, as does all that follows."""
        tlsnet.sysctl("log_only", 1)
        client, server = self.connect()
        for sender, receiver in ((client, server), (server, client), (client, server)):
            sender.sendall(NOT_TLS)
            if receive_exactly(receiver, len(NOT_TLS)) != NOT_TLS:
                raise AssertionError("something did not arrive")
        lines = self.log.about(client_of(client))
        if [line.reason for line in lines] != ["record_type"] or lines[0].outcome != "reported":
            raise AssertionError(f"the log says {lines}")
        reset(client)
        reset(server)

    def log_only_marks(self) -> None:
        """What is only reported is marked, too."""
        client, _ = self.break_rule()
        self.marked(client, 0x20)

    def log_only_off(self) -> None:
        """Back to dropping."""
        tlsnet.sysctl("log_only", 0)
        client, server = self.break_rule()
        swallowed((client, server), (server, client))


def main() -> int:
    """Runs the tests in their order: some change the parameters."""
    test = Test()
    tests = {
        "mark=0x10: a condemned connection is marked": test.mark_condemned,
        "mark=0x10: others are not": test.mark_others_not,
        "mark=0x10: other bits stay": test.mark_keeps_bits,
        "mark=0x10: a rule on the mark resets the connection": test.mark_rejects,
        "mark written at run time": test.mark_at_runtime,
        "log_only=1 at run time: reported, and all passes": test.log_only_passes,
        "log_only=1 at run time: marked": test.log_only_marks,
        "log_only=0 at run time: dropped": test.log_only_off,
    }
    ktap = Ktap(len(tests) + 1)
    tlsnet.load(mark="0x10", reset=0)
    for name, body in tests.items():
        ktap.check(name, body)
    tlsnet.load(log_only=1)
    ktap.check("log_only=1 at load: reported, and all passes", test.log_only_passes)
    tlsnet.unload()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main())
