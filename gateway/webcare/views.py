"""What the desk shows of one conversation, as values: its head, the lines of its thread, the customer's card.

What an agent may not see is left out here, not by the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.errors import NotFound
from gateway.model.contact import Contact
from gateway.model.conversation import (
    AUTOMATION,
    Agent,
    Conversation,
    Entry,
    EntryKind,
    Mention,
)
from gateway.model.ids import ContactId, ConversationId, MessageId
from gateway.model.message import MessageRecord
from gateway.rules.window import SERVER_MARGIN_MS, open_until
from gateway.store.outbox import parse_record
from gateway.webcare import words
from gateway.webcare.deps import WebcareDeps


@dataclass(frozen=True, slots=True)
class Quote:
    """What a line answers: a notification's name or whose words, and its first words."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a thread. kind: in, out, note, news (a proactive message). id: unique on the page."""

    id: str
    kind: str
    at_ms: int
    who: str
    text: str
    form: str = "text"
    title: str = ""
    label: str = ""
    quote: Quote | None = None
    fate: words.Fate | None = None
    message: str = ""
    decided: str = ""
    key: str = ""
    media: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """closes_ms: when free text will no longer be taken (the channel's end, margin off); None: closed or never open."""

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
    closes_ms: int | None
    text_max: int
    may_reply: bool
    reopened: int


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
class Card:
    """found False: erased, or nothing is known but that they wrote."""

    found: bool
    first_name: str = ""
    channel_name: str = ""
    language: str = ""
    timezone: str = ""
    consents: Sequence[Agreed] = field(default_factory=tuple)
    orders: Sequence[Known] = field(default_factory=tuple)
    other_subscriptions: int = 0
    proof: str = ""
    closes_ms: int | None = None
    earlier: int = 0


def first_name(contact: Contact | None) -> str:
    """The name that a row and a card show: the first traveller's given name, else the first word of the channel's name."""
    if contact is not None:
        for traveller in contact.profile.travellers:
            if traveller.given_name:
                return traveller.given_name.reveal()
        if contact.profile.display_name:
            return contact.profile.display_name.reveal().split(" ")[0][:40]
    return "Somebody new"


def closes_ms(deps: WebcareDeps, conversation: Conversation, contact: Contact | None) -> int | None:
    """When free text will no longer be taken for this conversation; None when that is past or was never so."""
    opened = contact.facts.window_opened_at(conversation.sender, conversation.address) if contact else None
    if opened is None:
        return None
    now = deps.clock.now_ms()
    until = open_until(min(opened, now), deps.window_ms(conversation.sender)) - SERVER_MARGIN_MS
    return until if until > now else None


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


async def head(deps: WebcareDeps, one: Conversation, contact: Contact | None, agent: Agent) -> Head:
    owner = (await deps.agents.many([one.owner])).get(one.owner) if one.owner else None
    return Head(
        id=one.id,
        name=first_name(contact),
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
        closes_ms=closes_ms(deps, one, contact),
        text_max=deps.text_max(one.sender),
        may_reply=agent.may("reply", one.brand),
        reopened=one.reopened,
    )


async def thread(deps: WebcareDeps, one: Conversation, contact: Contact | None) -> list[Line]:
    """Theirs, ours, notes, and the proactive messages in between, by time."""
    entries = await deps.conversations.thread(one)
    mentions = await deps.conversations.mentions(one)
    messages = [MessageId(entry.message) for entry in entries if entry.message] + [item.message for item in mentions]
    records: dict[str, MessageRecord | None] = {}
    for message, raw in zip(messages, await deps.outbox.raw_records(messages), strict=True):
        records[message] = parse_record(message, raw)[0] if raw is not None else None
    authors = await deps.agents.many(entry.author for entry in entries if entry.author not in ("", AUTOMATION))
    channel = deps.channel(one.sender)
    name = first_name(contact)
    quotes = {item.message: Quote(words.notification(item.notification), short(item.text.reveal(), 120)) for item in mentions}
    quotes |= {MessageId(e.message): Quote("Our answer", short(e.text.reveal(), 120)) for e in entries if e.message}
    lines = [_news(item, records.get(item.message), channel) for item in mentions]
    lines += [_line(entry, one, records, authors, quotes, name, channel) for entry in entries]
    return sorted(lines, key=lambda line: line.at_ms)


def _news(item: Mention, record: MessageRecord | None, channel: str) -> Line:
    found = words.fate(record, channel)
    return Line(
        id=f"n-{item.message}",
        kind="news",
        at_ms=item.at_ms,
        who="Automatic message",
        title=words.notification(item.notification),
        text=item.text.reveal(),
        fate=words.Fate(found.word, found.tone, found.detail),
        message=item.message,
    )


def _line(
    entry: Entry,
    one: Conversation,
    records: Mapping[str, MessageRecord | None],
    authors: Mapping[str, Agent],
    quotes: Mapping[MessageId, Quote],
    name: str,
    channel: str,
) -> Line:
    if entry.kind is EntryKind.IN:
        quote = quotes.get(MessageId(entry.origin)) if entry.origin else None
        if entry.origin and quote is None:
            quote = Quote("An earlier message", "")
        label = words.FORMS.get(entry.form, "") or ("pressed a button" if entry.form == "button" else "")
        media = str((entry.media or {}).get("filename") or (entry.media or {}).get("mime") or "")
        return Line(
            f"e-{entry.id}", "in", entry.at_ms, name, entry.text.reveal(),
            form=entry.form, label=label, quote=quote, media=media,
        )  # fmt: skip
    author = authors.get(entry.author)
    who = "Automatic answer" if entry.author == AUTOMATION else (author.display.reveal() if author else "A colleague")
    if entry.kind is EntryKind.NOTE:
        return Line(f"e-{entry.id}", "note", entry.at_ms, who, entry.text.reveal(), key=entry.key)
    return Line(
        f"e-{entry.id}",
        "out",
        entry.at_ms,
        who,
        entry.text.reveal(),
        label="sent again, as its agent decided" if entry.again else "",
        fate=words.fate(records.get(str(entry.message)), channel),
        message=str(entry.message),
        decided=one.decided.get(str(entry.message), ""),
        key=entry.key,
    )


async def card(deps: WebcareDeps, one: Conversation, contact: Contact | None) -> Card:
    """Who this is, what they agreed to and hear about: of the conversation's brand, and nothing of another's."""
    if contact is None:
        return Card(found=False)
    facts, profile = contact.facts, contact.profile
    consents = []
    for scope, consent in sorted(facts.consents.items()):
        purpose, channel, brand = scope.split(".", 2)
        if brand == one.brand:
            where = words.CHANNELS.get(channel, channel)
            consents.append(Agreed(consent.granted, words.purpose(purpose), where, consent.at_ms))
    subscribed = {item.subject for item in await deps.contacts.subscriptions(contact.id)}
    orders: list[Known] = []
    covered: set[str] = set()
    now = deps.clock.now_ms()
    for link in profile.orders:
        covered.update((link.order, *link.subjects))
        if link.brand == one.brand and link.until_ms > now:
            told = bool(subscribed & {link.order, *link.subjects})
            kind = words.ORDER_KINDS.get(link.kind, "Order")
            orders.append(Known(kind, link.number.reveal(), link.role, told, link.until_ms))
    proof = facts.proofs.get(one.address)
    return Card(
        found=True,
        first_name=first_name(contact),
        channel_name=profile.display_name.reveal() if profile.display_name else "",
        language=words.language(facts.language),
        timezone=facts.timezone or "",
        consents=consents,
        orders=orders,
        other_subscriptions=len(subscribed - covered),
        proof=_proof_words(proof[0].value if proof and proof[0] else ("-" if proof else "")),
        closes_ms=closes_ms(deps, one, contact),
        earlier=len(await deps.conversations.of_contact(one.contact)) - 1,
    )


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
