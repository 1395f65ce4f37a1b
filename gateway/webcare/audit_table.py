"""The audit read for its page, and sent out as a table: CSV of RFC 4180 in UTF-8, newest first, a thousand rows at a time.

A value that a spreadsheet would take for a formula has an apostrophe before it. A history that stops answering half-way breaks
the answer off, so that half a table does not pass for a whole one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from gateway.errors import StoreUnavailable
from gateway.insight.past import Past
from gateway.webcare.audit_rows import Row, rows
from gateway.webcare.auditing import Asked, Sight
from gateway.webcare.session import SECURITY_HEADERS

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start
    from gateway.insight.audit import AuditBook, Entry, Within

MOST = 100_000
"""Rows of one table."""
STEP = 1_000
COLUMNS = ("at", "who", "who_id", "what", "about", "place", "old", "new", "more")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def read(
    past: Past, sight: Sight, asked: Asked, *, until_ms: int | None = None, before: str = "", limit: int
) -> list[Entry]:
    """Raises StoreUnavailable."""
    return await (await _book(past)).read(
        since_ms=asked.since_ms, until_ms=asked.until_ms if until_ms is None else until_ms, agent=asked.person, what=asked.act,
        about=asked.conversation, before=before, limit=limit, within=_within(sight),
    )  # fmt: skip


async def count(past: Past, sight: Sight, asked: Asked, until_ms: int) -> int:
    """How many rows a table would have; MOST + 1 for more than it may."""
    return await (await _book(past)).count(
        since_ms=asked.since_ms, until_ms=until_ms, agent=asked.person, what=asked.act, about=asked.conversation,
        within=_within(sight), most=MOST + 1,
    )  # fmt: skip


async def send(request: web.Request, past: Past, sight: Sight, asked: Asked, until_ms: int) -> web.StreamResponse:
    """until_ms: what comes later is not in it, however long it takes. Raises StoreUnavailable before the first line left."""
    saved = f'attachment; filename="audit-{datetime.fromtimestamp(until_ms / 1000, UTC):%Y-%m-%d}.csv"'
    headers = {**SECURITY_HEADERS, "Content-Type": "text/csv; charset=utf-8", "Content-Disposition": saved}
    found = await read(past, sight, asked, until_ms=until_ms, limit=STEP)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(lines([COLUMNS]))
    try:
        while found:
            await response.write(lines(map(_cells, rows(found, sight.names))))
            last = found[-1].place
            found = await read(past, sight, asked, until_ms=until_ms, before=last, limit=STEP) if len(found) == STEP else []
    except StoreUnavailable as error:
        structlog.get_logger().warning("desk.audit_table_broken_off", error=type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def lines(table: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([_harmless(cell) for cell in cells] for cells in table)
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _cells(row: Row) -> Sequence[str]:
    at = datetime.fromtimestamp(row.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    about = " ".join(filter(None, (row.conversation, *row.ids)))
    more = "; ".join(f"{word}={value}" for word, value in row.more)
    return at, row.who, row.who_id, row.what, about, row.place, row.old, row.new, more


def _within(sight: Sight) -> Within | None:
    from gateway.insight.audit import Within

    return None if sight.brands is None else Within(sight.brands, frozenset(str(one.id) for one in sight.people))


async def _book(past: Past) -> AuditBook:
    from gateway.insight.audit import AuditBook

    return AuditBook(await past.database())
