"""One SQLite file with everything that survives: accounts, handsets, messages, media, jobs and webhooks still due.

WAL with synchronous=NORMAL: a commit reaches the operating system before the call returns, so kill -9 loses nothing
(only a machine that loses power may). Calls are synchronous and take microseconds; nothing awaits inside ``tx``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.config import IN_MEMORY

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wabas (id TEXT PRIMARY KEY, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (id TEXT PRIMARY KEY, waba_id TEXT NOT NULL, digits TEXT NOT NULL UNIQUE,
  doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS templates (id TEXT PRIMARY KEY, waba_id TEXT NOT NULL, name TEXT NOT NULL,
  language TEXT NOT NULL, status TEXT NOT NULL, made_ms INTEGER NOT NULL, doc TEXT NOT NULL,
  UNIQUE (waba_id, name, language));
CREATE TABLE IF NOT EXISTS media (id TEXT PRIMARY KEY, phone_number_id TEXT NOT NULL, mime TEXT NOT NULL,
  filename TEXT, sha256 TEXT NOT NULL, origin TEXT NOT NULL, made_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS media_urls (hash TEXT PRIMARY KEY, media_id TEXT NOT NULL, expires_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS links (url TEXT PRIMARY KEY, media_id TEXT NOT NULL, fetched_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, handle TEXT UNIQUE, mime TEXT NOT NULL, length INTEGER NOT NULL,
  data BLOB);
CREATE TABLE IF NOT EXISTS handsets (address TEXT PRIMARY KEY, name TEXT NOT NULL, user_id TEXT NOT NULL UNIQUE,
  made_ms INTEGER NOT NULL, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS threads (phone_number_id TEXT NOT NULL, address TEXT NOT NULL, last_in_ms INTEGER,
  last_exchange_ms INTEGER, entry_ms INTEGER, entry_until_ms INTEGER, PRIMARY KEY (phone_number_id, address));
CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, phone_number_id TEXT NOT NULL, address TEXT NOT NULL,
  kind TEXT NOT NULL, at_ms INTEGER NOT NULL, ticks TEXT NOT NULL, opaque_id TEXT, bubble TEXT NOT NULL,
  private TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_thread ON messages (address, at_ms);
CREATE INDEX IF NOT EXISTS messages_by_opaque ON messages (opaque_id) WHERE opaque_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (address) WHERE ticks = 'sent';
CREATE TABLE IF NOT EXISTS reach (waba_id TEXT NOT NULL, address TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (waba_id, address));
CREATE INDEX IF NOT EXISTS reach_by_time ON reach (at_ms);
CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, due_ms INTEGER NOT NULL, kind TEXT NOT NULL,
  key TEXT NOT NULL, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_by_due ON jobs (due_ms, id);
CREATE INDEX IF NOT EXISTS jobs_by_key ON jobs (key);
CREATE TABLE IF NOT EXISTS webhooks (id INTEGER PRIMARY KEY AUTOINCREMENT, next_ms INTEGER NOT NULL, made_ms INTEGER
  NOT NULL, attempts INTEGER NOT NULL, url TEXT NOT NULL, phone_number_id TEXT NOT NULL, address TEXT NOT NULL,
  batch INTEGER NOT NULL, entries TEXT NOT NULL, object TEXT NOT NULL DEFAULT 'whatsapp_business_account');
CREATE INDEX IF NOT EXISTS webhooks_by_next ON webhooks (next_ms, id);
CREATE INDEX IF NOT EXISTS webhooks_by_chat ON webhooks (phone_number_id, address, next_ms, id);
CREATE TABLE IF NOT EXISTS whys (opaque_id TEXT PRIMARY KEY, why TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pages (id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS page_people (page_id TEXT NOT NULL, address TEXT NOT NULL, psid TEXT NOT NULL UNIQUE,
  known_ms INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (page_id, address));
CREATE TABLE IF NOT EXISTS personas (id TEXT PRIMARY KEY, page_id TEXT NOT NULL, made_ms INTEGER NOT NULL,
  doc TEXT NOT NULL);
"""
_TABLES = ("kv", "wabas", "numbers", "templates", "media", "media_urls", "links", "uploads", "handsets", "threads",
           "messages", "reach", "jobs", "webhooks", "whys", "faults", "pages", "page_people", "personas")


class Store:
    """Rows in and out. Documents are JSON text in columns named doc, bubble, private, payload, entries."""

    def __init__(self, data_dir: str) -> None:
        path = IN_MEMORY
        if data_dir != IN_MEMORY:
            Path(data_dir).mkdir(parents=True, exist_ok=True)
            path = str(Path(data_dir) / "sandbox.sqlite3")
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._add_what_is_newer()
        self._depth = 0
        self._undone: list[Callable[[], None]] = []

    def _add_what_is_newer(self) -> None:
        """Columns that a file of an earlier version does not have."""
        if not any(row["name"] == "object" for row in self._db.execute("PRAGMA table_info(webhooks)")):
            self._db.execute("ALTER TABLE webhooks ADD COLUMN object TEXT NOT NULL DEFAULT 'whatsapp_business_account'")

    def on_rollback(self, listener: Callable[[], None]) -> None:
        """Told when a transaction was undone, so that what is kept in memory is read again."""
        self._undone.append(listener)

    @contextmanager
    def tx(self) -> Iterator[None]:
        """All or nothing; nests (the outermost commits). Never await inside."""
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._depth = 0
            self._db.execute("ROLLBACK")
            for listener in self._undone:
                listener()
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._depth = 0

    def run(self, sql: str, *args: Any) -> int:
        """One statement; returns how many rows it touched."""
        return self._db.execute(sql, args).rowcount

    def insert(self, sql: str, *args: Any) -> int:
        """One INSERT; returns the new row's id."""
        return self._db.execute(sql, args).lastrowid or 0

    def row(self, sql: str, *args: Any) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._db.execute(sql, args).fetchone()
        return found

    def rows(self, sql: str, *args: Any) -> list[sqlite3.Row]:
        return self._db.execute(sql, args).fetchall()

    def count(self, sql: str, *args: Any) -> int:
        row = self.row(sql, *args)
        return int(row[0]) if row is not None and row[0] is not None else 0

    def get(self, key: str, default: Any = None) -> Any:
        row = self.row("SELECT value FROM kv WHERE key = ?", key)
        return default if row is None else json.loads(row["value"])

    def put(self, key: str, value: Any) -> None:
        self.run("INSERT INTO kv VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, dump(value))

    def clear(self) -> None:
        with self.tx():
            for table in _TABLES:
                self.run(f"DELETE FROM {table}")  # noqa: S608 - names from the tuple above

    def close(self) -> None:
        self._db.close()


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
