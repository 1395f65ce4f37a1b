"""The audit: who did what to whom or what, from where, and what it was before. Rows are only ever added.

Entries are written as facts, by the script that did the thing or beside it, and brought here by the fold in the transaction that
moves its position: each is here once, whatever dies. There is no call here that changes a row; the database's own triggers refuse
it (migrations 0002), and refuse to forget what is younger than a year. `forget` drops what is past its time, 24 months.

Whose an entry is. One about a conversation or a search says its brand; one about a person at the desk (a sign-in, their rights)
belongs to every brand that the person works for now; the rest (brakes, keys, erasures) is the whole house's. Who audits some
brands sees the first two kinds of theirs, by `Within`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.insight.closed_tables import audit_table as table
from gateway.insight.database import Database, insert
from gateway.model.audit import OF_PEOPLE, Audited
from gateway.store.facts import Fact

AUDIT_MONTHS = 24
PAGE = 200
_c = table.c

BY_HAND = frozenset(
    {
        "stopped", "resumed", "fuse_asked", "fuse_released", "fuse_discarded", "corrected", "noticed", "crisis",
        "crisis_lift_asked", "crisis_lifted", "rollout_started", "rollout_raised", "rollout_lowered", "rollout_held",
        "rollout_resumed", "rollout_stopped", "rollout_ended", "replayed", "discarded", "version", "erasing", "erased",
        "backed_up", "restored", "rewrapped",
    }
)  # fmt: skip
"""What people do that is told by facts of other parts: brakes, dead letters, erasures, keys."""
KINDS = frozenset(one.value for one in Audited) | BY_HAND


@dataclass(frozen=True, slots=True)
class Within:
    """What somebody may see who audits some brands. people: agents who work for one of them"""

    brands: frozenset[str]
    people: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """agent: who, as far as it is known; about: ids of ours; detail: old, new, place, why ... as it was written"""

    at_ms: int
    what: str
    agent: str
    about: tuple[str, ...]
    detail: Mapping[str, str]
    place: str
    """where it stands: the next page begins behind the last one's"""


def is_audited(fact: Fact) -> bool:
    """A `read` about a message is the channel's word that somebody read it; only that of a conversation is a look of an agent."""
    return fact.kind in KINDS and not (fact.kind == Audited.READ and fact.id_of("m"))


def write(connection: Connection, facts: Iterable[Fact]) -> None:
    """Add the audited ones of facts that are folded now."""
    insert(
        connection,
        table,
        [
            {
                "partition": fact.partition,
                "stream_id": fact.stream_id,
                "at_ms": fact.at_ms,
                "what": fact.kind,
                "agent": fact.detail.get("agent") or fact.detail.get("who") or fact.detail.get("by", ""),
                "about": " ".join(fact.ids),
                "detail": dict(fact.detail),
            }
            for fact in facts
            if is_audited(fact)
        ],
    )


class AuditBook:
    """Reads it. Every call raises StoreUnavailable when the database does not answer in time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(
        self,
        *,
        since_ms: int = 0,
        until_ms: int = 1 << 60,
        agent: str = "",
        what: str = "",
        about: str = "",
        before: str = "",
        limit: int = PAGE,
        within: Within | None = None,
    ) -> list[Entry]:
        """Newest first. agent: who did it, or to whom it was done; about: an id; before: `place` of the last one had.

        within: of which brands; None = all there is
        """
        key = (_c.at_ms, _c.partition, _c.stream_id)
        query = sql.select(table).where(*_asked(since_ms, until_ms, agent, what, about, within))
        if before:
            query = query.where(sql.tuple_(*key) < sql.tuple_(*_key(before)))
        query = query.order_by(*(column.desc() for column in key)).limit(limit)

        def work(connection: Connection) -> list[Entry]:
            return [_entry(row) for row in connection.execute(query)]

        # What is rare is looked for through all of it: nobody's message waits behind that.
        return await self._database.count(work)

    async def count(
        self, *, since_ms: int, until_ms: int, agent: str, what: str, about: str, within: Within | None, most: int
    ) -> int:
        """How many `read` would find, counted up to `most`."""
        found = sql.select(_c.at_ms).where(*_asked(since_ms, until_ms, agent, what, about, within)).limit(most).subquery()
        query = sql.select(sql.func.count()).select_from(found)
        return await self._database.count(lambda connection: connection.execute(query).scalar_one())

    async def has(self, agent: str) -> bool:
        """Whether anything here was done by them, by this very word."""
        query = sql.select(_c.at_ms).where(_c.agent == agent).limit(1)
        return await self._database.call(lambda connection: connection.execute(query).first() is not None)

    async def forget(self, before_ms: int, *, limit: int = 20_000) -> int:
        """Retention: drop what is older, the oldest first, at most `limit` a call; how many. One statement, all or nothing."""
        old = sql.select(_c.partition, _c.stream_id).where(_c.at_ms < before_ms).order_by(_c.at_ms).limit(limit)
        gone = sql.delete(table).where(sql.tuple_(_c.partition, _c.stream_id).in_(old))
        return await self._database.call(lambda connection: connection.execute(gone).rowcount)


def _asked(
    since_ms: int, until_ms: int, agent: str, what: str, about: str, within: Within | None
) -> list[sql.ColumnElement[bool]]:
    target = _c.detail["target"].as_string()
    found = [_c.at_ms >= since_ms, _c.at_ms < until_ms]
    if what:
        found.append(_c.what == what)
    if agent:
        found.append(sql.or_(_c.agent == agent, target == agent))
    if about:
        found.append((" " + _c.about + " ").contains(f" {about} ", autoescape=True))
    if within is not None:
        of_people = sql.and_(_c.what.in_(sorted(OF_PEOPLE)), sql.func.coalesce(target, _c.agent).in_(sorted(within.people)))
        found.append(sql.or_(_c.detail["brand"].as_string().in_(sorted(within.brands)), of_people))
    return found


def _key(place: str) -> tuple[int, int, str]:
    """Raises ValueError for what no page ended with."""
    at, partition, stream_id = place.split(".", 2)
    return int(at), int(partition), stream_id


def _entry(row: Any) -> Entry:
    about = tuple(row.about.split())
    return Entry(row.at_ms, row.what, row.agent, about, row.detail, f"{row.at_ms}.{row.partition}.{row.stream_id}")
