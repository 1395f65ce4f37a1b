"""One row for every message that a channel took: what it was expected to cost, and what the channel said of it.

Made by the fold out of the facts `accepted` (expected price, country, category: `Charge.detail`), `sent` ... `played` (what the
channel billed it as) and `failed`, in the transaction that moves the fold's position: each fact counts once. The amount that
was really charged is not kept but worked out from the price list of its day (cost_report.py), so a corrected list corrects it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.insight.tables import costs_table as costs
from gateway.prices.model import DAY_MS
from gateway.store.facts import Fact

HEARD = frozenset({"sent", "delivered", "read", "played"})
_KEYS = {
    "notification": "nt",
    "sender": "s",
    "channel": "ch",
    "brand": "b",
    "country": "mk",
    "category": "cat",
    "currency": "cur",
}
_CHUNK = 400


@dataclass
class Changes:
    """What some facts mean for the rows: new ones (by message), what the channel said, and who failed or did not after all."""

    added: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: dict[str, tuple[str, str]] = field(default_factory=dict)
    failed: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Messages that differ in nothing that a report asks for. day: days since 1970 (UTC).

    expected: the sum of expected prices, millionths; None = not known of any of them
    said, said_category: the channel's words ("regular", "utility"); "" while it has not said
    """

    day: int
    notification: str
    channel: str
    brand: str
    country: str
    category: str
    currency: str
    said: str
    said_category: str
    failed: bool
    messages: int
    expected: int | None


def changes_of(facts: Iterable[Fact]) -> Changes:
    """Pure: the changes of these facts, in their order."""
    made = Changes()
    for fact in facts:
        message = fact.id_of("m")
        if not message:
            continue
        if fact.kind == "accepted":
            made.added[message] = row_of(fact)
            made.said.pop(message, None)
            made.failed.pop(message, None)
        elif fact.kind in HEARD:
            made.failed[message] = False
            if fact.detail.get("type"):
                made.said[message] = (fact.detail["type"], fact.detail.get("category", ""))
        elif fact.kind == "failed":
            made.failed[message] = True
    return made


def row_of(fact: Fact) -> dict[str, Any]:
    """The row that a message begins with. Sent again after a failure, it begins anew: a failed copy costs nothing."""
    expected = fact.detail.get("ex", "")
    row: dict[str, Any] = {name: fact.detail.get(key, "") for name, key in _KEYS.items()}
    return row | {
        "message": fact.id_of("m"),
        "at_ms": fact.at_ms,
        "expected": int(expected) if expected.isascii() and expected.isdigit() else None,
        "said": "",
        "said_category": "",
        "failed": False,
    }


def write(connection: Connection, facts: Iterable[Fact]) -> None:
    """Bring the rows up to date with facts that are folded in this transaction."""
    made = changes_of(facts)
    for message, row in made.added.items():
        row["said"], row["said_category"] = made.said.pop(message, ("", ""))
        row["failed"] = made.failed.pop(message, False)
    new = list(made.added)
    for begin in range(0, len(new), _CHUNK):
        connection.execute(sql.delete(costs).where(costs.c.message.in_(new[begin : begin + _CHUNK])))
    if made.added:
        connection.execute(sql.insert(costs), list(made.added.values()))
    if made.said:
        connection.execute(
            sql.update(costs)
            .where(costs.c.message == sql.bindparam("one"))
            .values(said=sql.bindparam("word"), said_category=sql.bindparam("as_category")),
            [{"one": message, "word": said[0], "as_category": said[1]} for message, said in made.said.items()],
        )
    for failed in (True, False):
        chosen = [message for message, now in made.failed.items() if now is failed]
        for begin in range(0, len(chosen), _CHUNK):
            some = sql.and_(costs.c.message.in_(chosen[begin : begin + _CHUNK]), costs.c.failed != failed)
            connection.execute(sql.update(costs).where(some).values(failed=failed))


def read(connection: Connection, since_ms: int, until_ms: int) -> list[Group]:
    """The messages taken in [since, until), counted by everything that a report asks for."""
    unknown = costs.c.expected.is_(None)
    by = (
        (costs.c.at_ms // DAY_MS).label("day"), costs.c.notification, costs.c.channel, costs.c.brand, costs.c.country,
        costs.c.category, costs.c.currency, costs.c.said, costs.c.said_category, costs.c.failed,
    )  # fmt: skip
    query = (
        sql.select(*by, sql.func.count().label("messages"), sql.func.sum(costs.c.expected).label("expected"))
        .where(costs.c.at_ms >= since_ms, costs.c.at_ms < until_ms)
        .group_by(*by, unknown)
        .order_by(*by)
    )
    return [_group(dict(row._mapping)) for row in connection.execute(query)]


def expected_of(connection: Connection, messages: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Per message (currency, expected price in millionths), of those whose price is known and that did not fail. At most 500."""
    known = sql.and_(costs.c.message.in_(list(messages)[-500:]), costs.c.expected.is_not(None), sql.not_(costs.c.failed))
    query = sql.select(costs.c.message, costs.c.currency, costs.c.expected).where(known)
    return {row.message: (row.currency, row.expected) for row in connection.execute(query)}


def groups_of(connection: Connection, messages: Sequence[str]) -> dict[str, Group]:
    """Per message the group that it alone is, for what it costs (cost_report.real). At most 500."""
    names = [name for name in Group.__dataclass_fields__ if name not in ("day", "messages")]
    columns = (costs.c.message, (costs.c.at_ms // DAY_MS).label("day"), *(costs.c[name] for name in names))
    query = sql.select(*columns).where(costs.c.message.in_(list(messages)[-500:]))
    return {
        row.message: _group({**{name: getattr(row, name) for name in (*names, "day")}, "messages": 1})
        for row in connection.execute(query)
    }


def _group(row: Mapping[str, Any]) -> Group:
    # A database may give a sum as its own decimal type; all of them are whole.
    expected = None if row["expected"] is None else int(row["expected"])
    return Group(**{**row, "day": int(row["day"]), "failed": bool(row["failed"]), "expected": expected})
