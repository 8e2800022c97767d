#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""table.py FIGURES FOLDER: the tables of `make bench-guest`, from the figures of its guests.

Prints them, and leaves that of the loads, and its plot, in the folder."""

import sys
from collections import defaultdict
from statistics import median

from plot import BLUE, ORANGE, Plot, Row, Series

MEGABYTE = 1e6
LOADS = {
    "bulk": "32 MiB over TLS 1.3, offloads on",
    "bulk_mtu": "the same, in packets of the MTU",
    "kept": "1 KB answers on one connection",
    "new": "1 KB answers, a handshake each",
    "segments_1000": "router alone, 1400 bytes, 1,000 conns",
    "segments_200000": "the same, 200,000 conns",
    "acks_1000": "router alone, bare ACKs, 1,000 conns",
}
COLUMNS = ["load", "packets", "instructions_per_packet", "spread_percent"]
COLUMNS += [
    f"{variant}_{what}"
    for variant in ("tls", "2014")
    for what in ("per_packet", "per_MB", "percent")
]
COLUMNS += ["goal"]
PLOT = Plot(
    "bench-guest",
    "Instructions that a helper adds to a load, in percent of the whole guest's",
    [Series("tls", BLUE, 0), Series("copy and look at each byte (2014)", ORANGE, 60)],
    (-1, 3),
    310,
)
GOALS = {"bulk": 2, "bulk_mtu": 2, "kept": 5}

# By measure, variant, quantity: the values of all runs.
Figures = dict[tuple[str, str, str], list[float]]


def read(path: str) -> Figures:
    """The figures of a file."""
    figures = defaultdict(list)
    with open(path, encoding="ascii") as file:
        for line in file:
            measure, variant, _run, quantity, value = line.rstrip("\n").split("\t")
            figures[measure, variant, quantity].append(float(value))
    return dict(figures)


def spread(variants: list[list[float]]) -> float:
    """How far the runs of a variant lie apart at most, in percent."""
    return max(100 * (max(runs) - min(runs)) / median(runs) for runs in variants)


class Load:
    """What a load cost without a helper, and what a helper added."""

    def __init__(self, figures: Figures, name: str) -> None:
        self.figures, self.name = figures, name
        self.whole = self.of("none", "instructions")
        self.packets = self.of("none", "packets")

    def of(self, variant: str, quantity: str) -> float:
        """The median of the runs."""
        return median(self.figures[self.name, variant, quantity])

    def added(self, variant: str) -> float:
        """The instructions that a helper added."""
        return self.of(variant, "instructions") - self.whole

    def share(self, variant: str) -> float:
        """The same, in percent of the whole."""
        return 100 * self.added(variant) / self.whole

    def spread(self) -> float:
        """How far the runs with and without our helper lie apart, in percent."""
        runs = [self.figures[self.name, variant, "instructions"] for variant in ("none", "tls")]
        return spread(runs)

    def per_megabyte(self, variant: str) -> str:
        """What a helper added to each megabyte, where megabytes were moved."""
        if (self.name, variant, "bytes") not in self.figures:
            return "-"
        return f"{self.added(variant) / self.of(variant, 'bytes') * MEGABYTE:,.0f}"

    def plotted(self) -> Row:
        """The load's line in the plot."""
        naive = (
            self.share("naive2014")
            if (self.name, "naive2014", "instructions") in self.figures
            else None
        )
        return Row(LOADS[self.name], [self.share("tls"), naive], GOALS.get(self.name))

    def row(self) -> list[str]:
        """The load's row."""
        row = [
            LOADS[self.name],
            f"{self.packets:,.0f}",
            f"{self.whole / self.packets:,.0f}",
            f"{self.spread():.2f}",
        ]
        for variant in ("tls", "naive2014"):
            if (self.name, variant, "instructions") not in self.figures:
                row += ["-"] * 3
                continue
            added = self.added(variant) / self.packets
            row += [f"{added:+,.0f}", self.per_megabyte(variant), f"{self.share(variant):+.2f}"]
        return [*row, self.judged()]

    def judged(self) -> str:
        """The goal, and whether it was reached."""
        if self.name not in GOALS:
            return "-"
        goal = GOALS[self.name]
        return f"< {goal} {'reached' if self.share('tls') < goal else 'MISSED'}"


def show(head: list[str], rows: list[list[str]]) -> None:
    """Columns as wide as they must be, words to the left and figures to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))


def leave(path: str, text: str) -> None:
    """Writes a file."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def separated(rows: list[list[str]]) -> str:
    """The table of loads for programs: tabs between the columns, nothing in a figure but digits."""
    plain = [
        [name, *("" if cell == "-" else cell.replace(",", "").lstrip("+") for cell in cells)]
        for name, *cells in rows
    ]
    return "".join("\t".join(row) + "\n" for row in [COLUMNS, *plain])


def gain(figures: Figures, measure: str, variant: str) -> list[float]:
    """What two CPUs carried at the same time, in terms of what one did, run by run."""
    times = [
        figures[measure, variant, f"{which} {side}"]
        for which in ("alone", "together")
        for side in ("client", "server")
    ]
    return [
        2 * (1 / c2 + 1 / s2) / (1 / c1 + 1 / s1) for c1, s1, c2, s2 in zip(*times, strict=True)
    ]


def bytes_each(figures: Figures, variant: str) -> float:
    """The memory of a connection."""
    return figures["memory", variant, "bytes"][0] / figures["memory", variant, "connections"][0]


def main() -> None:
    """Prints the tables, and what they come to."""
    figures, folder = read(sys.argv[1]), sys.argv[2]
    loads = {name: Load(figures, name) for name in LOADS}
    runs = len(figures["bulk", "none", "instructions"])
    nothing = figures["nothing", "none", "instructions"]

    print(
        f"\nInstructions of the whole guest, endpoints included; medians of {runs} runs. Added by tls, and by the 2014 module."
    )
    head = [
        "load",
        "packets",
        "each",
        "spread %",
        "tls/packet",
        "/MB",
        "%",
        "2014/packet",
        "/MB",
        "%",
        "goal %",
    ]
    rows = [load.row() for load in loads.values()]
    show(head, rows)
    leave(f"{folder}/bench-guest.tsv", separated(rows))
    leave(f"{folder}/bench-guest.svg", PLOT.svg([load.plotted() for load in loads.values()]))
    print(
        f"0.5 s of sleep alone: {min(nothing):,.0f} to {max(nothing):,.0f} instructions, part of each run"
    )

    memory = {variant: bytes_each(figures, variant) for variant in ("none", "ftp", "tls")}
    print(
        "\nBytes in slabs for each of 200,000 connections: "
        f"no helper {memory['none']:.1f}, the kernel's ftp {memory['ftp']:.1f}, tls {memory['tls']:.1f}"
    )

    print(
        f"\nThroughput of two CPUs over one (ideal: 2; wall time, noisy), median (range) of {runs} runs:"
    )
    rows = []
    for measure in ("two_connections", "one_connection"):
        gains = [gain(figures, measure, variant) for variant in ("none", "tls")]
        rows.append(
            [
                measure.replace("_", " "),
                *(f"{median(g):.2f} ({min(g):.2f} to {max(g):.2f})" for g in gains),
            ]
        )
    show(["", "no helper", "tls"], rows)

    print(
        f"\nbench-guest: bulk {loads['bulk'].share('tls'):+.2f} % (goal {loads['bulk'].judged()}), "
        f"in packets of the MTU {loads['bulk_mtu'].share('tls'):+.2f} % (goal {loads['bulk_mtu'].judged()}), "
        f"requests {loads['kept'].share('tls'):+.2f} % (goal {loads['kept'].judged()}); "
        f"the 2014 way {loads['bulk'].share('naive2014'):+.1f} % and {loads['kept'].share('naive2014'):+.1f} %; "
        f"{memory['tls'] - memory['ftp']:+.1f} bytes a connection beyond any helper's"
    )


if __name__ == "__main__":
    main()
