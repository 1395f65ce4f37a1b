"""Price lists: exact amounts, the list of the day, the country of a number; a bad file is refused with its line and the mend."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.errors import SettingsError
from gateway.model.contact import Identifier
from gateway.model.personal import Personal
from gateway.prices import amount
from gateway.prices.country import country_of
from gateway.prices.model import SERVICE, Book, Confidence, charge
from gateway.prices.read import load
from gateway.prices.tariffs import Tariffs

ROOT = Path(__file__).resolve().parents[2]

GOOD = """\
channel: one
currency: EUR
lists:
  - valid_from: 2026-01-01
    source: contract 17
    confidence: own
    markets: {rest_of_europe: [AT, BE]}
    prices:
      NL: {service: 0, utility: 0.0248, marketing: 0.1}
      rest_of_europe: {service: 0, utility: 0.02, marketing: unknown}
  - valid_from: 2026-10-01
    source: contract 18
    confidence: own
    prices:
      NL: {service: 0.01, utility: 0.03}
      "*": {service: 0.05, utility: 0.06}
"""


def at(day: str) -> int:
    return round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


def folder(tmp_path: Path, text: str = GOOD, budgets: str = "") -> Path:
    (tmp_path / "one.yaml").write_text(text)
    if budgets:
        (tmp_path / "budgets.yaml").write_text(budgets)
    return tmp_path


def book(tmp_path: Path, text: str = GOOD) -> Book:
    return load(folder(tmp_path, text))[0]


def refused(tmp_path: Path, text: str = GOOD, budgets: str = "") -> list[str]:
    with pytest.raises(SettingsError) as found:
        load(folder(tmp_path, text, budgets))
    return [one.replace(f"{tmp_path}/", "") for one in found.value.problems]


# Amounts


@given(st.decimals(min_value=0, max_value=10**6, places=6))
def test_an_amount_comes_back_exactly_as_it_was_written(value: Decimal) -> None:
    assert Decimal(amount.exact(amount.parse(str(value)))) == value


def test_many_small_prices_add_up_to_the_last_place() -> None:
    assert amount.exact(sum(amount.parse("0.1") for _ in range(1000))) == "100.00"


@pytest.mark.parametrize("text", ["-0.01", "0,05", "€0.05", "NaN", "Infinity", "0.0000001", "1e30", "x"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"should be|negative|six places|thousand million"):
        amount.parse(text)


def test_amounts_are_shown_for_programs_and_for_people() -> None:
    assert (amount.exact(24_800), amount.exact(-1_500_000), amount.exact(0)) == ("0.0248", "-1.50", "0.00")
    assert (amount.shown(1_234_567_800), amount.shown(24_850, 3)) == ("1,234.5678", "0.025")


# Prices


def test_a_message_is_priced_by_the_list_of_its_day(tmp_path: Path) -> None:
    prices = book(tmp_path)
    assert prices.price("one", at("2025-12-31"), "NL", "utility") is None, "before the first list"
    assert prices.price("one", at("2026-09-30T23:59:59"), "NL", "utility") == 24_800
    assert prices.price("one", at("2026-10-01"), "NL", "utility") == 30_000


def test_a_list_that_has_ended_gives_no_price(tmp_path: Path) -> None:
    ended = GOOD.replace("valid_from: 2026-10-01", "valid_from: 2026-10-01\n    valid_until: 2027-01-01")
    prices = book(tmp_path, ended)
    assert prices.price("one", at("2026-12-31"), "NL", "utility") == 30_000
    assert prices.price("one", at("2027-01-01"), "NL", "utility") is None


@pytest.mark.parametrize(
    ("day", "country", "category", "price"),
    [
        ("2026-09-01", "BE", "utility", 20_000),
        ("2026-09-01", "BE", "marketing", None),
        ("2026-09-01", "DE", "utility", None),
        ("2026-09-01", "NL", "authentication", None),
        ("2026-10-01", "DE", "utility", 60_000),
        ("2026-10-01", "", "utility", None),
        ("2026-09-01", "NL", "service", 0),
    ],
)
def test_what_no_list_knows_is_unknown_and_never_nought(
    tmp_path: Path, day: str, country: str, category: str, price: int | None
) -> None:
    assert book(tmp_path).price("one", at(day), country, category) == price


def test_an_unknown_channel_has_neither_price_nor_currency(tmp_path: Path) -> None:
    found = charge(book(tmp_path), channel="two", brand="zz", country="NL", category="utility", at_ms=at("2026-09-01"))
    assert (found.expected, found.currency) == (None, "")
    assert found.detail == "ch=two b=zz mk=NL cat=utility"


def test_people_without_a_country_have_a_price_where_all_countries_have_the_same(tmp_path: Path) -> None:
    text = GOOD.partition("lists:")[0] + (
        "lists:\n  - valid_from: 2026-01-01\n    source: s\n    confidence: assumed\n"
        "    prices: {'*': {service: 0, utility: unknown}}\n"
    )
    prices = book(tmp_path, text)
    assert prices.price("one", at("2026-09-01"), "", SERVICE) == 0
    assert prices.price("one", at("2026-09-01"), "", "utility") is None


def test_the_words_of_a_fact_hold_the_price_and_nothing_else(tmp_path: Path) -> None:
    found = charge(book(tmp_path), channel="one", brand="z z", country="NL", category="utility", at_ms=at("2026-09-01"))
    assert found.detail == "ch=one b=zz mk=NL cat=utility cur=EUR ex=24800"


# Countries


@pytest.mark.parametrize(
    ("kind", "value", "country"),
    [
        ("phone", "+447700900123", "GB"),
        ("phone", "+12025550123", "US"),
        ("phone", "+31600000000", "NL"),
        ("phone", "+999123", ""),
        ("phone", "+", ""),
        ("user_id", "NL.13491208655302741918", "NL"),
        ("user_id", "XX.13491208655302741918", ""),
        ("psid", "24511122233344455", ""),
    ],
)
def test_the_country_is_read_from_how_a_person_is_known(kind: str, value: str, country: str) -> None:
    assert country_of([Identifier(kind, "", Personal(value))]) == country


def test_the_number_counts_before_the_country_of_an_id() -> None:
    known = [Identifier("user_id", "p", Personal("DE.1349120865")), Identifier("phone", "", Personal("+447700900123"))]
    assert country_of(known) == country_of(reversed(known)) == "GB"


@pytest.mark.parametrize("region", ["DO", "CA", "KZ", "RU", "JM", "PR", "LU", "IE", "DE", "BR", "IN", "ZA"])
def test_the_first_digits_tell_the_country_as_the_whole_number_does(region: str) -> None:
    number = phonenumbers.example_number(region)
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert country_of([Identifier("phone", "", Personal(text))]) == region


# Files that are refused


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("utility: 0.0248", "utility: -0.0248", "one.yaml, line 9: utility is negative"),
        ("utility: 0.0248", "utility: 0,0248", "one.yaml, line 9: "),
        ("utility: 0.0248", "utilty: 0.0248", "one.yaml, line 9: utilty is not known here; there are authentication"),
        (", marketing: 0.1}", "}", "one.yaml, line 9: NL has a gap: no price for marketing"),
        ("currency: EUR", "currency: EURO", "one.yaml, line 2: currency is no currency"),
        ("currency: EUR\n", "", "one.yaml, line 1: the file has no `currency`: add it"),
        ("[AT, BE]", "[AT, Belgium]", "one.yaml, line 7: rest_of_europe[1] is no country"),
        ("[AT, BE]", "[AT, AT]", "one.yaml, line 7: rest_of_europe[1] overlaps: AT is in rest_of_europe already"),
        ("[AT, BE]", "[AT, NL]", "one.yaml, line 9: NL overlaps: NL is in the market rest_of_europe already"),
        ("      rest_of_europe:", "      rest_of_asia:", "one.yaml, line 10: rest_of_asia is no country"),
        ("valid_from: 2026-10-01", "valid_from: 2026-01-01", "one.yaml, line 11: lists[1] overlaps: two lists"),
        (
            "valid_from: 2026-01-01",
            "valid_from: 2026-01-01\n    valid_until: 2026-09-01",
            "one.yaml, line 12: lists[1] leaves a gap: no list holds from 2026-09-01 to 2026-10-01",
        ),
        (
            "valid_from: 2026-01-01",
            "valid_from: 2026-01-01\n    valid_until: 2026-11-01",
            "one.yaml, line 12: lists[1] overlaps: the list before is valid until 2026-11-01",
        ),
        ("valid_from: 2026-10-01", "valid_from: soon", "one.yaml, line 11: valid_from should be a day"),
        ("valid_from: 2026-10-01", "valid_from: 2026-10-01\n    valid_until: 2026-10-01", "one.yaml, line 12: valid_until"),
        ("confidence: own\n    markets", "confidence: sure\n    markets", "one.yaml, line 6: confidence should be one of own"),
        ("channel: one", "channel: one\nchannel: two", "one.yaml, line 2: channel stands twice"),
        ("channel: one", "channel: [one", "one.yaml, line "),
        ("channel: one", "chanel: one", "one.yaml, line 1: chanel is not known here"),
    ],
)  # fmt: skip
def test_a_bad_price_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert GOOD.count(old) >= 1
    problems = refused(tmp_path, GOOD.replace(old, new, 1))
    assert any(problem in one for one in problems), problems


def test_every_problem_of_every_file_is_told_in_one_go(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text("")
    (tmp_path / "three.yaml").write_text("- a list\n")
    problems = refused(tmp_path, GOOD.replace("0.0248", "-1").replace("EUR", "euros"))
    assert {one.partition(",")[0].partition(":")[0] for one in problems} == {"one.yaml", "two.yaml", "three.yaml"}
    assert len([one for one in problems if one.startswith("one.yaml")]) == 2


def test_two_files_about_one_channel_are_refused(tmp_path: Path) -> None:
    (tmp_path / "zwei.yaml").write_text(GOOD)
    (problem,) = refused(tmp_path)
    assert "zwei.yaml: one has its prices in" in problem


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere") == (Book(), ())


def test_the_files_that_come_along_can_be_read_and_say_that_they_are_examples() -> None:
    found, budgets = load(ROOT / "prices")
    assert {one.confidence for one in found.channels["whatsapp"].lists} == {Confidence.EXAMPLE}
    assert {one.confidence for one in found.channels["messenger"].lists} == {Confidence.ASSUMED}
    now = at("2026-11-22")
    assert found.price("messenger", now, "", SERVICE) == 0
    assert found.price("messenger", now, "", "utility") is None, "no price is documented"
    assert found.price("whatsapp", now, "NL", SERVICE) == found.price("whatsapp", now, "NL", "utility")
    assert found.channels["whatsapp"].lists[-1].valid_from == date(2026, 10, 1)
    assert budgets == ()


# Budgets

BUDGETS = """\
budgets:
  - {name: all, per: month, limit: 500, currency: EUR}
  - {name: zz, brand: zz, per: day, limit: 20.5, currency: EUR}
"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("limit: 500, currency: EUR", "limit: 500, currency: USD", "line 2: currency is the wrong currency: prices are in EUR"),
        ("limit: 500", "limit: 0", "budgets.yaml, line 2: limit is 0"),
        ("limit: 500", "limit: -5", "budgets.yaml, line 2: limit is negative"),
        ("per: day", "per: week", "budgets.yaml, line 3: per should be one of day, month"),
        ("name: zz", "name: all", "budgets.yaml, line 3: name stands twice: all"),
        ("name: zz", "name: Z z", "budgets.yaml, line 3: name should be a word"),
        ("brand: zz", "brands: zz", "budgets.yaml, line 3: brands is not known here"),
        ("brand: zz", "warn_at: 100", "budgets.yaml, line 3: warn_at should be a whole number"),
    ],
)  # fmt: skip
def test_a_bad_budget_is_refused_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    problems = refused(tmp_path, GOOD, BUDGETS.replace(old, new, 1))
    assert any(problem in one for one in problems), problems


# Files that change


def changed(path: Path, text: str) -> None:
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))


def test_a_raised_budget_counts_without_a_restart_and_a_bad_one_leaves_the_last_good_one(tmp_path: Path) -> None:
    tariffs = Tariffs.open(folder(tmp_path, GOOD, BUDGETS))
    seconds = iter(range(100, 1000, 10))

    async def refresh() -> bool:
        return await tariffs.refresh(lambda: next(seconds))

    assert asyncio.run(refresh()) is False
    changed(tmp_path / "budgets.yaml", BUDGETS.replace("limit: 500", "limit: 700"))
    assert asyncio.run(refresh()) is True
    assert tariffs.budgets[0].limit == amount.parse("700")
    changed(tmp_path / "budgets.yaml", BUDGETS.replace("limit: 500", "limit: -1"))
    with capture_logs() as logs:
        assert asyncio.run(refresh()) is False
        assert asyncio.run(refresh()) is False
    assert [one["event"] for one in logs] == ["prices.refused"], "said once"
    assert tariffs.budgets[0].limit == amount.parse("700")


def test_files_are_looked_at_every_two_seconds_at_most(tmp_path: Path) -> None:
    tariffs = Tariffs.open(folder(tmp_path, GOOD, BUDGETS))
    assert asyncio.run(tariffs.refresh(lambda: 100.0)) is False
    changed(tmp_path / "budgets.yaml", BUDGETS.replace("limit: 500", "limit: 700"))
    assert asyncio.run(tariffs.refresh(lambda: 101.0)) is False
    assert asyncio.run(tariffs.refresh(lambda: 102.5)) is True
