"""Everything that has passed between one person and the operator, from one door: the desk's card, the API and the export use it.

The store has what is open and what was closed lately, the history what was closed before, what was told by other programs, and
the facts. A conversation that both have is shown as the store has it, which is never older. The database is opened when it is
first asked: a process that never shows a past has no connection to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import NotFound, Sealed
from gateway.model.conversation import Conversation, Entry
from gateway.model.ids import ContactId, ConversationId
from gateway.model.touch import BeenThrough, TimelineItem, Touch
from gateway.prices.model import Book
from gateway.store.conversations import Conversations
from gateway.store.vault import Vault

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.closed import Closed
    from gateway.insight.database import Database
    from gateway.insight.touches import Kept

YEAR_MS = 365 * 24 * 3600_000
FOREVER_MS = 1 << 60
PAGE = 50
MOST_TOUCHES = 10_000


@dataclass(frozen=True, slots=True)
class Price:
    """Of one message, in millionths; None = not known (yet). currency "" where no price list is of its channel."""

    currency: str
    expected: int | None
    charged: int | None


@dataclass(frozen=True, slots=True)
class _Opened:
    database: Database
    closed: Closed


class Past:
    """Every call raises StoreUnavailable where the history or the store does not answer."""

    def __init__(self, url: str, vault: Vault, conversations: Conversations) -> None:
        self._url = url
        self._vault = vault
        self._conversations = conversations
        self._opened: _Opened | None = None
        self._opening = asyncio.Lock()

    async def _open(self) -> _Opened:
        async with self._opening:
            if self._opened is None:
                from gateway.insight.closed import Closed
                from gateway.insight.database import open_database

                database = await open_database(self._url)
                self._opened = _Opened(database, Closed(database, self._vault))
            return self._opened

    async def database(self) -> Database:
        return (await self._open()).database

    async def closed(self) -> Closed:
        """Closed conversations: a thread, a search."""
        return (await self._open()).closed

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.database.close()
            self._opened = None

    async def timeline(
        self,
        contact: ContactId,
        *,
        brands: Collection[str] | None = None,
        before_ms: int = FOREVER_MS,
        limit: int = PAGE,
    ) -> list[TimelineItem]:
        """What passed, newest first, over all channels. brands: of which alone, None = all. before_ms: where a page ends.

        limit: of a page, and beyond it whatever shares the last one's moment: a source may know no more than the day

        Messages name no brand; with `brands` they are left out, but for those of senders that a conversation here names.
        """
        from gateway.insight import of_contact, touches

        opened = await self._open()

        def work(connection: Any) -> tuple[list[Any], list[Any]]:
            told = of_contact.facts_of(connection, contact, of_contact.STEPS, since_ms=0, before_ms=before_ms)
            return told, touches.of_contact(connection, contact, before_ms=before_ms, limit=limit)

        rows, touched = await opened.database.call(work)
        try:
            box = await self._vault.contact_box(contact)
        except Sealed:
            box = None
        talks = [one for one in await self.conversations_of(contact) if one.opened_ms < before_ms]
        items = [_talk(one) for one in talks] + [touches.item_of(row, box) for row in touched]
        if brands is not None:
            items = [one for one in items if one.brand in brands]
        senders = {one.sender for one in items}
        items += [one for one in of_contact.messages(rows) if brands is None or one.sender in senders]
        items.sort(key=lambda one: (one.at_ms, one.id), reverse=True)
        return [one for place, one in enumerate(items) if place < limit or one.at_ms == items[limit - 1].at_ms]

    async def touches_of(self, contact: ContactId) -> list[TimelineItem]:
        """All that other programs told of them, newest first."""
        from gateway.insight import touches

        database = await self.database()
        rows = await database.call(
            lambda connection: touches.of_contact(connection, contact, before_ms=FOREVER_MS, limit=MOST_TOUCHES)
        )
        try:
            box = await self._vault.contact_box(contact)
        except Sealed:
            box = None
        return [touches.item_of(row, box) for row in rows]

    async def prices(self, messages: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Per message of ours (currency, expected price in millionths), where it is known; a second or so after it was taken."""
        from gateway.insight import costs

        return await (await self.database()).call(lambda connection: costs.expected_of(connection, messages)) if messages else {}

    async def charges(self, messages: Sequence[str], book: Book) -> dict[str, Price]:
        """Per message of ours what it was expected to cost and what was charged, by the price lists of its day."""
        from gateway.insight import cost_report, costs

        if not messages:
            return {}
        found = await (await self.database()).call(lambda connection: costs.groups_of(connection, messages))
        return {
            message: Price(one.currency or book.currency(one.channel), one.expected, cost_report.real(one, book))
            for message, one in found.items()
        }

    async def thread(self, one: Conversation) -> list[Entry]:
        """Its lines, oldest first, from where they still are."""
        lines = await self._conversations.thread(one)
        try:
            return lines or await (await self.closed()).thread(one.id)
        except NotFound:
            return lines

    async def conversations_of(self, contact: ContactId) -> list[Conversation]:
        """All of a contact's, open and closed, oldest first."""
        opened = await self._open()
        here = await self._conversations.get_many(await self._conversations.of_contact(contact))
        found: dict[ConversationId, Conversation] = {one.id: one for one in await opened.closed.of_contact(contact)}
        found.update((one.id, one) for one in here if one is not None)
        return sorted(found.values(), key=lambda one: one.opened_ms)

    async def been_through(
        self, contact: ContactId, now_ms: int, *, brands: Collection[str] | None = None
    ) -> BeenThrough:
        """Of the last twelve months, from the facts and the marks of their conversations. brands: of which alone, None = all."""
        from gateway.insight import of_contact

        since = now_ms - YEAR_MS
        kinds = ("enqueued", "suppressed", "failed", "reopened")

        def work(connection: Any) -> list[Any]:
            return of_contact.facts_of(connection, contact, kinds, since_ms=since, before_ms=FOREVER_MS)

        rows = await (await self._open()).database.call(work)
        talks = await self.conversations_of(contact)
        if brands is not None:
            rows = of_contact.of_brands(rows, brands, [(one.id, one.brand, one.sender) for one in talks])
            talks = [one for one in talks if one.brand in brands]
        return of_contact.been_through(
            rows, [one.opened_ms for one in talks if one.complaint_due_ms and one.opened_ms >= since]
        )

    async def add_touches(self, contact: ContactId, told: Sequence[Touch]) -> list[Kept]:
        """What other programs tell of calls, mail and visits; per touch what came of it. Raises Sealed for one who is erased."""
        from gateway.insight import touches

        return await touches.add((await self._open()).database, self._vault, contact, told)

    async def erase(self, contact: ContactId) -> None:
        """Drop what is here about a contact. Repeatable; facts stay, they say nothing about a person who has no other trace."""
        await (await self._open()).closed.erase(contact)


def _talk(one: Conversation) -> TimelineItem:
    return TimelineItem(
        at_ms=one.opened_ms,
        kind="conversation",
        id=one.id,
        brand=one.brand,
        inward=True,
        state=one.state.value,
        reason=one.reason,
        agent=one.owner or one.last_owner or "",
        sender=one.sender,
        queue=one.queue,
        transfers=one.transfers,
        reopened=one.reopened,
        complaint=bool(one.complaint_due_ms),
    )
