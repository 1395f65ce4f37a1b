"""What messages cost, added up: expected prices, real ones, and the difference. Pure; amounts are whole millionths.

Expected: by the price list, country, category and form known when the channel took it. Real: by the same list of that day, as the
category that the channel itself billed it as; nought where it said free, or could not deliver what it bills on delivery. Of what
it has not said yet, or in a word that nobody knows, the real price is unknown: counted apart, never as nought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from gateway.prices.model import DAY_MS, Book, Confidence

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.costs import Group

BILLED = "regular"
FREE = "free"
"""What the words of a channel begin with for what it does not charge (free_customer_service, free_entry_point)."""
UNKNOWN = "?"

BY: Mapping[str, Callable[[Group], str]] = {
    "day": lambda one: day(one.day).isoformat(),
    "notification": lambda one: one.notification,
    "brand": lambda one: one.brand,
    "country": lambda one: one.country,
    "channel": lambda one: one.channel,
    "category": lambda one: one.category,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report. expected, real: of those messages of which they are known; the others are counted beside.

    difference: real less expected, of the `compared` messages of which both are known
    """

    key: str
    currency: str
    messages: int = 0
    expected: int = 0
    expected_unknown: int = 0
    real: int = 0
    real_unknown: int = 0
    compared: int = 0
    difference: int = 0

    def __add__(self, other: Row) -> Row:
        return Row(
            self.key,
            self.currency,
            self.messages + other.messages,
            self.expected + other.expected,
            self.expected_unknown + other.expected_unknown,
            self.real + other.real,
            self.real_unknown + other.real_unknown,
            self.compared + other.compared,
            self.difference + other.difference,
        )


def rows(groups: Iterable[Group], book: Book, by: str) -> list[Row]:
    """One row for each key and currency, in their order. by: a key of BY."""
    found: dict[tuple[str, str], Row] = {}
    for group in groups:
        one = _row(BY[by](group) or UNKNOWN, group, book)
        place = one.key, one.currency
        found[place] = found[place] + one if place in found else one
    return [found[place] for place in sorted(found)]


def totals(found: Iterable[Row]) -> list[Row]:
    """One row a currency: amounts of two currencies are never added."""
    sums: dict[str, Row] = {}
    for row in found:
        sums[row.currency] = sums.get(row.currency, Row("total", row.currency)) + row
    return [sums[currency] for currency in sorted(sums)]


def real(group: Group, book: Book) -> int | None:
    """What the channel charged for all of a group, millionths; None = not known."""
    known = book.channels.get(group.channel)
    found = known.on(day(group.day)) if known else None
    if group.said.startswith(FREE):
        return 0
    if known is None or found is None or group.currency not in ("", known.currency):
        return None
    if group.failed and found.failed_free:
        return 0
    if group.said != BILLED:
        return None
    price = found.price(group.country, group.said_category or group.category)
    return None if price is None else price * group.messages


def day(number: int) -> date:
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).date()


def doubts(groups: Iterable[Group], book: Book) -> list[str]:
    """What a reader of a report must know about its figures, in sentences."""
    found: set[str] = set()
    for group in groups:
        known = book.channels.get(group.channel)
        listed = known.on(day(group.day)) if known else None
        if known is not None and listed is not None and listed.confidence in (Confidence.EXAMPLE, Confidence.ASSUMED):
            word = "examples, not anybody's prices" if listed.confidence is Confidence.EXAMPLE else "assumed, not documented"
            found.add(f"prices of {group.channel} from {listed.valid_from} are {word}: put your own price list into {known.file}")
        elif group.channel and listed is None:
            found.add(f"no price list of {group.channel} holds for some of these days: add one to the folder of prices")
    return sorted(found)


def _row(key: str, group: Group, book: Book) -> Row:
    charged = real(group, book)
    both = charged is not None and group.expected is not None
    return Row(
        key=key,
        currency=group.currency or book.currency(group.channel) or UNKNOWN,
        messages=group.messages,
        expected=group.expected or 0,
        expected_unknown=group.messages if group.expected is None else 0,
        real=charged or 0,
        real_unknown=group.messages if charged is None else 0,
        compared=group.messages if both else 0,
        difference=(charged or 0) - (group.expected or 0) if both else 0,
    )
