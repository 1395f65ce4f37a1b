"""Two legs of an order: who may miss the second hears it once, and once that it fits again, whichever of the two moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake.role import make_expander, make_firing
from gateway.store import keys
from tests.integration.ladder_stage import ladder_running
from tests.integration.rebooking_stage import HOUR_MS, OLD, Stage
from tests.support.core import iso

NEXT = "ZZ2003/2026-11-22/LHR"


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with ladder_running(redis_url, data_dir) as made:
        yield Stage(made)


def legs(stage: Stage) -> list[dict[str, Any]]:
    """AMS-LHR arrives an hour before LHR-DUB leaves."""
    began = stage.ladder.house.began_ms
    departure, arrival = iso(began + 7 * HOUR_MS), iso(began + 8 * HOUR_MS)
    onward = {
        "entity": NEXT, "type": "flight", "from": {"code": "LHR", "timezone": "Europe/London"},
        "to": {"code": "DUB", "timezone": "Europe/Dublin"},
        "times": {"departure": {"scheduled": departure}, "arrival": {"scheduled": arrival}},
    }  # fmt: skip
    return [stage.ladder.house.leg(), onward]


async def books(stage: Stage, *numbers: int) -> None:
    for number in numbers:
        await stage.ladder.follow(number, itinerary=legs(stage))


async def connections(stage: Stage, number: int) -> list[str]:
    return [name.removeprefix("flight_") for name in await stage.names(number) if "connection" in name]


def next_leg(stage: Stage, late_min: int) -> Any:
    departure = stage.ladder.house.began_ms + 7 * HOUR_MS
    times = {"departure": {"scheduled": iso(departure), "estimated": iso(departure + late_min * 60_000)}}
    return stage.flight("delayed", entity=NEXT, times=times)


async def test_who_may_miss_the_next_leg_hears_it_once_and_once_that_it_fits_again(stage: Stage) -> None:
    await books(stage, 101)
    await stage.ladder.follow(102)
    await stage.hears(stage.flight("delayed", late_min=10))
    assert await connections(stage, 101) == []
    await stage.hears(stage.flight("delayed", late_min=40), stage.flight("delayed", late_min=50))
    assert await connections(stage, 101) == ["connection_tight"]
    (tight,) = await stage.records(101, "flight_connection_tight")
    assert (await stage.text(tight)).startswith("You may miss your connection to Dublin.")
    assert tight.deadline_ms == stage.ladder.house.began_ms + 7 * HOUR_MS
    await stage.hears(next_leg(stage, 60))
    assert await connections(stage, 101) == ["connection_tight", "connection_fits"]
    await stage.hears(next_leg(stage, 10))
    assert await connections(stage, 101) == ["connection_tight", "connection_fits", "connection_tight"]
    assert await connections(stage, 102) == [], "who only flies the first leg has nothing to catch"


async def test_two_events_and_a_worker_that_takes_one_up_again_tell_it_once(stage: Stage) -> None:
    await books(stage, 101)
    late = stage.flight("delayed", late_min=40)
    await stage.hears(late)
    await make_expander(stage.ladder.house.runtime).expand(late)
    await stage.ladder.house.dispatch()
    await stage.hears(next_leg(stage, 5))
    assert await connections(stage, 101) == ["connection_tight"]


async def test_what_still_waits_when_it_fits_again_is_not_said_and_nor_is_that_it_fits(stage: Stage) -> None:
    await books(stage, 101)
    house = stage.ladder.house
    await house.tell(stage.flight("delayed", late_min=40))  # planned, and the channel is slow
    await house.tell(next_leg(stage, 60))  # the other leg: another subject, with versions of its own
    await house.dispatch()
    assert await connections(stage, 101) == [], "their phone says nothing of it, and that is so"
    found = await house.messages(await house.find(101))
    ended = {one.notification: one.reason for one in found if "connection" in one.notification}
    assert ended == {"flight_connection_tight": "replaced", "flight_connection_fits": "already_known"}
    await stage.hears(next_leg(stage, 10))
    assert await connections(stage, 101) == ["connection_tight"]
    await house.tell(next_leg(stage, 60), next_leg(stage, 5))
    await house.dispatch()
    assert await connections(stage, 101) == ["connection_tight"], "it fitted only while nobody was told"


@pytest.mark.long
async def test_who_books_later_hears_that_it_is_tight(stage: Stage) -> None:
    await books(stage, 101)
    await stage.hears(stage.flight("delayed", late_min=40))
    house = stage.ladder.house
    await house.tell(house.order(house.recipient(103), number="ZX103", itinerary=legs(stage)))
    await house.dispatch()
    assert await connections(stage, 103) == ["connection_tight"]


@pytest.mark.long
async def test_somebody_who_was_put_on_another_first_leg_is_told_by_that_one(stage: Stage) -> None:
    await books(stage, 101)
    await stage.hears(stage.cancelled({**stage.later, "to": "LHR", "departure": iso(stage.ladder.house.began_ms + 5 * HOUR_MS),
                                       "arrival": iso(stage.ladder.house.began_ms + 6 * HOUR_MS)}))  # fmt: skip
    assert OLD in await stage.follows(101)
    await stage.hears(stage.flight("delayed", entity="ZZ1009/2026-11-22/AMS", late_min=45))
    assert await connections(stage, 101) == ["connection_tight"]


THIRD = "ZZ3003/2026-11-22/DUB"


def third(stage: Stage) -> dict[str, Any]:
    """DUB-ORK leaves an hour after LHR-DUB arrives."""
    began = stage.ladder.house.began_ms
    times = {"departure": {"scheduled": iso(began + 9 * HOUR_MS)}, "arrival": {"scheduled": iso(began + 10 * HOUR_MS)}}
    places = {"from": {"code": "DUB", "timezone": "Europe/Dublin"}, "to": {"code": "ORK", "timezone": "Europe/Dublin"}}
    return {"entity": THIRD, "type": "flight", "times": times, **places}


async def test_the_second_connection_is_told_of_beside_the_first(stage: Stage) -> None:
    await stage.ladder.follow(101, itinerary=[*legs(stage), third(stage)])
    await stage.hears(stage.flight("delayed", late_min=40))
    assert await connections(stage, 101) == ["connection_tight"]
    await stage.hears(next_leg(stage, 60))
    assert sorted(await connections(stage, 101)) == ["connection_fits", "connection_tight", "connection_tight"]
    (_, second) = await stage.records(101, "flight_connection_tight")
    assert "Cork" in await stage.text(second) or "ORK" in await stage.text(second)
    await stage.hears(next_leg(stage, 0))
    assert sorted(await connections(stage, 101)) == ["connection_fits"] * 2 + ["connection_tight"] * 3


async def test_a_leg_that_only_orders_know_is_as_they_say_last_also_when_its_moment_has_come(stage: Stage) -> None:
    house, number = stage.ladder.house, 101
    await books(stage, number)
    firing = make_firing(house.runtime)
    assert (await firing.turn(keys.all_partitions()))[0] > 0, "check-in of both"
    await house.expand()
    first, second = legs(stage)
    second["times"] = {end: {"scheduled": iso(house.began_ms + at * HOUR_MS)} for end, at in (("departure", 9), ("arrival", 10))}
    await house.tell(house.order(house.recipient(number), number=f"ZX{number}", version=2, itinerary=[first, second]))
    await stage.hears(stage.flight("delayed", late_min=40))
    assert await connections(stage, number) == [], "there are two hours more now"


async def test_a_timetable_that_moves_one_leg_over_the_other_is_told(stage: Stage) -> None:
    await books(stage, 101)
    began = stage.ladder.house.began_ms
    times = {end: {"scheduled": iso(began + at * HOUR_MS)} for end, at in (("departure", 6.5), ("arrival", 7.5))}
    await stage.hears(stage.flight("scheduled"), stage.flight("scheduled", times=times))
    assert await connections(stage, 101) == ["connection_tight"]


async def test_who_leaves_the_train_before_its_last_station_is_told_by_their_own_arrival(stage: Stage) -> None:
    """Somebody else boards it earlier and stays longer; its own news speaks of the whole way."""
    began = stage.ladder.house.began_ms

    def train(number: str, leaves: float, arrives: float, origin: str, destination: str) -> dict[str, Any]:
        return {
            "entity": f"EXR/{number}/2026-11-22", "type": "trip", "from": {"code": origin}, "to": {"code": destination},
            "times": {
                "departure": {"scheduled": iso(began + round(leaves * HOUR_MS))},
                "arrival": {"scheduled": iso(began + round(arrives * HOUR_MS))},
            },
        }  # fmt: skip

    mine = [train("3542", 5, 6, "UT", "EHV"), train("5210", 6.25, 7, "EHV", "VL")]
    await stage.ladder.follow(101, itinerary=mine)
    await stage.ladder.follow(102, itinerary=[train("3542", 4.5, 7, "AMS", "MT")])
    whole = train("3542", 4.5, 7, "AMS", "MT")
    times = {
        "departure": {**whole["times"]["departure"], "estimated": iso(began + 5 * HOUR_MS)},
        "arrival": {**whole["times"]["arrival"], "estimated": iso(began + round(7.5 * HOUR_MS))},
    }
    late = {
        "trip": {"operator": "EXR", "tripNumber": "3542", "operatingDay": "2026-11-22", "from": whole["from"], "to": whole["to"]},
        "status": "delayed", "times": times,
    }  # fmt: skip
    await stage.hears(stage.ladder.house.event_of("trip.status", "EXR/3542/2026-11-22", late))
    assert "trip_connection_tight" in await stage.names(101), "half an hour late at six, and on at a quarter past"
