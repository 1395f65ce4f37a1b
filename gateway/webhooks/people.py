"""Who it is: identifiers and names that the channel told, and what it says of a person by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.errors import NotFound, Sealed
from gateway.model.contact import ConsentEntry, Contact, Identifier, Profile
from gateway.model.ids import AddressId, ContactId
from gateway.model.personal import Personal
from gateway.webhooks import items
from gateway.webhooks.deps import Deps
from gateway.webhooks.times import end_of


class People:
    def __init__(self, deps: Deps) -> None:
        self._d = deps

    async def find(self, contact: ContactId) -> Contact | None:
        """None: being erased, nothing of theirs is kept any more."""
        try:
            return await self._d.contacts.get(contact)
        except (NotFound, Sealed):
            return None

    async def named(self, contact: ContactId, address: AddressId, channel: str, found: Sequence[Identifier]) -> None:
        """Let an address be known by what the channel itself named in one breath: its own evidence, nothing else's."""
        current = await self.find(contact) if found else None
        if current is None:
            return
        known = next((one for one in current.profile.addresses if one.id == address), None)
        if known is None:
            return
        new = [one for one in found if one not in known.identifiers]
        fresh = [one for one in new if await self._d.contacts.alias(channel, one, current.id, address)]
        if fresh:
            await self._d.contacts.add_identifiers(current.id, address, channel, fresh)

    async def wrote(
        self, contact: ContactId, address: AddressId, channel: str, found: Sequence[Identifier], name: Personal | None
    ) -> Contact | None:
        """The writer's contact, with every identifier the channel named and the name it shows. None: being erased."""
        mine = [one for one in found if await self._d.contacts.alias(channel, one, contact, address)]

        def edit(profile: Profile) -> Profile:
            return replace(profile, display_name=name) if name else profile

        try:
            await self._d.contacts.add_identifiers(contact, address, channel, mine)
            return await self._d.contacts.change(contact, edit)
        except (NotFound, Sealed):
            return None

    async def preference(self, value: Mapping[str, Any]) -> None:
        """The switch inside the channel's app: for every brand that speaks through this account."""
        brands = {one.brand for one in self._d.directory.of_account(value["channel"], value["account"])}
        entries = [
            ConsentEntry(purpose, value["channel"], brand, bool(value["granted"]), value["at"], "channel_preference")
            for purpose in value["purposes"]
            for brand in sorted(brands)
        ]
        await self._d.contacts.set_consents(ContactId(value["contact"]), entries)

    async def identity(self, value: Mapping[str, Any]) -> None:
        """A number or user id changed: the channel says that the new one is the same person."""
        contact, address = ContactId(value["contact"]), AddressId(value["address"])
        current = items.identifiers(value["current"])
        mine = [one for one in current if await self._d.contacts.alias(value["channel"], one, contact, address)]
        if mine:
            await self._d.contacts.add_identifiers(contact, address, value["channel"], mine)
            # Numbers are given to others some months later: the old one must not lead to this person then.
            replaced = {(one.kind, one.scope) for one in mine}
            gone = [
                one for one in items.identifiers(value["previous"]) if (one.kind, one.scope) in replaced and one not in current
            ]
            await self._d.contacts.give_up(value["channel"], gone, contact)
        if value.get("changed"):
            await self._d.contacts.drop_proof(contact, address, end_of(value["at"]))
            await self._d.conversations.drop_identity(contact, address, end_of(value["at"]), "device")
