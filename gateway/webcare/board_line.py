"""The board's first sentence: all is well, or what is wrong, since when, who has it, and which page to read. Pure.

What a supervisor must know before anything else is whether they may go on with their day. One sentence says it, in their
language; figures come after. Where something is not known the sentence says that, and never that all is well.

    nobody watches                       nobody looks whether anything is wrong
    an alert that is not put aside       what, since when, who has it, what to read; and how many more there are
    a role that no process has           what is not done by anybody; no alert tells of it where nothing waits yet
    a brake that is on                   what, since when, who pulled it: of what is stopped nothing is due, so no alert
    only alerts that are put aside       how many, and that nothing else is wrong
    none                                 all well, with the day's figures as far as they are known

What stands below the first that holds is said behind it: an alert is no reason to forget a brake.
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
class Pulled:
    """A brake that is on, or news that a fuse holds back. key: of its words; who: an agent's id or a name, "" nobody"""

    key: str
    places: Mapping[str, str | int]
    since_ms: int
    who: str = ""


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


def line(
    words: Words, day: Day, alarms: Sequence[Had] | None, names: Mapping[str, str], now_ms: int,
    *, missing: Sequence[str] = (), pulled: Sequence[Pulled] = (),
) -> Line:  # fmt: skip
    """names: agent -> how colleagues see them; missing: roles that no process has; pulled: the gravest first"""
    one = first_of(alarms or (), now_ms)
    beside = [*_missing(words, missing), *_pulled(words, pulled, names, now_ms)]
    if alarms is None:
        return Line("unknown", " ".join([words.t("board.line.unwatched"), *beside]))
    if one is not None:
        return Line("trouble", " ".join([*_alarm(words, one, alarms, names, now_ms), *beside]), one.firing.fingerprint)
    if beside:
        rest = [words.t("board.line.besides", n=len(alarms))] if alarms else []
        return Line("trouble", " ".join([*beside, *rest]))
    if alarms:
        return Line("aside", words.t("board.line.aside", n=len(alarms), figures=figures(words, day)))
    return Line("well", words.t("board.line.well", figures=figures(words, day)))


def _alarm(words: Words, one: Had, alarms: Sequence[Had], names: Mapping[str, str], now_ms: int) -> list[str]:
    said = words.t("board.line.wrong", what=what(words, one), age=words.age(now_ms - one.firing.since_ms))
    who = words.t("board.line.owner", name=names.get(one.owner, "–")) if one.owner else words.t("board.line.nobody")
    parts = [said, who, words.t("board.line.read", page=one.firing.name)]
    others = sum(1 for other in alarms if other is not one)
    return [*parts, words.t("board.line.more", n=others)] if others else parts


def _missing(words: Words, missing: Sequence[str]) -> list[str]:
    said = [words.t(f"board.line.missing.{role}") for role in missing]
    return [*said, words.t("board.line.read", page="ProcessSilent")] if said else []


def _pulled(words: Words, pulled: Sequence[Pulled], names: Mapping[str, str], now_ms: int) -> list[str]:
    if not pulled:
        return []
    first = pulled[0]
    places = {name: words.t("board.everything") if value == "all" else value for name, value in first.places.items()}
    what = words.t(first.key, **places)
    said = [words.t("board.line.wrong", what=what, age=words.age(now_ms - first.since_ms))]
    said.append(words.t("board.line.by", name=names.get(first.who, first.who)) if first.who else words.t("board.line.nobody"))
    if len(pulled) > 1:
        said.append(words.t("board.line.pulled", n=len(pulled) - 1))
    return said


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
