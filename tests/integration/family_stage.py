"""A traveller with a booked flight, and relatives who come by the link: a house without a channel, its steps taken by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gateway.connector import Sender
from gateway.families.home import Home
from gateway.model.contact import Contact, OrderLink
from gateway.model.family import Family, Joined, Member
from gateway.model.ids import AddressId
from gateway.model.message import MessageState
from gateway.model.personal import Personal
from gateway.planning.waysin_bind import Chat
from gateway.scheduler.jobs.look_at_families import look_at_families
from gateway.store import keys
from gateway.store.contacts import FactChange
from tests.support.core import House

HOUR_MS = 3600_000


@dataclass
class Stage:
    house: House

    @property
    def home(self) -> Home:
        return self.house.runtime.home

    @property
    def sender(self) -> Sender:
        return next(iter(self.house.runtime.directory))

    async def travels(self, number: int, *numbers: int, **more: Any) -> None:
        """Somebody, and whoever else, has booked."""
        await self.house.tell(self.house.order(*(self.house.recipient(one) for one in (number, *numbers)), **more))

    async def link(self, number: int) -> tuple[Contact, OrderLink, AddressId]:
        contact = await self.house.contact_of(number)
        return contact, contact.profile.orders[0], contact.profile.addresses[0].id

    async def family(self, number: int) -> Family:
        """The family of this traveller: made, or as it stands."""
        contact, link, address = await self.link(number)
        return await self.home.make(contact, link, address, "en")

    async def standing(self, family: Family) -> Family:
        found = await self.home.families.get(family.id)
        assert found is not None
        return found

    async def chat(self, number: int) -> Chat:
        """Where relative `number` writes to us, a second later; a contact of their own where nobody has the number."""
        runtime = self.house.runtime
        identifier = runtime.connectors["whatsapp"].identify(f"+447700900{number:03d}", "")
        contact, address = await runtime.contacts.reserve("whatsapp", identifier)
        await runtime.contacts.add_identifiers(contact, address, "whatsapp", [identifier])
        self.house.pass_ms(1000)
        now = self.house.clock.now_ms()
        await runtime.contacts.open_window(contact, self.sender.id, address, now)
        return Chat(contact, address, "whatsapp", now)

    async def joins(self, family: Family, number: int, *, renewals: int = -1, name: str = "", language: str = "en") -> Joined:
        chat = await self.chat(number)
        return await self.home.join(
            family, chat, family.renewals if renewals < 0 else renewals, language, "message abc",
            name=Personal(name) if name else None,
        )  # fmt: skip

    async def follows(self, number: int) -> set[str]:
        """Subjects that somebody is subscribed to."""
        contact = await self.house.find(number)
        assert contact is not None
        return {one.subject for one in await self.house.runtime.contacts.subscriptions(contact)}

    async def said(self, number: int, *names: str) -> list[str]:
        """What is on its way to somebody of these notifications: the words before the first punctuation mark."""
        contact = await self.house.find(number)
        assert contact is not None
        known = [one for one in await self.house.messages(contact) if one.notification in names]
        found = [one for one in known if one.state is not MessageState.SUPPRESSED]
        return [re.split(r"[:.?]", str((await self.house.body(one))["text"]))[0] for one in found]

    async def unreachable(self, member: Member) -> None:
        """The channel says that nothing reaches them."""
        now = self.house.clock.now_ms()
        self.house.pass_ms(1000)
        change = FactChange(f"un:{member.address}", "", now + 1000, "later")
        await self.house.runtime.contacts.change_facts(member.contact, [change])

    async def due(self) -> list[str]:
        """Families that are looked at some time."""
        found: list[str] = []
        for partition in keys.all_partitions():
            rows: Any = await self.house.redis.zrange(keys.part(partition, "famdue"), 0, -1)
            found += [one.decode() for one in rows]
        return found

    async def looks(self) -> int:
        """What the job does when it comes by; how many families it looked at."""
        return await look_at_families(self.home)
