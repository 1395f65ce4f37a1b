"""What is scarce at the desk: how many conversations an agent has live, and the reservations before one becomes theirs.

Slots lie in the desk's partition and conversations in their people's, so no script reaches both. A conversation becomes live in
three steps: reserve a slot here, bind the conversation there (lua/conv_bind.lua), settle (desk.py) and give the reservation back.
Slots and reservations together are at least the live conversations, whoever dies in between: so a limit on them holds for those.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import AgentId
from gateway.model.ids import ConversationId
from gateway.model.webcare import UNREACHABLE_MS, Load
from gateway.store import bulk, keys, scripts

GOOD_MS = 5_000
"""How long after a reservation its conversation may be bound."""
SWEPT_MS = 60_000
"""A reservation that old is looked up in its conversation and taken out. Between the two lies what clocks may differ."""
RESERVATION = "r:"


@dataclass(frozen=True, slots=True)
class Want:
    """One slot with an agent. live_max, owned_max: 0 no limit; status: one of these they must have, seen of late; "" any."""

    agent: AgentId
    conversation: ConversationId
    live_max: int = 0
    owned_max: int = 0
    gap_ms: int = 0
    status: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class Reserved:
    """why "" = at_ms it was reserved; else full, owned, away or gap."""

    at_ms: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Old:
    agent: AgentId
    token: str
    conversation: ConversationId | None


class Slots:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis: Any = redis
        self._clock = clock

    async def reserve(self, wanted: Sequence[Want]) -> list[Reserved]:
        """All in one round trip, in their order; repeatable by their tokens."""
        calls: list[scripts.Call] = [
            (
                "desk_reserve",
                [keys.slots(one.agent), keys.presence(one.agent), keys.mine(one.agent), keys.RESERVATIONS],
                [
                    self._clock.offset_ms, one.agent, one.conversation, one.token, one.live_max, one.owned_max, one.gap_ms,
                    one.status, UNREACHABLE_MS,
                ],
            )
            for one in wanted
        ]  # fmt: skip
        answers = await bulk.run_scripts(self._redis, calls)
        return [
            Reserved(int(answer[1])) if answer[0] == b"reserved" else Reserved(0, bytes(answer[0]).decode()) for answer in answers
        ]

    async def give_back(self, tokens: Sequence[tuple[AgentId, str]]) -> None:
        """What was reserved is in its slot now, or was in vain."""
        await bulk.run_scripts(
            self._redis,
            [("desk_give_back", [keys.slots(agent), keys.RESERVATIONS], [agent, token]) for agent, token in tokens],
        )

    async def loads(self, agents: Sequence[AgentId]) -> dict[AgentId, Load]:
        """What each of them has, reservations among it. In one round trip."""
        commands: list[bulk.Command] = []
        for agent in agents:
            commands += [("HGETALL", keys.slots(agent)), ("ZRANGE", keys.mine(agent), 0, -1)]
        answers = await bulk.values(self._redis, commands)
        loads = {}
        for agent, slots, mine in zip(agents, answers[::2], answers[1::2], strict=True):
            live = conversations_in(bulk.mapping(slots))
            loads[agent] = Load(len(live), len(live | {bytes(one).decode() for one in mine}))
        return loads

    async def old(self, before_ms: int) -> list[Old]:
        """Reservations from before a time, for the sweep. A conversation of None: it was given back meanwhile."""
        raw = await self._redis.zrange(keys.RESERVATIONS, "-inf", before_ms, byscore=True, offset=0, num=200)
        found = [bytes(one).decode().split("|", 1) for one in raw]
        commands: list[bulk.Command] = [("HGET", keys.slots(agent), RESERVATION + token) for agent, token in found]
        answers = await bulk.values(self._redis, commands) if commands else []
        return [
            Old(AgentId(agent), token, ConversationId(bytes(held).decode().partition("|")[0]) if held else None)
            for (agent, token), held in zip(found, answers, strict=True)
        ]


def conversations_in(slots: dict[bytes, bytes]) -> set[str]:
    """The conversations that take a slot, each once, of an agent's hash."""
    return {
        (value.decode().partition("|")[0] if name.startswith(RESERVATION.encode()) else name.decode())
        for name, value in slots.items()
    }
