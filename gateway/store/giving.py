"""How a conversation becomes live with an agent: reserve a slot, bind the conversation, tell the desk, give back.

Each step is one round trip for as many as there are: what the desk must be told is read behind the bind, and telling it takes the
reservation out. Between any two of them the process may die: a reservation without a
conversation blocks one slot until it is swept; a conversation without the desk's knowledge stands in `vd`, from where it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.crashpoint import crash_point
from gateway.model.conversation import AgentId, Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.model.webcare import AgentStatus, Assignment
from gateway.store import bulk, keys, scripts
from gateway.store import conversation_codec as codec
from gateway.store.ahead import Ahead
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

    async def get_many(
        self, conversations: Sequence[ConversationId], ahead: Ahead | None = None
    ) -> list[Conversation | None]: ...
    def read(self, conversation: ConversationId) -> bulk.Command: ...


@dataclass(frozen=True, slots=True)
class Bind:
    """One conversation on its way to an agent. names: KEYS 1 to 6 of conv_bind; note: an entry's key and its sealed text.

    how, digest, wrapup_ms, inbound and hops as lua/conv_bind.lua has them; answer_ms: how long an answer is kept
    """

    how: str
    epoch: int
    want: Want
    names: tuple[str, ...]
    decision: str = ""
    digest: str = ""
    answer_ms: int = 0
    note: tuple[str, bytes] = ("", b"")
    wrapup_ms: int = 0
    inbound: str = ""
    hops: int = 0


class Giving:
    def __init__(self, store: Store, redis: Redis, clock: Clock) -> None:
        self._store = store
        self._redis = redis
        self._clock = clock

    async def give(self, wanted: Sequence[Assignment]) -> list[str]:
        """`Conversations.give`."""
        answers = await self.bind([_bind(one) for one in wanted])
        return [_outcome(answer, one.agent) for one, answer in zip(wanted, answers, strict=True)]

    async def bind(self, binds: Sequence[Bind], *, acks: int = 0) -> list[list[str]]:
        """Reserve, bind, settle, give back. Per bind the answer of conv_bind, which is refused with why there was no slot.

        A command is asked of its conversation also where there is no slot: it may have been done before.
        """
        if not binds:
            return []
        reserved = await self._store.slots.reserve([one.want for one in binds])
        crash_point("slot.reserved")
        tried = [at for at, (one, slot) in enumerate(zip(binds, reserved, strict=True)) if one.digest or not slot.why]
        calls = [self._call(binds[at], reserved[at]) for at in tried]
        named = [binds[at].want.conversation for at in tried]
        behind = Ahead([*(self._store.read(one) for one in named), *(self._store.desk.known_by(one) for one in named)])
        answers: list[list[str]] = [["refused", slot.why, "", "0", "", "0"] for slot in reserved]
        for at, raw in zip(tried, await bulk.run_scripts(self._redis, calls, acks=acks, ahead=behind), strict=True):
            answers[at] = [bytes(part).decode() for part in raw]
        crash_point("slot.bound")
        wants = [one.want for one in binds]
        done = [want.conversation for want, answer in zip(wants, answers, strict=True) if answer[0] in ("done", "again")]
        states = [one for one in await self._store.get_many(list(dict.fromkeys(done)), behind) if one is not None]
        there = {one.id for one in states}
        ours = {
            want.conversation: (want.agent, want.token)
            for want, answer in zip(wants, answers, strict=True)
            if answer[0] in ("done", "again") and want.conversation in there
        }
        await self._store.desk.settle_many(states, behind, ours)
        crash_point("slot.settled")
        kept = set(ours.values())  # went with the settle, or the sweep takes them
        vain = [(want.agent, want.token) for want, slot in zip(wants, reserved, strict=True) if not slot.why]
        await self._store.slots.give_back([one for one in vain if one not in kept])
        return answers

    async def sweep(self) -> int:
        """Look up reservations that somebody left behind a minute ago, and take them out; how many there were.

        No bind can follow: it would be refused. One that was made is told to the desk first, so no slot is free in between.
        """
        old = await self._store.slots.old(self._clock.now_ms() - SWEPT_MS)
        unknown = await self._tell([one.conversation for one in old if one.conversation is not None])
        await self._store.slots.give_back([(one.agent, one.token) for one in old if one.conversation not in unknown])
        return len(old)

    async def _tell(self, conversations: Sequence[ConversationId]) -> set[ConversationId]:
        """Let the desk know how they stand; those of which it could not be told."""
        states = [one for one in await self._store.get_many(conversations) if one is not None]
        known = await self._store.desk.settle_many(states)
        return {one.id for one in states} - known

    def _call(self, one: Bind, slot: Reserved) -> scripts.Call:
        want = one.want
        args: list[scripts.Part] = [self._clock.offset_ms, want.conversation, want.agent, one.epoch, one.digest, one.answer_ms]
        args += [one.how, want.token, "" if slot.why else slot.at_ms, slot.why, GOOD_MS]
        args += [one.decision, KEEP_RESOLVED_MS, DECISIONS, *one.note, one.wrapup_ms, one.inbound, one.hops]
        return "conv_bind", [*one.names, keys.of(want.conversation, "dr")], args


def _bind(asked: Assignment) -> Bind:
    """Who comes back is no new work: their agent may be finishing what there is, and the pause between two is not for them."""
    back = asked.returning
    status = f"{AgentStatus.AVAILABLE},{AgentStatus.BUSY}" if back else str(AgentStatus.AVAILABLE)
    want = Want(
        asked.agent,
        asked.conversation,
        live_max=asked.capacity + (asked.over_cap if back and asked.capacity else 0),
        owned_max=asked.owned_max if asked.capacity else 0,
        gap_ms=asked.gap_ms if asked.by_router and not back else 0,
        status=status if asked.by_router else "",
    )
    names = [keys.of(asked.conversation, name) for name in ("cv", "ct", "ik")]
    names += [keys.beside(asked.conversation, name) for name in ("facts", "vd", "vo")]
    decision = codec.pack_decision(asked.decision) if asked.decision else ""
    return Bind("returning" if back else "given", asked.epoch, want, tuple(names), decision)


def _outcome(answer: Sequence[str], agent: AgentId) -> str:
    if answer[0] in ("done", "again"):
        return GIVEN
    if answer[0] == "unknown":
        return "moved"
    _, code, owner, *_ = answer
    if code in ("full", "owned", "away", "gap"):
        return code
    return "taken" if owner and owner != agent else "moved"
