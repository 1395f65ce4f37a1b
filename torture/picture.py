"""The run as one picture: messages that reached handsets, second by second, every kill, every pause. Plain SVG, by hand.

One series, so the title names it and there is no legend of colours: kills are strokes below the axis and pauses bars, a row for
each process, named at its left; while an operator has stopped everything, the ground is shaded and says so. Colours follow the
reader's light or dark page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from torture.seen import Brake, Kill, Pause

WIDTH, LEFT, RIGHT = 900, 86, 24
TOP, CHART, ROW, FOOT = 46, 180, 18, 34
_STYLE = """\
  :root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --area: #2f6f8f; --kill: #b3261e;
          --quiet: #f2f5f7 }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #f0f6fc; --soft: #9198a1; --line: #3d444d; --area: #58a6c7; --kill: #ff8a80; --quiet: #161b22 }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--soft) }
  .title { font-size: 14px; font-weight: 600; fill: var(--ink) }
  .grid { stroke: var(--line); stroke-width: 1 }
  .area { fill: var(--area) }
  .kill { stroke: var(--kill); stroke-width: 2 }
  .pause { fill: var(--kill); opacity: 0.35 }
  .quiet, .brake { fill: var(--quiet) }"""


def draw(
    arrivals_ms: Sequence[int], kills: Sequence[Kill], victims: Sequence[str], began_ms: int, quiet_ms: int,
    *, pauses: Sequence[Pause] = (), brakes: Sequence[Brake] = (),
) -> str:  # fmt: skip
    """arrivals_ms: when each message reached a handset; quiet_ms: when the last fire was out; all on one clock."""
    end_ms = max([*arrivals_ms, *(one.at_ms for one in kills), quiet_ms]) + 1_000
    seconds = max((end_ms - began_ms) // 1_000, 1)
    step = next(size for size in (1, 2, 5, 10, 30, 60, 600) if seconds / size <= 160 or size == 600)
    bars = Counter((at - began_ms) // (1_000 * step) for at in arrivals_ms if at >= began_ms)
    most = _round_up(max((count / step for count in bars.values()), default=1.0))
    height = TOP + CHART + 12 + ROW * len(victims) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t d">',
        '<title id="t">Messages that reached handsets, kills and pauses</title>',
        f'<desc id="d">{len(arrivals_ms)} messages, {len(kills)} kills and {len(pauses)} pauses in {seconds} seconds.</desc>',
        f"<style>\n{_STYLE}\n</style>",
        f'<text class="title" x="{LEFT}" y="20">Messages on handsets, a second'
        + (f" (mean of {step} s)" if step > 1 else "")
        + "; below: killed (stroke), stood still (bar)</text>",
    ]

    def x(at_ms: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (at_ms - began_ms) / (1_000 * seconds), 1)

    floor = TOP + CHART
    quiet = x(quiet_ms)
    parts.append(f'<rect class="quiet" x="{quiet}" y="{TOP}" width="{round(WIDTH - RIGHT - quiet, 1)}" height="{CHART}"/>')
    parts.append(f'<text x="{quiet + 6}" y="{TOP + 14}">no more kills</text>')
    for brake in brakes:
        left, right = x(brake.from_ms), x(brake.until_ms)
        parts.append(f'<rect class="brake" x="{left}" y="{TOP}" width="{round(right - left, 1)}" height="{CHART}"/>')
        parts.append(f'<text x="{left + 6}" y="{TOP + 14}">stopped</text>')
    for share in (0, 0.5, 1):
        y = round(floor - CHART * share, 1)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{most * share:g}</text>')
    wide = max(x(began_ms + 1_000 * step) - LEFT - 1, 1)
    for place, count in sorted(bars.items()):
        tall = round(CHART * count / step / most, 1)
        left = x(began_ms + place * 1_000 * step)
        parts.append(f'<rect class="area" x="{left}" y="{round(floor - tall, 1)}" width="{round(wide, 1)}" height="{tall}"/>')
    for row, name in enumerate(victims):
        y = floor + 12 + ROW * row + ROW // 2
        times = [one.at_ms for one in kills if one.name == name]
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name)} ({len(times)})</text>')
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        for stood in (one for one in pauses if one.name == name):
            left, right = x(stood.from_ms), x(stood.until_ms)
            parts.append(f'<rect class="pause" x="{left}" y="{y - 5}" width="{round(right - left, 1)}" height="10"/>')
        parts += [f'<line class="kill" x1="{x(at)}" x2="{x(at)}" y1="{y - 6}" y2="{y + 6}"/>' for at in times]
    tick = next(size for size in (5, 10, 30, 60, 120, 600, 3_600, 86_400) if seconds / size <= 12)
    for at in range(0, seconds + 1, tick):
        where = x(began_ms + at * 1_000)
        parts.append(f'<text x="{where}" y="{height - 12}" text-anchor="middle">{at} s</text>')
    return "\n".join([*parts, "</svg>", ""])


def _round_up(value: float) -> float:
    """The next number that reads well as the top of an axis."""
    size = 1.0
    while True:
        for step in (1, 2, 5):
            if value <= step * size:
                return step * size
        size *= 10
