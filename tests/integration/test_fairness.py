"""Many flights cancelled at once, more people than can be told for a while: who leaves first is told first."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.intake import fanqueue
from gateway.model.ids import SubjectId
from gateway.planning import pacing
from tests.integration.pace_stage import Stage, pace_stage

SOON_H, LATE_H = 2, 6


@pytest.fixture
async def stage(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    # Here a sender of ten a second sends hundreds: what counts for half a second there would be far too old here.
    for module, name in ((fanqueue, "HEARD_S"), (fanqueue, "REFRESH_S"), (pacing, "FRESH_S")):
        monkeypatch.setattr(module, name, 0.0)
    async with pace_stage(redis_url, data_dir) as made:
        yield made


async def cancel_all(stage: Stage, hours: list[float], each: int, a_turn: int) -> tuple[list[float], int]:
    """Every flight is cancelled, events in this order; (per message sent in how many hours its flight left, sent before all
    events were taken up)."""
    entities = {f"ZZ{1000 + place}/2026-11-22/AMS": left for place, left in enumerate(hours)}
    await stage.followers(dict.fromkeys(entities, each))
    left_of = {stage.subject(entity): left for entity, left in entities.items()}
    workers = stage.workers()
    arriving = [stage.cancelled(entity, left) for entity, left in entities.items()]
    before = 0
    while True:
        await stage.house.keep(*arriving[:10])
        del arriving[:10]
        for worker, mine in workers:
            await worker.look(mine)
            await worker.chunks(mine)
        if not await stage.send(a_turn) and not arriving and not await stage.under_way():
            break
        if arriving:
            before = len(stage.sent)
    return [left_of[SubjectId(one.subject)] for one in stage.sent], before


async def test_who_leaves_within_two_hours_is_told_before_anybody_who_leaves_after_six(stage: Stage) -> None:
    hours = [0.5 + 0.4 * place for place in range(30)][::-1]  # the worst order: the latest first
    told, before = await cancel_all(stage, hours, each=30, a_turn=40)
    assert len(told) == 30 * 30
    assert before < 200, "nearly nobody was told before the last event came: the test shows nothing else"
    since = told[before:]
    last_soon = max(place for place, left in enumerate(since) if left <= SOON_H)
    assert not [left for left in since[:last_soon] if left >= LATE_H]


async def test_whatever_the_order_of_events_nobody_is_told_before_somebody_who_leaves_two_hours_earlier(stage: Stage) -> None:
    hours = [0.5 + 0.4 * place for place in range(20)]
    random.Random(7).shuffle(hours)
    told, before = await cancel_all(stage, hours, each=30, a_turn=25)
    since = told[before:]
    most = 0.0
    for left in since:
        assert left >= most - 2, "two processes plan, and their flights may mix by a few"
        most = max(most, left)
