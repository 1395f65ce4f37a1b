"""Which other flight a booking has: entries laid over one another, and what an offer is called."""

from __future__ import annotations

from typing import Any

from gateway.intake.rebookings import with_rebookings, without_refs
from gateway.model.event import EventType
from gateway.rules.changes import Memory, step
from gateway.rules.rebooking import laid_over, offered, shown
from gateway.rules.states import normalise

FLIGHT = EventType.FLIGHT_STATUS
ENTITY = "ZZ0522/2026-11-22/LHR"
LEG = {"carrier": "ZZ", "flightNumber": "0522", "originDate": "2026-11-22", "from": "LHR", "to": "DUB"}
LATER = {"carrier": "ZZ", "flightNumber": "0526", "originDate": "2026-11-22", "departure": "2026-11-22T18:10:00+00:00"}
TOMORROW = {"carrier": "ZZ", "flightNumber": "0522", "originDate": "2026-11-23", "departure": "2026-11-23T10:00:00+00:00"}


def name(family: str, entity: str) -> str:
    return f"{family}:{entity}"


def after(memory: Memory, status: str = "cancelled", **more: Any) -> tuple[Memory, tuple[str, ...]]:
    data = with_rebookings(FLIGHT, ENTITY, {"leg": LEG, "status": status, **more}, name)
    return step(FLIGHT, memory, data)


def number(memory: Memory, order: str) -> str:
    return str(shown(memory, memory["told"]["offers"], f"order:{order}").get("number", ""))


def offer(memory: Memory, order: str) -> str:
    return str(shown(memory, memory["told"]["offers"], f"order:{order}")["id"])


def test_an_offer_without_refs_is_everybody_s_and_takes_the_place_of_all_before() -> None:
    memory, changes = after({}, rebooking=[{**LATER, "refs": ["ZX1"]}, TOMORROW])
    assert changes == ("first", "cancelled")
    assert (number(memory, "ZX1"), number(memory, "ZX2")) == ("0526", "0522")
    memory, changes = after(memory, rebooking=LATER)
    assert changes == ("rebooked",)
    assert (number(memory, "ZX1"), number(memory, "ZX2")) == ("0526", "0526")


def test_offers_for_some_bookings_leave_those_of_others_alone() -> None:
    memory, _ = after({}, rebooking=LATER, audience={"kind": "bookings", "refs": ["ZX1", "ZX2"]})
    assert [number(memory, order) for order in ("ZX1", "ZX2", "ZX3")] == ["0526", "0526", ""]
    memory, changes = after(memory, rebooking={**TOMORROW, "refs": ["ZX2"]})
    assert changes == ("rebooked",)
    assert [number(memory, order) for order in ("ZX1", "ZX2", "ZX3")] == ["0526", "0522", ""]
    memory, changes = after(memory, rebooking={**TOMORROW, "refs": ["ZX2"]})
    assert changes == ()
    memory, changes = after(memory, rebooking=[])
    assert changes == ()
    assert [number(memory, order) for order in ("ZX1", "ZX2", "ZX3")] == ["", "", ""]


def test_an_event_that_says_nothing_of_it_leaves_the_offer_as_it_is_and_a_reinstatement_ends_it() -> None:
    memory, _ = after({}, rebooking=LATER)
    memory, changes = after(memory, reason={"code": "71"})
    assert changes == ()
    assert number(memory, "ZX1") == "0526"
    memory, changes = after(memory, "scheduled")
    assert "reinstated" in changes
    assert offered(memory, "order:ZX1") is None


def test_the_same_flight_offered_in_another_cancellation_is_another_offer() -> None:
    first, _ = after({}, rebooking=LATER)
    runs, _ = after(first, "scheduled")
    second, changes = after(runs, rebooking=LATER)
    assert "cancelled" in changes
    assert number(first, "ZX1") == number(second, "ZX1") == "0526"
    assert offer(first, "ZX1") != offer(second, "ZX1")


def test_the_same_flight_offered_again_after_another_one_is_another_offer() -> None:
    memory, _ = after({}, rebooking=LATER)
    first = offer(memory, "ZX1")
    memory, _ = after(memory, rebooking=TOMORROW)
    memory, changes = after(memory, rebooking=LATER)
    assert changes == ("rebooked",)
    assert offer(memory, "ZX1") != first


def test_an_offer_keeps_its_id_whether_it_was_made_to_a_booking_or_to_everybody() -> None:
    memory, _ = after({}, rebooking={**LATER, "refs": ["ZX1"]})
    first = offer(memory, "ZX1")
    memory, changes = after(memory, rebooking=LATER)
    assert changes == ("rebooked",), "everybody else is offered it now"
    assert offer(memory, "ZX1") == first != offer(memory, "ZX2")
    others = offer(memory, "ZX2")
    memory, changes = after(memory, rebooking={**LATER, "refs": ["ZX2"]})
    assert changes == ()
    assert (offer(memory, "ZX1"), offer(memory, "ZX2"), offer(memory, "ZX3")) == (first, others, others)


def test_the_other_flight_is_named_by_its_parts_or_as_the_source_names_it() -> None:
    memory, _ = after({}, rebooking=[LATER, {**LATER, "refs": ["ZX1"], "entity": "0526-LHR"}])
    assert memory["rebookings"][0]["subject"] == "flight:ZZ0526/2026-11-22/LHR"
    assert memory["rebookings"][1]["subject"] == "flight:0526-LHR"
    memory, _ = after({}, rebooking={"carrier": "ZZ", "flightNumber": "0526"})
    assert "subject" not in memory["rebookings"][0]


def test_no_booking_code_is_left_in_what_is_kept() -> None:
    data = {"leg": LEG, "status": "cancelled", "rebooking": [{**LATER, "refs": ["ZX1"]}]}
    assert "ZX1" not in str(without_refs(data))
    made, _ = after({}, rebooking={**LATER, "refs": ["ZX1"]})
    assert "'ZX1'" not in str(made)


def test_a_trip_s_alternative_is_an_offer_only_where_the_source_says_so() -> None:
    trip = {"operator": "EXR", "tripNumber": "3544", "operatingDay": "2026-11-22", "from": {"code": "UT"}, "to": {"code": "EHV"}}
    other = {"tripNumber": "3546", "departure": "2026-11-22T10:03:00+01:00"}
    data = {"trip": trip, "status": "cancelled", "alternative": other}
    assert "rebookings" not in with_rebookings(EventType.TRIP_STATUS, "EXR/3544/2026-11-22", data, name)
    offer = {**data, "alternative": {**other, "offer": "proposed"}}
    found = with_rebookings(EventType.TRIP_STATUS, "EXR/3544/2026-11-22", offer, name)["rebookings"]
    assert [(one["subject"], one["offer"]) for one in found] == [("trip:EXR/3546/2026-11-22", "proposed")]


def test_nothing_said_is_nothing_offered() -> None:
    assert laid_over([], []) == []
    assert shown({"status": "cancelled"}, {}, "order:ZX1") == {"offer": "", "id": ""}


def test_what_is_for_some_bookings_is_not_everybody_s_advice() -> None:
    advice = {"tripNumber": "3546", "departure": "2026-11-22T20:00:00+01:00"}
    trip = {"trip": {"operator": "EXR"}, "status": "cancelled"}
    assert "alternative" not in normalise(EventType.TRIP_STATUS, {**trip, "alternative": {**advice, "refs": ["ZX1"]}})
    assert normalise(EventType.TRIP_STATUS, {**trip, "alternative": advice})["alternative"]["departure"] == advice["departure"]
