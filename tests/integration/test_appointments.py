"""Appointments from their event to the phone: who is told, in which words, and nothing of a window that only trembles."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.insight.hooks import webhook_of
from gateway.intake.dryrun import Rehearsal
from gateway.intake.role import make_firing
from gateway.model.event import BusinessEvent
from gateway.model.message import MessageRecord
from gateway.rules.routing import AHEAD, GENERAL
from gateway.store import keys
from tests.integration.ladder_stage import Ladder, ladder_running
from tests.support.core import facts_of, iso
from tests.support.house import house_running
from tests.support.meta import inbound, webhook
from tests.support.waiting import wait_until

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


async def test_a_dry_run_finds_the_people_of_its_order(ladder: Ladder) -> None:
    await expects(ladder, 101, 102)
    event = at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9")
    lines = (await Rehearsal(ladder.house.runtime).of(event)).lines
    assert [(line.notification, line.answer) for line in lines] == [("appointment_booked", "queued")] * 2
    assert ladder.names(101) == [], "a rehearsal tells nobody"


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


@pytest.mark.long
async def test_in_whatever_order_its_events_come_nothing_is_told_after_what_made_it_pointless(ladder: Ladder) -> None:
    """Each person's appointment climbs the ladder in an order of its own; between two steps some of what is planned is sent."""
    dice = random.Random(7)
    people = range(101, 108)
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


async def test_the_evening_before_they_are_reminded_once_and_after_a_move_to_another_day_once_more(ladder: Ladder) -> None:
    await expects(ladder, 101)
    firing = make_firing(ladder.house.runtime)

    async def hours_pass(hours: float) -> None:
        ladder.house.pass_ms(round(hours * HOUR * 60_000))
        await firing.turn(keys.all_partitions())
        await ladder.house.expand()
        await ladder.house.dispatch()

    # It is noon: tomorrow at six in the afternoon somebody comes.
    await ladder.hears(at(ladder, "booked", (30 * HOUR, 32 * HOUR), orderNumber="SO-9"))
    await hours_pass(5.9)
    assert ladder.names() == ["appointment_booked"]
    await hours_pass(0.2)
    await hours_pass(0.2)
    assert ladder.names() == ["appointment_booked", "appointment_reminder"]
    await ladder.hears(at(ladder, "moved", (54 * HOUR, 56 * HOUR)))
    await hours_pass(24)
    assert ladder.names() == ["appointment_booked", "appointment_reminder", "appointment_moved", "appointment_reminder"]
    await ladder.hears(at(ladder, "cancelled"))
    await hours_pass(30)
    assert ladder.names()[4:] == ["appointment_cancelled"]


# what a button does


async def newest(ladder: Ladder, name: str, number: int = 101) -> MessageRecord:
    return [one for one in await ladder.records(name, number) if one.state.value == "a"][-1]


async def text(ladder: Ladder, name: str) -> str:
    return str((await ladder.house.body(await newest(ladder, name)))["text"])


async def press(ladder: Ladder, key: str, under: str, *, times: int = 1) -> None:
    """Press a button under the newest message of this name; the channel calls so often."""
    house = ladder.house
    buttons = (await house.body(await newest(ladder, under)))["buttons"]
    button = next(one for one in buttons if f"/{key}/" in one["payload"])
    house.pass_ms(1000)
    said = inbound(house, "447700900101", {"type": "button", "button": {"payload": button["payload"], "text": button["label"]}})
    for _ in range(times):
        await house.runtime.webhooks.append("whatsapp", webhook(said))
    await house.take_webhooks()
    await house.dispatch()


async def passed_on(ladder: Ladder) -> list[str]:
    """Types of the outgoing webhooks about appointments."""
    facts = [one for kind in ("confirm", "move", "call_me") for one in await ladder.facts(f"appointment_{kind}")]
    made = [webhook_of(one, "") for one in facts]
    assert all(one is not None and b"447700900" not in one.body and b"A-77" not in one.body for one in made)
    return sorted(one.body.decode().split('"')[3] for one in made if one is not None)


async def test_a_yes_is_passed_on_once_and_noted(ladder: Ladder) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9"))
    await press(ladder, "confirm", "appointment_booked", times=3)
    await press(ladder, "confirm", "appointment_booked")
    assert await passed_on(ladder) == ["appointment.confirmed"]
    assert (await text(ladder, "appointment_confirmed")).startswith("Thank you, we have noted it: ")
    desk = ladder.house.runtime.conversations.desk
    assert await desk.queue(AHEAD) == await desk.queue(GENERAL) == []


async def test_a_yes_holds_for_a_window_that_got_narrower_and_not_for_one_that_moved(ladder: Ladder) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9"))
    await ladder.hears(at(ladder, "booked", (5 * HOUR, 6 * HOUR)))
    await press(ladder, "confirm", "appointment_booked")
    assert await passed_on(ladder) == ["appointment.confirmed"]
    await ladder.hears(at(ladder, "moved", (9 * HOUR, 10 * HOUR)))
    await press(ladder, "confirm", "appointment_booked")
    assert await passed_on(ladder) == ["appointment.confirmed"], "they never saw the new window"
    assert (await text(ladder, "appointment_outdated")).startswith("This has changed: your appointment is now ")
    await press(ladder, "confirm", "appointment_moved")
    assert await passed_on(ladder) == ["appointment.confirmed"] * 2


async def test_a_yes_to_a_window_that_moved_away_and_came_back_is_passed_on_again(ladder: Ladder) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9"))
    await press(ladder, "confirm", "appointment_booked")
    await ladder.hears(at(ladder, "moved", (9 * HOUR, 13 * HOUR)))
    await ladder.hears(at(ladder, "moved", (4 * HOUR, 8 * HOUR)))
    await press(ladder, "confirm", "appointment_moved", times=2)
    await press(ladder, "confirm", "appointment_booked")
    assert await passed_on(ladder) == ["appointment.confirmed"] * 2


async def test_a_yes_under_a_reminder_is_about_the_window_that_the_reminder_showed(ladder: Ladder) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (30 * HOUR, 34 * HOUR), orderNumber="SO-9"))
    await ladder.hears(at(ladder, "booked", (30 * HOUR, 33 * HOUR + 30)))  # half an hour of four is no news
    ladder.house.pass_ms(round(6.1 * HOUR * 60_000))
    await make_firing(ladder.house.runtime).turn(keys.all_partitions())
    await ladder.house.expand()
    await ladder.house.dispatch()
    await press(ladder, "confirm", "appointment_reminder")
    assert await passed_on(ladder) == ["appointment.confirmed"]


async def test_a_yes_to_what_was_called_off_is_not_kept(ladder: Ladder) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9"))
    await ladder.hears(at(ladder, "cancelled"))
    await press(ladder, "confirm", "appointment_booked")
    assert await passed_on(ladder) == []
    assert "no longer planned" in await text(ladder, "appointment_outdated")


@pytest.mark.parametrize(("key", "kind"), [("move", "appointment.move"), ("call_me", "appointment.call")])
async def test_who_wants_another_time_or_a_call_meets_a_person_who_sees_why(ladder: Ladder, key: str, kind: str) -> None:
    await expects(ladder, 101)
    await ladder.hears(at(ladder, "booked", (4 * HOUR, 8 * HOUR), orderNumber="SO-9"))
    await press(ladder, key, "appointment_booked", times=2)
    assert await passed_on(ladder) == [kind]
    assert "will look at your appointment" in await text(ladder, "appointment_to_a_person")
    conversations = ladder.house.runtime.conversations
    (first,) = await conversations.desk.queue(GENERAL)
    (line,) = [one for one in await conversations.thread(await conversations.get(first)) if one.origin]
    assert line.origin == (await newest(ladder, "appointment_booked")).id


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_from_the_event_to_a_tap_on_the_phone_and_back(data_dir: Path) -> None:
    async with house_running(data_dir) as house:
        status, answer = await house.event("ce-appointment-booked.json")
        assert status == 202, answer
        (booked,) = await house.wait_for("+447700900125", 1)
        assert booked["template"]["name"] == "appointment_booked_v1"
        assert booked["body"].startswith("Je afspraak: ")
        await house.says("+447700900125", button={"bubble": booked["id"], "index": 0})
        said = (await house.wait_for("+447700900125", 2))[1]
        assert said["body"].startswith("Fijn, we hebben het genoteerd: ")
        assert said["template"] is None
        assert house.runtime is not None
        redis = house.runtime.connection.redis

        async def kept() -> bool:
            return "appointment_confirm" in [one.kind for one in await facts_of(redis)]

        await wait_until(kept, timeout=15)


async def test_an_appointment_far_ahead_is_remembered_until_its_reminder_and_so_are_its_people(ladder: Ladder) -> None:
    await expects(ladder, 101)
    begins = 100 * 24 * HOUR  # an order's people listen for 62 days, and the store knows them for 30 more
    await ladder.hears(at(ladder, "booked", (begins, begins + 2 * HOUR), orderNumber="SO-9"))
    subject = ladder.house.runtime.vault.subject_id("appointment", "A-77")
    (due,) = [at_ms for _, at_ms in await ladder.house.redis.zrange(keys.beside(subject, "timers"), 0, -1, withscores=True)]
    assert await ladder.house.redis.pexpiretime(keys.of(subject, "j")) > due
    assert await ladder.house.redis.pexpiretime(keys.of(ladder.house.runtime.vault.subject_id("order", "SO-9"), "j")) > due
    ladder.house.pass_ms(int(due) - ladder.house.clock.now_ms())
    await make_firing(ladder.house.runtime).turn(keys.all_partitions())
    await ladder.house.expand()
    records = await ladder.house.messages(await ladder.house.find(101))
    assert "appointment_reminder" in [one.notification for one in records]
