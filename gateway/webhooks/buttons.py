"""Buttons that decide by themselves: answers to our own questions, for which no person is needed."""

from __future__ import annotations

from gateway.connector import InboundKind, MessageEvent
from gateway.model.contact import Contact, Proof
from gateway.model.ids import AddressId, ContactId, partition_of
from gateway.model.message import MessageState
from gateway.rules.verdict import Reason
from gateway.store.outbox import Plan, PlannedContact, PlannedMessage
from gateway.webhooks.deps import Deps

CHECK = "address_check"


class Buttons:
    def __init__(self, deps: Deps) -> None:
        self._d = deps

    async def press(self, contact: Contact, address: AddressId, event: MessageEvent) -> bool:
        """True: handled, no person is needed."""
        if event.kind is not InboundKind.BUTTON or not event.payload:
            return False
        name, _, key = event.payload.partition("/")
        if name != CHECK:
            return False
        if key == "yes":
            await self._d.contacts.set_proof(contact.id, address, Proof.INBOUND, event.at_ms)
            await self._revive(contact.id, address)
            return True
        if key == "not_me":
            await self._d.contacts.set_proof(contact.id, address, None, event.at_ms)
            return True
        return False

    async def _revive(self, contact: ContactId, address: AddressId) -> None:
        """What waited for this proof goes now, unless it was replaced or ended, or its time is past."""
        deps = self._d
        for message in await deps.outbox.told_messages(contact):
            found = await deps.outbox.record(message)
            if found is None:
                continue
            record, body = found
            if record.state is not MessageState.SUPPRESSED or record.reason != Reason.NO_PROOF.value:
                continue
            if record.address != address or record.deadline_ms <= deps.clock.now_ms():
                continue
            planned = PlannedMessage(
                id=record.id, contact=contact, sender=record.sender, address=address, priority=record.priority, due_ms=0,
                deadline_ms=record.deadline_ms, told=record.told, state=MessageState.QUEUED, reason="",
                notification=record.notification, body=body, revive=True,
            )  # fmt: skip
            for _ in range(5):
                facts = (await deps.contacts.facts_of([contact]))[0]
                one = PlannedContact(contact, facts.consent_version, (), (planned,))
                plan = Plan(partition_of(contact), str(record.event), record.version, str(record.subject), (one,))
                answer = await deps.outbox.put(plan)
                if answer.written or any(state not in ("ok", "replan") for state in answer.contacts):
                    break
