"""One reviewed answer to several people who wait about the same thing: a flight, a train, an order, an outage.

Forty people ask whether ZZ 1007 leaves today. An agent sees who they are and what each of them last said, writes the answer once
in each of their languages, sees it filled in for each, and sends. From there every one of them is a conversation of their own:
taken, answered and finished by the very commands that the desk has for one, each with the epoch that was seen and a key made of
the whole's. So nothing holds for many that does not hold for one: owners, windows, capacity, the outbox.

Whose: one's own, and nobody's that one may answer. What waits for nobody is finished after the answer, with the reason that was
chosen, so that it holds no place; it comes back to this agent when they write. One's own stay one's own.

Left out, and named: who wrote since they were looked at, whose window is shut, whom somebody else has now, words that cannot
wait, complaints, relatives of a traveller (they may not read what the traveller may), threads that another program holds.

Done twice with the same key it sends nothing twice, wherever it died: what is done answers as the first time, and the answer's
own line says that it went. Other words under the same key are refused, one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import BadInput, Conflict, NotFound, Problem, Sealed
from gateway.families.state_said import named
from gateway.model.contact import Contact
from gateway.model.conversation import Agent, Conversation, ConversationState, Entry, EntryKind
from gateway.model.family import ROLE
from gateway.model.ids import ConversationId, SenderId, SubjectId
from gateway.rules.identity import not_me
from gateway.rules.queueing import queues_of
from gateway.rules.rights import may_answer
from gateway.store.conversations import CommandRefused
from gateway.webcare import commands, views, words
from gateway.webcare.canned import fill
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.lines import house_text
from gateway.webcare.windows import closing

MOST = 30
"""Of so many people at once: each is some writes, and whoever reviews more reads none of them."""
LAST_WORDS = 240
TRAVELS = ("flight", "rail")
NO_REASON = "none"
SENT, SENT_KEPT = "sent", "sent_kept"
"""Gone; gone, and they wrote meanwhile, so that it stays with its agent."""
SAID = (
    SENT, SENT_KEPT, "safety", "complaint", "family", "held", "window_closed", "they_wrote", "answered", "owner_changed",
    "resolved", "full", "owned", "language", "long", "gone", "key_reused", "rights",
)  # fmt: skip
"""What the page has words for (several.why.*); anything else is "other"."""


@dataclass(frozen=True, slots=True)
class About:
    """What several people wait about. count: how many"""

    subject: SubjectId
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who waits. last: their newest words; other: they have other things open, and may mean those

    why: of SAID, why they are left out, "" where they are not
    """

    id: ConversationId
    name: str
    language: str
    waiting_since_ms: int
    last: str
    mine: bool
    epoch: int
    inbound: int
    other: bool
    why: str


@dataclass(frozen=True, slots=True)
class Filled:
    """The answer as one of them will read it; why not, where they will not."""

    id: ConversationId
    name: str
    language: str
    text: str
    epoch: int
    inbound: int
    mine: bool
    why: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One answer that was reviewed, with what was seen of its conversation."""

    id: ConversationId
    epoch: int
    inbound: int
    mine: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    one: Conversation
    contact: Contact | None
    subjects: Mapping[SubjectId, str]
    """what they have open -> which kind of order"""
    family: bool


async def abouts(deps: WebcareDeps, agent: Agent, opened: ConversationId | str = "") -> list[About]:
    """What more than one person waits about, of those whom this agent may answer; what the open conversation is about first."""
    waiting = await _waiting(deps, agent)
    counts = Counter(subject for one in waiting for subject in one.subjects)
    first = next((set(one.subjects) for one in waiting if one.one.id == opened), set())
    shared = [subject for subject, count in counts.most_common() if count > 1]
    names = await _names(deps, waiting, shared)
    found = [About(one, names[one], counts[one]) for one in shared]
    return sorted(found, key=lambda one: one.subject not in first)


def _last(entry: Entry, contact: Contact | None) -> str:
    return views.short(house_text(entry, views.codes(contact)) or words.FORMS.get(entry.form, ""), LAST_WORDS)


async def people(deps: WebcareDeps, agent: Agent, subject: str) -> list[Candidate]:
    """Who waits about it, longest first, at most MOST; of those who are left out as many, with why: they take nobody's place."""
    waiting = [one for one in await _waiting(deps, agent) if subject in one.subjects]
    waiting.sort(key=lambda one: one.one.waiting_since_ms or 0)
    persons = await deps.person_windows()
    whys = {
        one.one.id: "family" if one.family else _left_out(deps, agent, one.one, one.contact, persons) for one in waiting
    }
    found = [*[one for one in waiting if not whys[one.one.id]][:MOST], *[one for one in waiting if whys[one.one.id]][:MOST]]
    entries = await deps.conversations.last_entries([one.one for one in found])
    return [
        Candidate(
            id=one.one.id,
            name=views.first_name(one.contact, one.one.address),
            language=_language(one.one, one.contact),
            waiting_since_ms=one.one.waiting_since_ms or 0,
            last=_last(entry, one.contact) if entry else "",
            mine=one.one.owner == agent.id,
            epoch=one.one.epoch,
            inbound=one.one.inbound,
            other=len(one.subjects) > 1,
            why=whys[one.one.id],
        )
        for one, entry in zip(found, entries, strict=True)
    ]


async def filled(deps: WebcareDeps, agent: Agent, identifiers: Sequence[str], texts: Mapping[str, str]) -> list[Filled]:
    """The answer as each of them will read it. texts: by language; {first_name} and {agent} are filled in."""
    found = {identifier: await _there(deps, agent, identifier) for identifier in identifiers}
    contacts = await views.contacts_of(deps, [one for one in found.values() if one is not None])
    persons = await deps.person_windows()
    rows = []
    for identifier, one in found.items():
        if one is None:
            rows.append(Filled(ConversationId(identifier), views.first_name(None), "en", "", 0, 0, False, "gone"))
            continue
        contact = contacts[one.contact]
        language = _language(one, contact)
        text = fill(texts.get(language, "").strip(), views.given_name(contact, one.address), agent.first_name.reveal())
        why = _left_out(deps, agent, one, contact, persons)
        why = why or _unsaid(deps, one, text)
        mine = one.owner == agent.id
        rows.append(Filled(one.id, views.first_name(contact, one.address), language, text, one.epoch, one.inbound, mine, why))
    return rows


async def send(
    deps: WebcareDeps, agent: Agent, key: str, wanted: Sequence[Wanted], reason: str
) -> list[tuple[ConversationId, str]]:
    """Answer each of them; per conversation what became of it (SAID, or a refusal's code). Repeatable by key.

    One's own go first: they need no place. A full desk refuses those that need one, and a repeat tries them again.
    """
    known = {one.code for one in deps.plan.reasons}
    if known and reason not in known and not all(one.mine for one in wanted):
        raise BadInput([Problem("reason", "should be the code of a reason: what is nobody's is finished with it")])
    done = {}
    for one in sorted(wanted, key=lambda one: not one.mine):
        done[one.id] = await _answer(deps, agent, key, one, reason or NO_REASON)
    return [(one.id, done[one.id]) for one in wanted]


async def _answer(deps: WebcareDeps, agent: Agent, key: str, wanted: Wanted, reason: str) -> str:
    """The whole for one of them. Whether the answer went already, its line in the thread says: then what comes after is done."""

    async def do(what: str, **body: Any) -> int:
        done, _ = await commands.run(deps, agent, wanted.id, what, f"{key}.{what}", body)
        return done.epoch

    try:
        found = await commands.readable(deps, agent, wanted.id)
        went = any(
            entry.kind is EntryKind.OUT and entry.author == agent.id and entry.key == f"{key}.reply"
            for entry in await deps.conversations.thread(found)
        )
        if not went:
            contact = (await views.contacts_of(deps, [found]))[found.contact]
            if why := _left_out(deps, agent, found, contact, await deps.person_windows()):
                return why
            if found.inbound != wanted.inbound:
                return "they_wrote"
            if why := _unsaid(deps, found, wanted.text):
                return why
        epoch = wanted.epoch if wanted.mine else await do("take", epoch=wanted.epoch)
        await do("reply", epoch=epoch, text=wanted.text)
    except CommandRefused as refusal:
        return refusal.code
    except (NotFound, Sealed):
        return "gone"
    except BadInput:
        return "rights"
    except Conflict:
        return "other"  # too much at once there: the rest goes on, and a repeat tries this one again
    if wanted.mine:
        return SENT
    try:
        await do("finish", epoch=epoch, inbound=wanted.inbound, reason=reason)
    except CommandRefused as refusal:
        return SENT_KEPT if refusal.code == "they_wrote" else SENT
    except (NotFound, Sealed):
        return SENT  # erased since: it went, and nothing is left to finish
    return SENT


# inside


async def _there(deps: WebcareDeps, agent: Agent, identifier: str) -> Conversation | None:
    """None where it was erased since it was listed, or is not for this agent to answer: then not even its name is shown."""
    try:
        found = await commands.readable(deps, agent, identifier)
    except NotFound:
        return None
    return found if may_answer(agent, found) else None


async def _waiting(deps: WebcareDeps, agent: Agent) -> list[_Waiting]:
    """Whoever waits for this agent or for nobody in a queue that they may answer, with what they have open."""
    listed = list(await deps.conversations.desk.mine(agent.id))
    for queue in dict.fromkeys((*await deps.first_queues(), *queues_of(deps.plan))):
        listed += await deps.conversations.desk.queue(queue)
    found = [
        one
        for one in await deps.conversations.get_many(list(dict.fromkeys(listed)))
        if one is not None and one.waiting_since_ms and _within_reach(agent, one)
    ]
    contacts = await views.contacts_of(deps, found)
    now = deps.clock.now_ms()
    rows = []
    for one in found:
        contact = contacts[one.contact]
        if contact is not None and not_me(contact, one.address):
            continue  # what that person has open is nothing for whoever has the address now
        own, family = _open_things(contact, one.brand, now)
        rows.append(_Waiting(one, contact, own or family, not own and bool(family)))
    return rows


def _within_reach(agent: Agent, one: Conversation) -> bool:
    if one.owner is not None:
        return one.owner == agent.id and may_answer(agent, one)
    return one.state is ConversationState.QUEUED and may_answer(agent, one)


def _open_things(contact: Contact | None, brand: str, now_ms: int) -> tuple[dict[SubjectId, str], dict[SubjectId, str]]:
    """(their own, what they follow as family): subject -> kind. A journey is its legs, a contract its area, else the order."""
    own: dict[SubjectId, str] = {}
    family: dict[SubjectId, str] = {}
    for link in contact.profile.orders if contact is not None else ():
        if link.brand != brand or link.until_ms < now_ms:
            continue
        subjects = link.subjects if link.kind in (*TRAVELS, "service") or link.role == ROLE else (link.order,)
        (family if link.role == ROLE else own).update(dict.fromkeys(subjects, link.kind))
    return own, family


async def _names(deps: WebcareDeps, waiting: Sequence[_Waiting], subjects: Sequence[SubjectId]) -> dict[SubjectId, str]:
    """What the desk calls them: a leg by its number, ends and day; an order by its kind, as its number is its owner's."""
    found: dict[SubjectId, str] = {}
    for one in waiting:
        for link in one.contact.profile.orders if one.contact is not None else ():
            wanted = set(link.subjects) & set(subjects) - set(found)
            if deps.journeys is None or link.kind not in TRAVELS or not wanted:
                continue
            found |= {leg.subject: named([leg]) for leg in await deps.journeys.legs(link) if leg.subject in wanted}
    kinds = {subject: kind for one in waiting for subject, kind in one.subjects.items()}
    return {one: found.get(one) or words.ORDER_KINDS.get(kinds[one], "Order") for one in subjects}


def _language(one: Conversation, contact: Contact | None) -> str:
    return (one.language or (contact.facts.language if contact else "") or "en").split("-")[0].lower()


def _left_out(
    deps: WebcareDeps, agent: Agent, one: Conversation, contact: Contact | None, persons: Mapping[SenderId, int]
) -> str:
    """Why somebody gets no answer that was written for several; "" where they may."""
    facts = contact.facts if contact is not None else None
    if contact is None or facts is None or facts.erasing or not_me(contact, one.address):
        return "gone"
    if not may_answer(agent, one):
        return "rights"
    if one.resolved:
        return "resolved"
    if one.owner not in (None, agent.id):
        return "owner_changed"
    if one.safety:
        return "safety"
    if one.complaint_due_ms:
        return "complaint"
    if not one.waiting_since_ms:
        return "answered"
    if facts.held_elsewhere(one.sender, one.address, deps.clock.now_ms()):
        return "held"
    return "" if closing(deps, one, facts, persons).last_ms else "window_closed"


def _unsaid(deps: WebcareDeps, one: Conversation, text: str) -> str:
    """Why these words cannot be said to them; "" where they can."""
    if not text.strip():
        return "language"
    return "long" if len(text) > deps.text_max(one.sender) else ""
