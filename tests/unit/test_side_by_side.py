"""What is worked on side by side, and what waits."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.intake.sidebyside import SideBySide
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import EventId, SubjectId


def event(item: str, type_: EventType = EventType.FLIGHT_BOARDINGPASS) -> BusinessEvent:
    return BusinessEvent(
        id=EventId(f"e00{item}"), source="/dcs", external_id=item, type=type_, subject="f", subject_id=SubjectId("j00"),
        item=item, version=None, occurred_at_ms=1, received_at_ms=1, data={},
    )  # fmt: skip


class Stage:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}

    async def work(self, name: str) -> None:
        self.said.append(f"{name} begins")
        await self.doors.setdefault(name, asyncio.Event()).wait()
        self.said.append(f"{name} ends")

    def opens(self, *names: str) -> None:
        for name in names:
            self.doors.setdefault(name, asyncio.Event()).set()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_passes_of_two_people_overlap_and_two_of_one_person_do_not() -> None:
    stage, both = Stage(), SideBySide()
    await both.do(event("a"), partial(stage.work, "a"))
    await both.do(event("b"), partial(stage.work, "b"))
    again = asyncio.create_task(both.do(event("a"), partial(stage.work, "a again")))
    await turns()
    assert stage.said == ["a begins", "b begins"]
    stage.opens("b")
    await turns()
    assert stage.said[-1] == "b ends", "it waits for its own"
    stage.opens("a", "a again")
    await again
    await both.rest()
    assert stage.said[-3:] == ["a ends", "a again begins", "a again ends"]


async def test_a_state_waits_for_all_before_it_and_all_after_it_wait() -> None:
    stage, both = Stage(), SideBySide()
    await both.do(event("a"), partial(stage.work, "a"))
    state = asyncio.create_task(both.do(event("", EventType.FLIGHT_STATUS), partial(stage.work, "state")))
    await turns()
    assert stage.said == ["a begins"]
    stage.opens("a")
    await turns()
    assert stage.said == ["a begins", "a ends", "state begins"]
    assert not state.done(), "who comes next waits for its end"
    stage.opens("state")
    await state


async def test_no_more_than_so_many_at_once() -> None:
    stage, both = Stage(), SideBySide(2)
    await both.do(event("a"), partial(stage.work, "a"))
    await both.do(event("b"), partial(stage.work, "b"))
    third = asyncio.create_task(both.do(event("c"), partial(stage.work, "c")))
    await turns()
    assert "c begins" not in stage.said
    stage.opens("a", "b", "c")
    await third
    await both.rest()
    assert stage.said[-1] == "c ends"


async def test_a_failure_is_raised_once_the_others_have_ended() -> None:
    stage, both = Stage(), SideBySide()

    async def fails() -> Any:
        raise StoreUnavailable("away")

    await both.do(event("a"), partial(stage.work, "a"))
    await both.do(event("b"), fails)
    resting = asyncio.create_task(both.rest())
    await turns()
    assert not resting.done()
    stage.opens("a")
    with pytest.raises(StoreUnavailable):
        await resting
    assert stage.said == ["a begins", "a ends"]


async def test_who_is_cancelled_leaves_nothing_running() -> None:
    stage, both = Stage(), SideBySide()
    await both.do(event("a"), partial(stage.work, "a"))
    resting = asyncio.create_task(both.rest())
    await turns()
    resting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await resting
    assert stage.said == ["a begins"]
    assert not both._running
