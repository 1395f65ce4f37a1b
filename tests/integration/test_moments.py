"""Moments of a flight: one time, whoever follows it, told once, never before its time, and only if it still holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.store import keys
from tests.integration.moments_stage import CHECK_IN, Stage, with_moments
from tests.support.core import open_house


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with open_house(redis_url, data_dir, GATEWAY_TEMPLATES_DIR=str(with_moments(data_dir))) as house:
        yield Stage(house)


async def test_check_in_opens_thirty_hours_before_a_flight_that_only_an_order_knows(stage: Stage) -> None:
    await stage.order(hours=48)
    assert await stage.set_for(CHECK_IN) == 18
    await stage.pass_to(17.99)
    assert await stage.told("checkin_open") == 0
    await stage.pass_to(18)
    assert await stage.told("checkin_open") == 1
    await stage.pass_to(40)
    assert await stage.told("checkin_open") == 1
    assert await stage.facts(CHECK_IN) == ["moment_set", "moment_came"]


async def test_the_text_names_the_flight_that_only_an_order_knows(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.pass_to(18)
    (message,) = [one for one in await stage.house.messages() if one.notification == "checkin_open"]
    assert (await stage.house.body(message))["forms"][0]["body"]["flight"] == "ZZ 1007"


async def test_a_flight_that_moves_a_day_opens_check_in_a_day_later(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.house.tell(stage.says(hours=72))
    assert await stage.set_for(CHECK_IN) == 42
    await stage.pass_to(30)
    assert await stage.told("checkin_open") == 0
    await stage.pass_to(42)
    assert await stage.told("checkin_open") == 1
    assert await stage.facts(CHECK_IN) == ["moment_set", "moment_moved", "moment_came"]


async def test_a_flight_that_moves_after_check_in_opened_does_not_open_it_again(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.pass_to(18)
    await stage.house.tell(stage.says(hours=96))
    assert await stage.set_for(CHECK_IN) is None
    await stage.pass_to(90)
    assert await stage.told("checkin_open") == 1


async def test_an_order_that_moves_its_flight_moves_its_moments_before_and_after_one_was_told(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.order(hours=72, version=2)
    assert await stage.set_for(CHECK_IN) == 42
    await stage.pass_to(42)
    assert await stage.told("checkin_open") == 1
    await stage.order(hours=96, version=3)
    assert await stage.set_for("travel_day") is not None
    assert await stage.set_for("boarding_begins") == pytest.approx(96 - 2 / 3)


@pytest.mark.parametrize("status", ["cancelled", "departed"])
async def test_a_flight_that_is_over_opens_nothing(stage: Stage, status: str) -> None:
    await stage.order(hours=48)
    await stage.house.tell(stage.says(status, hours=48))
    assert await stage.set_for(CHECK_IN) is None
    await stage.pass_to(20)
    assert await stage.told("checkin_open") == 0


async def test_a_cancelled_flight_that_runs_after_all_opens_check_in(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.house.tell(stage.says("cancelled", hours=48), stage.says("reinstated", hours=48))
    await stage.pass_to(18)
    assert await stage.told("checkin_open") == 1


async def test_the_source_s_own_word_before_the_moment_tells_it_once(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.house.tell(stage.says("check_in", hours=48))
    assert await stage.set_for(CHECK_IN) is None
    await stage.pass_to(40)
    assert await stage.told("checkin_open") == 1


async def test_the_source_s_own_word_after_the_moment_tells_it_once(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.pass_to(18)
    await stage.house.tell(stage.says("check_in", hours=48))
    assert await stage.told("checkin_open") == 1


async def test_a_source_that_happened_before_the_moment_and_comes_after_it_is_not_older(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.pass_to(18)
    await stage.house.tell(stage.says("cancelled", hours=48, at_ms=-60_000))
    assert await stage.told("flight_cancelled") == 1


async def test_a_moment_of_a_flight_that_has_spoken_is_no_older_than_its_last_word(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.pass_to(17.9)
    await stage.house.tell(stage.says(hours=48, gate="D5", version=900))
    await stage.pass_to(18)
    assert await stage.told("checkin_open") == 1
    await stage.house.tell(stage.says(hours=48, gate="D7", version=901))
    assert await stage.told("gate_changed") == 1


async def test_an_order_that_comes_when_check_in_is_open_is_told_so_and_one_that_comes_too_late_is_not(stage: Stage) -> None:
    await stage.order(101, hours=20)
    await stage.come()
    assert await stage.told("checkin_open", 101) == 1
    await stage.order(102, hours=20)
    await stage.come()
    assert await stage.told("checkin_open", 102) == 1
    await stage.pass_to(19.1)
    await stage.order(103, hours=20)
    await stage.come()
    records = await stage.house.messages(await stage.house.find(103))
    assert [one.state.value for one in records if one.notification == "checkin_open"] == ["s"], "shown, with its reason"
    assert await stage.told("checkin_open", 101) == 1


async def test_a_flight_moved_between_being_fired_and_being_applied_opens_at_its_new_time(stage: Stage) -> None:
    await stage.order(hours=48)
    stage.house.pass_ms(stage.at(18) - stage.house.clock.now_ms())
    moved = stage.says(hours=72)
    assert await stage.house.keep(moved) == ["new"]
    assert (await stage.firing.turn(keys.all_partitions()))[0] == 1
    await stage.house.expander.expand(moved)  # the event of the moment is kept, and waits
    await stage.take_up()
    assert await stage.told("checkin_open") == 0
    await stage.house.tell(stage.says(hours=48))  # and back: the moment that came too early is not this one
    await stage.come()
    assert await stage.told("checkin_open") == 1


async def test_two_who_fire_at_once_make_one_event(stage: Stage) -> None:
    await stage.order(hours=48)
    stage.house.pass_ms(stage.at(18) - stage.house.clock.now_ms())
    others = [stage.other() for _ in range(3)]
    made = await asyncio.gather(*(firing.turn(keys.all_partitions()) for firing, _ in others))
    assert sum(count for count, _ in made) == 1
    await asyncio.gather(*(stage.house.expand(expander) for _, expander in others))
    assert await stage.told("checkin_open") == 1
