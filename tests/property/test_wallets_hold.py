"""Whatever stands on a paper: what is offered can be made, is whole, and says whose it is only where that may be said."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from gateway.documents.google_wallet import LONGEST
from gateway.documents.paper import Paper, PaperKind, PaperLeg, Symbol, SymbolKind
from gateway.documents.wallet_images import images
from gateway.documents.wallet_keys import apple_keys, google_keys
from gateway.documents.wallets import WalletKind, Wallets
from gateway.notifications.brands import Look
from gateway.settings import read
from tests.support.papers import BRANDS, CODE, PLACES, blind
from tests.support.wallet_keys import NOW_MS, apple_environment, google_environment

SETTINGS = read(apple_environment() | google_environment(), None)
PICTURES = images(Look(), SETTINGS.templates_dir)
WALLETS = Wallets(
    brands=BRANDS, places=PLACES, blind=blind, now_ms=lambda: NOW_MS, images=dict.fromkeys(BRANDS, PICTURES),
    apple=apple_keys(SETTINGS), google=google_keys(SETTINGS),
)  # fmt: skip
MARK = "QWERTZMARK"

ODD = st.sampled_from(['a"b\\', "=;,:\r\nBEGIN:VALARM", "إيفا", "😀", "\x00\x85\u2028", "Van"])
WORDS = st.one_of(st.just(""), st.text(max_size=12), ODD)
PLACE = st.one_of(st.sampled_from(["AMS", "LHR", "xmp:UT"]), WORDS)
ZONES = st.sampled_from([ZoneInfo(name) for name in ("Europe/Amsterdam", "Europe/London", "Asia/Kathmandu", "America/St_Johns")])
SPAN = (datetime(2024, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001 - each gets a zone
TIMES = st.one_of(
    st.datetimes(*SPAN, timezones=ZONES).map(lambda when: when.isoformat()),
    st.sampled_from(["2026-03-29T02:30:00+01:00", "2026-10-25T02:30:00Z", "9999-12-31T23:59:59-12:00", "soon"]),
)


def legs() -> st.SearchStrategy[PaperLeg]:
    more = {"departs": TIMES, "boards": TIMES, "arrives": TIMES, "origin": PLACE, "destination": PLACE}
    parts: dict[str, Any] = {one.name: more.get(one.name, WORDS) for one in fields(PaperLeg)}
    return st.fixed_dictionaries(parts).map(lambda given: PaperLeg(**given))


PAYLOADS = st.one_of(st.binary(min_size=1, max_size=40), st.sampled_from([CODE.encode(), b"EV-20817-0001"]))
SYMBOLS = st.builds(Symbol, st.sampled_from(SymbolKind), PAYLOADS, st.sampled_from([False, False, True]), WORDS)
PAPERS = st.builds(
    Paper,
    kind=st.sampled_from(PaperKind),
    brand=st.sampled_from(["zz", "exr"]),
    travellers=st.lists(WORDS.map(lambda text: text + MARK), max_size=2).map(tuple),
    reference=WORDS.map(lambda text: text + MARK),
    ticket_number=WORDS.map(lambda text: text + MARK),
    title=WORDS,
    legs=st.lists(legs(), max_size=2).map(tuple),
    symbols=st.lists(SYMBOLS, max_size=2).map(tuple),
    starts_at=TIMES,
    doors_at=TIMES,
    venue=WORDS,
    place=WORDS,
    baggage=WORDS,
    notes=st.lists(WORDS, max_size=2).map(tuple),
    as_of_ms=st.integers(0, 2_000_000_000_000),
    ends_ms=st.integers(0, 4_000_000_000_000),
)


@settings(max_examples=40)
@given(PAPERS, st.sampled_from(["nl", "en-GB", "de", "fr", "xx"]), st.sampled_from(["", "j1"]))
def test_what_is_offered_can_be_made_and_is_whole(paper: Paper, language: str, about: str) -> None:
    for kind in WALLETS.offers(paper):
        made = WALLETS.make(kind, paper, language, now_ms=NOW_MS, about=about)
        assert made.filename.isascii()
        assert MARK not in made.filename
        if kind is WalletKind.APPLE:
            several = made.mime.endswith("es")
            for one in _inside(made.body).values() if several else (made.body,):
                shown = json.loads(_inside(one)["pass.json"])
                (code,) = shown["barcodes"]
                assert code["message"].encode("iso-8859-1") in {symbol.payload for symbol in paper.symbols}
                assert MARK not in shown["serialNumber"] + shown["groupingIdentifier"] + shown["description"]
        elif kind is WalletKind.GOOGLE:
            assert len(made.location) <= LONGEST
        else:
            assert MARK not in made.body.replace(b"\r\n ", b"").decode()
            entries = Calendar.from_ical(made.body)
            assert entries.walk("VEVENT")
            assert not entries.walk("VALARM"), "nobody's text becomes a part of the file"
            assert len({str(entry["UID"]) for entry in entries.walk("VEVENT")}) == len(entries.walk("VEVENT"))


def _inside(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
