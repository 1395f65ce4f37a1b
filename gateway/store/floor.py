"""What the router reads of the desk in one round trip, and what it leaves there: who cannot be helped, how long it takes.

The notes are one key that ends by itself: without a router nobody reads old ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from redis.asyncio import Redis

from gateway.model.conversation import AgentId
from gateway.model.ids import ConversationId
from gateway.model.webcare import Load, Presence
from gateway.rules.waits import Flow
from gateway.store import bulk, keys
from gateway.store.desk import QUEUE
from gateway.store.presence import parse_presence
from gateway.store.slots import conversations_in

NOTES_MS = 30 * 60 * 1000
"""So long a queue's speed is remembered by whoever routes next."""
FRESH_MS = 15_000
"""Notes that are older say nothing of now: nobody routes."""


@dataclass(frozen=True, slots=True)
class QueueNote:
    """waiting: how many; longest_ms: of open hours; opens_ms: closed until then, 0 open

    wait_s: how long the next one who comes would wait, closed hours included; None unknown
    """

    waiting: int = 0
    longest_ms: int = 0
    wait_s: int | None = None
    opens_ms: int = 0


@dataclass(frozen=True, slots=True)
class Notes:
    """impossible: conversations that nobody who is here could have -> what is missing; queues, flows: by "brand/queue"

    idle_beside: how many waited over three seconds beside somebody who could have had them
    nobody_since: since when those in `impossible` have nobody who could
    """

    at_ms: int = 0
    impossible: Mapping[ConversationId, str] = field(default_factory=dict)
    queues: Mapping[str, QueueNote] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    idle_beside: int = 0
    nobody_since: Mapping[ConversationId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lists:
    """heads: the first of each queue by rank; mine: what each agent has; loads: how much that is, with what is reserved."""

    heads: Mapping[str, Sequence[ConversationId]]
    presence: Sequence[Presence]
    mine: Mapping[AgentId, Sequence[ConversationId]]
    loads: Mapping[AgentId, Load]


class Floor:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: tuple[AgentId, ...] = ()
        self._parsed: dict[AgentId, tuple[Any, Presence]] = {}
        """as they were answered last: of two hundred a few change between two looks"""

    async def lists(self, queues: Sequence[str], limit: int) -> Lists:
        """Who stands where, and who is here: in one round trip while nobody comes or goes, else in two.

        limit: of each queue so many are named
        """
        for _ in range(2):
            agents = self._known
            commands: list[bulk.Command] = [("ZRANGE", keys.HERE, 0, -1)]
            commands += [("ZRANGE", QUEUE + name, 0, limit - 1) for name in queues]
            for agent in agents:
                commands.append(("HGETALL", keys.presence(agent)))
                commands.append(("ZRANGE", keys.mine(agent), 0, -1))
                commands.append(("HGETALL", keys.slots(agent)))
            answers = await bulk.values(self._redis, commands)
            self._known = tuple(sorted(AgentId(bytes(one).decode()) for one in answers[0]))
            if self._known == agents:
                break
        # Who came between the two round trips is seen at the next look.
        rest = iter(answers[1 + len(queues) :])
        heads = {name: _ids(answer) for name, answer in zip(queues, answers[1:], strict=False)}
        presence, mine, loads = [], {}, {}
        for agent in agents:
            presence.append(self._presence(agent, next(rest)))
            mine[agent] = _ids(next(rest))
            live = conversations_in(bulk.mapping(next(rest)))
            loads[agent] = Load(len(live), len(live.union(mine[agent])))
        return Lists(heads, presence, mine, loads)

    def _presence(self, agent: AgentId, answer: Any) -> Presence:
        held = self._parsed.get(agent)
        if held is None or held[0] != answer:
            held = self._parsed[agent] = answer, parse_presence(agent, bulk.mapping(answer))
        return held[1]

    async def put_notes(self, notes: Notes) -> None:
        value = json.dumps(asdict(notes))
        await bulk.run(self._redis, [("SET", keys.DESK_NOTES, value, "PX", NOTES_MS)])

    async def notes(self, now_ms: int | None = None) -> Notes:
        """What the router last wrote. now_ms: only what still holds now; else also what a router before us left."""
        raw = (await bulk.values(self._redis, [("GET", keys.DESK_NOTES)]))[0]
        if raw is None:
            return Notes()
        f: dict[str, Any] = json.loads(raw)
        if now_ms is not None and now_ms - int(f["at_ms"]) > FRESH_MS:
            return Notes()
        return Notes(
            int(f["at_ms"]),
            {ConversationId(one): str(why) for one, why in f["impossible"].items()},
            {name: QueueNote(**_known(QueueNote, one)) for name, one in f["queues"].items()},
            {name: Flow(one["weight"], one["at_ms"], one["since_ms"], tuple(one["last"])) for name, one in f["flows"].items()},
            int(f.get("idle_beside", 0)),
            {ConversationId(one): int(since) for one, since in f.get("nobody_since", {}).items()},
        )


def _ids(answer: Sequence[bytes]) -> list[ConversationId]:
    return [ConversationId(bytes(one).decode()) for one in answer]


def _known(kind: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that a newer version wrote are left out."""
    return {name: value[name] for name in kind.__dataclass_fields__ if name in value}
