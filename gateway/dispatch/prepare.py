"""What delivering must know of the messages of one claim, read in two round trips for all of them.

One read a message (what was told since, the contact, its key) cost four fifths of the speed: docs/performance.md. What was read
is good for FRESH_MS; a message that is taken up later, or whose contact moved, is read again alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.dispatch.task import Task
from gateway.errors import NotFound, Sealed
from gateway.model.contact import Contact
from gateway.model.ids import ContactId, EventId, SubjectId
from gateway.model.message import MessageRecord
from gateway.planning.asofnow import ANEW, is_as_planned, made_anew, shown_now, stamped
from gateway.planning.left import has_left
from gateway.planning.plan import World
from gateway.planning.result import EventResult
from gateway.planning.worlds import Worlds
from gateway.store.ahead import Ahead
from gateway.store.contacts import Contacts
from gateway.store.outbox import Claimed, Outbox
from gateway.store.subjects import Subjects
from gateway.store.vault import Box, Vault
from gateway.wake import Ready

FRESH_MS = 500


@dataclass(frozen=True, slots=True)
class Prepared:
    """superseded: "replaced", "ended", "left" or None. contact, box: None when the contact is unknown, erased or has no key left.

    Of contacts that were read for a whole claim only the addresses are known, neither travellers nor orders.
    """

    superseded: str | None
    contact: Contact | None
    box: Box | None
    world: World
    read_at_ms: int


class Preparer:
    def __init__(
        self, outbox: Outbox, contacts: Contacts, subjects: Subjects, vault: Vault, worlds: Worlds, clock: Clock
    ) -> None:
        self._subjects = subjects
        self._outbox = outbox
        self._contacts = contacts
        self._vault = vault
        self._worlds = worlds
        self._clock = clock

    def ahead(self, ready: Sequence[Ready]) -> Ahead:
        """What claiming these messages and `many` ask for, to be read beside the claim."""
        contacts = list(dict.fromkeys(ContactId(one.contact) for one in ready))
        return Ahead([*self._outbox.ahead(ready), *self._contacts.ahead(contacts)], self._clock.now_ms())

    async def many(self, batch: Sequence[Claimed], ahead: Ahead | None = None) -> list[Prepared | None]:
        """Per message what was read; None for one that must be read alone. ahead: may have been read. Raises StoreUnavailable."""
        now = ahead.at_ms if ahead is not None else self._clock.now_ms()
        world = await self._worlds.now()
        records = [one.record for one in batch]
        contacts = list(dict.fromkeys(record.contact for record in records))
        superseded, found = await asyncio.gather(
            self._outbox.superseded(records, ahead), self._contacts.get_many(contacts, to_send=True, ahead=ahead)
        )
        known = dict(zip(contacts, found, strict=True))
        boxes = self._vault.cached(contacts)
        prepared: list[Prepared | None] = []
        for record, why in zip(records, superseded, strict=True):
            contact, box = known[record.contact], boxes.get(record.contact)
            why = why or await self._left(record, contact)
            alone = contact is not None and (contact.facts.moved_to is not None or box is None)
            prepared.append(None if alone else Prepared(why, contact, box, world, now))
        return prepared

    async def one(self, claimed: Claimed) -> Prepared:
        """The same for a single message, its contact followed where it moved. Raises StoreUnavailable."""
        now = self._clock.now_ms()
        world = await self._worlds.now()
        superseded = (await self._outbox.superseded([claimed.record]))[0]
        try:
            contact = await self._contacts.get(claimed.record.contact)
            box = await self._vault.contact_box(contact.id)
        except (NotFound, Sealed):
            return Prepared(superseded, None, None, world, now)
        superseded = superseded or await self._left(claimed.record, contact)
        return Prepared(superseded, contact, box, world, now)

    async def as_of_now(self, task: Task, world: World) -> Task:
        """The message with what its pass or ticket shows at this moment. Raises StoreUnavailable, CannotRender."""
        if ANEW not in task.body:
            return task
        found = await shown_now(task.body, self._subjects, world, self._clock.now_ms())
        if found is None:
            return task
        paper, memory = found
        if is_as_planned(task.body, paper):
            return replace(task, body=dict(stamped(task.body, paper)))
        try:
            contact = await self._contacts.get(task.contact.id)
        except (NotFound, Sealed):  # erased meanwhile: what is asked next finds that
            return task
        return replace(task, body=dict(made_anew(task.body, paper, memory, contact, world)))

    async def _left(self, record: MessageRecord, contact: Contact | None) -> str | None:
        """ "left" when they stopped following what it is about after it was planned. Few ever do: only then anything is read."""
        if contact is None or not record.subject or max(contact.facts.left.values(), default=-1) < record.planned_at_ms:
            return None
        audience: tuple[SubjectId, ...] = (SubjectId(record.subject),)
        # Of an area those are told who follow its cells. An event that is closed is not known any more: then its own subject.
        known = await self._subjects.result_of(audience[0], EventId(record.event)) if record.event else None
        if known is not None:
            audience = tuple(SubjectId(one) for one in EventResult.load(known[1], known[0]).audience)
        gone = await has_left(self._contacts, contact, audience, since_ms=record.planned_at_ms)
        return "left" if gone else None

    def fresh(self, prepared: Prepared | None) -> bool:
        return prepared is not None and abs(self._clock.now_ms() - prepared.read_at_ms) < FRESH_MS
