"""What was spent, out of facts: expected beside real, by any key, and what nobody knows counted apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.cli.cost import as_text
from gateway.insight.cost_report import Row, doubts, real, rows, totals
from gateway.insight.costs import Group, changes_of
from gateway.insight.kinds import say
from gateway.prices.model import Book, Channel, Confidence, PriceList
from gateway.store.facts import Fact, parse_detail

PRICES = {
    "NL": {"service": 10_000, "utility": 20_000, "marketing": 100_000},
    "GB": {"service": 0, "utility": 5_000, "marketing": None},
}
OCTOBER = PriceList(date(2026, 10, 1), None, "contract", Confidence.OWN, {}, PRICES)
BOOK = Book({"one": Channel("one", "EUR", (OCTOBER,), "prices/one.yaml")})
DAY = (date(2026, 11, 22) - date(1970, 1, 1)).days
GROUP = Group(DAY, "gate_changed", "one", "zz", "NL", "utility", "EUR", "regular", "utility", False, 10, 200_000)


def fact(kind: str, message: str = "m07a", detail: str = "", at_ms: int = 1) -> Fact:
    return Fact(7, "1-0", at_ms, kind, (message, "c07a"), parse_detail(detail))


# The real price


@pytest.mark.parametrize(
    ("change", "price"),
    [
        ({}, 200_000),
        ({"said": "free_customer_service", "said_category": "service"}, 0),
        ({"said": "free_entry_point"}, 0),
        ({"said_category": "marketing"}, 1_000_000),
        ({"said_category": ""}, 200_000),
        ({"said": ""}, None),
        ({"said": "a_new_word"}, None),
        ({"failed": True, "said": ""}, 0),
        ({"failed": True}, 0),
        ({"country": "GB", "said_category": "marketing"}, None),
        ({"country": "DE"}, None),
        ({"country": ""}, None),
        ({"channel": "two"}, None),
        ({"day": DAY - 100}, None),
        ({"currency": "USD"}, None),
        ({"currency": "", "expected": None}, 200_000),
    ],
)
def test_the_real_price_is_what_the_channel_said_by_the_list_of_that_day(change: dict[str, object], price: int | None) -> None:
    assert real(replace(GROUP, **change), BOOK) == price  # type: ignore[arg-type]


def test_what_failed_costs_where_the_list_says_that_it_is_billed_all_the_same() -> None:
    billed = Book({"one": Channel("one", "EUR", (replace(OCTOBER, failed_free=False),), "prices/one.yaml")})
    assert real(replace(GROUP, failed=True), billed) == 200_000


# The report


def test_a_report_counts_what_is_known_and_beside_it_what_is_not() -> None:
    groups = [
        GROUP,
        replace(GROUP, said="free_customer_service", messages=3, expected=60_000),
        replace(GROUP, said="", messages=2, expected=40_000),
        replace(GROUP, country="DE", messages=1, expected=None),
    ]
    (row,) = rows(groups, BOOK, "notification")
    assert row == Row("gate_changed", "EUR", 16, 300_000, 1, 200_000, 3, 13, 200_000 - 260_000)


def test_a_report_by_country_names_what_is_unknown_by_a_question_mark() -> None:
    found = rows([GROUP, replace(GROUP, country="", expected=None)], BOOK, "country")
    assert [(row.key, row.expected_unknown, row.real_unknown) for row in found] == [("?", 10, 10), ("NL", 0, 0)]


@pytest.mark.parametrize(("by", "keys"), [("day", ["2026-11-22", "2026-11-23"]), ("brand", ["exr", "zz"]), ("channel", ["one"])])
def test_a_report_has_a_line_for_each(by: str, keys: list[str]) -> None:
    found = rows([GROUP, replace(GROUP, day=DAY + 1, brand="exr")], BOOK, by)
    assert [row.key for row in found] == keys


def test_amounts_of_two_currencies_are_never_added() -> None:
    found = rows([GROUP, replace(GROUP, currency="USD", channel="two")], BOOK, "brand")
    assert [(row.key, row.currency, row.expected) for row in found] == [("zz", "EUR", 200_000), ("zz", "USD", 200_000)]
    assert [(row.key, row.currency) for row in totals(found)] == [("total", "EUR"), ("total", "USD")]


def test_a_table_shows_the_unknown_as_unknown() -> None:
    groups = [GROUP, replace(GROUP, brand="exr", expected=None, said="", messages=4)]
    lines = as_text("brand", rows(groups, BOOK, "brand")).splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["exr", "4", "EUR", "?", "(4)", "?", "(4)", "?", "(4)"],
        ["zz", "10", "EUR", "0.2000", "0.2000", "0.0000"],
        ["total", "14", "EUR", "0.2000", "+", "?", "(4)", "0.2000", "+", "?", "(4)", "0.0000", "+", "?", "(4)"],
    ]
    assert lines[-1].startswith("? (n): not known of n messages")


def test_a_report_says_when_its_figures_are_nobodys_prices() -> None:
    example = Book({"one": Channel("one", "EUR", (replace(OCTOBER, confidence=Confidence.EXAMPLE),), "prices/one.yaml")})
    assert doubts([GROUP], BOOK) == []
    (note,) = doubts([GROUP], example)
    assert "examples" in note
    assert "prices/one.yaml" in note
    assert "no price list of one" in doubts([replace(GROUP, day=1)], BOOK)[0]


# Facts


def test_facts_of_one_message_become_one_row() -> None:
    detail = "attempt=1 as=t s=zz-one nt=gate_changed ch=one b=zz mk=NL cat=utility cur=EUR ex=20000"
    made = changes_of(
        [
            fact("accepted", detail=detail, at_ms=17),
            fact("sent", detail="at=18 type=regular category=utility"),
            fact("delivered", detail="at=19"),
            fact("claimed", "m07b"),
            Fact(7, "1-1", 1, "stopped", (), {}),
        ]
    )
    assert set(made.added) == {"m07a"}
    row = made.added["m07a"]
    assert (row["brand"], row["country"], row["expected"], row["at_ms"]) == ("zz", "NL", 20_000, 17)
    assert made.said == {"m07a": ("regular", "utility")}
    assert made.failed == {"m07a": False}


def test_a_message_without_a_price_has_a_row_that_says_so() -> None:
    (row,) = changes_of([fact("accepted", detail="attempt=1 by=evidence was=q s=zz-one nt=gate_changed")]).added.values()
    assert (row["expected"], row["brand"], row["notification"]) == (None, "", "gate_changed")


def test_delivered_after_failed_wins_and_a_new_attempt_begins_anew() -> None:
    assert changes_of([fact("failed"), fact("delivered")]).failed == {"m07a": False}
    again = changes_of([fact("sent", detail="type=regular"), fact("failed"), fact("accepted", detail="attempt=2 ex=5")])
    assert (again.failed, again.said, list(again.added)) == ({}, {}, ["m07a"])


def test_trace_tells_the_price_in_words() -> None:
    accepted = fact("accepted", detail="attempt=1 ch=one mk=NL cat=utility cur=EUR ex=24800")
    assert say(accepted, str) == "the channel took it (attempt 1); expected price 0.0248 EUR (utility NL)"
    assert say(fact("accepted", detail="attempt=1 ch=one"), str) == "the channel took it (attempt 1)"
    assert say(fact("sent", detail="at=0 type=regular category=utility"), str) == "left the channel; billed as utility"
    assert say(fact("sent", detail="at=0 type=free_customer_service category=service"), str) == (
        "left the channel; free of charge (service)"
    )
    held = fact("later", detail="attempt=1 at=0 why=budget budget=all")
    assert say(held, str) == "put off: the budget that would pay for it is used up, and it is not urgent"
