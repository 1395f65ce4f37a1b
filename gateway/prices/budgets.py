"""Budgets: how much may be spent in a day or month, by one brand or all. Pure: amounts come in, where each stands goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gateway.model.message import Priority
from gateway.prices.model import Charge, day_of, month_of

WARN_AT = 80
"""Per cent of the limit from which a budget warns, unless it says otherwise."""


class Per(StrEnum):
    """Days and months are those of UTC, like the days of the price lists."""

    DAY = "day"
    MONTH = "month"


class Level(StrEnum):
    FINE = "fine"
    WARNED = "warned"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Budget:
    """brand: None = all brands together. limit: millionths of the currency, over 0. warn_at: per cent."""

    name: str
    brand: str | None
    per: Per
    limit: int
    currency: str
    warn_at: int = WARN_AT

    def counter(self, at_ms: int) -> tuple[str, str]:
        """(month, field) of the counters that hold what it has spent in the period of a time."""
        day = day_of(at_ms)
        return month_of(day), _field(self.currency, self.brand or "", f"{day.day:02d}" if self.per is Per.DAY else "")

    def period(self, at_ms: int) -> str:
        """2026-11-22 or 2026-11."""
        return f"{day_of(at_ms):%Y-%m-%d}" if self.per is Per.DAY else f"{day_of(at_ms):%Y-%m}"

    def ends_ms(self, at_ms: int) -> int:
        """When the period of a time ends and the next begins."""
        day = datetime.fromtimestamp(at_ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        after = day + timedelta(days=1) if self.per is Per.DAY else month
        return round(after.timestamp()) * 1000

    def level(self, spent: int) -> Level:
        if spent >= self.limit:
            return Level.FULL
        return Level.WARNED if spent * 100 >= self.limit * self.warn_at else Level.FINE

    def concerns(self, charge: Charge) -> bool:
        """Whether a message would be paid from it. What is known to be free is paid from none."""
        if charge.expected == 0 or self.brand not in (None, charge.brand):
            return False
        return charge.expected is None or charge.currency == self.currency


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a budget stands in its present period. spent: millionths, by expected prices of what the channels took."""

    budget: Budget
    period: str
    spent: int

    @property
    def level(self) -> Level:
        return self.budget.level(self.spent)

    @property
    def percent(self) -> int:
        """Rounded down: 99 is not all of it yet."""
        return self.spent * 100 // self.budget.limit


def fields(charge: Charge) -> tuple[str, ...]:
    """The counters that a message adds its price to: its brand's and everybody's, of the month and of the day."""
    day = f"{day_of(charge.at_ms).day:02d}"
    return tuple(_field(charge.currency, brand, of) for brand in dict.fromkeys((charge.brand, "")) for of in ("", day))


def standings(budgets: Sequence[Budget], counted: Mapping[tuple[str, str], int], now_ms: int) -> list[Standing]:
    """counted: (month, field) -> millionths; what is not there is nought."""
    return [Standing(one, one.period(now_ms), counted.get(one.counter(now_ms), 0)) for one in budgets]


def holds(found: Sequence[Standing], charge: Charge, priority: Priority) -> Standing | None:
    """The budget that has no money left for this message. What is urgent, and what people write to people, is never held."""
    if priority <= Priority.URGENT:
        return None
    return next((one for one in found if one.level is Level.FULL and one.budget.concerns(charge)), None)


def _field(currency: str, brand: str, day: str) -> str:
    return f"{currency}:{brand}:{day}"
