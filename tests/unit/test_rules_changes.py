"""The memory of a subject: samples, what is still known after an event, facts, documents."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from gateway.model.event import EventType
from gateway.rules.changes import compare, facts, item_of, merge, normalise, state_of, step
from tests.unit.changes_support import FLIGHT, ORDER, OUTAGE, SAMPLES, bare, clock, flight, remember


@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_tells_what_it_is(name: str) -> None:
    sample = SAMPLES[name]
    type_ = EventType(sample["type"])
    before = deepcopy(sample["data"])
    memory, changes = step(type_, None, sample["data"])
    assert list(changes) == sample["changes"]
    assert step(type_, memory, sample["data"]) == (memory, ())
    assert sample["data"] == before, "the event was changed"


@pytest.mark.parametrize("name", SAMPLES)
def test_no_person_is_in_a_memory(name: str) -> None:
    memory, _ = step(EventType(SAMPLES[name]["type"]), None, SAMPLES[name]["data"])
    kept = json.dumps(memory)
    for personal in ("+4477", "Jansen", "Eva", "C-20817", "0002412345678", "psid:", "3511AK", "recipients"):
        assert personal not in kept


def test_the_story_of_the_samples_is_told_once_each() -> None:
    memory, changes = step(FLIGHT, None, SAMPLES["flight-delayed"]["data"])
    assert "delay" in changes
    memory, changes = step(FLIGHT, memory, SAMPLES["flight-gate-changed"]["data"])
    assert changes == ("gate",)
    assert facts(FLIGHT, memory)["delay_minutes"] == 45
    assert memory["reason"]["code"] == "93"
    memory, changes = step(OUTAGE, None, SAMPLES["outage-started"]["data"])
    assert "outage_started" in changes
    memory, changes = step(OUTAGE, memory, SAMPLES["outage-resolved"]["data"])
    assert changes == ("status_changed", "outage_fixed")
    assert facts(OUTAGE, memory) == {"minutes_down": 145, "updates_told": 0}


def test_a_flight_s_state_has_the_field_names_that_texts_use() -> None:
    state = state_of(remember(FLIGHT, SAMPLES["flight-delayed"]["data"]))
    assert state["from"] == {"code": "AMS"}
    assert state["departure"] == {
        "scheduled": "2026-11-22T10:55:00+01:00",
        "estimated": "2026-11-22T11:40:00+01:00",
    }
    assert (state["carrier"], state["number"], state["gate"], state["terminal"]) == ("ZZ", "1007", "D18", "2")
    assert "told" not in state
    cancelled = normalise(FLIGHT, SAMPLES["flight-cancelled"]["data"])
    assert cancelled["rebooking"]["number"] == "0526"
    assert cancelled["rebooking"]["from"] == {"code": "LHR"}


def test_an_order_s_legs_and_parcel_have_the_field_names_that_texts_use() -> None:
    booking = normalise(ORDER, SAMPLES["order-confirmed-flight"]["data"])
    assert booking["itinerary"][0]["departure"] == "2026-11-22T10:55:00+01:00"
    assert booking["itinerary"][0]["to"]["name"] == "London Heathrow"
    parcel = normalise(ORDER, SAMPLES["order-shipped"]["data"])
    assert parcel["shipment"]["tracking_number"] == "3SXMPL0012345"
    assert parcel["shipment"]["expected_from"] == "2026-11-23T09:00:00+01:00"


# What is still known


def test_a_cancellation_without_times_keeps_the_times_known() -> None:
    memory = remember(FLIGHT, flight("delayed", 45, gate="D18"), bare("cancelled"))
    assert memory["departure"] == {"scheduled": clock(0), "estimated": clock(45)}
    assert facts(FLIGHT, memory)["departure_at"] == clock(45)


def test_the_reason_of_a_delay_is_not_the_reason_of_a_cancellation() -> None:
    late = flight("delayed", 45, reason={"code": "93", "text": {"en": "Late arrival"}})
    assert "reason" in remember(FLIGHT, late, flight("delayed", 50))
    assert "reason" not in remember(FLIGHT, late, bare("cancelled"))
    assert "reason" not in remember(FLIGHT, late, flight("scheduled", 0))


def test_a_forecast_for_the_old_timetable_does_not_survive_a_new_one() -> None:
    memory = remember(FLIGHT, flight("scheduled", 20), flight("scheduled", scheduled=120))
    assert memory["departure"] == {"scheduled": clock(120)}
    assert facts(FLIGHT, memory)["delay_minutes"] == 0


def test_the_same_instant_in_another_offset_is_no_new_timetable() -> None:
    utc = flight("delayed", scheduled=None)
    utc["times"] = {"departure": {"scheduled": "2026-11-22T09:55:00Z"}}
    memory = remember(FLIGHT, flight("delayed", 20), utc)
    assert memory["departure"]["estimated"] == clock(20)


def test_leaving_later_makes_the_old_arrival_doubtful() -> None:
    early = flight("delayed", 20, arrival_scheduled=clock(90), arrival_estimated=clock(110))
    assert remember(FLIGHT, early, flight("delayed", 20))["arrival"]["estimated"] == clock(110)
    assert remember(FLIGHT, early, flight("delayed", 60))["arrival"] == {"scheduled": clock(90)}


def test_running_again_takes_gate_and_forecast_back() -> None:
    memory = remember(FLIGHT, flight("delayed", 45, gate="D18", terminal="2"), bare("cancelled"), bare("reinstated"))
    assert "gate" not in memory
    assert memory["terminal"] == "2"
    assert memory["departure"] == {"scheduled": clock(0)}


def test_merging_twice_is_merging_once_and_changes_neither() -> None:
    base = normalise(FLIGHT, flight("delayed", 45, gate="D18", reason={"code": "93"}))
    new = normalise(FLIGHT, flight("cancelled"))
    kept = deepcopy((base, new))
    once = merge(base, new)
    assert merge(once, new) == once
    assert (base, new) == kept


def test_compare_says_of_a_merged_state_what_step_says_of_the_event() -> None:
    memory = remember(FLIGHT, flight("scheduled", 0, gate="D18"))
    data = flight("delayed", 30, gate="C07")
    state = merge(state_of(memory), normalise(FLIGHT, data))
    assert compare(FLIGHT, memory, state) == step(FLIGHT, memory, data)[1] == ("status_changed", "gate", "delay")


# Facts


def test_facts_of_a_flight() -> None:
    known = facts(FLIGHT, remember(FLIGHT, flight("delayed", 45, arrival_scheduled=clock(90))))
    assert known == {
        "delay_minutes": 45,
        "arrival_delay_minutes": 0,
        "worst_delay_minutes": 45,
        "has_estimate": True,
        "departure_at": clock(45),
        "arrival_at": clock(90),
        "platform": "",
        "platform_changed": False,
        "offers": {},
    }
    assert facts(FLIGHT, {})["departure_at"] == ""


def test_the_longest_delay_told_is_known_until_it_is_late_anew() -> None:
    story = [flight("delayed", 45), flight("delayed", 10)]
    assert facts(FLIGHT, remember(FLIGHT, *story))["worst_delay_minutes"] == 45
    story.append(flight("scheduled", 0))
    assert facts(FLIGHT, remember(FLIGHT, *story))["worst_delay_minutes"] == 45
    story.append(flight("delayed", 12))
    assert facts(FLIGHT, remember(FLIGHT, *story))["worst_delay_minutes"] == 12


def test_facts_count_minutes_towards_zero() -> None:
    data = flight("scheduled")
    data["times"]["departure"]["estimated"] = "2026-11-22T10:59:59+01:00"
    assert facts(FLIGHT, remember(FLIGHT, data))["delay_minutes"] == 4
    data["times"]["departure"]["estimated"] = "2026-11-22T10:50:01+01:00"
    assert facts(FLIGHT, remember(FLIGHT, data))["delay_minutes"] == -4


# Documents


def test_a_document_is_ready_once_and_again_when_it_is_issued_anew() -> None:
    data = SAMPLES["flight-boarding-pass"]["data"]
    anew = {**data, "gate": "C07"}
    memory, changes = step(EventType.FLIGHT_BOARDINGPASS, None, data)
    assert changes == ("first", "document_ready")
    memory, changes = step(EventType.FLIGHT_BOARDINGPASS, memory, anew)
    assert changes == ("document_reissued", "document_ready")
    assert step(EventType.FLIGHT_BOARDINGPASS, memory, {**anew, "version": 9})[1] == ()


def test_two_passengers_have_two_documents_and_the_flight_keeps_its_state() -> None:
    data = SAMPLES["flight-boarding-pass"]["data"]
    other = {**data, "passenger": {**data["passenger"], "ticketNumber": "0002412345679"}}
    memory = remember(FLIGHT, flight("delayed", 45))
    memory, first = step(EventType.FLIGHT_BOARDINGPASS, memory, data)
    memory, second = step(EventType.FLIGHT_BOARDINGPASS, memory, other)
    assert first == second == ("first", "document_ready")
    assert memory["status"] == "delayed"
    assert step(FLIGHT, memory, flight("delayed", 45))[1] == ()


def test_an_item_is_a_document_s_id_a_ticket_or_a_name() -> None:
    boarding = SAMPLES["flight-boarding-pass"]["data"]
    without = {"passenger": {**boarding["passenger"], "ticketNumber": None, "givenNames": " eva  maria "}}
    assert item_of(EventType.ORDER_DOCUMENT, SAMPLES["order-document-ready"]["data"]) == "T-88120-2"
    assert item_of(EventType.FLIGHT_BOARDINGPASS, boarding) == "0002412345678"
    keyed = {**without, "passenger": {**without["passenger"], "key": "P1"}}
    assert item_of(EventType.FLIGHT_BOARDINGPASS, keyed) == "ZX7K2P/#P1"
    assert item_of(EventType.FLIGHT_BOARDINGPASS, without) == "ZX7K2P/JANSEN/EVA MARIA"
    assert item_of(FLIGHT, flight()) == ""
