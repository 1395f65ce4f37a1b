"""The board's first sentence: all is well, or what is wrong, since when, who has it, and which page to read. Pure.

What a supervisor must know before anything else is whether they may go on with their day. One sentence says it, in their
language; figures come after. Where something is not known the sentence says that, and never that all is well.

    nobody watches                       nobody looks whether anything is wrong
    an alert that is not put aside       what, since when, who has it, what to read; and how many more there are
    only alerts that are put aside       how many, and that nothing else is wrong
    none                                 all well, with the day's figures as far as they are known
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel.numbers import format_decimal

from gateway.store.alarms import Had
from gateway.webcare.catalogue import Words


@dataclass(frozen=True, slots=True)
class Day:
    """Since midnight UTC, messages: told, late (of no use any more, so not sent), lost (given up). None: not known here.

    urgent_s: how long the oldest urgent message that is due has waited
    """

    told: int | None = None
    late: int | None = None
    lost: int | None = None
    urgent_s: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """tone: well, trouble (somebody must come), aside, unknown"""

    tone: str
    text: str
    alarm: str = ""
    """fingerprint of the alert that it speaks of"""


def first_of(alarms: Sequence[Had], now_ms: int) -> Had | None:
    """Which alert is spoken of: not put aside, those that wake somebody first, nobody's first, then the oldest."""
    open_ones = [one for one in alarms if one.aside_ms <= now_ms]
    return min(
        open_ones,
        key=lambda one: (one.firing.severity != "page", bool(one.owner), one.firing.since_ms, one.firing.name),
        default=None,
    )


def what(words: Words, one: Had) -> str:
    """An alert in the reader's language; its own summary for one that the page has no words for."""
    key = f"alarm.{one.firing.name}"
    return words.t(key) if key in words.words else one.firing.summary


def line(words: Words, day: Day, alarms: Sequence[Had] | None, names: Mapping[str, str], now_ms: int) -> Line:
    """names: agent -> how colleagues see them"""
    if alarms is None:
        return Line("unknown", words.t("board.line.unwatched"))
    one = first_of(alarms, now_ms)
    if one is None and alarms:
        return Line("aside", words.t("board.line.aside", n=len(alarms), figures=figures(words, day)))
    if one is None:
        return Line("well", words.t("board.line.well", figures=figures(words, day)))
    said = words.t("board.line.wrong", what=what(words, one), age=words.age(now_ms - one.firing.since_ms))
    who = words.t("board.line.owner", name=names.get(one.owner, "–")) if one.owner else words.t("board.line.nobody")
    parts = [said, who, words.t("board.line.read", page=one.firing.name)]
    others = sum(1 for other in alarms if other is not one)
    if others:
        parts.append(words.t("board.line.more", n=others))
    return Line("trouble", " ".join(parts), one.firing.fingerprint)


def figures(words: Words, day: Day) -> str:
    """What of the day is known, with commas between; what is not known is named as such and not as 0."""
    if day.told is None:
        said = [words.t("board.line.untold")]
    else:
        counted = [("told", day.told), ("late", day.late or 0), ("lost", day.lost or 0)]
        said = [words.t(f"board.line.{name}", count=format_decimal(n, locale=words.locale)) for name, n in counted]
    if day.urgent_s is not None:
        said.append(words.t("board.line.urgent", age=words.age(round(day.urgent_s * 1000))))
    return ", ".join(said)
