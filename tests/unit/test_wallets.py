"""What is offered of a paper is what can be made of it, and a file's name tells nobody's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.documents.paper import Paper, Symbol, SymbolKind
from gateway.documents.wallets import WalletKind, Wallets
from gateway.errors import CannotWrap, SettingsError
from gateway.notifications import catalogue
from gateway.settings import read
from tests.support.papers import FLIGHT, ONWARD, PASS, PERSONAL, RAIL, RECEIPT, SHOW, TWO_FLIGHTS, blind
from tests.support.wallet_keys import NOW_MS, apple_environment, authority, cert_pem, google_environment

TEMPLATES = catalogue.load(Path(__file__).parents[2] / "templates")
ALL = (WalletKind.APPLE, WalletKind.GOOGLE, WalletKind.CALENDAR)


def opened(values: dict[str, str], now_ms: int = NOW_MS) -> Wallets:
    return Wallets.open(read(values, None), TEMPLATES, blind, lambda: now_ms)


@pytest.fixture(scope="module")
def wallets() -> Wallets:
    return opened(apple_environment() | google_environment())


@pytest.mark.parametrize(
    ("paper", "kinds"),
    [
        (PASS, ALL),
        (SHOW, ALL),
        (RAIL, (WalletKind.APPLE, WalletKind.CALENDAR)),
        (TWO_FLIGHTS, (WalletKind.APPLE, WalletKind.CALENDAR)),
        (RECEIPT, ()),
        (replace(PASS, symbols=()), (WalletKind.CALENDAR,)),
        (replace(PASS, legs=()), ()),
        (replace(PASS, legs=(replace(FLIGHT, departs="none"),)), ()),
        (replace(PASS, legs=(FLIGHT, replace(ONWARD, departs=""))), (WalletKind.CALENDAR,)),
        (replace(PASS, brand="unknown"), ()),
        (replace(SHOW, title=""), ()),
    ],
    ids=range(11),
)
def test_what_is_offered_can_be_made_and_nothing_else(wallets: Wallets, paper: Paper, kinds: tuple[WalletKind, ...]) -> None:
    assert wallets.offers(paper) == kinds
    for kind in WalletKind:
        if kind not in kinds:
            with pytest.raises(CannotWrap):
                wallets.make(kind, paper, "nl", now_ms=NOW_MS)
            continue
        made = wallets.make(kind, paper, "nl", now_ms=NOW_MS)
        assert bool(made.body) != bool(made.location)
        assert bool(made.body) == bool(made.mime) == bool(made.filename)


def test_files_have_their_types_and_names_that_tell_nobody(wallets: Wallets) -> None:
    found = [
        (made.filename, made.mime)
        for paper in (PASS, TWO_FLIGHTS, RAIL, SHOW)
        for kind in wallets.offers(paper)
        if (made := wallets.make(kind, paper, "en", now_ms=NOW_MS)).body
    ]
    calendar = "text/calendar; charset=utf-8; method=PUBLISH"
    assert found == [
        ("boarding-pass-ZZ1007-22NOV.pkpass", "application/vnd.apple.pkpass"),
        ("boarding-pass-ZZ1007-22NOV.ics", calendar),
        ("boarding-pass-ZZ1007-22NOV.pkpasses", "application/vnd.apple.pkpasses"),
        ("boarding-pass-ZZ1007-22NOV.ics", calendar),
        ("train-ticket-EXR9221-22NOV.pkpasses", "application/vnd.apple.pkpasses"),
        ("train-ticket-EXR9221-22NOV.ics", calendar),
        ("ticket-19DEC.pkpass", "application/vnd.apple.pkpass"),
        ("ticket-19DEC.ics", calendar),
    ]
    assert not any(word in name for name, _ in found for word in PERSONAL)


def test_without_keys_there_is_the_calendar() -> None:
    assert opened({}).offers(PASS) == (WalletKind.CALENDAR,)


def test_a_certificate_that_ended_stops_no_gateway_and_signs_nothing() -> None:
    ended = apple_environment(GATEWAY_APPLE_PASS_CERT=cert_pem(authority().leaf(days=-1)))
    wallets = opened(ended)
    assert wallets.offers(PASS) == (WalletKind.CALENDAR,)
    with pytest.raises(CannotWrap):
        wallets.make(WalletKind.APPLE, PASS, "nl", now_ms=NOW_MS)


def test_a_certificate_that_ends_while_we_run_signs_nothing_from_then_on() -> None:
    now = [NOW_MS]
    wallets = Wallets.open(read(apple_environment(), None), TEMPLATES, blind, lambda: now[0])
    assert WalletKind.APPLE in wallets.offers(PASS)
    now[0] += 201 * 86_400_000
    assert WalletKind.APPLE not in wallets.offers(PASS)


def test_broken_keys_stop_the_start_by_the_settings_name() -> None:
    with pytest.raises(SettingsError, match="GATEWAY_APPLE_TEAM"):
        opened(apple_environment(GATEWAY_APPLE_TEAM="OTHERTEAM1"))


def test_a_file_name_keeps_no_odd_letter_of_a_flights_name(wallets: Wallets) -> None:
    odd = replace(PASS, legs=(replace(FLIGHT, carrier='Z"/\r\n', number="../10٠07" + "9" * 50),))
    assert wallets.make(WalletKind.CALENDAR, odd, "en", now_ms=NOW_MS).filename == "boarding-pass-Z100799999-22NOV.ics"


def test_two_people_with_the_same_symbol_kind_have_passes_of_their_own(wallets: Wallets) -> None:
    both = replace(RAIL, symbols=(Symbol(SymbolKind.QR, b"ONE"), Symbol(SymbolKind.QR, b"TWO")))
    assert wallets.make(WalletKind.APPLE, both, "nl", now_ms=NOW_MS).filename.endswith(".pkpasses")
