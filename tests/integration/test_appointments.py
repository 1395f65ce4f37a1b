"""Appointments from their event to the phone: who is told, in which words, and nothing of a window that only trembles."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.model.event import BusinessEvent
from tests.integration.ladder_stage import Ladder, ladder_running
from tests.support.core import iso

HOUR = 60


@pytest.fixture
async def ladder(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Ladder]:
    async with ladder_running(redis_url, data_dir) as made:
        yield made


def at(ladder: Ladder, status: str, window: tuple[int, int] | None = None, **more: Any) -> BusinessEvent:
    """window: in minutes from the beginning of the test, on the hour"""
    data: dict[str, Any] = {"appointmentId": "A-77", "status": status, "brand": "zz", "what": "repair", **more}
    if window is not None:
        begins, ends = (iso(ladder.house.began_ms + minutes * 60_000) for minutes in window)
        data["window"] = {"from": begins, "to": ends}
    return ladder.house.event_of("appointment.status", "A-77", data, source="/field/planning")


async def expects(ladder: Ladder, *numbers: int) -> None:
    """These people have an order that an appointment may be of, and agreed to service news."""
    people = [ladder.house.recipient(number, purpose="service") for number in numbers]
    await ladder.house.tell(ladder.house.order(*people, number="SO-9", kind="service", itinerary=None))
    await ladder.house.dispatch()
    ladder.edge.asked.clear()


async def test_the_people_of_its_order_are_told_step_by_step(ladder: Ladder) -> None:
    await expects(ladder, 101, 102)
    of_order = {"orderNumber": "SO-9"}
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), **of_order))
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), **of_order))
    await ladder.hears(at(ladder, "moved", (5 * HOUR, 9 * HOUR), **of_order))
    await ladder.hears(at(ladder, "on_the_way", (5 * HOUR, 6 * HOUR)))
    await ladder.hears(at(ladder, "on_the_way", (5 * HOUR + 5, 6 * HOUR)))
    await ladder.hears(at(ladder, "on_the_way", (5 * HOUR + 10, 5 * HOUR + 40)))
    await ladder.hears(at(ladder, "done"))
    told = ["appointment_booked", "appointment_moved", "appointment_on_the_way", "appointment_window", "appointment_done"]
    assert ladder.names(101) == ladder.names(102) == told
    moved = next(one for one in ladder.phone(101) if one.name == "appointment_moved")
    assert moved.values[0] != moved.values[1], "it says the new window and the old one"
    booked = next(one for one in ladder.phone(101) if one.name == "appointment_booked")
    assert moved.values[1] == booked.values[0]


async def test_whom_the_event_names_it_is_for_and_nobody_else_of_the_order(ladder: Ladder) -> None:
    await expects(ladder, 101)
    named = [ladder.house.recipient(103, purpose="service")]
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9", recipients=named))
    await ladder.hears(at(ladder, "on_the_way", (5 * HOUR, 6 * HOUR), orderNumber="SO-9"))
    assert ladder.names(103) == ["appointment_booked", "appointment_on_the_way"]
    assert ladder.names(101) == []


async def test_without_consent_to_service_news_nothing_is_told(ladder: Ladder) -> None:
    await ladder.follow(101)  # agreed to news of the journey alone
    named = [ladder.house.recipient(101)]
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), recipients=named))
    assert ladder.names(101) == []
    assert await ladder.stands("appointment_booked") == ["s:no_consent"]


async def test_who_joins_the_order_later_is_told_what_holds(ladder: Ladder) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9"))
    later = [ladder.house.recipient(number, purpose="service") for number in (101, 104)]
    order = ladder.house.order(*later, number="SO-9", version=2, kind="service", itinerary=None)
    await ladder.hears(order)
    assert "appointment_booked" in ladder.names(104)
    assert ladder.names(101).count("appointment_booked") == 1


async def test_a_window_that_goes_back_and_forth_is_told_once_it_has_settled(ladder: Ladder) -> None:
    await expects(ladder, 101)
    for begins in (4, 6, 4, 6):
        await ladder.hears(at(ladder, "booked", (begins * HOUR, (begins + 2) * HOUR), orderNumber="SO-9"))
        await ladder.minutes(0.2)
    assert ladder.names() == ["appointment_booked", "appointment_moved"]
    await ladder.minutes(3)
    assert ladder.names() == ["appointment_booked", "appointment_moved"], "it settled where their phone says it is"


async def test_a_missed_one_says_who_missed_it(ladder: Ladder) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (1, 2 * HOUR), orderNumber="SO-9"))
    await ladder.hears(at(ladder, "missed", missedBy="us"))
    assert "we could not come" in ladder.phone()[-1].values[0]


IN_ORDER = ("appointment_booked", "appointment_moved", "appointment_on_the_way", "appointment_window", "appointment_done")
LADDER: tuple[tuple[str, tuple[int, int] | None], ...] = (
    ("booked", (4 * HOUR, 8 * HOUR)), ("moved", (6 * HOUR, 10 * HOUR)), ("on_the_way", (6 * HOUR, 7 * HOUR)),
    ("on_the_way", (6 * HOUR + 20, 6 * HOUR + 40)), ("done", None),
)  # fmt: skip


async def test_in_whatever_order_its_events_come_nothing_is_told_after_what_made_it_pointless(ladder: Ladder) -> None:
    """Each person's appointment climbs the ladder in an order of its own; between two steps some of what is planned is sent."""
    dice = random.Random(7)
    people = range(101, 105)
    events = []
    for number in people:
        steps = []
        for version, (status, window) in enumerate(LADDER):
            named = [ladder.house.recipient(number, purpose="service")]
            data = {**at(ladder, status, window).data, "appointmentId": f"A-{number}", "recipients": named}
            steps.append(ladder.house.event_of(
                "appointment.status", f"A-{number}", data, source="/field/planning", version=version, at_ms=version * 1000
            ))  # fmt: skip
        dice.shuffle(steps)
        events += steps
    for event in events:
        await ladder.house.tell(event)
        if dice.random() < 0.5:
            await ladder.house.dispatch()
    await ladder.minutes(4)
    for number in people:
        said = ladder.names(number)
        assert said.count("appointment_done") == 1, said
        assert sorted(said, key=IN_ORDER.index) == said, "what happened later is never told before what happened earlier"
        assert len(said) == len(set(said)), said
