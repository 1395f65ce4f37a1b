"""A brake that is lifted, its answer lost on the way and asked for again by the client: it counts as lifted, with its fact."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SubjectId
from gateway.store import scripts
from gateway.store.brakes import BrakeBook
from gateway.store.incidents import Crisis, Incidents
from gateway.store.senders import Stop
from tests.support.core import facts_of

FLIGHT = SubjectId("j507nfc5dwc64m")


async def test_a_resume_whose_answer_was_lost_is_one(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    book, whole, calls = BrakeBook(redis, Clock()), redis.execute_command, []

    async def twice(*args: Any, **options: Any) -> Any:
        if args[0] == "HDEL":
            calls.append(await whole(*args, **options))
        return await whole(*args, **options)

    await book.stop(Stop("all", 0, "sanne", "a storm", 0))
    monkeypatch.setattr(redis, "execute_command", twice)
    assert await book.resume("all", who="joris")
    assert [one.detail["who"] for one in await facts_of(redis) if one.kind == "resumed"] == ["joris"]
    assert calls == [1]
    assert not await book.resume("all", who="joris")


async def test_a_crisis_whose_end_was_confirmed_in_a_lost_answer_is_lifted(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    incidents, whole = Incidents(redis, Clock()), scripts.run
    await incidents.begin(Crisis(FLIGHT, (), "a flight", "crisis", "sanne", "smoke", 1))
    assert (await incidents.lift(FLIGHT, who="sanne", why="over"))[0] is False

    async def twice(redis: Any, name: str, *rest: Any) -> Any:
        if name == "crisis_lift":
            await whole(redis, name, *rest)
        return await whole(redis, name, *rest)

    monkeypatch.setattr(scripts, "run", twice)
    assert (await incidents.lift(FLIGHT, who="joris", why="over"))[0] is True
    assert [one.detail["asked"] for one in await facts_of(redis) if one.kind == "crisis_lifted"] == ["sanne"]
