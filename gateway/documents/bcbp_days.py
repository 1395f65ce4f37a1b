"""Which day the digits of a boarding pass mean: a code tells the day of the year, and never more of the year than its last digit.

- A day of issue is the one nearest to today among the years that end in its digit.
- A flight leaves on the first such day from a week before its day of issue (who checks in may be a day ahead of the place of
  issue). Without a day of issue, it is the one nearest to today.
- Day 366 is only in a leap year. Digits that are no day of any year in question mean no day.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable
from datetime import date, timedelta

_EARLIER = timedelta(days=7)


def day_text(day: date) -> str:
    """As a leg says it: 001 to 366."""
    return f"{day.timetuple().tm_yday:03d}"


def issue_text(day: date) -> str:
    """As item 22 says it: last digit of the year, then the day of the year."""
    return f"{day.year % 10}{day_text(day)}"


def issue_date(text: str, today: date) -> date | None:
    if len(text) != 4 or not (text.isascii() and text.isdigit()):
        return None
    years = [year for year in range(today.year - 10, today.year + 11) if year % 10 == int(text[0])]
    return _nearest(years, text[1:], today)


def flight_date(text: str, issued: date | None, today: date) -> date | None:
    if len(text) != 3 or not (text.isascii() and text.isdigit()):
        return None
    if issued is None:
        return _nearest(range(today.year - 8, today.year + 9), text, today)  # 8: from one leap year to the next round 2100
    found = _days(range(issued.year - 1, issued.year + 2), text)
    return next((day for day in found if day >= issued - _EARLIER), None)


def _nearest(years: Iterable[int], text: str, today: date) -> date | None:
    return min(_days(years, text), key=lambda day: abs(day - today), default=None)


def _days(years: Iterable[int], text: str) -> list[date]:
    day = int(text)
    return [
        date(year, 1, 1) + timedelta(days=day - 1)
        for year in years
        if 1 <= year <= 9998 and 1 <= day <= (366 if isleap(year) else 365)
    ]
