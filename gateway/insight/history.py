"""Facts kept for good: an SQL database behind one interface. SQLite by default, PostgreSQL by `GATEWAY_HISTORY_URL`.

One transaction holds a batch of facts, the messages that may turn out unreached, and the position up to which each partition is
folded; the position is compared and set, so of two folders that both believe in their lease one wins and the other's whole
transaction is undone. Nothing personal is in a fact, so nothing is sealed here.

SQLite runs in WAL with synchronous=NORMAL: a power cut may take back the last transactions whole, position included, and what
they held is still in the store, which keeps every fact for an hour after it was folded.

Calls block, so they run in two threads of their own, each with a time limit. A call that is given up may still commit: the
comparison of the position makes that harmless. What counts over long times (roll-outs) has one thread more, for itself, so that
the fold does not wait behind it; given up, it ends (PostgreSQL has its own limit for each statement).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine, make_url

from gateway.errors import Conflict, SettingsError, StoreUnavailable
from gateway.insight import costs, families_report, rolled
from gateway.insight.tables import (
    costs_table,
    fact_of,
    fact_row,
    facts_table,
    id_rows,
    ids_table,
    metadata,
    pending_of,
    pending_row,
    pending_table,
    positions_table,
)
from gateway.insight.unreached import Pending
from gateway.store.facts import START, Fact, place

T = TypeVar("T")

KEEP_MONTHS = 13
CALL_S = 10.0
_CHUNK = 400
"""Values in one IN (...): every database takes this many."""
_STEPS = 100_000
"""Of SQLite's machine, between two looks at the clock: a few milliseconds."""

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

    def __init__(self, engine: Engine, *, call_s: float = CALL_S) -> None:
        self._engine = engine
        self._call_s = call_s
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="history")
        self._counting = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history-counting")

    async def _count(self, work: Callable[[Connection], T]) -> T:
        """`_call` for what may take too long."""
        until = time.monotonic() + self._call_s

        def run(connection: Connection) -> T:
            driver = connection.connection.driver_connection
            if not isinstance(driver, sqlite3.Connection):
                return work(connection)
            driver.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
            try:
                return work(connection)
            finally:
                driver.set_progress_handler(None, 0)

        return await self._call(run, self._counting)

    async def _call(self, work: Callable[[Connection], T], threads: ThreadPoolExecutor | None = None) -> T:
        def run() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        try:
            async with asyncio.timeout(self._call_s):
                return await asyncio.get_running_loop().run_in_executor(threads or self._threads, run)
        except TimeoutError as error:
            raise StoreUnavailable(f"the history database did not answer within {self._call_s:g} s") from error
        except sql.exc.IntegrityError as error:
            raise Conflict("somebody else folded this partition") from error
        except sql.exc.SQLAlchemyError as error:
            # The error's text may hold the values of a statement: only its kind is repeated.
            raise StoreUnavailable(f"the history database failed ({type(error).__name__})") from error

    async def prepare(self) -> None:
        """Make tables that are missing and a position for every partition. Raises StoreUnavailable."""

        def work(connection: Connection) -> None:
            metadata.create_all(connection)

        try:
            await self._call(work)
        except (StoreUnavailable, Conflict):  # two processes began at once: the tables are there now
            await self._call(work)

    async def positions(self, partitions: Sequence[int]) -> dict[int, Position]:
        """Where the fold stands; partitions never folded stand at the beginning."""

        def work(connection: Connection) -> dict[int, Position]:
            rows = connection.execute(sql.select(positions_table).where(positions_table.c.partition.in_(partitions)))
            known = {row.partition: Position(row.stream_id, row.high) for row in rows}
            return {partition: known.get(partition, Position()) for partition in partitions}

        return await self._call(work)

    async def pending(self, partitions: Sequence[int]) -> dict[int, list[Pending]]:
        """The messages that wait to be found unreached, by partition."""

        def work(connection: Connection) -> dict[int, list[Pending]]:
            found: dict[int, list[Pending]] = {partition: [] for partition in partitions}
            for row in connection.execute(sql.select(pending_table).where(pending_table.c.partition.in_(partitions))):
                found[row.partition].append(pending_of(row))
            return found

        return await self._call(work)

    async def known(self, partition: int, stream_ids: Sequence[str]) -> set[str]:
        """Which of these facts were folded before."""

        def work(connection: Connection) -> set[str]:
            found: set[str] = set()
            for some in _chunks(stream_ids):
                query = sql.select(facts_table.c.stream_id).where(
                    facts_table.c.partition == partition, facts_table.c.stream_id.in_(some)
                )
                found |= set(connection.execute(query).scalars())
            return found

        return await self._call(work)

    async def commit(self, batches: Sequence[Batch]) -> None:
        """Write batches in one transaction. Raises Conflict, with nothing written, when a position has moved meanwhile."""

        def work(connection: Connection) -> None:
            for batch in batches:
                self._set_position(connection, batch)
            facts = [fact_row(fact) for batch in batches for fact in batch.facts]
            ids = [row for batch in batches for fact in batch.facts for row in id_rows(fact)]
            dropped = [message for batch in batches for message in (*batch.dropped, *(one.message for one in batch.added))]
            added = [pending_row(one) for batch in batches for one in batch.added]
            if facts:
                connection.execute(sql.insert(facts_table), facts)
            if ids:
                connection.execute(sql.insert(ids_table), ids)
            for some in _chunks(dropped):
                connection.execute(sql.delete(pending_table).where(pending_table.c.message.in_(some)))
            if added:
                connection.execute(sql.insert(pending_table), added)
            costs.write(connection, (fact for batch in batches for fact in batch.facts))

        await self._call(work)

    @staticmethod
    def _set_position(connection: Connection, batch: Batch) -> None:
        values = {"stream_id": batch.after.stream_id, "high": batch.after.high}
        if batch.before == Position():
            row = connection.execute(sql.select(positions_table).where(positions_table.c.partition == batch.partition)).first()
            if row is None:
                connection.execute(sql.insert(positions_table).values(partition=batch.partition, **values))
                return
        moved = connection.execute(
            sql.update(positions_table)
            .where(
                positions_table.c.partition == batch.partition,
                positions_table.c.stream_id == batch.before.stream_id,
                positions_table.c.high == batch.before.high,
            )
            .values(**values)
        )
        if moved.rowcount != 1:
            raise Conflict(f"partition {batch.partition} was folded by somebody else")

    async def of_ids(self, ids: Iterable[str], *, limit: int = 5000) -> list[Fact]:
        """Facts that name any of these ids, oldest first; the youngest `limit` of them."""
        wanted = sorted(set(ids))

        def work(connection: Connection) -> list[Fact]:
            found: dict[tuple[int, str], Fact] = {}
            for some in _chunks(wanted):
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

        return await self._call(work)

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

        return await self._call(work)

    async def counts(self, *, since_ms: int, until_ms: int) -> Mapping[str, int]:
        """How many facts of each kind in [since, until)."""

        def work(connection: Connection) -> dict[str, int]:
            query = (
                sql.select(facts_table.c.kind, sql.func.count().label("n"))
                .where(facts_table.c.at_ms >= since_ms, facts_table.c.at_ms < until_ms)
                .group_by(facts_table.c.kind)
            )
            return {row.kind: row.n for row in connection.execute(query)}

        return await self._call(work)

    async def cost_groups(self, *, since_ms: int, until_ms: int) -> list[costs.Group]:
        """The messages that channels took in [since, until), with what they should cost; see costs.py."""
        return await self._call(lambda connection: costs.read(connection, since_ms, until_ms))

    async def rolled(self, name: str, *, since_ms: int, until_ms: int) -> rolled.Measures:
        """What a roll-out did with what was planned in [since, until); see rolled.py."""
        return await self._count(lambda connection: rolled.read(connection, name, since_ms=since_ms, until_ms=until_ms))

    async def rolled_people(self, name: str, *, since_ms: int, until_ms: int) -> int:
        """Whom a roll-out's news was for in [since, until), told or not."""
        return await self._count(lambda connection: rolled.people(connection, name, since_ms=since_ms, until_ms=until_ms))

    async def people_of(self, notifications: Sequence[str], *, since_ms: int, until_ms: int) -> int:
        """How many people were told one of these in [since, until), or would have been but for a roll-out."""
        return await self._count(
            lambda connection: rolled.people_of(connection, notifications, since_ms=since_ms, until_ms=until_ms)
        )

    async def families(self, offers: Sequence[str], *, since_ms: int, until_ms: int) -> families_report.Measures:
        """What came of families in [since, until); see families_report.py."""
        return await self._count(
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

        return await self._call(work)

    async def close(self) -> None:
        """Close the connections; a call still under way is not waited for."""
        for threads in (self._threads, self._counting):
            threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._engine.dispose)


async def open_history(url: str, *, call_s: float = CALL_S) -> History:
    """Open the database and make what is missing.

    raises: SettingsError     a URL that is not understood, or a driver that is not installed
            StoreUnavailable  nobody answers there
    """
    history = History(_engine(url, call_s), call_s=call_s)
    try:
        await history.prepare()
    except BaseException:
        await history.close()
        raise
    return history


def _engine(url: str, call_s: float) -> Engine:
    try:
        parts = make_url(url)
    except sql.exc.ArgumentError as error:
        raise SettingsError(["GATEWAY_HISTORY_URL: should be sqlite:///path or postgresql+psycopg://host/database"]) from error
    milliseconds = int(call_s * 1000)
    options: dict[str, Any] = {"pool_pre_ping": True}
    if parts.get_backend_name() == "sqlite":
        if parts.database and parts.database != ":memory:":
            try:
                Path(parts.database).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SettingsError([f"GATEWAY_HISTORY_URL: {parts.database} cannot be made ({error.strerror})"]) from error
        options["connect_args"] = {"timeout": call_s / 2}
    elif parts.get_backend_name() == "postgresql":
        options["connect_args"] = {"connect_timeout": max(int(call_s), 1), "options": f"-c statement_timeout={milliseconds}"}
    else:
        raise SettingsError([f"GATEWAY_HISTORY_URL: {parts.get_backend_name()} is not known here: use sqlite or postgresql"])
    try:
        engine = sql.create_engine(parts, **options)
    except ModuleNotFoundError as error:
        mend = f"GATEWAY_HISTORY_URL: the driver {error.name} is not installed: pip install {error.name}"
        raise SettingsError([mend]) from error
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _pragmas)
    return engine


def _pragmas(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _chunks(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[begin : begin + _CHUNK] for begin in range(0, len(values), _CHUNK)]


def later_of(one: str, other: str) -> str:
    """The younger of two stream ids."""
    return one if place(one) >= place(other) else other
