"""What is under way can be seen in figures: people being told, conversations that wait, what was set aside, limits in use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.insight.lines import Counting
from gateway.insight.watch_gauges import say_reached
from gateway.insight.watch_work import Work
from gateway.metrics import Metrics
from gateway.rules.routing import QUEUES
from gateway.store import keys
from gateway.store.desk import ALL, QUEUE
from gateway.store.facts import Fact
from gateway.store.incidents import Incidents
from gateway.store.readings import Readings
from gateway.webcare.live import Live
from tests.support.core import House, open_house

PEOPLE = 60


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


def work_of(house: House, queues: Sequence[str] = QUEUES) -> Work:
    runtime = house.runtime
    return Work(
        readings=Readings(house.redis, house.clock), fans=runtime.fans, subjects=runtime.subjects,
        first_queues=Incidents(house.redis, house.clock).first_queues, metrics=runtime.metrics, queues=queues,
    )  # fmt: skip


def figure(house: House, name: str, **labels: str) -> float:
    found = house.runtime.metrics.registry.get_sample_value(f"thuisfront_{name}", labels)
    assert found is not None, name
    return found


async def test_people_of_an_event_under_way_are_counted_as_they_are_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for begin in range(0, PEOPLE, 20):
        some = [house.recipient(number) for number in range(100 + begin, 120 + begin)]
        await house.tell(house.order(*some, number=f"ZX{begin}", itinerary=[house.leg()], status="placed"))
    work, turns = work_of(house), house.expander.fan.turns
    told: list[float] = []

    async def no_turn(*args: object, **more: object) -> int:
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(turns, "chunks", no_turn)
        await house.tell(house.flight(late_min=60))
    await work.look()
    priority = next(one for one in ("urgent", "normal", "bulk") if figure(house, "fanouts_open", priority=one))
    assert figure(house, "fanout_people", priority=priority, state="waiting") == PEOPLE
    while await turns.chunks(list(keys.all_partitions()), turns=1):
        await work.look()
        told.append(figure(house, "fanout_people", priority=priority, state="told"))
        if figure(house, "fanouts_open", priority=priority):
            assert told[-1] + figure(house, "fanout_people", priority=priority, state="waiting") == PEOPLE
    assert 0 < told[0] < PEOPLE
    assert (told[-1], figure(house, "fanouts_open", priority=priority)) == (0, 0), "nothing is under way any more"


async def test_conversations_are_counted_by_queue_and_by_who_has_them(house: House) -> None:
    for number in range(5):
        await house.redis.zadd(ALL, {f"v{number}": number})
    await house.redis.zadd(f"{QUEUE}general", {"v0": 0, "v1": 1})
    await house.redis.zadd(f"{QUEUE}complaints", {"v2": 2})
    try:
        await work_of(house, ("complaints", "general")).look()
        assert figure(house, "conversations_open", queue="general") == 2
        assert figure(house, "conversations_open", queue="complaints") == 1
        assert figure(house, "conversations_open", queue="taken") == 2
    finally:
        await house.redis.delete(ALL, f"{QUEUE}general", f"{QUEUE}complaints")


async def test_what_was_set_aside_within_the_hour_is_counted_by_kind(house: House) -> None:
    now = house.clock.now_ms() - house.clock.offset_ms  # streams go by the server's own time
    for number, (kind, age_ms) in enumerate((("event", 60_000), ("webhook:x", 0), ("item", 1000), ("item", 3_700_000))):
        entry = {"kind": kind, "why": "tried", "b": b"sealed"}
        await house.redis.xadd(keys.part(number, "parked"), entry, id=f"{now - age_ms}-0")  # type: ignore[arg-type]
    await work_of(house).look()
    found = {kind: figure(house, "parked_hour", kind=kind) for kind in ("event", "item", "webhook")}
    assert found == {"event": 1, "item": 1, "webhook": 1}


def test_each_level_of_a_limit_is_a_series_of_its_own() -> None:
    metrics = Metrics()
    for used, expected in ((0.79, (0, 0)), (0.8, (1, 0)), (1.0, (1, 1)), (0.2, (0, 0))):
        say_reached(metrics, "budget", "offers", used)
        labels = [{"limit": "budget", "name": "offers", "level": level} for level in ("80", "100")]
        found = tuple(metrics.registry.get_sample_value("thuisfront_limit_reached", one) for one in labels)
        assert found == expected, used


def test_an_agent_with_two_pages_is_one_agent_and_none_when_they_are_closed() -> None:
    live = Live()
    with live.watch("g1"), live.watch("g1"), live.watch("g2"):
        assert (live.pages, live.agents) == (3, 2)
    assert live.agents == 0


def test_what_waits_for_a_flapping_value_is_counted() -> None:
    metrics = Metrics()
    counting = Counting(metrics)
    for detail in ({"due": "5000", "why": "settling"}, {"due": "5000", "why": "night"}, {}):
        counting.count(Fact(7, "17-0", 1000, "enqueued", ("m07x",), detail))
    assert metrics.registry.get_sample_value("thuisfront_messages_settling_total") == 1
