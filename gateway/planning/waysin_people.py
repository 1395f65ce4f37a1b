"""Who travels on an order, as our contacts have it: whom an invitation or a booking code with a surname can mean."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.contact import Contact, OrderLink, Traveller
from gateway.model.ids import ContactId, SubjectId
from gateway.model.invitation import Invitation
from gateway.planning.waysin_words import same_surname
from gateway.store.contacts import Contacts
from gateway.store.subjects import Subjects

PAGE = 100
MOST = 200
"""Nobody has more travellers on one order; a flight is never walked."""
_FIRST = ("booker", "customer")
INVITED = "invitation"
"""The source of an order of somebody who is told beside its travellers."""


@dataclass(frozen=True, slots=True)
class Member:
    """One traveller of an order, at the contact that hears about it for them."""

    contact: Contact
    traveller: Traveller
    link: OrderLink


class Members:
    def __init__(self, contacts: Contacts, subjects: Subjects) -> None:
        self._contacts = contacts
        self.subjects = subjects

    async def of(self, order: SubjectId) -> list[Member]:
        """Everybody on an order, without who is only told beside them; [] for one that nobody heard of yet."""
        found: list[Member] = []
        for partition in await self.subjects.partitions(order):
            after = ""
            while len(found) < MOST and (people := await self._contacts.subscribers(partition, order, after, PAGE)):
                after = people[-1]
                for contact in await self._contacts.get_many(people):
                    if contact is not None and not contact.facts.erasing:
                        found += _members(contact, order)
                if len(people) < PAGE:
                    break
        return found

    async def meant(self, invitation: Invitation, members: list[Member]) -> Member | None:
        """Whom an invitation is for, when that is clear: their customer number, else passenger, else role, else the only one.

        Never somebody of another brand: two systems may number alike.
        """
        members = [one for one in members if one.link.brand == invitation.brand]
        if invitation.customer:
            return next((one for one in members if one.traveller.customer == invitation.customer), None)
        if invitation.passenger:
            return _only([one for one in members if one.link.passenger == invitation.passenger])
        if invitation.role:
            return _only([one for one in members if one.link.role == invitation.role])
        return _only(members)

    async def known(self, invitation: Invitation) -> ContactId | None:
        """The contact that an invitation knows: of the order's traveller, else of the customer number."""
        member = await self.meant(invitation, await self.of(invitation.subject)) if invitation.number else None
        if member is not None:
            return member.contact.id
        if not invitation.customer or await self.is_anothers(invitation):
            return None
        return await self._contacts.by_customer(invitation.customer)

    async def is_anothers(self, invitation: Invitation) -> bool:
        """Whether the customer number of an invitation is known, and as that of other brands only."""
        held = await self._contacts.by_customer(invitation.customer) if invitation.customer else None
        found = (await self._contacts.get_many([held]))[0] if held is not None else None
        brands = {link.brand for link in found.profile.orders if link.traveller == invitation.customer} if found else set()
        return bool(brands) and invitation.brand not in brands


def by_surname(members: list[Member], said: str) -> list[Member]:
    """Whom a surname names; of several, who booked comes first."""
    found = [
        one
        for one in members
        if one.traveller.family_name is not None
        and same_surname(
            said, one.traveller.family_name.reveal(), one.traveller.given_name.reveal() if one.traveller.given_name else ""
        )
    ]
    return sorted(found, key=lambda one: (one.link.role not in _FIRST, one.link.passenger or "", one.traveller.customer))


def one_of(found: list[Member]) -> Member | None:
    """The one who is meant by a surname: the only one, or the only one who booked. None: people must decide."""
    people = {one.traveller.customer: one for one in reversed(found)}
    if len(people) == 1:
        return found[0]
    return _only([one for one in people.values() if one.link.role in _FIRST])


def _only(found: list[Member]) -> Member | None:
    people = {one.traveller.customer for one in found}
    return found[0] if len(people) == 1 else None


def _members(contact: Contact, order: SubjectId) -> list[Member]:
    travellers = {one.customer: one for one in contact.profile.travellers}
    return [
        Member(contact, travellers[link.traveller], link)
        for link in contact.profile.orders
        if link.order == order and link.traveller in travellers and link.source != INVITED
    ]
