"""The governor over real facts: a day turned by, quality, failures and opt-outs; and what a hold-out shows."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from redis.asyncio import Redis

from gateway.errors import StoreUnavailable
from gateway.insight.fold import Fold
from gateway.insight.governor import DAY_MS, Governor
from gateway.insight.history import History, Position, open_history
from gateway.insight.rolled import Measures
from gateway.insight.watch_gauges import ROLLOUT, Survey
from gateway.metrics import Metrics
from gateway.model.contact import ConsentEntry
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId
from gateway.model.message import MessageState
from gateway.rules import rollout_moves
from gateway.rules.rollout import Limits, Match, Rollout, Stage, State
from gateway.scheduler.role import _jobs
from gateway.store import audit, keys
from gateway.store.facts import Facts
from gateway.store.outbox import Settlement
from gateway.store.readings import Readings
from gateway.store.rollouts import Rollouts
from tests.support.core import HOUR_MS, House, facts_of, open_house

PEOPLE = range(101, 113)
CHECK_IN = "checkin_open"
KEYS = f"index:{base64.b64encode(bytes(32)).decode()},1:{base64.b64encode(bytes(range(32))).decode()}"
"""The same at every run: who is in a share is chance, but the same chance each time."""


@dataclass
class Governed:
    house: House
    history: History
    book: Rollouts
    governor: Governor
    fold_: Fold

    async def fold(self) -> None:
        while await self.fold_.turn():
            pass

    async def turn(self) -> list[str]:
        await self.fold()
        return [move.kind for move in await self.governor.turn()]

    async def one(self) -> Rollout:
        return await self.book.get("check-in")

    async def begin(self, share: int, **more: Any) -> None:
        values: dict[str, Any] = {"match": Match(notifications=(CHECK_IN,)), "who": "ann", "why": "new"} | more
        await self.book.start(Rollout("check-in", "seed-1", share=share, **values))
        self.house.runtime.worlds.stale()

    async def told(self, event: BusinessEvent) -> set[ContactId]:
        await self.house.tell(event)
        found = [one for one in await self.house.messages() if one.notification == CHECK_IN and one.event == event.id]
        return {one.contact for one in found if one.state is MessageState.QUEUED}

    async def measures(self) -> Measures:
        await self.fold()
        now = self.house.clock.now_ms()
        return await self.history.rolled("check-in", since_ms=0, until_ms=now + 1)


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Governed]:
    async with open_house(redis_url, data_dir, GATEWAY_KEYS=KEYS) as house:
        await house.approve()
        orders = [house.order(house.recipient(number), number=f"ZX{number}") for number in PEOPLE]
        assert set(await house.keep(*orders)) == {"new"}
        await house.expand()
        history = await open_history(f"sqlite:///{data_dir / 'governed.db'}")
        fold = Fold(facts=Facts(redis, settle_ms=0), history=history, metrics=Metrics(), clock=house.clock, limit=500)
        await fold.hold(keys.all_partitions())
        book = Rollouts(redis, house.clock)
        runtime = house.runtime
        governor = Governor(book, Facts(redis), runtime.senders, runtime.directory, history, house.clock)
        yield Governed(house, history, book, governor, fold)
        await history.close()


async def test_it_rises_after_its_day_and_stops_within_a_turn_of_yellow_and_rises_no_more_by_itself(stage: Governed) -> None:
    house, senders = stage.house, stage.house.runtime.senders
    await stage.begin(5000, stages=(Stage(5000, DAY_MS, 2), Stage(8000, DAY_MS), Stage(10_000, 0)), stage=0)
    told = await stage.told(house.flight("check_in"))
    assert 2 <= len(told) < len(PEOPLE)
    assert await stage.turn() == []
    house.pass_ms(DAY_MS)
    assert await stage.turn() == ["rollout_raised"]
    assert ((await stage.one()).share, (await stage.one()).who) == (8000, "governor")

    sender = house.runtime.directory.ids[0]
    await senders.set_state(sender, {"quality": "YELLOW"})
    assert await stage.turn() == ["rollout_stopped"]
    stopped = await stage.one()
    assert (stopped.state, stopped.share, stopped.why) == (State.STOPPED, 8000, f"quality of {sender} is yellow")
    await senders.set_state(sender, {"quality": "GREEN"})
    house.pass_ms(3 * DAY_MS)
    assert await stage.turn() == []
    await stage.book.change(stopped, rollout_moves.resumed(stopped, who="bob", why="green again"), "rollout_resumed")
    assert await stage.turn() == []
    house.pass_ms(DAY_MS)
    jobs = {name: (seconds, work) for name, seconds, work in _jobs(house.runtime, stage.history)}
    seconds, work = jobs["govern"]
    assert seconds <= 60
    await work()
    assert (await stage.one()).share == 10_000
    said = [(fact.kind, fact.detail["who"]) for fact in await facts_of(house.redis) if fact.kind.startswith("rollout")]
    assert said == [
        ("rollout_started", "ann"), ("rollout_raised", "governor"), ("rollout_stopped", "governor"),
        ("rollout_resumed", "bob"), ("rollout_raised", "governor"),
    ]  # fmt: skip


async def test_it_does_not_rise_by_figures_that_are_not_whole_or_of_less_than_a_day(stage: Governed) -> None:
    house, senders = stage.house, stage.house.runtime.senders
    await stage.begin(5000, stages=(Stage(5000, HOUR_MS, 1), Stage(10_000, 0)), stage=0)
    assert await stage.told(house.flight("check_in"))
    await senders.set_state(house.runtime.directory.ids[0], {"tier": 100})
    house.pass_ms(HOUR_MS)
    # Twelve people in the first hour are 288 in a day: more than 80 of a tier of 100.
    assert await stage.turn() == []
    await senders.set_state(house.runtime.directory.ids[0], {"tier": 1000})
    quiet, *_ = [one for one in keys.all_partitions() if not await house.redis.exists(keys.part(one, "facts"))]
    minute_ago = int((await house.redis.time())[0]) * 1000 - 61_000
    await house.redis.xadd(keys.part(quiet, "facts"), {"f": f"1|{minute_ago}|opened||"}, id=f"{minute_ago}-0")
    await stage.fold()
    positions = await stage.history.positions(keys.all_partitions())
    behind = replace(positions[quiet], stream_id="0-0")

    async def not_yet(partitions: Sequence[int]) -> dict[int, Position]:
        return {**positions, quiet: behind}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.history, "positions", not_yet)
        assert await stage.governor.turn() == []
    assert [move.kind for move in await stage.governor.turn()] == ["rollout_raised"]


async def test_figures_that_do_not_come_keep_nobody_from_being_looked_at(stage: Governed) -> None:
    for name in ("a", "b", "c"):
        await stage.book.start(Rollout(name, "seed", Match(), 100, who="ann", why="new"))
    asked: list[str] = []

    async def hangs(name: str, **more: object) -> Measures:
        asked.append(name)
        raise asyncio.CancelledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.history, "rolled", hangs)
        for _ in range(4):
            with pytest.raises(asyncio.CancelledError):
                await stage.governor.turn()
        assert asked == ["a", "b", "c", "a"]
        await stage.house.runtime.senders.set_state(stage.house.runtime.directory.ids[0], {"quality": "YELLOW"})
        assert [(move.kind, move.after.name) for move in await stage.governor.turn()] == [
            ("rollout_stopped", name) for name in "abc"
        ]  # fmt: skip


async def test_a_count_that_takes_too_long_ends_and_the_fold_does_not_wait_for_it(tmp_path: Path) -> None:
    def endless(connection: sql.Connection, *args: object, **more: object) -> Measures:
        connection.execute(sql.text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"))
        return Measures()

    history = await open_history(f"sqlite:///{tmp_path / 'slow.db'}", call_s=0.3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.insight.rolled.read", endless)
        counts = [asyncio.create_task(history.rolled("r", since_ms=0, until_ms=1)) for _ in range(3)]
        await asyncio.sleep(0)
        assert len(await history.positions([1, 2])) == 2
        for one in counts:
            with pytest.raises(StoreUnavailable):
                await one
    assert await history.rolled("r", since_ms=0, until_ms=1) == Measures()
    await history.close()


async def test_messages_that_fail_stop_it(stage: Governed) -> None:
    house = stage.house
    await stage.begin(10_000, limits=Limits(failed=1000, opted_out=1000, least=5))
    await stage.told(house.flight("check_in"))
    assert await stage.turn() == []
    outbox = house.runtime.outbox
    for _ in range(4):  # what was planned before it leaves first
        claimed = await house.claim_all()
        if any(one.record.notification == CHECK_IN for one in claimed):
            break
        await outbox.settle([Settlement(one, "a", 1) for one in claimed])
    mine = [one for one in claimed if one.record.notification == CHECK_IN]
    assert len(mine) >= 3
    bad = [Settlement(one, "x", 1, reason="failed_at_channel", state=MessageState.DEAD) for one in mine[:3]]
    assert set(await outbox.settle(bad)) == {"settled"}
    assert await stage.turn() == ["rollout_stopped"]
    assert (await stage.one()).why == f"3 of {len(PEOPLE)} messages failed, more than 10 %"


async def test_people_who_stop_news_stop_it_and_the_alert_says_so_until_somebody_resumes(stage: Governed) -> None:
    house = stage.house
    await stage.begin(10_000, limits=Limits(failed=1000, opted_out=1000, least=5))
    told = sorted(await stage.told(house.flight("check_in")))
    at = house.clock.now_ms()
    for contact in told[:3]:
        no = ConsentEntry("journey", "whatsapp", "zz", False, at, "stop")
        assert await house.runtime.contacts.set_consents(contact, [no]) == [True]
    assert await stage.turn() == ["rollout_stopped"]
    runtime, metrics = house.runtime, Metrics()
    survey = Survey(
        readings=Readings(house.redis, house.clock), senders=runtime.senders, webhooks=runtime.webhooks,
        directory=runtime.directory, catalogue=runtime.catalogue, settings=runtime.settings, metrics=metrics, clock=house.clock,
    )  # fmt: skip

    async def fires() -> float | None:
        await survey.look()
        return metrics.registry.get_sample_value(
            "thuisfront_limit_reached", {"limit": ROLLOUT, "name": "check-in", "level": "100"}
        )

    assert await fires() == 1
    stopped = await stage.one()
    resumed = await stage.book.change(stopped, rollout_moves.resumed(stopped, who="bob", why="x"), "rollout_resumed")
    assert await fires() == 0
    await stage.book.end(resumed, who="bob", why="x")
    assert await fires() == 0


async def test_a_hold_out_is_compared_with_the_told_without_naming_anybody(stage: Governed) -> None:
    house = stage.house
    await stage.book.start(Rollout("a-all", "seed-2", Match(), 10_000, who="ann", why="all of them"))
    await stage.begin(6000, hold_out=4000)
    event = house.flight("check_in")
    told = sorted(await stage.told(event))
    by_reason: dict[str, list[ContactId]] = {"held_out": [], "not_in_rollout": []}
    for one in await house.messages():
        if one.event == event.id and one.reason in by_reason:
            by_reason[one.reason].append(one.contact)
    held = sorted(by_reason["held_out"])
    assert len(held) > 2
    for contact in (*told[:1], *held[:2]):
        await audit.write_fact(house.redis, house.clock, "opened", ids=[contact], detail={})
    house.pass_ms(49 * HOUR_MS)
    for contact in (told[1], held[2]):  # too late to be about this
        await audit.write_fact(house.redis, house.clock, "opened", ids=[contact], detail={})
    assert await stage.measures() == Measures(
        told=len(told), left_out=len(by_reason["not_in_rollout"]), held_out=len(held), messages=len(told),
        told_asked=1, held_out_asked=2,
    )  # fmt: skip
    names = [CHECK_IN]
    now = house.clock.now_ms()
    # Of two that let it pass each counts who was told, and no name stands for another.
    counted = [(await stage.history.rolled(name, since_ms=0, until_ms=now)).told for name in ("a-all", "a_all", "all")]
    assert counted == [len(told), 0, 0]
    assert await stage.history.people_of(names, since_ms=0, until_ms=now + 1) == len(PEOPLE)
    assert await stage.history.people_of(["flight_belt"], since_ms=0, until_ms=now + 1) == 0


@pytest.mark.long
async def test_a_governor_that_looked_before_a_person_did_changes_nothing(stage: Governed) -> None:
    await stage.begin(5000, stages=(Stage(5000, 0), Stage(8000, 0)), stage=0)
    seen = await stage.one()
    stale = replace(seen, share=8000, who="governor")
    await stage.book.change(seen, rollout_moves.held(seen, who="ann", why="wait"), "rollout_held")

    class Late(Rollouts):
        async def all(self) -> list[Rollout]:
            return [seen]

    runtime = stage.house.runtime
    late = Late(stage.house.redis, stage.house.clock)
    governor = Governor(late, Facts(stage.house.redis), runtime.senders, runtime.directory, stage.history, stage.house.clock)
    assert await governor.turn() == []
    assert (await stage.one()).state is State.HELD
    assert (await stage.one()).share != stale.share


@pytest.mark.long
async def test_without_figures_nothing_rises_and_bad_quality_stops_it_all_the_same(stage: Governed) -> None:
    await stage.begin(5000, stages=(Stage(5000, 0), Stage(8000, 0)), stage=0)
    broken = await open_history("sqlite:///:memory:")
    runtime = stage.house.runtime

    async def gone(*args: object, **more: object) -> Measures:
        raise StoreUnavailable("the history database did not answer")

    broken.rolled = gone  # type: ignore[method-assign]
    governor = Governor(stage.book, Facts(stage.house.redis), runtime.senders, runtime.directory, broken, stage.house.clock)
    assert await governor.turn() == []
    await runtime.senders.set_state(runtime.directory.ids[0], {"quality": "RED"})
    assert [move.kind for move in await governor.turn()] == ["rollout_stopped"]
    await broken.close()
