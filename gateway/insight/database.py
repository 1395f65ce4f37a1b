"""The SQL database behind history, archive and audit: one engine, calls with a time limit, errors that name no value.

SQLite by default, PostgreSQL by a setting; what stands above speaks to both through SQLAlchemy. A call is one transaction. Calls
wait without holding the process up; what reads very many rows (`count`) does so in a thread with an event loop of its own, so
that nobody's message waits behind a report, and ends when it is given up. A call that is given up may still commit: whoever
writes must be able to write again.

SQLite runs in WAL with synchronous=NORMAL: a power cut may take back the last transactions whole.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from gateway.errors import Conflict, SettingsError, StoreUnavailable
from gateway.insight import schema

T = TypeVar("T")

CALL_S = 10.0
CHUNK = 400
"""Values in one IN (...): every database takes this many."""
ROWS = 250
"""Rows in one statement: between two of them others of this process get their turn."""
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_STEPS = 100_000
"""Of SQLite's machine, between two looks at the clock: a few milliseconds."""
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class Database:
    """Opened by `open_database`. Every call raises StoreUnavailable when the database does not answer in time."""

    def __init__(self, url: URL, *, call_s: float = CALL_S) -> None:
        self._url = url
        self._call_s = call_s
        self._engine = _engine(url, call_s)
        self._counting = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history-counting")

    @property
    def dialect(self) -> str:
        """"sqlite" or "postgresql"."""
        return self._engine.dialect.name

    async def call(self, work: Callable[[Connection], T]) -> T:
        """Do this in one transaction.

        raises: Conflict where a row was there already; StoreUnavailable
        """
        return await _call(self._engine, work, self._call_s)

    async def count(self, work: Callable[[Connection], T]) -> T:
        """`call` for what reads very much: one at a time, in a thread of its own."""

        def run() -> T:
            return asyncio.run(self._count(work))

        try:
            async with asyncio.timeout(self._call_s + 1):
                return await asyncio.get_running_loop().run_in_executor(self._counting, run)
        except TimeoutError as error:
            raise _late(self._call_s) from error

    async def _count(self, work: Callable[[Connection], T]) -> T:
        engine = _engine(self._url, self._call_s, pooled=False)
        try:
            return await _call(engine, work, self._call_s, ends=True)
        finally:
            await engine.dispose()

    async def prepare(self) -> None:
        """Bring the tables to this version's shape; see schema.py. Raises StoreUnavailable, SchemaNewer."""

        async def work(connection: AsyncConnection) -> None:
            if await connection.run_sync(schema.version_of) != schema.HEAD:
                await connection.run_sync(schema.upgrade)

        try:
            async with asyncio.timeout(max(self._call_s, schema.UPGRADE_S)), self._engine.connect() as connection:
                await work(connection)
                await connection.commit()
        except TimeoutError as error:
            raise _late(self._call_s) from error
        except (sql.exc.SQLAlchemyError, OSError) as error:
            raise _failed(error) from error

    async def version(self) -> str:
        """The shape that its tables have, "" for an empty database or one from before shapes had numbers."""
        return await self.call(schema.version_of)

    async def has(self, table: str) -> bool:
        """Whether a table is there."""
        return await self.call(lambda connection: bool(sql.inspect(connection).has_table(table)))

    async def close(self) -> None:
        """Close the connections; a count still under way is not waited for."""
        self._counting.shutdown(wait=False, cancel_futures=True)
        await self._engine.dispose()


async def _call(engine: AsyncEngine, work: Callable[[Connection], T], call_s: float, *, ends: bool = False) -> T:
    """ends: where nobody waits any more, the database stops too (PostgreSQL has its own limit for each statement)"""
    try:
        async with asyncio.timeout(call_s), engine.begin() as connection:
            if ends and engine.dialect.name == "sqlite":
                await _end_after(connection, call_s)
            return await connection.run_sync(work)
    except TimeoutError as error:
        raise _late(call_s) from error
    except sql.exc.IntegrityError as error:
        raise Conflict("somebody else wrote this row") from error
    except (sql.exc.SQLAlchemyError, OSError) as error:
        raise _failed(error) from error


async def _end_after(connection: AsyncConnection, call_s: float) -> None:
    until = time.monotonic() + call_s
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)


def _late(call_s: float) -> StoreUnavailable:
    return StoreUnavailable(f"the history database did not answer within {call_s:g} s")


def _failed(error: Exception) -> StoreUnavailable:
    # The error's text may hold the values of a statement: only its kind is repeated.
    return StoreUnavailable(f"the history database failed ({type(error).__name__})")


async def open_database(url: str, *, call_s: float = CALL_S, prepare: bool = True) -> Database:
    """Open the database and bring its tables to this version's shape.

    prepare: False = leave it as it is, for who only looks
    raises:  SettingsError     a URL that is not understood, or a driver that is not installed
             StoreUnavailable  nobody answers there
             SchemaNewer       a younger version of the gateway made it
    """
    database = Database(checked(url), call_s=call_s)
    try:
        if prepare:
            await database.prepare()
    except BaseException:
        await database.close()
        raise
    return database


def checked(url: str) -> URL:
    """The URL with the driver that is used here. Raises SettingsError."""
    try:
        parts = make_url(url)
    except sql.exc.ArgumentError as error:
        raise SettingsError(
            ["GATEWAY_HISTORY_URL: should be sqlite:///path or postgresql+asyncpg://user@host/database"]
        ) from error
    wanted = _DRIVERS.get(parts.get_backend_name())
    if wanted is None:
        raise SettingsError([f"GATEWAY_HISTORY_URL: {parts.get_backend_name()} is not known here: use sqlite or postgresql"])
    if parts.drivername not in (parts.get_backend_name(), wanted):
        raise SettingsError([f"GATEWAY_HISTORY_URL: the driver {parts.drivername} is not used here: write {wanted}://..."])
    if parts.get_backend_name() == "sqlite" and parts.database and parts.database != ":memory:":
        try:
            Path(parts.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError([f"GATEWAY_HISTORY_URL: {parts.database} cannot be made ({error.strerror})"]) from error
    return parts.set(drivername=wanted)


def _engine(url: URL, call_s: float, *, pooled: bool = True) -> AsyncEngine:
    options: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": call_s / 2}
    else:
        limits = {"statement_timeout": str(int(call_s * 1000))}
        options["connect_args"] = {"timeout": max(call_s, 1), "server_settings": limits}
        if pooled:  # a file does not go away as a server may
            options["pool_pre_ping"] = True
    if not pooled:
        options["poolclass"] = NullPool
    try:
        engine = create_async_engine(url, **options)
    except ModuleNotFoundError as error:
        mend = f"GATEWAY_HISTORY_URL: the driver {error.name} is not installed: pip install {error.name}"
        raise SettingsError([mend]) from error
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine.sync_engine, "connect", _pragmas)
    return engine


def _pragmas(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def chunks(values: Sequence[T], size: int = CHUNK) -> list[Sequence[T]]:
    return [values[begin : begin + size] for begin in range(0, len(values), size)]


def insert(connection: Connection, table: sql.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Many rows, a few at a time. Texts are made storable first: see `storable`."""
    for some in chunks(rows, ROWS):
        connection.execute(sql.insert(table), [{name: storable(value) for name, value in row.items()} for row in some])


def storable(value: Any) -> Any:
    """The value with U+FFFD for each character that a database may refuse: NUL (PostgreSQL), half of a surrogate pair (both).

    One such character from outside would otherwise fail the whole transaction, again and again: nothing would be kept any more.
    """
    match value:
        case str() if not value.isprintable():
            return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
        case dict():
            return {storable(name): storable(one) for name, one in value.items()}
        case list() | tuple():
            return [storable(one) for one in value]
    return value
