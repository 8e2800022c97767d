#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""peers.py FIGURES FOLDER: the table of `make bench-peers`, from the figures of its guest.

Prints it, and leaves it, and its plot, in the folder."""

import sys
from statistics import median
from typing import NamedTuple

from plot import BLUE, ORANGE, PURPLE, Plot, Row, Series
from table import Figures, leave, read, show, spread

GIGABYTE = 1e9
OURS, PEERS = "tls", ("suricata", "suricata_full")
INSPECTED = (OURS, *PEERS)
ATTACKED = ("none", OURS, "suricata")
PLOT = Plot(
    "bench-peers",
    "What inspection adds to what the same costs without it, in percent of that",
    [
        Series("tls", BLUE, 0),
        Series("Suricata", ORANGE, 60),
        Series("Suricata, to the session's end", PURPLE, 160),
    ],
    (-1, 4),
)


class Cost(NamedTuple):
    """What is compared: a quantity of a measure, for each of another one."""

    measure: str
    name: str
    unit: str
    quantity: str
    per: str
    scale: float = 1


COSTS = [
    Cost("bulk", "8 MiB, offloads on", "instructions/GB", "instructions", "bytes", GIGABYTE),
    Cost(
        "bulk_mtu",
        "8 MiB, packets of the MTU",
        "instructions/GB",
        "instructions",
        "bytes",
        GIGABYTE,
    ),
    Cost("kept", "1 KB, one connection", "instructions/request", "instructions", "requests"),
    Cost("new", "1 KB, a handshake", "instructions/request", "instructions", "requests"),
    Cost("latency", "1 KB, one connection", "ns/request", "ns", ""),
    Cost("memory", "an idle connection", "bytes/connection", "bytes", "connections"),
]


class Compared:
    """A cost by variant, and what each adds to none."""

    def __init__(self, figures: Figures, cost: Cost) -> None:
        self.cost = cost
        self.values = {variant: self.of(figures, variant) for variant in ("none", *INSPECTED)}
        self.runs = [
            figures[cost.measure, variant, cost.quantity] for variant in ("none", *INSPECTED)
        ]
        # Suricata's memory is its own; the router's conntrack has an entry beside it.
        if cost.measure == "memory":
            for peer in PEERS:
                self.values[peer] += self.values["none"]

    def of(self, figures: Figures, variant: str) -> float:
        """The median of the runs."""
        whole = median(figures[self.cost.measure, variant, self.cost.quantity])
        if not self.cost.per:
            return whole
        return self.cost.scale * whole / figures[self.cost.measure, variant, self.cost.per][0]

    def added(self, variant: str) -> float:
        """What it adds."""
        return self.values[variant] - self.values["none"]

    def ratio(self, variant: str) -> float:
        """In terms of none."""
        return self.values[variant] / self.values["none"]

    def beside_ours(self, variant: str) -> float:
        """What it adds, in terms of what ours does."""
        return self.added(variant) / self.added(OURS)

    def row(self) -> list[str]:
        """The line of the table."""
        return [
            self.cost.name,
            self.cost.unit,
            f"{self.values['none']:,.0f}",
            *(f"{self.added(variant):+,.0f}" for variant in INSPECTED),
            *(f"{self.ratio(variant):.3f}" for variant in INSPECTED),
            *(f"{self.beside_ours(variant):,.1f}" for variant in PEERS),
            f"{spread(self.runs):.2f}",
        ]

    def plotted(self) -> Row:
        """The line of the plot."""
        shares: list[float | None] = [100 * (self.ratio(variant) - 1) for variant in INSPECTED]
        return Row(f"{self.cost.name}: {self.cost.unit.replace('/', ' per ')}", shares)


def separated(head: list[str], rows: list[list[str]]) -> str:
    """The table for programs: tabs, nothing in a figure but digits."""
    plain = [[*row[:2], *(cell.replace(",", "").lstrip("+") for cell in row[2:])] for row in rows]
    return "".join("\t".join(row) + "\n" for row in [head, *plain])


def outcomes(figures: Figures) -> list[list[str]]:
    """What came of each attack."""
    attacks = dict.fromkeys(measure for measure, _, _ in figures if measure.startswith("attack "))
    words = {0: "stopped", 1: "worked"}
    return [
        [
            attack.removeprefix("attack "),
            *(words[int(figures[attack, who, "worked"][0])] for who in ATTACKED),
        ]
        for attack in attacks
    ]


def main() -> None:
    """Prints the tables."""
    costs, folder = read(sys.argv[1]), sys.argv[2]
    compared = [Compared(costs, cost) for cost in COSTS]
    rows = [each.row() for each in compared]
    head = ["load", "unit", "none", *(f"{variant} adds" for variant in INSPECTED)]
    head += [f"{variant} x" for variant in INSPECTED]
    head += [*(f"{variant}/tls" for variant in PEERS), "spread %"]
    runs = len(costs["bulk", "none", "instructions"])
    print(
        f"\nThe whole guest, endpoints included; medians of {runs} runs. Added to none; "
        "in terms of none (x); what the peer adds in terms of what tls adds (/tls)."
    )
    show(head, rows)
    leave(f"{folder}/peers.tsv", separated(head, rows))
    leave(f"{folder}/peers.svg", PLOT.svg([each.plotted() for each in compared]))

    print("\nBefore any connection:")
    for variant in INSPECTED:
        print(f"  {variant}: {costs['footprint', variant, 'bytes'][0]:,.0f} bytes")
    print("0.5 s of sleep alone, part of each run:")
    for variant in ("none", *PEERS):
        asleep = costs["nothing", variant, "instructions"]
        print(f"  {variant}: {min(asleep):,.0f} to {max(asleep):,.0f} instructions")
    print("\nAttacks:")
    show(["attack", *ATTACKED], outcomes(costs))


if __name__ == "__main__":
    main()
