"""When a queue is open, summer time both ways, and dates with hours of their own."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.webcare import Calendar, Interval
from gateway.rules.calendars import is_open, next_opening

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
    begin=st.sampled_from(["2026-03-28T12:07", "2026-10-24T12:07", "2026-11-20T12:07"]),
    more=st.integers(0, 40 * 60),
    week=st.lists(st.tuples(st.integers(0, 95), st.integers(1, 96)), min_size=7, max_size=7),
    zone=st.sampled_from(["Europe/Amsterdam", "Australia/Lord_Howe", "UTC"]),
)
def test_no_open_minute_lies_before_the_next_opening(
    begin: str, more: int, week: list[tuple[int, int]], zone: str
) -> None:
    days = tuple((Interval(a * 15, b * 15),) if a < b else () for a, b in week)
    calendar = Calendar("any", zone, days)
    now = at(begin) + more * 60_000
    found = next_opening(calendar, now)
    first = next((one for one in range(now, now + 3 * 86_400_000, 60_000) if is_open(calendar, one)), None)
    if first is not None:
        assert found == first
    else:
        assert found is None or found > now + 2 * 86_400_000
