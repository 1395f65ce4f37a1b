"""Planning keeps half a minute ahead of its sender and no more; a sender that is held up delays no other one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.errors import Conflict
from gateway.intake.notices import Notices
from gateway.model.ids import SenderId
from gateway.planning.pacing import AHEAD_S, FRESH_S, TURN
from gateway.store import keys
from gateway.store.senders import Stop
from tests.integration.pace_stage import HALVES, Stage, pace_stage, sender_entry
from tests.support.waiting import wait_until

FLIGHT = "ZZ1007/2026-11-22/AMS"
SOONER = "ZZ2009/2026-11-22/AMS"
LATER = "ZZ3011/2026-11-22/AMS"
SENDER = SenderId("zz-wa")
PER_SECOND = 3
AHEAD = int(PER_SECOND * AHEAD_S)
"""Messages of half a minute."""


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with pace_stage(redis_url, data_dir, sender_entry("zz-wa", "zz", PER_SECOND)) as made:
        yield made


async def grown(stage: Stage) -> int:
    """How much is planned, once planning stands still for as long as a measured room counts."""
    count = -1
    while count != (count := await stage.planned()):
        await stage.house.expand()
        await asyncio.sleep(FRESH_S)  # not for something to happen: for planning to have had every chance
        await stage.house.expand()
    return count


async def test_planning_stops_half_a_minute_ahead_and_goes_on_as_far_as_is_sent(stage: Stage) -> None:
    await stage.followers({FLIGHT: 200})
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    first = await grown(stage)
    assert AHEAD <= first <= AHEAD + TURN
    await stage.send(30)
    assert AHEAD + 30 - TURN <= await grown(stage) <= AHEAD + 30 + TURN


async def test_two_processes_together_keep_the_same_half_minute(stage: Stage) -> None:
    await stage.followers({FLIGHT: 200})
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    workers = stage.workers()
    for _ in range(6):
        for worker, mine in workers:
            await worker.look(mine)
            await worker.chunks(mine)
    assert AHEAD <= await stage.planned() <= AHEAD + len(HALVES) * TURN


async def test_what_leaves_sooner_finds_room_behind_a_full_half_minute_and_what_leaves_later_waits(stage: Stage) -> None:
    await stage.followers({FLIGHT: 150, SOONER: 40, LATER: 40})
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    await grown(stage)
    await stage.house.keep(stage.cancelled(LATER, 8), stage.cancelled(SOONER, 2))
    await grown(stage)
    assert await stage.planned(stage.subject(SOONER)) == 40
    assert await stage.planned(stage.subject(LATER)) == 0
    told = [one.subject for _ in range(4) for one in await stage.send(10)]
    assert told == [stage.subject(SOONER)] * 40


@pytest.mark.parametrize("how", ["paused", "stopped", "all stopped"])
async def test_while_a_sender_is_held_up_planning_for_it_waits(stage: Stage, how: str) -> None:
    senders, now = stage.house.runtime.senders, stage.house.clock.now_ms()
    scope = "all" if how == "all stopped" else f"sender:{SENDER}"
    if how == "paused":
        await senders.set_state(SENDER, {"paused": now + 3600_000, "why": "code 131031"})
    else:
        await senders.stop(Stop(scope, 0, "tests", "look first", now))
    await stage.followers({FLIGHT: 60})
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    assert await grown(stage) == 0
    await senders.set_state(SENDER, {"paused": 0})
    await senders.resume(scope)
    await wait_until(lambda: planned_all(stage, 60), timeout=10)


async def planned_all(stage: Stage, people: int) -> bool:
    await stage.house.expand()
    return await stage.planned() == people


async def test_deadlines_keep_running_while_a_sender_is_paused_and_who_was_not_told_can_be_seen(stage: Stage) -> None:
    now = stage.house.clock.now_ms()
    await stage.house.runtime.senders.set_state(SENDER, {"paused": now + 48 * 3600_000, "why": "code 131031"})
    await stage.followers({FLIGHT: 60})
    await stage.house.keep(stage.cancelled(FLIGHT, 1))
    assert await grown(stage) == 0
    stage.house.pass_ms(5 * 3600_000)
    await stage.house.expand()
    ends = Counter((one.state.value, one.reason) for one in await stage.house.messages())
    assert ends == {("s", "expired"): 60}
    assert await stage.under_way() == 0


async def test_a_slowed_sender_is_planned_for_at_its_share(stage: Stage) -> None:
    for _ in range(2):
        await stage.house.runtime.senders.slow_down(SENDER, 600_000)
        await stage.house.redis.hdel(keys.bucket(SENDER), "cut")  # a second has passed
    assert (await stage.house.runtime.senders.speeds([SENDER]))[SENDER].share == pytest.approx(0.25)
    await stage.followers({FLIGHT: 100})
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    assert AHEAD // 4 <= await grown(stage) <= AHEAD // 4 + 2 * TURN


async def test_a_sender_that_is_held_up_or_full_delays_no_other(redis: Redis, redis_url: str, data_dir: Path) -> None:
    senders = [
        sender_entry("zz-wa", "zz", PER_SECOND),
        sender_entry("exr-wa", "exr", PER_SECOND, number="314159265358980"),
    ]
    async with pace_stage(redis_url, data_dir, *senders) as stage:
        await stage.followers({FLIGHT: 150})
        await stage.followers({LATER: 40}, brand="exr")
        await stage.house.keep(stage.cancelled(FLIGHT, 5), stage.cancelled(LATER, 8))
        await grown(stage)
        assert await stage.planned(stage.subject(FLIGHT)) <= AHEAD + TURN
        assert await stage.planned(stage.subject(LATER)) == 40, "the other brand's flight leaves later, by another sender"


async def test_people_of_one_event_by_another_sender_are_told_though_the_first_is_paused(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    senders = [
        sender_entry("zz-wa", "zz", PER_SECOND),
        sender_entry("exr-wa", "exr", PER_SECOND, number="314159265358980"),
    ]
    async with pace_stage(redis_url, data_dir, *senders) as stage:
        now = stage.house.clock.now_ms()
        await stage.house.runtime.senders.set_state(SENDER, {"paused": now + 3600_000, "why": "code 131031"})
        await stage.followers({FLIGHT: 60})
        await stage.followers({FLIGHT: 20}, brand="exr")
        await stage.house.keep(stage.cancelled(FLIGHT, 5))
        await wait_until(lambda: planned_all(stage, 80), timeout=10)
        by = Counter(one.sender for one in await stage.house.messages())
        assert by == {"zz-wa": 60, "exr-wa": 20}


async def test_one_full_sender_among_two_of_an_event_slows_it_to_what_the_other_can_send(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    senders = [
        sender_entry("zz-wa", "zz", PER_SECOND),
        sender_entry("exr-wa", "exr", 200, number="314159265358980"),
    ]
    async with pace_stage(redis_url, data_dir, *senders) as stage:
        await stage.followers({FLIGHT: 250})
        await stage.followers({FLIGHT: 40}, brand="exr")  # some among the first half minute of the other's people
        await stage.house.keep(stage.cancelled(FLIGHT, 5))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await wait_until(lambda: planned_all(stage, 290), timeout=20)
        assert (290 - AHEAD - 40 - 2 * TURN) / (loop.time() - begun) <= 200 * 1.1, "faster than its fastest sender"


async def test_what_waits_for_an_older_event_of_its_subject_lends_it_its_urgency(stage: Stage) -> None:
    await stage.followers({FLIGHT: 150, LATER: 40})
    await stage.house.tell(stage.cancelled(LATER, 6, status="scheduled", gate="D5"))
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    await grown(stage)
    await stage.house.keep(stage.cancelled(LATER, 6, version=2, status="check_in", gate="D5"))
    await grown(stage)
    assert await stage.planned(stage.subject(LATER)) == 0, "it is not urgent, and others wait"
    await stage.house.keep(stage.cancelled(LATER, 6, version=3, status="check_in", gate="D7"))
    await grown(stage)
    told: dict[str, list[str]] = {}
    for one in await stage.house.messages():
        if one.subject == stage.subject(LATER):
            told.setdefault(one.contact, []).append(one.notification)
    assert list(told.values()) == [["checkin_open", "gate_changed"]] * 40


async def test_a_notice_is_planned_no_faster_than_it_can_be_sent_and_goes_on_when_it_is_said_again(stage: Stage) -> None:
    await stage.followers({FLIGHT: 150})
    runtime, tries = stage.house.runtime, 0

    async def say() -> int:
        notices = Notices(runtime, within_s=0.2)
        made = await notices.made([stage.subject(FLIGHT)], {"en": "please come half an hour early."}, "journey")
        said = await notices.say(made, await notices.audience(made), who="tests", why="storm")
        return said.people

    with pytest.raises(Conflict, match=r"planned.*goes on"):
        await say()
    assert AHEAD <= await stage.planned() <= AHEAD + TURN
    while True:
        tries += 1
        await stage.send(AHEAD)
        try:
            assert await say() == 150
            break
        except Conflict:
            assert tries < 10
    while await stage.send(AHEAD):
        pass
    assert Counter(Counter(one.contact for one in stage.sent).values()) == {1: 150}
