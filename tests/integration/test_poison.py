"""What is poisoned is set aside alone, with its reason: its lane, its partition, its event and its process go on.

An event that fails, an item or a webhook that kills its worker, and a message that cannot be handled are in test_intake.py,
test_webhooks.py and test_outbox_dispatch.py; here are a body that cannot be opened and a notification that cannot be made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.notifications import model
from gateway.store import keys
from tests.integration.ladder_stage import Ladder, ladder_running


@pytest.fixture
async def ladder(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Ladder]:
    async with ladder_running(redis_url, data_dir) as made:
        await made.follow(101)
        await made.hears(made.house.flight("scheduled", gate="D5"))
        yield made


async def damage(ladder: Ladder, name: str) -> str:
    """One byte of a waiting message's sealed words is another: its id."""
    (record,) = await ladder.records(name)
    key = keys.of(record.id, "m")
    raw: Any = await ladder.house.redis.get(key)
    await ladder.house.redis.set(key, raw[:-1] + bytes([raw[-1] ^ 1]), keepttl=True)
    return str(record.id)


async def test_a_body_that_cannot_be_opened_is_a_dead_letter_and_its_lane_goes_on(ladder: Ladder) -> None:
    await ladder.house.tell(ladder.house.flight("scheduled", gate="D7"))
    damaged = await damage(ladder, "gate_changed")
    await ladder.hears(ladder.house.flight(late_min=40, gate="D7"))
    assert ladder.names() == ["flight_delayed"]
    assert await ladder.stands("gate_changed") == ["d:poisoned"]
    assert [fact.id_of("m") for fact in await ladder.facts("dead")] == [damaged]
    partition = int(damaged[1:3])
    assert await ladder.house.redis.zscore(keys.part(partition, "dead"), damaged) is not None


async def test_a_notification_that_cannot_be_made_leaves_the_others_of_its_event_and_everybody_else_alone(
    ladder: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ladder.follow(102)
    whole = model.Notification.render

    def render(self: model.Notification, *args: Any, **options: Any) -> Any:
        if self.name == "gate_changed":
            raise ZeroDivisionError
        return whole(self, *args, **options)

    monkeypatch.setattr(model.Notification, "render", render)
    await ladder.hears(ladder.house.flight(late_min=40, gate="D7"))
    for number in (101, 102):
        assert ladder.names(number) == ["flight_delayed"]
        assert await ladder.stands("gate_changed", number) == ["s:poisoned"]
    assert await ladder.house.parked() == ["wording"], "once for all of them, to be told when the notification is mended"
    assert {fact.detail["reason"] for fact in await ladder.facts("suppressed")} == {"poisoned"}


async def test_a_condition_that_breaks_is_no_news_and_stops_nobody(ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> None:
    one = ladder.house.runtime.catalogue.get("gate_changed")
    assert one is not None
    assert one.condition is not None

    def evaluate(self: Any, scope: Any) -> Any:
        if self is one.condition:
            raise RuntimeError("a value of a kind that nobody foresaw")
        return whole(self, scope)

    whole = type(one.condition).evaluate
    monkeypatch.setattr(type(one.condition), "evaluate", evaluate)
    await ladder.hears(ladder.house.flight(late_min=40, gate="D7"))
    assert ladder.names() == ["flight_delayed"]
