"""A time in bare UTC, at a place whose clock nobody knows, is never passed off as the time there: on picture or pass."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from gateway.documents.bcbp import decode
from gateway.documents.drawing import Drawing
from gateway.documents.paper import Paper
from gateway.documents.reading import paper_of
from gateway.documents.wallet_now import paper_now
from gateway.documents.wallets import WalletKind, Wallets
from gateway.model.event import EventType
from gateway.notifications import catalogue
from gateway.settings import read
from tests.support.papers import FLIGHT, PASS, SHOW, blind
from tests.support.wallet_keys import NOW_MS, apple_environment, google_environment

TEMPLATES = Path(__file__).parents[2] / "templates"
NOWHERE = replace(
    FLIGHT, origin="QQX", origin_name="Erehwon", departs="2026-11-23T04:55:00Z", boards="2026-11-23T04:25:00Z", arrives=""
)
FAR = replace(PASS, legs=(NOWHERE,))


@lru_cache(maxsize=1)
def wallets() -> Wallets:
    settings = read(apple_environment() | google_environment(), None)
    return Wallets.open(settings, catalogue.load(TEMPLATES), blind, lambda: NOW_MS)


def fields(paper: Paper) -> dict[str, Any]:
    made = wallets().make(WalletKind.APPLE, paper, "en", now_ms=NOW_MS)
    with zipfile.ZipFile(io.BytesIO(made.body)) as archive:
        shown = json.loads(archive.read("pass.json"))
    style = shown.get("boardingPass") or shown["eventTicket"]
    return {one["key"]: one for part in style.values() if isinstance(part, list) for one in part}


def test_a_picture_says_utc_where_it_knows_no_clock() -> None:
    values = Drawing(TEMPLATES).speaker(FAR, "en").cards(FAR)[0].values
    assert (values["departs"], values["boards"], values["date"]) == ("04:55 UTC", "04:25 UTC", "Mon, 23 Nov 2026")
    assert values["as_of"].endswith(" UTC")


def test_a_phone_turns_such_a_time_to_its_own_clock_and_google_is_given_none() -> None:
    assert "ignoresTimeZone" not in fields(FAR)["departs"]
    assert fields(PASS)["departs"]["ignoresTimeZone"] is True
    assert wallets().offers(FAR) == (WalletKind.APPLE, WalletKind.CALENDAR)
    entry = wallets().make(WalletKind.CALENDAR, FAR, "en", now_ms=NOW_MS).body.decode()
    assert "04:25 UTC" in entry.replace("\r\n ", "")


def test_news_in_utc_stays_utc_where_no_clock_is_known_and_takes_the_printed_offset_where_one_is() -> None:
    state = {"status": "delayed", "departure": {"estimated": "2026-11-23T05:30:00Z"}}
    now = paper_now(FAR, [state], places={}, now_ms=NOW_MS)
    assert now is not None
    assert now.legs[0].departs == "2026-11-23T05:30:00Z"
    printed = replace(FAR, legs=(replace(NOWHERE, departs="2026-11-22T20:55:00-08:00"),))
    now = paper_now(printed, [state], places={}, now_ms=NOW_MS)
    assert now is not None
    assert now.legs[0].departs == "2026-11-22T21:30:00-08:00"


@pytest.mark.parametrize("kind", [WalletKind.APPLE, WalletKind.CALENDAR])
def test_an_event_in_utc_is_on_the_brands_clock_as_on_its_picture(kind: WalletKind) -> None:
    show = replace(SHOW, starts_at="2026-11-27T19:00:00Z", doors_at="")
    shown = Drawing(TEMPLATES).speaker(show, "en").cards(show)[0].values["starts"]
    assert shown == "20:00"
    if kind is WalletKind.APPLE:
        assert fields(show)["starts"]["value"] == "2026-11-27T20:00:00+01:00"
    else:
        entry = wallets().make(kind, show, "en", now_ms=NOW_MS).body
        assert b"DTSTART;TZID=Europe/Amsterdam:20261127T200000" in entry


def boarding(times: dict[str, str]) -> Paper:
    data = {
        "leg": {"carrier": "ZZ", "flightNumber": "1007", "from": "QQX", "to": "QQY", "originDate": "2026-11-22"},
        "passenger": {"surname": "Jansen", "recordLocator": "ZX7K2P"}, "times": times,
    }  # fmt: skip
    state = {"departure": {"estimated": "2026-11-23T05:30:00Z"}}
    day = date(2026, 11, 22)
    paper = paper_of(
        EventType.FLIGHT_BOARDINGPASS, data, state, brand="zz", places={}, language="en", as_of_ms=NOW_MS, unsigned=day
    )
    assert paper is not None
    return paper


def test_a_pass_without_a_clock_has_the_day_that_its_leg_says() -> None:
    paper = boarding({"scheduledOff": "2026-11-23T04:55:00Z"})
    assert decode(paper.symbols[0].payload.decode(), today=date(2026, 11, 22)).legs[0].day == "326"


def test_an_estimate_in_utc_takes_the_offset_of_the_printed_time() -> None:
    paper = boarding({"scheduledOff": "2026-11-22T20:55:00-08:00"})
    assert paper.legs[0].departs == "2026-11-22T21:30:00-08:00"
