"""What who boards a train elsewhere reads of it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.stretches import boards_earlier, seen_from, stretch_of


def at(clock: str) -> str:
    return f"2026-11-22T{clock}:00+01:00"


def end(code: str, name: str = "") -> dict[str, Any]:
    return {"code": code, "name": name or code}


TRAIN = {
    "status": "delayed", "number": "3542", "from": end("AMS"), "to": end("MT"), "platform": {"actual": "5b"},
    "departure": {"scheduled": at("10:30"), "estimated": at("10:40")}, "arrival": {"scheduled": at("13:00")},
}  # fmt: skip
MINE = {
    "from": end("UT", "Utrecht"), "to": end("EHV"),
    "departure": {"scheduled": at("10:57")}, "arrival": {"scheduled": at("11:50")},
}  # fmt: skip


def test_they_read_their_stations_and_times_as_late_as_the_train_and_no_platform_of_another_station() -> None:
    assert seen_from(TRAIN, MINE) == {
        "status": "delayed", "number": "3542", "from": MINE["from"], "to": MINE["to"],
        "departure": {"scheduled": at("10:57"), "estimated": at("11:07")}, "arrival": {"scheduled": at("11:50")},
    }  # fmt: skip


@pytest.mark.parametrize("stretch", [
    None,
    {},
    {"from": end("AMS"), "departure": {"scheduled": at("10:30")}},
    {"from": end("AMS"), "departure": {"scheduled": at("09:00")}, "to": end("MT")},  # the timetable moved since they booked
    {"from": end("8400058"), "departure": {"scheduled": "2026-11-22T09:30:00Z"}},  # the same place by another name
])  # fmt: skip
def test_who_boards_where_the_train_speaks_of_reads_what_it_says(stretch: dict[str, Any] | None) -> None:
    assert seen_from(TRAIN, stretch) is None


def test_only_the_end_that_differs_is_theirs() -> None:
    same_start = {**MINE, "from": TRAIN["from"], "departure": {"scheduled": at("10:30")}}
    seen = seen_from(TRAIN, same_start)
    assert seen is not None
    assert (seen["from"], seen["departure"], seen["platform"]) == (TRAIN["from"], TRAIN["departure"], TRAIN["platform"])
    assert (seen["to"], seen["arrival"]) == (MINE["to"], MINE["arrival"])
    unknown = seen_from(TRAIN, {name: value for name, value in same_start.items() if name != "arrival"})
    assert unknown is not None
    assert (unknown["to"], unknown["arrival"]) == (MINE["to"], {}), "the train's own arrival is another station's"


def test_what_an_order_says_of_a_train_is_who_boards_it_first() -> None:
    assert not boards_earlier(MINE, TRAIN)
    assert boards_earlier(TRAIN, MINE)
    assert boards_earlier({**MINE, "departure": {"scheduled": at("12:00")}}, MINE), "the same station: its timetable moved"
    assert boards_earlier(MINE, {})
    assert stretch_of({"from": end("UT"), "number": "1"}) == {}
    assert stretch_of({**MINE, "number": "1"}) == MINE
