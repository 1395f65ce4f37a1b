"""Binding: the chat somebody opened becomes a way to a traveller of an order.

    facts       what they agreed to, what proves who they are, their language
    join        the traveller joins the contact of the chat, with the order and its legs
    leave       whoever heard about the order for this traveller before hears no more: nobody is told twice
    tell        what still holds of the order and its legs, and what waited for an address: documents too

A contact is never merged and an address never moved. Each step may run twice; a run that was killed is taken up by the next.
An order that comes in meanwhile looks at the invitation after it has subscribed its people, and this looks at the order's people
after the invitation was noted: one of the two sees the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed
from gateway.model.contact import ConsentEntry, Contact, OrderLink, Profile, Proof, Subscription, Traveller
from gateway.model.ids import AddressId, ContactId, SubjectId, partition_of
from gateway.model.invitation import FRESH_MS, Identified, Invitation, Origin
from gateway.model.message import MessageState
from gateway.model.personal import Personal
from gateway.planning.result import EventResult, Reader
from gateway.planning.telling import Teller
from gateway.planning.waiting import Waiting
from gateway.planning.waysin_people import INVITED, Member, Members
from gateway.store.contacts import Contacts, FactChange
from gateway.store.documents import Documents
from gateway.store.invitations import Invitations
from gateway.store.keys import DAY_MS, KEEP_MS
from gateway.store.outbox import Outbox
from gateway.store.vault import Vault

KINDS = {"flight": "flight", "trip": "rail"}


@dataclass(frozen=True, slots=True)
class Chat:
    """Where somebody came in. at_ms: when, by the channel"""

    contact: ContactId
    address: AddressId
    channel: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody agreed to, and what shows who they are. consents: (purpose, wording); proof None = nothing shows it"""

    consents: tuple[tuple[str, str | None], ...]
    how: str
    evidence: str
    proof: Proof | None
    language: str = ""


def nobody(contacts: Contacts, invitation: Invitation) -> str:
    """The traveller of an invitation that names no customer and is for nobody on the order."""
    return contacts.customer_hash("invitation", invitation.id)


def proof_of(invitation: Invitation, at_ms: int) -> Proof | None:
    """What it makes of the address that comes by it then.

    Made by the app for whoever is signed in, and used at once, it is as good as the app saying so of this chat: somebody who is
    verified at the desk (rules/identity.py).
    """
    if invitation.identified is Identified.APP_LOGIN and at_ms - invitation.made_ms <= FRESH_MS:
        return Proof.APP_LOGIN
    return invitation.identified.proof


@dataclass(frozen=True, slots=True)
class Binder:
    contacts: Contacts
    invitations: Invitations
    members: Members
    outbox: Outbox
    documents: Documents
    vault: Vault
    teller: Teller
    waiting: Waiting
    clock: Clock

    async def by_invitation(self, invitation: Invitation, chat: Chat) -> None:
        """Bind the first who came by an invitation. Raises NotFound: they are being erased."""
        traveller, _ = await self._whom(invitation, chat)
        # First where an order that comes meanwhile looks; then who is on the order.
        await self.invitations.bound(invitation, chat.contact, chat.address, traveller.customer, done=False)
        traveller, link = await self._whom(invitation, chat)
        said = Said(
            tuple((one.purpose, one.wording or None) for one in invitation.consents),
            "booking_code" if invitation.origin is Origin.CHAT else "invitation",
            f"invitation {invitation.id}, opened at {chat.at_ms}",
            proof_of(invitation, chat.at_ms),
            invitation.language,
        )
        real = traveller.customer != nobody(self.contacts, invitation)
        await self._bind(chat, said, invitation.brand, traveller, link, real=real)
        await self.invitations.bound(invitation, chat.contact, chat.address, traveller.customer, done=True)

    # who and what

    async def _whom(self, invitation: Invitation, chat: Chat) -> tuple[Traveller, OrderLink]:
        """Which traveller of which order this chat is for.

        Somebody who can be reached already is not replaced by a bearer whom nobody identified: such a one is told beside them.
        """
        members = await self.members.of(invitation.subject) if invitation.number else []
        member = await self.members.meant(invitation, members)
        if member is None:
            traveller = Traveller(invitation.customer or nobody(self.contacts, invitation), None, None)
            taken = not invitation.identified.proof and await self._reachable(invitation.customer, chat)
            if invitation.customer and (taken or await self.members.is_anothers(invitation)):
                traveller = Traveller(nobody(self.contacts, invitation), None, None)
            # An order that we know as another brand's only is not the one that was meant.
            ours = not members or any(one.link.brand == invitation.brand for one in members)
            return traveller, self._link(invitation, traveller.customer, known=ours)
        elsewhere = member.contact.id != chat.contact and bool(member.contact.profile.addresses)
        if invitation.apart or (elsewhere and invitation.identified.proof is None):
            other = nobody(self.contacts, invitation)
            return replace(member.traveller, customer=other, addresses=()), replace(
                member.link, traveller=other, source=INVITED
            )
        return member.traveller, member.link

    async def _reachable(self, customer: str, chat: Chat) -> bool:
        held = await self.contacts.by_customer(customer)
        if held is None or held == chat.contact:
            return False
        try:
            return bool((await self.contacts.get(held)).profile.addresses)
        except (NotFound, Sealed):
            return False

    def _link(self, invitation: Invitation, traveller: str, *, known: bool) -> OrderLink:
        """An order that nobody told us of yet: its own event fills in the rest. known: by the number that was given"""
        family, _, entity = invitation.entity.partition(":")
        subject = self.vault.subject_id(family, entity) if entity else None
        order = invitation.subject if invitation.number and known else self.vault.subject_id("order", invitation.id)
        return OrderLink(
            order=order,
            number=Personal(invitation.number),
            kind=KINDS.get(family, "goods"),
            brand=invitation.brand,
            source=INVITED,
            traveller=traveller,
            role=invitation.role or "customer",
            passenger=invitation.passenger or None,
            subjects=(subject,) if subject is not None else (),
            until_ms=max(invitation.until_ms, self.clock.now_ms() + 30 * DAY_MS),
        )

    # the steps

    async def _bind(
        self, chat: Chat, said: Said, brand: str, traveller: Traveller, link: OrderLink, *, real: bool
    ) -> None:
        await self._facts(chat, said, brand)
        current = await self._join(chat, traveller, link, first=said.proof is not None)
        mine = next(one for one in current.profile.orders if one.order == link.order and one.traveller == traveller.customer)
        subjects = (mine.order, *mine.subjects)
        for subject in subjects:
            await self.contacts.open_subject(subject, partition_of(current.id), b"", mine.until_ms + 30 * DAY_MS)
            refs = sorted({one.order for one in current.profile.orders if subject in (one.order, *one.subjects)})
            await self.contacts.subscribe(Subscription(current.id, subject, tuple(refs), mine.until_ms))
        others = [
            one
            for one in (await self.members.of(mine.order) if real else [])
            if one.traveller.customer == traveller.customer and one.contact.id != current.id
        ]
        if real:
            await self._follow(traveller.customer, chat, current.id, identified=said.proof is not None)
        person = next(one for one in current.profile.travellers if one.customer == traveller.customer)
        for other in others:
            await self._again(other.contact.id, current.id, Reader(person, mine), subjects)
        for subject in subjects:
            await self.teller.welcome(current.id, [subject], revive=True)
        await self.waiting.revive(current.id, chat.address)
        for other in others:
            await self._leave(other)
        if others:  # who follows the journey from home goes along with the traveller
            families = self.members.subjects.families
            await families.look_soon(families.id_of(mine.order, traveller.customer))

    async def _facts(self, chat: Chat, said: Said, brand: str) -> None:
        entries = [
            ConsentEntry(purpose, chat.channel, brand, True, chat.at_ms, said.how, wording, Personal(said.evidence))
            for purpose, wording in said.consents
        ]
        changes = await self.contacts.consent_changes(chat.contact, entries) if entries else []
        facts = (await self.contacts.facts_of([chat.contact]))[0]
        before = facts.proofs.get(chat.address, (None, 0))[0]
        # That they signed in to the app a moment ago says who writes now, which whatever bound the address before does not.
        if said.proof is not None and (before is None or said.proof is Proof.APP_LOGIN):
            changes.append(FactChange(f"p:{chat.address}", said.proof.value, chat.at_ms, "proof"))
        if said.language and not facts.language:
            changes.append(FactChange("lang", said.language, 0, "set"))
        await self.contacts.change_facts(chat.contact, changes)

    async def _join(self, chat: Chat, traveller: Traveller, link: OrderLink, *, first: bool) -> Contact:
        """The traveller, their order and this chat as their way, in the contact of the chat; nothing of the others is touched."""

        def edit(profile: Profile) -> Profile:
            old = next((one for one in profile.travellers if one.customer == traveller.customer), None)
            before = [one for one in (old.addresses if old else ()) if one != chat.address]
            # Who was identified asked for this chat; an unknown bearer stands behind what the traveller gave themselves.
            ways = (chat.address, *before) if first else (*before, chat.address)
            family = old.family_name if old and old.family_name else traveller.family_name
            given = old.given_name if old and old.given_name else traveller.given_name
            person = Traveller(traveller.customer, given, family, ways, old.number if old else traveller.number)
            known = next((one for one in profile.orders if one.order == link.order and one.traveller == traveller.customer), None)
            mine = link if known is None or known.version < link.version else known
            others = tuple(one for one in profile.travellers if one.customer != traveller.customer)
            return replace(
                profile,
                travellers=(*others, person) if old is None or old != person else profile.travellers,
                orders=(*(one for one in profile.orders if one is not known), mine) if mine is not known else profile.orders,
            )

        return await self.contacts.change(chat.contact, edit)

    async def _follow(self, customer: str, chat: Chat, contact: ContactId, *, identified: bool) -> None:
        """Let the customer number lead to this contact: where it led nowhere, to nobody who can be reached, or they proved it."""
        held = await self.contacts.set_customer(customer, contact)
        if held == contact:
            return
        if identified or not await self._reachable(customer, chat):
            await self.invitations.move_customer(customer, held, contact)

    async def _leave(self, member: Member) -> None:
        """A contact hears no more about this order for this traveller. What another order of theirs brought stays."""
        order, customer = member.link.order, member.traveller.customer

        def gone(link: OrderLink) -> bool:
            return link.order == order and link.traveller == customer

        links = [link for link in member.contact.profile.orders if not gone(link)]
        kept = {subject for link in links for subject in (link.order, *link.subjects)}
        for subject in set(member.link.subjects) - kept:
            await self.contacts.unsubscribe(member.contact.id, subject, "elsewhere")
        with contextlib.suppress(NotFound):
            await self.contacts.change(
                member.contact.id,
                lambda profile: replace(profile, orders=tuple(one for one in profile.orders if not gone(one))),
            )
        if order not in kept:
            await self.contacts.unsubscribe(member.contact.id, order, "elsewhere")

    async def _again(self, holder: ContactId, contact: ContactId, reader: Reader, subjects: Sequence[SubjectId]) -> None:
        """Plan for this contact what was planned for the traveller elsewhere and could not be sent. holder: where"""
        assert reader.traveller is not None
        for message in await self.outbox.told_messages(holder):
            found = await self.outbox.record(message)
            if found is None:
                continue
            record, sealed = found
            if record.state is not MessageState.SUPPRESSED or record.deadline_ms <= self.clock.now_ms():
                continue
            try:
                kept = (await self.vault.contact_box(holder)).open_json(sealed, message).get("again")
            except Sealed:
                return
            if not kept or reader.traveller.customer not in kept["travellers"] or record.subject not in subjects:
                continue
            result = EventResult.load(kept["result"], kept["sequence"])
            document = kept.get("document")
            if document:
                document = {**document, "ref": self.vault.blind("document", document["ref"], contact)}
                data = await self.documents.get(holder, kept["document"]["ref"])
                if data is not None:
                    await self.documents.put(contact, document["ref"], data, ttl_ms=KEEP_MS)
            only = replace(result, document=document, notifications=(record.notification,))
            await self.teller.tell(contact, only, [reader], revive=True)
