"""Price lists: what a message costs by channel, day, country and category. Made by `read`, which has checked them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

CATEGORIES = frozenset(
    {
        "service", "utility", "marketing", "authentication", "authentication-international", "marketing_lite",
        "referral_conversion", "group_service", "group_utility", "group_marketing",
    }
)  # fmt: skip
"""Of free words in a conversation, and of templates; the words that channels use in their webhooks (Meta, statuses, 2026)."""
SERVICE = "service"
REST = "*"
"""The market of every country that no other market of the list holds."""
DAY_MS = 86_400_000


class Confidence(StrEnum):
    """Where a list's figures come from. EXAMPLE: invented, to be replaced; ASSUMED: nobody says so, it is believed."""

    OWN = "own"
    DOCUMENTED = "documented"
    ASSUMED = "assumed"
    EXAMPLE = "example"


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of one channel from one day on (UTC), until another day (exclusive; None = until further notice).

    market_of: country -> market, for countries that do not stand for themselves
    prices:    market -> category -> millionths of the currency; None where the file says `unknown`
    failed_free: what the channel could not deliver is not billed
    """

    valid_from: date
    valid_until: date | None
    source: str
    confidence: Confidence
    market_of: Mapping[str, str]
    prices: Mapping[str, Mapping[str, int | None]]
    failed_free: bool = True

    def price(self, country: str, category: str) -> int | None:
        """Millionths; None = unknown. A country that is not known has a price only where all countries have the same."""
        market = self.market_of.get(country, country)
        if not country or market not in self.prices:
            if not country and set(self.prices) != {REST}:
                return None
            market = REST
        return self.prices.get(market, {}).get(category)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel's price lists, oldest first, without gap or overlap, all in one currency. file: where they stand."""

    channel: str
    currency: str
    lists: tuple[PriceList, ...]
    file: str

    def on(self, day: date) -> PriceList | None:
        """The list in force on a day (UTC), None before the first and after the last."""
        for one in reversed(self.lists):
            if one.valid_from <= day:
                return one if one.valid_until is None or day < one.valid_until else None
        return None


@dataclass(frozen=True, slots=True)
class Book:
    """All channels' prices. An empty book knows no price."""

    channels: Mapping[str, Channel] = field(default_factory=dict)

    def currency(self, channel: str) -> str:
        """ISO 4217, "" for a channel without prices."""
        known = self.channels.get(channel)
        return known.currency if known else ""

    def price(self, channel: str, at_ms: int, country: str, category: str) -> int | None:
        """What one message costs by the list of its time: millionths of the channel's currency, None = unknown."""
        found = self.list_at(channel, at_ms)
        return found.price(country, category) if found else None

    def list_at(self, channel: str, at_ms: int) -> PriceList | None:
        known = self.channels.get(channel)
        return known.on(day_of(at_ms)) if known else None


@dataclass(frozen=True, slots=True)
class Charge:
    """What one message is expected to cost, and what that follows from. No number: the country of one.

    expected: millionths; None = unknown
    """

    channel: str
    brand: str
    country: str
    category: str
    currency: str
    expected: int | None
    at_ms: int

    @property
    def detail(self) -> str:
        """Words for the fact that the channel took it; read back by the history (insight/costs.py)."""
        known = "" if self.expected is None else str(self.expected)
        found = {"ch": self.channel, "b": self.brand, "mk": self.country, "cat": self.category, "cur": self.currency, "ex": known}
        return " ".join(f"{name}={_word(value)}" for name, value in found.items() if value)

    @property
    def month(self) -> str:
        return month_of(day_of(self.at_ms))


def charge(book: Book, *, channel: str, brand: str, country: str, category: str, at_ms: int) -> Charge:
    """The expected price of one message. category: a template's own, or SERVICE for free words inside the window."""
    price = book.price(channel, at_ms, country, category)
    return Charge(channel, brand, country, category, book.currency(channel), price, at_ms)


def day_of(at_ms: int) -> date:
    """The day (UTC) of a time."""
    return _day(at_ms // DAY_MS)


@lru_cache(maxsize=512)
def _day(number: int) -> date:
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).date()


def month_of(day: date) -> str:
    """2026-11"""
    return f"{day.year}-{day.month:02d}"


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter in "._-")
