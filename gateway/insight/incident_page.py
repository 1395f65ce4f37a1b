"""An incident report as one HTML file that needs nothing else: for a mail, a wiki, a phone in a meeting; light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.insight.incident import Bucket, Incident, Row
from gateway.insight.incident_words import COLUMNS, FIRST, LATE, MEANING, brake_words, clock, heads, lates, span
from gateway.insight.kinds import sentence_of

WIDTH, HEIGHT = 640, 150


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    w: float
    h: float
    of: str


def page_of(report: Incident, zone: ZoneInfo | None) -> str:
    show, short = clock(zone), clock(zone, "%H:%M:%S")
    most = max((max(bucket.known, bucket.told, bucket.lost) for bucket in report.buckets), default=0)
    shown = [(name, words) for name, words in COLUMNS if getattr(report.total, name)]
    days = report.until_ms - report.since_ms > 24 * 3600_000
    first = [one for one in COLUMNS if one[0] in FIRST]
    rest = [one for one in shown if one not in first]
    rows = (*report.rows, report.total)
    tick = clock(zone, "%a %d %b %H:%M") if days else clock(zone, "%H:%M")
    middle = (report.since_ms + report.until_ms) // 2
    environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(Path(__file__).parent))
    return environment.get_template("incident.html").render(
        since=show(report.since_ms),
        until=show(report.until_ms),
        subject=report.subject,
        heads=heads(report),
        tiles=_tiles(report),
        width=span(report.buckets[1].at_ms - report.buckets[0].at_ms) if len(report.buckets) > 1 else "all",
        W=WIDTH,
        H=HEIGHT,
        bars=_bars(report.buckets, most),
        ticks=[tick(at) for at in (report.since_ms, middle, report.until_ms)],
        most=f"{most:,}",
        tables=[
            ("How late", [*(words for _, words in first), *LATE], [(row, _cells(row, first, late=True)) for row in rows]),
            ("What held it up", [words for _, words in rest], [(row, _cells(row, rest, late=False)) for row in rows]),
        ],
        meaning=[(words, MEANING[words]) for _, words in shown],
        reasons=[(kind, sentence_of(reason), count) for kind, reason, count in report.reasons],
        brakes=[(show(brake.at_ms), brake_words(brake)) for brake in report.brakes],
        worst=[(span(case.late_ms), case, report.channel_of(case), short(case.accepted_ms)) for case in report.worst],
    )


def _tiles(report: Incident) -> list[tuple[str, str, bool]]:
    people, late = report.people, report.total.late
    return [
        ("people concerned", f"{people['concerned']:,}", False),
        ("people told", f"{people['told']:,}", False),
        ("the last told after", span(late.worst if late else None), False),
        ("people unreached", f"{people['unreached']:,}", people["unreached"] > 0),
        ("people told twice", f"{people['doubled']:,}", people["doubled"] > 0),
        ("people still waiting", f"{people['waiting']:,}", people["waiting"] > 0),
    ]


def _cells(row: Row, columns: Sequence[tuple[str, str]], *, late: bool) -> list[tuple[str, str]]:
    counts = [(words, f"{getattr(row, name):,}") for name, words in columns]
    return [*counts, *zip(LATE, lates(row), strict=True)] if late else counts


def _bars(buckets: Sequence[Bucket], most: int) -> list[Bar]:
    """Three thin bars a bucket; one of a single message is still seen."""
    step = WIDTH / max(len(buckets), 1)
    high = HEIGHT - 4
    bars = []
    for number, bucket in enumerate(buckets):
        for place, (of, count) in enumerate((("known", bucket.known), ("told", bucket.told), ("lost", bucket.lost))):
            if count:
                h = max(count / most * high, 2)
                x = number * step + step * (0.06 + place * 0.3)
                bars.append(Bar(round(x, 2), round(HEIGHT - h, 2), round(max(step * 0.28, 1), 2), round(h, 2), of))
    return bars
