"""A line chart as plain SVG: numbers on a logarithmic axis against one unit, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 44, 56, 48
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #6e7681 }
  .title { font-weight: 600; font-size: 15px }
  .grid { stroke: #8888; stroke-width: .6 }
  .line { fill: none; stroke-width: 2.5 }
  .line.a { stroke: #1f7ae0 } .line.b { stroke: #b87503; stroke-dasharray: 7 4 }
  .line.c { stroke: #2da44e; stroke-dasharray: 2 4 }
  circle.a { fill: #1f7ae0 } circle.b { fill: #b87503 } circle.c { fill: #2da44e }
"""
# Tones between light and dark: a picture inside a page is not told which of them the page is.


@dataclass(frozen=True, slots=True)
class Line:
    """One series: (x, y), x from 1 upwards. Told apart by colour and by dashes."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, across: str, unit: str, lines: Sequence[Line], *, powers: bool = False) -> str:
    """Up to three lines over a logarithmic axis; the other axis begins at 0, or, with `powers`, is logarithmic too (y > 0)."""
    xs = [x for line in lines for x, _ in line.points]
    most_x = max(1, math.ceil(math.log10(max(xs))))
    grid = _grid([y for line in lines for _, y in line.points], powers)

    def place(x: float, y: float) -> tuple[float, float]:
        right = LEFT + math.log10(x) / most_x * (WIDTH - LEFT - RIGHT)
        value, low, high = (math.log10(one) if powers else one for one in (y, grid[0], grid[-1]))
        return round(right, 1), round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="20">{escape(title)}</text>',
    ]
    for height in grid:
        _, y = place(1, height)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{height:,.6g}</text>')
    for power in range(most_x + 1):
        x, y = place(10**power, grid[0])
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


def _grid(values: Sequence[float], powers: bool) -> list[float]:
    """The heights of the lines across: powers of ten around all values, or about five steps of 1, 2 or 5 from 0 on."""
    if powers:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return [10.0**one for one in range(low, max(high, low + 1) + 1)]
    rough = max(*values, 1e-9) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough)
    return [number * step for number in range(math.ceil(max(values) / step) + 1)]
