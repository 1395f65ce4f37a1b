"""Two versions of one notification over a real sandbox: which is sent while one is reviewed, paused, moved or edited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.integration.versions_stage import Stage, stage_running

DUTCH, ENGLISH = (101, "nl-NL"), (102, "en-GB")


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with stage_running(redis_url, data_dir) as made:
        await made.follows(DUTCH, ENGLISH)
        yield made


async def test_the_new_version_waits_for_every_language_and_is_switched_once_by_whoever_looks_first(stage: Stage) -> None:
    assert await stage.active() == 1
    await stage.push()
    await stage.approves("late_v2", "nl")
    await stage.look()
    assert await stage.tells(101, 102, minutes=15) == ["late_v1:nl", "late_v1:en"]
    assert await stage.active() == 1

    await stage.approves("late_v2", "en")
    # Whoever took the last approval dies before it looks: four others do, at once.
    await asyncio.gather(*(stage.look(stage.another()) for _ in range(4)))
    assert await stage.active() == 2
    assert [(one["v"], one["before"], one["in"]) for one in await stage.switches()] == [("1", "0", "en,nl"), ("2", "1", "en,nl")]
    assert await stage.tells(101, 102, minutes=35) == ["late_v2:nl", "late_v2:en"]

    # A language that is lost again is said by the version before, and nothing is switched back.
    await stage.decides("late_v2", "nl", decision="PAUSED")
    await stage.heard("late_v2", "nl", state="PAUSED")
    await stage.look()
    assert await stage.tells(101, 102, minutes=55) == ["late_v1:nl", "late_v2:en"]
    assert await stage.active() == 2
    stage.pass_ms(3 * 3600 * 1000 + 1000)
    await stage.heard("late_v2", "nl", state="APPROVED")
    assert await stage.tells(101, 102, minutes=75) == ["late_v2:nl", "late_v2:en"]
    assert len(await stage.switches()) == 2
