"""Ways in: somebody came by an invitation, or typed a booking code. Called by the splitter and the applier.

    owner      before an unknown writer gets a contact of their own: the invitation may know whose they are
    message    after window and stop: True when no person is needed
    arrival    they opened the link in a chat that they already had, and said nothing yet

Every call may be made twice for one event, and answers the same.
"""

from __future__ import annotations

from gateway.connector import ArrivalEvent, MessageEvent, Sender
from gateway.model.contact import Contact, Identifier
from gateway.model.ids import AddressId, ContactId
from gateway.runtime import Runtime


class WaysIn:
    async def owner(
        self, channel: str, sender: Sender, found: tuple[Identifier, ...], event: MessageEvent | ArrivalEvent
    ) -> tuple[ContactId, AddressId] | None:
        """Whose a writer is whom nobody knows yet; None: they get a contact of their own. found: scoped identifiers"""
        return None

    async def message(self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent) -> bool:
        """Whether this message was a way in and is answered. The event's identifiers are scoped."""
        return False

    async def arrival(self, contact: Contact, address: AddressId, sender: Sender, event: ArrivalEvent) -> None:
        """They came by a link. The event's identifiers are scoped."""


def make_ways_in(runtime: Runtime) -> WaysIn:
    return WaysIn()
