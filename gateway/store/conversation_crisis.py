"""What its people said before a crisis was declared: what of it still waits, waits in the crisis's queue, before all others.

New words find their queue as they come (webhooks/messages.py). This looks at what lies in other queues already, as often as the
desk's lists are mended, so that a crash between a declaration and a move is mended by the next look.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import Conversation, ConversationState
from gateway.store import bulk, keys, scripts
from gateway.store.conversations import Conversations
from gateway.store.incidents import Crisis, Incidents

MOST = 500
"""Of the oldest in the queue, in one look."""


class FirstInRank:
    def __init__(self, redis: Redis, clock: Clock, conversations: Conversations, incidents: Incidents) -> None:
        self._redis = redis
        self._clock = clock
        self._conversations = conversations
        self._incidents = incidents

    async def move(self, queue: str) -> int:
        """Move who is concerned by a crisis out of this queue into the crisis's; how many. Costs one look while there is none.

        Whose they are is asked of their subscriptions, which hold no name: nothing is opened for it.
        """
        crises = await self._incidents.fresh()
        if not crises:
            return 0
        found = await self._conversations.get_many(await self._conversations.desk.queue(queue, MOST))
        waiting = [one for one in found if one is not None and one.state is ConversationState.QUEUED and one.owner is None]
        moved = 0
        for one, place in zip(waiting, await self._places(waiting, crises), strict=True):
            if place and place != one.queue:
                moved += await self.to_queue(one, place)
        return moved

    async def to_queue(self, one: Conversation, queue: str) -> bool:
        """Let a conversation that waits wait in this queue, with its age. False: it waits no more, or there already."""
        names = [keys.of(one.id, "cv"), *(keys.beside(one.id, name) for name in ("facts", "vd", "vo"))]
        if not await scripts.run(self._redis, "conv_queue", names, [self._clock.offset_ms, one.id, queue]):
            return False
        await self._conversations.desk.settle(await self._conversations.get(one.id))
        return True

    async def _places(self, conversations: Sequence[Conversation], crises: Sequence[Crisis]) -> list[str]:
        """Per conversation the queue of the oldest crisis that its person is concerned by, "" for none."""
        subjects = [(crisis.queue, one) for crisis in crises for one in {crisis.subject: 0, **dict.fromkeys(crisis.people)}]
        commands: list[bulk.Command] = [
            ("HMGET", keys.of(one.contact, "cs"), *(subject for _, subject in subjects)) for one in conversations
        ]
        answers = await bulk.values(self._redis, commands) if commands else []
        return [
            next((queue for (queue, _), held in zip(subjects, answer, strict=True) if held is not None), "")
            for answer in answers
        ]
