"""What the bridge remembers, in one SQLite file: which is which on both sides, what is to be done, and what was begun.

Everything that comes in is a job here before it is answered, so a bridge that is killed does it when it is back. Chatwoot knows
no idempotency key: what is said there is `begun` here first, with the mark by which it is found again if no answer came. The
gateway knows one: with which epoch an answer was begun is kept, so that the same request can be made again.

synchronous=FULL: what was answered with 2xx survives a power cut. One process owns the file.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

HEARD_S = 14 * 86_400
"""How long a webhook is known by its id. The gateway tries for three days, a replay may come later."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, due REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_lane ON jobs (lane, id);
CREATE TABLE IF NOT EXISTS contacts (id TEXT PRIMARY KEY, there INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS conversations (id TEXT PRIMARY KEY, contact TEXT NOT NULL, there INTEGER, sequence INTEGER NOT NULL
  DEFAULT 0, inbound INTEGER NOT NULL DEFAULT 0, shown TEXT NOT NULL DEFAULT '', closed INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS conversations_there ON conversations (there);
CREATE TABLE IF NOT EXISTS said (conversation TEXT NOT NULL, mark TEXT NOT NULL, there INTEGER, at REAL NOT NULL,
  PRIMARY KEY (conversation, mark));
CREATE TABLE IF NOT EXISTS answers (there INTEGER NOT NULL, part INTEGER NOT NULL, conversation TEXT NOT NULL, attempt INTEGER
  NOT NULL DEFAULT 0, epoch INTEGER, message TEXT, fate TEXT NOT NULL DEFAULT '', instead TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (there, part));
CREATE INDEX IF NOT EXISTS answers_message ON answers (message);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Job:
    """tries: how often it was tried in vain; at: when it came in (s)"""

    id: int
    lane: str
    kind: str
    body: Mapping[str, Any]
    tries: int
    at: float


@dataclass(frozen=True, slots=True)
class Conversation:
    """id: the gateway's; there: Chatwoot's, None not made yet; sequence: of the youngest webhook that was looked at; inbound: how
    often they had written by then; shown: the custom attributes as last set; closed: resolved there; seen: Chatwoot's youngest
    message that was taken over"""

    id: str
    contact: str
    there: int | None
    sequence: int
    inbound: int
    shown: str
    closed: bool
    seen: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One message to the gateway of an agent's message there.

    attempt: how often Retry was pressed; epoch: under which it was begun; message: the gateway's, once it took it; fate: '',
    refused (by the gateway) or failed (at the channel); instead: the message that was not delivered and whose place it takes
    """

    there: int
    part: int
    conversation: str
    attempt: int
    epoch: int | None
    message: str | None
    fate: str = ""
    instead: str = ""


class Memory:
    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # what is to be done

    def hear(self, once: str, lane: str, kind: str, body: Mapping[str, Any], *, wait_s: float = 0) -> bool:
        """Keep a job, unless one with this id came before."""
        with self.together():
            found = self._db.execute("INSERT OR IGNORE INTO heard VALUES (?, ?)", (once, time.time()))
            if found.rowcount:
                self.add(lane, kind, body, wait_s=wait_s)
        return bool(found.rowcount)

    def add(self, lane: str, kind: str, body: Mapping[str, Any], *, wait_s: float = 0) -> None:
        now = time.time()
        values = (lane, kind, json.dumps(body), now + wait_s, now)
        self._db.execute("INSERT INTO jobs (lane, kind, body, due, at) VALUES (?, ?, ?, ?, ?)", values)

    def heads(self) -> list[tuple[Job, float]]:
        """The oldest job of each lane, and when it is due (s)."""
        rows = self._db.execute("SELECT * FROM jobs WHERE id IN (SELECT MIN(id) FROM jobs GROUP BY lane) ORDER BY due")
        return [(_job(row), row["due"]) for row in rows]

    def done(self, job: Job) -> None:
        self._db.execute("DELETE FROM jobs WHERE id = ?", (job.id,))

    def later(self, job: Job, wait_s: float) -> None:
        self._db.execute("UPDATE jobs SET due = ?, tries = tries + 1 WHERE id = ?", (time.time() + wait_s, job.id))

    def youngest_look(self, lane: str) -> int:
        """The largest sequence of the webhooks that wait in this lane."""
        rows = self._db.execute("SELECT body FROM jobs WHERE lane = ? AND kind = 'look'", (lane,))
        return max((int(json.loads(row["body"])["sequence"]) for row in rows), default=0)

    def late(self, after_s: float) -> list[Job]:
        """Answers that wait for so long."""
        rows = self._db.execute("SELECT * FROM jobs WHERE kind = 'answer' AND at < ?", (time.time() - after_s,))
        return [_job(row) for row in rows]

    def unmapped(self) -> bool:
        """Whether a conversation is being made there whose number is not known yet."""
        return self._db.execute("SELECT 1 FROM conversations WHERE there IS NULL").fetchone() is not None

    def forget_heard(self) -> None:
        self._db.execute("DELETE FROM heard WHERE at < ?", (time.time() - HEARD_S,))

    # which is which

    def contact(self, identifier: str) -> int | None:
        row = self._db.execute("SELECT there FROM contacts WHERE id = ?", (identifier,)).fetchone()
        return int(row["there"]) if row else None

    def keep_contact(self, identifier: str, there: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO contacts VALUES (?, ?)", (identifier, there))

    def conversation(self, identifier: str) -> Conversation | None:
        row = self._db.execute("SELECT * FROM conversations WHERE id = ?", (identifier,)).fetchone()
        return _conversation(row) if row else None

    def conversation_there(self, there: int) -> Conversation | None:
        """By Chatwoot's number; the youngest where several share one."""
        row = self._db.execute("SELECT * FROM conversations WHERE there = ? ORDER BY rowid DESC", (there,)).fetchone()
        return _conversation(row) if row else None

    def open_conversations(self) -> list[Conversation]:
        rows = self._db.execute("SELECT * FROM conversations WHERE there IS NOT NULL AND closed = 0")
        return [_conversation(row) for row in rows]

    def begin_conversation(self, identifier: str, contact: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO conversations (id, contact) VALUES (?, ?)", (identifier, contact))

    def set_conversation(self, identifier: str, **values: int | str | None) -> None:
        """Any of there, sequence, inbound, shown, closed, seen."""
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE conversations SET {names} WHERE id = ?", (*values.values(), identifier))

    def forget_contact(self, contact: str) -> None:
        with self.together():
            for (identifier,) in self._db.execute("SELECT id FROM conversations WHERE contact = ?", (contact,)).fetchall():
                self._db.execute("DELETE FROM said WHERE conversation = ?", (identifier,))
                self._db.execute("DELETE FROM answers WHERE conversation = ?", (identifier,))
            self._db.execute("DELETE FROM conversations WHERE contact = ?", (contact,))
            self._db.execute("DELETE FROM contacts WHERE id = ?", (contact,))

    # what was begun

    def said(self, conversation: str, mark: str) -> tuple[bool, int | None]:
        """(whether it was begun there, Chatwoot's id of it: None where no answer came)"""
        row = self._db.execute("SELECT there FROM said WHERE conversation = ? AND mark = ?", (conversation, mark)).fetchone()
        return (row is not None, row["there"] if row else None)

    def keep_said(self, conversation: str, mark: str, there: int | None) -> None:
        """there: None before it is said"""
        self._db.execute("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?)", (conversation, mark, there, time.time()))

    def marks(self, conversation: str) -> set[str]:
        rows = self._db.execute("SELECT mark FROM said WHERE conversation = ? AND there IS NOT NULL", (conversation,))
        return {row["mark"] for row in rows}

    def youngest_said(self, conversation: str) -> int:
        """Chatwoot's youngest message that the bridge made there, 0 none."""
        row = self._db.execute("SELECT MAX(there) AS there FROM said WHERE conversation = ?", (conversation,)).fetchone()
        return int(row["there"] or 0)

    def answers(self, there: int) -> list[Answer]:
        rows = self._db.execute("SELECT * FROM answers WHERE there = ? ORDER BY part", (there,))
        return [_answer(row) for row in rows]

    def answer_of(self, message: str) -> Answer | None:
        """By the gateway's message."""
        row = self._db.execute("SELECT * FROM answers WHERE message = ?", (message,)).fetchone()
        return _answer(row) if row else None

    def keep_answer(self, one: Answer) -> None:
        values = (one.there, one.part, one.conversation, one.attempt, one.epoch, one.message, one.fate, one.instead)
        self._db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def set_fate(self, message: str, fate: str) -> None:
        """By the gateway's message."""
        self._db.execute("UPDATE answers SET fate = ? WHERE message = ?", (fate, message))

    def fact(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row["value"]) if row else ""

    def keep_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def _job(row: sqlite3.Row) -> Job:
    return Job(row["id"], row["lane"], row["kind"], json.loads(row["body"]), row["tries"], row["at"])


def _conversation(row: sqlite3.Row) -> Conversation:
    return Conversation(
        row["id"], row["contact"], row["there"], row["sequence"], row["inbound"], row["shown"], bool(row["closed"]), row["seen"]
    )


def _answer(row: sqlite3.Row) -> Answer:
    names = ("there", "part", "conversation", "attempt", "epoch", "message", "fate", "instead")
    return Answer(*(row[name] for name in names))
