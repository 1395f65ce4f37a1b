"""Who came to an order by an invitation: before the order was known, or beside its people."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import NotFound, Sealed
from gateway.model.contact import Profile, Traveller
from gateway.model.ids import AddressId, SubjectId
from gateway.model.invitation import Invitation
from gateway.planning.waysin_bind import nobody
from gateway.store.contacts import Contacts
from gateway.store.invitations import Invitations


async def invited_to(order: SubjectId, brand: str, store: Invitations, contacts: Contacts) -> Invited:
    """brand: the order's, "" where its event leaves it out; an invitation of another brand meant another order"""
    found = await store.of_subject(order)
    return Invited([one for one in found if brand in ("", one.brand)], store, contacts)


@dataclass(frozen=True, slots=True)
class Chats:
    """Addresses that came by invitations. asked: of somebody who was identified, and so goes first; brought: of a bearer"""

    asked: Set[AddressId] = frozenset()
    brought: Set[AddressId] = frozenset()


NO_CHATS = Chats()


class Invited:
    """Whom the invitations of an order have brought so far."""

    def __init__(self, invitations: Sequence[Invitation], store: Invitations, contacts: Contacts) -> None:
        self._store = store
        self._contacts = contacts
        self.all = tuple(invitations)
        self._came = [one for one in invitations if one.contact is not None and one.address is not None]
        self._nobody = {one.id: nobody(contacts, one) for one in self._came}
        self.claimed = [(one.id, one.contact, one.traveller) for one in self._came]
        self._used: set[str] = set()

    def as_customer(self, customer: str) -> Invitation | None:
        """The newest invitation by which this customer came."""
        return next((one for one in reversed(self._came) if one.traveller == customer), None)

    def chats(self, customer: str) -> list[AddressId]:
        """The addresses by which this customer came."""
        return [one.address for one in self._came if one.address is not None and one.traveller == customer]

    def as_recipient(
        self, recipient: Mapping[str, Any], customer: str, everybody: Sequence[Mapping[str, Any]]
    ) -> Invitation | None:
        """One who came before the order was known, and is this recipient: by customer, passenger, only one of a role, only one.

        everybody: all recipients of the order
        """
        roles = [one.get("role") for one in everybody]
        for one in self._came:
            if one.traveller != self._nobody[one.id] or one.apart or one.id in self._used:
                continue
            if one.customer:
                fits = one.customer == customer
            elif one.passenger:
                fits = one.passenger == recipient.get("passenger")
            elif one.role:
                fits = one.role == recipient.get("role") and roles.count(one.role) == 1
            else:
                fits = len(everybody) == 1
            if fits:
                self._used.add(one.id)
                return one
        return None

    def beside(self) -> list[Invitation]:
        """Who came and is nobody on the order: told beside its people."""
        return [one for one in self._came if one.traveller == self._nobody[one.id] and one.id not in self._used]

    async def came_before(
        self, recipient: Mapping[str, Any], customer: str, everybody: Sequence[Mapping[str, Any]]
    ) -> Invitation | None:
        """Whoever came before the order, for a passenger or role of it, is this recipient: if nothing else reaches them."""
        came = self.as_recipient(recipient, customer, everybody)
        if came is None:
            return None
        held = await self._contacts.by_customer(customer)
        try:
            known = await self._contacts.get(held) if held is not None else None
        except (NotFound, Sealed):
            known = None
        return None if known is not None and known.id != came.contact and known.profile.addresses else came

    async def rename(self, came: Invitation, customer: str) -> None:
        """The nobody of an invitation turns out to be this customer."""
        assert came.contact is not None
        assert came.address is not None
        gone, address = came.traveller, came.address

        def edit(profile: Profile) -> Profile:
            if all(one.customer != customer for one in profile.travellers):
                profile = replace(profile, travellers=(*profile.travellers, Traveller(customer, None, None, (address,))))
            return replace(
                profile,
                travellers=tuple(one for one in profile.travellers if one.customer != gone),
                orders=tuple(one for one in profile.orders if one.traveller != gone),
            )

        with contextlib.suppress(NotFound):
            await self._contacts.change(came.contact, edit)
        await self._store.bound(came, came.contact, address, customer, done=bool(came.bound_ms))
