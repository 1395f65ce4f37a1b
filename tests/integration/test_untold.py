"""One person whom an event cannot be told is set aside alone: everybody else hears it, and newer news of the subject goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake import fanturns
from gateway.model.contact import Contact
from gateway.model.event import BusinessEvent
from tests.integration.pace_stage import ALL, Stage, pace_stage
from tests.support.core import facts_of

FLIGHT = "ZZ1007/2026-11-22/AMS"


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(fanturns, "ASIDE_S", 0.0)
    async with pace_stage(redis_url, data_dir) as made:
        yield made


async def poison(stage: Stage, monkeypatch: pytest.MonkeyPatch, *, everybody: bool = False) -> str:
    """One of the contacts breaks whoever plans for them; who."""
    house = stage.house
    found = [one for number in ALL for one in await house.runtime.contacts.walk(number, "", 99)]
    victim = found[len(found) // 2]
    whole = house.expander._teller.planned

    async def planned(contact: Contact, *rest: Any, **options: Any) -> Any:
        if everybody or contact.id == victim:
            raise ZeroDivisionError
        return await whole(contact, *rest, **options)

    monkeypatch.setattr(house.expander._teller, "planned", planned)
    return victim


async def told(stage: Stage, event: BusinessEvent) -> list[str]:
    return [one.contact for one in await stage.house.messages() if one.event == event.id and one.state == "q"]


@pytest.mark.parametrize("people", [5, 60])
async def test_one_who_cannot_be_told_keeps_nobody_else_and_is_told_when_that_is_mended(
    stage: Stage, people: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house
    await stage.followers({FLIGHT: people})
    event = stage.cancelled(FLIGHT, 5)
    with monkeypatch.context() as patch:
        victim = await poison(stage, patch)
        await house.keep(event)
        await house.expand()
        assert len(await told(stage, event)) == people - 1
        assert victim not in await told(stage, event)
        newer = stage.cancelled(FLIGHT, 5, version=2, status="scheduled")
        await house.keep(newer)
        await house.expand()
        assert len(await told(stage, newer)) == people - 1
    assert await house.parked() == ["telling", "telling"]
    (fact,) = [one for one in await facts_of(house.redis) if one.kind == "untold" and event.id in one.ids]
    assert victim in fact.ids
    assert fact.detail["why"] == "ZeroDivisionError"
    assert await house.expander.tell_again(newer.id) == 1
    assert victim in await told(stage, newer)
    assert await house.parked() == ["telling"]
    assert await house.expander.tell_again(newer.id) == 0


async def test_an_event_that_cannot_be_read_any_more_is_set_aside_whole_and_newer_news_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.house
    await stage.followers({FLIGHT: 60})
    event = stage.cancelled(FLIGHT, 5)
    people = house.expander.fan.turns._people

    async def broken(known: Any, fans: Any, result: Any) -> Any:
        if result.event == event.id:
            raise ZeroDivisionError
        return await people(known, fans, result)

    newer = stage.cancelled(FLIGHT, 5, version=2, status="scheduled", gate="D4")
    with monkeypatch.context() as patch:
        patch.setattr(house.expander.fan.turns, "_people", broken)
        await house.keep(event)
        await house.expand()
        await house.keep(newer)
        await house.expand()
        assert len(await told(stage, newer)) == 60
        assert await house.parked() == ["event"]
        assert await stage.under_way() == 0
    assert await told(stage, event) == []
