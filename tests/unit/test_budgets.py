"""Budgets: whose money, of which period, from where on they warn, and whom they hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.model.message import Priority
from gateway.prices.budgets import Budget, Level, Per, fields, holds, standings
from gateway.prices.model import Charge

UNIT = 1_000_000
ALL = Budget("all", None, Per.MONTH, 100 * UNIT, "EUR")
ONE = Budget("one", "zz", Per.DAY, 10 * UNIT, "EUR")


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOON = at("2026-11-22T12:00")


def charge(brand: str = "zz", expected: int | None = 20_000, currency: str = "EUR", at_ms: int = NOON) -> Charge:
    return Charge("one", brand, "NL", "utility", currency, expected, at_ms)


def test_a_message_adds_to_the_counters_that_its_budgets_read() -> None:
    wanted = {ALL.counter(NOON), ONE.counter(NOON)}
    assert wanted <= {(charge().month, name) for name in fields(charge())}
    assert ONE.counter(NOON)[1] not in fields(charge(brand="exr"))
    assert ALL.counter(NOON)[1] in fields(charge(brand=""))


def test_the_day_and_the_month_of_a_budget_end_at_midnight_of_utc() -> None:
    assert ONE.ends_ms(NOON) == at("2026-11-23T00:00")
    assert ALL.ends_ms(NOON) == at("2026-12-01T00:00")
    assert ALL.ends_ms(at("2026-12-31T23:59")) == at("2027-01-01T00:00")
    assert ONE.counter(at("2026-11-23T00:00")) != ONE.counter(at("2026-11-22T23:59:59"))
    assert ALL.counter(at("2026-12-01T00:00")) != ALL.counter(NOON)


@pytest.mark.parametrize(
    ("spent", "level"),
    [
        (0, Level.FINE),
        (79_999_999, Level.FINE),
        (80_000_000, Level.WARNED),
        (99_999_999, Level.WARNED),
        (100_000_000, Level.FULL),
    ],
)
def test_a_budget_warns_at_its_share_and_is_full_at_its_limit(spent: int, level: Level) -> None:
    assert ALL.level(spent) is level


@pytest.mark.parametrize(
    ("message", "priority", "held"),
    [
        (charge(), Priority.NORMAL, True),
        (charge(), Priority.BULK, True),
        (charge(), Priority.URGENT, False),
        (charge(), Priority.AGENT, False),
        (charge(expected=0), Priority.BULK, False),
        (charge(expected=None), Priority.BULK, True),
        (charge(brand="exr"), Priority.BULK, False),
        (charge(currency="USD"), Priority.BULK, False),
    ],
)
def test_a_used_up_budget_holds_what_it_would_pay_for_and_is_not_urgent(
    message: Charge, priority: Priority, held: bool
) -> None:
    found = standings([ONE], {ONE.counter(NOON): 10 * UNIT}, NOON)
    assert (holds(found, message, priority) is not None) is held


def test_a_budget_that_is_nearly_used_up_holds_nothing() -> None:
    found = standings([ONE, ALL], {ONE.counter(NOON): 10 * UNIT - 1}, NOON)
    assert holds(found, charge(), Priority.BULK) is None
    assert [one.percent for one in found] == [99, 0]
