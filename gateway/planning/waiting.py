"""What could not be sent and still can: messages kept as suppressed for a reason that has just been mended.

    they wrote       the window is open: what had no template for it, or no right to one, goes as free text
    they proved      the address is theirs: what names them goes
    they agreed      news of this kind is wanted from now on, what still holds included
    they came in     an address, a consent, a proof and an open window at once (an invitation): everything that waited
                     goes, planned anew where it had no address to be planned for

Only what is still of use: what was replaced or ended since, whose deadline is past, or whose subject they have stopped following
since, stays as it is. The last message of
each (subject, notification, item) is looked at, so that nothing older comes back. Doing it twice sends nothing twice: a
message that is revived keeps its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed
from gateway.model.contact import Contact
from gateway.model.ids import AddressId, ContactId, SubjectId, partition_of
from gateway.model.message import MessageRecord, MessageState
from gateway.planning.left import has_left
from gateway.planning.result import EventResult, readers_about
from gateway.planning.telling import Teller
from gateway.rules.verdict import Reason
from gateway.rules.ways import WAITS
from gateway.store.contacts import Contacts
from gateway.store.outbox import Outbox, Plan, PlannedContact, PlannedMessage
from gateway.store.ready import wake_for
from gateway.store.vault import Vault
from gateway.wake import Wake

_PROOF = frozenset({Reason.NO_PROOF, Reason.ADDRESS_CHECK_SENT})
_WINDOW = WAITS - _PROOF - {Reason.NO_CONSENT, Reason.NO_ADDRESS, Reason.NO_SENDER, Reason.TIER, Reason.BLOCKED_BY_US}


class Mended(Enum):
    """What changed for the person, and so which reasons may have gone."""

    WINDOW = _WINDOW
    PROOF = _PROOF
    CONSENT = frozenset({Reason.NO_CONSENT})
    CAME_IN = WAITS


class Waiting:
    def __init__(
        self, outbox: Outbox, contacts: Contacts, vault: Vault, teller: Teller, clock: Clock, wake: Wake
    ) -> None:
        self._outbox = outbox
        self._contacts = contacts
        self._vault = vault
        self._teller = teller
        self._clock = clock
        self._wake = wake

    async def revive(self, contact: ContactId, address: AddressId, mended: Mended = Mended.CAME_IN) -> int:
        """Send what waited for this, at this address or planned anew; how many messages that were. Raises StoreUnavailable."""
        try:
            current = await self._contacts.get(contact)
            box = await self._vault.contact_box(current.id)
        except (NotFound, Sealed):
            return 0
        count = 0
        for message in await self._outbox.told_messages(current.id):
            found = await self._outbox.record(message)
            if found is None or not self._waits(found[0], mended):
                continue
            record, sealed = found
            try:
                body = box.open_json(sealed, record.id)
            except (Sealed, ValueError):
                continue
            if await self._left(current, record, body):
                continue
            if "again" in body:
                count += await self._plan_anew(current, record, body["again"])
            elif record.address == address:
                count += await self._as_it_is(current, record, sealed)
        return count

    def _waits(self, record: MessageRecord, mended: Mended) -> bool:
        return (
            record.state is MessageState.SUPPRESSED
            and record.reason in mended.value
            and record.deadline_ms > self._clock.now_ms()
        )

    async def _left(self, contact: Contact, record: MessageRecord, body: Mapping[str, Any]) -> bool:
        """Whether they have stopped following what it is about since it was planned."""
        audience: tuple[SubjectId, ...] = (SubjectId(record.subject),)
        if "again" in body:  # of an area those are told who follow its cells
            audience = EventResult.load(body["again"]["result"], 0).audience
        return await has_left(self._contacts, contact, audience, since_ms=record.planned_at_ms)

    async def _plan_anew(self, contact: Contact, record: MessageRecord, again: Mapping[str, Any]) -> int:
        """It had no address, or a document that its way could not carry: chosen once more among their addresses of now."""
        result = EventResult.load(again["result"], int(again["sequence"]))
        about = again["travellers"]
        # An order that only now became theirs names its legs.
        readers = readers_about(contact, result, about, self._clock.now_ms())
        if about and not readers:
            return 0  # those it was about are reached by another contact now
        only = EventResult.load(again["result"] | {"notifications": [record.notification]}, result.sequence)
        await self._teller.tell_anew(contact.id, only, again.get("document"), readers or None)
        return 1

    async def _as_it_is(self, contact: Contact, record: MessageRecord, sealed: bytes) -> int:
        planned = PlannedMessage(
            id=record.id, contact=contact.id, sender=record.sender, address=record.address, priority=record.priority, due_ms=0,
            deadline_ms=record.deadline_ms, told=record.told, state=MessageState.QUEUED, reason="",
            notification=record.notification, body=sealed, revive=True,
        )  # fmt: skip
        for _ in range(5):
            facts = (await self._contacts.facts_of([contact.id]))[0]
            one = PlannedContact(contact.id, facts.consent_version, (), (planned,))
            plan = Plan(partition_of(contact.id), str(record.event), record.version, str(record.subject), (one,))
            answer = await self._outbox.put(plan)
            if answer.written:
                wake_for(self._wake, (plan, answer))
                return 1
            if any(state not in ("ok", "replan") for state in answer.contacts):
                return 0
        return 0
