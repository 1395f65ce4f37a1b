"""Which message of ours somebody answers, and so whose conversation it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import Sealed
from gateway.model.contact import Contact
from gateway.model.ids import ContactId, partition_of
from gateway.model.message import MessageRecord
from gateway.model.personal import Personal
from gateway.webhooks.deps import Deps


class Origins:
    def __init__(self, deps: Deps) -> None:
        self._d = deps

    async def of(self, contact: ContactId, channel: str, answers: Personal | None) -> MessageRecord | None:
        """Which of our messages they answer: what they quote, or the message whose button they pressed."""
        if answers is None:
            return None
        channel_hash = self._d.vault.blind("channel_id", channel, answers.reveal())
        message = await self._d.outbox.by_channel_id(partition_of(contact), channel_hash)
        found = await self._d.outbox.record(message) if message else None
        return found[0] if found else None

    async def body(self, record: MessageRecord) -> Mapping[str, Any]:
        """What a message of ours says; empty when it is forgotten or its contact erased."""
        found = await self._d.outbox.record(record.id)
        if found is None:
            return {}
        try:
            opened: Mapping[str, Any] = (await self._d.vault.contact_box(record.contact)).open_json(found[1], record.id)
        except Sealed:
            return {}
        return opened

    async def brand(self, contact: Contact, origin: MessageRecord | None, default: str) -> str:
        """Whose conversation it is: the brand of what they answer, else of their newest order, else the sender's."""
        if origin is not None:
            return str((await self.body(origin)).get("brand") or default)
        brands = {link.brand for link in contact.profile.orders}
        return next(iter(brands)) if len(brands) == 1 else default
