"""The desk's lists for one agent: their own conversations (with what came back undelivered, and what is parked, apart), and what
waits: queues of crises first, then cancelled journeys, then the general one.

What waits is the same for everybody, so it is read once a change and shared by all pages of this process: forty open pages
cost one reading. An agent's rights are applied to it afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.model.agent import Permission
from gateway.model.contact import Contact
from gateway.model.conversation import INBOX, PROGRAM, Agent, Conversation, ConversationState, Entry, EntryKind
from gateway.model.ids import ConversationId, SenderId
from gateway.model.webcare import Presence
from gateway.rules.presences import open_until_ms
from gateway.rules.queueing import queues_of
from gateway.rules.rights import Reading, reading
from gateway.webcare import relatives, views, words
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.lines import house_text
from gateway.webcare.windows import Closing, closing

ROWS_MAX = 100
SHARED_S = 1.5
"""How old the shared reading may be where nobody said that anything changed."""
OFFERS_S = 0.5
"""How old what is known of offers may be."""


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
class Lists:
    """offered: what colleagues ask this agent to take over stands among `mine`, marked."""

    mine: tuple[Row, ...]
    queue: tuple[Row, ...]
    queue_total: int
    parked: tuple[Row, ...] = ()
    undelivered: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shared:
    """The queue as it was read. changes: what `Live.changes` said before.

    places: brand and queue of everybody who waits, also unshown
    """

    changes: int
    read_at_s: float
    rows: tuple[Row, ...]
    places: tuple[tuple[str, str], ...]


class ListReader:
    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps
        self._shared: _Shared | None = None
        self._reading = asyncio.Lock()
        self._offered: Sequence[Conversation] = ()
        self._offered_s = 0.0

    async def owned(self, agent: Agent) -> list[Conversation]:
        """What is theirs now, those who wait first."""
        mine = await self._deps.conversations.get_many(await self._deps.conversations.desk.mine(agent.id))
        # The lists follow the conversations; where they lag, the conversation itself is right.
        own = [one for one in mine if one is not None and one.owner == agent.id and not one.resolved]
        own = [one for one in own if reading(agent, one) is not Reading.NO]
        own.sort(key=lambda one: (one.waiting_since_ms is None, one.waiting_since_ms or one.owner_since_ms))
        return own

    async def lists(self, agent: Agent, own: Sequence[Conversation], presence: Presence) -> Lists:
        """Own conversations, and the queue, who is answered first coming first; of brands and queues that the agent may read."""
        rows = [_said(_timed(row, one, self._deps, presence, agent), agent)
                for row, one in zip(await self._rows(own[:ROWS_MAX]), own, strict=False)]  # fmt: skip
        offered = [one for one in await self._offers() if one.offered_to == agent.id]
        asked = [replace(row, marks=("offered", *row.marks)) for row in await self._rows(offered)]
        rows = [_said(row, agent) for row in asked] + rows
        shared = await self._queue()
        queue = [row for row in shared.rows if _may_read(agent, row.brand_id, row.queue)]
        total = sum(1 for brand, queue in shared.places if _may_read(agent, brand, queue))
        undelivered = tuple(row for row in rows if row.undelivered)
        parked = tuple(row for row in rows if row.state == ConversationState.PARKED and row not in undelivered)
        mine = tuple(row for row in rows if row not in parked and row not in undelivered)
        return Lists(mine, tuple(_said(row, agent) for row in queue), total, parked, undelivered)

    async def _offers(self) -> Sequence[Conversation]:
        """What somebody who is here asked a colleague to take over. Read once for all pages, twice a second at most."""
        if self._deps.floor is None:
            return ()
        async with self._reading:
            if time.monotonic() - self._offered_s > OFFERS_S:
                owned = (await self._deps.floor.lists([], 0)).mine
                found = await self._deps.conversations.get_many([one for some in owned.values() for one in some])
                self._offered = [one for one in found if one is not None and one.offered_to is not None and one.owner]
                self._offered_s = time.monotonic()
            return self._offered

    async def _queue(self) -> _Shared:
        async with self._reading:
            changes, now_s = self._deps.live.changes, time.monotonic()
            shared = self._shared
            if shared is None or shared.changes != changes or now_s - shared.read_at_s > SHARED_S:
                rank = {name: place for place, name in enumerate((*await self._deps.first_queues(), *queues_of(self._deps.plan)))}
                listed = [one for name in rank for one in await self._deps.conversations.desk.queue(name)]
                found = await self._deps.conversations.get_many(listed)
                waiting = [
                    one
                    for one in found
                    if one is not None and one.owner is None and one.state is ConversationState.QUEUED
                ]
                waiting.sort(key=lambda one: (rank.get(one.queue, len(rank)), one.waiting_since_ms or one.opened_ms))
                impossible = await self._impossible()
                rows = tuple(
                    replace(row, marks=(*row.marks, "nobody")) if row.id in impossible else row
                    for row in await self._rows(waiting[:ROWS_MAX])
                )
                shared = self._shared = _Shared(changes, now_s, rows, tuple((one.brand, one.queue) for one in waiting))
            return shared

    async def _impossible(self) -> Collection[ConversationId]:
        """Whom nobody who is here could have, as the router sees it."""
        if self._deps.floor is None:
            return ()
        return (await self._deps.floor.notes(self._deps.clock.now_ms())).impossible

    async def _rows(self, conversations: Sequence[Conversation]) -> list[Row]:
        contacts = await views.contacts_of(self._deps, conversations)
        entries = await self._deps.conversations.last_entries(conversations)
        persons = await self._deps.person_windows()
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
            name=views.first_name(contact),
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
