"""Moments at their edges: beside ones that nobody here knows, clocks ahead, times that move towards us, who comes later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.event import BusinessEvent
from gateway.store import keys
from gateway.store.timers import Due, Timers
from tests.integration.moments_stage import BOARDING, CHECK_IN, DAY, MINUTE_MS, TRAIN, TRAIN_SOON, Stage
from tests.support.core import HOUR_MS, iso, open_house

ZONE = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with open_house(redis_url, data_dir) as house:
        yield Stage(house)


def timers_of(stage: Stage) -> Timers:
    runtime = stage.house.runtime
    return Timers(stage.house.redis, stage.house.clock, runtime.vault, runtime.events)


def at_clock(stage: Stage, days: int, hour: int) -> float:
    """So many hours after the house was opened it is this hour in Amsterdam, so many days from then."""
    there = datetime.fromtimestamp(stage.began_ms / 1000, ZONE) + timedelta(days=days)
    return (there.replace(hour=hour, minute=0, second=0, microsecond=0).timestamp() * 1000 - stage.began_ms) / HOUR_MS


def train(
    stage: Stage, status: str, expected: float, ends: tuple[str, str] = ("AMS", "LHR"), platform: str = ""
) -> BusinessEvent:
    """The train that is planned for six hours after the house was opened."""
    departure = {"scheduled": iso(stage.at(6)), "estimated": iso(stage.at(expected))}
    data: dict[str, Any] = {
        "trip": {
            "operator": "EXR", "tripNumber": "3542", "operatingDay": "2026-11-22",
            "from": {"code": ends[0]}, "to": {"code": ends[1]},
        },
        "status": status, "times": {"departure": departure},
    }  # fmt: skip
    if platform:
        data["platform"] = {"planned": "5", "actual": platform}
    return stage.house.event_of("trip.status", TRAIN, data)


async def test_moments_that_another_version_knows_do_not_stand_before_ours(stage: Stage) -> None:
    await stage.order(hours=48)
    subject = stage.subject()
    fields = {f"x{place}": stage.at(17) + place for place in range(40)}
    await stage.house.redis.hset(keys.of(subject, "j"), mapping={f"mo:{name}": f"{at}|99" for name, at in fields.items()})
    await stage.house.redis.zadd(keys.beside(subject, "timers"), {f"{subject}:{name}": at for name, at in fields.items()})
    await stage.pass_to(18)
    assert await stage.told("checkin_open") == 1
    assert await stage.house.redis.zcard(keys.beside(subject, "timers")) >= 40, "left to the one that knows them, for a day"
    stage.house.pass_ms(25 * HOUR_MS)
    for _ in range(3):
        await stage.firing.turn(keys.all_partitions())
    left = await stage.house.redis.zrange(keys.beside(subject, "timers"), 0, -1)
    assert not [one for one in left if b":x" in one]


async def test_a_moment_that_is_set_while_it_is_found_forgotten_stays(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on the timers, then cancelled, so that its memory names no time; then the flight goes after all."""
    await stage.order(hours=48)
    await stage.pass_to(17)
    stage.house.pass_ms(HOUR_MS)
    due = timers_of(stage)
    seen = (await due.due(keys.all_partitions(), limit=10))[0]
    await stage.house.tell(stage.says("cancelled", hours=48), stage.says("reinstated", hours=60))

    async def stale(partitions: Sequence[int], **_: Any) -> tuple[list[Due], int | None]:
        return [Due(one.subject, one.moment, one.due_ms, "") for one in seen], None

    monkeypatch.setattr(stage.firing._timers, "due", stale)
    await stage.firing.turn(keys.all_partitions())
    monkeypatch.undo()
    assert await stage.set_for(CHECK_IN) == 30
    await stage.pass_to(30)
    assert await stage.told("checkin_open") == 1


async def test_a_process_whose_clock_is_ahead_fires_nothing_before_its_time(stage: Stage) -> None:
    await stage.order(hours=48)
    stage.house.pass_ms(stage.at(18) - stage.house.clock.now_ms() - 10 * MINUTE_MS)

    class Ahead(Clock):
        def now_ms(self) -> int:
            return super().now_ms() + 15 * MINUTE_MS

    ahead = Ahead(stage.house.clock.offset_ms)
    runtime = stage.house.runtime
    hasty = Timers(stage.house.redis, ahead, runtime.vault, runtime.events)
    found, _ = await hasty.due(keys.all_partitions(), limit=10)
    moment = runtime.catalogue.moments.get(CHECK_IN)
    assert moment is not None
    assert await hasty.fire([(one, moment.event) for one in found]) == ["early"]
    assert await stage.set_for(CHECK_IN) == 18
    await stage.pass_to(18)
    assert await stage.told("checkin_open") == 1


async def test_a_train_that_makes_up_time_across_its_moment_is_told_of_at_once(stage: Stage) -> None:
    await stage.order(legs=[stage.leg(6, TRAIN, kind="trip")], kind="rail", brand="exr")
    await stage.house.tell(train(stage, "delayed", 6.25))
    assert await stage.set_for(TRAIN_SOON, TRAIN) == 5.25
    await stage.pass_to(5.1)
    assert await stage.told("train_reminder") == 0
    await stage.house.tell(train(stage, "scheduled", 6))
    await stage.come()
    assert await stage.told("train_reminder") == 1


async def test_one_day_of_travel_is_told_once_whether_in_its_evening_or_its_morning(stage: Stage) -> None:
    noon, evening = at_clock(stage, 3, 12), at_clock(stage, 2, 19)
    await stage.order(hours=noon)
    await stage.pass_to(evening)
    assert await stage.told("flight_reminder") == 1
    await stage.house.tell(stage.says("delayed", hours=noon, estimated=noon + 3))
    assert await stage.set_for(DAY) is None, "eight in the morning is of the same day"
    await stage.pass_to(noon)
    assert await stage.told("flight_reminder") == 1


async def test_the_next_day_is_another_day_of_travel_although_its_evening_is_near(stage: Stage) -> None:
    afternoon = at_clock(stage, 3, 16)
    await stage.order(hours=afternoon)
    await stage.pass_to(at_clock(stage, 3, 8))
    assert await stage.told("flight_reminder") == 1
    early = at_clock(stage, 4, 7)
    await stage.house.tell(stage.says(hours=early))
    assert await stage.set_for(DAY) == pytest.approx(at_clock(stage, 3, 19))
    await stage.pass_to(at_clock(stage, 3, 19))
    assert await stage.told("flight_reminder") == 2


async def test_who_books_after_others_were_reminded_is_not_reminded_either(stage: Stage) -> None:
    await stage.order(101, legs=[stage.leg(6, TRAIN, kind="trip")], kind="rail", brand="exr")
    await stage.pass_to(5)
    assert await stage.told("train_reminder", 101) == 1
    stage.house.pass_ms(5 * MINUTE_MS)
    await stage.order(102, legs=[stage.leg(6, TRAIN, kind="trip")], kind="rail", brand="exr")
    await stage.come()
    assert await stage.told("train_reminder", 102) == 0


async def test_boarding_that_was_called_without_a_time_is_not_called_again_by_the_timetable(stage: Stage) -> None:
    await stage.order(hours=6)
    await stage.house.tell(stage.says("delayed", hours=6))
    await stage.pass_to(5.2)
    await stage.house.tell(stage.says("boarding"))
    assert await stage.told("boarding") == 1
    await stage.house.tell(stage.says("delayed"))
    await stage.pass_to(5.5)
    assert (await stage.told("boarding"), await stage.told("boarding_begins")) == (1, 0)


async def test_a_few_minutes_more_after_the_call_for_boarding_are_no_second_call(stage: Stage) -> None:
    await stage.order(hours=6)
    await stage.pass_to(5.3)
    await stage.house.tell(stage.says("boarding", hours=6))
    await stage.house.tell(stage.says("delayed", hours=6, estimated=6.15))
    assert await stage.set_for(BOARDING) is None
    await stage.pass_to(5.6)
    assert (await stage.told("boarding"), await stage.told("boarding_begins")) == (1, 0)


async def test_a_flight_whose_first_word_is_another_time_than_its_moment_told_says_so(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.pass_to(18)
    assert await stage.told("checkin_open") == 1
    await stage.house.tell(stage.says(hours=51))
    assert await stage.told("flight_rescheduled") == 1
    await stage.house.tell(stage.says(hours=51, gate="D5"))
    assert await stage.told("flight_rescheduled") == 1


async def test_a_flight_whose_first_word_is_the_time_that_its_moment_told_is_no_news(stage: Stage) -> None:
    await stage.order(hours=48)
    await stage.pass_to(18)
    before = len(await stage.house.told(101))
    await stage.house.tell(stage.says(hours=48))
    assert len(await stage.house.told(101)) == before


async def test_who_waits_for_a_flight_that_leaves_days_late_hears_of_it_to_the_end(stage: Stage) -> None:
    await stage.order(hours=6)
    await stage.house.tell(stage.says("delayed", hours=6))
    await stage.pass_to(6 + 3 * 24)  # a day after the order's people would have stopped listening
    await stage.house.tell(stage.says("boarding", hours=6, estimated=79))
    await stage.house.tell(stage.says("departed", times={"departure": {"actual": iso(stage.at(79))}}))
    await stage.pass_to(81)
    await stage.house.tell(stage.says("arrived", times={"arrival": {"actual": iso(stage.at(81))}}))
    assert [await stage.told(one) for one in ("boarding", "flight_departed", "flight_landed")] == [1, 1, 1]
    await stage.pass_to(81 + 3 * 24)
    await stage.house.tell(stage.says("arrived", belt="7"))
    assert await stage.told("flight_belt") == 0, "it was over two days ago"


@pytest.mark.parametrize("first", [101, pytest.param(102, marks=pytest.mark.long)])
async def test_two_who_board_a_train_at_different_stations_each_hear_of_their_own(stage: Stage, first: int) -> None:
    house = stage.house

    def leg(hours: float, **ends: str) -> dict[str, Any]:
        named = {end: {"code": code.upper()[:2], "name": code} for end, code in ends.items()}
        return stage.leg(hours, TRAIN, kind="trip") | {"from": named["origin"], "to": named["destination"]}

    stations = {
        101: leg(6, origin="Utrecht", destination="Eindhoven"), 102: leg(7, origin="Den Bosch", destination="Maastricht"),
    }  # fmt: skip

    async def read(number: int, notification: str) -> tuple[dict[str, str], float]:
        """(what stands in it, when it is due in hours after the house was opened, 0 = at once)"""
        contact = await house.contact_of(number)
        (message,) = [one for one in await house.messages(contact.id) if one.notification == notification]
        due = (message.due_at_ms - stage.began_ms) / HOUR_MS if message.reason == "schedule" else 0
        return (await house.body(message))["forms"][0]["body"], due

    for number in (first, 203 - first):
        await stage.order(number, legs=[stations[number]], kind="rail", brand="exr")
    assert await stage.set_for(TRAIN_SOON, TRAIN) == 5, "before the first of them boards"
    await stage.pass_to(5)
    (one, at_once), (other, later) = [await read(number, "train_reminder") for number in (101, 102)]
    assert (one["origin"], one["destination"], at_once) == ("Utrecht", "Eindhoven", 0)
    assert (other["origin"], other["destination"], later) == ("Den Bosch", "Maastricht", 6), "an hour before they board"
    assert one["departure"] != other["departure"]
    await house.tell(train(stage, "delayed", 6.5, ("UT", "MT"), platform="7"))
    assert [await stage.told("platform_changed", number) for number in (101, 102)] == [0, 0], "the delay names it"
    (one, _), (other, _) = [await read(number, "trip_delayed") for number in (101, 102)]
    assert (one["origin"], other["origin"]) == ("Utrecht", "Den Bosch")
    assert one["when"] != other["when"]
    assert (one["platform"], other["platform"]) == ("7", "see boards")
    await house.tell(train(stage, "delayed", 6.5, ("UT", "MT"), platform="9"))
    assert [await stage.told("platform_changed", number) for number in (101, 102)] == [1, 0]
    contacts, known = house.runtime.contacts, (await house.runtime.subjects.read(stage.subject(TRAIN), "trip.status")).raw_base
    assert not await contacts.open_subject(stage.subject(TRAIN), 1, b"later", stage.at(90), seen=b"what was known before")
    assert (await house.runtime.subjects.read(stage.subject(TRAIN), "trip.status")).raw_base == known
