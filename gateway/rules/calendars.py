"""When a queue is open: now, and when next. A calendar speaks in the hours on the wall of its own zone.

Open is what the clock on the wall says, so summer time needs no rule of its own: an hour that is skipped is never open, one that
comes twice is open twice. A date with hours of its own replaces that whole date, from midnight to midnight.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.model.webcare import Calendar, Interval

_LOOK_DAYS = 400
"""So far ahead an opening is looked for: a year's holidays and some."""
_MINUTE_MS = 60_000


def hours_of(calendar: Calendar, day: date) -> tuple[Interval, ...]:
    """The intervals of one date."""
    special = calendar.special.get(day)
    return calendar.week[day.weekday()] if special is None else special


def is_open(calendar: Calendar | None, at_ms: int) -> bool:
    """Whether it is open at a moment; no calendar at all is always open."""
    if calendar is None:
        return True
    wall = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(calendar.timezone))
    minute = wall.hour * 60 + wall.minute
    return any(one.begin <= minute < one.until for one in hours_of(calendar, wall.date()))


def next_opening(calendar: Calendar | None, at_ms: int) -> int | None:
    """The first moment, this one counted, at which it is open; None when it opens no more within 400 days."""
    if calendar is None or is_open(calendar, at_ms):
        return at_ms
    zone = ZoneInfo(calendar.timezone)
    today = datetime.fromtimestamp(at_ms / 1000, zone).date()
    for ahead in range(_LOOK_DAYS):
        day = today + timedelta(days=ahead)
        found = [one for one in _moments(calendar, zone, day) if one > at_ms and is_open(calendar, one)]
        if found:
            return min(found)
    return None


def _moments(calendar: Calendar, zone: ZoneInfo, day: date) -> Iterator[int]:
    """When it may begin to be open on a date: where an interval begins, and where the clock on the wall jumps."""
    intervals = hours_of(calendar, day)
    if not intervals:
        return
    for one in intervals:
        wall = datetime.combine(day, time(one.begin // 60, one.begin % 60), zone)
        for fold in (0, 1):  # an hour that comes twice begins twice
            yield _ms(wall.replace(fold=fold))
    begin, end = (datetime.combine(day + timedelta(days=more), time(), zone) for more in (0, 1))
    if begin.utcoffset() != end.utcoffset():
        yield from _jumps(zone, _ms(begin), _ms(end))


def _jumps(zone: ZoneInfo, begin_ms: int, end_ms: int) -> Iterator[int]:
    """The minutes of a day at which the zone's offset is another than a minute before."""
    offset = datetime.fromtimestamp(begin_ms / 1000, zone).utcoffset()
    for at_ms in range(begin_ms, end_ms + _MINUTE_MS, _MINUTE_MS):
        now = datetime.fromtimestamp(at_ms / 1000, zone).utcoffset()
        if now != offset:
            offset = now
            yield at_ms


def _ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
