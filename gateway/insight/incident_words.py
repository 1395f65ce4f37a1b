"""An incident report as words, rows and data: for a terminal, a spreadsheet, a program. The page is incident_page.py."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.insight.incident import Brake, Incident, Row
from gateway.insight.kinds import sentence_of

COLUMNS: tuple[tuple[str, str], ...] = (
    ("planned", "planned"), ("told", "told"), ("delivered", "delivered"), ("waiting", "still waiting"), ("held", "held back"),
    ("stopped", "stopped"), ("suppressed", "suppressed"), ("outdated", "outdated"), ("expired", "too late"), ("dead", "given up"),
    ("unreached", "unreached"), ("uncertain", "uncertain"), ("doubled", "doubled"),
)  # fmt: skip
"""Fields of a Row with the words for them."""
FIRST = ("planned", "told", "delivered")
"""Those that stand beside how late it was; the others say what held it up."""
LATE = ("half within", "9 of 10 within", "99 of 100 within", "the last after")
MEANING = {
    "planned": "messages that were to be said, of all kinds of ends",
    "told": "the channel took it",
    "delivered": "on their phone",
    "still waiting": "nothing has become of it",
    "held back": "a retry, a limit of the channel or a brake made it wait",
    "stopped": "by a brake",
    "suppressed": "not sent, for a reason of the list below",
    "outdated": "newer news took its place",
    "too late": "its deadline passed",
    "given up": "in the dead letters",
    "unreached": "told by no channel in time, and nobody wanted that",
    "uncertain": "no answer came for a while",
    "doubled": "the channel has it twice",
}


def span(ms: int | None) -> str:
    """0.4 s, 38 s, 12 min, 3 h 05."""
    if ms is None:
        return "-"
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d}"


def clock(zone: ZoneInfo | None, form: str = "%a %d %b %Y %H:%M:%S %Z") -> Callable[[int], str]:
    """Shows a time in ms as people of this zone (None: this machine's) read it."""
    return lambda at_ms: datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).strftime(form) if at_ms else "-"


def heads(report: Incident) -> list[str]:
    """What everybody asks first, in sentences."""
    people, late = report.people, report.total.late
    said = [f"{people['told']:,} of {people['concerned']:,} people were told."]
    if late is not None:
        nearly, last = span(late.p90), span(late.worst)
        said.append(f"Half of the messages within {span(late.p50)}, nine of ten within {nearly}, the last after {last}.")
    for name, words in (("unreached", "were reached by no channel in time"), ("doubled", "got something twice")):
        if people[name]:
            said.append(f"{people[name]:,} {words}.")
    if people["waiting"]:
        said.append(f"For {people['waiting']:,} something still waits.")
    if report.gaps:
        times = f"{report.gaps} times" if report.gaps > 1 else "once"
        said.append(f"The store went back {times} (a failover, a restore): facts may be missing, so these are least counts.")
    return said


def brake_words(brake: Brake) -> str:
    verb = "was already stopping" if brake.before else brake.verb
    return f"{brake.who or 'somebody'} {verb} {brake.scope}" + (f": {brake.why}" if brake.why else "")


def lates(row: Row) -> tuple[str, str, str, str]:
    if row.late is None:
        return "-", "-", "-", "-"
    return span(row.late.p50), span(row.late.p90), span(row.late.p99), span(row.late.worst)


def as_text(report: Incident, zone: ZoneInfo | None, table: Callable[[list[str], list[list[object]]], str]) -> str:
    """table: head and rows -> columns (cli/printing.columns)."""
    show = clock(zone)
    lines = [f"{show(report.since_ms)}  to  {show(report.until_ms)}" + (f", {report.subject}" if report.subject else ""), ""]
    lines += [*heads(report), ""]
    rows = (*report.rows, report.total)

    def rows_of(names: Sequence[str], late: bool) -> list[list[object]]:
        return [
            [row.notification or "all", row.channel, *(getattr(row, name) for name in names), *(lates(row) if late else ())]
            for row in rows
        ]

    words = dict(COLUMNS)
    rest = [name for name in words if name not in FIRST and getattr(report.total, name)]
    lines += [table(["notification", "channel", *(words[name] for name in FIRST), *LATE], rows_of(FIRST, True)), ""]
    if rest:
        lines += [table(["notification", "channel", *(words[name] for name in rest)], rows_of(rest, False)), ""]
    if report.reasons:
        found: list[list[object]] = [[count, kind, sentence_of(reason)] for kind, reason, count in report.reasons]
        lines += [table(["messages", "ended", "because"], found), ""]
    if report.worst:
        worst: list[list[object]] = [
            [span(case.late_ms), case.message, case.notification, report.channel_of(case), show(case.accepted_ms)]
            for case in report.worst
        ]
        lines += [table(["late", "message", "notification", "channel", "told at"], worst), ""]
    lines += ["brakes", *(f"  {show(brake.at_ms)}  {brake_words(brake)}" for brake in report.brakes)]
    if not report.brakes:
        lines.append("  none was pulled")
    return "\n".join([*lines, "", f"next: python main.py trace {report.worst[0].message}" if report.worst else "next: doctor"])


def as_dict(report: Incident) -> dict[str, Any]:
    """Counts and times, without the single messages: those are in the CSV."""
    return {
        "since": _iso(report.since_ms),
        "until": _iso(report.until_ms),
        "subject": report.subject or None,
        "people": dict(report.people),
        "total": asdict(report.total),
        "rows": [asdict(row) for row in report.rows],
        "reasons": [
            {"ended": kind, "reason": reason, "sentence": sentence_of(reason), "messages": count}
            for kind, reason, count in report.reasons
        ],
        "brakes": [
            {
                "at": _iso(brake.at_ms),
                "what": brake.verb,
                "scope": brake.scope,
                "who": brake.who,
                "why": brake.why,
                "before": brake.before,
            }
            for brake in report.brakes
        ],
        "worst": [
            {
                "message": case.message,
                "notification": case.notification,
                "channel": report.channel_of(case),
                "late_ms": case.late_ms,
            }
            for case in report.worst
        ],
        "gaps": report.gaps,
    }


def as_csv(report: Incident) -> Iterator[str]:
    """A line a message, our ids and times in UTC; `late_s` is empty for one that the channel did not take."""
    head = [
        "message", "contact", "notification", "channel", "planned_at", "known_at", "told_at", "delivered_at", "late_s", "outcome",
        "reason", "held", "stopped", "unreached", "uncertain", "doubled",
    ]  # fmt: skip
    yield _line(head)
    for case in report.cases:
        yield _line(
            [
                case.message, case.contact, case.notification, report.channel_of(case), _iso(case.planned_ms), _iso(case.knew_ms),
                _iso(case.accepted_ms), _iso(case.delivered_ms), "" if case.late_ms is None else f"{case.late_ms / 1000:.3f}",
                case.outcome, case.reason, int(case.held), int(case.stopped), int(case.unreached), int(case.uncertain),
                int(case.doubled),
            ]
        )  # fmt: skip


def _line(values: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def _iso(at_ms: int) -> str:
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
