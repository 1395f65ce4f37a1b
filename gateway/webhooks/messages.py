"""Somebody wrote. In this order: a stop (before anything else, and confirmed) - who it is (identifiers, name) - the window -
what a button decides by itself ("yes, that is me") - the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connector import MessageEvent
from gateway.model.conversation import InboundEntry
from gateway.model.ids import AddressId, ContactId, SenderId
from gateway.webhooks import items
from gateway.webhooks.buttons import Buttons
from gateway.webhooks.deps import Deps
from gateway.webhooks.origins import Origins
from gateway.webhooks.people import People
from gateway.webhooks.stops import Stops


class Messages:
    def __init__(self, deps: Deps, people: People) -> None:
        self._d = deps
        self._people = people
        self._origins = Origins(deps)
        self._stops = Stops(deps, self._origins)
        self._buttons = Buttons(deps)

    async def message(self, value: Mapping[str, Any]) -> None:
        deps = self._d
        event = items.load_message(value)
        sender = deps.directory.get(value["sender"])
        if sender is None:
            raise ValueError("unknown sender")
        contact = await self._people.find(ContactId(value["contact"]))
        if contact is None:
            return
        address, channel = AddressId(value["address"]), value["channel"]
        origin = await self._origins.of(contact.id, channel, event.answers)
        brand = await self._origins.brand(contact, origin, sender.brand)
        # Before anything is written that a full store might refuse: a stop asks for no room.
        stopped = await self._stops.stop(contact, channel, brand, event, origin)
        known = await self._people.wrote(
            ContactId(value["contact"]), address, channel, event.identifiers, event.profile_name
        )
        if known is None:
            return
        contact = known
        if event.opens_window:
            await deps.contacts.open_window(contact.id, SenderId(sender.id), address, event.at_ms)
        handled = stopped is not None
        if stopped is not None:
            await self._stops.confirm(contact.id, address, stopped, event, brand)
        else:
            handled = await self._buttons.press(contact, address, event)
            handled = handled or await self._stops.start(contact, channel, event)
        entry = InboundEntry(
            key=f"{channel}:{event.channel_id.reveal()}",
            kind=event.kind.value,
            text=event.text,
            at_ms=event.at_ms,
            payload=event.payload,
            media=_media(event),
            channel_message_id=event.channel_id,
            origin=origin.id if origin else None,
            detail=event.detail,
        )
        await deps.conversations.add_inbound(
            contact.id, brand, address, SenderId(sender.id), item=entry, needs_person=not handled
        )
        deps.wake.now("desk")
        deps.wake.now("dispatch")


def _media(event: MessageEvent) -> dict[str, str] | None:
    if event.media is None:
        return None
    media = {"channel_media_id": event.media.channel_media_id.reveal(), "mime": event.media.mime}
    if event.media.filename is not None:
        media["filename"] = event.media.filename.reveal()
    if event.media.voice:
        media["voice"] = "yes"
    return media
