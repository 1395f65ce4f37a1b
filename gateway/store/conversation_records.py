"""Conversations as the store holds them, sealed texts and all, for whoever keeps them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.model.conversation import Conversation, Entry
from gateway.model.ids import ContactId, ConversationId
from gateway.store import keys
from gateway.store.conversation_codec import fold_edits, parse_conversation, parse_entry
from gateway.store.desk import DONE
from gateway.store.vault import Box


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """place: of the line in its thread; head: plain words of ours; body: sealed with the contact's key."""

    place: str
    head: str
    body: bytes

    @property
    def at_ms(self) -> int:
        return int(self.head.split("|", 3)[2])


@dataclass(frozen=True, slots=True)
class Record:
    """header: the fields of the conversation, none of them personal; lines: oldest first."""

    header: Mapping[str, str]
    lines: tuple[RecordedLine, ...] = ()

    def conversation(self, identifier: ConversationId) -> Conversation:
        found = parse_conversation(identifier, {name.encode(): value.encode() for name, value in self.header.items()})
        assert found is not None
        return found

    def entry(self, line: RecordedLine, box: Box) -> Entry:
        """Raises Sealed."""
        fields = {b"h": line.head.encode(), b"b": line.body}
        return parse_entry(line.place.encode(), fields, box, ContactId(self.header["c"]))

    def thread(self, box: Box) -> list[Entry]:
        """Oldest first, as the desk shows it. Raises Sealed."""
        return fold_edits([self.entry(line, box) for line in self.lines])


class Records:
    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def resolved(self, since_ms: int, *, limit: int, skip: int = 0) -> list[tuple[ConversationId, int]]:
        """Conversations resolved since then, and when; oldest first."""
        found = await self._redis.zrange(
            DONE, since_ms, "+inf", byscore=True, offset=skip, num=limit, withscores=True
        )
        return [(ConversationId(bytes(name).decode()), int(score)) for name, score in found]

    async def revisions(self, conversations: Sequence[ConversationId]) -> list[tuple[int, str]]:
        """Per conversation its revision and the place of its last line; (0, "") for what is gone."""
        pipeline = self._redis.pipeline(transaction=False)
        for one in conversations:
            pipeline.hget(keys.of(one, "cv"), "rev")
            pipeline.xrevrange(keys.of(one, "ct"), count=1)
        answers = iter(await pipeline.execute() if conversations else [])
        found = []
        for _ in conversations:
            revision, last = next(answers), next(answers)
            found.append((int(revision or 0), bytes(last[0][0]).decode() if last else ""))
        return found

    async def read(self, conversations: Sequence[ConversationId]) -> list[Record | None]:
        """Whole; None for what is gone. A conversation changed between two reads is newer in its lines than in its header."""
        pipeline = self._redis.pipeline(transaction=False)
        for one in conversations:
            pipeline.hgetall(keys.of(one, "cv"))
            pipeline.xrange(keys.of(one, "ct"))
        answers = iter(await pipeline.execute() if conversations else [])
        return [_record(next(answers), next(answers)) for _ in conversations]

    async def drop_lines(self, conversations: Sequence[ConversationId]) -> None:
        """Drop what was said in these: closed so long ago that nothing can reopen them. Repeatable."""
        pipeline = self._redis.pipeline(transaction=False)
        for one in conversations:
            pipeline.unlink(keys.of(one, "ct"))
        if conversations:
            await pipeline.execute()

    async def gone(self, contacts: Sequence[ContactId]) -> set[ContactId]:
        """Of these, who is being erased, or has no key any more."""
        pipeline = self._redis.pipeline(transaction=False)
        for contact in contacts:
            pipeline.hexists(keys.of(contact, "f"), "erasing")
            pipeline.exists(keys.of(contact, "k"))
        answers = iter(await pipeline.execute() if contacts else [])
        return {contact for contact in contacts if (next(answers), next(answers)) != (0, 1)}


def _record(header: Mapping[bytes, bytes], rows: Sequence[Any]) -> Record | None:
    if not header:
        return None
    lines = tuple(RecordedLine(bytes(place).decode(), bytes(f[b"h"]).decode(), bytes(f[b"b"])) for place, f in rows)
    return Record({bytes(name).decode(): bytes(value).decode() for name, value in header.items()}, lines)
