"""The gateway's own words: every fact of the run, and what of its work still waits."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.app import open_runtime
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.settings import read as read_settings
from gateway.store import keys
from gateway.store.facts import START, Facts
from torture.judge import Step

LATE_MS = 1_500
"""An event whose look has been due for so long waits; a younger one is only being looked at (each is, until it is closed)."""


def settings_of(environment: Mapping[str, str]) -> Settings:
    return read_settings(environment, None)


async def waiting(runtime: Runtime) -> tuple[int, int]:
    """(messages in lanes and `later`, everything else that is still to be done: fan-outs, events due, webhooks)."""
    depth = await runtime.outbox.depth([sender.id for sender in runtime.directory])
    behind, _ = await runtime.webhooks.backlog()
    redis = runtime.connection.redis
    late_ms = runtime.clock.now_ms() - LATE_MS
    pipeline = redis.pipeline(transaction=False)
    for partition in keys.all_partitions():
        pipeline.zcard(keys.part(partition, "fan"))
        pipeline.zcount(keys.part(partition, "evw"), "-inf", late_ms)
    return depth, behind + sum(await pipeline.execute())


async def steps(runtime: Runtime) -> list[Step]:
    """Every fact there is, in the order in which they happened."""
    facts = await Facts(runtime.connection.redis).unfolded(dict.fromkeys(keys.all_partitions(), START))
    return [
        Step(
            fact.at_ms, fact.kind, fact.id_of("m"), fact.id_of("c"), fact.id_of("e"), fact.id_of("j"), dict(fact.detail)
        )
        for fact in facts
    ]


__all__ = ["open_runtime", "settings_of", "steps", "waiting"]
