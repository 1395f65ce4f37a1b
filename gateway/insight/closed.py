"""Closed conversations, kept in SQL: what the store forgets after weeks, and what can be searched by its words.

A conversation is copied when it is resolved, with the very bytes of its lines: sealed with its contact's key, and read back
through the same codec, so a thread reads the same from here as from the store. Resolved again after a reopening it is brought
up to date. The copy is repeatable at every point: what it wrote is replaced by the same, and a conversation is known by its
revision and the place of its last line. Whoever is erased is gone from here in the same step that destroys their key.

Search finds lines by words (index_words.py): all of them in one line, newest first, of one brand, and of those queues alone that
who asks may read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.errors import NotFound, Sealed
from gateway.insight.closed_tables import conversations_table as conversations
from gateway.insight.closed_tables import entries_table as entries
from gateway.insight.closed_tables import marks_table as marks
from gateway.insight.closed_tables import touches_table as touches
from gateway.insight.closed_tables import words_table as words
from gateway.insight.database import Database, chunks, insert
from gateway.insight.index_words import token_of, words_of
from gateway.model.conversation import Conversation, Entry
from gateway.model.ids import ContactId, ConversationId
from gateway.store.conversation_records import Record, RecordedLine
from gateway.store.vault import Box, Vault

MOST_WORDS = 8
"""Words of a query that are looked for: the longest ones, which are the rarest."""
STEP = 1_000
"""Lines, and touches, that retention takes in one transaction: a fraction of a second, however much there is."""
AT_A_TIME = 50
"""Conversations that it takes whole in one: each may have hundreds of lines."""
MOST_LOOKED = 20
"""Pages of the index that one search goes through for one page of hits: what it may not show is passed over, not without end."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that has all the words. after: where the next page begins."""

    conversation: Conversation
    entry: Entry

    @property
    def after(self) -> tuple[int, str, str]:
        return self.entry.at_ms, self.conversation.id, self.entry.id


@dataclass(frozen=True, slots=True)
class Page:
    """hits: at most a page, newest first; after: where the next one begins, None where nothing is left

    stopped: it gave up before the page was full, with more to look through: whoever asks on from `after` loses nothing
    """

    hits: list[Hit]
    after: tuple[int, str, str] | None = None
    stopped: bool = False


class Closed:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    # in

    async def known(self, wanted: Sequence[ConversationId]) -> dict[ConversationId, tuple[int, str]]:
        """Of those that are here, the revision and the place of the last line."""

        def work(connection: Connection) -> dict[ConversationId, tuple[int, str]]:
            found = {}
            for some in chunks(wanted):
                query = sql.select(conversations.c.id, conversations.c.revision, conversations.c.last)
                for row in connection.execute(query.where(conversations.c.id.in_(some))):
                    found[ConversationId(row.id)] = (row.revision, row.last)
            return found

        return await self._database.call(work)

    async def keep(self, records: Mapping[ConversationId, Record]) -> int:
        """Copy these, whole; how many. Whose contact has no key any more is left out. Repeatable."""
        boxes = await self._boxes({ContactId(record.header["c"]) for record in records.values()})
        kept = {one: record for one, record in records.items() if ContactId(record.header["c"]) in boxes}
        rows = [_row(one, record) for one, record in kept.items()]
        lines = [
            {"conversation": one, "place": line.place, "at_ms": line.at_ms, "head": line.head, "body": line.body}
            for one, record in kept.items()
            for line in record.lines
        ]
        index = [
            row
            for one, record in kept.items()
            for row in self._index(one, record, boxes[ContactId(record.header["c"])])
        ]

        def work(connection: Connection) -> None:
            _drop(connection, list(kept))
            insert(connection, conversations, rows)
            insert(connection, entries, lines)
            insert(connection, words, index)

        if kept:
            await self._database.call(work)
        return len(kept)

    def _index(self, identifier: ConversationId, record: Record, box: Box) -> Iterable[dict[str, Any]]:
        brand = record.header["b"]
        for line in record.lines:
            try:
                found = words_of(record.entry(line, box).text.reveal())
            except Sealed:  # sealed with a key of before: nobody can read it, nobody need find it
                continue
            for token in dict.fromkeys(token_of(self._vault, brand, word) for word in found):
                yield {
                    "brand": brand, "token": token, "at_ms": line.at_ms, "conversation": identifier, "place": line.place,
                }  # fmt: skip

    async def mark(self, name: str) -> int:
        """How far a job came, 0 for never."""
        query = sql.select(marks.c.value).where(marks.c.name == name)
        return await self._database.call(lambda connection: connection.execute(query).scalar() or 0)

    async def set_mark(self, name: str, value: int) -> None:
        def work(connection: Connection) -> None:
            if connection.execute(sql.update(marks).where(marks.c.name == name).values(value=value)).rowcount == 0:
                connection.execute(sql.insert(marks).values(name=name, value=value))

        await self._database.call(work)

    # out

    async def get(self, conversation: ConversationId) -> Conversation:
        """Raises NotFound."""
        return (await self._record(conversation)).conversation(conversation)

    async def thread(self, conversation: ConversationId) -> list[Entry]:
        """Its lines, oldest first, as the store would show them. Empty where its contact was erased. Raises NotFound."""
        record = await self._record(conversation)
        try:
            return record.thread(await self._vault.contact_box(ContactId(record.header["c"])))
        except Sealed:
            return []

    async def of_contact(self, contact: ContactId, *, since_ms: int = 0) -> list[Conversation]:
        """All of a contact's conversations, newest first: who asks to see what is kept of them gets all of it."""

        def work(connection: Connection) -> list[Conversation]:
            query = (
                sql.select(conversations.c.id, conversations.c.header)
                .where(conversations.c.contact == contact, conversations.c.opened_ms >= since_ms)
                .order_by(conversations.c.opened_ms.desc())
            )
            return [Record(row.header).conversation(ConversationId(row.id)) for row in connection.execute(query)]

        return await self._database.call(work)

    async def resolved(self, *, since_ms: int, before_ms: int, limit: int) -> list[tuple[ConversationId, int]]:
        """Conversations resolved in (since, before), and when; oldest first, all of the last one's moment."""
        at = conversations.c.resolved_ms

        def work(connection: Connection) -> list[tuple[ConversationId, int]]:
            some = sql.select(at).where(at > since_ms, at < before_ms).order_by(at)
            last = connection.execute(some.offset(limit - 1).limit(1)).scalar()
            query = sql.select(conversations.c.id, at).where(at > since_ms, at < before_ms if last is None else at <= last)
            return [(ConversationId(row.id), row.resolved_ms) for row in connection.execute(query.order_by(at))]

        return await self._database.call(work)

    async def queues(self, brand: str) -> list[str]:
        """The queues that a brand's closed conversations were in."""
        query = sql.select(conversations.c.queue).where(conversations.c.brand == brand).distinct()
        return await self._database.call(lambda connection: sorted(connection.execute(query).scalars()))

    async def search(
        self,
        text: str,
        brand: str,
        *,
        queues: Collection[str] | None = None,
        after: tuple[int, str, str] | None = None,
        limit: int = 50,
    ) -> list[Hit]:
        """Lines with all words of `text`, newest first.

        queues: those that who asks may read; None = all of the brand
        after:  `Hit.after` of the last one had
        """
        return (await self.page(text, brand, queues=queues, after=after, limit=limit)).hits

    async def page(
        self,
        text: str,
        brand: str,
        *,
        queues: Collection[str] | None = None,
        after: tuple[int, str, str] | None = None,
        limit: int = 50,
        shown: Callable[[Conversation], bool] = lambda one: True,
    ) -> Page:
        """`search`, until a page is full or nothing is left: lines that nobody can open, or that `shown` refuses, take no place.

        shown: whether who asks may see lines of this conversation
        """
        wanted = sorted(words_of(text), key=len, reverse=True)[:MOST_WORDS]
        tokens = [token_of(self._vault, brand, word) for word in wanted]
        if not tokens or (queues is not None and not queues):
            return Page([])
        hits: list[Hit] = []
        for _ in range(MOST_LOOKED):
            rows = await self._matching(brand, tokens, queues, after, limit)
            boxes = await self._boxes({ContactId(record.header["c"]) for _, record in rows})
            for one, record in rows:
                line = record.lines[0]
                after = (line.at_ms, one, line.place)
                box = boxes.get(ContactId(record.header["c"]))
                if box is None or not shown(conversation := record.conversation(one)):
                    continue
                try:
                    hits.append(Hit(conversation, record.entry(line, box)))
                except Sealed:
                    continue
                if len(hits) == limit:
                    return Page(hits, after)
            if len(rows) < limit:
                return Page(hits)
        return Page(hits, after, stopped=True)

    async def _matching(
        self, brand: str, tokens: Sequence[str], queues: Collection[str] | None, after: tuple[int, str, str] | None, limit: int
    ) -> list[tuple[ConversationId, Record]]:
        """Lines with all these tokens, each as a record of its own, newest first."""

        def work(connection: Connection) -> list[tuple[ConversationId, Record]]:
            found = connection.execute(_query(brand, tokens, queues, after, limit))
            return [
                (ConversationId(row.id), Record(row.header, (RecordedLine(row.place, row.head, row.body),))) for row in found
            ]

        return await self._database.count(work)

    # away

    async def erase(self, contact: ContactId) -> int:
        """Drop everything about a contact; how many conversations. Repeatable."""
        return await self._database.call(lambda connection: erase(connection, contact))

    async def forget(self, *, texts_before_ms: int, headers_before_ms: int, limit: int = STEP) -> int:
        """A step of retention: first what was said, later what is plain; how many lines, touches and conversations went.

        One transaction of about `limit` rows; 0: nothing is left to do. What went is gone whatever dies next, and the next step
        finds by itself where to go on.
        """

        def work(connection: Connection) -> int:
            old = sql.select(entries.c.at_ms).where(entries.c.at_ms < texts_before_ms).order_by(entries.c.at_ms)
            bound = connection.execute(old.offset(limit - 1).limit(1)).scalar()
            until = texts_before_ms if bound is None else bound + 1
            # No word outlives its line: each lies at its line's moment, and the line goes in this same transaction.
            connection.execute(sql.delete(words).where(words.c.at_ms < until))
            gone = connection.execute(sql.delete(entries).where(entries.c.at_ms < until)).rowcount
            said = sql.select(touches.c.id).where(touches.c.at_ms < texts_before_ms, touches.c.body != b"")
            plain = sql.select(touches.c.id).where(touches.c.at_ms < headers_before_ms)
            for some in chunks(connection.execute(said.limit(limit)).scalars().all()):
                gone += connection.execute(sql.update(touches).where(touches.c.id.in_(some)).values(body=b"")).rowcount
            for some in chunks(connection.execute(plain.limit(limit)).scalars().all()):
                gone += connection.execute(sql.delete(touches).where(touches.c.id.in_(some))).rowcount
            over = sql.select(conversations.c.id).where(conversations.c.resolved_ms < headers_before_ms).limit(AT_A_TIME)
            # With their lines, however long those were to be kept: only by its header is a line found when its person is erased.
            whole = [ConversationId(one) for one in connection.execute(over).scalars()]
            _drop(connection, whole)
            return gone + len(whole)

        return await self._database.call(work)

    # inside

    async def _record(self, conversation: ConversationId) -> Record:
        def work(connection: Connection) -> Record | None:
            header = connection.execute(sql.select(conversations.c.header).where(conversations.c.id == conversation)).scalar()
            if header is None:
                return None
            query = sql.select(entries.c.place, entries.c.head, entries.c.body).where(entries.c.conversation == conversation)
            found = [RecordedLine(row.place, row.head, row.body) for row in connection.execute(query)]
            return Record(header, tuple(sorted(found, key=lambda line: _order(line.place))))

        record = await self._database.call(work)
        if record is None:
            raise NotFound("no such conversation")
        return record

    async def _boxes(self, contacts: Collection[ContactId]) -> Mapping[ContactId, Box]:
        try:
            return await self._vault.contact_boxes(sorted(contacts)) if contacts else {}
        except Sealed:
            return {}


def erase(connection: Connection, contact: ContactId) -> int:
    """Drop everything about a contact; how many conversations."""
    query = sql.select(conversations.c.id).where(conversations.c.contact == contact)
    found = [ConversationId(one) for one in connection.execute(query).scalars()]
    _drop(connection, found)
    connection.execute(sql.delete(touches).where(touches.c.contact == contact))
    return len(found)


def _row(identifier: ConversationId, record: Record) -> dict[str, Any]:
    one = record.conversation(identifier)
    return {
        "id": identifier,
        "contact": one.contact,
        "brand": one.brand,
        "queue": one.queue,
        "sender": one.sender,
        "opened_ms": one.opened_ms,
        "resolved_ms": one.resolved_ms or 0,
        "reason": one.reason,
        "agent": one.last_owner or "",
        "transfers": one.transfers,
        "reopened": one.reopened,
        "complaint": bool(one.complaint_due_ms),
        "revision": one.revision,
        "last": record.lines[-1].place if record.lines else "",
        "header": dict(record.header),
    }


def _drop(connection: Connection, found: Sequence[ConversationId]) -> None:
    for some in chunks(found):
        connection.execute(sql.delete(words).where(words.c.conversation.in_(some)))
        connection.execute(sql.delete(entries).where(entries.c.conversation.in_(some)))
        connection.execute(sql.delete(conversations).where(conversations.c.id.in_(some)))


def _query(
    brand: str,
    tokens: Sequence[str],
    queues: Collection[str] | None,
    after: tuple[int, str, str] | None,
    limit: int,
) -> sql.Select[Any]:
    """The first token leads, by its index from the newest on; of each line it names, the others are looked up."""
    order = (words.c.at_ms, words.c.conversation, words.c.place)
    query = (
        sql.select(conversations.c.id, conversations.c.header, entries.c.place, entries.c.head, entries.c.body)
        .select_from(words)
        .join(conversations, conversations.c.id == words.c.conversation)
        .join(entries, sql.and_(entries.c.conversation == words.c.conversation, entries.c.place == words.c.place))
        .where(words.c.brand == brand, words.c.token == tokens[0])
    )
    for token in tokens[1:]:
        other = words.alias()
        same = [other.c[name] == words.c[name] for name in ("brand", "at_ms", "conversation", "place")]
        query = query.where(sql.exists().where(other.c.token == token, *same))
    if queues is not None:
        query = query.where(conversations.c.queue.in_(sorted(queues)))
    if after is not None:
        query = query.where(sql.tuple_(*order) < sql.tuple_(*after))
    return query.order_by(*(column.desc() for column in order)).limit(limit)


def _order(place: str) -> tuple[int, int]:
    """Of a line's place in its thread."""
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number)
