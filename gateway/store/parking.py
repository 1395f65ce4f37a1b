"""At most so many parked: a place for each, asked for before the conversation is parked.

Places lie with the agent in the desk's partition and conversations in their people's, so nothing counts and parks in one step.
A place is asked for (lua/desk_park.lua), then the conversation is parked, which is refused where that took too long; places are
at least what is parked, so a limit on them holds for it. Nobody gives one back when a conversation moves on: whoever finds all of
them taken reads the conversations that have them, and takes out what is not parked. What was asked for within a minute and not
used yet stays: it may be about to be parked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import AgentId, Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.store import keys, scripts
from gateway.store.slots import SWEPT_MS

KEEP_MS = 30 * keys.DAY_MS
"""Longer than anything is parked."""


class Store(Protocol):
    """What is needed of `Conversations`."""

    async def get_many(self, conversations: Sequence[ConversationId]) -> list[Conversation | None]: ...


@dataclass(frozen=True, slots=True)
class Parking:
    store: Store
    redis: Redis
    clock: Clock

    async def ask(self, agent: AgentId, wanted: ConversationId, most: int, theirs: Sequence[Conversation]) -> str:
        """A place for it: the time (ms) at which it was had, "" where all are taken.

        theirs: what the agent has, as the desk lists it: an older version parks without a place
        """
        parked = [one.id for one in theirs if _parked(one, agent)]
        answer: list[Any] = []
        for _ in range(2):
            args: list[scripts.Part] = [self.clock.offset_ms, wanted, most, KEEP_MS, *parked]
            answer = await scripts.run(self.redis, "desk_park", [keys.parked(agent)], args)
            if int(answer[0]) or not await self._take_out(agent, _places(answer[1:])):
                break
        return bytes(answer[1]).decode() if int(answer[0]) else ""

    async def leave(self, agent: AgentId, conversation: ConversationId, at: str) -> None:
        """It was not parked now; whether it was before, whoever needs a place looks."""
        await scripts.run(self.redis, "desk_unpark", [keys.parked(agent)], ["0", conversation, at])

    async def _take_out(self, agent: AgentId, places: Mapping[ConversationId, int]) -> int:
        gone = []
        found = await self.store.get_many(list(places))
        for (one, at), state in zip(places.items(), found, strict=True):
            used = state is not None and state.parked_place_ms == at
            if (used or self.clock.now_ms() - at > SWEPT_MS) and not (state is not None and _parked(state, agent)):
                gone.append(one)
        args: list[scripts.Part] = ["1"]
        for one in gone:
            args += [one, places[one]]
        return int(await scripts.run(self.redis, "desk_unpark", [keys.parked(agent)], args)) if gone else 0


def _parked(one: Conversation, agent: AgentId) -> bool:
    return one.owner == agent and one.state is ConversationState.PARKED


def _places(flat: Sequence[Any]) -> dict[ConversationId, int]:
    """V, ms, V, ms ..."""
    return {ConversationId(bytes(one).decode()): int(at) for one, at in zip(flat[::2], flat[1::2], strict=True)}
