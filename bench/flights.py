"""Flights of the benchmark: their names, their times, and what is told about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

DAYS_AHEAD = 5
HOUR = 10


def flight(group: int, number: int) -> str:
    """A subject: the flights of a group of people, each of its own number."""
    day = (datetime.now(UTC) + timedelta(days=DAYS_AHEAD)).date().isoformat()
    return f"ZZ{1000 + group * 10 + number}/{day}/AMS"


def by_day(now_ms: int) -> str:
    """A zone in which it is early afternoon by then, so that nobody's night is in the way. (Etc/GMT-3 is three hours ahead.)"""
    ahead = (13 - datetime.fromtimestamp(now_ms / 1000, UTC).hour + 12) % 24 - 12
    return "Etc/GMT" if ahead == 0 else f"Etc/GMT{'-' if ahead > 0 else '+'}{abs(ahead)}"


def delayed(group: int, number: int, minutes: int, *, hour: int = HOUR) -> dict[str, Any]:
    """The data of an event: this flight, planned at `hour` in Amsterdam, is late."""
    subject = flight(group, number)
    day = subject.split("/")[1]
    departs = datetime.fromisoformat(f"{day}T{hour:02d}:00:00+01:00")
    lands = departs + timedelta(minutes=85)

    def times(at: datetime) -> dict[str, str]:
        return {"scheduled": at.isoformat(), "estimated": (at + timedelta(minutes=minutes)).isoformat()}

    return {
        "leg": {
            "carrier": "ZZ",
            "flightNumber": subject.split("/")[0][2:],
            "originDate": day,
            "from": "AMS",
            "to": "LHR",
        },
        "status": "delayed",
        "reason": {"code": "93"},
        "times": {"departure": times(departs), "arrival": times(lands)},
    }
