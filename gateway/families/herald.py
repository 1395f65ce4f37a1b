"""What a family is told that no event brings: that they follow another leg, that it is over, the link of the traveller's group;
and the traveller, after landing, how to begin one.

Each is said once, to the chat of the member or of the traveller, however often it is asked for: the id of the message is made of
the family, of what is said and of the contact. Of a leg only what is public is handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.contact import Contact
from gateway.model.family import Family
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.planning.waysin_say import Beside, Sayer
from gateway.store.vault import Vault

ENDED, FOLLOWS, GROUP, OFFER = "family_ended", "family_follows", "family_group", "family_group_offer"
PUBLIC = ("carrier", "operator", "number", "from", "to", "departure", "arrival")
"""What these texts may show of a leg."""
_TO_MEMBERS = (FOLLOWS, GROUP)
"""Not to who is a member no more when it would go. The last words are for just those."""


@dataclass(frozen=True, slots=True)
class Herald:
    sayer: Sayer
    vault: Vault

    async def ended(self, family: Family, contact: ContactId, address: AddressId, leg: Mapping[str, Any]) -> None:
        """leg: the state of the last one"""
        await self._say(family, contact, address, ENDED, str(family.made_ms), family.ended_ms, data=_public(leg))

    async def follows(
        self, family: Family, contact: ContactId, address: AddressId, subject: SubjectId, leg: Mapping[str, Any], at_ms: int
    ) -> None:
        await self._say(
            family, contact, address, FOLLOWS, f"{family.made_ms}:{subject}", at_ms, data=_public(leg), subject=subject
        )

    async def group(self, family: Family, contact: ContactId, address: AddressId, given: str, at_ms: int) -> None:
        """Another link is passed on too, and instead of one that still waits; the same only once.

        given: the traveller's name, "" = not known
        """
        assert family.group_link is not None
        link = family.group_link.reveal()
        data = {"link": link} | ({"name": given} if given else {})
        key = self.vault.blind("group", family.id, link)[:16]
        subject = next(reversed(family.followed), family.id)
        told = (family.id, family.group_ms)
        await self._say(family, contact, address, GROUP, key, at_ms, data=data, subject=subject, told=told)

    async def offer(self, family: Family, at_ms: int) -> None:
        data = {"members": str(len(family.members))}
        await self._say(family, family.contact, family.address, OFFER, str(family.made_ms), at_ms, data=data)

    async def _say(
        self,
        family: Family,
        contact: ContactId,
        address: AddressId,
        name: str,
        key: str,
        at_ms: int,
        *,
        data: Mapping[str, Any],
        subject: SubjectId = SubjectId(""),  # noqa: B008 a name for a string
        told: tuple[str, int] | None = None,
    ) -> None:
        """subject: what it is about: of who leaves meanwhile what waits for the morning does not go. The last words have none:
        they are for somebody who follows nothing any more. In a crisis about any leg all of it waits."""
        member = family.id if name in _TO_MEMBERS else None
        beside = Beside(told=told, family=member, journey=(family.order, *family.followed))
        await self.sayer.say(
            contact, address, name, f"family:{family.id}:{key}", at_ms, family.brand, language=family.language, data=data,
            about=family.id, subject=subject, beside=beside,
        )  # fmt: skip


def _public(leg: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in leg.items() if field in PUBLIC}


def given_name(contact: Contact, customer: str) -> str:
    """A traveller's given name; "" where nobody told it."""
    person = next((one for one in contact.profile.travellers if one.customer == customer), None)
    return person.given_name.reveal() if person is not None and person.given_name is not None else ""
