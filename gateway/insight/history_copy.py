"""The history's own copy: SQLite's backup of a database that is written to meanwhile, and what a history that outlived its store
can prove. A history on a server of its own is copied by that server's tools (pg_dump), not here.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import GatewayError
from gateway.model.message import DeliveryStatus
from gateway.store.facts import Fact
from gateway.store.restored import Sent

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.history import History

PAGES = 2048
BUSY_S = 10.0
_RANKS = {
    "accepted": DeliveryStatus.NONE,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.PLAYED,
}
PROOFS = (*_RANKS, "failed")
_PAGE = 5000


class HistoryDamaged(GatewayError):
    """An SQLite file that is none, or has holes."""


def sqlite_path(url: str) -> Path | None:
    """Where the history lies in a file of ours; None where a server has it."""
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    if parts.get_backend_name() != "sqlite" or not parts.database or parts.database == ":memory:":
        return None
    return Path(parts.database)


def copy(source: Path, into: Path, stop: threading.Event, told: Callable[[int, int], None] = lambda done, of: None) -> None:
    """A consistent copy while others write. Blocks. stop: set by whoever gave up waiting.

    raises: HistoryDamaged; OSError where there is no room
    """

    def progress(status: int, remaining: int, total: int) -> None:
        if stop.is_set():
            raise InterruptedError
        told(total - remaining, total)

    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as old,
            closing(sqlite3.connect(into, timeout=BUSY_S)) as new,
        ):
            old.backup(new, pages=PAGES, progress=progress, sleep=0.01)
            # One file, with nothing beside it.
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        mend = f"run `sqlite3 {source} 'PRAGMA integrity_check'`, or leave it out with --without-history"
        raise HistoryDamaged(f"the history {source} cannot be copied ({error}): {mend}") from error
    check(into)


def check(path: Path) -> None:
    """Raises HistoryDamaged where the file is no sound database. Blocks."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as database:
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise HistoryDamaged(f"the history {path} is damaged ({error})") from error
    if answer != "ok":
        raise HistoryDamaged(f"the history {path} is damaged: {answer}")


def put(ready: Path, place: Path) -> Path | None:
    """Give a copy the history's place; where the old one lies now. What SQLite keeps beside an old file goes with it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = None
    if place.exists():
        aside = place.with_name(f"{place.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        for tail in ("-wal", "-shm", ""):
            beside = place.with_name(place.name + tail)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + tail))
    ready.rename(place)
    return aside


def youngest_ms(path: Path) -> int | None:
    """When its youngest fact happened, 0 for an empty one; None where there is no readable one. Blocks."""
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as database:
            (found,) = database.execute("SELECT max(at_ms) FROM facts").fetchone()
    except sqlite3.DatabaseError:
        return None
    return int(found or 0)


async def sent_since(history: History, since_ms: int) -> dict[str, Sent]:
    """Per message what the channel is known to have taken since then: the furthest it came."""
    found: dict[str, Sent] = {}
    after: tuple[int, int, str] | None = None
    while True:
        page = await history.of_kinds(PROOFS, since_ms=since_ms, until_ms=1 << 60, limit=_PAGE, after=after)
        take_in(found, page)
        if len(page) < _PAGE:
            return found
        after = (page[-1].at_ms, page[-1].partition, page[-1].stream_id)


def take_in(found: dict[str, Sent], facts: Iterable[Fact]) -> None:
    """Add what these facts prove. A message that failed at the channel had been taken by it all the same."""
    for fact in facts:
        message = fact.id_of("m")
        if not message:
            continue
        known = found.get(message)
        status = max(_RANKS.get(fact.kind, DeliveryStatus.NONE), known.status if known else DeliveryStatus.NONE)
        attempt = fact.detail.get("attempt", "")
        found[message] = Sent(
            attempt=int(attempt) if attempt.isdigit() else known.attempt if known else 1,
            status=status,
            at_ms=max(fact.at_ms, known.at_ms if known else 0),
            sender=fact.detail.get("s") or (known.sender if known else ""),
            notification=fact.detail.get("nt") or (known.notification if known else ""),
            contact=fact.id_of("c"),
            event=fact.id_of("e"),
            subject=fact.id_of("j"),
        )
