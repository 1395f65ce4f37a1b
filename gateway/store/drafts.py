"""Unsent words of agents, one draft an agent and conversation, sealed with the contact's key.

The page keeps a draft on the agent's own computer; this copy is for whoever has the conversation next (E1): "unsent, by Sanne".
Nothing here is ever sent. It ends after three days, with the words being sent or thrown away, and with the contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed
from gateway.model.agent import AgentId
from gateway.model.conversation import Conversation
from gateway.model.personal import Personal
from gateway.store import keys
from gateway.store.vault import Vault

KEEP_MS = 3 * keys.DAY_MS


@dataclass(frozen=True, slots=True)
class Unsent:
    agent: AgentId
    text: Personal
    at_ms: int


class Drafts:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault

    async def keep(self, one: Conversation, agent: AgentId, text: Personal) -> None:
        """Keep what somebody has written so far; nothing of it where it is empty, or its contact is gone."""
        name = keys.of(one.id, "dft")
        if not text.reveal().strip():
            await self._redis.hdel(name, agent)
            return
        try:
            box = await self._vault.contact_box(one.contact)
        except (Sealed, NotFound):
            return
        sealed = box.seal_json({"text": text.reveal(), "at": self._clock.now_ms()}, f"draft:{one.id}:{agent}")
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(name, agent, sealed)
            pipeline.pexpire(name, KEEP_MS)
            await pipeline.execute()

    async def sent(self, one: Conversation, text: Personal) -> None:
        """What was sent is unsent no more, whoever wrote it: else who has the conversation next might send it too.

        A draft goes where what was sent holds it, or where it begins with that (its page tells what is left).
        """
        said = text.reveal().strip()
        drafts = await self.of_others(one, AgentId("")) if said else []
        words = {draft.agent: draft.text.reveal().strip() for draft in drafts}
        gone = [agent for agent, kept in words.items() if kept in said or kept.startswith(said)]
        if gone:
            await self._redis.hdel(keys.of(one.id, "dft"), *gone)

    async def of_others(self, one: Conversation, agent: AgentId) -> list[Unsent]:
        """What others left unsent in this conversation, newest first."""
        raw = await self._redis.hgetall(keys.of(one.id, "dft"))
        try:
            box = await self._vault.contact_box(one.contact) if raw else None
            found = []
            for name, sealed in raw.items():
                who = AgentId(bytes(name).decode())
                if who != agent and box is not None:
                    value = box.open_json(bytes(sealed), f"draft:{one.id}:{who}")
                    found.append(Unsent(who, Personal(value["text"]), int(value["at"])))
        except (Sealed, NotFound):
            return []
        return sorted(found, key=lambda draft: -draft.at_ms)
