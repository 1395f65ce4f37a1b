"""The tables of the history, and how facts and pending messages become their rows and back.

facts and fact_ids: what happened, and by which ids it is found. positions: how far each partition is folded. pending: messages
that may turn out unreached. costs: what each message that a channel took should cost (costs.py). Texts have no length: one that
were too long would stop the fold for ever.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from gateway.insight.unreached import Pending
from gateway.store.facts import Fact

metadata = sql.MetaData()

facts_table = sql.Table(
    "facts",
    metadata,
    sql.Column("partition", sql.SmallInteger, primary_key=True),
    sql.Column("stream_id", sql.String, primary_key=True),
    sql.Column("at_ms", sql.BigInteger, nullable=False),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("ids", sql.String, nullable=False),
    sql.Column("detail", sql.JSON, nullable=False),
    sql.Index("facts_at", "at_ms"),
    sql.Index("facts_kind_at", "kind", "at_ms"),
)
ids_table = sql.Table(
    "fact_ids",
    metadata,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("partition", sql.SmallInteger, primary_key=True),
    sql.Column("stream_id", sql.String, primary_key=True),
    sql.Column("at_ms", sql.BigInteger, nullable=False),
    sql.Index("fact_ids_at", "at_ms"),
)
positions_table = sql.Table(
    "positions",
    metadata,
    sql.Column("partition", sql.SmallInteger, primary_key=True, autoincrement=False),
    sql.Column("stream_id", sql.String, nullable=False),
    sql.Column("high", sql.String, nullable=False),
)
pending_table = sql.Table(
    "pending",
    metadata,
    sql.Column("message", sql.String, primary_key=True),
    sql.Column("partition", sql.SmallInteger, nullable=False, index=True),
    sql.Column("stream_id", sql.String, nullable=False),
    sql.Column("at_ms", sql.BigInteger, nullable=False),
    sql.Column("due_ms", sql.BigInteger, nullable=False),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("reason", sql.String, nullable=False),
    sql.Column("notification", sql.String, nullable=False),
    sql.Column("ids", sql.String, nullable=False),
)


costs_table = sql.Table(
    "costs",
    metadata,
    sql.Column("message", sql.String, primary_key=True),
    sql.Column("at_ms", sql.BigInteger, nullable=False),
    sql.Column("notification", sql.String, nullable=False),
    sql.Column("sender", sql.String, nullable=False),
    sql.Column("channel", sql.String, nullable=False),
    sql.Column("brand", sql.String, nullable=False),
    sql.Column("country", sql.String, nullable=False),
    sql.Column("category", sql.String, nullable=False),
    sql.Column("currency", sql.String, nullable=False),
    sql.Column("expected", sql.BigInteger, nullable=True),
    sql.Column("said", sql.String, nullable=False),
    sql.Column("said_category", sql.String, nullable=False),
    sql.Column("failed", sql.Boolean, nullable=False),
    sql.Index("costs_at", "at_ms"),
)


def fact_row(fact: Fact) -> dict[str, Any]:
    return {
        "partition": fact.partition,
        "stream_id": fact.stream_id,
        "at_ms": fact.at_ms,
        "kind": fact.kind,
        "ids": " ".join(fact.ids),
        "detail": dict(fact.detail),
    }


def id_rows(fact: Fact) -> list[dict[str, Any]]:
    row = {"partition": fact.partition, "stream_id": fact.stream_id, "at_ms": fact.at_ms}
    return [{"id": one, **row} for one in dict.fromkeys(fact.ids)]


def pending_row(one: Pending) -> dict[str, Any]:
    return {
        "message": one.message,
        "partition": one.partition,
        "stream_id": one.stream_id,
        "at_ms": one.at_ms,
        "due_ms": one.due_ms,
        "kind": one.kind,
        "reason": one.reason,
        "notification": one.notification,
        "ids": " ".join(one.ids),
    }


def fact_of(row: Any) -> Fact:
    return Fact(row.partition, row.stream_id, row.at_ms, row.kind, tuple(row.ids.split()), row.detail)


def pending_of(row: Any) -> Pending:
    return Pending(**{**row._mapping, "ids": tuple(row.ids.split())})
