"""Slots counted again from the conversations. They agree always; where not, a fault of ours is mended, and told.

A conversation that moves while it is counted is left alone: the desk knows it at another revision than was read, and what it
hears next is right by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import AgentId, Conversation
from gateway.model.ids import ConversationId
from gateway.model.webcare import LIVE
from gateway.store import audit, bulk, keys, scripts
from gateway.store.slots import RESERVATION

AT_ONCE = 500


class Store(Protocol):
    """What is needed of `Conversations`."""

    async def get_many(self, conversations: Sequence[ConversationId]) -> list[Conversation | None]: ...


@dataclass
class Recount:
    store: Store
    redis: Redis
    clock: Clock

    async def mend(self) -> dict[AgentId, int]:
        """Per agent how many of their slots were wrong, and are right now; nothing where all were. Costs a look at all that is
        unresolved: once an hour."""
        live = await self._live()
        agents = await self._agents({one.owner for one in live.values() if one.owner})
        commands: list[bulk.Command] = [("HKEYS", keys.slots(agent)) for agent in agents]
        answers = await bulk.values(self.redis, commands) if commands else []
        wrong: list[tuple[AgentId, ConversationId]] = []
        for agent, raw in zip(agents, answers, strict=True):
            held = {ConversationId(bytes(one).decode()) for one in raw if not bytes(one).startswith(RESERVATION.encode())}
            due = {one.id for one in live.values() if one.owner == agent}
            wrong += [(agent, one) for one in sorted(held ^ due)]
        mended: dict[AgentId, int] = {}
        states = await self.store.get_many([one for _, one in wrong])
        calls = [_call(agent, one, state) for (agent, one), state in zip(wrong, states, strict=True)]
        for (agent, _), answer in zip(wrong, await bulk.run_scripts(self.redis, calls), strict=True):
            if answer:
                mended[agent] = mended.get(agent, 0) + 1
        for agent, count in mended.items():
            await audit.write_fact(self.redis, self.clock, "slots_differ", detail={"agent": agent, "by": count})
        return mended

    async def _live(self) -> dict[ConversationId, Conversation]:
        """Every conversation that takes a slot."""
        commands: list[bulk.Command] = [("ZRANGE", keys.part(one, "vo"), 0, -1) for one in keys.all_partitions()]
        found = [ConversationId(bytes(one).decode()) for rows in await bulk.values(self.redis, commands) for one in rows]
        live = {}
        for begin in range(0, len(found), AT_ONCE):
            states = await self.store.get_many(found[begin : begin + AT_ONCE])
            live.update({one.id: one for one in states if one is not None and one.state in LIVE})
        return live

    async def _agents(self, owners: set[AgentId]) -> list[AgentId]:
        answers: list[Any] = await bulk.values(self.redis, [("HKEYS", keys.AGENTS), ("ZRANGE", keys.HERE, 0, -1)])
        return sorted(owners | {AgentId(bytes(one).decode()) for rows in answers for one in rows})


def _call(agent: AgentId, identifier: ConversationId, state: Conversation | None) -> scripts.Call:
    theirs = state is not None and state.state in LIVE and state.owner == agent
    args: list[scripts.Part] = [identifier, state.revision if state else "", "1" if theirs else "0"]
    return "desk_recount", [keys.slots(agent), "{desk}at"], args
