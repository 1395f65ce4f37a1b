"""Whether a connection still fits: what moved counts, what was sold is enough, and nothing is said too late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.rules.connections import ROUNDS, Risk, booked_ms, expected, judge, next_said

START = datetime.fromisoformat("2026-11-22T12:00:00+01:00")
MINIMUM_MS = 45 * 60_000


def times(planned_min: int, estimated_min: int | None = None) -> dict[str, str]:
    found = {"scheduled": (START + timedelta(minutes=planned_min)).isoformat()}
    return found | ({} if estimated_min is None else {"estimated": (START + timedelta(minutes=estimated_min)).isoformat()})


def first(arrives_min: int | None = None, leaves_min: int | None = None, **more: Any) -> dict[str, Any]:
    return {"departure": times(-60, leaves_min), "arrival": times(0, arrives_min), **more}


def second(planned_min: int = 60, leaves_min: int | None = None, **more: Any) -> dict[str, Any]:
    return {"departure": times(planned_min, leaves_min), **more}


CASES: list[tuple[str, dict[str, Any], dict[str, Any], Risk | None]] = [
    ("as planned", first(), second(), Risk.FITS),
    ("a quarter late leaves 45 minutes", first(15), second(), Risk.FITS),
    ("one minute more does not", first(16), second(), Risk.TIGHT),
    ("the next one is late as well", first(40), second(60, 90), Risk.FITS),
    ("the next one leaves earlier", first(), second(60, 40), Risk.TIGHT),
    ("sold with half an hour, and on time", first(), second(30), Risk.FITS),
    ("sold with half an hour, and late", first(1), second(30), Risk.TIGHT),
    ("only the departure is known to be late", first(leaves_min=-30), second(), Risk.TIGHT),
    ("arrived in time", first(10, status="arrived"), second(), Risk.FITS),
    ("arrived late: they see for themselves", first(30, status="arrived"), second(), None),
    ("cancelled says its own", first(30, status="cancelled"), second(), None),
    ("the next one is gone", first(30), second(status="departed"), None),
    ("the next one is cancelled", first(30), second(status="cancelled"), None),
    ("nobody knows when it arrives", {"departure": times(-60)}, second(), None),
    ("nobody knows when the next one leaves", first(30), {}, None),
    ("legs in the wrong order", first(), second(-200), None),
]


@pytest.mark.parametrize(("before", "after", "risk"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_a_connection(before: dict[str, Any], after: dict[str, Any], risk: Risk | None) -> None:
    assert judge(before, after, MINIMUM_MS, booked_ms(before, after)) is risk


def test_a_timetable_that_moved_since_it_was_booked_makes_it_tight() -> None:
    hour_ms = 3600_000
    assert judge(first(), second(30), MINIMUM_MS, hour_ms) is Risk.TIGHT
    assert judge(first(), second(-10), MINIMUM_MS, hour_ms) is Risk.TIGHT, "it leaves before they arrive"
    assert judge(first(), second(50), MINIMUM_MS, hour_ms) is Risk.FITS


def test_an_arrival_that_nobody_forecast_is_as_late_as_the_departure_and_keeps_its_clock() -> None:
    assert expected(first(leaves_min=-30), "arrival") == "2026-11-22T12:30:00+01:00"
    assert expected(first(7, leaves_min=-30), "arrival") == "2026-11-22T12:07:00+01:00"
    assert expected(first(leaves_min=-70), "arrival") == "2026-11-22T12:00:00+01:00", "early is no promise"


def test_tight_and_fits_take_turns_and_come_to_an_end() -> None:
    told: list[bool | None] = [False] * (2 * ROUNDS)
    said = []
    assert next_said(told, Risk.FITS) is None, "nobody is told that all is well who was told nothing else"
    for place in range(2 * ROUNDS + 2):
        risk = Risk.TIGHT if place % 2 == 0 else Risk.FITS
        for _ in range(2):
            now = next_said(told, risk)
            if now is not None and not told[now]:
                told[now] = True
                said.append(now)
    assert said == list(range(2 * ROUNDS))
    assert next_said([None, False, False, False], Risk.TIGHT) == 2, "what was taken out before it was said is said by the next"
    assert next_said([None, False, False, False], Risk.FITS) is None
    assert next_said([None, False, True, False], Risk.FITS) == 3
