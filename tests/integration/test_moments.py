"""Moments of a flight: one time, whoever follows it, told once, never before its time, and only if it still holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis

from gateway.insight.kinds import say
from gateway.intake.role import run
from gateway.model.event import EventType
from gateway.model.ids import EventId, SubjectId
from gateway.store import keys
from gateway.store.ahead import Ahead
from gateway.store.senders import Stop
from gateway.store.subjects import Before
from gateway.store.timers import SOURCE, Due, Timers
from tests.integration.moments_stage import BOARDING, CHECK_IN, DAY, TRAIN, TRAIN_SOON, Stage
from tests.support.core import HOUR_MS, facts_of, iso, open_house
from tests.support.waiting import wait_until


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with open_house(redis_url, data_dir) as house:
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


async def test_what_was_seen_to_be_due_and_moves_before_it_is_fired_makes_no_event(stage: Stage) -> None:
    await stage.order(hours=48)
    stage.house.pass_ms(stage.at(18) - stage.house.clock.now_ms())
    timers = Timers(stage.house.redis, stage.house.clock, stage.house.runtime.vault, stage.house.runtime.events)
    (due,), _ = await timers.due(keys.all_partitions(), limit=10)
    await stage.house.tell(stage.says(hours=72))
    open_before = await stage.house.runtime.events.depth()
    assert await timers.fire([(due, EventType.FLIGHT_STATUS)]) == ["moved"]
    assert await stage.house.runtime.events.depth() == open_before
    assert await stage.set_for(CHECK_IN) == 42


async def test_a_source_whose_clock_is_ahead_does_not_make_the_moment_older(stage: Stage) -> None:
    await stage.order(hours=48)
    stage.house.pass_ms(stage.at(18) - stage.house.clock.now_ms() - 30_000)
    await stage.house.tell(stage.says(hours=48, at_ms=4 * 60_000))
    await stage.pass_to(18.001)
    assert await stage.told("checkin_open") == 1


async def test_an_order_that_moves_the_flight_while_its_moment_is_applied_is_heard(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.order(hours=48)
    moved: list[SubjectId] = []
    subjects = stage.house.runtime.subjects
    before = subjects.before

    async def slow(subject: SubjectId, event: EventId, name: str, ahead: Ahead | None = None) -> Before:
        found = await before(subject, event, name, ahead)
        if name == "flight.status" and not moved:
            moved.append(subject)
            await stage.order(hours=72, version=2)
        return found

    monkeypatch.setattr(subjects, "before", slow)
    await stage.pass_to(18)
    assert moved == [stage.subject()]
    assert await stage.told("checkin_open") == 0
    assert await stage.set_for(CHECK_IN) == 42


async def test_whoever_is_put_on_another_flight_has_its_moments(stage: Stage) -> None:
    await stage.order(hours=48)
    other = {"carrier": "ZZ", "flightNumber": "1009", "originDate": "2026-11-24", "departure": iso(stage.at(72))}
    await stage.house.tell(stage.says("cancelled", hours=48, rebooking=other))
    assert await stage.set_for(CHECK_IN) is None
    assert await stage.set_for(CHECK_IN, "ZZ1009/2026-11-24/AMS") == 42
    await stage.pass_to(42)
    (message,) = [one for one in await stage.house.messages() if one.notification == "checkin_open"]
    assert (await stage.house.body(message))["forms"][0]["body"]["flight"] == "ZZ 1009"


async def test_the_evening_before_is_told_once_a_day_of_travel(stage: Stage) -> None:
    await stage.order(hours=46)  # ten by UTC, the day after tomorrow
    due = await stage.set_for(DAY)
    assert due is not None
    assert 28 < due < 31, "seven the evening before in Amsterdam, winter or summer"
    await stage.pass_to(due - 0.01)
    assert await stage.told("flight_reminder") == 0
    await stage.pass_to(due)
    assert await stage.told("flight_reminder") == 1
    await stage.house.tell(stage.says(hours=47))
    await stage.come()
    assert await stage.set_for(DAY) is None
    await stage.house.tell(stage.says(hours=70))
    await stage.pass_to(60)
    assert await stage.told("flight_reminder") == 2, "another day"


async def test_who_books_after_the_reminder_is_not_reminded(stage: Stage) -> None:
    await stage.order(hours=8)  # eight this evening by UTC: the reminder was for this morning
    await stage.come()
    assert await stage.told("flight_reminder") == 0
    assert await stage.set_for(DAY) is None


async def test_boarding_moves_with_the_flight_and_the_source_s_own_call_is_not_told_beside_it(stage: Stage) -> None:
    await stage.order(hours=6)
    assert await stage.set_for(BOARDING) == pytest.approx(6 - 2 / 3)
    await stage.house.tell(stage.says("delayed", hours=6, estimated=7))
    assert await stage.set_for(BOARDING) == pytest.approx(7 - 2 / 3)
    await stage.pass_to(6.5)
    assert await stage.told("boarding_begins") == 1
    await stage.house.tell(stage.says("boarding", hours=6, estimated=7))
    assert await stage.told("boarding") == 0
    await stage.pass_to(7.5)
    assert await stage.told("boarding_begins") == 1


async def test_boarding_that_the_source_called_for_is_not_told_by_the_clock_too(stage: Stage) -> None:
    await stage.order(hours=6)
    await stage.pass_to(5.2)
    await stage.house.tell(stage.says("boarding", hours=6))
    await stage.pass_to(5.6)
    assert (await stage.told("boarding"), await stage.told("boarding_begins")) == (1, 0)


async def test_boarding_is_told_again_where_it_moves_by_half_an_hour(stage: Stage) -> None:
    await stage.order(hours=6)
    await stage.pass_to(5.5)
    assert await stage.told("boarding_begins") == 1
    await stage.house.tell(stage.says("delayed", hours=6, estimated=8))
    await stage.pass_to(7.5)
    assert await stage.told("boarding_begins") == 2


async def test_boarding_begins_when_the_source_says_until_the_flight_moves_away_from_it(stage: Stage) -> None:
    await stage.order(legs=[stage.leg(6, boarding={"scheduled": iso(stage.at(5))})])
    assert await stage.set_for(BOARDING) == 5
    await stage.house.tell(stage.says(hours=6, times={"boarding": {"scheduled": iso(stage.at(5.1))}}))
    assert await stage.set_for(BOARDING) == pytest.approx(5.1)
    await stage.house.tell(stage.says("delayed", hours=6, estimated=9))
    assert await stage.set_for(BOARDING) == pytest.approx(9 - 2 / 3)


async def test_boarding_begins_when_the_passes_of_a_flight_say_until_it_moves_or_says_so_itself(stage: Stage) -> None:
    house = stage.house

    async def issued(boards: float, leaves: float | None, person: str = "Eva") -> float | None:
        times = {"boarding": iso(stage.at(boards))} | ({"scheduledOff": iso(stage.at(leaves))} if leaves is not None else {})
        passenger = {"surname": "Jansen", "givenNames": person, "recordLocator": "ZX101"}
        await house.tell(house.event("ce-flight-boarding-pass", version=None, passenger=passenger, times=times))
        return await stage.set_for(BOARDING)

    await stage.order(hours=6)
    assert await issued(5.25, 6) == 5.25
    assert [await issued(5.2, None, "Tom"), await issued(5.4, 6, "Ada")] == [5.2, 5.2], "the earliest: groups board one by one"
    assert [await issued(4.9, 7), await issued(1, 6), await issued(6.5, 6)] == [5.2] * 3, "of no such departure"
    await stage.order(hours=8, version=2)
    assert await stage.set_for(BOARDING) == pytest.approx(8 - 2 / 3)
    assert await issued(7.5, 8) == 7.5
    await house.tell(stage.says(hours=8))
    assert await stage.set_for(BOARDING) == 7.5, "the flight says nothing of it"
    await house.tell(stage.says("delayed", hours=8, estimated=9))
    assert await stage.set_for(BOARDING) == pytest.approx(9 - 2 / 3)
    assert await issued(8.5, 9) == 8.5
    await house.tell(stage.says(hours=8, estimated=9, times={"boarding": {"scheduled": iso(stage.at(8.4))}}))
    assert [await stage.set_for(BOARDING), await issued(8.1, 9)] == [8.4, 8.4], "the flight knows best"
    await stage.pass_to(8.4)
    assert await stage.told("boarding_begins") == 1


async def test_the_train_is_an_hour_away(stage: Stage) -> None:
    await stage.order(legs=[stage.leg(6, TRAIN, kind="trip")], kind="rail", brand="exr")
    assert await stage.set_for(TRAIN_SOON, TRAIN) == 5
    await stage.pass_to(5)
    assert await stage.told("train_reminder") == 1


async def test_check_in_is_told_for_the_first_leg_of_a_journey_alone(stage: Stage) -> None:
    second = stage.leg(51, "ZZ0522/2026-11-22/LHR")
    second |= {"from": second["to"], "to": {"code": "DUB"}}
    await stage.order(legs=[stage.leg(48), second])
    await stage.pass_to(30)
    assert await stage.facts(CHECK_IN, "ZZ0522/2026-11-22/LHR") == ["moment_set", "moment_came"]
    assert await stage.told("checkin_open") == 1
    await stage.pass_to(47.5)
    await stage.pass_to(50.5)
    assert await stage.told("boarding_begins") == 2


async def test_a_stop_of_their_source_holds_what_moments_say_and_nothing_else(stage: Stage) -> None:
    house = stage.house
    await stage.order(hours=48)
    await stage.pass_to(18)
    scope = f"source:{house.runtime.vault.blind('source', SOURCE)[:12]}"
    await house.runtime.senders.stop(Stop(scope, 0, "tests", "a wrong timetable", house.clock.now_ms()))
    await house.brakes.refresh()
    contact = await house.contact_of(101)
    stopped = {
        one.notification: house.brakes.stops(one, await house.body(one), contact) is not None for one in await house.messages()
    }
    assert stopped == {"order_confirmed": False, "checkin_open": True}


async def test_a_running_gateway_is_not_two_seconds_late(stage: Stage) -> None:
    """The role's own loop, which nobody wakes."""
    runtime = stage.house.runtime
    running = asyncio.create_task(run(runtime))
    try:
        soon = (runtime.clock.now_ms() + 1500 - stage.began_ms) / HOUR_MS
        await stage.house.keep(stage.house.order(stage.house.recipient(101), itinerary=[stage.leg(soon + 30)]))

        async def told() -> bool:
            return await stage.house.find(101) is not None and await stage.told("checkin_open") == 1

        await wait_until(told, timeout=20)
        (came,) = [one for one in await facts_of(stage.house.redis) if one.kind == "moment_came"]
        assert 0 <= came.at_ms - int(came.detail["at"]) < 2000
    finally:
        runtime.stopping.set()
        await running


async def test_check_in_that_opens_at_night_waits_for_the_morning(stage: Stage) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    there = datetime.fromtimestamp(stage.began_ms / 1000, zone)
    night = (there + timedelta(days=2)).replace(hour=4, minute=0)
    opens = (night.timestamp() * 1000 - stage.began_ms) / HOUR_MS
    await stage.order(hours=opens + 30)
    await stage.pass_to(opens + 0.01)
    (message,) = [one for one in await stage.house.messages() if one.notification == "checkin_open"]
    due = datetime.fromtimestamp(message.due_at_ms / 1000, zone)
    assert (message.state.value, message.reason, due.date()) == ("q", "night", night.date())
    assert 6 <= due.hour <= 9


async def test_each_step_of_a_moment_is_a_sentence(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.house.tell(stage.says(hours=72))
    await stage.pass_to(42)
    await stage.house.tell(stage.says("cancelled", hours=72))
    said = [
        say(one, lambda at: f"{(at - stage.began_ms) / HOUR_MS:g}") for one in await facts_of(stage.house.redis)
        if one.kind.startswith("moment_") and one.detail["moment"] in (CHECK_IN, "boarding_begins")
    ]  # fmt: skip
    assert said[0] == "check in opens is set for 18"
    assert "check in opens was set for 18, and is for 42 now" in said
    assert "check in opens has come: it was set for 42" in said
    assert said[-1].startswith("boarding begins was set for 71.33")
    assert said[-1].endswith("and does not come any more")


async def test_a_moment_that_nobody_knows_is_dropped_a_day_later_and_one_set_anew_meanwhile_is_not(stage: Stage) -> None:
    await stage.order(hours=48)
    subject, redis = stage.subject(), stage.house.redis
    timers = Timers(redis, stage.house.clock, stage.house.runtime.vault, stage.house.runtime.events)
    names = keys.beside(subject, "timers"), keys.of(subject, "j")
    unknown = Due(subject, "of_another_version", stage.at(1), f"{stage.at(1)}|900")
    await redis.zadd(names[0], {f"{subject}:{unknown.moment}": unknown.due_ms})
    await redis.hset(names[1], f"mo:{unknown.moment}", unknown.set)
    await stage.pass_to(2)
    assert await stage.set_for(unknown.moment) == 1, "another version may know it"
    assert not await timers.drop(replace(unknown, set=f"{stage.at(1)}|899"))
    assert await stage.set_for(unknown.moment) == 1
    await stage.pass_to(26)
    assert await stage.set_for(unknown.moment) is None
    assert not await redis.hexists(names[1], f"mo:{unknown.moment}")


async def test_a_moment_whose_subject_is_forgotten_is_dropped(stage: Stage) -> None:
    subject = stage.subject()
    await stage.house.redis.zadd(keys.beside(subject, "timers"), {f"{subject}:{CHECK_IN}": stage.at(-1)})
    assert await stage.come() == 0
    assert await stage.set_for(CHECK_IN) is None
