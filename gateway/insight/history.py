"""Facts kept for good: an SQL database behind one interface. SQLite by default, PostgreSQL by `GATEWAY_HISTORY_URL`.

One transaction holds a batch of facts, the messages that may turn out unreached, and the position up to which each partition is
folded; the position is compared and set, so of two folders that both believe in their lease one wins and the other's whole
transaction is undone. Nothing personal is in a fact, so nothing is sealed here.

A power cut may take back SQLite's last transactions whole, position included, and what they held is still in the store, which
keeps every fact for an hour after it was folded. A call that is given up may still commit: the comparison of the position makes
that harmless. What counts over long times (roll-outs) does not make the fold wait; see database.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.errors import Conflict
from gateway.insight import audit, costs, families_report, rolled
from gateway.insight.database import CALL_S, Database, chunks, insert, open_database
from gateway.insight.tables import (
    costs_table,
    fact_of,
    fact_row,
    facts_table,
    id_rows,
    ids_table,
    pending_of,
    pending_row,
    pending_table,
    positions_table,
)
from gateway.insight.unreached import Pending
from gateway.store.facts import START, Fact, place

__all__ = ["CALL_S", "KEEP_MONTHS", "Batch", "History", "Position", "later_of", "open_history"]

KEEP_MONTHS = 13

@dataclass(frozen=True, slots=True)
class Position:
    """stream_id: where the fold goes on; high: the youngest ever folded (greater after the store went back)."""

    stream_id: str = START
    high: str = START


@dataclass(frozen=True, slots=True)
class Batch:
    """What one turn folds of one partition. added, dropped: pending messages; `before` is compared, `after` set."""

    partition: int
    before: Position
    after: Position
    facts: tuple[Fact, ...]
    added: tuple[Pending, ...] = ()
    dropped: tuple[str, ...] = ()


class History:
    """Opened by `open_history`. Every call raises StoreUnavailable when the database does not answer in time."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def positions(self, partitions: Sequence[int]) -> dict[int, Position]:
        """Where the fold stands; partitions never folded stand at the beginning."""

        def work(connection: Connection) -> dict[int, Position]:
            rows = connection.execute(sql.select(positions_table).where(positions_table.c.partition.in_(partitions)))
            known = {row.partition: Position(row.stream_id, row.high) for row in rows}
            return {partition: known.get(partition, Position()) for partition in partitions}

        return await self.database.call(work)

    async def pending(self, partitions: Sequence[int]) -> dict[int, list[Pending]]:
        """The messages that wait to be found unreached, by partition."""

        def work(connection: Connection) -> dict[int, list[Pending]]:
            found: dict[int, list[Pending]] = {partition: [] for partition in partitions}
            for row in connection.execute(sql.select(pending_table).where(pending_table.c.partition.in_(partitions))):
                found[row.partition].append(pending_of(row))
            return found

        return await self.database.call(work)

    async def known(self, partition: int, stream_ids: Sequence[str]) -> set[str]:
        """Which of these facts were folded before."""

        def work(connection: Connection) -> set[str]:
            found: set[str] = set()
            for some in chunks(stream_ids):
                query = sql.select(facts_table.c.stream_id).where(
                    facts_table.c.partition == partition, facts_table.c.stream_id.in_(some)
                )
                found |= set(connection.execute(query).scalars())
            return found

        return await self.database.call(work)

    async def commit(self, batches: Sequence[Batch]) -> None:
        """Write batches in one transaction. Raises Conflict, with nothing written, when a position has moved meanwhile."""

        def work(connection: Connection) -> None:
            self._set_positions(connection, batches)
            insert(connection, facts_table, [fact_row(fact) for batch in batches for fact in batch.facts])
            insert(connection, ids_table, [row for batch in batches for fact in batch.facts for row in id_rows(fact)])
            dropped = [message for batch in batches for message in (*batch.dropped, *(one.message for one in batch.added))]
            for some in chunks(dropped):
                connection.execute(sql.delete(pending_table).where(pending_table.c.message.in_(some)))
            insert(connection, pending_table, [pending_row(one) for batch in batches for one in batch.added])
            costs.write(connection, (fact for batch in batches for fact in batch.facts))
            audit.write(connection, (fact for batch in batches for fact in batch.facts))

        await self.database.call(work)

    @staticmethod
    def _set_positions(connection: Connection, batches: Sequence[Batch]) -> None:
        """Compare and set all of them. Partitions never folded before get the beginning as their position first."""
        new = {batch.partition for batch in batches if batch.before == Position()}
        if new:
            query = sql.select(positions_table.c.partition).where(positions_table.c.partition.in_(new))
            new -= set(connection.execute(query).scalars())
            insert(connection, positions_table, [{"partition": one, "stream_id": START, "high": START} for one in sorted(new)])
        moves = [
            {
                "one": batch.partition,
                "was": batch.before.stream_id,
                "was_high": batch.before.high,
                "stream_id": batch.after.stream_id,
                "high": batch.after.high,
            }
            for batch in batches
        ]
        update = sql.update(positions_table).where(
            positions_table.c.partition == sql.bindparam("one"),
            positions_table.c.stream_id == sql.bindparam("was"),
            positions_table.c.high == sql.bindparam("was_high"),
        )
        # One call for all of them where the driver says how many rows it changed, else one for each.
        together = connection.dialect.supports_sane_multi_rowcount
        for some in [moves] if together else [[move] for move in moves]:
            if connection.execute(update, some if together else some[0]).rowcount != len(some):
                raise Conflict("a partition was folded by somebody else")

    async def of_ids(self, ids: Iterable[str], *, limit: int = 5000) -> list[Fact]:
        """Facts that name any of these ids, oldest first; the youngest `limit` of them."""
        wanted = sorted(set(ids))

        def work(connection: Connection) -> list[Fact]:
            found: dict[tuple[int, str], Fact] = {}
            for some in chunks(wanted):
                places = (
                    sql.select(ids_table.c.partition, ids_table.c.stream_id)
                    .where(ids_table.c.id.in_(some))
                    .distinct()
                    .subquery()
                )
                query = (
                    sql.select(facts_table)
                    .join(
                        places,
                        sql.and_(facts_table.c.partition == places.c.partition, facts_table.c.stream_id == places.c.stream_id),
                    )
                    .order_by(facts_table.c.at_ms.desc())
                    .limit(limit)
                )
                for row in connection.execute(query):
                    found[(row.partition, row.stream_id)] = fact_of(row)
            return sorted(found.values(), key=lambda fact: fact.order)[-limit:]

        return await self.database.call(work)

    async def of_kinds(
        self, kinds: Sequence[str], *, since_ms: int, until_ms: int, limit: int = 5000, after: tuple[int, int, str] | None = None
    ) -> list[Fact]:
        """Facts of these kinds in [since, until), oldest first. after: (at_ms, partition, stream_id) of the last one had."""

        def work(connection: Connection) -> list[Fact]:
            key = (facts_table.c.at_ms, facts_table.c.partition, facts_table.c.stream_id)
            query = (
                sql.select(facts_table)
                .where(facts_table.c.kind.in_(kinds), facts_table.c.at_ms >= since_ms, facts_table.c.at_ms < until_ms)
                .order_by(*key)
                .limit(limit)
            )
            if after is not None:
                query = query.where(sql.tuple_(*key) > sql.tuple_(*after))
            return [fact_of(row) for row in connection.execute(query)]

        return await self.database.call(work)

    async def counts(self, *, since_ms: int, until_ms: int) -> Mapping[str, int]:
        """How many facts of each kind in [since, until)."""

        def work(connection: Connection) -> dict[str, int]:
            query = (
                sql.select(facts_table.c.kind, sql.func.count().label("n"))
                .where(facts_table.c.at_ms >= since_ms, facts_table.c.at_ms < until_ms)
                .group_by(facts_table.c.kind)
            )
            return {row.kind: row.n for row in connection.execute(query)}

        return await self.database.call(work)

    async def cost_groups(self, *, since_ms: int, until_ms: int) -> list[costs.Group]:
        """The messages that channels took in [since, until), with what they should cost; see costs.py."""
        return await self.database.call(lambda connection: costs.read(connection, since_ms, until_ms))

    async def rolled(self, name: str, *, since_ms: int, until_ms: int) -> rolled.Measures:
        """What a roll-out did with what was planned in [since, until); see rolled.py."""
        return await self.database.count(lambda connection: rolled.read(connection, name, since_ms=since_ms, until_ms=until_ms))

    async def rolled_people(self, name: str, *, since_ms: int, until_ms: int) -> int:
        """Whom a roll-out's news was for in [since, until), told or not."""
        return await self.database.count(lambda connection: rolled.people(connection, name, since_ms=since_ms, until_ms=until_ms))

    async def people_of(self, notifications: Sequence[str], *, since_ms: int, until_ms: int) -> int:
        """How many people were told one of these in [since, until), or would have been but for a roll-out."""
        return await self.database.count(
            lambda connection: rolled.people_of(connection, notifications, since_ms=since_ms, until_ms=until_ms)
        )

    async def families(self, offers: Sequence[str], *, since_ms: int, until_ms: int) -> families_report.Measures:
        """What came of families in [since, until); see families_report.py."""
        return await self.database.count(
            lambda connection: families_report.read(connection, offers, since_ms=since_ms, until_ms=until_ms)
        )

    async def forget_before(self, at_ms: int, *, limit: int = 20_000) -> int:
        """Retention: drop what is older, at most `limit` facts a call (no long transaction); how many."""

        def work(connection: Connection) -> int:
            old = sql.select(facts_table.c.at_ms).where(facts_table.c.at_ms < at_ms).order_by(facts_table.c.at_ms)
            bound = connection.execute(old.offset(limit - 1).limit(1)).scalar()
            until = at_ms if bound is None else bound + 1
            connection.execute(sql.delete(ids_table).where(ids_table.c.at_ms < until))
            connection.execute(sql.delete(costs_table).where(costs_table.c.at_ms < until))
            return connection.execute(sql.delete(facts_table).where(facts_table.c.at_ms < until)).rowcount

        return await self.database.call(work)

    async def close(self) -> None:
        """Close the connections; a call still under way is not waited for."""
        await self.database.close()


async def open_history(url: str, *, call_s: float = CALL_S, prepare: bool = True) -> History:
    """Open the database and bring its tables to this version's shape; raises what `open_database` raises."""
    return History(await open_database(url, call_s=call_s, prepare=prepare))


def later_of(one: str, other: str) -> str:
    """The younger of two stream ids."""
    return one if place(one) >= place(other) else other
