"""The desk's lists for one agent: their own conversations (with what came back undelivered, and what is parked, apart), and what
waits: queues of crises first, then cancelled journeys, then the general one.

What waits is the same for everybody, so it is read once for all pages of this process (shared.py): forty open pages cost one
reading. An agent's rights are applied to it afterwards.

Own lists are read for all who ask at the same moment in the same round trips (store/together.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.model.agent import Permission
from gateway.model.contact import Contact
from gateway.model.conversation import INBOX, PROGRAM, Agent, AgentId, Conversation, ConversationState, Entry, EntryKind
from gateway.model.ids import ConversationId, SenderId
from gateway.model.webcare import Presence
from gateway.rules.presences import open_until_ms
from gateway.rules.queueing import queues_of
from gateway.rules.rights import Reading, reading
from gateway.store.together import Together
from gateway.webcare import relatives, views, words
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.lines import house_text
from gateway.webcare.shared import Shared
from gateway.webcare.windows import Closing, closing

ROWS_MAX = 100
AT_ONCE = 32
"""Agents whose own lists are read together at most: nobody waits for the whole house."""


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in a list. closing: when its windows end.

    said_by: the agent who spoke last, "note", INBOX, PROGRAM, or "" for the contact; for the page it is put into words
    """

    id: ConversationId
    brand_id: str
    name: str
    preview: str
    brand: str
    channel: str
    waiting_since_ms: int | None
    closing: Closing
    said_by: str
    family: bool = False
    """somebody whose family they are travels"""
    queue: str = ""
    state: str = ""
    epoch: int = 0
    undelivered: bool = False
    marks: tuple[str, ...] = ()
    """what is special about it, the gravest first: words of the catalogue"""
    until_ms: int = 0
    """until when it must be opened, is parked, or its reason is due; 0 none of these"""


@dataclass(frozen=True, slots=True)
class Own:
    """What is an agent's. conversations: those that they own

    handed: what they are asked to take over, or asked about; it stands among `mine`
    """

    presence: Presence
    conversations: Sequence[Conversation]
    mine: tuple[Row, ...]
    parked: tuple[Row, ...] = ()
    undelivered: tuple[Row, ...] = ()
    handed: frozenset[ConversationId] = frozenset()

    @property
    def ids(self) -> frozenset[ConversationId]:
        shown = (row.id for rows in self.drawn for row in rows)
        return self.handed.union((one.id for one in self.conversations), shown)

    @property
    def drawn(self) -> tuple[tuple[Row, ...], ...]:
        return self.mine, self.parked, self.undelivered


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits and one agent may read. same: two with the same one are equal; fresh: nothing has changed since it was read

    handed: what the agent is asked to take over, or asked about
    """

    rows: tuple[Row, ...]
    total: int
    same: tuple[object, ...]
    handed: frozenset[ConversationId]
    fresh: bool


@dataclass(frozen=True, slots=True)
class _Queue:
    """turn: the how manieth that was different; places: brand and queue of everybody who waits, also unshown -> how many"""

    turn: int
    rows: tuple[Row, ...]
    places: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class _Handed:
    """By colleague: what somebody asked them to take over, and what they were asked about by a note."""

    offered: Mapping[AgentId, Sequence[Conversation]]
    about: Mapping[AgentId, Sequence[ConversationId]]

    def to(self, agent: Agent) -> frozenset[ConversationId]:
        return frozenset([*(one.id for one in self.offered.get(agent.id, ())), *self.about.get(agent.id, ())])


_Theirs = tuple[Presence, list[Conversation], list[Row], list[Row]]


class ListReader:
    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps
        self._queue = Shared(deps.live, self._read_queue)
        self._handed = Shared(deps.live, self._read_handed)
        self._last = _Queue(0, (), {})
        self._together: Together[Agent, _Theirs] = Together(self._read_own, most=AT_ONCE)

    async def own(self, agent: Agent) -> Own:
        """What is theirs now, those who wait first, and what they are asked to take over."""
        presence, own, rows, questions = await self._together.add(agent, 0)
        rows = [_said(_timed(row, one, self._deps, presence, agent), agent) for row, one in zip(rows, own, strict=False)]
        handed = (await self._handed.get())[0]
        offered = [one for one in handed.offered.get(agent.id, ()) if reading(agent, one) is not Reading.NO]
        asked = [replace(row, marks=("offered", *row.marks)) for row in await self._rows(offered)]
        rows = [_said(row, agent) for row in (*questions, *asked)] + rows
        theirs = [row for row in rows if "asked" not in row.marks]
        undelivered = tuple(row for row in theirs if row.undelivered)
        parked = tuple(row for row in theirs if row.state == ConversationState.PARKED and row not in undelivered)
        mine = tuple(row for row in rows if row not in parked and row not in undelivered)
        return Own(presence, own, mine, parked, undelivered, handed.to(agent))

    async def waiting(self, agent: Agent) -> Waiting:
        """The queue, who is answered first coming first; of brands and queues that the agent may read."""
        (queue, fresh), (handed, all_asked) = await self._queue.get(), await self._handed.get()
        readable = {place for place in queue.places if _may_read(agent, *place)}
        rows = [row for row in queue.rows if (row.brand_id, row.queue) in readable][:ROWS_MAX]
        spoke = any(row.said_by == agent.id for row in rows)
        return Waiting(
            rows=tuple(_said(row, agent) for row in rows),
            total=sum(queue.places[place] for place in readable),
            same=(queue.turn, tuple(sorted(readable)), agent.id if spoke else ""),
            handed=handed.to(agent),
            fresh=fresh and all_asked,
        )

    async def _read_own(self, agents: Sequence[Agent]) -> list[_Theirs | Exception]:
        """Per agent their presence, their conversations, the rows of the first of these and of what they are asked about."""
        ids = [one.id for one in agents]
        presences = await self._deps.presence.many(ids) if self._deps.presence is not None else {}
        desk = self._deps.conversations.desk
        listed, about = await asyncio.gather(desk.mine_of(ids), desk.asked_of(ids))
        wanted = list(dict.fromkeys(one for some in (*listed, *about) for one in some))
        found = dict(zip(wanted, await self._deps.conversations.get_many(wanted), strict=True))
        # The lists follow the conversations; where they lag, the conversation itself is right.
        own = [_owned(agent, [found[one] for one in some]) for agent, some in zip(agents, listed, strict=True)]
        asked = [_questions(agent, [found[one] for one in some]) for agent, some in zip(agents, about, strict=True)]
        for agent, some, open_ones in zip(ids, about, asked, strict=True):
            kept = {one.id for one in open_ones}
            await desk.answered(agent, [one for one in some if one not in kept])
        drawn = [[*mine[:ROWS_MAX], *open_ones] for mine, open_ones in zip(own, asked, strict=True)]
        rows = iter(await self._rows([one for some in drawn for one in some]))
        return [
            (
                presences.get(agent) or Presence(agent), mine, [next(rows) for _ in mine[:ROWS_MAX]],
                [_question(next(rows), one.consulted[agent]) for one in open_ones],
            )
            for agent, mine, open_ones in zip(ids, own, asked, strict=True)
        ]  # fmt: skip

    async def _read_queue(self) -> _Queue:
        rank = {name: place for place, name in enumerate((*await self._deps.first_queues(), *queues_of(self._deps.plan)))}
        listed = [one for name in rank for one in await self._deps.conversations.desk.queue(name)]
        found = await self._deps.conversations.get_many(listed)
        waiting = [one for one in found if one is not None and one.owner is None and one.state is ConversationState.QUEUED]
        waiting.sort(key=lambda one: (rank.get(one.queue, len(rank)), one.waiting_since_ms or one.opened_ms))
        impossible = await self._impossible()
        # The first of each place: who reads one brand alone sees its rows however many of another's are before them.
        places: Counter[tuple[str, str]] = Counter()
        first = []
        for one in waiting:
            places[one.brand, one.queue] += 1
            if places[one.brand, one.queue] <= ROWS_MAX:
                first.append(one)
        rows = tuple(
            replace(row, marks=(*row.marks, "nobody")) if row.id in impossible else row for row in await self._rows(first)
        )
        if (rows, places) != (self._last.rows, self._last.places):
            self._last = _Queue(self._last.turn + 1, rows, places)
        return self._last

    async def _read_handed(self) -> _Handed:
        """Of what those who are here have."""
        offered: dict[AgentId, list[Conversation]] = {}
        about: dict[AgentId, list[ConversationId]] = {}
        if self._deps.floor is not None:
            owned = (await self._deps.floor.lists([], 0)).mine
            for one in await self._deps.conversations.get_many([one for some in owned.values() for one in some]):
                if one is None:
                    continue
                if one.offered_to is not None and one.owner:
                    offered.setdefault(one.offered_to, []).append(one)
                for agent in one.consulted:
                    about.setdefault(agent, []).append(one.id)
        return _Handed(offered, about)

    async def _impossible(self) -> Collection[ConversationId]:
        """Whom nobody who is here could have, as the router sees it."""
        if self._deps.floor is None:
            return ()
        return (await self._deps.floor.notes(self._deps.clock.now_ms())).impossible

    async def _rows(self, conversations: Sequence[Conversation]) -> list[Row]:
        contacts, entries, persons = await asyncio.gather(
            views.contacts_of(self._deps, conversations),
            self._deps.conversations.last_entries(conversations),
            self._deps.person_windows(),
        )
        return [
            self._row(one, contacts.get(one.contact), entry, persons)
            for one, entry in zip(conversations, entries, strict=True)
        ]

    def _row(
        self, one: Conversation, contact: Contact | None, entry: Entry | None, persons: Mapping[SenderId, int]
    ) -> Row:
        said_by = preview = ""
        if entry is not None:
            # In a list nothing is opened, so nothing is revealed either, to whomever.
            preview = views.short(house_text(entry, views.codes(contact)) or words.FORMS.get(entry.form, ""), 90)
            said_by = {EntryKind.IN: "", EntryKind.NOTE: "note"}.get(entry.kind, entry.author)
        channel = self._deps.channel(one.sender)
        return Row(
            id=one.id,
            brand_id=one.brand,
            name=views.first_name(contact, one.address),
            preview=preview,
            brand=self._deps.brands.get(one.brand, one.brand),
            channel=words.CHANNELS.get(channel, channel),
            waiting_since_ms=one.waiting_since_ms,
            closing=closing(self._deps, one, contact.facts if contact else None, persons),
            said_by=said_by,
            family=bool(relatives.memberships(contact, one.brand, self._deps.clock.now_ms())),
            queue=one.queue,
            state=one.state.value,
            epoch=one.epoch,
            marks=views.marks(one),
            undelivered=bool(one.undelivered),
        )


def _may_read(agent: Agent, brand: str, queue: str) -> bool:
    return agent.may(Permission.READ, brand, queue) or agent.may(Permission.READ_ALL, brand, queue)


def _owned(agent: Agent, found: Sequence[Conversation | None]) -> list[Conversation]:
    """What is theirs, who waits first."""
    own = [
        one for one in found
        if one is not None and one.owner == agent.id and not one.resolved and reading(agent, one) is not Reading.NO
    ]  # fmt: skip
    return sorted(own, key=lambda one: (one.waiting_since_ms is None, one.waiting_since_ms or one.owner_since_ms))


def _questions(agent: Agent, found: Sequence[Conversation | None]) -> list[Conversation]:
    """What colleagues ask them about, and they have not answered."""
    return [
        one for one in found
        if one is not None and agent.id in one.consulted and not one.resolved and reading(agent, one) is not Reading.NO
    ]  # fmt: skip


def _question(row: Row, until_ms: int) -> Row:
    return replace(row, marks=("asked", *row.marks), until_ms=until_ms, state="")


def _timed(row: Row, one: Conversation, deps: WebcareDeps, presence: Presence, agent: Agent) -> Row:
    """With the time that runs on it."""
    if one.state is ConversationState.ASSIGNED:
        until = open_until_ms(one, presence, deps.plan.of(one.brand).figures, factor=agent.limit_factor)
    else:
        until = {ConversationState.PARKED: one.parked_until_ms, ConversationState.WRAPUP: one.wrapup_until_ms}.get(one.state, 0)
    return replace(row, until_ms=until)


def _said(row: Row, agent: Agent) -> Row:
    if not row.said_by:
        return row
    said = {"note": "note", INBOX: "inbox", PROGRAM: "program", agent.id: "you"}
    return replace(row, said_by=said.get(row.said_by, "us"))
