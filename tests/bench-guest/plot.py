# SPDX-License-Identifier: GPL-2.0
"""The plots of `make bench-guest` and `make bench-peers`: shares of a whole, by logarithm."""

from math import log10
from typing import NamedTuple

LEFT, WIDTH = 320, 500
TOP, LINE = 64, 28
BLUE, ORANGE, PURPLE, GREEN = "#1f6fb4", "#d95f02", "#7a4fa3", "#2a8c4a"


class Series(NamedTuple):
    """Figures of one colour, and where their name stands, from LEFT on."""

    name: str
    color: str
    at: int


class Row(NamedTuple):
    """A line: its name, a share in percent for each series or none, and the goal for the first."""

    name: str
    shares: list[float | None]
    goal: float | None = None


class Plot(NamedTuple):
    """What is shown; the decades, as powers of ten, in percent; where the goal's name stands."""

    target: str
    title: str
    series: list[Series]
    decades: tuple[int, int]
    goal_at: int | None = None

    def x(self, percent: float) -> float:
        """The place of a share. The left end is that of all which are too small, or negative."""
        least, most = self.decades
        power = log10(max(percent, 10**least))
        return LEFT + WIDTH * (power - least) / (most - least)

    def legend(self) -> list[str]:
        """What is shown, and by which sign."""
        shapes = [text(10, 20, "start", self.title)]
        for series in self.series:
            shapes.append(dot(LEFT + series.at, 36, series.color))
            shapes.append(text(LEFT + series.at + 10, 40, "start", series.name))
        if self.goal_at is not None:
            shapes.append(goal(LEFT + self.goal_at, 36))
            name = f"goal: {self.series[0].name} stays left of it"
            shapes.append(text(LEFT + self.goal_at + 10, 40, "start", name))
        return shapes

    def scale(self, bottom: float) -> list[str]:
        """The decades."""
        shapes = []
        for power in range(self.decades[0], self.decades[1] + 1):
            at = self.x(10**power)
            shapes += [
                line(at, TOP - 8, at, bottom, "#ddd"),
                text(at, bottom + 18, "middle", f"{10**power:g} %"),
            ]
        return shapes

    def row(self, row: Row, y: float) -> list[str]:
        """One line; the first series lies on top."""
        shapes = [text(LEFT - 10, y + 4, "end", row.name), line(LEFT, y, LEFT + WIDTH, y, "#eee")]
        if row.goal is not None:
            shapes.append(goal(self.x(row.goal), y))
        for series, share in reversed(list(zip(self.series, row.shares, strict=True))):
            if share is not None:
                shapes.append(dot(self.x(share), y, series.color))
        return shapes

    def svg(self, rows: list[Row]) -> str:
        """The plot as SVG."""
        bottom = TOP + LINE * len(rows)
        shapes = self.legend() + self.scale(bottom)
        for number, row in enumerate(rows):
            shapes += self.row(row, TOP + LINE * number + 8)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{bottom + 40}" '
                'font-family="sans-serif" font-size="13">',
                f"<!-- SPDX-License-Identifier: GPL-2.0; made by make {self.target} -->",
                '<rect width="100%" height="100%" fill="white"/>',
                *shapes,
                "</svg>\n",
            ]
        )


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
    return line(at, y - 9, at, y + 9, GREEN, 3)
