"""Events in hand: whoever keeps an event takes it up at once. Killed, slow, or without the lease, everybody is told once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.intake import expand, role
from gateway.intake.role import make_expander
from gateway.model.event import BusinessEvent
from gateway.store import keys
from gateway.store.inhand import HAND_MS, ROOM, Handed, InHand
from tests.support.core import House, facts_of, iso, open_house
from tests.support.dying import Died, dying
from tests.support.waiting import wait_until


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        made.runtime.events.in_hand.serve(made.expander.ahead)
        yield made


async def kept(house: House, event: BusinessEvent) -> Handed:
    assert await house.keep(event) == ["new"]
    handed = await house.runtime.events.in_hand.next()
    assert handed is not None
    return handed


def boarding_pass(house: House, surname: str) -> BusinessEvent:
    data = {
        "leg": {"carrier": "ZZ", "flightNumber": "4712", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
        "passenger": {"surname": surname, "givenNames": "Pat", "recordLocator": f"FLY{surname[0]}"},
        "times": {"scheduledOff": iso(house.began_ms + 5 * 3600_000)},
        "bcbp": f"M1{surname + '/PAT':<20}EFLY{surname[0]}   AMSLHRZZ 4712 326Y012C0042 100",
    }
    return house.event_of("flight.boardingpass", "ZZ4712/2026-11-22/AMS", data, source="/dcs")


async def plainly(house: House, event: BusinessEvent) -> None:
    """Keep and expand an event that was in nobody's hand."""
    house.runtime.events.in_hand.leave()
    assert await house.runtime.events.in_hand.next() is None
    await house.tell(event)
    house.runtime.events.in_hand.serve()


async def test_who_keeps_an_event_takes_it_up_and_nobody_else_sees_it_due(house: House) -> None:
    await plainly(house, house.order(house.recipient(101), status="processing"))
    handed = await kept(house, house.flight(late_min=40))
    events = house.runtime.events
    assert handed.open.id not in {one.id for one in await events.due(keys.all_partitions(), limit=50)}
    await (await house.expander.take_up(handed))()
    assert await house.told(101) == ["flight_delayed"]
    house.pass_ms(31_000)
    other = make_expander(house.runtime)
    assert handed.open.id not in {one.id for one in await events.due(keys.all_partitions(), limit=50)}
    await other.look(keys.all_partitions())
    await house.expander.look(keys.all_partitions())
    assert await events.depth() == 0, "who had it in hand closed it, whoever has the lease"


async def test_an_event_in_hand_whose_worker_dies_at_any_step_is_told_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plainly(house, house.order(*(house.recipient(number) for number in (101, 102)), status="processing"))
    died, step = True, 0
    while died:
        step += 1
        handed = await kept(house, house.flight("scheduled", gate=f"G{step}", at_ms=step))
        worker = make_expander(house.runtime)
        with dying(step, monkeypatch):
            try:
                await (await worker.take_up(handed))()
                died = False
            except Died:
                pass
        house.pass_ms(HAND_MS + 10_100)
        await house.expand(make_expander(house.runtime))
    assert step > 6
    counts = Counter((one.event, one.contact) for one in await house.messages() if one.notification == "gate_changed")
    assert set(counts.values()) == {1}
    assert len(counts) == 2 * len({event for event, _ in counts})
    assert len({event for event, _ in counts}) >= step - 1  # the first gate is no change
    assert await house.parked() == []


async def test_an_event_whose_process_died_with_it_in_hand_is_taken_up_two_seconds_later(house: House) -> None:
    await plainly(house, house.order(house.recipient(101), status="processing"))
    await kept(house, house.flight(late_min=40))  # and nothing comes of it
    heir = make_expander(house.runtime)
    assert await heir.look(keys.all_partitions()) == 0
    house.pass_ms(HAND_MS + 1)
    await house.expand(heir)
    assert await house.told(101) == ["flight_delayed"]


async def test_an_event_that_kills_every_process_that_has_it_is_parked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    handed = await kept(house, house.flight(late_min=40))

    async def fatal(*_: Any) -> Any:
        raise Died

    for life in range(expand.TRIES):
        worker = make_expander(house.runtime)
        monkeypatch.setattr(worker, "expand", fatal)
        with pytest.raises(Died):
            await (worker.take_up(handed) if life == 0 else worker.look(keys.all_partitions()))
        house.pass_ms(11_000)
    await house.expand(make_expander(house.runtime))
    assert await house.parked() == ["event"]
    assert await house.runtime.events.depth() == 0


async def test_a_pass_that_kills_every_process_does_not_use_up_the_tries_of_those_beside_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.runtime.events.in_hand.leave()
    assert await house.runtime.events.in_hand.next() is None
    passes = [boarding_pass(house, name) for name in ("ADAMS", "BAKER", "CLARK", "DAVIS")]
    for one in passes:
        await house.keep(one)
    told: list[str] = []
    for _ in range(expand.TRIES + 1):
        worker, dies = make_expander(house.runtime), asyncio.Event()

        async def expands(event: BusinessEvent, *_: Any, dies: asyncio.Event = dies) -> None:
            if event.id == passes[1].id:
                dies.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(dies.wait(), 0.05)
                await asyncio.Event().wait()  # it ends here with its process
            told.append(event.item)

        monkeypatch.setattr(worker, "expand", expands)
        life = asyncio.create_task(worker.look(keys.all_partitions()))
        death = asyncio.create_task(dies.wait())
        await asyncio.wait((life, death), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.02)  # what is under way beside it gets as far as it does
        life.cancel()
        death.cancel()
        await asyncio.wait((life, death))
        house.pass_ms(11_000)
    await house.expand(make_expander(house.runtime))
    assert await house.parked() == ["event"], "the one that kills, and no other"
    assert sorted(told) == sorted(one.item for one in passes if one is not passes[1])


async def test_work_that_takes_long_says_so_and_is_not_taken_up_by_another(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expand, "HOLD_S", 0.02)
    handed = await kept(house, house.flight(late_min=40))
    goes_on = asyncio.Event()
    whole = house.expander.expand

    async def slow(event: BusinessEvent, ahead: Any) -> Any:
        await goes_on.wait()
        return await whole(event, ahead)

    monkeypatch.setattr(house.expander, "expand", slow)
    work = asyncio.create_task(house.expander.take_up(handed))
    name = keys.beside(handed.open.id, "evw")

    async def held() -> bool:
        until = await house.redis.zscore(name, f"{handed.open.id}|{handed.open.place}")
        return until is not None and until > handed.open.look_ms

    await wait_until(held)
    house.pass_ms(HAND_MS + 1)
    assert await make_expander(house.runtime).look(keys.all_partitions()) == 0
    goes_on.set()
    await (await work)()


async def test_an_append_that_is_repeated_after_a_lost_answer_is_in_the_same_hand(house: House) -> None:
    event, events = house.flight(late_min=40), house.runtime.events
    first = await events._append([event], 1795348802000)
    again = await events._append([event], 1795348802000)
    assert first == again
    assert first[0].startswith("hand|")
    assert await events._append([event], 1795348802001) == ["same"], "another process was sent it too"
    assert await events._append([event], 0) == ["same"]
    assert sum(1 for fact in await facts_of(house.redis) if fact.kind == "event") == 1


async def test_more_than_one_hand_holds_is_left_to_everybody(house: House) -> None:
    events = [house.flight(late_min=15 * number, entity=f"ZZ{1000 + number}/2026-11-22/AMS") for number in range(1, ROOM + 3)]
    assert set(await house.keep(*events)) == {"new"}, "a batch too large for one hand"
    assert len(await house.runtime.events.due(keys.all_partitions(), limit=50)) == len(events)
    for event in (house.flight(late_min=20, entity=f"ZZ{2000 + number}/2026-11-22/AMS") for number in range(ROOM + 2)):
        assert await house.keep(event) == ["new"]
    assert len(await house.runtime.events.due(keys.all_partitions(), limit=50)) == len(events) + 2


async def test_room_comes_back_when_an_event_was_known_or_could_not_be_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, events = house.flight(late_min=40), house.runtime.events
    await kept(house, known)
    whole = events._append
    for _ in range(ROOM + 1):
        assert await house.keep(known) == ["same"]

        async def lost(*_: Any) -> Any:
            raise StoreUnavailable("gone")

        monkeypatch.setattr(events, "_append", lost)
        with pytest.raises(StoreUnavailable):
            await house.keep(house.flight(late_min=60))
        monkeypatch.setattr(events, "_append", whole)
    assert (await kept(house, house.flight(late_min=60))).event.data["status"] == "delayed"


async def test_a_process_that_stops_takes_nothing_more_in_hand_and_finishes_what_it_has(house: House) -> None:
    await plainly(house, house.order(house.recipient(101), status="processing"))
    assert await house.keep(house.flight(late_min=40)) == ["new"]
    house.runtime.stopping.set()
    async with asyncio.timeout(10):
        await role._take_up(house.runtime, house.expander)
    assert await house.told(101) == ["flight_delayed"]
    late = house.flight(late_min=90, at_ms=1)
    await house.keep(late)
    assert late.id in {one.id for one in await house.runtime.events.due(keys.all_partitions(), limit=50)}


async def test_a_hand_that_nobody_serves_takes_nothing() -> None:
    hand = InHand()
    assert not hand.take_room(1)
    hand.serve()
    assert hand.take_room(1)
    hand.leave()
    assert not hand.take_room(1)
    assert await hand.next() is None


async def test_two_events_of_a_subject_in_hand_at_once_build_on_one_another(house: House) -> None:
    await plainly(house, house.order(house.recipient(101), status="processing"))
    events = [house.flight("scheduled", gate=f"G{number}", at_ms=number) for number in (1, 2)]
    handed = [await kept(house, event) for event in events]  # the second reads what the subject was before the first
    for one in handed:
        await (await house.expander.take_up(one))()
    (told,) = [one for one in await house.messages() if one.notification == "gate_changed"]
    assert told.event == events[1].id


async def test_an_event_twice_in_one_batch_is_in_hand_once(house: House) -> None:
    event = house.flight(late_min=40)
    assert await house.keep(event, event) == ["new", "same"]
    assert await house.runtime.events.in_hand.next() is not None
    house.runtime.events.in_hand.leave()
    assert await house.runtime.events.in_hand.next() is None


async def test_second_looks_that_always_come_due_do_not_keep_an_event_in_the_store_waiting(house: House) -> None:
    await plainly(house, house.order(house.recipient(101), status="processing"))
    for number in range(6):  # told one second after the other, and looked at again so
        handed = await kept(house, house.flight(late_min=40 + 15 * number, at_ms=number))
        await (await house.expander.take_up(handed))()
        house.pass_ms(1000)
    house.pass_ms(24_500)
    house.runtime.events.in_hand.leave()
    assert await house.keep(house.flight("cancelled", at_ms=100)) == ["new"]
    for _ in range(2):
        await house.expander.look(keys.all_partitions())
        house.pass_ms(1000)
    assert "flight_cancelled" in await house.told(101)


async def test_what_an_order_knows_of_a_flight_is_gone_by_though_both_came_at_once(house: House) -> None:
    order, flight = house.order(house.recipient(101), status="processing"), house.flight(late_min=60)
    for moment in flight.data["times"].values():  # a feed that names no planned times: the order does
        moment.pop("scheduled")
    in_hand = house.runtime.events.in_hand
    assert await house.keep(order) == ["new"]
    assert await house.keep(flight) == ["new"]  # its subject's memory is read here, before the order is taken up
    for _ in (order, flight):
        handed = await in_hand.next()
        assert handed is not None
        await (await house.expander.take_up(handed))()
    assert await house.told(101) == ["flight_delayed"]
