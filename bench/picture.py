"""A line chart as plain SVG: numbers on a logarithmic axis against one unit, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 56, 48
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5 }
  .a { stroke: #0969da; fill: #0969da } .b { stroke: #9a6700; fill: #9a6700 } .c { stroke: #1a7f37; fill: #1a7f37 }
  .line.a, .line.b, .line.c { fill: none }
  .b { stroke-dasharray: 7 4 } .c { stroke-dasharray: 2 4 } circle { stroke: none !important }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .grid { stroke: #3d444d }
    .a { stroke: #58a6ff; fill: #58a6ff } .b { stroke: #d29922; fill: #d29922 } .c { stroke: #56d364; fill: #56d364 }
  }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One series: (x, y), x from 1 upwards. Told apart by colour and by dashes."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, across: str, unit: str, lines: Sequence[Line]) -> str:
    """Up to three lines over a logarithmic axis; the other axis begins at 0."""
    xs = [x for line in lines for x, _ in line.points]
    most_x = max(1, math.ceil(math.log10(max(xs))))
    step = _step(max(y for line in lines for _, y in line.points))
    most_y = step * math.ceil(max(y for line in lines for _, y in line.points) / step)

    def place(x: float, y: float) -> tuple[float, float]:
        right = LEFT + math.log10(x) / most_x * (WIDTH - LEFT - RIGHT)
        return round(right, 1), round(HEIGHT - BOTTOM - y / most_y * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="20">{escape(title)}</text>',
    ]
    for number in range(round(most_y / step) + 1):
        _, y = place(1, number * step)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{number * step:,.6g}</text>')
    for power in range(most_x + 1):
        x, y = place(10**power, 0)
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{10**power:,}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{escape(across)}</text>')
    x = LEFT
    for kind, line in zip("abc", lines, strict=False):
        places = [place(*point) for point in line.points]
        parts.append(f'<polyline class="line {kind}" points="{" ".join(f"{one},{two}" for one, two in places)}"/>')
        parts += [f'<circle class="{kind}" cx="{one}" cy="{two}" r="3.5"/>' for one, two in places]
        parts.append(f'<line class="line {kind}" x1="{x}" y1="38" x2="{x + 28}" y2="38"/>')
        parts.append(f'<text x="{x + 34}" y="42">{escape(line.name)}, {escape(unit)}</text>')
        x += 60 + 7 * (len(line.name) + len(unit))
    return "\n".join([*parts, "</svg>", ""])


def _step(most: float) -> float:
    """Between two lines of the grid: 1, 2 or 5 times a power of ten, so that there are about five."""
    rough = max(most, 1e-9) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * one for one in (1, 2, 5, 10) if power * one >= rough)
