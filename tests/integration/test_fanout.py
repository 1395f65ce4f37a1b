"""One event to many: whoever dies, leaves, comes or is taken back meanwhile, everybody who should hear of it does, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.insight.kinds import say
from gateway.intake.expand import CLOSE_AFTER_MS
from gateway.intake.role import make_expander
from gateway.model.contact import ConsentEntry
from gateway.model.ids import ContactId, EventId, partition_of
from gateway.planning.underway import Underway, underway
from gateway.store import keys
from gateway.store.erasure import Erasure
from gateway.store.fanout import Cursor, FanOut, Progress
from gateway.store.outbox import Plan
from tests.integration.pace_stage import ALL, Stage, pace_stage
from tests.support.core import facts_of
from tests.support.dying import run_until_death
from tests.support.edge import edge_running

FLIGHT = "ZZ1007/2026-11-22/AMS"
OTHER = "ZZ2009/2026-11-22/AMS"


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with pace_stage(redis_url, data_dir) as made:
        yield made


async def people_of(stage: Stage, entity: str = FLIGHT) -> list[ContactId]:
    found = await stage.house.runtime.contacts.subscribers_of([(one, stage.subject(entity), "") for one in ALL], 1000)
    return [contact for some in found for contact in some]


async def told(stage: Stage, notification: str = "flight_cancelled") -> Counter[ContactId]:
    return Counter(one.contact for one in await stage.house.messages() if one.notification == notification)


async def begun(stage: Stage, turns: int = 2) -> None:
    """The flight is cancelled, and some of its people are told."""
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    await stage.house.expander.look(ALL)
    assert await stage.house.expander.chunks(ALL, turns=turns) == turns


async def closed(stage: Stage) -> None:
    """Expand to the end, and past the second look."""
    for _ in range(3):
        await stage.house.expand()
        stage.house.pass_ms(CLOSE_AFTER_MS + 1000)
    await stage.house.expand()
    assert await stage.house.runtime.events.depth() == 0


# whoever dies


async def test_a_fan_out_whose_worker_dies_between_round_trips_goes_on_where_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, step, died = stage.house, 0, True
    await stage.followers({FLIGHT: 35})
    while died:
        step += 1
        # Even steps cancel, odd ones say that it goes after all: each takes out what the one before planned.
        status = "scheduled" if step % 2 == 0 else "cancelled"
        await house.keep(stage.cancelled(FLIGHT, 5, version=step, status=status))
        died = await run_until_death(house, make_expander(house.runtime), 2 * step - 1, monkeypatch)
        house.pass_ms(11_000)
        await house.expand(make_expander(house.runtime))
    assert step > 8
    counts = Counter((one.contact, one.event) for one in await house.messages())
    assert set(counts.values()) == {1}, "somebody was told the same twice"
    assert Counter(event for _, event in counts) == dict.fromkeys({event for _, event in counts}, 35)
    assert len({event for _, event in counts}) == step
    assert await stage.under_way() == 0


async def test_two_processes_at_one_fan_out_tell_everybody_once_and_leave_it_done(stage: Stage) -> None:
    await stage.followers({FLIGHT: 200})
    await stage.house.keep(stage.cancelled(FLIGHT, 5))
    workers = [make_expander(stage.house.runtime) for _ in range(3)]
    await asyncio.gather(*(stage.house.expand(one) for one in workers))  # a lease that has just moved: all believe they hold all
    assert set((await told(stage)).values()) == {1}
    assert len(await told(stage)) == 200
    assert await stage.under_way() == 0
    await closed(stage)


async def test_a_partition_that_a_failover_took_back_behind_its_messages_is_told_again(stage: Stage, redis: Redis) -> None:
    await stage.followers({FLIGHT: 300})
    await begun(stage, turns=3)
    partitions = Counter(partition_of(contact) for contact in await people_of(stage))
    taken_back = [number for number, _ in partitions.most_common(6)]
    before = {number: await snapshot(redis, number) for number in taken_back}
    await stage.house.expand()
    assert len(await told(stage)) == 300
    for number in taken_back:
        await restore(redis, number, before[number])
    lost = 300 - len(await told(stage))
    assert lost > 10
    await closed(stage)
    counts = await told(stage)
    assert (len(counts), set(counts.values())) == (300, {1})


async def test_a_partition_taken_back_to_before_the_event_is_found_by_the_second_look(stage: Stage, redis: Redis) -> None:
    await stage.followers({FLIGHT: 100})
    event = stage.cancelled(FLIGHT, 5)
    theirs = {partition_of(stage.subject(FLIGHT)), partition_of(event.id)}  # what the event itself wrote is not lost
    number = next(one for one in map(partition_of, await people_of(stage)) if one not in theirs)
    before = await snapshot(redis, number)
    await stage.house.keep(event)
    await stage.house.expand()
    await restore(redis, number, before)
    assert len(await told(stage)) < 100
    stage.house.pass_ms(CLOSE_AFTER_MS - 5000)
    await stage.house.expand()
    assert len(await told(stage)) < 100, "it is not looked at again before its time"
    await closed(stage)
    assert len(await told(stage)) == 100


async def snapshot(redis: Redis, partition: int) -> dict[bytes, bytes]:
    names = [bytes(raw) async for raw in redis.scan_iter(match=f"{{p:{partition:02d}}}*", count=1000)]
    return {name: bytes(await redis.dump(name) or b"") for name in names}


async def restore(redis: Redis, partition: int, found: dict[bytes, bytes]) -> None:
    """The partition as it was then; everything expires in a day."""
    now = [bytes(raw) async for raw in redis.scan_iter(match=f"{{p:{partition:02d}}}*", count=1000)]
    lives = {name: max(int(await redis.pttl(name)), 0) for name in now}
    await redis.delete(*now)
    for name, value in found.items():
        await redis.restore(name, lives.get(name, keys.DAY_MS), value)


# whoever comes and goes


async def not_yet_told(stage: Stage) -> ContactId:
    done = await told(stage)
    return next(contact for contact in await people_of(stage) if contact not in done)


async def test_who_leaves_before_their_turn_hears_nothing(stage: Stage) -> None:
    await stage.followers({FLIGHT: 100})
    await begun(stage)
    leaver = await not_yet_told(stage)
    await stage.house.runtime.contacts.unsubscribe(leaver, stage.subject(FLIGHT), "tests")
    await stage.house.expand()
    assert leaver not in await told(stage)
    assert len(await told(stage)) == 99


async def test_who_withdraws_is_not_told_whether_planned_already_or_not(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with edge_running() as edge, pace_stage(redis_url, data_dir, graph_url=edge.url) as stage:
        await stage.followers({FLIGHT: 60})
        await begun(stage, turns=1)
        planned, not_planned = next(iter(await told(stage))), await not_yet_told(stage)
        for contact in (planned, not_planned):
            at = stage.house.clock.now_ms()
            await stage.house.runtime.contacts.set_consents(
                contact, [ConsentEntry("journey", "whatsapp", "zz", False, at, "stop word")]
            )
        await stage.house.expand()
        await stage.house.dispatch()
        ends = {one.contact: (one.state.value, one.reason) for one in await stage.house.messages()}
        assert ends.pop(planned) == ("s", "withdrawn")
        assert ends.pop(not_planned) == ("s", "withdrawn")
        assert set(ends.values()) == {("a", "")}
        assert len(edge.asked) == 58


async def test_who_is_erased_meanwhile_is_told_nothing_and_holds_nobody_up(stage: Stage) -> None:
    runtime = stage.house.runtime
    await stage.followers({FLIGHT: 100})
    await begun(stage)
    planned, waiting = next(iter(await told(stage))), await not_yet_told(stage)
    erasure = Erasure(
        stage.house.redis, stage.house.clock, runtime.vault, runtime.contacts, runtime.conversations,
        runtime.directory.ids, runtime.pairs,
    )  # fmt: skip
    for contact in (planned, waiting):
        await erasure.erase(contact)
    await stage.house.expand()
    waits = {one.contact for one in await stage.house.messages() if one.state.value == "q"}
    assert len(waits) == 98
    assert not waits & {planned, waiting}
    sent = [one.contact for _ in range(10) for one in await stage.send(20)]
    assert len(sent) == 98


async def test_who_moved_to_another_contact_meanwhile_is_told_once(stage: Stage) -> None:
    await stage.followers({FLIGHT: 100})
    await begun(stage)
    done = await told(stage)
    there, (mover, other, alone, *_) = next(iter(done)), [one for one in await people_of(stage) if one not in done]
    await stage.house.redis.hset(keys.of(mover, "f"), "moved", there)
    await stage.house.redis.hset(keys.of(other, "f"), "moved", alone)
    await stage.house.expand()
    counts = await told(stage)
    assert mover not in counts
    assert other not in counts
    assert (counts[there], counts[alone]) == (1, 1)
    assert len(counts) == 98


async def test_who_joins_while_it_is_told_hears_of_it_once_wherever_the_cursor_stands(stage: Stage) -> None:
    house = stage.house
    await stage.followers({FLIGHT: 100})
    late = house.flight(late_min=40)
    await house.keep(late)
    await house.expander.look(ALL)
    await house.expander.chunks(ALL, turns=2)
    newcomers = [house.order(house.recipient(number), number=f"ORDER{number}") for number in range(201, 207)]
    await house.keep(*newcomers)
    await asyncio.gather(house.expand(), house.expand(make_expander(house.runtime)))
    for number in range(201, 207):
        assert (await house.told(number)).count("flight_delayed") == 1


# one subject


async def test_a_newer_event_that_takes_the_place_of_an_older_one_is_told_alone_to_the_rest(stage: Stage) -> None:
    await stage.followers({FLIGHT: 100})
    await begun(stage)
    heard = set(await told(stage))
    await stage.house.keep(stage.cancelled(FLIGHT, 5, version=2, status="scheduled"))
    await stage.house.expand()
    again = await told(stage, "flight_reinstated")
    assert (len(again), set(again.values())) == (100, {1})
    assert set(await told(stage)) == heard, "the cancellation went on although it is over"
    states = {one.state.value for one in await stage.house.messages() if one.notification == "flight_cancelled"}
    assert states == {"e"}


async def test_a_newer_event_for_named_orders_alone_ends_nothing_for_the_others(stage: Stage) -> None:
    await stage.followers({FLIGHT: 100})
    await begun(stage)
    audience = {"kind": "bookings", "refs": ["SOMEBODY1"]}
    await stage.house.keep(stage.cancelled(FLIGHT, 5, version=2, status="scheduled", audience=audience))
    await stage.house.expand()
    assert len(await told(stage)) == 100


async def test_a_small_audience_waits_for_an_older_event_that_is_still_being_told(stage: Stage) -> None:
    house = stage.house
    await stage.followers({FLIGHT: 30})
    await house.tell(stage.cancelled(FLIGHT, 5, status="scheduled", gate="D5"))
    await house.keep(stage.cancelled(FLIGHT, 5, version=2, status="scheduled", gate="D7"))
    await house.expander.look(ALL)
    for contact in (await people_of(stage))[:20]:
        await house.runtime.contacts.unsubscribe(contact, stage.subject(FLIGHT), "tests")
    await house.keep(house.flight(late_min=40, version=3, gate="D7"))
    await house.expander.look(ALL)
    assert not await house.messages(), "the delay has overtaken the gate"
    await house.expand()
    for contact in await people_of(stage):
        assert [one.notification for one in await house.messages(contact)] == ["gate_changed", "flight_delayed"]


async def test_a_cursor_moves_from_where_its_mover_began_and_never_goes_back(stage: Stage) -> None:
    fans, outbox = stage.house.runtime.fans, stage.house.runtime.outbox
    event, subject = EventId("e07aaaaaaaaaaaaaaaa"), stage.subject(FLIGHT)
    fan = FanOut(7, event, subject, 1, 1e11)
    assert await fans.open([fan]) == [Cursor("", 0)]

    async def move(start: str, cursor: str, *, done: bool = False) -> bool:
        plan = Plan(7, event, 1, subject, (), fan=fan.member, cursor=cursor, done=done, start=start)
        answer = await outbox.put(plan)
        assert answer.written
        return answer.moved

    assert await move("", "0.c07b")
    assert not await move("", "0.c07a"), "it began where another one had begun"
    assert await fans.open([fan]) == [Cursor("0.c07b", 0)]
    assert await move("0.c07b", "1.", done=True)
    assert not await move("0.c07b", "0.c07z"), "it was done"
    assert (await fans.cursors(event, [7]))[7].done_ms > 0  # type: ignore[union-attr]
    assert await fans.under_way(ALL) == []


# what can be seen of it


async def test_how_far_it_has_come_can_be_read_at_any_time(stage: Stage) -> None:
    await stage.followers({FLIGHT: 100, OTHER: 30})
    event = stage.cancelled(FLIGHT, 5)
    await stage.house.keep(event)
    await stage.house.expander.look(ALL)
    fans, audience = stage.house.runtime.fans, [stage.subject(FLIGHT)]
    partitions = await stage.house.runtime.subjects.partitions(audience[0])
    assert await fans.progress(event.id, audience, partitions) == Progress(100, 0, len(partitions))
    await stage.house.expander.chunks(ALL, turns=2)
    halfway = await fans.progress(event.id, audience, partitions)
    assert halfway.done == len(await told(stage))
    assert 0 < halfway.done < 100
    await stage.house.expand()
    whole = await fans.progress(event.id, audience, partitions)
    assert (whole.people, whole.done, whole.open) == (100, 100, 0)
    assert whole.done_ms > 0


async def test_the_pace_of_an_event_under_way_is_shown_until_it_is_closed(stage: Stage) -> None:
    runtime = stage.house.runtime

    async def now() -> Underway | None:
        return await underway(runtime.events, runtime.subjects, runtime.fans, runtime.clock, event.id)

    await stage.followers({FLIGHT: 100})
    event = stage.cancelled(FLIGHT, 5)
    assert await now() is None
    await stage.house.keep(event)
    found = await now()
    assert found is not None
    assert found.state == "waiting"
    await stage.house.expander.look(ALL)
    await stage.house.expander.chunks(ALL, turns=2)
    stage.house.pass_ms(10_000)
    found = await now()
    assert found is not None
    assert (found.state, found.people, found.done) == ("telling", 100, len(await told(stage)))
    assert found.per_second == pytest.approx(found.done / 10, rel=0.2)
    assert found.seconds_left == pytest.approx((100 - found.done) / found.per_second)
    assert f"{found.done} of 100 people" in found.sentence
    await stage.house.expand()
    found = await now()
    assert found is not None
    assert (found.state, found.done) == ("told", 100)
    await closed(stage)
    assert await now() is None


async def test_its_beginning_and_its_end_are_facts_about_the_event(stage: Stage) -> None:
    await stage.followers({FLIGHT: 100, OTHER: 10})
    small, large = stage.cancelled(OTHER, 5), stage.cancelled(FLIGHT, 5)
    await stage.house.keep(small, large)
    await closed(stage)
    said = [fact for fact in await facts_of(stage.house.redis) if fact.kind in ("fanning", "fanned")]
    assert [(fact.kind, fact.id_of("e"), fact.detail["people"]) for fact in said] == [
        ("fanning", large.id, "100"), ("fanned", large.id, "100"),
    ]  # fmt: skip
    assert float(said[1].detail["seconds"]) > 0
    assert "all 100 people have been looked at" in say(said[1], str)
