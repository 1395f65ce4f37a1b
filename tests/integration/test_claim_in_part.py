"""A claim over several servers of which one is lost: what the others leased is handed out, and only the rest is asked again."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.store import bulk
from gateway.store.outbox import ClaimWant
from tests.support.core import EVIDENCE_MS, LEASE_MS, Lanes


async def test_what_was_leased_is_handed_out_though_another_part_of_the_store_is_lost(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Lanes(redis, partition=7), Lanes(redis, partition=8)
    one, other = here.message(), there.message()
    await here.put(one)
    await there.put(other)
    wants = [here.want(claim="part-1"), there.want(claim="part-2")]
    real = bulk.each_script

    async def second_is_lost(*args: Any, **more: Any) -> list[Any]:
        first, *_ = await real(*args, **more)
        return [first, StoreUnavailable("its primary is gone")]

    async def claim(wants: list[ClaimWant], **more: Any) -> list[str]:
        found = await here.outbox.claim(
            wants, worker="w", lease_ms=LEASE_MS, evidence_ms=EVIDENCE_MS, clock_ok=True, **more
        )
        return [each.id for each in found]

    unanswered: list[ClaimWant] = []
    with monkeypatch.context() as lost:
        lost.setattr(bulk, "each_script", second_is_lost)
        assert await claim(wants, unanswered=unanswered) == [one.id]
        with pytest.raises(StoreUnavailable):
            await claim(wants)
    assert unanswered == wants[1:]
    assert await claim(unanswered) == [other.id], "it was leased, only its answer was lost"
