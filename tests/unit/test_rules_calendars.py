"""When a queue is open, summer time both ways, and dates with hours of their own."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.webcare import Calendar, Interval
from gateway.rules.calendars import OpenTime, after_open_ms, is_open, next_opening, open_ms, open_spans

ZONE = ZoneInfo("Europe/Amsterdam")


def at(text: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE, fold=fold).timestamp() * 1000)


def hours(*pairs: tuple[int, int]) -> tuple[Interval, ...]:
    return tuple(Interval(begin * 60, until * 60) for begin, until in pairs)


OFFICE = Calendar(
    "office", "Europe/Amsterdam", (*[hours((8, 12), (13, 18))] * 5, (), ()),
    {date(2026, 12, 25): (), date(2026, 12, 24): hours((8, 16)), date(2026, 12, 26): hours((10, 12))},
)  # fmt: skip
NIGHT = Calendar("night", "Europe/Amsterdam", tuple((Interval(150, 240),) for _ in range(7)))


@pytest.mark.parametrize(
    ("when", "opened"),
    [
        ("2026-11-23T07:59", False), ("2026-11-23T08:00", True), ("2026-11-23T12:00", False), ("2026-11-23T13:00", True),
        ("2026-11-23T18:00", False), ("2026-11-22T10:00", False), ("2026-12-25T10:00", False), ("2026-12-24T16:30", False),
        ("2026-12-26T11:00", True),
    ],
)  # fmt: skip
def test_open_by_the_clock_on_the_wall(when: str, opened: bool) -> None:
    assert is_open(OFFICE, at(when)) is opened
    assert is_open(None, at(when))


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-23T09:00", "2026-11-23T09:00"), ("2026-11-23T12:30", "2026-11-23T13:00"),
        ("2026-11-20T18:30", "2026-11-23T08:00"), ("2026-12-24T17:00", "2026-12-26T10:00"),
    ],
)  # fmt: skip
def test_next_opening_passes_nights_weekends_and_holidays(when: str, opens: str) -> None:
    assert next_opening(OFFICE, at(when)) == at(opens)


def test_an_hour_that_is_skipped_opens_when_the_clock_has_jumped() -> None:
    # 29 March 2026: after 01:59 comes 03:00, so what should open at 02:30 opens at 03:00.
    assert next_opening(NIGHT, at("2026-03-29T01:00")) == at("2026-03-29T03:00")
    assert is_open(NIGHT, at("2026-03-29T03:59"))


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    # 25 October 2026: after 02:59 comes 02:00 again.
    assert next_opening(NIGHT, at("2026-10-25T01:00")) == at("2026-10-25T02:30")
    assert not is_open(NIGHT, at("2026-10-25T02:10", fold=1))
    assert next_opening(NIGHT, at("2026-10-25T02:10", fold=1)) == at("2026-10-25T02:30", fold=1)
    early = Calendar("early", "Europe/Amsterdam", tuple((Interval(0, 150),) for _ in range(7)))
    assert next_opening(early, at("2026-10-25T02:40")) == at("2026-10-25T02:00", fold=1)


def test_a_calendar_that_opens_no_more_has_no_opening() -> None:
    assert next_opening(Calendar("never", "UTC", ((),) * 7), at("2026-11-23T09:00")) is None


@settings(max_examples=25, deadline=None)
@given(
    begin=st.sampled_from(["2026-03-28T12:07", "2026-10-24T12:07", "2026-11-20T12:07", "2027-04-03T09:00"]),
    more=st.integers(0, 30 * 60),
    lasts=st.integers(1, 36 * 60),
    seconds=st.integers(0, 59_999),
    week=st.lists(st.tuples(st.integers(0, 95), st.integers(1, 96), st.integers(0, 96)), min_size=7, max_size=7),
    holiday=st.integers(0, 4),
    zone=st.sampled_from(["Europe/Amsterdam", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut", "UTC"]),
)
def test_open_time_is_what_counting_each_minute_says(
    begin: str, more: int, lasts: int, seconds: int, week: list[tuple[int, int, int]], holiday: int, zone: str
) -> None:
    """Days with one or two intervals, one date closed, over nights in which the clock changes."""
    calendar = Calendar("any", zone, tuple(map(_intervals, week)), {_day(begin, holiday): ()})
    now = at(begin) + more * 60_000
    until = now + lasts * 60_000
    minutes = [one for one in range(now, until, 60_000) if is_open(calendar, one)]
    assert open_ms(calendar, now, until) == 60_000 * len(minutes)
    assert next_opening(calendar, now) == minutes[0] if minutes else open_ms(calendar, now, until) == 0
    # Half minutes, from a moment within a minute, in parts, and many at once, are the same.
    middle = min(now + seconds * 37, until)
    assert open_ms(calendar, now, middle) + open_ms(calendar, middle, until) == 60_000 * len(minutes)
    by_now = OpenTime(calendar, until)
    for since in (middle, now, until, until + 1, now - 86_400_000):
        assert by_now.since(since) == open_ms(calendar, since, until)
    spans = list(open_spans(calendar, now, until))
    assert all(is_open(calendar, one) and is_open(calendar, last - 1) for one, last in spans)
    half = 30_000 * len(minutes)
    if half:
        after = after_open_ms(calendar, now, half)
        assert after is not None
        assert open_ms(calendar, now, after) == half
        assert is_open(calendar, after - 1), "the first such moment, not one of the closed hours after it"


def _intervals(one: tuple[int, int, int]) -> tuple[Interval, ...]:
    a, b, c = sorted(one)
    return tuple(Interval(x * 15, y * 15) for x, y in ((0, a // 2), (b, c)) if x < y and a < b)


def _day(begin: str, more: int) -> date:
    return date.fromisoformat(begin[:10]) + timedelta(days=more)


def test_open_time_over_a_night_a_weekend_and_a_holiday() -> None:
    assert open_ms(OFFICE, at("2026-11-20T17:59"), at("2026-11-23T08:01")) == 2 * 60_000, "Friday evening to Monday morning"
    assert open_ms(OFFICE, at("2026-11-23T08:01"), at("2026-11-20T17:59")) == 0
    assert open_ms(None, 5, 12) == 7
    assert after_open_ms(OFFICE, at("2026-11-20T17:59"), 120_000) == at("2026-11-23T08:01")
    assert after_open_ms(None, 5, 7) == 12
    assert after_open_ms(Calendar("never", "UTC", ((),) * 7), 5, 7) is None
    assert open_ms(NIGHT, at("2026-10-24T12:00"), at("2026-10-25T12:00")) == 120 * 60_000, "02:30 to 03:00 comes twice"
    assert open_ms(NIGHT, at("2026-03-28T12:00"), at("2026-03-29T12:00")) == 60 * 60_000, "02:30 to 03:00 does not come"
