"""Moves recorded events to another day, so that samples and old incidents can be played now.

Every instant moves by the same time and keeps the offset it was written with. Dates that name things (a flight's day in
a subject, an operating day) move by the nearest number of whole days, the same for all, so that what belonged together
still does. An event never happens later than now: what lay between the anchor and a later event is told at once.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.errors import BadInput, Problem

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(?P<fraction>\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"(?<![\d-])(\d{4})-(\d\d)-(\d\d)(?![\d-]|T\d)")
_COMPACT = re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(?!\d)")
_BCBP_DAY = slice(44, 47)
"""Where an IATA bar coded boarding pass has the day of the year of its first leg (Resolution 792, item 46)."""


def moment_of(text: str) -> datetime:
    """`now`, or a time with its offset. Raises BadInput."""
    if text == "now":
        return datetime.now(UTC)
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is not None:
            return parsed
    except ValueError:
        pass
    raise BadInput([Problem("time", "should be `now`, or a time with its offset such as 2026-11-22T08:31:02Z")])


def earliest(events: Sequence[Any]) -> datetime:
    """The first `time` of these events. Raises BadInput when none has one."""
    times = []
    for event in events:
        if isinstance(event, dict) and isinstance(event.get("time"), str) and _INSTANT.fullmatch(event["time"]):
            times.append(datetime.fromisoformat(event["time"]))
    if not times:
        raise BadInput([Problem("time", "no event of these files has one: without it nothing says what is now")])
    return min(times)


def shift(
    events: Sequence[Any],
    now: datetime,
    *,
    anchor: datetime | None = None,
    keep_ids: bool = False,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> list[Any]:
    """Copies of events in which `anchor` (the earliest `time` of all, unless given) is `now`.

    keep_ids: leave ids as they are; otherwise each event gets a new one, so that the gateway takes it as new
    """
    by = now - (anchor or earliest(events))
    days = timedelta(days=round(by / timedelta(days=1)))
    moved = []
    for event in events:
        if not isinstance(event, dict):
            moved.append(event)
            continue
        one = _move(event, by, days)
        if isinstance(one.get("partitionkey"), str):
            one["partitionkey"] = _COMPACT.sub(lambda found: _day(found, days, "%Y%m%d"), one["partitionkey"])
        if isinstance(one.get("time"), str) and _INSTANT.fullmatch(one["time"]):
            one["time"] = _written(min(datetime.fromisoformat(one["time"]), now), event["time"])
        if not keep_ids:
            one["id"] = new_id()
        _boarding_pass(one, event)
        moved.append(one)
    return moved


def _move(value: Any, by: timedelta, days: timedelta) -> Any:
    if isinstance(value, dict):
        return {name: _move(part, by, days) for name, part in value.items()}
    if isinstance(value, list):
        return [_move(part, by, days) for part in value]
    if not isinstance(value, str):
        return value
    if _INSTANT.fullmatch(value):
        try:
            return _written(datetime.fromisoformat(value) + by, value)
        except (ValueError, OverflowError):
            return value
    return _DAY.sub(lambda found: _day(found, days, "%Y-%m-%d"), value)


def _written(moment: datetime, like: str) -> str:
    """A moment as `like` was written: its offset or Z, and its fractions of a second."""
    offset = datetime.fromisoformat(like).tzinfo
    fraction = _INSTANT.fullmatch(like)
    precise = "milliseconds" if fraction is not None and fraction["fraction"] else "seconds"
    text = moment.astimezone(offset).isoformat(timespec=precise)
    return text.removesuffix("+00:00") + "Z" if like.endswith("Z") else text


def _day(found: re.Match[str], days: timedelta, form: str) -> str:
    try:
        return (date(*map(int, found.groups())) + days).strftime(form)
    except (ValueError, OverflowError):
        return found[0]  # no date: a number that looks like one


def _boarding_pass(moved: dict[str, Any], before: dict[str, Any]) -> None:
    """A boarding pass's code names its day too, as the day of the year."""
    data, old = moved.get("data"), before.get("data")
    if not isinstance(data, dict) or not isinstance(old, dict) or not isinstance(data.get("bcbp"), str):
        return
    try:
        was = date.fromisoformat(old["leg"]["originDate"])
        now = date.fromisoformat(data["leg"]["originDate"])
    except (KeyError, TypeError, ValueError):
        return
    code = data["bcbp"]
    if code[_BCBP_DAY] == f"{was:%j}":
        data["bcbp"] = f"{code[:44]}{now:%j}{code[47:]}"
