"""Who is at home for whom: families made, joined, left, brought along with the traveller's journey, and ended.

    make, families_of       of a traveller: what they began, by the link of their order
    join, wishes, leave     of a member: their place on the list and their link, consent and subscriptions
    follow                  every member's link is as the traveller's is now
    end, look               it is over; and whether it is (families/ending.py)

The traveller's own link in their contact is the truth about the journey, the list in the family's partition that about who is in.
Both are read anew at each step, and each step comes to the same when it is done twice: so a hook that was lost with its process
costs nothing but the time until somebody looks (store/families.py, `look_soon`; scheduler/jobs/look_at_families.py).

    joining   the list first (there the places are counted), then the contact; then the list is read again: whoever was taken out
              meanwhile is taken out of the contact too
    leaving   the list first: from then on a link that comes late finds no place; then the contact

GATEWAY_FAMILY_PLACES=0 keeps all of it shut: nothing is made or joined, and what stands is not looked at.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed
from gateway.families import mirror
from gateway.model.contact import ConsentEntry, Contact, OrderLink, Proof, Subscription
from gateway.model.family import PURPOSE, Amount, Family, Joined, Left, Member
from gateway.model.ids import AddressId, ContactId, SubjectId, partition_of
from gateway.model.personal import Personal
from gateway.planning.left import leave_unnamed
from gateway.planning.telling import Teller
from gateway.planning.waysin_bind import Chat
from gateway.store.contacts import Contacts, FactChange
from gateway.store.families import Families
from gateway.store.keys import DAY_MS
from gateway.store.subjects import Subjects

PAGE = 100
HOUR_MS = 3600_000
TRAVELS = frozenset(("flight", "rail"))
"""Kinds of orders that have a family: `OrderLink.kind`."""


@dataclass(frozen=True, slots=True)
class Home:
    families: Families
    contacts: Contacts
    subjects: Subjects
    teller: Teller
    clock: Clock
    places: int

    # of the traveller

    async def make(self, contact: Contact, link: OrderLink, address: AddressId, language: str) -> Family:
        """The family of this traveller of this order: the one that stands, else a new one. address: the chat they ask in.

        raises: Conflict where families are switched off, or one that has ended is still telling its members
        """
        if self.places < 1 or mirror.is_member(link):
            raise Conflict("families are switched off here")
        family = self.families.id_of(link.order, link.traveller)
        now = self.clock.now_ms()
        return await self.families.make(Family(
            family, link.order, link.traveller, contact.id, address, link.brand, language, now, now + HOUR_MS,
            places=self.places, followed=link.subjects,
        ))  # fmt: skip

    async def families_of(self, contact: Contact) -> list[tuple[OrderLink, Family]]:
        """The families that last and of which they are the traveller, with the link of the order that each is about."""
        links = [link for link in contact.profile.orders if not mirror.is_member(link)]
        found = await self.families.get_many([self.families.id_of(link.order, link.traveller) for link in links])
        return [(link, one) for link, one in zip(links, found, strict=True) if one is not None and not one.ended_ms]

    # of a member

    def memberships(self, contact: Contact) -> list[OrderLink]:
        """The links by which they are a member of a family that is not over."""
        now = self.clock.now_ms()
        return [link for link in contact.profile.orders if mirror.is_member(link) and link.until_ms >= now]

    async def join(
        self,
        family: Family,
        chat: Chat,
        renewals: int,
        language: str,
        evidence: str,
        *,
        name: Personal | None = None,
        greet: Callable[[], Awaitable[None]] | None = None,
    ) -> Joined:
        """Let somebody in who came by the family's link, with all that follows of it. Repeatable.

        renewals: the number of the link they came by; evidence: what shows that they agreed, without personal data
        language: "" = not known; name: as they want to be called, where they have said it
        greet:    what is said to them before the news of the journey as it stands; called again when this is done again
        raises:   NotFound when they are being erased
        """
        if self.places < 1:
            return Joined.CLOSED
        member = Member(chat.contact, chat.address, chat.channel, name, chat.at_ms)
        answer = await self.families.join(family.id, member, renewals)
        if answer not in (Joined.IN, Joined.AGAIN):
            return answer
        found = await self.traveller(family)
        if found is None:  # the journey is theirs no more: whoever looks at the family ends it
            await self.families.look_soon(family.id)
            return Joined.ENDED
        await self._agreed(family, chat, language, evidence)
        current = await self._linked(family, chat.contact, chat.address, found[1])
        if greet is not None:
            await greet()
        for subject in found[1].subjects:
            await self.teller.welcome(current.id, [subject], revive=True)
        return answer

    async def wishes(
        self, contact: ContactId, family: SubjectId, *, amount: Amount | None = None, quiet: bool | None = None
    ) -> bool:
        """How much a member wants to hear, and whether at night. None leaves it; False: they are none."""
        known = False

        def edit(link: OrderLink) -> OrderLink:
            nonlocal known
            if not mirror.is_member(link) or link.order != family:
                return link
            known = True
            return replace(
                link, amount=link.amount if amount is None else amount.value, quiet=link.quiet if quiet is None else quiet
            )

        try:
            await self.contacts.change(
                contact, lambda profile: replace(profile, orders=tuple(edit(one) for one in profile.orders))
            )
        except (NotFound, Sealed):
            return False
        return known

    async def leave(self, family: SubjectId, contact: ContactId, why: Left) -> bool:
        """They are a member no more. False: they were not on the list; a link that is left of one is taken all the same."""
        listed = await self.families.leave(family, contact, why)
        await self._unlinked(family, contact, why.value)
        return listed

    # the journey

    async def follow(self, order: SubjectId, customer: str) -> None:
        """The traveller's link may have changed: let every member's be as it is, and tell them what they follow by that."""
        family = await self.families.get(self.families.id_of(order, customer))
        if family is None or family.ended_ms or self.places < 1:
            return
        found = await self.traveller(family)
        if found is None:
            await self.end(family.id, "left_out")
            return
        for member in family.members:
            await self._brought_along(family, member, found[1])
        if family.followed != found[1].subjects:
            await self.families.set_followed(family.id, found[1].subjects)

    async def traveller(self, family: Family) -> tuple[Contact, OrderLink] | None:
        """The traveller's contact and link: where the family has them, else wherever their order has them by now, where the
        family goes too. None: they are on the order no more, or erased."""
        known = (await self.contacts.get_many([family.contact]))[0]
        if known is not None and (link := _own(known, family)) is not None:
            return known, link
        for partition in await self.subjects.partitions(family.order):
            after = ""
            while people := await self.contacts.subscribers(partition, family.order, after, PAGE):
                after = people[-1]
                for contact in await self.contacts.get_many(people):
                    link = _own(contact, family) if contact is not None else None
                    if contact is not None and link is not None:
                        address = _address_of(contact, family.customer)
                        with contextlib.suppress(Sealed):  # who had the key was erased: names are gone, the family goes on
                            await self.families.move(family, contact.id, address)
                        return contact, link
        return None

    async def end(self, family: SubjectId, why: str) -> bool:
        """It is over, from this moment. False: it was, or there is none. why: as store/families.py `end`"""
        return await self.families.end(family, why)

    async def look(self, family: SubjectId) -> None:
        """See that it is as it should be, and when to look next."""
        await self.families.look_at(family, self.clock.now_ms() + HOUR_MS)

    # steps

    async def _agreed(self, family: Family, chat: Chat, language: str, evidence: str) -> None:
        entry = ConsentEntry(PURPOSE, chat.channel, family.brand, True, chat.at_ms, "family_link", evidence=Personal(evidence))
        changes = await self.contacts.consent_changes(chat.contact, [entry])
        facts = (await self.contacts.facts_of([chat.contact]))[0]
        if facts.proofs.get(chat.address, (None, 0))[0] is None:
            changes.append(FactChange(f"p:{chat.address}", Proof.INBOUND.value, chat.at_ms, "proof"))
        if language and not facts.language:
            changes.append(FactChange("lang", language, 0, "set"))
        await self.contacts.change_facts(chat.contact, changes)

    async def _linked(self, family: Family, contact: ContactId, address: AddressId, link: OrderLink) -> Contact:
        customer = self.contacts.customer_hash("family", f"{family.id}/{contact}")
        current = await self.contacts.change(
            contact, lambda profile: mirror.joined(profile, family, link, customer, address)
        )
        await self._subscribed(current, (family.id, *link.subjects))
        standing = await self.families.get(family.id)
        if standing is None or standing.ended_ms or contact not in {one.contact for one in standing.members}:
            await self._unlinked(family.id, contact, "left")
        return current

    async def _subscribed(self, contact: Contact, subjects: Sequence[SubjectId]) -> None:
        for subject in subjects:
            named = [one for one in contact.profile.orders if subject in (one.order, *one.subjects)]
            until_ms = max((one.until_ms for one in named), default=0)
            await self.contacts.open_subject(subject, partition_of(contact.id), b"", until_ms + 30 * DAY_MS)
            refs = tuple(sorted({one.order for one in named}))
            await self.contacts.subscribe(Subscription(contact.id, subject, refs, until_ms))

    async def _unlinked(self, family: SubjectId, contact: ContactId, why: str) -> None:
        with contextlib.suppress(NotFound, Sealed):
            await self.contacts.change(contact, lambda profile: mirror.without(profile, family))
            await leave_unnamed(self.contacts, contact, family, f"family_{why}")

    async def _brought_along(self, family: Family, member: Member, link: OrderLink) -> None:
        """One member's link as the traveller's is. What is new is told; it counts as new until everybody has heard it."""
        try:
            current = await self.contacts.change(member.contact, lambda profile: mirror.with_mirror(profile, family.id, link))
            if not any(mirror.is_member(one) and one.order == family.id for one in current.profile.orders):
                return  # their link is still to come, as the traveller's is by then
            await self._subscribed(current, (family.id, *link.subjects))
            await leave_unnamed(self.contacts, current.id, family.id, "rebooked")
        except (NotFound, Sealed):
            return
        for subject in link.subjects:
            if subject not in family.followed:
                await self.teller.welcome(current.id, [subject])


def _own(contact: Contact, family: Family) -> OrderLink | None:
    """The traveller's link that a family is about, in this contact."""
    if contact.facts.erasing:
        return None
    return next(
        (one for one in contact.profile.orders if one.order == family.order and one.traveller == family.customer), None
    )


def _address_of(contact: Contact, customer: str) -> AddressId:
    """Where this traveller is written to first; "" where they have no address yet."""
    person = next((one for one in contact.profile.travellers if one.customer == customer), None)
    own = [one.id for one in contact.profile.addresses]
    return next((one for one in (*(person.addresses if person else ()), *own) if one in own), AddressId(""))
