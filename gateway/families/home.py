"""Who is at home for whom: families made, joined, left, brought along with the traveller's journey, and ended.

    make, families_of       of a traveller: what they began, by the link of their order
    join, wishes, leave     of a member: their place on the list and their link, consent and subscriptions
    stopped                 a member's stop word: which families it is about
    follow, group           every member's link is as the traveller's is now; the link of the traveller's own group is passed on
    end, look               it is over; and whether it is (families/keeper.py)

The traveller's own link in their contact is the truth about the journey, the list in the family's partition that about who is in.
Both are read anew at each step, and each step comes to the same when it is done twice: so a hook that was lost with its process
costs nothing but the time until somebody looks (store/families.py `look_soon`; scheduler/jobs/look_at_families.py).

    joining   the list first (there the places are counted), then the contact; then the list is read again: whoever was taken out
              meanwhile is taken out of the contact too
    leaving   the list first: from then on a link that comes late finds no place; then the contact

GATEWAY_FAMILY_PLACES=0 keeps all of it shut: nothing is made, joined or told, and what stands ends in its time without a word.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed
from gateway.families import mirror, overview
from gateway.families.bonds import Bonds
from gateway.families.herald import Herald, given_name
from gateway.families.keeper import Keeper
from gateway.model.contact import ConsentEntry, Contact, OrderLink, Proof
from gateway.model.family import PURPOSE, Amount, Family, Joined, Left, Member
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.model.personal import Personal
from gateway.planning.telling import Teller
from gateway.planning.waysin_bind import Chat
from gateway.planning.waysin_people import INVITED
from gateway.store.contacts import Contacts, FactChange
from gateway.store.families import Families
from gateway.store.incidents import Incidents
from gateway.store.subjects import Subjects


@dataclass(frozen=True, slots=True)
class Home:
    families: Families
    contacts: Contacts
    bonds: Bonds
    keeper: Keeper
    teller: Teller
    clock: Clock
    places: int

    # of the traveller

    async def make(self, contact: Contact, link: OrderLink, address: AddressId, language: str) -> Family:
        """The family of this traveller of this order: the one that stands, else a new one. address: the chat they ask in.

        raises: Conflict where families are switched off, one that has ended cannot tell its members just now (a crisis), or the
                order has not spoken yet: until it does, who came by an invitation may turn out to be somebody of it, whose
                family would be another
        """
        if self.places < 1 or mirror.is_member(link) or (link.source == INVITED and not link.version):
            raise Conflict("there are no families here")
        family, now = self.families.id_of(link.order, link.traveller), self.clock.now_ms()
        asked = Family(
            family, link.order, link.traveller, contact.id, address, link.brand, language, now, now, places=self.places,
            followed=link.subjects,
        )  # fmt: skip
        try:
            return await self.families.make(asked)
        except Conflict:  # one has ended, and nobody has looked since
            await self.look(family)
            return await self.families.make(asked)

    async def families_of(self, contact: Contact) -> list[tuple[OrderLink, Family]]:
        """The families that last and of which they are the traveller, with the link of the order that each is about."""
        links = [link for link in contact.profile.orders if not mirror.is_member(link)]
        found = await self.families.get_many([self.families.id_of(link.order, link.traveller) for link in links])
        return [(link, one) for link, one in zip(links, found, strict=True) if one is not None and not one.ended_ms]

    async def group(self, family: SubjectId, link: Personal) -> int:
        """Pass the link of the traveller's own group on: to every member once, and to who joins later. How many have it now.

        Repeatable; another link replaces it. 0 where the family is over, and in a crisis, after which they are told.
        """
        if not await self.families.set_group(family, link):
            return 0
        found = await self.families.get(family)
        traveller = await self.keeper.traveller(found) if found is not None else None
        if found is None or traveller is None:
            return 0
        return await self.keeper.group(found, given_name(traveller[0], found.customer))

    async def reached(self, family: Family) -> dict[ContactId, bool]:
        """Of each member whether news reaches them: not where the channel says that they cannot be reached, or they stopped."""
        return await overview.reached(self.contacts, family)

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
        found = await self.keeper.traveller(family)
        if found is None:  # the journey is theirs no more: whoever looks at the family ends it
            await self.families.look_soon(family.id)
            return Joined.ENDED
        await self._agreed(family, chat, language, evidence)
        current = await self.bonds.tie(family, chat.contact, chat.address, found[1])
        since = await self.keeper.traveller(family)
        if since is None or since[1] != found[1]:  # whoever looked meanwhile found nothing yet of theirs to bring along
            await self.families.look_soon(family.id)
        if greet is not None:
            await greet()
        for subject in found[1].subjects:
            await self.teller.welcome(current.id, [subject], revive=True)
        if (standing := await self.families.get(family.id)) is not None:
            await self.keeper.group(standing, given_name(found[0], family.customer), only=current.id)
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
        await self.bonds.untie(family, contact, why.value)
        return listed

    def stopped(
        self, contact: Contact, channel: str, address: AddressId, brand: str, about: Set[str], *, everything: bool
    ) -> tuple[list[SubjectId], bool]:
        """Which families a stop in this chat is about, and whether it leaves none of this brand on the channel.

        about:      ids of what the message that they answer was about; where that names none: all of the chat and brand
        everything: all of the channel, of every brand
        """
        ways = {one.customer: one.addresses for one in contact.profile.travellers}
        on = {one.id for one in contact.profile.addresses if one.channel == channel}
        mine = [link for link in contact.profile.orders if mirror.is_member(link) and on & set(ways.get(link.traveller, ()))]
        if everything:
            return [link.order for link in mine], True
        same = [link for link in mine if link.brand == brand]
        here = [link for link in same if address in ways.get(link.traveller, ())]
        meant = [link for link in here if about & {link.order, *link.subjects}] or here
        return [link.order for link in meant], len(meant) == len(same)

    # the journey

    async def follow(self, order: SubjectId, customer: str) -> None:
        """The traveller's link may have changed: let every member's be as it is, and tell them what they follow by that."""
        family = await self.families.get(self.families.id_of(order, customer))
        if family is not None and not family.ended_ms:
            await self.look(family.id)

    async def end(self, family: SubjectId, why: str) -> bool:
        """It is over, from this moment; its members are told. False: it was, or there is none. why: as store/families.py `end`"""
        ended = await self.families.end(family, why)
        await self.look(family)
        return ended

    async def look(self, family: SubjectId) -> None:
        """See that it is as it should be, and when to look next: all that is due about it is done. Repeatable."""
        await self.keeper.look(family, shut=self.places < 1)

    async def _agreed(self, family: Family, chat: Chat, language: str, evidence: str) -> None:
        entry = ConsentEntry(PURPOSE, chat.channel, family.brand, True, chat.at_ms, "family_link", evidence=Personal(evidence))
        changes = await self.contacts.consent_changes(chat.contact, [entry])
        facts = (await self.contacts.facts_of([chat.contact]))[0]
        if facts.proofs.get(chat.address, (None, 0))[0] is None:
            changes.append(FactChange(f"p:{chat.address}", Proof.INBOUND.value, chat.at_ms, "proof"))
        if language and not facts.language:
            changes.append(FactChange("lang", language, 0, "set"))
        await self.contacts.change_facts(chat.contact, changes)


def make_home(
    contacts: Contacts, subjects: Subjects, teller: Teller, herald: Herald, incidents: Incidents, clock: Clock, places: int
) -> Home:
    """Wired. places: how many may join one family; 0 = there are none"""
    families = subjects.families
    bonds = Bonds(families, contacts)
    keeper = Keeper(families, contacts, subjects, bonds, teller, herald, incidents, clock)
    return Home(families, contacts, bonds, keeper, teller, clock, places)
