"""Replies that are on their way: looked at until they arrived, or their conversation says that they did not.

What automation says to somebody whom nobody else answers is looked after too: where it did not arrive they are a person's.

Each writes its own place in `vr` (lua/conv_reply.lua, lua/conv_say.lua), in one step with itself: so whatever dies, somebody
looks. Each second in its first half minute, then less and less often, at most ten minutes apart, for as long as a channel may
still say that it failed. That is one read a partition a second however many wait, and needs no hook in what sends and what
hears: what is true stands in the message's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId, MessageId
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState
from gateway.rules.verdict import Reason
from gateway.store import keys, scripts
from gateway.store.outbox import parse_record
from gateway.store.system_moves import SystemMoves

FIRST_MS = 1000
MOST_MS = 600_000
GIVEN_UP_MS = 30 * keys.DAY_MS
"""Meta tries for as long. Nothing is known of a message after that."""
AT_ONCE = 200
SAID = "said"
"""What the house's own lines are called (lua/conv_say.lua)."""


@dataclass(frozen=True, slots=True)
class Flying:
    partition: int
    member: bytes
    conversation: ConversationId
    message: MessageId


class Fates:
    def __init__(self, redis: Redis, clock: Clock, conversations: SystemMoves) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._conversations = conversations

    async def look(self) -> list[ConversationId]:
        """Look at what is due; the conversations of which one was found not to have arrived. Repeatable."""
        flying = await self._due()
        raws = await self._records([one.message for one in flying])
        told: list[ConversationId] = []
        for one, raw in zip(flying, raws, strict=True):
            record = parse_record(one.message, raw)[0] if raw is not None else None
            fate = _fate(record)
            if fate == "":
                age = self._clock.now_ms() - (record.planned_at_ms if record else 0)
                if age < GIVEN_UP_MS:
                    await self._again(one, age)
                    continue
            elif record is not None and record.notification == SAID:
                if fate == "failed" and await self._to_a_person(one):
                    told.append(one.conversation)
            elif fate != "arrived" and record is not None and await self._mark(one, fate, record.reason):
                told.append(one.conversation)
            await self._redis.zrem(keys.part(one.partition, "vr"), one.member)
        return told

    async def _due(self) -> list[Flying]:
        now = self._clock.now_ms()
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            pipeline.zrange(keys.part(partition, "vr"), "-inf", now, byscore=True, offset=0, num=AT_ONCE)
        found: list[Flying] = []
        for partition, members in enumerate(await pipeline.execute()):
            for member in members:
                conversation, _, message = bytes(member).decode().partition("|")
                found.append(Flying(partition, member, ConversationId(conversation), MessageId(message)))
        return found

    async def _records(self, messages: Sequence[MessageId]) -> list[bytes | None]:
        pipeline = self._redis.pipeline(transaction=False)
        for message in messages:
            pipeline.get(keys.of(message, "m"))
        return list(await pipeline.execute()) if messages else []

    async def _again(self, one: Flying, age_ms: int) -> None:
        wait = min(max(FIRST_MS, age_ms // 30), MOST_MS)
        await self._redis.zadd(keys.part(one.partition, "vr"), {one.member: self._clock.now_ms() + wait}, xx=True)

    async def _to_a_person(self, one: Flying) -> bool:
        """An automatic answer did not arrive. Whoever has the conversation by now has it; done again it moves nothing."""
        found = (await self._conversations.get_many([one.conversation]))[0]
        if found is None:
            return False
        if found.resolved:
            return await self._conversations.undelivered(found)
        return await self._conversations.ask_person(found, "undelivered")

    async def _mark(self, one: Flying, fate: str, reason: str) -> bool:
        """Mark its conversation; where it failed, open it again if it is resolved. Done again where a process dies in between.

        Of what nobody knows no failure is made: it asks whoever has the conversation, and a resolved one shows it and stays so.
        """
        names = [keys.of(one.conversation, "cv"), *(keys.part(one.partition, name) for name in ("facts", "vd", "vo"))]
        args: list[scripts.Part] = [self._clock.offset_ms, one.conversation, one.message, reason or "failed_at_channel", fate]
        answer = int(await scripts.run(self._redis, "conv_failed", names, args))
        found: Conversation | None = (await self._conversations.get_many([one.conversation]))[0] if answer >= 0 else None
        if found is None or one.message not in found.undelivered:
            return False
        if found.resolved and fate == "failed":
            await self._conversations.undelivered(found)
        elif answer == 1:
            await self._conversations.desk.settle(found)
        return answer == 1


def _fate(record: MessageRecord | None) -> str:
    """arrived, failed, unsure, "" not known yet. A message that nothing is known of any more is nobody's worry."""
    if record is None:
        return "arrived"
    if record.state is MessageState.QUEUED:
        return ""
    if record.state is MessageState.ACCEPTED:
        return "arrived" if record.status >= DeliveryStatus.DELIVERED else ""
    if record.reason == Reason.ERASING:
        return "arrived"
    return "unsure" if record.reason == Reason.UNCERTAIN_ASK else "failed"
