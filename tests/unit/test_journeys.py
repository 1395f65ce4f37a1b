"""Which legs of an order go on from an earlier one."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.journeys import onward


def leg(begin: str, end: str, leaves: str, arrives: str) -> dict[str, Any]:
    times = {"departure": {"scheduled": leaves}, "arrival": {"scheduled": arrives}}
    return {"from": {"code": begin}, "to": {"code": end}, "times": times}


TO_LONDON = leg("AMS", "LHR", "2026-11-22T10:55:00+01:00", "2026-11-22T11:20:00Z")
TO_DUBLIN = leg("LHR", "DUB", "2026-11-22T13:40:00Z", "2026-11-22T15:05:00Z")
HOME = leg("DUB", "AMS", "2026-11-25T17:30:00Z", "2026-11-25T20:05:00+01:00")


@pytest.mark.parametrize(
    ("itinerary", "expected"),
    [
        ([TO_LONDON], []),
        ([TO_LONDON, TO_DUBLIN, HOME], [1]),
        ([TO_LONDON, leg("LHR", "AMS", "2026-11-22T18:00:00Z", "2026-11-22T20:20:00+01:00")], []),  # home the same evening
        ([TO_LONDON, leg("LHR", "DUB", "2026-11-23T09:00:00Z", "2026-11-23T10:20:00Z")], []),  # a night in London
        ([TO_LONDON, leg("LGW", "DUB", "2026-11-22T15:00:00Z", "2026-11-22T16:20:00Z")], []),
        ([TO_LONDON, leg("LHR", "DUB", "2026-11-22T10:00:00Z", "2026-11-22T16:20:00Z")], []),  # before it is there
        ([TO_LONDON, TO_DUBLIN, leg("DUB", "ORK", "2026-11-22T18:00:00Z", "2026-11-22T19:00:00Z")], [1, 2]),
        ([{"from": {"code": "AMS"}}, {"from": {"code": "LHR"}, "to": None}], []),
    ],
)
def test_a_leg_goes_on_where_the_one_before_ended_soon_after_and_not_back(
    itinerary: list[dict[str, Any]], expected: list[int]
) -> None:
    assert onward(itinerary) == expected
