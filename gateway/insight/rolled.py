"""What a roll-out did, counted of the folded facts: people told, left out and held out, and what came of it. No personal data.

A message that a roll-out was asked about carries its name in the fact that planned or suppressed it (`ro`); everything else
about that message, and about its contact, is found by their ids. Somebody with two bookings may be among the told and among
the held out, and is counted in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.insight.tables import facts_table, ids_table

FAILED = ("failed", "dead")
ASKED_MS = 48 * 3600_000
"""So long after a message a conversation counts as opened because of it, or for want of it."""
_OPENED = ("opened", "reopened")


@dataclass(frozen=True, slots=True)
class Measures:
    """told, left_out, held_out: people. messages: of the told; failed: of these. asked: people who opened a conversation.

    opted_out: people among the told who stopped news since, by a word or at the channel
    """

    told: int = 0
    left_out: int = 0
    held_out: int = 0
    messages: int = 0
    failed: int = 0
    opted_out: int = 0
    told_asked: int = 0
    held_out_asked: int = 0


def read(connection: Connection, name: str, *, since_ms: int, until_ms: int) -> Measures:
    """Of the messages planned in [since, until)."""

    def planned(kind: str, reason: str = "") -> Any:
        query = sql.select(facts_table.c.partition, facts_table.c.stream_id, facts_table.c.at_ms).where(
            facts_table.c.kind == kind, facts_table.c.at_ms >= since_ms, facts_table.c.at_ms < until_ms,
            facts_table.c.detail["ro"].as_string() == name,
        )  # fmt: skip
        return (query.where(facts_table.c.detail["reason"].as_string() == reason) if reason else query).subquery()

    told, held_out = planned("enqueued"), planned("suppressed", "held_out")
    people, held_people = _ids(told, "c"), _ids(held_out, "c")
    messages = _ids(told, "m")
    return Measures(
        told=_distinct(connection, people),
        left_out=_distinct(connection, _ids(planned("suppressed", "not_in_rollout"), "c")),
        held_out=_distinct(connection, held_people),
        messages=_distinct(connection, messages),
        failed=_distinct(connection, _also(messages, FAILED, since_ms)),
        opted_out=_opted_out(connection, people, since_ms),
        told_asked=_distinct(connection, _asked(people)),
        held_out_asked=_distinct(connection, _asked(held_people)),
    )


def people_of(connection: Connection, notifications: Sequence[str], *, since_ms: int, until_ms: int) -> int:
    """How many people were told one of these, or would have been but for a roll-out."""
    kind, detail = facts_table.c.kind, facts_table.c.detail
    found = (
        sql.select(facts_table.c.partition, facts_table.c.stream_id, facts_table.c.at_ms)
        .where(
            facts_table.c.at_ms >= since_ms, facts_table.c.at_ms < until_ms,
            detail["nt"].as_string().in_(notifications),
            sql.or_(
                kind == "enqueued",
                sql.and_(kind == "suppressed", detail["reason"].as_string().in_(("not_in_rollout", "held_out"))),
            ),
        )
        .subquery()
    )  # fmt: skip
    return _distinct(connection, _ids(found, "c"))


def _ids(facts: Any, letter: str) -> Any:
    """(id, at_ms) of the ids of one kind in these facts: m message, c contact."""
    same = sql.and_(ids_table.c.partition == facts.c.partition, ids_table.c.stream_id == facts.c.stream_id)
    return sql.select(ids_table.c.id, facts.c.at_ms).join(facts, same).where(ids_table.c.id.like(f"{letter}%")).subquery()


def _also(ids: Any, kinds: Sequence[str], since_ms: int) -> Any:
    """Those of these ids that facts of these kinds name too, since then."""
    other = ids_table.alias()
    same = sql.and_(other.c.partition == facts_table.c.partition, other.c.stream_id == facts_table.c.stream_id)
    return (
        sql.select(ids.c.id)
        .join(other, other.c.id == ids.c.id)
        .join(facts_table, same)
        .where(facts_table.c.kind.in_(kinds), facts_table.c.at_ms >= since_ms)
        .subquery()
    )


def _asked(people: Any) -> Any:
    """Those of these people who opened a conversation within ASKED_MS."""
    other = ids_table.alias()
    same = sql.and_(other.c.partition == facts_table.c.partition, other.c.stream_id == facts_table.c.stream_id)
    within = sql.and_(facts_table.c.at_ms >= people.c.at_ms, facts_table.c.at_ms < people.c.at_ms + ASKED_MS)
    return (
        sql.select(people.c.id)
        .join(other, other.c.id == people.c.id)
        .join(facts_table, same)
        .where(facts_table.c.kind.in_(_OPENED), within)
        .subquery()
    )


def _opted_out(connection: Connection, people: Any, since_ms: int) -> int:
    other = ids_table.alias()
    same = sql.and_(other.c.partition == facts_table.c.partition, other.c.stream_id == facts_table.c.stream_id)
    query = (
        sql.select(people.c.id, facts_table.c.kind, facts_table.c.detail)
        .join(other, other.c.id == people.c.id)
        .join(facts_table, same)
        .where(
            facts_table.c.kind.in_(("consent", *FAILED)),
            facts_table.c.at_ms >= people.c.at_ms,
            facts_table.c.at_ms >= since_ms,
        )
    )
    return len({row.id for row in connection.execute(query) if _turns_away(row.kind, row.detail)})


def _turns_away(kind: str, detail: dict[str, str]) -> bool:
    if kind == "consent":
        return any(name.startswith("k:") and value != "g" for name, value in detail.items())
    return detail.get("reason") == "opted_out_at_channel"


def _distinct(connection: Connection, ids: Any) -> int:
    return int(connection.execute(sql.select(sql.func.count(sql.distinct(ids.c.id)))).scalar() or 0)
