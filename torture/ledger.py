"""The gateway's own words: every fact of the run, and what of its work still waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.settings import read as read_settings
from gateway.store import keys
from gateway.store.facts import START, Facts, place
from gateway.store.reply import fields, words
from torture.seen import Step

LATE_MS = 1_500
"""An event whose look has been due for so long waits; a younger one is only being looked at (each is, until it is closed)."""


def settings_of(environment: Mapping[str, str]) -> Settings:
    return read_settings(environment, None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """messages: in lanes and `later`; fans: fan-outs under way; events: whose look is overdue; webhooks: not yet applied."""

    messages: int
    fans: int = 0
    events: int = 0
    webhooks: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.messages or self.fans or self.events or self.webhooks)

    def __str__(self) -> str:
        return f"{self.messages} messages, {self.fans} fan-outs, {self.events} events, {self.webhooks} webhooks"


async def waiting(runtime: Runtime) -> Waiting:
    """What is still to be done. Raises StoreUnavailable."""
    depth = await runtime.outbox.depth([sender.id for sender in runtime.directory])
    behind, _ = await runtime.webhooks.backlog()
    redis = runtime.connection.redis
    late_ms = runtime.clock.now_ms() - LATE_MS
    pipeline = redis.pipeline(transaction=False)
    for partition in keys.all_partitions():
        pipeline.zcard(keys.part(partition, "fan"))
        pipeline.zcount(keys.part(partition, "evw"), "-inf", late_ms)
    answers = await pipeline.execute()
    return Waiting(depth, sum(answers[::2]), sum(answers[1::2]), behind)


async def set_aside(runtime: Runtime) -> list[str]:
    """What could not be applied, of webhooks that were answered 200: one line each. Raises StoreUnavailable."""
    found = []
    for partition in keys.all_partitions():
        for at, entry in await runtime.connection.redis.xrange(keys.part(partition, "parked")) or ():
            said = fields(entry)
            found.append(f"{words(said[b'kind'])} {words(at)} in partition {partition}: {words(said[b'why'])}")
    return found


class Reader:
    """The facts, in the order in which they happened; each of them once."""

    def __init__(self, runtime: Runtime) -> None:
        self._facts = Facts(runtime.connection.redis)
        self._after = dict.fromkeys(keys.all_partitions(), START)

    async def more(self) -> list[Step]:
        """Those since the last time; the first time all there are."""
        found = await self._facts.unfolded(self._after)
        for fact in found:
            if place(fact.stream_id) > place(self._after[fact.partition]):
                self._after[fact.partition] = fact.stream_id
        return [
            Step(fact.at_ms, fact.kind, fact.id_of("m"), fact.id_of("c"), fact.id_of("e"), fact.id_of("j"), dict(fact.detail))
            for fact in found
        ]
