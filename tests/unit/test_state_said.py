"""What is told of a journey to who asks: which leg, who said what of it and how long ago, and nothing that nobody said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.families.state_said import FRESH_MS, Leg, Said, chosen, names_of, told
from gateway.model.event import EventType
from gateway.model.ids import SubjectId
from gateway.notifications.places import Place
from gateway.rules.changes import Memory, state_of, step
from gateway.rules.heard import noted, pieces, said

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE_MS, HOUR_MS = 60_000, 3600_000
AIRPORT, AIRLINE = "/feeds/airport", "/ops/airline"
SOURCES = {AIRPORT: {"en": "the airport"}, "/ops": {"en": "operations"}}


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def at(hours: float) -> str:
    """So many hours from now, on a clock of its own."""
    return (NOW + timedelta(hours=hours)).isoformat().replace("+00:00", "+01:00")


class Flight:
    """A leg as its events make it. Hours are from now."""

    def __init__(self, name: str = "a", *, leaves: float = -1, lands: float = 1, after: str = "", planned: bool = True) -> None:
        self.name, self.after, self.memory, self.spoken_ms = name, after, Memory(), 0
        self.planned = {"departure": {"scheduled": at(leaves)}, "arrival": {"scheduled": at(lands)}} if planned else {}

    def hears(self, source: str, ago_min: float, type_: EventType = EventType.FLIGHT_STATUS, **data: Any) -> Flight:
        leg = {"carrier": "ZZ", "flightNumber": f"10{self.name}", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
        value = {"leg": leg, **data}
        self.spoken_ms = ms(NOW) - round(ago_min * MINUTE_MS)
        stepped, _ = step(type_, self.memory or {**self.planned}, value)
        self.memory = noted(stepped, type_, value, source, self.spoken_ms)
        return self

    @property
    def leg(self) -> Leg:
        state = state_of(self.memory or self.planned)
        return Leg(SubjectId(self.name), EventType.FLIGHT_STATUS, state, self.memory, self.spoken_ms, SubjectId(self.after))


def tell(flight: Flight) -> Said:
    return told(flight.leg, None, "zz", SOURCES, ms(NOW))


def picked(*flights: Flight) -> tuple[str, str]:
    """(the leg that is told, the landed one before it)"""
    found = chosen([one.leg for one in flights], ms(NOW))
    assert found is not None
    return found[0].subject, found[1].subject if found[1] is not None else ""


def test_the_leg_under_way_is_told_else_the_one_nearest_in_time() -> None:
    landed = Flight("a", leaves=-4, lands=-2).hears(AIRPORT, 100, status="arrived")
    back = Flight("b", leaves=70, lands=72)
    assert picked(landed, back) == ("a", "")
    assert picked(Flight("a", leaves=-80, lands=-78).hears(AIRPORT, 4700, status="arrived"), back) == ("b", "")
    assert picked(landed, Flight("b", leaves=1, lands=3).hears(AIRPORT, 5, status="departed")) == ("b", "")
    # Departed yesterday, and nobody ever said that it landed: it is under way no more.
    assert picked(Flight("a", leaves=-30, lands=-28).hears(AIRPORT, 1790, status="departed"), Flight("b", leaves=4)) == ("b", "")
    assert chosen([], ms(NOW)) is None


def test_where_the_journey_goes_on_it_is_the_next_leg_with_the_landing_before_it() -> None:
    landed = Flight("a", leaves=-3, lands=-0.1).hears(AIRPORT, 6, status="arrived")
    onward = Flight("b", leaves=3, lands=5, after="a")
    assert picked(landed, onward) == ("b", "a")
    assert picked(landed, onward.hears(AIRPORT, 1, status="departed")) == ("b", "a")
    assert picked(landed, onward.hears(AIRPORT, 1, status="arrived")) == ("b", "")
    still = Flight("a", leaves=-1, lands=0.5).hears(AIRPORT, 5, status="departed")
    assert picked(still, Flight("b", leaves=2, after="a")) == ("a", "")


def test_each_piece_has_the_source_that_said_it_last_and_its_own_age() -> None:
    flight = Flight().hears(AIRLINE, 40, status="departed", times={"arrival": {"estimated": at(1.2)}})
    flight.hears(AIRPORT, 3, status="departed", times={"departure": {"actual": at(-0.9)}}, gate="D7")
    data = tell(flight).data
    assert (data["source"], data["age"]) == ({"en": "the airport"}, 3)
    assert (data["arrival_source"], data["arrival_age"]) == ({"en": "operations"}, 40)
    assert data["departure"]["actual"] == at(-0.9)
    assert "departure_source" not in data
    # What says nothing of all this makes none of it newer.
    later = flight.hears(AIRPORT, 0, gate="D9")
    assert (tell(later).data["age"], tell(later).data["arrival_age"]) == (3, 40)


def test_a_time_that_nobody_said_is_not_told() -> None:
    flight = Flight().hears(AIRLINE, 2, status="delayed", times={"departure": {"estimated": at(0.5)}})
    assert tell(flight).data["departure"]["estimated"] == at(0.5)
    flight.hears(AIRLINE, 1, EventType.TRIP_STATUS, status="delayed", delayMinutes=20)
    assert flight.leg.state["departure"]["estimated"], "worked out of the minutes, for who is to be told of the delay"
    assert tell(flight).data["departure"] == {"scheduled": at(-1)}
    assert "estimated" not in tell(flight).data["arrival"]
    unheard = tell(Flight())
    assert (unheard.data["what"], unheard.fresh, "age" in unheard.data) == ("unheard", False, False)


@pytest.mark.parametrize("status", ["scheduled", "delayed", "boarding", "departed", "en_route", "diverted"])
def test_what_may_still_change_is_fresh_for_a_quarter_of_an_hour(status: str) -> None:
    fresh, old = FRESH_MS / MINUTE_MS, FRESH_MS / MINUTE_MS + 0.1
    assert tell(Flight().hears(AIRPORT, fresh, status=status)).fresh
    assert not tell(Flight().hears(AIRPORT, old, status=status)).fresh
    again = Flight().hears(AIRPORT, old, status=status).hears(AIRPORT, 1, status=status)
    assert tell(again).fresh, "said again it is news again"


@pytest.mark.parametrize("status", ["arrived", "cancelled"])
def test_what_is_over_is_never_old(status: str) -> None:
    said_long_ago = tell(Flight().hears(AIRPORT, 600, status=status))
    assert (said_long_ago.fresh, said_long_ago.data["age"]) == (True, 600)


def test_news_of_a_clock_that_is_ahead_of_ours_is_of_this_moment() -> None:
    assert tell(Flight().hears(AIRPORT, -3, status="departed")).data["age"] == 0


def test_what_was_heard_before_it_was_noted_by_whom_has_the_age_of_the_last_event() -> None:
    flight = Flight().hears(AIRPORT, 7, status="departed", times={"arrival": {"estimated": at(1)}})
    del flight.memory["told"]["heard"]
    data = tell(flight).data
    assert (data["age"], "source" in data, data["arrival"]["estimated"]) == (7, False, at(1))


def test_nothing_is_told_but_what_a_board_shows() -> None:
    flight = Flight().hears(
        AIRPORT, 1, status="departed", gate="D7", reason={"code": "93", "text": "crew of Eva Jansen"},
        rebookings=[{"offer": "proposed", "refs": ["ZX7K2P"]}],
    )  # fmt: skip
    known = {"name", "what", "kind", "fresh", "from", "to", "departure", "arrival", "source", "age"}
    assert set(tell(flight).data) <= known
    assert "ZX7K2P" not in str(tell(flight))


def test_a_train_is_told_of_where_the_traveller_boards_as_far_as_nobody_expects_anything_else() -> None:
    stretch = {
        "from": {"code": "UT"}, "departure": {"scheduled": at(0.5)}, "to": {"code": "EHV"}, "arrival": {"scheduled": at(0.8)},
    }  # fmt: skip

    def heard(**data: Any) -> dict[str, Any]:
        leg = Flight(leaves=0.1, lands=2).hears(AIRPORT, 1, EventType.FLIGHT_STATUS, **data).leg
        return {"leaves": leg.of(None).state["departure"], **told(leg.of(stretch), None, "zz", SOURCES, ms(NOW)).data}

    planned = heard(status="scheduled")
    assert (planned["from"], planned["departure"]) == ({"code": "UT"}, {"scheduled": at(0.5)})
    assert (planned["to"], planned["arrival"]) == ({"code": "EHV"}, {"scheduled": at(0.8)})
    # Late where it begins: nobody has said how late it is where they board, and nobody computes it.
    late = heard(status="delayed", times={"departure": {"estimated": at(0.3)}})
    assert (late["from"], late["departure"]) == ({"code": "AMS"}, {"scheduled": at(0.1), "estimated": at(0.3)})
    assert (late["to"], late["arrival"]) == ({"code": "EHV"}, {"scheduled": at(0.8)})
    # That it has left is said of where it left, and that it arrived of where it did.
    left = heard(status="departed")
    assert (left["from"], left["departure"], left["to"]) == ({"code": "AMS"}, left["leaves"], {"code": "EHV"})
    assert heard(status="arrived")["to"] == {"code": "LHR"}


def test_the_words_of_a_question_are_the_numbers_and_places_of_the_journey() -> None:
    place = Place({"nl": "Londen Heathrow", "en": "London Heathrow"})
    names = names_of([Flight("07").hears(AIRPORT, 1, status="departed").leg], {"LHR": place})
    assert {"ZZ1007", "ZZ 1007", "1007"} <= set(names.vehicles)
    assert {"LHR", "AMS", "Londen", "Londen Heathrow", "London", "Heathrow"} <= set(names.places)


def test_pieces_are_what_an_event_says_itself() -> None:
    assert pieces({"status": "unknown", "times": {"departure": {"scheduled": "x", "estimated": None}, "arrival": None}}) == []
    assert pieces({"status": "departed", "divertedTo": "BRU", "times": {"arrival": {"actual": "x"}}}) == [
        "status", "diverted_to", "arrival.actual",
    ]  # fmt: skip
    assert said({}, "status") is None
    assert noted({"status": "created"}, EventType.ORDER_STATUS, {"status": "created"}, "/shop", 1) == {"status": "created"}
