"""What those at home are told of which change, in whose words, and what a notification of theirs may not ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.notifications import for_families
from gateway.notifications.catalogue import load
from gateway.rules.question import Night
from gateway.rules.relatives import public
from tests.support.notifications import ROOT, applying, catalogue, changed, context, ms, sample

FLIGHT, TRIP = sample("ce-flight-delayed"), sample("ce-trip-delayed")
PLANNED = {"departure": {"scheduled": "2026-11-22T10:55:00+01:00"}, "arrival": {"scheduled": "2026-11-22T11:20:00Z"}}
TRAIN = {"departure": {"scheduled": "2026-11-22T09:03:00+01:00"}, "arrival": {"scheduled": "2026-11-22T09:55:00+01:00"}}


def late(minutes: int, times: dict[str, Any] = PLANNED) -> dict[str, Any]:
    hour, minute = divmod(int(times["departure"]["scheduled"][14:16]) + minutes, 60)
    begin = times["departure"]["scheduled"]
    estimated = f"{begin[:11]}{int(begin[11:13]) + hour:02d}:{minute:02d}{begin[16:]}"
    return {**times, "departure": {**times["departure"], "estimated": estimated}}


def flight(status: str = "delayed", times: dict[str, Any] = PLANNED, **more: Any) -> dict[str, Any]:
    return changed(FLIGHT, status=status, times=times, **more)


def train(status: str = "delayed", times: dict[str, Any] = TRAIN, **more: Any) -> dict[str, Any]:
    return changed(TRIP, status=status, times=times, delayMinutes=None, **more)


LANDED = {**PLANNED, "arrival": {**PLANNED["arrival"], "actual": "2026-11-22T12:01:00Z"}}

# name, events in order, what those at home are told after the last
TOLD: list[tuple[str, list[dict[str, Any]], set[str]]] = [
    ("a quarter of an hour is nothing to wait up for", [flight(times=late(25))], set()),
    ("half an hour is", [flight(times=late(30))], {"family_delayed"}),
    ("less than was told is news", [flight(times=late(45)), flight(times=late(15))], {"family_delayed"}),
    ("late, and nobody knows how much", [flight()], {"family_delayed"}),
    ("on time after all", [flight(times=late(45)), flight("scheduled")], {"family_on_time_again"}),
    ("on time after what nobody at home was told", [flight(times=late(20)), flight("scheduled")], set()),
    ("a gate, boarding, check-in", [flight("scheduled", gate="D1"), flight("boarding", gate="D7")], set()),
    ("cancelled", [flight("cancelled")], {"family_cancelled"}),
    ("cancelled, and another one is offered", [flight("cancelled", rebooking={"carrier": "ZZ", "flightNumber": "1009",
      "originDate": "2026-11-22"})], {"family_cancelled"}),
    ("goes after all, late", [flight("cancelled"), flight(times=late(60))], {"family_reinstated"}),
    ("left", [flight("departed")], {"family_departed"}),
    ("lands later", [flight("departed"), flight("en_route", {**PLANNED, "arrival": {**PLANNED["arrival"],
      "estimated": "2026-11-22T12:20:00Z"}})], {"family_arrival_moved"}),
    ("diverted", [flight("departed"), flight("diverted", divertedTo="BRU")], {"family_diverted"}),
    ("landed", [flight("departed"), flight("arrived", LANDED)], {"family_landed"}),
    ("a train ten minutes late", [train(times=late(10, TRAIN))], set()),
    ("a train late", [train(times=late(15, TRAIN))], {"family_train_delayed"}),
    ("a train on time again", [train(times=late(20, TRAIN)), train("scheduled")], {"family_train_on_time_again"}),
    ("a train cancelled", [train("cancelled")], {"family_train_cancelled"}),
    ("a train runs after all", [train("cancelled"), train("scheduled")], {"family_train_reinstated"}),
    ("a train left", [train("departed")], {"family_train_departed"}),
    ("a train arrived", [train("departed"), train("arrived")], {"family_train_arrived"}),
]  # fmt: skip


@pytest.mark.parametrize(("events", "expected"), [row[1:] for row in TOLD], ids=[row[0] for row in TOLD])
def test_a_change_makes_these_news_at_home_and_they_can_be_said_in_four_languages(
    events: list[dict[str, Any]], expected: set[str]
) -> None:
    values = context(*events)
    assert applying(values, at_home=True) == expected
    for name in expected:
        found = catalogue().get(name)
        assert found is not None
        for language in ("nl", "en", "de", "fr"):
            said = found.render(values, [language], "Europe/Amsterdam", brand="zz")
            assert said.language == language
            assert "{{" not in said.text


def said_of(name: str, language: str, *events: dict[str, Any]) -> str:
    found = catalogue().get(name)
    assert found is not None
    return found.render(context(*events), [language], "Europe/Amsterdam", brand="zz").body


def test_times_at_both_ends_say_whose_they_are_and_none_is_computed() -> None:
    left = {**LANDED, "departure": {**PLANNED["departure"], "actual": "2026-11-22T09:59:00Z"}}
    assert said_of("family_departed", "en", flight("departed", left)) == (
        "Flight ZZ 1007 to London Heathrow has left.\n\nDeparture from Amsterdam was at 10:59 local time. "
        "Landing: planned at 11:20, local time in London Heathrow. We will let you know when it is on the ground."
    )
    assert "war gerade" in said_of("family_departed", "de", flight("departed", PLANNED)), "when, nobody has said"
    assert "Landing: nog niet bekend" in said_of("family_delayed", "nl", flight(times=late(45))), "nor when it lands"
    later = late(180) | {"arrival": PLANNED["arrival"]}
    assert "Landing: not known yet" in said_of("family_departed", "en", flight(times=later), flight("departed", later))


def test_one_that_leaves_after_it_was_to_land_is_told_all_the_same() -> None:
    left = catalogue().get("family_departed")
    assert left is not None
    later = flight("departed", late(180)) | {"time": "2026-11-22T14:00:00+01:00"}
    assert left.deadline_ms(context(later)) > ms("2026-11-22T14:00:00+01:00")
    assert left.deadline_ms(context(flight("departed"))) == ms(PLANNED["arrival"]["scheduled"])


def test_a_flight_that_was_diverted_has_not_landed_where_it_was_to() -> None:
    diverted = [flight("departed"), flight("diverted", divertedTo="BRU"), flight("arrived", LANDED)]
    assert said_of("family_landed", "en", *diverted).startswith(
        "Flight ZZ 1007 has landed in Brussels.\n\nIt came from Amsterdam and landed at another airport than planned."
    )
    assert "has landed in another place" in said_of("family_landed", "en", flight("diverted"), flight("arrived", LANDED))
    assert "a atterri à Londres Heathrow" in said_of("family_landed", "fr", flight("departed"), flight("arrived", LANDED))


def test_only_that_it_left_and_landed_and_what_it_does_instead_is_told_to_who_wants_no_more() -> None:
    least = {one.name.removeprefix("family_").removeprefix("train_") for one in catalogue() if one.amount}
    assert least == {"departed", "landed", "arrived", "cancelled", "diverted", "reinstated"}
    wakes = {one.name for one in catalogue() if one.at_home and one.night is Night.WAKE}
    assert wakes == {"family_departed", "family_landed", "family_diverted", "family_train_departed", "family_train_arrived"}


BARRED = [
    ("  seat: {from: data.checkin.seat}", "parameters.seat"),
    ("  name: {from: person.given_name}", "parameters.name"),
    ("  code: {from: order.number}", "parameters.code"),
    ("  offer: {from: rebooking.id}", "parameters.offer"),
    ("  all: {from: state}", "parameters.all"),
    ("  key: {from: \"state['seat']\"}", "parameters.key"),
    ("  gate: {phrase: [{when: 'has(state.gate)', say: gate}]}", "parameters.gate"),
    ("  time: {from: state.arrival.actual, as: moment, place: passenger}", "parameters.time"),
]


@pytest.mark.parametrize(("parameter", "field"), BARRED, ids=[row[1] for row in BARRED])
def test_what_reads_more_than_the_board_says_is_refused(tmp_path: Path, parameter: str, field: str) -> None:
    assert [found for found, _ in problems(tmp_path, parameter)] == [field]


def test_what_is_a_travellers_is_refused(tmp_path: Path) -> None:
    barred = "personal: true\nitem: passenger\nonce_a_journey: true\nafter_rebooking: \"rebooking.offer != ''\""
    found = [field for field, _ in problems(tmp_path, barred=barred, purpose="journey")]
    assert sorted(found) == ["after_rebooking", "item", "once_a_journey", "personal", "purpose"]
    assert [field for field, _ in problems(tmp_path / "any", roles="any")] == ["roles"]
    assert all(list(for_families.problems(one)) == [] for one in catalogue())


def problems(
    folder: Path, parameter: str = "", *, barred: str = "personal: false", purpose: str = "family", roles: str = "family"
) -> list[tuple[str, str]]:
    (folder / "one").mkdir(parents=True)
    (folder / "brands.yaml").write_text((ROOT / "templates" / "brands.yaml").read_text())
    (folder / "one" / "notification.yaml").write_text(
        "version: 1\nabout: one\nevent: flight.status\nwhen: \"'departed' in changes\"\n"
        f"roles: [{roles}]\npurpose: {purpose}\n{barred}\nparameters:\n  number: {{from: state.number}}\n{parameter}\n"
    )
    (folder / "one" / "en.yaml").write_text("body: Flight {{number}} has left.\nphrases: {gate: at a gate}")
    found = load(folder).get("one")
    assert found is not None
    return list(for_families.problems(found))


def test_of_a_state_only_what_is_listed_is_public() -> None:
    state = {
        "status": "delayed", "seat": "31K", "from": {"code": "AMS", "name": "Amsterdam", "seat": "31K"}, "rebookings": [{}],
        "departure": {"scheduled": "2026-11-22T10:55:00Z", "by": {"whom": "Eva"}}, "number": {"of": "Eva"}, "gate": "D7",
        "reason": {"code": "71", "text": {"en": "snow"}, "passenger": "Eva"},
    }  # fmt: skip
    assert public(state) == {
        "status": "delayed", "from": {"code": "AMS", "name": "Amsterdam"}, "departure": {"scheduled": "2026-11-22T10:55:00Z"},
        "reason": {"code": "71", "text": {"en": "snow"}},
    }  # fmt: skip
