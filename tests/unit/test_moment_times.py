"""When a moment is: from the state alone, by the clocks of the place, on the days on which clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import BadInput
from gateway.notifications.catalogue import load
from gateway.notifications.moments import Moment
from tests.support.notifications import catalogue

AMSTERDAM, LONDON, DUBAI = "Europe/Amsterdam", "Europe/London", "Asia/Dubai"
"""The first two change their clocks on 25 October 2026 and on 28 March 2027, the third never does."""


def moment(name: str) -> Moment:
    found = catalogue().moments.get(name)
    assert found is not None
    return found


def due(name: str, state: dict[str, Any]) -> str | None:
    """When a moment of ours is, in UTC to the minute."""
    found = catalogue().moments.at(moment(name), state)
    return None if found is None else f"{datetime.fromtimestamp(found[0] / 1000, UTC):%Y-%m-%d %H:%M}"


def leaves(at: str, zone: str = AMSTERDAM, **more: Any) -> dict[str, Any]:
    return {"departure": {"scheduled": at}, "from": {"code": "XXX", "timezone": zone}, **more}


@pytest.mark.parametrize(
    ("departure", "zone", "expected"),
    [
        ("2026-10-25T14:00:00+01:00", AMSTERDAM, "2026-10-24 07:00"),  # 24 hours and the hour that came twice
        ("2027-03-28T14:00:00+02:00", AMSTERDAM, "2027-03-27 06:00"),
        ("2026-10-25T14:00:00Z", LONDON, "2026-10-24 08:00"),
        ("2027-03-28T14:00:00+01:00", LONDON, "2027-03-27 07:00"),
        ("2026-10-25T14:00:00+04:00", DUBAI, "2026-10-24 04:00"),
    ],
)
def test_check_in_opens_thirty_real_hours_before(departure: str, zone: str, expected: str) -> None:
    assert due("check_in_opens", leaves(departure, zone)) == expected


@pytest.mark.parametrize(
    ("departure", "zone", "expected"),
    [
        # the afternoon of the day on which clocks go back, and forward: eight by the clocks there
        ("2026-10-25T14:00:00+01:00", AMSTERDAM, "2026-10-25 07:00"),
        ("2027-03-28T14:00:00+02:00", AMSTERDAM, "2027-03-28 06:00"),
        ("2026-10-25T14:00:00+00:00", LONDON, "2026-10-25 08:00"),
        ("2027-03-28T14:00:00+01:00", LONDON, "2027-03-28 07:00"),
        ("2027-03-28T14:00:00+04:00", DUBAI, "2027-03-28 04:00"),
        # early on that day: seven the evening before, still by the other time
        ("2026-10-25T08:00:00+01:00", AMSTERDAM, "2026-10-24 17:00"),
        ("2027-03-28T08:00:00+02:00", AMSTERDAM, "2027-03-27 18:00"),
        ("2026-10-25T08:00:00+00:00", LONDON, "2026-10-24 18:00"),
        ("2027-03-28T08:00:00+01:00", LONDON, "2027-03-27 19:00"),
        ("2026-10-25T08:00:00+04:00", DUBAI, "2026-10-24 15:00"),
        # just after midnight it is the evening before that counts, whatever day it is in UTC
        ("2026-11-23T00:30:00+01:00", AMSTERDAM, "2026-11-22 18:00"),
        ("2026-11-22T23:30:00Z", AMSTERDAM, "2026-11-22 18:00"),
    ],
)
def test_the_day_of_travel_begins_by_the_clocks_of_the_place(departure: str, zone: str, expected: str) -> None:
    assert due("travel_day", leaves(departure, zone)) == expected


def test_five_hours_before_it_leaves_are_enough_for_the_morning_itself() -> None:
    assert due("travel_day", leaves("2026-11-22T13:00:00+01:00")) == "2026-11-22 07:00"
    assert due("travel_day", leaves("2026-11-22T12:59:00+01:00")) == "2026-11-21 18:00"


def test_a_place_that_no_event_gave_a_zone_has_ours_and_an_unknown_one_the_offset_of_its_time() -> None:
    known = {"departure": {"scheduled": "2026-07-01T12:00:00Z"}, "from": {"code": "AMS"}}
    assert due("travel_day", known) == "2026-07-01 06:00"
    unknown = {"departure": {"scheduled": "2026-07-01T14:00:00+05:30"}, "from": {"code": "QQQ"}}
    assert due("travel_day", unknown) == "2026-07-01 02:30"


def test_what_the_source_says_of_check_in_and_boarding_goes_before_what_we_work_out() -> None:
    state = leaves(
        "2026-11-22T14:00:00+01:00", check_in={"scheduled": "2026-11-20T09:00:00+01:00"},
        boarding={"scheduled": "2026-11-22T13:15:00+01:00"},
    )  # fmt: skip
    assert due("check_in_opens", state) == "2026-11-20 08:00"
    assert due("boarding_begins", state) == "2026-11-22 12:15"
    state["boarding"]["estimated"] = "2026-11-22T13:25:00+01:00"
    assert due("boarding_begins", state) == "2026-11-22 12:25"


def test_a_new_time_of_departure_counts_before_the_planned_one() -> None:
    state = leaves("2026-11-22T14:00:00+01:00")
    state["departure"]["estimated"] = "2026-11-22T15:30:00+01:00"
    assert due("boarding_begins", state) == "2026-11-22 13:50"
    assert due("train_leaves_soon", state) == "2026-11-22 13:30"


@pytest.mark.parametrize("status", ["cancelled", "departed", "en_route", "arrived", "diverted"])
def test_what_does_not_leave_or_has_left_has_no_moments(status: str) -> None:
    for name in catalogue().moments.names:
        assert due(name, leaves("2026-11-22T14:00:00+01:00", status=status)) is None


def test_without_a_time_there_is_no_moment() -> None:
    for name in catalogue().moments.names:
        assert due(name, {"status": "scheduled", "departure": {}}) is None


GOOD = "good_one: {about: x, event: flight.status, at: [{first_of: state.departure.scheduled}]}\n"


@pytest.mark.parametrize(
    ("text", "field", "wrong"),
    [
        ("boarding: {about: x, event: flight.status, at: [{first_of: state.a}]}", "boarding", "change's own word"),
        ("m: {about: x, event: flight.boardingpass, at: [{first_of: state.a}]}", "m", "a document has no state"),
        ("m: {about: x, event: flight.status, at: []}", "m: at", "at least 1"),
        ("m: {about: x, event: flight.status, at: [{first_of: data.a}]}", "m.at.0.first_of", "from `state` alone"),
        ("m: {about: x, event: flight.status, when: 'state.(', at: [{first_of: state.a}]}", "m.when", ""),
        ("m: {about: x, event: flight.status, at: [{first_of: state.a, day: -1}]}", "m: at.0", "need `clock`"),
        ("m: {about: x, event: flight.status, at: [{first_of: state.a, clock: '25:00'}]}", "m: at.0.clock", ""),
        ("m: {about: x, event: trip.status, at: [{first_of: state.a, clock: '07:00', offset_minutes: 5}]}", "m: at.0", "beside"),
        ("m: {about: x, event: flight.status, soon: 1, at: [{first_of: state.a}]}", "m: soon", "Extra"),
        ("M: {about: x, event: flight.status, at: [{first_of: state.a}]}", "M", "small letters"),
    ],
)
def test_a_moment_that_is_written_wrong_is_refused_by_name(tmp_path: Path, text: str, field: str, wrong: str) -> None:
    (tmp_path / "moments.yaml").write_text(GOOD + text + "\n")
    (tmp_path / "wordings").mkdir()
    with pytest.raises(BadInput) as refused:
        load(tmp_path)
    (found,) = (one for one in refused.value.problems if one.field.startswith("moments.yaml"))
    assert found.field == f"moments.yaml: {field}"
    assert wrong in found.message
