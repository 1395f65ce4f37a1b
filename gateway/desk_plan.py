"""How webcare is organised: queues, hours, routes and figures, from webcare.yaml (GATEWAY_WEBCARE names it).

Without the file every brand has one queue, `general`, always open, and the router gives. A file that is not understood is
refused whole, each problem with its field and the mend: half a plan would close a queue that nobody meant to close.

    routing: push                    # push: the router gives; pull: agents take
    figures: {capacity: 2, service_level_s: 120}
    calendars:
      office:
        timezone: Europe/Amsterdam
        week: {mon-fri: ["08:00-12:00", "13:00-18:00"], saturday: ["10:00-14:00"]}
        dates: {2026-12-25: [], 2026-12-31: ["08:00-16:00"]}
    brands:
      polderwind:
        calendar: office             # of its queues that name none
        queues:
          - {name: groups, required: [groups], preferred: [rail], calendar: always, title: {nl: Groepen, en: Groups}}
        routes:
          - {complaint: true, queue: groups}
        figures: {service_level_s: 60}
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import date
from itertools import pairwise
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import SettingsError
from gateway.model.webcare import SILENCEABLE, BrandPlan, Calendar, DeskPlan, Figures, Interval, Queue, Reason, Route
from gateway.rules.routing import AHEAD, GENERAL
from gateway.settings import Settings

ALWAYS = "always"
"""A calendar's name that stands for no calendar."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST = 50
"""Queues a brand, calendars a house: what a person can still oversee."""

_SHORT = {name[:3]: place for place, name in enumerate(DAYS)} | {name: place for place, name in enumerate(DAYS)}
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,31}$")]
Skills = Annotated[list[Name], Field(max_length=20)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _FiguresIn(_In):
    capacity: Annotated[int, Field(ge=1, le=20)] | None = None
    over_cap: Annotated[int, Field(ge=0, le=5)] | None = None
    owned_max: Annotated[int, Field(ge=1, le=200)] | None = None
    parked_max: Annotated[int, Field(ge=0, le=50)] | None = None
    gap_s: Annotated[int, Field(ge=0, le=300)] | None = None
    open_by_s: Seconds | None = None
    nudge_s: Seconds | None = None
    wrapup_s: Seconds | None = None
    idle_after_s: Seconds | None = None
    sticky_hold_s: Annotated[int, Field(ge=0, le=86_400)] | None = None
    sticky_h: Annotated[int, Field(ge=0, le=720)] | None = None
    reopen_h: Annotated[int, Field(ge=1, le=72)] | None = None
    exclude_s: Annotated[int, Field(ge=0, le=86_400)] | None = None
    service_level_s: Seconds | None = None
    preferred_s: Seconds | None = None
    optional_s: Seconds | None = None
    closed_again_h: Annotated[int, Field(ge=1, le=168)] | None = None
    complaint_days: Annotated[int, Field(ge=1, le=90)] | None = None
    closing_line: bool | None = None

    def over(self, figures: Figures) -> Figures:
        return replace(figures, **{name: value for name, value in self.model_dump().items() if value is not None})


class _CalendarIn(_In):
    timezone: str
    week: dict[str, list[str]]
    dates: dict[date, list[str]] = Field(default_factory=dict)


class _QueueIn(_In):
    name: Name
    calendar: str = ""
    required: Skills = Field(default_factory=list)
    preferred: Skills = Field(default_factory=list)
    optional: Skills = Field(default_factory=list)
    desk: Annotated[str, Field(pattern="^(own|external)$")] = "own"
    title: dict[Annotated[str, Field(pattern="^(nl|en)$")], Annotated[str, Field(min_length=1, max_length=40)]] = Field(
        default_factory=dict
    )


class _RouteIn(_In):
    queue: str
    notification: str | None = None
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = None
    reason: str | None = None
    complaint: bool | None = None


class _BrandIn(_In):
    calendar: str = ""
    queues: Annotated[list[_QueueIn], Field(max_length=MOST)] = Field(default_factory=list)
    routes: Annotated[list[_RouteIn], Field(max_length=200)] = Field(default_factory=list)
    figures: _FiguresIn = Field(default_factory=_FiguresIn)
    complaint_owner: str = ""
    automation: bool = True
    silent: Annotated[list[str], Field(max_length=20)] = Field(default_factory=list)


class _PlanIn(_In):
    routing: Annotated[str, Field(pattern="^(push|pull)$")] = "push"
    figures: _FiguresIn = Field(default_factory=_FiguresIn)
    calendars: Annotated[dict[Name, _CalendarIn], Field(max_length=MOST)] = Field(default_factory=dict)
    brands: dict[Name, _BrandIn] = Field(default_factory=dict)


def read(settings: Settings, reasons: Sequence[Reason] = ()) -> DeskPlan:
    """The plan of the settings. Raises SettingsError with every problem."""
    if settings.webcare is None:
        return replace(DeskPlan.plain(), reasons=tuple(reasons))
    path = settings.webcare
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 a SafeLoader that refuses a key given twice
    except _Twice as twice:
        raise SettingsError([f"{path}: line {twice.line}: {twice.key!r} stands twice: keep one of them"]) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        what = f"GATEWAY_WEBCARE: {path} cannot be read ({type(error).__name__}): mend the path or the YAML"
        raise SettingsError([what]) from None
    return plan_of(raw if raw is not None else {}, str(path), reasons)


def plan_of(raw: object, where: str, reasons: Sequence[Reason] = ()) -> DeskPlan:
    """What a file's content means. where: named in problems. Raises SettingsError with every problem."""
    try:
        given = _PlanIn.model_validate(raw)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise SettingsError([f"{where}: {_place(one['loc'])}: {one['msg']}" for one in problems]) from None
    found: list[str] = []
    house = given.figures.over(Figures())
    calendars = {name: _calendar(name, one, found) for name, one in given.calendars.items()}
    brands = {name: _brand(name, one, house, given.calendars, found) for name, one in given.brands.items()}
    found += [f"figures.{one}" for one in _figures_problems(house)]
    known = {one.code for one in reasons} | {one.parent for one in reasons}
    for name, one in given.brands.items():
        for place, route in enumerate(one.routes):
            if reasons and route.reason is not None and route.reason not in known:
                found.append(f"brands.{name}.routes[{place}].reason: {route.reason!r} is no reason: see reasons.yaml")
    if found:
        raise SettingsError([f"{where}: {one}" for one in found])
    plan = DeskPlan(brands, calendars, tuple(reasons), "", given.routing == "push", house)
    return replace(plan, version=_digest(plan))


def _place(loc: Iterable[int | str]) -> str:
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the file"


def _brand(
    name: str, given: _BrandIn, house: Figures, calendars: Mapping[str, object], found: list[str]
) -> BrandPlan:
    where = f"brands.{name}"
    figures = given.figures.over(house)
    found += [f"{where}.figures.{one}" for one in _figures_problems(figures)]
    queues: list[Queue] = []
    for place, one in enumerate(given.queues):
        here = f"{where}.queues[{place}]"
        if one.name in {queue.name for queue in queues}:
            found.append(f"{here}.name: {one.name!r} stands twice: give each queue a name of its own")
        queues.append(_queue(one, _known(one.calendar or given.calendar, calendars, f"{here}.calendar", found)))
    general = next((one for one in queues if one.name == GENERAL), None)
    if general is None:
        general = Queue(GENERAL, _known(given.calendar, calendars, f"{where}.calendar", found))
    if general.required:
        found.append(f"{where}.queues: {GENERAL!r} takes everybody: it may prefer skills, not require them")
    queues = [*(one for one in queues if one.name != GENERAL), general]
    names = {one.name for one in queues} | {AHEAD}
    for place, route in enumerate(given.routes):
        if route.queue not in names:
            one_of = ", ".join(sorted(names))
            found.append(f"{where}.routes[{place}].queue: {route.queue!r} is no queue of {name}: one of {one_of}")
        if route.model_dump(exclude={"queue"}, exclude_none=True) == {} and place + 1 < len(given.routes):
            found.append(f"{where}.routes[{place}]: matches everything, so those after it never count: put it last")
    routes = tuple(Route(one.queue, one.notification, one.language, one.reason, one.complaint) for one in given.routes)
    for place, line in enumerate(given.silent):
        if line not in SILENCEABLE:
            found.append(f"{where}.silent[{place}]: {line!r} cannot be switched off: one of {', '.join(sorted(SILENCEABLE))}")
    silent = frozenset(given.silent)
    return BrandPlan(name, tuple(queues), routes, figures, given.complaint_owner, given.automation, silent)


def _queue(given: _QueueIn, calendar: str) -> Queue:
    return Queue(
        given.name, calendar, frozenset(given.required), frozenset(given.preferred), frozenset(given.optional), given.desk,
        tuple(sorted(given.title.items())),
    )  # fmt: skip


def _known(calendar: str, calendars: Mapping[str, object], where: str, found: list[str]) -> str:
    if calendar in ("", ALWAYS):
        return ""
    problem = f"{where}: {calendar!r} is no calendar: one of {', '.join([*sorted(calendars), ALWAYS])}"
    if calendar not in calendars and problem not in found:
        found.append(problem)
    return calendar


def _figures_problems(one: Figures) -> Iterator[str]:
    if one.owned_max < one.capacity:
        yield "owned_max: should be at least capacity: whoever is live counts among them"
    if one.optional_s < one.preferred_s:
        yield "optional_s: should be at least preferred_s: preferred skills drop first"


# hours


def _calendar(name: str, given: _CalendarIn, found: list[str]) -> Calendar:
    where = f"calendars.{name}"
    try:
        ZoneInfo(given.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.append(f"{where}.timezone: {given.timezone!r} is no time zone: write it as Europe/Amsterdam")
    week: list[list[Interval]] = [[] for _ in DAYS]
    said: dict[int, str] = {}
    for words, hours in given.week.items():
        days = _days(words)
        if days is None:
            found.append(f"{where}.week.{words}: should be a day or days such as monday, mon-fri")
            continue
        for day in days:
            if day in said:
                found.append(f"{where}.week.{words}: {DAYS[day]} has its hours under {said[day]!r} already: keep one of them")
            said[day] = words
        for begin, until in _hours(hours, f"{where}.week.{words}", found):
            for day in days:
                week[day].append(Interval(begin, min(until, 1440)))
                if until > 1440:  # past midnight: the rest is the next day's
                    week[(day + 1) % 7].append(Interval(0, until - 1440))
    special = {}
    for day_of, hours in given.dates.items():
        at = f"{where}.dates.{day_of}"
        pairs = _hours(hours, at, found)
        if any(until > 1440 for _, until in pairs):
            found.append(f"{at}: ends at midnight: write what is after it under the next date")
        special[day_of] = _sorted([Interval(begin, min(until, 1440)) for begin, until in pairs], at, found)
    days_of = tuple(_sorted(one, f"{where}.week.{DAYS[place]}", found) for place, one in enumerate(week))
    return Calendar(name, given.timezone, days_of, special)


def _days(words: str) -> list[int] | None:
    first, _, last = words.lower().partition("-")
    begin, end = _SHORT.get(first.strip()), _SHORT.get((last or first).strip())
    if begin is None or end is None:
        return None
    return [(begin + more) % 7 for more in range((end - begin) % 7 + 1)]


def _hours(texts: Iterable[str], where: str, found: list[str]) -> list[tuple[int, int]]:
    """Minutes since midnight; an end at or before its begin lies on the next day."""
    pairs = []
    for text in texts:
        match = _HOURS.fullmatch(text.strip())
        numbers = [int(one) for one in match.groups()] if match else []
        begin, until = (numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]) if numbers else (0, 0)
        if not match or begin >= 1440 or until > 1440 or begin == until:
            found.append(f"{where}: {text!r} should be hours such as 08:00-12:30, at most to 24:00")
            continue
        pairs.append((begin, until if until > begin else until + 1440))
    return pairs


def _sorted(intervals: list[Interval], where: str, found: list[str]) -> tuple[Interval, ...]:
    ordered = sorted((one for one in intervals if one.until > one.begin), key=lambda one: one.begin)
    for one, after in pairwise(ordered):
        if after.begin < one.until:
            found.append(f"{where}: two of its hours overlap: join them into one")
    return tuple(ordered)


# reading


class _Twice(Exception):
    def __init__(self, key: object, line: int) -> None:
        super().__init__()
        self.key, self.line = key, line


class _Loader(yaml.SafeLoader):
    """YAML lets a key stand twice and takes the last: half of somebody's hours would be gone without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for name, _ in node.value:
            if isinstance(name, yaml.ScalarNode):
                if name.value in seen:
                    raise _Twice(name.value, name.start_mark.line + 1)
                seen.add(name.value)
        return super().construct_mapping(node, deep)


def _digest(plan: DeskPlan) -> str:
    """Names this plan: kept with each decision, so that an old one can be told from a wrong one."""

    def plain(value: object) -> object:
        if isinstance(value, frozenset):
            return sorted(value)
        return str(value)

    brands = {name: asdict(one) for name, one in sorted(plan.brands.items())}
    calendars = {name: [one.timezone, one.week, sorted((str(day), at) for day, at in one.special.items())]
                 for name, one in sorted(plan.calendars.items())}  # fmt: skip
    figures = [getattr(plan.figures, one.name) for one in fields(plan.figures)]
    text = json.dumps([brands, calendars, figures, plan.push], sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
