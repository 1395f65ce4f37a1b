"""Calendar entries: parsed back, on the clock of each place, the same over all versions, and nobody's name in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from gateway.documents.calendar import has_entries, ics
from gateway.documents.paper import Paper
from gateway.errors import CannotWrap
from gateway.notifications.places import Place
from tests.support.papers import (
    AS_OF_MS,
    BRANDS,
    FLIGHT,
    PASS,
    PERSONAL,
    PLACES,
    RAIL,
    RECEIPT,
    SHOW,
    TRAIN,
    TWO_FLIGHTS,
    blind,
)


def made(paper: Paper, language: str = "en", now_ms: int = AS_OF_MS, about: str = "") -> Any:
    brand = BRANDS[paper.brand]
    return Calendar.from_ical(ics(paper, language, brand=brand, places=PLACES, blind=blind, now_ms=now_ms, about=about))


def test_a_flight_is_on_the_clocks_of_both_its_places() -> None:
    calendar = made(PASS)
    (event,) = calendar.walk("VEVENT")
    assert (calendar["METHOD"], calendar["VERSION"]) == ("PUBLISH", "2.0")
    assert event["DTSTART"].params["TZID"] == "Europe/Amsterdam"
    assert event["DTEND"].params["TZID"] == "Europe/London"
    assert event.decoded("DTSTART") == datetime(2026, 11, 22, 9, 55, tzinfo=UTC)
    assert event.decoded("DTEND") == datetime(2026, 11, 22, 11, 20, tzinfo=UTC)
    assert event.decoded("DTSTAMP") == datetime.fromtimestamp(AS_OF_MS // 1000, UTC)
    assert sorted(zone["TZID"] for zone in calendar.walk("VTIMEZONE")) == ["Europe/Amsterdam", "Europe/London"]
    assert event["SUMMARY"] == "Flight ZZ 1007, Amsterdam – London Heathrow"
    assert event["LOCATION"] == "Amsterdam, Terminal 1, Gate D18"
    assert event["DESCRIPTION"].splitlines()[:3] == ["Boarding 10:25", "Arrives 11:20 London Heathrow", "Seat 12C"]
    assert not calendar.walk("VALARM")


def test_lines_end_and_fold_as_the_standard_says() -> None:
    file = ics(TWO_FLIGHTS, "fr", brand=BRANDS["zz"], places=PLACES, blind=blind, now_ms=AS_OF_MS)
    assert file.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 and b"\n" not in line for line in file.split(b"\r\n"))


ZONES = ["Europe/Amsterdam", "Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca"]


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("month", [1, 3, 4, 7, 10, 12])
def test_a_zone_that_comes_along_says_what_the_zone_says(name: str, month: int) -> None:
    leaves = datetime(2026, month, 30, 12, 0, tzinfo=ZoneInfo(name))
    paper = replace(PASS, legs=(replace(FLIGHT, origin="XXX", departs=leaves.isoformat(), arrives=""),))
    places = {"XXX": Place({}, name)}
    file = ics(paper, "en", brand=BRANDS["zz"], places=places, blind=blind, now_ms=AS_OF_MS)
    (zone,) = cast(Any, Calendar.from_ical(file)).walk("VTIMEZONE")
    assert zone["TZID"] == name
    assert leaves.replace(tzinfo=zone.to_tz(lookup_tzid=False)).utcoffset() == leaves.utcoffset()


def test_a_place_that_we_do_not_know_or_that_keeps_another_clock_is_told_in_utc() -> None:
    unknown = replace(PASS, legs=(replace(FLIGHT, origin="XXX"),))
    elsewhere = replace(PASS, legs=(replace(FLIGHT, departs="2026-11-22T10:55:00+05:30"),))
    for paper, hour in ((unknown, (9, 55)), (elsewhere, (5, 25))):
        (event,) = made(paper).walk("VEVENT")
        start = event.decoded("DTSTART")
        assert (start.hour, start.minute, event["DTSTART"].params) == (*hour, {})


@pytest.mark.parametrize("paper", [PASS, TWO_FLIGHTS, RAIL, SHOW], ids=["pass", "two", "rail", "show"])
@pytest.mark.parametrize("language", ["nl", "en", "de", "fr"])
def test_nobody_is_named_in_a_calendar_that_others_may_see(paper: Paper, language: str) -> None:
    file = ics(paper, language, brand=BRANDS[paper.brand], places=PLACES, blind=blind, now_ms=AS_OF_MS)
    text = file.replace(b"\r\n ", b"").decode()
    assert not [word for word in PERSONAL if word in text]


def test_a_newer_version_moves_the_entry_instead_of_adding_one() -> None:
    later = replace(FLIGHT, departs="2026-11-22T12:40:00+01:00", gate="D4", seat="3A")
    (old,), (new,) = made(PASS).walk("VEVENT"), made(replace(PASS, legs=(later,), as_of_ms=AS_OF_MS + 1000)).walk("VEVENT")
    assert old["UID"] == new["UID"]
    assert new["SEQUENCE"] == old["SEQUENCE"] + 1


def test_a_caller_who_knows_what_it_is_about_keeps_the_entry_past_midnight() -> None:
    night = replace(PASS, legs=(replace(FLIGHT, departs="2026-11-23T00:20:00+01:00", arrives=""),))
    (old,), (new,) = made(PASS, about="j1").walk("VEVENT"), made(night, about="j1").walk("VEVENT")
    assert old["UID"] == new["UID"]
    assert "DTEND" not in new
    assert made(PASS, about="j2").walk("VEVENT")[0]["UID"] != old["UID"]


def test_two_flights_are_two_entries_of_their_own() -> None:
    first, second = made(TWO_FLIGHTS).walk("VEVENT")
    assert first["UID"] != second["UID"]
    assert made(TWO_FLIGHTS, about="j1").walk("VEVENT")[0]["UID"] != made(TWO_FLIGHTS, about="j1").walk("VEVENT")[1]["UID"]
    assert second.decoded("DTSTART") == datetime(2026, 11, 22, 14, 10, tzinfo=UTC)


def test_an_event_is_on_the_brands_clock_with_its_doors() -> None:
    (event,) = made(SHOW, "nl-NL").walk("VEVENT")
    assert event["DTSTART"].params["TZID"] == "Europe/Amsterdam"
    assert event["LOCATION"] == "Polder Hall, Laagdorp"
    assert event["DESCRIPTION"].splitlines() == ["Deuren open 19:00", "Plaats Row 4, seat 11"]


def test_words_are_the_readers_and_english_for_all_others() -> None:
    said = {language: str(made(RAIL, language).walk("VEVENT")[0]["SUMMARY"]) for language in ("nl", "de", "fr", "pt_BR")}
    words = {language: text.split()[0] for language, text in said.items()}
    assert words == {"nl": "Trein", "de": "Zug", "fr": "Train", "pt_BR": "Train"}


def test_marks_of_the_format_in_a_name_come_out_as_themselves() -> None:
    odd = replace(SHOW, title="A;B, C\\n: =#$*<&", venue="حديقة 😀;X")
    (event,) = made(odd).walk("VEVENT")
    assert (event["SUMMARY"], event["LOCATION"]) == (odd.title, odd.venue)


@pytest.mark.parametrize(
    "paper",
    [
        RECEIPT,
        replace(PASS, legs=()),
        replace(PASS, legs=(replace(FLIGHT, departs="tomorrow"),)),
        replace(PASS, legs=(replace(FLIGHT, departs="2026-11-22T10:55:00"),)),
        replace(PASS, legs=(replace(FLIGHT, departs="0001-01-01T00:00:00+14:00"),)),
        replace(PASS, legs=(replace(FLIGHT, departs="9999-12-31T23:59:59-12:00"),)),
        replace(PASS, legs=(replace(FLIGHT, departs="2026-11-22T10:55:00+01:00:30"),)),
        replace(SHOW, starts_at=""),
        replace(RAIL, legs=(replace(TRAIN, departs=""),)),
    ],
    ids=range(9),
)
def test_a_paper_without_a_time_makes_no_entry(paper: Paper) -> None:
    assert not has_entries(paper)
    with pytest.raises(CannotWrap):
        made(paper)
