"""Touches in SQL: kept once each, whatever words they hold sealed with the contact's key.

A touch is known by what its source called it: its id is a keyed hash of (brand, contact, that). Told again with the same content
nothing happens; with other content it is refused, as nobody could say which of the two is true.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.errors import Conflict, Sealed
from gateway.insight.closed_tables import touches_table as touches
from gateway.insight.database import Database, chunks, insert
from gateway.model.ids import ContactId
from gateway.model.personal import Personal
from gateway.model.touch import TimelineItem, Touch
from gateway.store.vault import Box, Vault


class Kept(StrEnum):
    ADDED = "added"
    KNOWN = "known"
    DIFFERS = "differs"


def id_of(vault: Vault, touch: Touch) -> str:
    return vault.blind("touch", touch.brand, touch.contact, touch.external.reveal())


def _digest(vault: Vault, touch: Touch) -> str:
    words = (touch.subject.reveal(), touch.summary.reveal(), touch.agent.reveal(), touch.reason)
    return vault.blind("touch.content", touch.channel, str(touch.inward), str(touch.at_ms), json.dumps(words))


async def add(database: Database, vault: Vault, contact: ContactId, told: Sequence[Touch]) -> list[Kept]:
    """Keep touches of one contact; per touch what came of it. Repeatable. Raises Sealed for one who is erased."""
    box = await vault.contact_box(contact)
    rows: dict[str, dict[str, Any]] = {}
    answers: list[Kept | str] = []
    for touch in told:
        row = _row(vault, box, touch)
        twice = rows.get(row["id"])
        if twice is not None and twice["digest"] != row["digest"]:
            answers.append(Kept.DIFFERS)
            continue
        answers.append(row["id"])
        rows.setdefault(row["id"], row)

    def work(connection: Connection) -> dict[str, str]:
        known: dict[str, str] = {}
        for some in chunks(list(rows)):
            found = connection.execute(sql.select(touches.c.id, touches.c.digest).where(touches.c.id.in_(some)))
            known.update((row.id, row.digest) for row in found)
        insert(connection, touches, [row for one, row in rows.items() if one not in known])
        return known

    try:
        known = await database.call(work)
    except Conflict:  # the same was told at once by two callers: it is there now
        known = await database.call(work)
    seen: set[str] = set()
    said = []
    for answer in answers:
        if isinstance(answer, Kept):
            said.append(answer)
        elif answer in known:
            said.append(Kept.KNOWN if known[answer] == rows[answer]["digest"] else Kept.DIFFERS)
        else:
            said.append(Kept.KNOWN if answer in seen else Kept.ADDED)
            seen.add(answer)
    return said


def _row(vault: Vault, box: Box, touch: Touch) -> dict[str, Any]:
    identifier = id_of(vault, touch)
    words = {"subject": touch.subject.reveal(), "summary": touch.summary.reveal(), "agent": touch.agent.reveal()}
    return {
        "id": identifier,
        "contact": touch.contact,
        "brand": touch.brand,
        "channel": touch.channel.value,
        "direction": "in" if touch.inward else "out",
        "at_ms": touch.at_ms,
        "reason": touch.reason,
        "digest": _digest(vault, touch),
        "body": box.seal_json(words, f"touch:{touch.contact}:{identifier}"),
    }


def of_contact(connection: Connection, contact: ContactId, *, before_ms: int, limit: int) -> list[Any]:
    """Rows, newest first; all of the last one's moment, as the next page begins before it."""
    at = touches.c.at_ms
    mine = sql.and_(touches.c.contact == contact, at < before_ms)
    last = connection.execute(sql.select(at).where(mine).order_by(at.desc()).offset(limit - 1).limit(1)).scalar()
    query = sql.select(touches).where(mine).order_by(at.desc(), touches.c.id)
    return list(connection.execute(query if last is None else query.where(at >= last)))


def item_of(row: Any, box: Box | None) -> TimelineItem:
    """A row as it stands in a timeline; without its words where nobody can open them, or their time is over."""
    words = {}
    if box is not None and row.body:
        try:
            words = box.open_json(row.body, f"touch:{row.contact}:{row.id}")
        except Sealed:
            pass
    return TimelineItem(
        at_ms=row.at_ms,
        kind=row.channel,
        id=row.id,
        brand=row.brand,
        inward=row.direction == "in",
        reason=row.reason,
        subject=_personal(words.get("subject")),
        summary=_personal(words.get("summary")),
        by=_personal(words.get("agent")),
    )


def _personal(text: str | None) -> Personal | None:
    return Personal(text) if text else None
