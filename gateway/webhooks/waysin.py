"""Ways in: somebody came by an invitation, or typed a booking code. Called by the splitter and the applier.

    owner      before an unknown writer gets a contact of their own: the invitation may know whose they are
    message    after window and stop: True when no person is needed
    arrival    they opened the link in a chat that they already had, and said nothing yet

By the link of a family: see webhooks/joining.py. By any other invitation: one step in the store decides who is first; the first
is bound and welcomed. Whoever comes by it later is given nothing, and asked for booking code and surname; so is whoever typed a
booking code that we know. A link that has ended is said so kindly, and people look after it. What is told never shows whether a
booking code exists.

Every call may be made twice for one event, and answers the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.connector import ArrivalEvent, InboundKind, MessageEvent, Sender
from gateway.errors import NotFound, Sealed
from gateway.model.contact import Contact, Identifier
from gateway.model.conversation import InboundEntry
from gateway.model.ids import AddressId, ContactId, SenderId, SubjectId
from gateway.model.invitation import Claim, ConsentAsked, Identified, Invitation, Origin, Purpose
from gateway.model.personal import Personal
from gateway.planning import waysin_say as say
from gateway.planning import waysin_words as words
from gateway.planning.telling import Teller
from gateway.planning.waiting import Waiting
from gateway.planning.waysin_bind import Binder
from gateway.planning.waysin_people import Member, Members, by_surname, one_of
from gateway.runtime import Runtime
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.dialogues import TRIES, Dialogue, Dialogues
from gateway.store.invitations import Invitations
from gateway.store.keys import DAY_MS
from gateway.store.vault import Vault
from gateway.webhooks.joining import NAME, Comer, Joining, make_family_sayer

STARTED = "get_started"
"""What the button says that opens a chat; `connect` sets it."""

SHORT = 6
"""Words besides a code: a longer message says more than the code, and a person should read it."""
_TOKEN = re.compile(r"(?<![0-9a-z])[0-9a-z]{24}(?![0-9a-z])")


@dataclass(frozen=True, slots=True)
class _Came:
    """By what somebody came: the invitation, None for a link of ours that has gone."""

    invitation: Invitation | None


@dataclass(frozen=True, slots=True)
class WaysIn:
    contacts: Contacts
    conversations: Conversations
    invitations: Invitations
    dialogues: Dialogues
    members: Members
    binder: Binder
    sayer: say.Sayer
    vault: Vault
    clock: Clock
    joining: Joining

    # called by split and apply

    async def owner(
        self, channel: str, sender: Sender, found: tuple[Identifier, ...], event: MessageEvent | ArrivalEvent
    ) -> tuple[ContactId, AddressId] | None:
        """Whose a writer is whom nobody knows yet; None: they get a contact of their own. found: scoped identifiers

        Claims the invitation: two unknown people must not both become the person whom it knows.
        """
        if isinstance(event, MessageEvent) and event.group:
            return None
        came = await self._came_by(event)
        if came is None or came.invitation is None or not found or channel not in came.invitation.channels:
            return None
        invitation = came.invitation
        if invitation.purpose is Purpose.FAMILY:
            return None  # many come by it, each of them as themself
        if not (await self.invitations.claim(invitation.id, channel, found, event.at_ms)).theirs:
            return None
        known = await self.members.known(invitation)
        if known is None or invitation.apart:
            return None
        try:
            contact = await self.contacts.get(known)
        except (NotFound, Sealed):
            return None
        if contact.profile.addresses and invitation.identified.proof is None:
            return None  # somebody who can be reached is not joined by a bearer whom nobody identified
        first = next((one for one in found if one.kind == "phone"), found[0])
        return await self.contacts.reserve(channel, first, contact.id)

    async def message(self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent) -> bool:
        """Whether this message was a way in and is answered. The event's identifiers are scoped."""
        if event.group:
            return False
        key = self.vault.blind("inbound", event.channel_id.reveal())[:16]
        comer = Comer(contact, address, sender, event.at_ms, key)
        text = event.text.reveal() if event.kind is InboundKind.TEXT else ""
        dialogue = await self.dialogues.get(address)
        if dialogue.last == key:
            if dialogue.answer:
                await self._say(comer, dialogue.answer)
            return dialogue.handled
        came = await self._came_by(event)
        if came is not None:
            return await self._came(comer, came, event, text)
        if event.standby:
            return False
        if event.kind is InboundKind.BUTTON and event.answers is None and event.payload == STARTED:
            # A link that lost its token on the way looks like this too: the booking code is the other way.
            await self._step(comer, dialogue, say.START, handled=True, ask="code")
            return True
        if not text:
            return False
        if dialogue.ask == NAME:
            return await self.joining.answer(comer, dialogue, text)
        if dialogue.ask == "surname" and not words.bookings_in(text, asked=False):
            return await self._surname(comer, dialogue, text) if words.may_be_surname(text) else False
        return await self._booking(comer, dialogue, text)

    async def arrival(self, contact: Contact, address: AddressId, sender: Sender, event: ArrivalEvent) -> None:
        """They came by a link. The event's identifiers are scoped."""
        came = await self._came_by(event)
        if came is None:
            return
        comer = Comer(contact, address, sender, event.at_ms, self.vault.blind("inbound", event.key)[:16])
        if not await self._came(comer, came, event, ""):
            entry = InboundEntry(
                key=f"way:{sender.channel}:{event.key}",
                kind=InboundKind.OTHER.value,
                text=Personal(""),
                at_ms=event.at_ms,
                payload=None,
                media=None,
                channel_message_id=None,
                origin=None,
                detail="came by a link that has ended",
            )
            await self.conversations.add_inbound(
                contact.id, sender.brand, address, SenderId(sender.id), item=entry, needs_person=True
            )

    # invitations

    async def _came_by(self, event: MessageEvent | ArrivalEvent) -> _Came | None:
        """The invitation that an event brings, if any. A referral that is none of ours is somebody's advertisement."""
        blind = self.vault.blind
        names: list[str] = []
        ours = False
        given = event.referral.reveal() if event.referral is not None else ""
        if words.looks_like_token(given.partition("-")[0]):
            names, ours = [given.partition("-")[0]], True
        elif given:
            names = words.codes_in(blind, given)
        if isinstance(event, MessageEvent) and event.kind is InboundKind.TEXT:
            text = event.text.reveal()
            tokens = [one for one in _TOKEN.findall(text) if words.is_token(blind, one)]
            names += [*tokens, *words.codes_in(blind, text)]
            ours = ours or bool(tokens) or words.says_code(text)
        for name in names:
            if len(name) < 24 or words.is_token(blind, name):
                found = await self.invitations.named(name)
                if found is not None:
                    return _Came(found)
        return _Came(None) if ours else None

    async def _came(self, comer: Comer, came: _Came, event: MessageEvent | ArrivalEvent, text: str) -> bool:
        invitation, channel = came.invitation, comer.sender.channel
        if invitation is not None and invitation.purpose is Purpose.FAMILY:
            return await self.joining.came(comer, invitation, event, text)
        claim = Claim.UNKNOWN
        if invitation is not None and channel in invitation.channels:
            claim = await self.invitations.claim(invitation.id, channel, event.identifiers, comer.at_ms)
        asks = "?" in text
        dialogue = await self.dialogues.get(comer.address)  # whoever tried too often did so for good, by whatever link they come
        match claim:
            case Claim.FIRST | Claim.YOURS:
                assert invitation is not None
                await self._welcome(comer, invitation)
                await self.binder.by_invitation(invitation, comer.chat)
                return not asks
            case Claim.BOUND:
                return not asks
            case Claim.USED:
                language = invitation.language if invitation is not None else ""
                await self._step(comer, dialogue, say.USED, handled=not asks, language=language, ask="code")
                return not asks
            case Claim.EXPIRED | Claim.REVOKED | Claim.UNKNOWN:
                language = invitation.language if invitation is not None else ""
                await self._step(comer, dialogue, say.ENDED, handled=False, language=language, ask="code")
                return False

    async def _welcome(self, comer: Comer, invitation: Invitation) -> None:
        await self.sayer.say(
            comer.contact.id, comer.address, say.WELCOME, f"way:{invitation.id}", comer.at_ms, invitation.brand,
            language=invitation.language, data={"what": invitation.purpose.value},
        )  # fmt: skip

    # booking codes and surnames

    async def _booking(self, comer: Comer, dialogue: Dialogue, text: str) -> bool:
        """A text that may hold a booking code. We ask on whether we know it or not: no answer tells which codes exist.

        Not asked for one, only a text that is nothing else is taken for a code; what stands within a sentence is for people.
        """
        asked = dialogue.ask in ("code", "surname")
        if not asked and len(text.split()) != 1:
            return False
        codes = words.bookings_in(text, asked=asked)
        if not codes or dialogue.tries >= TRIES:
            return False
        orders = await self.dialogues.booking(codes)
        order = next((one for one in orders if one is not None), None)
        short = len(text.split()) <= SHORT and "?" not in text
        if order is None and not short:
            return False
        if order is not None and any(link.order == order for link in comer.contact.profile.orders):
            return False  # a customer who names their own booking wants something else of us
        await self._step(comer, dialogue, say.ASK_SURNAME, handled=short, ask="surname", order=order or "")
        return short

    async def _surname(self, comer: Comer, dialogue: Dialogue, text: str) -> bool:
        order = SubjectId(dialogue.order)
        members: list[Member] = []
        if order and not await self.dialogues.too_many(order):
            members = by_surname(await self.members.of(order), text)
        member = one_of(members)
        if member is not None:
            invitation = await self._typed(comer, member)
            await self._welcome(comer, invitation)
            await self.binder.by_invitation(invitation, comer.chat)
            await self.dialogues.put(comer.address, dialogue.step(comer.key, "", True, ask=""))
            return True
        if members:  # several of that name: people decide
            await self._step(comer, dialogue, say.PERSON, handled=False, ask="")
            return False
        if order:
            await self.dialogues.wrong(order, comer.key)
        tries = dialogue.tries + 1
        if tries >= TRIES:
            await self._step(comer, dialogue, say.PERSON, handled=False, ask="", tries=tries)
            return False
        await self._step(comer, dialogue, say.WRONG, handled=True, tries=tries)
        return True

    async def _typed(self, comer: Comer, member: Member) -> Invitation:
        """What they have shown, as an invitation claimed on the spot: later versions of the order find it like any other."""
        order, now = member.link.order, self.clock.now_ms()
        purpose = "service" if member.link.kind == "service" else "journey"
        invitation = Invitation(
            id=words.invitation_id(self.vault.blind, order, "typed", comer.address),
            origin=Origin.CHAT,
            purpose=Purpose.UPDATES,
            brand=member.link.brand,
            language="",
            subject=order,
            number=member.link.number.reveal(),
            entity="",
            customer=member.traveller.customer,
            passenger="",
            role=member.link.role,
            identified=Identified.SURNAME,
            consents=(ConsentAsked(purpose, ""),),
            channels=(comer.sender.channel,),
            made_ms=now,
            until_ms=max(member.link.until_ms, now + DAY_MS),
            until_given=True,
            by="chat",
            apart=member.contact.id != comer.contact.id and bool(member.contact.profile.addresses),
            digest="typed",
        )
        await self.invitations.put(invitation, [])
        return await self.invitations.get(invitation.id) or invitation

    # answers

    async def _step(
        self, comer: Comer, dialogue: Dialogue, answer: str, *, handled: bool, language: str = "", **changes: str | int
    ) -> None:
        """Answer, and remember what was asked. First the answer: a step that was kept is not taken again."""
        await self._say(comer, answer, language)
        await self.dialogues.put(comer.address, dialogue.step(comer.key, answer, handled, **changes))

    async def _say(self, comer: Comer, name: str, language: str = "") -> None:
        await self.sayer.say(
            comer.contact.id, comer.address, name, comer.key, comer.at_ms, comer.sender.brand, language=language
        )


def make_ways_in(runtime: Runtime) -> WaysIn:
    """Wired on an open runtime."""
    redis, clock, vault, contacts = runtime.connection.redis, runtime.clock, runtime.vault, runtime.contacts
    invitations, members = Invitations(redis, clock, vault), Members(contacts, runtime.subjects)
    dialogues = Dialogues(redis, vault)
    teller = Teller(contacts, runtime.subjects, runtime.outbox, vault, runtime.worlds, runtime.wake, runtime.untold)
    waiting = Waiting(runtime.outbox, contacts, vault, teller, clock, runtime.wake)
    return WaysIn(
        contacts=contacts,
        conversations=runtime.conversations,
        invitations=invitations,
        dialogues=dialogues,
        members=members,
        binder=Binder(contacts, invitations, members, runtime.outbox, runtime.documents, vault, teller, waiting, clock),
        sayer=say.Sayer(contacts, runtime.outbox, vault, runtime.worlds, runtime.wake),
        vault=vault,
        clock=clock,
        joining=Joining(make_family_sayer(runtime), dialogues),
    )
