"""Whoever has another flight follows that one: at once, once accepted, never by halves, and what the order says overrules it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.intake.role import make_expander
from gateway.model.event import BusinessEvent
from tests.integration.ladder_stage import ladder_running
from tests.integration.pace_stage import ALL, pace_stage
from tests.integration.rebooking_stage import LATER_ENTITY, OLD, TOMORROW_ENTITY, Stage
from tests.support.dying import Died, dying, run_until_death
from tests.support.meta import inbound, webhook


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with ladder_running(redis_url, data_dir) as made:
        yield Stage(made)


async def test_who_was_put_on_another_flight_hears_of_that_one_and_of_the_old_one_only_that_it_goes(stage: Stage) -> None:
    await stage.ladder.follow(101, 102)
    await stage.hears(stage.flight("scheduled", gate="D5"), stage.cancelled({**stage.later, "refs": ["ZX101"]}))
    assert await stage.follows(101) == [OLD, LATER_ENTITY]
    assert await stage.follows(102) == [OLD], "the offer was for the other booking"
    await stage.hears(stage.flight("scheduled", entity=LATER_ENTITY, gate="E1"))
    await stage.hears(stage.flight("scheduled", entity=LATER_ENTITY, gate="E2"))
    await stage.hears(stage.flight("delayed", entity=LATER_ENTITY, late_min=40))
    assert await stage.names(101) == ["flight_rebooked", "gate_changed", "flight_delayed"]
    await stage.hears(stage.flight("reinstated", gate="D5"))
    await stage.hears(stage.flight("reinstated", gate="D9"))
    assert await stage.names(101) == ["flight_rebooked", "gate_changed", "flight_delayed", "flight_reinstated"]
    assert await stage.names(102) == ["flight_cancelled", "flight_reinstated", "gate_changed"]
    await stage.hears(stage.cancelled())
    assert (await stage.names(101))[-1] == (await stage.names(102))[-1] == "flight_cancelled"


async def test_what_holds_of_the_other_flight_is_told_with_the_news_that_it_is_theirs(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.flight("delayed", entity=LATER_ENTITY, late_min=40))
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    assert await stage.names(101) == ["flight_rebooked"]
    await stage.press(101, "accept")
    assert sorted(await stage.names(101)) == ["flight_delayed", "flight_rebooked", "rebooking_passed_on"]


@pytest.mark.long
async def test_the_other_flight_is_known_by_the_offer_until_it_speaks_itself(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled({**stage.later, "from": "AMS", "to": "LHR"}))
    before = stage.ladder.house.flight("scheduled", entity=LATER_ENTITY, gate="E1")
    data = {name: value for name, value in before.data.items() if name != "times"}
    await stage.hears(replace(before, data=data), stage.flight("scheduled", entity=LATER_ENTITY, gate="E2", times=None))
    (gate,) = await stage.records(101, "gate_changed")
    assert "Flight ZZ 1009 now leaves from gate E2." in await stage.text(gate)


async def test_the_order_s_next_version_overrules_a_move_and_the_same_one_again_does_not(stage: Stage) -> None:
    house = stage.ladder.house
    mine = house.order(house.recipient(101), number="ZX101")
    await stage.hears(mine)
    await stage.hears(stage.cancelled(stage.later))
    await stage.hears(stage.flight("reinstated"))
    await make_expander(house.runtime).expand(mine)  # its process died before it was closed
    assert await stage.follows(101) == [OLD, LATER_ENTITY]
    await stage.hears(house.order(house.recipient(101), number="ZX101", version=2, itinerary=None, status="processing"))
    assert await stage.follows(101) == [OLD, LATER_ENTITY], "a version that says nothing of the journey changes nothing of it"
    await stage.hears(house.order(house.recipient(101), number="ZX101", version=3, itinerary=[house.leg(TOMORROW_ENTITY)]))
    assert await stage.follows(101) == [TOMORROW_ENTITY]
    assert (await house.contact_of(101)).profile.orders[0].moves == ()


async def test_who_comes_later_with_the_old_flight_in_their_order_follows_the_other_one_too(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled(stage.later))
    await stage.ladder.house.tell(stage.ladder.house.order(stage.ladder.house.recipient(102), number="ZX102"))
    await stage.ladder.house.dispatch()
    assert await stage.follows(102) == [OLD, LATER_ENTITY]
    assert await stage.names(102) == ["flight_rebooked"]


async def test_a_newer_offer_takes_the_place_of_the_flight_that_they_followed_by_the_one_before(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled(stage.later), stage.cancelled(stage.tomorrow))
    assert await stage.follows(101) == [TOMORROW_ENTITY, OLD]
    await stage.press(101, "refund")
    assert await stage.follows(101) == [TOMORROW_ENTITY, OLD], "they stand on it until the airline says otherwise"


@pytest.mark.long
async def test_two_flights_that_are_each_other_s_other_one_come_to_an_end(stage: Stage) -> None:
    await stage.ladder.follow(101)
    back = {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22"}
    await stage.hears(stage.cancelled(stage.later), stage.cancelled(back, entity=LATER_ENTITY))
    assert await stage.follows(101) == [OLD, LATER_ENTITY]
    assert await stage.names(101) == ["flight_rebooked", "flight_rebooked"]


async def test_a_full_flight_moves_whoever_dies_between_any_two_round_trips(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pace_stage(redis_url, data_dir) as pace:
        house, later = pace.house, pace.subject(LATER_ENTITY)
        await pace.followers({OLD: 30})
        other = {"carrier": "ZZ", "flightNumber": "1009", "originDate": "2026-11-22"}
        await house.keep(pace.cancelled(OLD, 5, rebooking=other))
        dice, deaths, at = random.Random("moves"), 0, 20
        while await run_until_death(house, make_expander(house.runtime), at, monkeypatch):
            deaths += 1
            at = dice.randrange(30, 160)
            house.pass_ms(11_000)
            if deaths == 4:  # five tries and it is set aside: the last one lives
                break
        await house.expand(make_expander(house.runtime))
        assert deaths >= 3
        found = await house.runtime.contacts.subscribers_of([(one, later, "") for one in ALL], 1000)
        assert sum(map(len, found)) == 30
        told = [one.contact for one in await house.messages() if one.notification == "flight_rebooked"]
        assert len(told) == len(set(told)) == 30


async def test_an_answer_whose_worker_dies_between_any_two_round_trips_is_whole_and_passed_on_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.ladder.house
    await house.tell(house.order(house.recipient(101), house.recipient(102, role="passenger")))
    await house.dispatch()
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    (asking,) = await stage.records(101, "flight_rebooked")
    button = (await house.body(asking))["buttons"][0]
    said = inbound(house, "447700900101", {"type": "button", "button": {"payload": button["payload"], "text": button["label"]}})
    await house.runtime.webhooks.append("whatsapp", webhook(said))
    await house.splitter.turn(range(16))
    (item,) = await house.runtime.webhooks.inbox(ALL, limit=50)
    died, at = True, 0
    while died:
        at += 1
        with dying(at, monkeypatch):
            try:
                async with asyncio.timeout(20):
                    await house.applier.apply(item.value)
                died = False
            except Died:
                pass
    assert at > 20
    await house.take_webhooks()
    await house.dispatch()
    assert await stage.passed_on() == ["rebooking.accepted"]
    assert await stage.names(101) == ["flight_rebooked", "rebooking_passed_on"]
    assert await stage.follows(101) == await stage.follows(102) == [OLD, LATER_ENTITY]


@pytest.mark.long
async def test_cancelled_rebooked_reinstated_and_cancelled_again_come_to_the_same_in_any_order(stage: Stage) -> None:
    house = stage.ladder.house

    def ladder(number: int) -> list[BusinessEvent]:
        entity = f"ZZ{number:04d}/2026-11-22/AMS"
        steps = (
            stage.cancelled(entity=entity),
            stage.cancelled({**stage.later, "refs": [f"ZX{number}"]}, entity=entity),
            stage.flight("reinstated", entity=entity),
            stage.cancelled({**stage.tomorrow, "offer": "proposed"}, entity=entity),
        )
        return [replace(step, version=place) for place, step in enumerate(steps, 1)]

    orders = list(permutations(range(4)))
    numbers = range(200, 200 + len(orders))
    for number in numbers:
        leg = house.leg(f"ZZ{number:04d}/2026-11-22/AMS")
        await house.keep(house.order(house.recipient(number), number=f"ZX{number}", itinerary=[leg]))
    await house.expand()
    steps = {number: ladder(number) for number in numbers}
    for place in range(4):
        for number, order in zip(numbers, orders, strict=True):
            await house.keep(steps[number][order[place]])
        await house.expand()
        if place % 2:
            await house.dispatch()
    await house.dispatch()
    for number, order in zip(numbers, orders, strict=True):
        (*_, last) = await stage.records(number, "flight_cancelled", "flight_rebooked", "flight_reinstated")
        assert last.notification == "flight_rebooked", order
        assert "offer you flight ZZ 1001" in await stage.text(last), order
        names = await stage.names(number)
        assert len(names) <= 4, (order, names)
