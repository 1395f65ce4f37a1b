"""What the facts say about one person: the messages they were sent, and what they have been through.

Both read the facts that name the contact, by the index that leads from an id to them: a few hundred rows for somebody who travels
every week. Nothing personal is read or said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.insight.tables import facts_table as facts
from gateway.insight.tables import ids_table as ids
from gateway.model.ids import ContactId
from gateway.model.touch import BeenThrough, Counted, TimelineItem

STEPS = ("enqueued", "suppressed", "accepted", "sent", "delivered", "read", "played", "failed", "dead", "replaced", "ended")
_RANK = {kind: rank for rank, kind in enumerate(("enqueued", "accepted", "sent", "delivered", "read", "played"))}
REPLY = "reply"
MOST = 2000
"""Facts of one person that are looked at, the newest."""
ENDINGS = {"_delayed": "delays", "_rescheduled": "delays", "_cancelled": "cancellations", "_delivery_failed": "failed_deliveries"}
"""How the name of a notification ends -> what somebody who was to hear it has been through."""
NOBODY_KNOWS = ("uncertain_ask", "uncertain_dropped")
"""Why a message ended that may have arrived all the same: no failure is made of it."""
NOT_THEIRS = ("family_", "appointment_")
"""What those at home were told, and what somebody called off by their own wish."""


def facts_of(
    connection: Connection, contact: ContactId, kinds: Sequence[str], *, since_ms: int, before_ms: int, limit: int = MOST
) -> list[Any]:
    """Rows (kind, ids, at_ms, detail) that name this contact, newest first."""
    query = (
        sql.select(facts.c.kind, facts.c.ids, facts.c.at_ms, facts.c.detail)
        .join(ids, sql.and_(ids.c.partition == facts.c.partition, ids.c.stream_id == facts.c.stream_id))
        .where(ids.c.id == contact, ids.c.at_ms >= since_ms, ids.c.at_ms < before_ms, facts.c.kind.in_(kinds))
        .order_by(facts.c.at_ms.desc())
        .limit(limit)
    )
    return list(connection.execute(query))


def messages(rows: Iterable[Any]) -> list[TimelineItem]:
    """Pure: the proactive messages that these facts (newest first) are about, newest first; `state` is how far each came."""
    planned: dict[str, Any] = {}
    state: dict[str, str] = {}
    reason: dict[str, str] = {}
    for row in reversed(list(rows)):
        message = _id(row.ids, "m")
        if row.kind in ("enqueued", "suppressed"):
            planned[message] = row
        if row.kind not in _RANK or _RANK[row.kind] >= _RANK.get(state.get(message, ""), 0):
            state[message] = row.kind
            reason[message] = row.detail.get("reason", "")
    return [
        TimelineItem(
            at_ms=row.at_ms, kind="message", id=message, state=state[message], reason=reason[message],
            sender=row.detail.get("s", ""), notification=row.detail["nt"],
        )
        for message, row in reversed(planned.items())
        if row.detail.get("nt") not in (None, "", REPLY)
    ]  # fmt: skip


def of_brands(
    rows: Iterable[Any], brands: Collection[str], talks: Sequence[tuple[str, str, str]]
) -> list[Any]:
    """Pure: those of these facts that are about one of the brands, in their order.

    talks: (id, brand, sender) of all the person's conversations

    A fact of planning says its brand (b=); one of a conversation has that of the conversation; what became of a message has the
    message's. Written by a version that did not say the brand: that of its sender, where their conversations there are of one
    brand alone. What cannot be told is left out: nothing is counted for who may not know it.
    """
    listed = list(rows)
    by_talk = {one: brand for one, brand, _ in talks}
    spoken: dict[str, set[str]] = {}
    for _, brand, sender in talks:
        spoken.setdefault(sender, set()).add(brand)
    by_message: dict[str, str] = {}

    def brand_of(row: Any) -> str:
        said = row.detail.get("b") or by_talk.get(_id(row.ids, "v"), "")
        by_sender = spoken.get(row.detail.get("s", ""), set())
        return said or (next(iter(by_sender)) if len(by_sender) == 1 else "")

    for row in listed:
        if brand := brand_of(row):
            by_message[_id(row.ids, "m")] = brand
    return [row for row in listed if (brand_of(row) or by_message.get(_id(row.ids, "m"), "")) in brands]


def been_through(rows: Iterable[Any], complaints: Sequence[int]) -> BeenThrough:
    """Pure. rows: facts of twelve months, newest first; complaints: when each was opened (ms)."""
    things: dict[str, dict[str, int]] = {name: {} for name in (*ENDINGS.values(), "undelivered", "reopened")}
    for row in rows:
        if row.kind == "reopened":
            _seen(things["reopened"], f"{_id(row.ids, 'v')}:{row.at_ms}", row.at_ms)
        elif row.kind == "failed":
            if row.detail.get("reason") in NOBODY_KNOWS:
                continue
            _seen(things["undelivered"], _id(row.ids, "m"), row.at_ms)
        else:
            name = row.detail.get("nt", "")
            if name.startswith(NOT_THEIRS):
                continue
            for ending, what in ENDINGS.items():
                if name.endswith(ending):
                    _seen(things[what], _id(row.ids, "j") or _id(row.ids, "m"), row.at_ms)
    counted = {what: Counted(len(found), max(found.values(), default=None)) for what, found in things.items()}
    return BeenThrough(**counted, complaints=Counted(len(complaints), max(complaints, default=None)))


def _seen(found: dict[str, int], thing: str, at_ms: int) -> None:
    found[thing] = max(found.get(thing, 0), at_ms)


def _id(found: str, letter: str) -> str:
    return next((one for one in found.split() if one.startswith(letter)), "")
