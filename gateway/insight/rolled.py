"""What a roll-out did, counted of the folded facts: people told, left out and held out, and what came of it. No personal data.

A message that a roll-out was asked about carries its name in the fact that planned or suppressed it (`ro`, several with commas
between: each counts who was told by all of them; who went on hearing what they had heard before counts for none); everything else
about that message, and about its contact, is found by their ids. Somebody with two bookings may be among the told and among
the held out, and is counted in both.

Two queries, both by the index on kind and time, and the ids are matched here: the database has no index that leads from a fact to
its ids, and a join over a hundred thousand messages took minutes where this takes a second or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.insight.tables import facts_table

FAILED = ("failed", "dead")
ASKED_MS = 48 * 3600_000
"""So long after a message a conversation counts as opened because of it, or for want of it."""
_OPENED = ("opened", "reopened")
_ANSWERS = ("", "not_in_rollout", "held_out")


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


@dataclass
class _Group:
    """People of one answer of the roll-out: contact -> when each of their messages was planned (ms)."""

    at: dict[str, list[int]] = field(default_factory=dict)

    def add(self, contact: str, at_ms: int) -> None:
        self.at.setdefault(contact, []).append(at_ms)

    def heard_before(self, contact: str, at_ms: int) -> bool:
        return any(one <= at_ms for one in self.at.get(contact, ()))

    def within(self, contact: str, at_ms: int) -> bool:
        return any(one <= at_ms < one + ASKED_MS for one in self.at.get(contact, ()))


def read(connection: Connection, name: str, *, since_ms: int, until_ms: int) -> Measures:
    """Of the messages planned in [since, until)."""
    told, left_out, held_out = _Group(), _Group(), _Group()
    groups = {"": told, "not_in_rollout": left_out, "held_out": held_out}
    messages: set[str] = set()
    for reason, ids, at_ms in _planned(connection, name, since_ms, until_ms):
        groups[reason].add(ids["c"], at_ms)
        if not reason:
            messages.add(ids.get("m", ""))
    failed: set[str] = set()
    opted_out: set[str] = set()
    told_asked: set[str] = set()
    held_out_asked: set[str] = set()
    for kind, ids, at_ms, detail in _afterwards(connection, since_ms, until_ms + ASKED_MS):
        contact = ids.get("c", "")
        if kind in FAILED and ids.get("m") in messages:
            failed.add(ids["m"])
        if kind in _OPENED and told.within(contact, at_ms):
            told_asked.add(contact)
        if kind in _OPENED and held_out.within(contact, at_ms):
            held_out_asked.add(contact)
        if _turns_away(kind, detail) and told.heard_before(contact, at_ms):
            opted_out.add(contact)
    return Measures(
        told=len(told.at), left_out=len(left_out.at), held_out=len(held_out.at), messages=len(messages), failed=len(failed),
        opted_out=len(opted_out), told_asked=len(told_asked), held_out_asked=len(held_out_asked),
    )  # fmt: skip


def people(connection: Connection, name: str, *, since_ms: int, until_ms: int) -> int:
    """Whom its news was for: told, left out or held out."""
    return len({ids["c"] for _, ids, _ in _planned(connection, name, since_ms, until_ms)})


def _planned(
    connection: Connection, name: str, since_ms: int, until_ms: int
) -> Iterator[tuple[str, dict[str, str], int]]:
    """("" = told, else why not; ids with a contact among them; at) of each message that it was asked about."""
    columns = facts_table.c
    reason = columns.detail["reason"].as_string()
    found = sql.select(columns.kind, columns.ids, columns.at_ms, reason.label("reason")).where(
        columns.kind.in_(("enqueued", "suppressed")), columns.at_ms >= since_ms, columns.at_ms < until_ms,
        # One message may be part of several.
        sql.literal(",").concat(columns.detail["ro"].as_string()).concat(",").contains(f",{name},", autoescape=True),
    )  # fmt: skip
    for row in connection.execute(found):
        answer, ids = "" if row.kind == "enqueued" else row.reason, _by_letter(row.ids)
        if answer in _ANSWERS and "c" in ids:
            yield answer, ids, row.at_ms


def people_of(connection: Connection, notifications: Sequence[str], *, since_ms: int, until_ms: int) -> int:
    """How many people were told one of these, or would have been but for a roll-out."""
    columns = facts_table.c
    reason = columns.detail["reason"].as_string()
    found = sql.select(columns.ids).where(
        columns.kind.in_(("enqueued", "suppressed")), columns.at_ms >= since_ms, columns.at_ms < until_ms,
        columns.detail["nt"].as_string().in_(notifications),
        sql.or_(columns.kind == "enqueued", reason.in_(("not_in_rollout", "held_out"))),
    )  # fmt: skip
    return len({_by_letter(ids).get("c") for ids in connection.execute(found).scalars()})


def _afterwards(
    connection: Connection, since_ms: int, until_ms: int
) -> Iterator[tuple[str, dict[str, str], int, Mapping[str, str]]]:
    """(kind, ids, at, detail) of what may have come of a message, or of its want."""
    columns = facts_table.c
    found = sql.select(columns.kind, columns.ids, columns.at_ms, columns.detail).where(
        columns.kind.in_(("consent", *FAILED, *_OPENED)), columns.at_ms >= since_ms, columns.at_ms < until_ms
    )
    for row in connection.execute(found):
        yield row.kind, _by_letter(row.ids), row.at_ms, row.detail


def _by_letter(ids: str) -> dict[str, str]:
    """m -> the message, c -> the contact, ... of a fact's ids."""
    return {one[0]: one for one in ids.split()}


def _turns_away(kind: str, detail: Mapping[str, str]) -> bool:
    if kind == "consent":
        return any(name.startswith("k:") and value != "g" for name, value in detail.items())
    return kind in FAILED and detail.get("reason") == "opted_out_at_channel"
