#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs every evasion without the module, with it, and the residual risks with the remedies that README names.

Without the module an attack has to work: one that does not proves nothing. With it, a case is `stopped` (the
victim never read a whole heartbeat request), `harmless` (it did, and the secret did not get back) or `evaded`,
which fails the test unless it is a known residual risk; and one that is none any more must leave that list.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import tlsnet
from attacker import FAST_OPEN, SMALL_BUFFER, VICTIM, Attack, Swallowed
from cases import Case, all_cases
from tlsnet import KernelLog, Ktap
from victim import PORT, Victims
from wire import Wire

AT_ONCE = 32

TTL = "what dies behind the router looks no different here, and both copies of the bytes would have to be kept"
AGE = "who is too old only the victim knows, and both copies of the bytes would have to be kept"
LATER = "the victim alone decides which of two copies it keeps, and waiting for its ACK would stop the honest at every loss"
GONE = "conntrack forgets the connection, and takes it for one that began before it"
# Cases that evade the module, with the reason why 32 bytes cannot close them. In the clear the answer is
# caught; protected, one answer of 16 KiB looks like the server's own request.
RESIDUAL = {
    "short_ttl_decoy_protected": TTL,
    "short_ttl_decoy_by_server_protected": TTL,
    "old_timestamp_decoy_protected": AGE,
    "old_timestamp_decoy_by_server_protected": AGE,
    "overlap_in_a_body_protected": LATER,
    "overlap_in_a_body_by_server_protected": LATER,
    "forgotten_after_rst": GONE,
    "forgotten_after_rst_protected": GONE,
}

# What an operator can do against those: rules in the router, or heartbeat=0.
RULES = [
    "iptables -t mangle -A PREROUTING -p tcp -j TTL --ttl-set 64",
    "iptables -t mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options timestamp,19,29",
    "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0",
]


@dataclass
class Outcome:
    """What came of a case."""

    verdict: str
    log: str
    error: str | None = None


class Suite:
    """The ground for all rounds."""

    def __init__(self) -> None:
        self.wire = Wire("client", "eth0", ("router", "c0"))
        self.victims = Victims("far")
        self.victims.listen(VICTIM[4])
        self.victims.listen(VICTIM[6])
        self.victims.listen(FAST_OPEN, fast_open=True)
        self.victims.listen(SMALL_BUFFER, buffer=1 << 12)
        self.log = KernelLog()
        self._port = 20000

    def round(self, cases: list[Case]) -> dict[str, Outcome]:
        """Runs the cases, many at once."""
        ports = range(self._port, self._port + len(cases))
        self._port += len(cases)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = pool.map(self._run, cases, ports)
            return {case.name: outcome for case, outcome in zip(cases, outcomes)}

    def _run(self, case: Case, port: int) -> Outcome:
        attack = Attack(self.wire, self.victims, self.log, port, case.setting)
        try:
            try:
                case.script(attack)
                attack.conclude()
            except Swallowed:
                pass
            return Outcome(attack.verdict(), "|".join(attack.condemned()) or "-")
        except Exception as error:  # whatever it is, the test failed
            return Outcome("broken", "-", f"{type(error).__name__}: {error}")
        finally:
            attack.close()


def error_of(case: Case, without: Outcome, protected: Outcome) -> str | None:
    """What is wrong with a case's outcome, or None."""
    if without.verdict != "evaded":
        return f"the attack does not work without the module: {without}"
    if protected.verdict == "broken":
        return str(protected.error)
    evaded = protected.verdict == "evaded"
    if evaded != (case.name in RESIDUAL):
        return "the secret got out" if evaded else "this is no residual risk any more"
    return None


def report(ktap: Ktap, cases: list[Case], without: dict[str, Outcome], protected: dict[str, Outcome]) -> None:
    """A line a case, and one more that tells what happened."""
    for case in cases:
        before, after = without[case.name], protected[case.name]
        ktap.result(f"evasion_{case.name}", error_of(case, before, after))
        ktap.note(f"  without: {before.verdict:8}  with: {after.verdict:8}  log: {after.log}")
        if case.name in RESIDUAL:
            ktap.note(f"residual: {case.name}: {RESIDUAL[case.name]}")


def report_remedied(ktap: Ktap, remedy: str, remedied: dict[str, Outcome]) -> None:
    """The residual risks, with what can be done against them."""
    for name, outcome in remedied.items():
        held = outcome.verdict in ("stopped", "harmless")
        ktap.result(f"evasion_{name}_{remedy}", None if held else str(outcome))
        ktap.note(f"  with that remedy: {outcome.verdict:8}  log: {outcome.log}")


def apply_rules() -> None:
    """Puts the rules into the router."""
    for command in RULES:
        subprocess.run(["ip", "netns", "exec", "router", *command.split()], check=True)


def main(wanted: list[str]) -> int:
    """Runs all cases, or those wanted."""
    cases = [case for case in all_cases() if not wanted or case.name in wanted]
    residual = [case for case in cases if case.name in RESIDUAL]
    refusable = [case for case in residual if RESIDUAL[case.name] != GONE]
    scrubbable = [case for case in residual if RESIDUAL[case.name] != LATER]
    ktap = Ktap(len(cases) + len(refusable) + len(scrubbable))
    suite = Suite()
    without = suite.round(cases)
    tlsnet.load(ports=PORT)
    protected = suite.round(cases)
    report(ktap, cases, without, protected)
    tlsnet.load(ports=PORT, heartbeat=0)
    report_remedied(ktap, "heartbeat_refused", suite.round(refusable))
    tlsnet.load(ports=PORT)
    apply_rules()
    report_remedied(ktap, "scrubbed", suite.round(scrubbable))
    tlsnet.unload()
    ktap.note(f"{len(residual)} residual risks of {len(cases)} cases")
    ktap.counts()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
