"""A family brought along with the traveller's journey, and ended: by looking, from time to time, at how things stand.

    the traveller   where the family has them, else wherever their order has them by now; nowhere: the family ends
    along           each member's link as the traveller's is; who follows another leg by that hears so, and what holds of it
    in order        whoever has a link and no place on the list (a process died in between) loses it
    over            every leg landed, cancelled or never heard of again, and a day passed; or the order is cancelled: it ends
    ended           members are told once, lose their link, and the list is erased

Nothing is remembered between two looks but when the next one is due (rules/family_end.py), so a look that was killed is done
again whole. Hooks ask for one at once (store/families.py `look_soon`): after a move, another version of the order, an erasure. In
a crisis about any of its legs a family is left as it is, and looked at again until the crisis is lifted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.clock import Clock
from gateway.errors import Sealed
from gateway.families import mirror
from gateway.families.bonds import Bonds
from gateway.families.herald import Herald, given_name
from gateway.model.contact import Contact, OrderLink
from gateway.model.event import EventType
from gateway.model.family import Family, Left, Member
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.planning.telling import Teller
from gateway.rules.changes import state_of
from gateway.rules.family_end import ends_ms, leg_of, look_ms
from gateway.rules.stretches import seen_from
from gateway.store.contacts import Contacts
from gateway.store.families import Families
from gateway.store.incidents import Incidents
from gateway.store.keys import DAY_MS
from gateway.store.subjects import Subjects

PAGE = 100
CRISIS_MS = 10 * 60_000
GROUP_MS = 7 * DAY_MS
"""So long after somebody joined, or the link was set, it is passed on by whoever looks."""
SHUT_MS = 3600_000
"""How long until another look where families are switched off."""


@dataclass(frozen=True, slots=True)
class Keeper:
    families: Families
    contacts: Contacts
    subjects: Subjects
    bonds: Bonds
    teller: Teller
    herald: Herald
    incidents: Incidents
    clock: Clock

    async def traveller(self, family: Family) -> tuple[Contact, OrderLink] | None:
        """The traveller's contact and link, where the family goes too. None: on the order no more, or erased."""
        known = (await self.contacts.get_many([family.contact]))[0]
        if known is not None and (link := _own(known, family)) is not None:
            return known, link
        for contact in await self._subscribers(family.order):
            if (link := _own(contact, family)) is not None:
                with contextlib.suppress(Sealed):  # who had the key was erased: the names are gone, the family goes on
                    await self.families.move(family, contact.id, _address_of(contact, family.customer))
                return contact, link
        return None

    async def follow(self, family: Family, link: OrderLink) -> None:
        """Bring every member along. What is new counts as new until everybody was told of it."""
        new = [one for one in link.subjects if one not in family.followed]
        states = dict(zip(new, await self.states(new), strict=True))
        for member in family.members:
            current = await self.bonds.along(family.id, member.contact, link)
            if current is None:
                continue
            for subject, state in states.items():
                seen = seen_from(state, link.stretches.get(subject)) or state
                await self.herald.follows(family, current.id, member.address, subject, seen, self.clock.now_ms())
                await self.teller.welcome(current.id, [subject])
        if family.followed != link.subjects:
            await self.families.set_followed(family.id, link.subjects)

    async def states(self, legs: Sequence[SubjectId]) -> list[Mapping[str, Any]]:
        """What is known of each leg, by its own events or by orders; {} where nothing is."""
        found: list[Mapping[str, Any]] = []
        for leg in legs:
            flight = await self.subjects.read(leg, EventType.FLIGHT_STATUS.value)
            trip = flight if flight.spoken else await self.subjects.read(leg, EventType.TRIP_STATUS.value)
            found.append(state_of(trip.known if trip.spoken else flight.known))
        return found

    async def group(self, family: Family, given: str, *, only: ContactId | None = None) -> int:
        """Pass the link of the traveller's group on, to each member once; how many have it. In a crisis it waits for a look.

        given: the traveller's name, "" = not known; only: this one alone
        """
        now = self.clock.now_ms()
        if family.group_link is None or await self.in_crisis(family):
            return 0
        for one in family.members:
            # Whether they have it already is known by the message, and that for eight days.
            if only in (None, one.contact) and now - max(family.group_ms, one.joined_ms) < GROUP_MS:
                await self.herald.group(family, one.contact, one.address, given, now)
        return len(family.members)

    # looking

    async def look(self, subject: SubjectId, *, shut: bool = False) -> None:
        """See that a family is as it should be, and when to look next.

        shut: families are switched off here: nobody is told anything or brought along, and what is over goes without a word

        raises: StoreUnavailable
        """
        family, now = await self.families.get(subject), self.clock.now_ms()
        if family is None or not family.contact:  # nothing is left of it that anybody need look at
            await self.families.erase(subject)
        elif not shut and await self.in_crisis(family):
            await self.families.look_at(subject, now + CRISIS_MS, began=family)
        elif family.ended_ms:
            await self.finish(family, silent=shut)
        else:
            await self._look(family, now, shut=shut)

    async def _look(self, family: Family, now: int, *, shut: bool) -> None:
        found = await self.traveller(family)
        if found is None or await self._cancelled(family.order):
            await self._over(family, "left_out" if found is None else "cancelled", silent=shut)
            return
        link = found[1]
        away = {one.away for one in link.moves}
        legs = [leg_of(state) for state in await self.states([one for one in link.subjects if one not in away])]
        if ends_ms(legs, link.until_ms) <= now:
            await self._over(family, "over", silent=shut)
            return
        if shut:
            await self.families.look_at(family.id, now + SHUT_MS, began=family)
            return
        await self.follow(family, link)
        await self._in_order(family, link)
        await self.group(family, given_name(found[0], family.customer))
        landed = bool(legs) and all(leg.over for leg in legs) and any(leg.landed for leg in legs)
        if landed and family.members and family.group_link is None:
            await self.herald.offer(family, now)
        await self.families.look_at(family.id, look_ms(legs, link.until_ms, now), began=family)

    async def _over(self, family: Family, why: str, *, silent: bool) -> None:
        await self.families.end(family.id, why)
        ended = await self.families.get(family.id)
        if ended is not None and ended.contact:
            await self.finish(ended, silent=silent)

    async def _cancelled(self, order: SubjectId) -> bool:
        known = await self.subjects.read(order, EventType.ORDER_STATUS.value)
        return known.memory.get("status") == "cancelled"

    async def _in_order(self, family: Family, link: OrderLink) -> None:
        """Whoever follows the family and is on its list no more loses their link."""
        # First who follows it, then the list: joining is done the other way round, so nobody who is just coming in is taken out.
        followers = await self._subscribers(family.id)
        listed = await self._listed(family.id)
        gone = [one.id for one in followers if one.id not in listed]
        for contact in gone:
            await self.bonds.untie(family.id, contact, "left")
        listed = await self._listed(family.id) if gone else {}
        for contact in gone:  # who came back meanwhile may have lost what they had just been given
            if contact in listed:
                await self.bonds.tie(family, contact, listed[contact].address, link)

    async def _listed(self, family: SubjectId) -> dict[ContactId, Member]:
        standing = await self.families.get(family)
        return {one.contact: one for one in standing.members} if standing is not None else {}

    async def in_crisis(self, family: Family) -> bool:
        """Whether a crisis is about anything of the family's journey: nothing is said by itself then."""
        about = {family.order, *family.followed}
        return any(not about.isdisjoint((one.subject, *one.people)) for one in await self.incidents.fresh())

    # over

    async def finish(self, family: Family, *, silent: bool = False) -> None:
        """Tell the members of an ended family, each once, unless silent; take their links, erase the list."""
        leg = next(iter(await self.states(family.followed[-1:])), {})
        for member in family.members:
            if not silent:
                await self.herald.ended(family, member.contact, member.address, leg)
            await self.bonds.untie(family.id, member.contact, Left.OVER.value)
        for contact in await self._subscribers(family.id):
            await self.bonds.untie(family.id, contact.id, Left.OVER.value)
        await self.families.erase(family.id)

    async def _subscribers(self, subject: SubjectId) -> list[Contact]:
        found: list[Contact] = []
        for partition in await self.subjects.partitions(subject):
            after = ""
            while people := await self.contacts.subscribers(partition, subject, after, PAGE):
                after = people[-1]
                found += [one for one in await self.contacts.get_many(people) if one is not None]
        return found


def _own(contact: Contact, family: Family) -> OrderLink | None:
    """The traveller's link that a family is about, in this contact."""
    if contact.facts.erasing:
        return None
    links = (one for one in contact.profile.orders if not mirror.is_member(one))
    return next((one for one in links if one.order == family.order and one.traveller == family.customer), None)


def _address_of(contact: Contact, customer: str) -> AddressId:
    """Where this traveller is written to first; "" where they have no address yet."""
    person = next((one for one in contact.profile.travellers if one.customer == customer), None)
    own = [one.id for one in contact.profile.addresses]
    return next((one for one in (*(person.addresses if person else ()), *own) if one in own), AddressId(""))
