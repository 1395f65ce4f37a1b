"""What is taken along says what holds in that moment, on the clock of its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.documents.wallet_now import AFTER_ARRIVAL_MS, paper_now
from tests.support.papers import AS_OF_MS, ENDS_MS, FLIGHT, ONWARD, PASS, PLACES, RAIL, SHOW, TWO_FLIGHTS

NOW_MS = AS_OF_MS + 600_000
LATE: dict[str, Any] = {
    "status": "delayed", "gate": "D4", "terminal": "2",
    "departure": {"scheduled": "2026-11-22T09:55:00Z", "estimated": "2026-11-22T11:40:00Z"},
}  # fmt: skip


def now(paper: Any, *states: dict[str, Any]) -> Any:
    return paper_now(paper, states, places=PLACES, now_ms=NOW_MS)


def test_a_new_gate_and_time_take_the_place_of_those_printed() -> None:
    found = now(PASS, LATE)
    (leg,) = found.legs
    assert (leg.gate, leg.terminal, leg.departs) == ("D4", "2", "2026-11-22T12:40:00+01:00")
    assert (leg.boards, leg.arrives, found.as_of_ms) == ("", "", NOW_MS)
    assert (leg.seat, found.symbols, found.ends_ms) == (FLIGHT.seat, PASS.symbols, ENDS_MS)


def test_an_arrival_that_is_known_is_told_and_moves_the_end() -> None:
    found = now(PASS, LATE | {"arrival": {"estimated": "2026-11-22T13:05:00+01:00"}})
    assert found.legs[0].arrives == "2026-11-22T12:05:00+00:00"
    assert found.ends_ms == 1_795_349_100_000 + AFTER_ARRIVAL_MS > ENDS_MS
    assert now(replace(PASS, ends_ms=0), LATE).ends_ms == 0


def test_what_nobody_has_said_stays_as_it_was_printed() -> None:
    assert now(PASS) == now(PASS, {}) == PASS
    (leg,) = now(PASS, {"status": "check_in", "departure": {"scheduled": "2026-11-22T09:55:00Z"}}).legs
    assert leg == FLIGHT
    assert now(SHOW) == SHOW


def test_a_place_that_is_not_known_keeps_the_clock_of_what_was_printed() -> None:
    unknown = replace(PASS, legs=(replace(FLIGHT, origin="XXX"),))
    assert now(unknown, LATE).legs[0].departs == "2026-11-22T12:40:00+01:00"


def test_each_leg_has_its_own_news_and_a_train_its_platform() -> None:
    first, second = now(TWO_FLIGHTS, {}, {"status": "scheduled", "gate": "B9"}).legs
    assert (first, second) == (FLIGHT, replace(ONWARD, gate="B9"))
    (train,) = now(RAIL, {"status": "scheduled", "platform": {"planned": "5", "actual": "11b"}}).legs
    assert train.gate == "11b"


def test_who_boards_a_train_on_its_way_has_its_delay_on_their_own_time_and_no_other_stations_platform() -> None:
    train = {
        "status": "delayed", "from": {"code": "xmp:ASD"}, "platform": {"planned": "1", "actual": "2"},
        "departure": {"scheduled": "2026-11-22T09:02:00+01:00", "estimated": "2026-11-22T09:12:00+01:00"},
    }  # fmt: skip
    (leg,) = now(RAIL, train).legs
    assert (leg.departs, leg.gate) == ("2026-11-22T09:40:00+01:00", RAIL.legs[0].gate)


def test_a_gate_of_a_flight_that_has_left_is_not_taken_for_news() -> None:
    assert now(PASS, {"status": "departed", "gate": "X1"}).legs[0].gate == FLIGHT.gate


@pytest.mark.parametrize("states", [({"status": "cancelled"},), ({}, {"status": "cancelled"})])
def test_of_what_is_cancelled_nothing_is_taken_along(states: tuple[dict[str, Any], ...]) -> None:
    assert now(TWO_FLIGHTS, *states) is None
