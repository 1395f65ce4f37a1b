"""What a travel page says, and its HTML: words in four languages, values laid over by what is known now, nobody's markup."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from gateway.documents.paper import Paper, PaperKind, PaperLeg, PaperLine
from gateway.documents.symbols import symbol_svg
from gateway.notifications.brands import Look
from gateway.notifications.formats import Reader
from gateway.notifications.places import Place
from gateway.webhooks import pass_html
from gateway.webhooks.pass_html import Around, Form, Frame
from gateway.webhooks.pass_view import Value, View, ends_ms, view
from gateway.webhooks.pass_words import LANGUAGES, TEXTS, language_of
from tests.integration.pass_stage import boarding_pass

NOW = 1_795_340_000_000  # Sun 22 Nov 2026, 08:53 UTC
LEG = PaperLeg(
    carrier="ZZ", number="1007", origin="AMS", destination="LHR", departs="2026-11-22T10:55:00+01:00",
    boards="2026-11-22T10:25:00+01:00", arrives="2026-11-22T11:20:00+00:00", gate="D18", seat="12C",
)  # fmt: skip
PLACES = {"LHR": Place({"nl": "Londen Heathrow", "en": "London Heathrow"}, "Europe/London")}
FRAME = Frame("en", "Polderwind Air", Look(), "https://support.example.org/zz", "/d/T")


def shown(state: dict[str, Any] | None = None, language: str = "en", **more: Any) -> View:
    paper = Paper(**{"kind": PaperKind.BOARDING_PASS, "brand": "zz", "legs": (LEG,), "as_of_ms": NOW, **more})
    return view(paper, [state or {}], Reader(language, language, "Europe/Amsterdam", NOW, PLACES))


def value(found: View, label: str) -> Value | None:
    return next((one for part in found.parts for one in part.values if one.label == label), None)


def test_every_language_has_the_same_words_with_the_same_blanks() -> None:
    for language in LANGUAGES:
        blanks = [
            {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in TEXTS[one].items()} for one in (language, "en")
        ]
        assert blanks[0] == blanks[1], language
    assert not [text for texts in TEXTS.values() for text in texts.values() if not text.strip()]


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (("de", "nl"), "de"),
        (("xx", "nl_NL"), "nl"),
        (("", "", "pt-BR,fr-CA;q=0.8,en;q=0.5"), "fr"),
        (("", "ja"), "en"),
        ((), "en"),
    ],
)
def test_the_reader_gets_the_first_language_that_there_is(wishes: tuple[str, ...], language: str) -> None:
    assert language_of(*wishes) == language


def test_times_are_of_each_places_own_clock() -> None:
    found = shown(language="nl")
    assert found.heading == "AMS → Londen Heathrow"
    assert value(found, "Vertrek") == Value("Vertrek", "10:55", "", True)
    assert value(found, "Aankomst") == Value("Aankomst", "11:20")
    overnight = shown(legs=(replace(LEG, arrives="2026-11-23T06:20:00+08:00"),))
    assert value(overnight, "Arrives") == Value("Arrives", "22:20")
    overnight = shown(legs=(replace(LEG, destination="SIN", arrives="2026-11-23T06:20:00+08:00"),))
    assert value(overnight, "Arrives") == Value("Arrives", "06:20 (Monday)")


@pytest.mark.parametrize(
    ("state", "news", "gate", "departs"),
    [
        ({}, (), ("D18", ""), ("10:55", "")),
        ({"gate": "D18", "departure": {"scheduled": "2026-11-22T09:55:00Z"}}, (), ("D18", ""), ("10:55", "")),
        ({"status": "delayed", "departure": {"estimated": "2026-11-22T11:30:00+01:00"}}, ("New departure time: 11:30.",),
         ("D18", ""), ("11:30", "10:55")),
        ({"gate": "E4", "status": "boarding"}, ("New gate: E4.", "You can board now."), ("E4", "D18"), ("10:55", "")),
        ({"status": "delayed", "departure": {"estimated": "2026-11-23T07:00:00+01:00"}},
         ("New departure time: 07:00, Monday, 23 November.",), ("D18", ""), ("07:00, Monday, 23 November", "10:55")),
        ({"status": "cancelled", "gate": "E4", "departure": {"estimated": "2026-11-22T12:00:00+01:00"}},
         ("This flight is cancelled.", "See in your chat what you can do now."), ("D18", ""), ("10:55", "")),
        ({"status": "departed", "gate": "E4"}, ("This flight has left.",), ("D18", ""), ("10:55", "")),
        ({"status": "diverted", "diverted_to": {"code": "LHR"}}, ("This flight goes to London Heathrow.",), ("D18", ""),
         ("10:55", "")),
        ({"status": "delayed"}, ("This journey is delayed.",), ("D18", ""), ("10:55", "")),
        ({"status": "gate_closed"}, ("The gate is closed.",), ("D18", ""), ("10:55", "")),
    ],
)  # fmt: skip
def test_what_the_flight_does_now_is_laid_over_what_was_printed(
    state: dict[str, Any], news: tuple[str, ...], gate: tuple[str, str], departs: tuple[str, str]
) -> None:
    found = shown(state)
    assert found.news == news
    assert [value(found, "Gate"), value(found, "Departs")] == [Value("Gate", *gate, True), Value("Departs", *departs, True)]
    moved = bool(departs[1])
    assert value(found, "Boarding") == Value("Boarding", "see the screens" if moved else "10:25", "10:25" if moved else "", True)
    assert (value(found, "Arrives") is None) is moved, "leaving later it does not arrive as printed"
    assert found.alarm is (state.get("status") in ("cancelled", "diverted"))


def test_a_time_in_bare_utc_where_nobody_knows_the_clock_is_told_as_utc_and_news_takes_the_printed_offset() -> None:
    far = replace(LEG, origin="QQX", departs="2026-11-23T04:55:00Z", boards="2026-11-23T04:25:00Z", arrives="")
    state = {"status": "delayed", "departure": {"estimated": "2026-11-23T05:30:00Z"}}
    departs = value(shown(state, legs=(far,)), "Departs")
    assert departs is not None
    assert (departs.was, departs.text) == ("04:55 UTC", "05:30 UTC")
    printed = replace(far, departs="2026-11-22T20:55:00-08:00")
    departs = value(shown(state, legs=(printed,)), "Departs")
    assert departs is not None
    assert (departs.was, departs.text) == ("20:55", "21:30")


def test_a_train_has_a_platform_and_says_train_and_a_leg_of_its_own_state() -> None:
    leg = replace(LEG, carrier="EXR", number="3542", gate="5", coach="3", boards="")
    paper = Paper(kind=PaperKind.RAIL_TICKET, brand="exr", legs=(leg, replace(leg, number="77", gate="")), as_of_ms=NOW)
    states = [{"status": "scheduled", "platform": {"planned": "5", "actual": "7"}}, {"status": "cancelled"}]
    found = view(paper, states, Reader("de", "de", "Europe/Amsterdam", NOW, PLACES))
    cancelled = ("EXR 77: Dieser Zug fällt aus.", "Sehen Sie in Ihrem Chat, was Sie jetzt tun können.")
    assert found.news == (*cancelled, "EXR 3542: Anderes Gleis: 7."), "which train, and the worst first"
    assert [part.off for part in found.parts] == [False, True]
    assert value(found, "Gleis") == Value("Gleis", "7", "5", True)
    assert [part.heading for part in found.parts] == ["EXR 3542", "EXR 77"]
    assert value(found, "Abfahrt") is not None
    assert value(found, "Einsteigen") is None


def test_event_tickets_and_receipts_have_no_journey() -> None:
    event = Paper(
        kind=PaperKind.EVENT_TICKET, brand="zz", title="Concert", starts_at="2026-11-22T20:00:00+01:00", venue="Hall", place="B 4"
    )
    reader = Reader("en", "en", "Europe/Amsterdam", NOW, PLACES)
    found = view(event, [], reader)
    assert (found.heading, found.hint, found.as_of) == ("Concert", "", "")
    assert [one.text for one in found.parts[0].values] == ["20:00", "B 4", "Hall"]
    receipt = Paper(
        kind=PaperKind.RECEIPT, brand="zz", reference="A-1", lines=(PaperLine("Coat", 2, "19.50"),), total="39.00", currency="EUR"
    )
    bought = view(receipt, [], reader)
    assert bought.lines == (("2 × Coat", "€19.50"),)
    assert [one.text for one in (*bought.parts[0].values, *bought.more)] == ["€39.00", "A-1"]


def test_it_is_over_hours_after_the_arrival_that_is_known_now() -> None:
    paper = Paper(kind=PaperKind.BOARDING_PASS, brand="zz", legs=(LEG,))
    assert ends_ms(paper, [{}]) == ends_ms(paper, []) == ends_ms(paper, [{"arrival": {"estimated": "no time"}}]) == 0
    assert ends_ms(paper, [{"arrival": {"estimated": "1970-01-01T01:00:00Z"}}]) == 5 * 3600_000


EVIL = '<script>alert(1)</script>"\'&#*_$`'


def test_nothing_that_others_wrote_is_markup() -> None:
    texts_of_it = ("carrier", "number", "origin", "origin_name", "gate", "seat", "terminal", "cabin")
    leg = replace(LEG, **dict.fromkeys(texts_of_it, EVIL))
    paper = replace(
        boarding_pass(NOW), legs=(leg,), travellers=(EVIL,), reference=EVIL, ticket_number=EVIL, notes=(EVIL,), baggage=EVIL,
        lines=(PaperLine(EVIL, 1, ""),),
    )  # fmt: skip
    found = view(paper, [{"gate": EVIL + "2"}], Reader("en", "en", "UTC", NOW, {}))
    frame = replace(FRAME, brand=EVIL, support=f"https://example.org/{EVIL}")
    codes = [symbol_svg(paper.symbols[0], found.labels[0])]
    around = Around(codes, previous="/d/p", count=2, offers={"calendar": "/d/T/calendar"}, newest="/d/n")
    closed = ("shut", "other", "ended", "missing", "busy", "replaced", "unknown", "let_go_done")
    texts = [
        pass_html.opened(frame, found, around),
        pass_html.live(frame, found, Around(())),
        pass_html.closed(frame, "title", form=Form("both", EVIL, EVIL)),
        *(pass_html.closed(frame, what) for what in closed),
    ]
    for text in texts:
        assert "<script>alert" not in text
        assert f'"{EVIL}' not in text
        assert len(re.findall(r"<h1[ >]", text)) <= 1
        assert text.encode("utf-8")


def test_what_a_stranger_sees_names_the_brand_and_the_kind_of_thing_alone() -> None:
    text = pass_html.closed(FRAME, "title", form=Form("name", "K"))
    assert '<meta property="og:title" content="Your travel document">' in text
    assert '<meta property="og:site_name" content="Polderwind Air">' in text
    assert "<script" not in text
    assert 'name="robots" content="noindex,nofollow"' in text


def test_the_policy_names_style_and_script_by_their_hashes_and_lets_nothing_else_in() -> None:
    policy = pass_html.headers(Look())["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.count("sha256-") == 2
    assert not re.search(r"unsafe|http|\*|data:", policy)
    other = pass_html.headers(Look(accent="#6A1B4D"))["Content-Security-Policy"]
    assert other != policy, "a brand's colours are part of the style"
    text = pass_html.opened(FRAME, shown(), Around(()))
    assert not re.search(r"\sstyle=|\son\w+=", text), "neither would be let in"
