# SPDX-License-Identifier: GPL-2.0
"""The plot of `make bench-guest`: the share that a helper adds to each load, by logarithm."""

from math import log10
from typing import NamedTuple

LEFT, WIDTH = 320, 500
TOP, LINE = 64, 28
# The decades shown, as powers of ten, in percent.
LEAST, MOST = -1, 3
TLS, NAIVE, GOAL = "#1f6fb4", "#d95f02", "#2a8c4a"


class Row(NamedTuple):
    """A load: the percent that our helper adds, that the other adds, and the goal for ours."""

    name: str
    tls: float
    naive: float | None
    goal: float | None


def x(percent: float) -> float:
    """Where a share lies; what is too small to be shown, or is none, at the left end."""
    power = log10(max(percent, 10**LEAST))
    return LEFT + WIDTH * (power - LEAST) / (MOST - LEAST)


def text(at: float, y: float, anchor: str, words: str) -> str:
    """A line of words."""
    return f'<text x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def line(x1: float, y1: float, x2: float, y2: float, color: str, width: int = 1) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}"/>'


def dot(at: float, y: float, color: str) -> str:
    """A figure."""
    return f'<circle cx="{at:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>'


def goal(at: float, y: float) -> str:
    """What a figure should stay left of."""
    return line(at, y - 9, at, y + 9, GOAL, 3)


def legend() -> list[str]:
    """What is shown, and by which sign."""
    return [
        text(
            10,
            20,
            "start",
            "Instructions that a helper adds to a load, in percent of the whole guest's",
        ),
        dot(LEFT, 36, TLS),
        text(LEFT + 10, 40, "start", "tls"),
        dot(LEFT + 60, 36, NAIVE),
        text(LEFT + 70, 40, "start", "copy and look at each byte (2014)"),
        goal(LEFT + 310, 36),
        text(LEFT + 320, 40, "start", "goal: tls stays left of it"),
    ]


def scale(bottom: float) -> list[str]:
    """The decades."""
    shapes = []
    for power in range(LEAST, MOST + 1):
        at = x(10**power)
        shapes += [
            line(at, TOP - 8, at, bottom, "#ddd"),
            text(at, bottom + 18, "middle", f"{10**power:g} %"),
        ]
    return shapes


def show(row: Row, y: float) -> list[str]:
    """One load."""
    shapes = [text(LEFT - 10, y + 4, "end", row.name), line(LEFT, y, LEFT + WIDTH, y, "#eee")]
    if row.goal is not None:
        shapes.append(goal(x(row.goal), y))
    if row.naive is not None:
        shapes.append(dot(x(row.naive), y, NAIVE))
    return [*shapes, dot(x(row.tls), y, TLS)]


def plot(rows: list[Row]) -> str:
    """The plot as SVG."""
    bottom = TOP + LINE * len(rows)
    shapes = legend() + scale(bottom)
    for number, row in enumerate(rows):
        shapes += show(row, TOP + LINE * number + 8)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{bottom + 40}" '
            'font-family="sans-serif" font-size="13">',
            "<!-- SPDX-License-Identifier: GPL-2.0; made by make bench-guest -->",
            '<rect width="100%" height="100%" fill="white"/>',
            *shapes,
            "</svg>\n",
        ]
    )
