"""A worker that dies between any two steps of its work: the next one takes it up, and everybody is told everything once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake.expand import Expander
from gateway.intake.role import make_expander
from gateway.model.event import BusinessEvent
from gateway.store import keys, scripts
from gateway.store.ahead import Ahead
from gateway.store.events import OpenEvent
from tests.support.core import House, facts_of, open_house
from tests.support.dying import Died, run_until_death


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


async def sweep(house: House, monkeypatch: pytest.MonkeyPatch, make: Callable[[int], list[BusinessEvent]]) -> int:
    """Kill the work on `make(k)` before its (2k-1)th round trip, for every k, each time let another worker finish it.

    Every second place, as two in a row are mostly a look and the write that follows. How many places there are.
    """
    step = 0
    while True:
        step += 1
        events = make(step)
        await house.keep(*events)
        died = await run_until_death(house, make_expander(house.runtime), 2 * step - 1, monkeypatch)
        house.pass_ms(11_000)  # a killed worker's event is looked at again
        heir = make_expander(house.runtime)
        await house.expand(heir)
        for _ in range(2):
            house.pass_ms(31_000)
            await house.expand(heir)
        assert await house.runtime.events.depth() == 0, f"step {step}"
        assert await house.parked() == []
        if not died:
            return step


@pytest.mark.single_server("counts the round trips to one server")
async def test_an_order_whose_worker_dies_at_any_step_tells_each_of_its_people_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(house.order(house.recipient(1)), house.flight(late_min=40))
    numbers = iter(range(100, 1000))
    people: list[int] = []

    def order(step: int) -> list[BusinessEvent]:
        people.append(next(numbers))
        return [house.order(house.recipient(people[-1]), number=f"ORDER{step}")]

    steps = await sweep(house, monkeypatch, order)
    assert steps > 15
    planned = Counter((one.contact, one.notification) for one in await house.messages())
    assert set(planned.values()) == {1}
    for step, number in enumerate(people, 1):
        contact = await house.contact_of(number)
        told = {name for who, name in planned if who == contact.id}
        assert told == {"order_confirmed", "flight_delayed"}, f"step {step}: {told}"
        assert len(contact.profile.orders) == 1
        assert len(await house.runtime.contacts.subscriptions(contact.id)) == 2


async def test_a_delay_whose_worker_dies_at_any_step_is_told_to_everybody_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [house.recipient(number) for number in range(101, 104)]
    await house.tell(house.order(*people, status="processing"))
    sent: list[BusinessEvent] = []

    def late(step: int) -> list[BusinessEvent]:
        sent.append(house.flight("scheduled", gate=f"G{step}", at_ms=1))
        return sent[-1:]

    await sweep(house, monkeypatch, late)
    counts = Counter((one.event, one.contact) for one in await house.messages() if one.notification == "gate_changed")
    told = {event for event, _ in counts}
    assert set(counts.values()) == {1}
    assert len(counts) == 3 * len(told)
    assert len(told) >= len(sent) - 1  # the first gate is no change


@pytest.mark.single_server("counts the round trips to one server")
async def test_a_version_that_leaves_somebody_out_does_so_whatever_step_its_worker_dies_at(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(range(100, 1000))
    left: list[int] = []
    for step in range(1, 60):
        stays, goes = next(numbers), next(numbers)
        number = f"ORDER{step}"
        await house.tell(house.order(house.recipient(stays), house.recipient(goes), number=number, status="processing"))
        await house.keep(house.order(house.recipient(stays), number=number, status="processing", version=2))
        died = await run_until_death(house, make_expander(house.runtime), 2 * step - 1, monkeypatch)
        house.pass_ms(11_000)
        await house.expand(make_expander(house.runtime))
        left.append(goes)
        gone = await house.contact_of(goes)
        assert gone.profile.orders == (), f"step {step}"
        assert await house.runtime.contacts.subscriptions(gone.id) == [], f"step {step}"
        assert len(await house.runtime.contacts.subscriptions((await house.contact_of(stays)).id)) == 2
        if not died:
            break
    assert len(left) > 10


async def test_an_outage_that_is_taken_up_again_late_does_not_bring_back_what_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def customer(number: int) -> BusinessEvent:
        service = {"name": "electricity", "area": {"country": "NL", "postcode": "3511AB"}}
        return house.order(
            house.recipient(number, purpose="service", role="customer"), number=f"SV-{number}", kind="service",
            service=service, itinerary=None, status="processing",
        )  # fmt: skip

    await house.tell(customer(101))
    began = house.event("ce-outage-started")
    await house.keep(began)
    killed = make_expander(house.runtime)
    monkeypatch.setattr(killed.fan, "begin", _die)
    with pytest.raises(Died):
        await killed.look(keys.all_partitions())
    await house.tell(house.event("ce-outage-resolved", at_ms=1))
    house.pass_ms(11_000)
    await house.expand(make_expander(house.runtime))
    await house.tell(customer(102))
    assert "outage_started" not in await house.told(102, "q")
    assert await house.told(101, "q") == ["outage_restored"] or "outage_started" not in await house.told(101, "q")


async def _die(*_: Any) -> Any:
    raise Died


async def test_an_event_that_outlives_many_restarts_is_not_taken_for_a_poisoned_one(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    for _ in range(8):  # each new process expands once more, for it cannot know what the last one saw
        await house.keep(house.flight(late_min=40, id="the-same"))
        await house.expand(make_expander(house.runtime))
        house.pass_ms(30_001)
        fresh = make_expander(house.runtime)
        await fresh.look(keys.all_partitions())
    assert await house.parked() == []
    assert (await house.told(101)).count("flight_delayed") == 1


async def test_an_event_that_ends_its_process_takes_none_along_of_those_that_are_closed_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody follows these: they are over as soon as they are told, and wait to be closed with the next.
    harmless = [house.flight(late_min=40, id=f"harmless-{number}") for number in range(6)]
    poison = house.flight(late_min=50, id="poison", at_ms=1)
    await house.keep(*harmless[:3], poison, *harmless[3:])
    work = Expander._work

    async def working(self: Expander, place: OpenEvent, event: BusinessEvent, ahead: Ahead | None = None) -> Any:
        if event.id == poison.id:
            raise Died
        return await work(self, place, event, ahead)

    monkeypatch.setattr(Expander, "_work", working)
    for _ in range(8):
        worker = make_expander(house.runtime)
        with suppress(Died):
            while await worker.look(keys.all_partitions()):
                pass
        house.pass_ms(11_000)
    assert await house.runtime.events.depth() == 0
    assert len(await house.parked()) == 1, "the one that ends processes, and none of those beside it"


async def test_a_worker_that_is_cancelled_leaves_its_event_to_the_next(house: House) -> None:
    await house.keep(house.order(*(house.recipient(number) for number in range(101, 121))))
    for _ in range(4):
        task = asyncio.create_task(house.expand(make_expander(house.runtime)))
        for _ in range(30):
            await asyncio.sleep(0)
        while not task.done():  # the store's client may swallow one
            task.cancel()
            await asyncio.sleep(0)
        house.pass_ms(11_000)
    await house.expand(make_expander(house.runtime))
    counts = Counter(one.contact for one in await house.messages())
    assert (len(counts), set(counts.values())) == (20, {1})
    assert sum(1 for fact in await facts_of(house.redis) if fact.kind == "enqueued") == 20


def test_every_script_is_known_by_its_file() -> None:
    assert {"cell_note", "webhook_append", "inbox_begin", "workers_show"} <= set(scripts.names())
