"""Who has a person's thread, and what others say in it.

Another program may hold it (the channel's own inbox, its assistant): then we only hear, and our notifications wait. The later
word about it wins by its time; a message that comes to us directly, or only for hearing, says the same as the channel's event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connector import Holder, Sender, ThreadEvent
from gateway.model.contact import Contact
from gateway.model.conversation import WANTED, OutsideEntry
from gateway.model.ids import AddressId, ContactId, SenderId
from gateway.planning.waiting import Mended
from gateway.webhooks import items
from gateway.webhooks.deps import Deps
from gateway.webhooks.media import media_of
from gateway.webhooks.origins import Origins
from gateway.webhooks.people import People
from gateway.webhooks.statuses import Statuses

HOLD_MS = 24 * 3600 * 1000
"""A thread is held for 24 h after its last event, then it is nobody's (Meta, "Conversation Routing", 24 September 2025)."""


class Threads:
    def __init__(self, deps: Deps, people: People, origins: Origins, statuses: Statuses) -> None:
        self._d = deps
        self._people = people
        self._origins = origins
        self._statuses = statuses

    # who holds it

    async def thread(self, value: Mapping[str, Any]) -> None:
        """The channel says who holds a thread, or that somebody asks us for it."""
        event = items.load_thread(value)
        contact = await self._people.find(ContactId(value["contact"]))
        if contact is None:
            return
        sender, address = SenderId(value["sender"]), AddressId(value["address"])
        if event.wanted:
            for one in await self._d.conversations.outside.open_at(contact.id, sender, address):
                await self._d.conversations.outside.remark(one, f"{value['channel']}:{event.key}", WANTED, event.at_ms)
        elif event.holder is Holder.OTHER:
            await self._held(contact, sender, address, event.program, event.at_ms)
        else:
            await self._free(contact, sender, address, event)
        self._d.wake.now("desk")

    async def heard(self, contact: Contact, sender: Sender, address: AddressId, at_ms: int, *, standby: bool) -> None:
        """A message came, to us (nobody else has the thread) or for hearing only (somebody else does)."""
        facts = self._d.facts.get(sender.channel)
        if standby:
            await self._held(contact, sender.id, address, "", at_ms)
        elif facts is not None and facts.thread_control and contact.facts.held_elsewhere(
            sender.id, address, self._d.clock.now_ms()
        ):
            freed = await self._d.contacts.set_holder(contact.id, sender.id, address, program=None, until_ms=0, at_ms=at_ms)
            if freed and self._d.waiting is not None:
                await self._d.waiting.revive(contact.id, address, Mended.WINDOW)

    async def _held(self, contact: Contact, sender: SenderId, address: AddressId, program: str, at_ms: int) -> None:
        until_ms = at_ms + HOLD_MS
        await self._d.contacts.set_holder(contact.id, sender, address, program=program, until_ms=until_ms, at_ms=at_ms)

    async def _free(self, contact: Contact, sender: SenderId, address: AddressId, event: ThreadEvent) -> None:
        """Ours again, or nobody's: whoever waits there waits for us, and what waited for the thread goes out."""
        await self._d.contacts.set_holder(contact.id, sender, address, program=None, until_ms=0, at_ms=event.at_ms)
        facts = (await self._d.contacts.facts_of([contact.id]))[0]
        if facts.held_elsewhere(sender, address, self._d.clock.now_ms()):
            return  # somebody took it since; this was said earlier
        for one in await self._d.conversations.outside.open_at(contact.id, sender, address):
            await self._d.conversations.outside.come_back(one, handed_over=event.holder is Holder.US)
        if self._d.waiting is not None:
            await self._d.waiting.revive(contact.id, address, Mended.WINDOW)

    # what others say in it

    async def echo(self, value: Mapping[str, Any]) -> None:
        """Words that left our sender by other hands, into the thread of the person they were said to."""
        event = items.load_echo(value)
        deps, channel = self._d, value["channel"]
        contact = await self._people.find(ContactId(value["contact"]))
        sender = deps.directory.get(value["sender"])
        if contact is None or sender is None:
            return
        if await self._statuses.left(contact, channel, event.channel_id, event.at_ms):
            return  # ours after all, though the channel did not bring back what we gave along
        address = AddressId(value["address"])
        opened = await deps.conversations.outside.open_at(contact.id, sender.id, address)
        if opened:
            brand = opened[-1].brand
        else:
            origin = await self._origins.of(contact.id, channel, event.answers)
            brand = await self._origins.brand(contact, origin, sender.brand)
        said = OutsideEntry(
            key=f"{channel}:{event.channel_id.reveal()}",
            kind=event.kind.value,
            text=event.text,
            at_ms=event.at_ms,
            person=event.person,
            program=event.program,
            media=media_of(event.media),
            channel_message_id=event.channel_id,
            answers=event.answers,
        )
        await deps.conversations.outside.add(contact.id, brand, address, sender.id, said)
        deps.wake.now("desk")
