"""Moves to another flight beside other changes of what they follow: orders taken at the same time, answers after other moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.intake.role import make_expander
from gateway.model.contact import Subscription
from gateway.model.ids import ContactId, SubjectId
from tests.integration.ladder_stage import ladder_running
from tests.integration.rebooking_stage import HOUR_MS, LATER_ENTITY, OLD, TOMORROW_ENTITY, Stage
from tests.support.core import iso


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with ladder_running(redis_url, data_dir) as made:
        yield Stage(made)


def meanwhile(stage: Stage, monkeypatch: pytest.MonkeyPatch, does: Callable[[], Awaitable[None]]) -> list[str]:
    """Once, when somebody looks at what a person follows, this happens in another process first."""
    contacts = stage.ladder.house.runtime.contacts
    ask, done = contacts.subscriptions, []

    async def late(contact: ContactId) -> list[Subscription]:
        if not done:
            done.append("done")
            await does()
        return await ask(contact)

    monkeypatch.setattr(contacts, "subscriptions", late)
    return done


async def test_an_order_that_comes_while_somebody_is_moved_keeps_what_it_names(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.ladder.follow(101)
    house = stage.ladder.house
    newer = house.order(house.recipient(101), number="ZX101", version=2, itinerary=[house.leg(TOMORROW_ENTITY)])
    cancelled = stage.cancelled(stage.later)
    assert await house.keep(cancelled, newer) == ["new", "new"]
    other = make_expander(house.runtime)

    async def order() -> None:
        await other.expand(newer)

    done = meanwhile(stage, monkeypatch, order)
    await house.expander.expand(cancelled)
    assert done
    assert await stage.follows(101) == [TOMORROW_ENTITY]


async def test_a_move_while_an_order_is_taken_keeps_the_flight_that_is_theirs(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.ladder.follow(101)
    house = stage.ladder.house
    newer = house.order(house.recipient(101), number="ZX101", version=2, status="processing")
    cancelled = stage.cancelled(stage.later)
    assert await house.keep(cancelled, newer) == ["new", "new"]
    other = make_expander(house.runtime)

    async def move() -> None:
        await other.expand(cancelled)

    done = meanwhile(stage, monkeypatch, move)
    await house.expander.expand(newer)
    assert done
    (link,) = (await house.contact_of(101)).profile.orders
    assert len(link.moves) == 1
    assert await stage.follows(101) == [OLD, LATER_ENTITY]


async def test_their_money_back_after_a_second_move_leaves_none_of_the_flights_behind(stage: Stage) -> None:
    await stage.ladder.follow(101)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    (asking,) = await stage.records(101, "flight_rebooked")
    await stage.press(101, "accept", asking)
    await stage.hears(stage.cancelled(stage.tomorrow, entity=LATER_ENTITY))
    assert await stage.follows(101) == [TOMORROW_ENTITY, OLD, LATER_ENTITY]
    await stage.press(101, "refund", asking)
    assert await stage.follows(101) == [OLD]
    (link,) = (await stage.ladder.house.contact_of(101)).profile.orders
    assert link.moves == ()


async def test_what_is_offered_to_one_booking_is_no_advice_to_the_others(stage: Stage) -> None:
    house, train = stage.ladder.house, "EXR/3542/2026-11-22"
    for number in (101, 102):
        leg = house.leg(train, "trip")
        await stage.hears(house.order(house.recipient(number), number=f"ZX{number}", itinerary=[leg], kind="rail", brand="exr"))
    trip = {"operator": "EXR", "tripNumber": "3542", "operatingDay": "2026-11-22", "from": "AMS", "to": "LHR"}
    other = {"tripNumber": "3546", "departure": iso(house.began_ms + 7 * HOUR_MS), "refs": ["ZX101"]}
    data = {"trip": trip, "status": "cancelled", "alternative": {**other, "offer": "automatic"}}
    await stage.hears(house.event_of("trip.status", train, data))
    assert "3546" in await stage.text((await stage.records(101, "trip_rebooked"))[-1])
    (theirs,) = await stage.records(102, "trip_cancelled")
    assert "take the train of" not in await stage.text(theirs)


async def test_an_offer_of_a_flight_that_has_left_is_taken_by_nobody(stage: Stage) -> None:
    house = stage.ladder.house
    await stage.ladder.follow(101, 102)
    await stage.hears(stage.cancelled({**stage.later, "offer": "proposed"}))
    (asking,) = await stage.records(101, "flight_rebooked")
    departure = {"scheduled": iso(house.began_ms + 8 * HOUR_MS), "estimated": iso(house.began_ms + 10 * HOUR_MS)}
    await stage.hears(stage.flight("delayed", entity=LATER_ENTITY, times={"departure": departure}))
    house.pass_ms(9 * HOUR_MS)
    await stage.press(102, "accept", (await stage.records(102, "flight_rebooked"))[0])
    assert await stage.passed_on() == ["rebooking.accepted"], "it is late, and still there"
    house.pass_ms(2 * HOUR_MS)
    await stage.press(101, "accept", asking)
    assert await stage.passed_on() == ["rebooking.accepted"]
    assert (await stage.names(101))[-1] == "rebooking_outdated"
    assert await stage.follows(101) == [OLD]
    await stage.press(101, "refund", asking)
    assert sorted(await stage.passed_on()) == ["rebooking.accepted", "rebooking.refund"], "their money is theirs to ask for"


async def test_who_is_left_out_of_one_order_while_another_names_the_flight_goes_on_hearing_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = stage.ladder.house
    await house.tell(house.order(house.recipient(101), house.recipient(102), number="ZX1"))
    without = house.order(house.recipient(102), number="ZX1", version=2)
    another = house.order(house.recipient(101), number="ZX2")
    assert await house.keep(without, another) == ["new", "new"]
    other, contacts = make_expander(house.runtime), house.runtime.contacts
    take_away, done = contacts.unsubscribe, []

    async def late(contact: ContactId, subject: SubjectId, why: str) -> bool:
        if not done:
            done.append(why)
            await other.expand(another)
        return await take_away(contact, subject, why)

    monkeypatch.setattr(contacts, "unsubscribe", late)
    await house.expander.expand(without)
    assert done == ["left_out"]
    assert await stage.follows(101) == await stage.follows(102) == [OLD]
