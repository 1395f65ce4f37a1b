"""When a queue is open: now, when next, for how long between two moments. A calendar speaks in the hours on the wall of its zone.

Open is what the clock on the wall says, so summer time needs no rule of its own: an hour that is skipped is never open, one that
comes twice is open twice. A date with hours of its own replaces that whole date, from midnight to midnight.

Nobody waits while it is closed: whatever measures a wait asks `open_ms`, by the calendar of the queue in which somebody stands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from gateway.model.webcare import Calendar, Interval

_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS
_LOOK_MS = 400 * _DAY_MS
"""So far ahead an opening is looked for: a year's holidays and some."""
_EPOCH = date(1970, 1, 1)


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
    if calendar is None:
        return at_ms
    if not any(calendar.week) and not any(calendar.special.values()):
        return None  # asked at each look of the router: not four hundred days long
    return next((begin for begin, _ in open_spans(calendar, at_ms, at_ms + _LOOK_MS)), None)


def open_ms(calendar: Calendar | None, begin_ms: int, until_ms: int) -> int:
    """How long it is open between two moments: 0 where the second comes first."""
    if calendar is None:
        return max(until_ms - begin_ms, 0)
    return sum(until - begin for begin, until in open_spans(calendar, begin_ms, until_ms))


def after_open_ms(calendar: Calendar | None, at_ms: int, wanted_ms: int) -> int | None:
    """The moment at which it will have been open for so long; None when that is not within 400 days."""
    if calendar is None:
        return at_ms + wanted_ms
    left = wanted_ms
    for begin, until in open_spans(calendar, at_ms, at_ms + _LOOK_MS):
        if until - begin >= left:
            return begin + left
        left -= until - begin
    return None


def open_spans(calendar: Calendar, begin_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    """The stretches from one moment to another in which it is open, in their order; one may begin where another ends."""
    for begin, until, ahead in _steady(ZoneInfo(calendar.timezone), begin_ms, until_ms):
        # Between two changes of the zone's clock its wall is a line, so what is cut on the wall is cut in time.
        on_wall, end = begin + ahead, until + ahead
        midnight = on_wall - on_wall % _DAY_MS
        while midnight < end:
            day = _EPOCH + timedelta(days=midnight // _DAY_MS)
            for one in sorted(hours_of(calendar, day), key=lambda one: one.begin):
                first = max(midnight + one.begin * _MINUTE_MS, on_wall)
                last = min(midnight + one.until * _MINUTE_MS, end)
                if first < last:
                    yield first - ahead, last - ahead
            midnight += _DAY_MS


def _steady(zone: ZoneInfo, begin_ms: int, until_ms: int) -> Iterator[tuple[int, int, int]]:
    """The stretches in which the zone's clock does not change, with what it is ahead of UTC (ms). None changes twice a day."""
    at = begin_ms
    ahead = _ahead_ms(zone, at)
    while at < until_ms:
        until = min(at + _DAY_MS, until_ms)
        after = _ahead_ms(zone, until)
        if after != ahead:
            before = at
            while until - before > 1:
                middle = (before + until) // 2
                before, until = (middle, until) if _ahead_ms(zone, middle) == ahead else (before, middle)
        yield at, until, ahead
        at, ahead = until, after


def _ahead_ms(zone: ZoneInfo, at_ms: int) -> int:
    offset = datetime.fromtimestamp(at_ms / 1000, zone).utcoffset()
    return int(offset.total_seconds() * 1000) if offset is not None else 0


class OpenTime:
    """For how long it has been open by now, since many different moments: what a look at a long queue asks."""

    def __init__(self, calendar: Calendar | None, now_ms: int) -> None:
        self._calendar = calendar
        self._now = self._from = now_ms
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._left: list[int] = [0]

    def since(self, begin_ms: int) -> int:
        """In ms; 0 of a moment that is to come."""
        if self._calendar is None:
            return max(self._now - begin_ms, 0)
        if begin_ms < self._from:
            self._read(self._calendar, begin_ms - _DAY_MS)
        place = bisect_right(self._ends, begin_ms)
        if place == len(self._ends):
            return 0
        return self._left[place] - max(begin_ms - self._begins[place], 0)

    def _read(self, calendar: Calendar, from_ms: int) -> None:
        self._from = from_ms
        spans = list(open_spans(calendar, from_ms, self._now))
        self._begins = [begin for begin, _ in spans]
        self._ends = [until for _, until in spans]
        self._left = list(accumulate((until - begin for begin, until in reversed(spans)), initial=0))[::-1]
