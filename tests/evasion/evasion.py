#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs every evasion in rounds.

The rounds are: without the module, with its defaults, and with heartbeats judged by RFC 6520. What
that leaves runs again with midstream=drop, and with each of the rulesets in examples/.

Without the module an attack has to work: one that does not proves nothing. With it, a case is
`stopped` (the victim never read a whole heartbeat request), `harmless` (it did, and the secret did
not get back) or `evaded`. residual.py lists the cases that evade in each round. One more or less
fails the suite.
"""

import contextlib
import socket
import sys
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import remedies
import residual
import tlsnet
from attacker import COOKIES, FAST_OPEN, MULTIPATH, SMALL_BUFFER, VICTIM, Attack, Swallowed
from cases import Case, all_cases
from router import sysctl
from tlsnet import KernelLog, Ktap
from victim import Victims
from wire import Wire

AT_ONCE = 32
# How often an attack that did not get through is tried again, by itself.
TRIES = 5
# What conntrack remembers for so many seconds, and as long as usual.
SHORT = {"tcp_timeout_close": 1, "tcp_timeout_close_wait": 1, "tcp_timeout_fin_wait": 1}
USUAL = {"tcp_timeout_close": 10, "tcp_timeout_close_wait": 60, "tcp_timeout_fin_wait": 120}


@dataclass
class Outcome:
    """What came of a case."""

    verdict: str
    log: str
    error: str | None = None


@dataclass
class Round:
    """One run of cases: the module's parameters, the router's rules, and what evades then."""

    name: str
    parameters: dict[str, object]
    left: dict[str, str]
    rules: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    # The cases to run, if not all.
    among: Collection[str] = ()
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def chosen(self, cases: list[Case]) -> list[Case]:
        """Those of the cases that this round runs."""
        return [case for case in cases if not self.among or case.name in self.among]


RULED = {"ports": 0, "heartbeat": 1}
ROUNDS = [
    Round("defaults", {}, residual.WITH_DEFAULTS),
    Round("midstream_drop", {"midstream": "drop"}, {}, among=residual.IN_THE_MIDDLE),
    Round("heartbeats", {"heartbeat": 1}, residual.WITH_HEARTBEATS),
    Round("nft", RULED, residual.WITH_RULES, remedies.nft, residual.WITH_HEARTBEATS),
    Round("iptables", RULED, residual.WITH_RULES, remedies.iptables, residual.WITH_HEARTBEATS),
]


class Suite:
    """The ground for all rounds."""

    def __init__(self) -> None:
        self.wire = Wire("client", "eth0", ("router", "c0"))
        self.victims = Victims("far")
        self.victims.listen(VICTIM[4])
        self.victims.listen(VICTIM[6])
        self.victims.listen(FAST_OPEN, fast_open=256)
        self.victims.listen(SMALL_BUFFER, buffer=1 << 12)
        self.victims.listen(MULTIPATH, protocol=socket.IPPROTO_MPTCP)
        self.victims.listen(COOKIES, namespace="cookies")
        self.log = KernelLog()
        self._port = 20000

    def run(self, cases: list[Case]) -> dict[str, Outcome]:
        """Runs the cases, many at once; at the end those that wait for conntrack to forget."""
        outcomes = self._at_once([case for case in cases if not case.forgotten])
        sysctl(**SHORT)
        outcomes |= self._at_once([case for case in cases if case.forgotten])
        sysctl(**USUAL)
        return outcomes

    def insist(
        self, cases: list[Case], outcomes: dict[str, Outcome], names: Collection[str]
    ) -> None:
        """Runs cases of these names again, one at a time, if the attack did not get through.

        On a busy machine an attack can miss its moment. One success proves the attack.
        """
        for case in cases:
            for _ in range(TRIES):
                if case.name not in names or outcomes[case.name].verdict == "evaded":
                    break
                outcomes |= self.run([case])

    def _at_once(self, cases: list[Case]) -> dict[str, Outcome]:
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


def error_of(name: str, without: Outcome, outcome: Outcome, left: dict[str, str]) -> str | None:
    """What is wrong with a case's outcome, or None."""
    if without.verdict != "evaded":
        return f"the attack does not work without the module: {without}"
    if outcome.verdict == "broken":
        return str(outcome.error)
    evaded = outcome.verdict == "evaded"
    if evaded != (name in left):
        return (
            "the secret got out" if evaded else "this does not evade any more: residual.py names it"
        )
    return None


def report(ktap: Ktap, without: dict[str, Outcome], run: Round) -> None:
    """One result per case, and one more line that says what happened."""
    for name, outcome in run.outcomes.items():
        ktap.result(
            f"evasion_{name}_with_{run.name}", error_of(name, without[name], outcome, run.left)
        )
        reason = f"  left: {run.left[name]}" if name in run.left else ""
        ktap.note(f"  {outcome.verdict:8}  log: {outcome.log}{reason}")


def chosen(wanted: list[str]) -> list[Case]:
    """All cases, or those wanted."""
    cases = all_cases()
    unknown = set(wanted) - {case.name for case in cases}
    if unknown:
        raise SystemExit(f"no such case: {' '.join(sorted(unknown))}")
    return [case for case in cases if not wanted or case.name in wanted]


def main(wanted: list[str]) -> int:
    """Runs all cases, or those wanted."""
    cases = chosen(wanted)
    ktap = Ktap(sum(len(run.chosen(cases)) for run in ROUNDS))
    suite = Suite()
    without = suite.run(cases)
    suite.insist(cases, without, without)
    for run in ROUNDS:
        tlsnet.load(**run.parameters)
        with run.rules():
            run.outcomes = suite.run(run.chosen(cases))
            suite.insist(run.chosen(cases), run.outcomes, run.left)
        report(ktap, without, run)
    tlsnet.unload()
    ktap.counts()
    return ktap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
