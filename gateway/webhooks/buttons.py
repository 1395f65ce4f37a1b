"""Buttons that decide by themselves: answers to our own questions, for which no person is needed."""

from __future__ import annotations

from gateway.connector import InboundKind, MessageEvent
from gateway.model.contact import Contact, Proof
from gateway.model.ids import AddressId
from gateway.planning.waiting import Mended
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
            if self._d.waiting is not None:
                await self._d.waiting.revive(contact.id, address, Mended.PROOF)
            return True
        if key == "not_me":
            await self._d.contacts.set_proof(contact.id, address, None, event.at_ms)
            await self._d.conversations.drop_identity(contact.id, address, event.at_ms, "not_me")
            return True
        return False
