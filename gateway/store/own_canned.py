"""What an agent says often, in their own words: canned answers of one agent, who alone sees and changes them.

One sealed list an agent, under a key derived for it as the agent's record is: people's names may stand in it. Kept apart from
that record, so that a version that does not know of it cannot lose it; it ends when the agent is disabled. Two tabs that change
different answers both have their way; of two that change the same one, the second is refused and told so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.errors import Conflict
from gateway.model.agent import AgentId
from gateway.model.personal import Personal
from gateway.store import keys, promised, scripts
from gateway.store.vault import Vault

MOST = 40
"""So many one agent may have."""
_WRITES = 8
CHANGED = "this answer was changed or deleted meanwhile, in another tab perhaps: look at it again"
FULL = f"there are {MOST} answers of your own, as many as there may be: delete one first"


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """id: made by the page, once for each answer; version: grows with every change; texts: language -> words"""

    id: str
    title: Personal
    texts: Mapping[str, Personal]
    version: int = 1

    def same(self, other: OwnAnswer) -> bool:
        return (self.title, dict(self.texts)) == (other.title, dict(other.texts))


Change = Callable[[list[OwnAnswer]], list[OwnAnswer]]


class OwnCanned:
    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis: Any = redis
        self._vault = vault

    async def of(self, agent: AgentId) -> list[OwnAnswer]:
        """In the order in which they were added."""
        raw = await self._redis.hget(keys.CANNED, agent)
        return self._open(agent, bytes(raw)) if raw is not None else []

    async def put(self, agent: AgentId, answer: OwnAnswer) -> list[OwnAnswer]:
        """Add one (version 0), or change the one whose `version` was seen; all there are then. Repeatable.

        raises: Conflict: somebody changed or deleted it meanwhile, or there are as many as there may be
        """

        def change(found: list[OwnAnswer]) -> list[OwnAnswer]:
            after = OwnAnswer(answer.id, answer.title, answer.texts, answer.version + 1)
            at = next((place for place, one in enumerate(found) if one.id == answer.id), None)
            if at is not None and found[at].version == after.version and found[at].same(after):
                return found  # done before: its answer was lost on the way
            if (at is None) != (answer.version == 0) or (at is not None and found[at].version != answer.version):
                raise Conflict(CHANGED)
            if at is None and len(found) >= MOST:
                raise Conflict(FULL)
            return [*found, after] if at is None else [*found[:at], after, *found[at + 1 :]]

        return await self._change(agent, change)

    async def drop(self, agent: AgentId, identifier: str, version: int) -> list[OwnAnswer]:
        """Delete the one whose `version` was seen; one that is gone is gone. Raises Conflict where it was changed meanwhile."""

        def change(found: list[OwnAnswer]) -> list[OwnAnswer]:
            if any(one.id == identifier and one.version != version for one in found):
                raise Conflict(CHANGED)
            return [one for one in found if one.id != identifier]

        return await self._change(agent, change)

    async def erase(self, agent: AgentId) -> None:
        await promised.run(self._redis, keys.CANNED, ("HDEL", keys.CANNED, agent))

    async def _change(self, agent: AgentId, what: Change) -> list[OwnAnswer]:
        """Read, change, and write if nobody wrote in between."""
        for _ in range(_WRITES):
            raw = await self._redis.hget(keys.CANNED, agent)
            before = self._open(agent, bytes(raw)) if raw is not None else []
            after = what(before)
            if after == before:
                return before
            sealed = self._seal(agent, after)
            if raw is None:
                if (await promised.run(self._redis, keys.CANNED, ("HSETNX", keys.CANNED, agent, sealed)))[0]:
                    return after
            elif await scripts.run(self._redis, "key_swap", [keys.CANNED], [agent, bytes(raw), sealed]):
                return after
        raise Conflict(CHANGED)

    def _seal(self, agent: AgentId, answers: Sequence[OwnAnswer]) -> bytes:
        rows = [
            {"id": one.id, "v": one.version, "title": one.title.reveal(), "texts": {k: v.reveal() for k, v in one.texts.items()}}
            for one in answers
        ]
        return self._vault.seal_about(f"canned:{agent}", {"answers": rows})

    def _open(self, agent: AgentId, sealed: bytes) -> list[OwnAnswer]:
        rows = self._vault.open_about(f"canned:{agent}", sealed)["answers"]
        return [
            OwnAnswer(row["id"], Personal(row["title"]), {k: Personal(v) for k, v in row["texts"].items()}, row["v"])
            for row in rows
        ]
