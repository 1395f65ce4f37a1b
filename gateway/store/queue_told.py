"""What somebody in a queue was told already, per conversation: two figures, for as long as they may matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.model.ids import ConversationId
from gateway.store import bulk, keys


@dataclass(frozen=True, slots=True)
class Told:
    """closed_ms: when they were told that it is closed, 0 never; step: how long it takes (rules/waits.py), None never"""

    closed_ms: int = 0
    step: int | None = None


class QueueTold:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def many(self, conversations: Sequence[ConversationId]) -> dict[ConversationId, Told]:
        commands: list[bulk.Command] = [("GET", keys.of(one, "qt")) for one in conversations]
        answers = await bulk.values(self._redis, commands) if commands else []
        return {one: _parse(raw) for one, raw in zip(conversations, answers, strict=True)}

    async def put(self, conversation: ConversationId, told: Told) -> None:
        value = f"{told.closed_ms}|{'' if told.step is None else told.step}"
        await bulk.run(self._redis, [("SET", keys.of(conversation, "qt"), value, "PX", keys.KEEP_MS)])


def _parse(raw: bytes | None) -> Told:
    if raw is None:
        return Told()
    closed, _, step = bytes(raw).decode().partition("|")
    return Told(int(closed), int(step) if step else None)
