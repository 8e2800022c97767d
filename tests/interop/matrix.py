#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The interop matrix: real TLS stacks through the module. The capture shows that each case used its
feature.

Prints a table, a line per case, and ends with a line of counts. A case passes when its transfer was
right, the wire shows its feature, and the module condemned nothing of it.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cases as matrix
import tlsnet
import witness
from runner import FIRST_PORT, Case, Outcome, Runner

WIDTHS = (11, 11, 38, 10)


def row(*cells: object) -> None:
    """One line of the table."""
    print(
        "  ".join(f"{cell!s:<{width}}" for cell, width in zip(cells, (*WIDTHS, 0))).rstrip(),
        flush=True,
    )


class Capture:
    """What passes the router on the client's side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        words = [
            "tcpdump",
            "-i",
            "c0",
            "-w",
            str(path),
            "-s",
            "0",
            "-B",
            "131072",
            "-U",
            "--immediate-mode",
            "tcp",
        ]
        with tlsnet.netns("router"):
            self.process = subprocess.Popen(words, stderr=subprocess.PIPE)
        tlsnet.wait_until(path.exists, "the capture to begin")

    def stop(self) -> None:
        """Ends it, once all that was captured is written; loses nothing, or fails."""
        time.sleep(1)
        self.process.send_signal(signal.SIGINT)
        _, told = self.process.communicate()
        lost = re.search(rb"(\d+) packets dropped by kernel", told)
        if lost is None or int(lost[1]):
            print(f"# the capture is not whole: {told.decode()}")


class Module:
    """What the module did; nothing at all where a run is made without it."""

    def __init__(self, present: bool) -> None:
        self.present = present
        self.log = tlsnet.KernelLog() if present else None

    def counters(self) -> dict[str, int]:
        """Its counters."""
        return tlsnet.counters() if self.present else {}

    def harm(self, before: dict[str, int]) -> dict[str, int]:
        """What it has done since then that must not happen to a valid connection.

        Segments may be dropped that come out of order, as they do now and then on two CPUs.
        """
        now = self.counters()
        names = ("condemned", "dropped", "unreadable")
        return {
            name: now[name] - before[name] for name in names if now and now[name] != before[name]
        }

    def condemned(self) -> dict[int, list[tlsnet.Condemned]]:
        """The condemned connections, by the server's port."""
        by_port: dict[int, list[tlsnet.Condemned]] = {}
        if self.log is not None:
            self.log.read()
            for lines in self.log.condemned.values():
                for line in lines:
                    by_port.setdefault(line.server[1], []).append(line)
        return by_port


def judge(
    case: Case, outcome: Outcome, condemned: list[tlsnet.Condemned], seen: set[str], present: bool
) -> list[str]:
    """What is wrong with a case, if anything."""
    errors = list(outcome.errors)
    if missing := sorted(case.wants - seen):
        errors.append(f"the wire does not show {missing}, but {sorted(seen)}")
    reasons = {line.reason for line in condemned}
    if present and reasons != ({case.condemned} if case.condemned else set()):
        errors.append(
            f"CONDEMNED: {[f'{line.reason} {line.direction} {line.client}' for line in condemned]}"
        )
    return errors


def run(selected: list[Case], module: Module, workers: int, keep: Path) -> Counter[str]:
    """Runs the cases, and prints the table."""
    runner = Runner(selected, workers)
    runner.redirect()
    capture = Capture(keep)
    before = module.counters()
    try:
        watch(runner, True)
        harm = module.harm(before)
        watch(runner, False)
    finally:
        runner.servers.stop()
        capture.stop()
    counts = report(runner, module, keep)
    if harm:
        print(f"# not all of it passed freely, of what was honest: {harm}")
        counts["failed"] += 1
    return counts


def explain(errors: list[str]) -> None:
    """Prints what is wrong with a case, after its line."""
    for error in errors:
        print("\n".join("#   " + line for line in error.splitlines()), flush=True)


def watch(runner: Runner, honest: bool) -> None:
    """Runs cases, and tells how far it is."""
    started = time.monotonic()
    for number, (case, outcome) in enumerate(runner.run(honest), 1):
        if number % 50 == 0 or outcome.errors:
            mark = "FAILED" if outcome.errors else "ok"
            told = f"{number}/{len(runner.cases)} {case.name} {mark}"
            print(f"# {time.monotonic() - started:4.0f} s {told}", flush=True)
            explain(outcome.errors)


def report(runner: Runner, module: Module, keep: Path) -> Counter[str]:
    """Prints the table; returns the counts."""
    counts: Counter[str] = Counter()
    condemned = module.condemned()
    flows = witness.flows(keep, range(FIRST_PORT, FIRST_PORT + len(runner.cases)))
    row("server", "client", "feature", "result", "condemned")
    for case in runner.cases:
        outcome = runner.outcomes[case.port]
        seen = set().union(*(witness.facts(flow) for flow in flows.get(case.port, [])))
        lines = condemned.get(case.port, [])
        errors = judge(case, outcome, lines, seen, module.present)
        counts["failed" if errors else "passed"] += 1
        told = ", ".join(sorted({line.reason for line in lines})) or "0"
        row(case.server, case.client, case.feature, "FAILED" if errors else "ok", told)
        explain(errors)
    slowest = sorted(runner.cases, key=lambda case: -runner.outcomes[case.port].seconds)[:5]
    told = ", ".join(f"{case.name} {runner.outcomes[case.port].seconds:.0f} s" for case in slowest)
    print(f"# the slowest: {told}")
    return counts


def left_out() -> None:
    """Prints what is not in the matrix, and why."""
    for server, client, feature, why in matrix.LEFT_OUT:
        row(server, client, feature, "left out", why)


def main() -> int:
    """Runs all cases, or the ones whose name a pattern matches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "pattern", nargs="?", default="", help="only the cases whose names it matches"
    )
    parser.add_argument(
        "--without-module", action="store_true", help="to see what the stacks do by themselves"
    )
    parser.add_argument("--workers", type=int, default=(os.cpu_count() or 1) + 2)
    parser.add_argument(
        "--capture", type=Path, default=Path(tempfile.gettempdir()) / "interop.pcap"
    )
    given = parser.parse_args()
    selected = [case for case in matrix.all_cases() if re.search(given.pattern, case.name)]
    module = Module(not given.without_module)
    before = module.counters()
    counts = run(selected, module, given.workers, given.capture)
    if not given.pattern:
        left_out()
    after = module.counters()
    for name in after:
        if after[name] != before[name]:
            print(f"# {name} {after[name] - before[name]}")
    expected = sum(case.condemned != "" for case in selected)
    if after and after["condemned"] - before["condemned"] != expected:
        print(f"# condemned, and not of one of the cases: expected {expected}")
        counts["failed"] += 1
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return int(counts["failed"] > 0 or counts["passed"] == 0)


sys.exit(main())
