"""A process dies with an event applied and nobody told: newer news of the same subject, taken up by another, goes behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.intake import expand, stillnews
from gateway.intake.role import make_expander
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId, EventId, partition_of
from gateway.planning.result import EventResult
from gateway.rules.fuse import Blown
from tests.integration.pace_stage import ALL, pace_stage, sender_entry
from tests.support.core import House, facts_of, open_house

FLIGHT = "ZZ1007/2026-11-22/AMS"


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


async def begun_and_applied(house: House, event: BusinessEvent) -> None:
    """As far as a process came that died then: others look at the event in ten seconds."""
    await house.keep(event)
    (seen,) = [one for one in await house.runtime.events.due(ALL, limit=9) if one.id == event.id]
    assert await house.runtime.events.begin(seen, look_again_ms=house.clock.now_ms() + 10_000) == 1
    applied = await make_expander(house.runtime)._applier.apply(event)
    assert applied is not None
    assert applied.result.notifications


async def of(house: House, number: int, *events: BusinessEvent) -> list[str]:
    """What a person was planned of these events, in the order of their lane."""
    wanted: Sequence[EventId] = [one.id for one in events]
    found = [one for one in await house.messages(await house.find(number)) if one.event in wanted]
    return [one.notification for one in sorted(found, key=lambda one: one.sequence)]


async def test_a_newer_gate_does_not_pass_the_delay_that_a_dead_process_had_begun(house: House) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)))
    await house.tell(house.flight("scheduled", version=1, gate="D4"))
    delay = house.flight(late_min=40, version=2, gate="D4")
    gate = house.flight(late_min=40, version=3, gate="E9")
    await begun_and_applied(house, delay)
    await house.keep(gate)
    await house.expander.look(ALL)
    for number in (101, 102):
        assert await of(house, number, delay, gate) == ["flight_delayed", "gate_changed"]
    house.pass_ms(11_000)  # and whoever takes the first one up again tells nobody twice
    await house.expand()
    for number in (101, 102):
        assert await of(house, number, delay, gate) == ["flight_delayed", "gate_changed"]


async def test_of_several_that_were_begun_each_goes_in_its_turn_and_one_that_fails_keeps_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.tell(house.flight("scheduled", version=1, gate="D4"))
    broken = house.flight("scheduled", version=2, gate="D5")
    delay = house.flight(late_min=40, version=3, gate="D5")
    gate = house.flight(late_min=40, version=4, gate="E9")
    await begun_and_applied(house, broken)
    await begun_and_applied(house, delay)
    whole = house.expander.fan.begin

    async def begin(event: BusinessEvent, *rest: object) -> object:
        if event.id == broken.id:
            raise ZeroDivisionError
        return await whole(event, *rest)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(house.expander.fan, "begin", begin)
    await house.keep(gate)
    await house.expander.look(ALL)
    assert await of(house, 101, broken, delay, gate) == ["flight_delayed", "gate_changed"]


async def test_who_comes_with_a_dead_process_s_order_is_told_what_holds_of_it_and_not_what_was_over_by_then(house: House) -> None:
    first = house.order(house.recipient(101))
    second = house.order(house.recipient(101), version=2, status="cancelled")
    await begun_and_applied(house, first)
    await house.keep(second)
    await house.expander.look(ALL)
    assert await house.told(101, "q") == ["order_cancelled"]
    assert await of(house, 101, first, second) == ["order_confirmed", "order_cancelled"], "trace says what became of each"


async def test_a_large_audience_keeps_its_order_as_well(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with pace_stage(redis_url, data_dir) as stage:
        house = stage.house
        await stage.followers({FLIGHT: 60})
        await house.tell(stage.cancelled(FLIGHT, 5, status="scheduled", gate="D4"))
        delay = house.flight(late_min=40, version=2, gate="D4")
        gate = house.flight(late_min=40, version=3, gate="E9")
        await begun_and_applied(house, delay)
        await house.keep(gate)
        await house.expand()
        lanes: dict[str, list[tuple[int, str]]] = {}
        for one in await house.messages():
            if one.event in (delay.id, gate.id):
                lanes.setdefault(one.contact, []).append((one.sequence, one.notification))
        assert len(lanes) == 60
        assert {tuple(name for _, name in sorted(lane)) for lane in lanes.values()} == {("flight_delayed", "gate_changed")}


async def test_second_looks_at_what_the_dead_had_begun_are_no_storm_of_events(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.keep(*(house.flight(late_min=40, entity=f"ZZ{2000 + number}/2026-11-22/AMS") for number in range(20)))
    for one in await house.runtime.events.due(ALL, limit=20):
        await house.runtime.events.begin(one, look_again_ms=house.clock.now_ms() + 10_000)
    house.pass_ms(11_000)
    heir = make_expander(house.runtime)
    with monkeypatch.context() as patch:
        patch.setattr(expand, "LOOK_AGAIN_MS", 0)  # the store's own clock, by which an event's age goes, did not pass
        assert await heir.look(ALL) == 20
    assert heir.fresh == 0
    await house.keep(*(house.flight(late_min=60, entity=f"ZZ{3000 + number}/2026-11-22/AMS") for number in range(20)))
    assert await heir.look(ALL) == 20
    assert heir.fresh == 20


async def test_who_begins_to_follow_late_is_not_told_what_was_true_once_when_a_death_brings_it_up_again(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    for version, late_min in enumerate((40, 80, 120), 2):
        await house.tell(house.flight(late_min=late_min, version=version, gate="D4"))
    await house.tell(house.order(house.recipient(102), number="ORD2"))
    assert await house.told(102, "q") == ["flight_delayed", "order_confirmed"]
    house.pass_ms(31_000)
    await house.expand(make_expander(house.runtime))  # of all these events another process knows nothing but what the store has
    assert await house.told(102, "q") == ["flight_delayed", "order_confirmed"]


async def test_a_fan_out_under_way_leaves_out_what_newer_news_has_made_pointless(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillnews, "LOOK_S", 0.0)
    async with pace_stage(redis_url, data_dir) as stage:
        house = stage.house
        await stage.followers({FLIGHT: 60})
        await house.tell(house.flight("scheduled", version=1, gate="A1"))
        late = house.flight(late_min=40, version=2, gate="D4")
        await house.keep(late)
        await house.expander.look(ALL)
        assert await house.expander.chunks(ALL, turns=1) == 1
        by_then = sum(one.notification == "gate_changed" for one in await house.messages() if one.event == late.id)
        assert 0 < by_then <= 25, "a turn ends with a partition"
        gate = house.flight(late_min=40, version=3, gate="E9")
        await house.keep(gate)
        await house.expander.look(ALL)  # its fan-out waits behind the older one
        await house.expand()
        planned = Counter((one.notification, one.state.value) for one in await house.messages() if one.event == late.id)
        assert planned == {("flight_delayed", "q"): 60, ("gate_changed", "r"): 60}
        seen = [one for one in await facts_of(house.redis) if one.kind == "enqueued" and late.id in one.ids]
        assert sum(one.detail["nt"] == "gate_changed" for one in seen) == by_then, "of the others none was ever in its lane"
        told = [one for one in await house.messages() if one.event == gate.id and one.notification == "gate_changed"]
        assert len(told) == 60


async def test_what_a_dead_process_had_told_is_closed_by_another_without_telling_it_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40))
    house.pass_ms(31_000)
    heir = make_expander(house.runtime)
    monkeypatch.setattr(expand, "LOOK_AGAIN_MS", 0)  # the store's own clock did not pass

    async def again(*_: object) -> None:
        raise AssertionError("it was told already")

    monkeypatch.setattr(heir, "expand", again)
    for _ in range(3):
        await heir.look(ALL)
        house.pass_ms(31_000)
    assert await house.runtime.events.depth() == 0


async def test_newer_news_that_the_fuse_is_about_to_hold_ends_no_older_one(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pace_stage(redis_url, data_dir) as stage:
        house = stage.house
        await stage.followers({FLIGHT: 60})
        old, new = stage.cancelled(FLIGHT, 5), stage.cancelled(FLIGHT, 5, version=2, status="scheduled")
        await house.keep(old)
        await house.expander.look(ALL)
        fuse = house.expander._fuse
        assert fuse is not None

        async def blows(result: EventResult, people: int) -> Blown:
            await house.expander.chunks(ALL, turns=99)  # while what the newer one told is not taken back yet
            return Blown("number", people, 1)

        monkeypatch.setattr(fuse, "_judge", blows)
        await house.keep(new)
        await house.expand()
        assert Counter(one.event for one in await house.messages()) == {old.id: 60}


async def test_each_event_begins_in_another_partition_so_that_nobody_is_always_the_last(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    fast = sender_entry("zz-wa", "zz", 1000)  # else nobody more is told while so many wait to be sent
    async with pace_stage(redis_url, data_dir, fast) as stage:
        house = stage.house
        await stage.followers({FLIGHT: 150})
        for version in range(1, 4):
            event = stage.cancelled(FLIGHT, 5, version=version, status="cancelled" if version % 2 else "scheduled")
            await house.keep(event)
            await house.expander.look(ALL)
            assert await house.expander.chunks(ALL, turns=1) == 1
            told = {partition_of(ContactId(one.contact)) for one in await house.messages() if one.event == event.id}
            place = {one: (one - partition_of(event.id)) % len(ALL) for one in ALL}
            assert 0 < len(told) < len(ALL) / 2
            assert max(place[one] for one in told) < len(ALL) / 2, "those that follow its own partition, all around"
            await house.expand()
