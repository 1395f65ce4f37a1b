"""Values become words: the clock of the place, and CLDR for everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.notifications import formats
from gateway.notifications.formats import Reader
from gateway.notifications.places import Place
from gateway.notifications.texts import clean, fill, isolate
from tests.support.notifications import ms

NOW = ms("2026-11-22T09:00:00+01:00")
PLACES = {
    "LHR": Place({"nl": "Londen Heathrow", "en": "London Heathrow"}, "Europe/London"),
    "XXX": Place({"nl": "Ergens"}),
}


def reader(language: str = "nl", *, locale: str | None = None, zone: str = "Europe/Amsterdam", now: int = NOW) -> Reader:
    return Reader(language, locale or language, zone, now, PLACES)


@pytest.mark.parametrize(
    ("value", "place", "expected"),
    [
        ("2026-11-22T10:55:00+01:00", None, "10:55"),
        ("2026-11-22T11:20:00+00:00", None, "11:20"),  # London's own offset, told to somebody in Amsterdam
        ("2026-11-22T05:09:00Z", None, "06:09"),  # UTC names no place: the reader's clock
        ("2026-11-22T05:09:00Z", "LHR", "05:09"),
        ("2026-11-22T09:55:00+00:00", {"code": "AMS", "timezone": "Europe/Amsterdam"}, "10:55"),
        ("2026-11-22T09:55:00Z", "Europe/Dublin", "09:55"),
        (ms("2026-11-22T05:09:00Z"), None, "06:09"),
        (datetime(2026, 11, 22, 5, 9, tzinfo=UTC), None, "06:09"),
    ],
)
def test_a_time_is_told_on_the_clock_of_the_place(value: Any, place: Any, expected: str) -> None:
    assert formats.time(value, reader(), place) == expected


@pytest.mark.parametrize("value", ["10:55", "2026-11-22T10:55:00", "tomorrow", "", None, True, {}, 10**20])
def test_what_is_no_moment_has_no_time(value: Any) -> None:
    assert formats.time(value, reader()) is None
    assert formats.moment(value, reader()) is None
    assert formats.date(value, reader()) is None
    assert formats.weekday(value, reader()) is None


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("nl", "10:55 op maandag 23 november"),
        ("nl-BE", "10:55 op maandag 23 november"),
        ("en", "10:55 on Monday, 23 November"),
        ("en-US", "10:55 on Monday, November 23"),
        ("de", "10:55 Uhr am Montag, 23. November"),
        ("fr", "10:55 le lundi 23 novembre"),
    ],
)
def test_another_day_is_told_with_its_date(locale: str, expected: str) -> None:
    who = reader(locale.split("-")[0], locale=locale)
    assert formats.moment("2026-11-23T10:55:00+01:00", who) == expected
    assert formats.moment("2026-11-22T10:55:00+01:00", who) == ("10:55 Uhr" if locale == "de" else "10:55")


def test_today_is_the_day_at_the_place() -> None:
    late = ms("2026-11-22T23:30:00+01:00")  # still 22:30 in London
    assert formats.moment("2026-11-22T22:45:00+00:00", reader(now=late)) == "22:45"
    assert formats.moment("2026-11-23T00:15:00+01:00", reader(now=late)) == "00:15 op maandag 23 november"


def test_another_year_is_said() -> None:
    assert formats.date("2027-01-03T10:00:00+01:00", reader()) == "zondag 3 januari 2027"
    assert formats.date("2026-11-22T10:00:00+01:00", reader("fr")) == "dimanche 22 novembre"
    assert formats.weekday("2026-11-22T10:00:00+01:00", reader("de")) == "Sonntag"


@pytest.mark.parametrize(
    ("value", "language", "expected"),
    [
        (45, "nl", "45 minuten"),
        (1, "en", "1 minute"),
        (60, "nl", "1 uur"),
        (65, "nl", "1 uur en 5 minuten"),
        (125, "en", "2 hours and 5 minutes"),
        (45, "de", "45 Minuten"),
        (45, "fr", "45 minutes"),
        (0, "nl", "0 minuten"),
        ("45", "nl", None),
        (True, "nl", None),
    ],
)
def test_minutes_are_words(value: Any, language: str, expected: str | None) -> None:
    assert formats.minutes(value, reader(language)) == expected


@pytest.mark.parametrize(
    ("value", "language", "expected"),
    [
        ({"amount": "318.40", "currency": "EUR"}, "nl", "€\xa0318,40"),
        ({"amount": "318.40", "currency": "EUR"}, "en", "€318.40"),
        ({"amount": 1318.4, "currency": "EUR"}, "de", "1.318,40\xa0€"),
        ({"amount": "x", "currency": "EUR"}, "nl", None),
        ({"amount": "1"}, "nl", None),
        ("318.40", "nl", None),
    ],
)
def test_money_is_written_as_the_language_does(value: Any, language: str, expected: str | None) -> None:
    assert formats.money(value, reader(language)) == expected


def test_numbers_and_lists_follow_the_language() -> None:
    assert formats.number(1840, reader("nl")) == "1.840"
    assert formats.number(1840, reader("en")) == "1,840"
    assert formats.listing(["Eva", "Tom", "Noor"], reader("nl")) == "Eva, Tom en Noor"
    assert formats.listing(["Eva", "Tom"], reader("de")) == "Eva und Tom"
    assert formats.listing([], reader("nl")) is None


def test_a_text_map_gives_the_readers_language_and_never_another_as_if_it_were() -> None:
    said = {"en": "Weather", "nl": "Het weer"}
    assert formats.text(said, reader("nl")) == "Het weer"
    assert formats.text({"en": "Weather"}, reader("nl")) is None
    assert formats.text_any({"en": "Weather"}, reader("nl")) == "Weather"
    assert formats.text_any({"fr": "La météo"}, reader("nl")) == "La météo"
    assert formats.text({"pt-BR": "Clima"}, reader("pt_BR")) == "Clima"


def test_places_have_our_names_then_the_events_then_their_code() -> None:
    assert formats.place_name({"code": "LHR", "name": "London Heathrow"}, reader("nl")) == "Londen Heathrow"
    assert formats.place_name({"code": "LHR", "name": "Heathrow"}, reader("de")) == "Heathrow"
    assert formats.place_name("LHR", reader("en")) == "London Heathrow"
    assert formats.place_name("JFK", reader("en")) == "JFK"
    assert formats.place_name({"name": "Utrecht"}, reader("nl")) == "Utrecht"
    assert formats.place_name({}, reader("nl")) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("line one\nline two\r\n\tthree", "line one line two three"),
        ("many      blanks", "many blanks"),
        ("  edges ", "edges"),
        ("a\u2028b\u2029c\x00d", "a b c d"),
        ("*bold* and _it_ and ~no~ and `code`", "∗bold∗ and ˍitˍ and ∼no∼ and ˋcodeˋ"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("\u202eevil\u202c", "evil"),
        ("ok 👍 é", "ok 👍 é"),
        ("מטוס", "מטוס"),
        ("x" * 30, "x" * 19 + "…"),
    ],
)
def test_a_value_is_cleaned_of_what_the_channel_refuses(value: str, expected: str) -> None:
    assert clean(value, longest=20 if value.startswith("x") else 60) == expected


def test_a_link_stays_as_it_is() -> None:
    assert clean(" https://e.org/_a_/*b*\n", longest=5, link=True) == "https://e.org/_a_/*b*"


def test_a_value_that_runs_against_the_sentence_is_kept_together() -> None:
    assert isolate("مطار", right_to_left=False) == "\u2068مطار\u2069"
    assert isolate("Gate 7", right_to_left=False) == "Gate 7"
    assert isolate("Gate 7", right_to_left=True) == "\u2068Gate 7\u2069"
    assert isolate("12", right_to_left=True) == "12"


def test_braces_in_a_value_bring_in_nothing() -> None:
    assert fill("a {{x}} b {{y}} c", {"x": "{{y}}", "y": "2"}) == "a {{y}} b 2 c"
