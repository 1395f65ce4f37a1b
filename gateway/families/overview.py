"""Families as whoever runs this sees and steers them: those of a flight, a train or an order, how each stands, its door, its end.

There is no list of all families. A flight's are found through its people: whoever follows it as a traveller may have begun one,
whoever follows it as a member is in one. So what is asked for costs one reading of those people, and nothing is kept for it.

What an operator does is done as the traveller would do it, with one fact more that says who and why. An end is only said here:
whoever looks at families next (within seconds) tells the members and erases the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Conflict, NotFound
from gateway.families.mirror import is_member
from gateway.model.contact import Contact
from gateway.model.family import PURPOSE, Family
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.store.contacts import Contacts
from gateway.store.families import Families
from gateway.store.subjects import Subjects

PAGE = 200
"""Contacts read at once."""
MOST = 500
"""Families told of at once; of a flight with more, the first."""
OPERATOR = "operator"
"""Why a family ended that an operator ended (`Family.ended_why`)."""


class Move(StrEnum):
    CLOSE = "close"
    OPEN = "open"
    END = "end"


@dataclass(frozen=True, slots=True)
class Seen:
    """A family as it stands. until_ms: when the journey is over as far as is known, 0 = it has ended, or is nobody's by now

    reached: of each member whether news reaches them: they did not stop, and the channel can
    """

    family: Family
    until_ms: int
    reached: Mapping[ContactId, bool]

    @property
    def state(self) -> str:
        """lasts, ending (its members are being told) or ended (they were, and the list is erased)"""
        if not self.family.ended_ms:
            return "lasts"
        return "ending" if self.family.contact else "ended"

    @property
    def door(self) -> str:
        """open, closed, or too_many: it closed by itself because so many came in one minute"""
        if self.family.open and not self.family.ended_ms:
            return "open"
        return "too_many" if self.family.shut_ms else "closed"


async def reached(contacts: Contacts, family: Family) -> dict[ContactId, bool]:
    """Of each member whether news reaches them: not where the channel says that they cannot be reached, or they stopped."""
    facts = await contacts.facts_of([one.contact for one in family.members])
    found = {}
    for member, known in zip(family.members, facts, strict=True):
        consent = known.consents.get(f"{PURPOSE}.{member.channel}.{family.brand}")
        found[member.contact] = consent is not None and consent.granted and not known.is_unreachable(member.address)
    return found


@dataclass(frozen=True, slots=True)
class Overview:
    families: Families
    contacts: Contacts
    subjects: Subjects

    async def of(self, subject: SubjectId) -> tuple[list[Seen], bool]:
        """Families of a flight, train or order, oldest first, those that ended of late too; whether there are more than MOST."""
        wanted: dict[SubjectId, None] = {}
        for partition in await self.subjects.partitions(subject):
            after = ""
            while people := await self.contacts.subscribers(partition, subject, after, PAGE):
                after = people[-1]
                wanted |= dict.fromkeys(self._families(await self.contacts.get_many(people), subject))
        found = [one for one in await self.families.get_many(wanted) if one is not None]
        found.sort(key=lambda one: (one.made_ms, one.id))
        return [await self._seen(one) for one in found[:MOST]], len(found) > MOST

    async def one(self, family: SubjectId) -> Seen:
        """Raises NotFound."""
        found = await self.families.get(family)
        if found is None:
            raise NotFound("there is no such family, or it ended more than 8 days ago")
        return await self._seen(found)

    async def steer(self, family: SubjectId, move: Move, *, who: str, why: str) -> Seen:
        """Do what an operator said. Repeatable. Raises NotFound; Conflict where it has ended."""
        before = (await self.one(family)).family
        if before.ended_ms and not (move is Move.END and before.ended_why == OPERATOR):
            raise Conflict("this family has ended: nobody can join it, and its members are told")
        # First the fact: what is done and not known to be is worse than the other way round.
        await self.families.steered(family, move.value, who=who, why=why)
        if move is Move.END:
            await self.families.end(family, OPERATOR)
        else:
            await self.families.door(family, open=move is Move.OPEN)
        return await self.one(family)

    def _families(self, people: Iterable[Contact | None], subject: SubjectId) -> list[SubjectId]:
        """The families that these people may have begun, or are in, for a journey that goes by this subject."""
        links = [link for one in people if one is not None for link in one.profile.orders]
        about = [link for link in links if subject in (link.order, *link.subjects)]
        return [link.order if is_member(link) else self.families.id_of(link.order, link.traveller) for link in about]

    async def _seen(self, family: Family) -> Seen:
        known = (await self.contacts.get_many([family.contact]))[0] if family.contact else None
        links = known.profile.orders if known is not None and not family.ended_ms else ()
        own = (one for one in links if (one.order, one.traveller) == (family.order, family.customer) and not is_member(one))
        return Seen(family, next((one.until_ms for one in own), 0), await reached(self.contacts, family))

    async def addresses(self, family: Family) -> dict[AddressId, tuple[str, ...]]:
        """Each member's identifiers at their channel: personal, for who may see them."""
        people = await self.contacts.get_many([one.contact for one in family.members])
        known = [address for one in people if one is not None for address in one.profile.addresses]
        return {one.id: tuple(each.value.reveal() for each in one.identifiers) for one in known}
