"""How a conversation becomes an agent's: a slot reserved, the conversation bound, the desk told, the reservation given back.

Each step is one round trip for as many as there are. Between any two of them the process may die: a reservation without a
conversation blocks one slot until it is swept; a conversation without the desk's knowledge stands in `vd`, from where it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.model.webcare import AgentStatus, Assignment
from gateway.store import bulk, keys, scripts
from gateway.store import conversation_codec as codec
from gateway.store.conversation_upkeep import KEEP_RESOLVED_MS
from gateway.store.desk import Desk
from gateway.store.slots import GOOD_MS, SWEPT_MS, Reserved, Slots, Want

GIVEN = "given"
DECISIONS = 10
COMES_BACK = (ConversationState.WAITING, ConversationState.PARKED)


class Store(Protocol):
    """What is needed of `Conversations`."""

    desk: Desk
    slots: Slots

    async def get_many(self, conversations: Sequence[ConversationId]) -> list[Conversation | None]: ...


@dataclass(frozen=True, slots=True)
class _Step:
    """One assignment under way. at: its place in what was asked."""

    at: int
    asked: Assignment
    how: str
    want: Want


class Giving:
    def __init__(self, store: Store, redis: Redis, clock: Clock) -> None:
        self._store = store
        self._redis: Any = redis
        self._clock = clock

    async def give(self, wanted: Sequence[Assignment]) -> list[str]:
        """`Conversations.give`."""
        said = ["moved"] * len(wanted)
        steps = []
        found = await self._store.get_many([one.conversation for one in wanted])
        for at, (asked, state) in enumerate(zip(wanted, found, strict=True)):
            how = _how(asked, state)
            if how in ("given", "returning"):
                steps.append(_Step(at, asked, how, _want(asked, how)))
            else:
                said[at] = how
        reserved = await self._store.slots.reserve([step.want for step in steps]) if steps else []
        bound = []
        for step, answer in zip(steps, reserved, strict=True):
            said[step.at] = answer.why or GIVEN
            if not answer.why:
                bound.append((step, answer))
        answers = await bulk.run_scripts(self._redis, [self._bind(step, answer) for step, answer in bound])
        for (step, _), raw in zip(bound, answers, strict=True):
            said[step.at] = _outcome([bytes(part).decode() for part in raw])
        await self._end([step for step, _ in bound], said)
        return said

    async def sweep(self) -> int:
        """Look up reservations that somebody left behind a minute ago, and take them out; how many there were.

        No bind can follow: it would be refused. One that was made is told to the desk first, so no slot is free in between.
        """
        old = await self._store.slots.old(self._clock.now_ms() - SWEPT_MS)
        states = await self._store.get_many([one.conversation for one in old if one.conversation])
        known = await self._store.desk.settle_many([one for one in states if one is not None])
        unknown = {one.id for one in states if one is not None} - known
        await self._store.slots.give_back([(one.agent, one.token) for one in old if one.conversation not in unknown])
        return len(old)

    async def _end(self, steps: Sequence[_Step], said: Sequence[str]) -> None:
        """Tell the desk what was bound, and give all reservations back but those of which the desk could not be told."""
        bound = [step.asked.conversation for step in steps if said[step.at] == GIVEN]
        states = [one for one in await self._store.get_many(bound) if one is not None]
        known = await self._store.desk.settle_many(states)
        unknown = {one.id for one in states} - known
        done = [(step.asked.agent, step.want.token) for step in steps if step.asked.conversation not in unknown]
        if done:
            await self._store.slots.give_back(done)

    def _bind(self, step: _Step, reserved: Reserved) -> scripts.Call:
        asked = step.asked
        names = [keys.of(asked.conversation, name) for name in ("cv", "ct", "ik")]
        names += [keys.beside(asked.conversation, name) for name in ("facts", "vd", "vo")]
        names.append(keys.of(asked.conversation, "dr"))
        args: list[scripts.Part] = [self._clock.offset_ms, asked.conversation, asked.agent, asked.epoch, "", 0]
        args += [step.how, step.want.token, reserved.at_ms, "", GOOD_MS]
        args += [codec.pack_decision(asked.decision) if asked.decision else "", KEEP_RESOLVED_MS, DECISIONS]
        return "conv_bind", names, args


def _how(asked: Assignment, state: Conversation | None) -> str:
    """given, returning; else why it cannot be."""
    if state is None or state.resolved:
        return "moved"
    if state.owner == asked.agent:
        return "returning" if state.state in COMES_BACK and state.epoch == asked.epoch else "moved"
    if state.owner is not None:
        return "taken"
    return "given" if state.state is ConversationState.QUEUED and state.epoch == asked.epoch else "moved"


def _want(asked: Assignment, how: str) -> Want:
    """Who comes back is no new work: their agent may be finishing what there is, and the pause between two is not for them."""
    back = how == "returning"
    status = f"{AgentStatus.AVAILABLE},{AgentStatus.BUSY}" if back else str(AgentStatus.AVAILABLE)
    return Want(
        asked.agent,
        asked.conversation,
        live_max=asked.capacity + (asked.over_cap if back and asked.capacity else 0),
        owned_max=asked.owned_max if asked.capacity else 0,
        gap_ms=asked.gap_ms if asked.by_router and not back else 0,
        status=status if asked.by_router else "",
    )


def _outcome(answer: list[str]) -> str:
    if answer[0] in ("done", "again"):
        return GIVEN
    if answer[0] == "unknown":
        return "moved"
    return "taken" if answer[1] == "owner_changed" and answer[2] else "moved"
