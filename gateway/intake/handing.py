"""A document goes to the people that its event names, each under their own key."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed, StoreError
from gateway.intake.orders import Taken
from gateway.intake.stores import Stores
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId
from gateway.notifications.model import Notification
from gateway.planning.result import EventResult, Reader, readers_of
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds
from gateway.store.keys import KEEP_MS


class Handing:
    def __init__(self, stores: Stores, teller: Teller, worlds: Worlds, clock: Clock) -> None:
        self._s = stores
        self._teller = teller
        self._worlds = worlds
        self._clock = clock

    async def to_recipients(self, event: BusinessEvent, result: EventResult, taken: Sequence[Taken]) -> None:
        """A document goes to the recipients that its event names, each for themselves."""
        if not result.notifications:
            return
        failed: Exception | None = None
        for one in taken:
            try:
                contact = await self._s.contacts.get(one.contact)
            except (NotFound, Sealed):  # erased meanwhile
                continue
            kept = await self._keep_document(event, contact.id, result.notifications)
            readers = [
                reader
                for reader in readers_of(contact, replace(result, refs=()), self._clock.now_ms())
                if reader.traveller is not None and reader.traveller.customer == one.traveller
            ]
            if not readers:
                person = next((known for known in contact.profile.travellers if known.customer == one.traveller), None)
                readers = [Reader(person, None)]
            try:
                await self._teller.tell(contact.id, replace(result, document=kept), readers)
            except (StoreError, OSError, TimeoutError):
                raise
            except Exception as error:  # all others have theirs before the event fails
                failed = failed or error
        if failed is not None:
            raise failed

    async def _keep_document(
        self, event: BusinessEvent, contact: ContactId, names: Sequence[str]
    ) -> Mapping[str, Any] | None:
        """The issuer's document: bytes are kept sealed for this contact, a URL is fetched when it is sent."""
        document = event.data.get("document") or {}
        spec = next((one.document for one in self._notifications(names) if one.document is not None), None)
        if spec is None or not (document.get("content") or document.get("url")):
            return None
        mime = document.get("mime") or "application/pdf"
        ending = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[mime]
        filename = f"{spec.filename.rpartition('.')[0]}.{ending}"
        # Of this person: their partition keeps it under their key, beside the same document of somebody else.
        ref = self._s.vault.blind("document", event.id, event.item, contact)
        if document.get("content"):
            data = base64.b64decode(document["content"])
            await self._s.documents.put(contact, ref, data, ttl_ms=KEEP_MS)
            return {"ref": ref, "url": None, "mime": mime, "filename": filename}
        return {"ref": ref, "url": document["url"], "mime": mime, "filename": filename}

    def _notifications(self, names: Sequence[str]) -> list[Notification]:
        found = [self._worlds.catalogue.get(name) for name in names]
        return [one for one in found if one is not None]
