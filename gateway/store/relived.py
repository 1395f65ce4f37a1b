"""Messages that were handed out before a failover are leased again to who has them, where the store forgot that."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from gateway.store import bulk, keys, scripts
from gateway.store.outbox_values import Claimed


async def relive(
    redis: Redis,
    claimed: Sequence[Claimed],
    *,
    offset_ms: int,
    lease_ms: int,
    evidence_ms: int,
    pace: Callable[[str], tuple[int, int]],
) -> list[str]:
    """Per message leased, unsure (another of its lane is out, and stays so), known (the store has not forgotten it, or has
    learnt more since) or gone; no two of one lane.

    evidence_ms: how long what becomes unsure waits
    pace:        a sender's pair rate: interval and tolerance (ms)
    """
    groups: dict[tuple[int, str], list[int]] = {}
    for place, one in enumerate(claimed):
        groups.setdefault((one.partition, one.sender), []).append(place)
    calls: list[scripts.Call] = []
    for (partition, sender), places in groups.items():
        names = [keys.part(partition, "facts"), *keys.lane_keys(partition, sender)]
        batch: list[dict[str, Any]] = []
        for place in places:
            one = claimed[place]
            contact = one.record.contact
            names += [keys.of(one.id, "m"), keys.of(contact, "f"), keys.of(contact, "told")]
            batch.append({"m": one.member, "f": one.fence, "n": one.attempt, "u": one.attempt - one.record.attempt})
        interval_ms, tau = pace(sender)
        args: list[scripts.Part] = [offset_ms, lease_ms, interval_ms, keys.KEEP_MS, json.dumps(batch), evidence_ms, tau]
        calls.append(("outbox_relive", names, [*args, *(claimed[place].raw for place in places)]))
    answers = [""] * len(claimed)
    for places, result in zip(groups.values(), await bulk.run_scripts(redis, calls), strict=True):
        for place, answer in zip(places, result, strict=True):
            answers[place] = answer.decode()
    return answers
