"""Cancelled, what now: who is told of which other flight, once, and what they follow from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.model.event import BusinessEvent
from tests.integration.ladder_stage import Ladder, ladder_running

LATER = {"carrier": "ZZ", "flightNumber": "1009", "originDate": "2026-11-22", "departure": "2026-11-22T14:55:00+01:00"}
TOMORROW = {"carrier": "ZZ", "flightNumber": "1001", "originDate": "2026-11-23", "departure": "2026-11-23T07:55:00+01:00"}


@pytest.fixture
async def ladder(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Ladder]:
    async with ladder_running(redis_url, data_dir) as made:
        yield made


def cancelled(ladder: Ladder, rebooking: Any = None, **more: Any) -> BusinessEvent:
    ladder.house.pass_ms(1000)
    if rebooking is not None:
        more["rebooking"] = rebooking
    return ladder.house.flight("cancelled", **more)


def offers(ladder: Ladder, number: int) -> list[str]:
    return [said.values[3] for said in ladder.phone(number) if said.name == "flight_rebooked"]


async def test_each_booking_hears_of_its_own_other_flight_and_of_no_other(ladder: Ladder) -> None:
    await ladder.follow(101, 102, 103)
    await ladder.hears(cancelled(ladder, [{**LATER, "refs": ["ZX101"]}, {**TOMORROW, "offer": "proposed", "refs": ["ZX102"]}]))
    told = [ladder.names(number) for number in (101, 102, 103)]
    assert told == [["flight_rebooked"], ["flight_rebooked"], ["flight_cancelled"]]
    assert "booked on flight ZZ 1009" in offers(ladder, 101)[0]
    assert "offer you flight ZZ 1001" in offers(ladder, 102)[0]


async def test_an_offer_that_comes_for_one_booking_after_another_tells_nobody_twice(ladder: Ladder) -> None:
    await ladder.follow(101, 102, 103)
    await ladder.hears(cancelled(ladder))
    await ladder.hears(cancelled(ladder, {**LATER, "refs": ["ZX101"]}))
    await ladder.hears(cancelled(ladder, {**LATER, "refs": ["ZX102"]}))
    await ladder.hears(cancelled(ladder, {**LATER, "refs": ["ZX102"]}))
    told = [ladder.names(number) for number in (101, 102, 103)]
    assert told == [["flight_cancelled", "flight_rebooked"]] * 2 + [["flight_cancelled"]]
    await ladder.hears(cancelled(ladder, {**TOMORROW, "refs": ["ZX101"]}))
    assert [len(offers(ladder, number)) for number in (101, 102, 103)] == [2, 1, 0]


async def test_an_offer_that_still_waits_when_it_is_said_again_does_not_take_its_own_place(ladder: Ladder) -> None:
    await ladder.follow(101, 102)
    await ladder.house.tell(cancelled(ladder, {**LATER, "refs": ["ZX101"]}), cancelled(ladder, {**LATER, "refs": ["ZX102"]}))
    await ladder.house.dispatch()
    assert [len(offers(ladder, number)) for number in (101, 102)] == [1, 1]
    await ladder.house.tell(cancelled(ladder, {**TOMORROW, "refs": ["ZX101"]}), cancelled(ladder, LATER))
    await ladder.house.dispatch()
    assert ["1009" in offer for offer in offers(ladder, 101)] == [True, True], "the one that holds is the last word"


async def test_who_comes_later_hears_that_it_is_cancelled_and_of_their_own_offer(ladder: Ladder) -> None:
    await ladder.follow(101)
    await ladder.hears(cancelled(ladder))
    await ladder.hears(cancelled(ladder, {**LATER, "refs": ["ZX104"]}))
    await ladder.hears(cancelled(ladder, {**LATER, "refs": ["ZX101"]}))
    for number in (103, 104):
        await ladder.house.tell(ladder.house.order(ladder.house.recipient(number), number=f"ZX{number}"))
    await ladder.house.dispatch()
    assert [name for name in ladder.names(103) if name.startswith("flight")] == ["flight_cancelled"]
    assert [name for name in ladder.names(104) if name.startswith("flight")] == ["flight_cancelled", "flight_rebooked"]
    assert len(offers(ladder, 101)) == 1


@pytest.mark.long
async def test_two_bookings_at_one_address_with_two_offers_are_two_messages_and_with_one_offer_one(ladder: Ladder) -> None:
    await ladder.follow(101)
    await ladder.house.tell(ladder.house.order(ladder.house.recipient(101), number="ZX900"))
    await ladder.house.dispatch()
    ladder.edge.asked.clear()
    await ladder.hears(cancelled(ladder, [{**LATER, "refs": ["ZX101"]}, {**TOMORROW, "refs": ["ZX900"]}]))
    assert len({*offers(ladder, 101)}) == len(offers(ladder, 101)) == 2
    await ladder.hears(ladder.house.flight("reinstated"), cancelled(ladder, LATER))
    assert len(offers(ladder, 101)) == 3


async def test_a_belt_that_comes_after_the_landing_is_told_once_and_one_that_came_with_it_not_again(ladder: Ladder) -> None:
    await ladder.follow(101)
    flight = ladder.house.flight
    await ladder.hears(flight("arrived"), flight("arrived", belt="7"), flight("arrived", belt="7"))
    assert ladder.names() == ["flight_landed", "flight_belt"]
    assert ladder.phone()[-1].values[0] == "7"
    await ladder.follow(102, itinerary=[ladder.house.leg("ZZ2000/2026-11-22/AMS")])
    other = {"entity": "ZZ2000/2026-11-22/AMS"}
    await ladder.hears(flight("arrived", belt="3", **other), flight("arrived", belt="3", **other))
    assert ladder.names(102) == ["flight_landed"]
    assert "belt 3" in ladder.phone(102)[-1]
