"""A member's half of a membership: the link in their contact, and what they follow by it. Every step may be done again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import NotFound, Sealed
from gateway.families import mirror
from gateway.model.contact import Contact, OrderLink, Subscription
from gateway.model.family import Family
from gateway.model.ids import AddressId, ContactId, SubjectId, partition_of
from gateway.planning.left import leave_unnamed
from gateway.store.contacts import Contacts
from gateway.store.families import Families
from gateway.store.keys import DAY_MS


@dataclass(frozen=True, slots=True)
class Bonds:
    families: Families
    contacts: Contacts

    async def tie(self, family: Family, contact: ContactId, address: AddressId, link: OrderLink) -> Contact:
        """Give somebody on the list their link; whoever is on it no more has none afterwards. link: the traveller's

        raises: NotFound when they are being erased
        """
        customer = self.contacts.customer_hash("family", f"{family.id}/{contact}")
        current = await self.contacts.change(contact, lambda profile: mirror.joined(profile, family, link, customer, address))
        await self._follow(current, (family.id, *link.subjects))
        # Taken out, or the family over, while this was under way: then whoever did that may have come before the link.
        standing = await self.families.get(family.id)
        if standing is None or standing.ended_ms or all(one.contact != contact for one in standing.members):
            await self.untie(family.id, contact, "left")
        return current

    async def untie(self, family: SubjectId, contact: ContactId, why: str) -> None:
        """Take the link out, and what they followed by it alone."""
        with contextlib.suppress(NotFound, Sealed):  # being erased: it goes with the rest of them
            await self.contacts.change(contact, lambda profile: mirror.without(profile, family))
            await leave_unnamed(self.contacts, contact, family, f"family_{why}")

    async def along(self, family: SubjectId, contact: ContactId, link: OrderLink) -> Contact | None:
        """Let their link be as the traveller's is now. None: they have none, or are being erased."""
        try:
            current = await self.contacts.change(contact, lambda profile: mirror.with_mirror(profile, family, link))
            if not any(mirror.is_member(one) and one.order == family for one in current.profile.orders):
                return None
            await self._follow(current, (family, *link.subjects))
            await leave_unnamed(self.contacts, current.id, family, "family_moved")
        except (NotFound, Sealed):
            return None
        return current

    async def _follow(self, contact: Contact, subjects: Sequence[SubjectId]) -> None:
        for subject in subjects:
            named = [one for one in contact.profile.orders if subject in (one.order, *one.subjects)]
            until_ms = max((one.until_ms for one in named), default=0)
            await self.contacts.open_subject(subject, partition_of(contact.id), b"", until_ms + 30 * DAY_MS)
            refs = tuple(sorted({one.order for one in named}))
            await self.contacts.subscribe(Subscription(contact.id, subject, refs, until_ms))
