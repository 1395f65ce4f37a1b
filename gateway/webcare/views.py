"""What the desk shows of one conversation, as values: its head, the lines of its thread, the customer's card.

What an agent may not see is left out here, not by the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.errors import NotFound
from gateway.model.agent import Permission
from gateway.model.contact import Contact
from gateway.model.conversation import Agent, Conversation, ConversationState
from gateway.model.family import ROLE
from gateway.model.ids import AddressId, ContactId, ConversationId
from gateway.model.webcare import Boost
from gateway.rules.flood import AGAIN_MS
from gateway.rules.identity import Datum, Level, cover, not_me, shows
from gateway.rules.masking import COVER
from gateway.rules.rights import may_answer, may_reveal
from gateway.webcare import relatives, words
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.knowing import About, about
from gateway.webcare.proving import Standing, identity, standing
from gateway.webcare.windows import Closing, closing

OPEN_MAX = 6
"""Of what somebody has open the card shows the nearest."""


@dataclass(frozen=True, slots=True)
class Head:
    """closing: when words will no longer be taken; held: another program holds the thread at the channel"""

    id: ConversationId
    name: str
    brand: str
    channel: str
    state: str
    owner: str
    owner_since_ms: int
    mine: bool
    free: bool
    resolved: bool
    epoch: int
    inbound: int
    waiting_since_ms: int | None
    closing: Closing
    text_max: int
    may_reply: bool
    reopened: int
    held: bool = False
    program: str = ""
    speaks_as: str = ""
    """the name that the person is shown for this agent's words, "" where the channel shows none"""
    family: tuple[str, ...] = ()
    """the legs on which somebody travels whose family they are"""
    marks: tuple[str, ...] = ()
    """what is special about it: words of the catalogue"""
    until_ms: int = 0
    """until when it is parked, or its reason is due"""
    reason: str = ""
    offered: bool = False
    """a colleague asks this agent to take it over"""
    may_force: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    granted: bool
    what: str
    where: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Known:
    """An order and what they hear about it."""

    kind: str
    number: str
    role: str
    told: bool
    until_ms: int


@dataclass(frozen=True, slots=True)
class Open:
    """Something of theirs that is under way. words: how it stands; heard: who said so, and how long ago"""

    words: str
    heard: str


@dataclass(frozen=True, slots=True)
class Card:
    """found False: erased, or nothing is known but that they wrote."""

    found: bool
    first_name: str = ""
    channel_name: str = ""
    language: str = ""
    timezone: str = ""
    consents: Sequence[Agreed] = field(default_factory=tuple)
    orders: Sequence[Known] = field(default_factory=tuple)
    followed: Sequence[relatives.Followed] = field(default_factory=tuple)
    now: Sequence[Open] | None = None
    """nearest first; None where this house does not say it"""
    late: Sequence[str] = field(default_factory=tuple)
    """kinds of which it is unknown how they stand, as their source did not answer in time"""
    other_subscriptions: int = 0
    proof: str = ""
    masked: bool = False
    """names and codes are covered, as nothing proves who writes"""
    identity: Standing = field(default_factory=Standing)
    closing: Closing = field(default_factory=Closing)
    earlier: int = 0
    about: About = field(default_factory=About)


def first_name(contact: Contact | None, address: AddressId | None = None) -> str:
    """The name that a row and a card show: the first traveller's given name, else the first word of the channel's name.

    address: from which they write. Who said "not me" there is called by the channel's name alone
    """
    return given_name(contact, address) or "Somebody new"


def given_name(contact: Contact | None, address: AddressId | None = None) -> str:
    """The same, "" where there is none: for words to the person themselves."""
    if contact is not None:
        for traveller in contact.profile.travellers:
            if traveller.given_name and not (address and not_me(contact, address)):
                return traveller.given_name.reveal()
        if contact.profile.display_name:
            return contact.profile.display_name.reveal().split(" ")[0][:40]
    return ""


async def contacts_of(deps: WebcareDeps, conversations: Sequence[Conversation]) -> dict[ContactId, Contact | None]:
    """By the id that the conversation names, also where the contact has moved to another one since."""
    wanted = list(dict.fromkeys(one.contact for one in conversations))
    found = dict(zip(wanted, await deps.contacts.get_many(wanted), strict=True))
    for identifier, contact in found.items():
        if contact is not None and contact.facts.moved_to is not None:
            try:
                found[identifier] = await deps.contacts.get(identifier)
            except NotFound:
                found[identifier] = None
    return found


def marks(one: Conversation) -> tuple[str, ...]:
    """What is special about a conversation, the gravest first: words of the catalogue (`mark.*`)."""
    found = [
        ("safety", bool(one.safety)),
        ("complaint", one.complaint_due_ms > 0),
        ("flood", one.flooded_ms > 0 and one.last_in_ms - one.flooded_ms < AGAIN_MS),
        ("new", one.state is ConversationState.ASSIGNED),
        ("answered", one.answered and one.state in (ConversationState.QUEUED, ConversationState.ASSIGNED)),
        ("wrapup", one.state is ConversationState.WRAPUP),
        ("returning", one.returning_ms > 0),
        ("first", one.boost_s > 0 and one.boost not in (Boost.SAFETY, Boost.UNDELIVERED)),
    ]
    return tuple(name for name, holds in found if holds)


async def head(deps: WebcareDeps, one: Conversation, contact: Contact | None, agent: Agent) -> Head:
    owner = (await deps.agents.many([one.owner])).get(one.owner) if one.owner else None
    facts = contact.facts if contact else None
    program = facts.holder(one.sender, one.address, deps.clock.now_ms()) if facts else None
    return Head(
        id=one.id,
        name=first_name(contact, one.address),
        brand=deps.brands.get(one.brand, one.brand),
        channel=words.CHANNELS.get(deps.channel(one.sender), deps.channel(one.sender)),
        state=one.state.value,
        owner=owner.display.reveal() if owner else "",
        owner_since_ms=one.owner_since_ms,
        mine=one.owner == agent.id,
        free=one.owner is None and not one.resolved,
        resolved=one.resolved,
        epoch=one.epoch,
        inbound=one.inbound,
        waiting_since_ms=one.waiting_since_ms,
        closing=closing(deps, one, facts, await deps.person_windows()),
        text_max=deps.text_max(one.sender),
        may_reply=may_answer(agent, one),
        reopened=one.reopened,
        marks=marks(one),
        until_ms=one.wrapup_until_ms if one.state is ConversationState.WRAPUP else one.parked_until_ms,
        reason=one.reason,
        offered=one.offered_to == agent.id,
        may_force=agent.may(Permission.FORCE, one.brand, one.queue),
        held=program is not None,
        program=program or "",
        speaks_as=agent.first_name.reveal() if deps.shows_speaker(one.sender) else "",
        family=tuple(dict.fromkeys(found.leg for found in await relatives.followed(deps, contact, one.brand))),
    )


def shown_to(agent: Agent | None, one: Conversation, proved: Level) -> Level:
    """The level by which data are shown to this agent: all to whoever may reveal. agent None: a program, shown what is proved."""
    if agent is None:
        return proved
    if may_reveal(agent, one, proved):
        return Level.VERIFIED if proved < Level.VERIFIED else proved
    return min(proved, Level.RECOGNISED)


def codes(contact: Contact | None) -> tuple[str, ...]:
    """What is known of somebody and is covered in what the house wrote: booking codes, ticket numbers, postcodes, surnames."""
    if contact is None:
        return ()
    known = [one for link in contact.profile.orders for one in (link.number, link.ticket, link.postcode)]
    known += [one.family_name for one in contact.profile.travellers]
    return tuple(dict.fromkeys(one.reveal() for one in known if one is not None))


async def card(
    deps: WebcareDeps, one: Conversation, contact: Contact | None, agent: Agent, locale: str = "en"
) -> Card:
    """Who this is, what they have open, agreed to and hear about: of the conversation's brand, and nothing of another's."""
    if contact is None:
        return Card(found=False, about=await about(deps, one, ()))
    held = shown_to(agent, one, identity(deps, one, contact))
    named = shows(held, Datum.FULL_NAME)
    facts, profile = contact.facts, contact.profile
    consents = []
    for scope, consent in sorted(facts.consents.items()):
        purpose, channel, brand = scope.split(".", 2)
        if brand == one.brand and ":" not in purpose:  # a stop of one family among several is a matter of its list
            where = words.CHANNELS.get(channel, channel)
            consents.append(Agreed(consent.granted, words.purpose(purpose), where, consent.at_ms))
    subscribed = {item.subject for item in await deps.contacts.subscriptions(contact.id)}
    orders: list[Known] = []
    covered: set[str] = set()
    now = deps.clock.now_ms()
    # What somebody has under way is nothing for who said that they are not this person; nor is it for their agent.
    theirs = shows(held, Datum.STATUS) or not not_me(contact, one.address)
    for link in profile.orders:
        covered.update((link.order, *link.subjects))
        if theirs and link.brand == one.brand and link.until_ms > now and link.role != ROLE:
            told = bool(subscribed & {link.order, *link.subjects})
            kind = words.ORDER_KINDS.get(link.kind, "Order")
            number = link.number.reveal() if shows(held, Datum.CODE) else COVER
            orders.append(Known(kind, number, link.role, told, link.until_ms))
    proof = facts.proofs.get(one.address)
    covered_codes = () if shows(held, Datum.CODE) else codes(contact)
    open_now, late = await _open_now(deps, one, contact, locale, covered_codes) if theirs else (None, ())
    return Card(
        now=open_now,
        late=late,
        found=True,
        first_name=first_name(contact, one.address),
        channel_name=profile.display_name.reveal() if profile.display_name and named else "",
        language=facts.language or "",
        timezone=facts.timezone or "",
        consents=consents,
        orders=orders,
        followed=await relatives.followed(deps, contact, one.brand) if theirs else (),
        other_subscriptions=len(subscribed - covered) if theirs else 0,
        proof=_proof_words(proof[0].value if proof and proof[0] else ("-" if proof else "")),
        masked=not named,
        identity=standing(deps, one, contact, agent),
        closing=closing(deps, one, facts, await deps.person_windows()),
        earlier=len(await deps.conversations.of_contact(one.contact)) - 1,
        about=await about(deps, one, covered_codes),
    )


async def _open_now(
    deps: WebcareDeps, one: Conversation, contact: Contact, locale: str, covered: Sequence[str]
) -> tuple[Sequence[Open] | None, Sequence[str]]:
    """As the assistant would tell it, and the kinds whose source did not answer in time."""
    if deps.things is None:
        return None, ()
    found, late = await deps.things.of(contact, one.brand, locale)
    said = [cover(thing.words, covered).rpartition("\n\n") for thing in found[:OPEN_MAX]]
    return tuple(Open(words or heard, heard if words else "") for words, _, heard in said), tuple(late)


_PROOFS = {
    "otp": "proved by a code sent to them",
    "inbound": "proved by writing to us",
    "app_login": "proved by signing in to the app",
    "link": "proved by a personal link",
    "-": "they said: not me",
    "": "not proved",
}


def _proof_words(kind: str) -> str:
    return _PROOFS.get(kind, kind)


def short(text: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
