"""Who is at the desk: what they chose, when a page of theirs last spoke, when they last did something.

A person has one presence however many pages they have open: any page's beat counts. Nobody is here who never gave a sign of life:
an agent who works through another program's desk has no presence, and nothing is concluded from that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import BadInput, Problem
from gateway.model.conversation import AgentId
from gateway.model.webcare import AgentStatus, Presence
from gateway.store import bulk, keys, scripts

FORGOTTEN_MS = 30 * 60 * 1000
"""Without a beat for so long somebody is offline: nobody is available in the morning because they were at night."""
MISSED_WITHIN_MS = 3600 * 1000
"""Who does not open what they were given twice in so long is shown to the supervisor."""
BREAKS = ("break", "lunch", "training", "meeting", "other")
"""Kinds of break. Why is between somebody and their supervisor; what is kept is that they are away, and until when."""

_CHOSEN = (AgentStatus.AVAILABLE, AgentStatus.BUSY, AgentStatus.BREAK, AgentStatus.OFFLINE)


class PresenceBook:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def beat(self, agent: AgentId, *, touched: bool = False) -> Presence:
        """A page of theirs is open, every 15 s. touched: they pressed a key or clicked since its last beat.

        Changes no status: who was never here, or is offline, stays so until they choose.
        """
        return await self._run(agent, "beat", touched=touched)

    async def choose(self, agent: AgentId, status: AgentStatus, kind: str = "") -> Presence:
        """What they chose; a click, so it also ends "not responding". kind: of a break. Raises BadInput."""
        if status not in _CHOSEN:
            raise BadInput([Problem("status", f"should be one of {', '.join(_CHOSEN)}")])
        if status is AgentStatus.BREAK:
            kind = kind or BREAKS[0]
            if kind not in BREAKS:
                raise BadInput([Problem("kind", f"should be one of {', '.join(BREAKS)}")])
        return await self._run(agent, "choose", status=status, kind=kind if status is AgentStatus.BREAK else "")

    async def missed(self, agent: AgentId) -> Presence:
        """They did not open what they were given: not responding until a click; the second time in an hour is marked."""
        return await self._run(agent, "missed")

    async def gone(self, agent: AgentId) -> Presence:
        """Offline, if they gave no sign of life for half an hour by the store's own clock."""
        return await self._run(agent, "gone")

    async def get(self, agent: AgentId) -> Presence:
        """Offline since ever for one who was never here."""
        return (await self.many([agent]))[agent]

    async def many(self, agents: Sequence[AgentId]) -> dict[AgentId, Presence]:
        commands: list[bulk.Command] = [("HGETALL", keys.presence(one)) for one in agents]
        answers = await bulk.values(self._redis, commands) if commands else []
        return {one: parse_presence(one, bulk.mapping(answer)) for one, answer in zip(agents, answers, strict=True)}

    async def here(self) -> list[Presence]:
        """Everybody who gave a sign of life and is not forgotten yet, whatever their status; by id."""
        answer = (await bulk.values(self._redis, [("ZRANGE", keys.HERE, 0, -1)]))[0]
        found = await self.many(sorted(AgentId(bytes(one).decode()) for one in answer))
        return list(found.values())

    async def _run(
        self, agent: AgentId, what: str, *, status: str = "", kind: str = "", touched: bool = False
    ) -> Presence:
        args: list[scripts.Part] = [self._clock.offset_ms, agent, what, status, kind, "1" if touched else "0"]
        args += [keys.KEEP_MS, MISSED_WITHIN_MS, FORGOTTEN_MS]
        call: scripts.Call = ("desk_presence", [keys.presence(agent), keys.HERE], args)
        answer = (await bulk.run_scripts(self._redis, [call]))[0]
        return parse_presence(agent, bulk.mapping(answer))


def parse_presence(agent: AgentId, raw: Mapping[bytes, bytes]) -> Presence:
    """{desk}a:G as a value; a status that a newer version wrote is read as offline."""
    f: dict[str, Any] = {name.decode(): value.decode() for name, value in raw.items()}
    status = f.get("st", "")
    return Presence(
        agent=agent,
        status=AgentStatus(status) if status in AgentStatus._value2member_map_ else AgentStatus.OFFLINE,
        kind=f.get("k", ""),
        since_ms=int(f.get("s") or 0),
        beat_ms=int(f.get("b") or 0),
        touched_ms=int(f.get("t") or 0),
        given_ms=int(f.get("g") or 0),
        free_ms=int(f.get("f") or 0),
        missed_ms=int(f.get("m") or 0),
        warned_ms=int(f.get("w") or 0),
    )
