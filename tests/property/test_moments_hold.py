"""A flight's check-in against a model: whatever moves, cancels or restores it, whoever fires, and whoever dies in between, it is
told at most once, never before its time by what was known when it was told, and told if its time came while it was of use.

Each example is a flight of its own in one house; time is the clock's offset and only goes forward.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gateway.store import keys
from tests.integration.moments_stage import CHECK_IN, MINUTE_MS, Stage
from tests.support.core import HOUR_MS, House, iso, open_house

AHEAD_MS, LAST_MS = 30 * HOUR_MS, HOUR_MS
DEAD_MS = 11_000
"""After this an event that somebody began and did not end is looked at again."""

Step = tuple[str, float]

HOURS = st.sampled_from([0.5, 1.5, 20.0, 29.9, 31.0, 40.0, 72.0])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["order", "flight", "flight", "late", "before_moment", "pass"]), HOURS),
    st.tuples(st.sampled_from(["cancel", "restore", "says", "gone", "to_due", "just_before"]), st.just(0.0)),
    st.tuples(st.sampled_from(["fire", "die", "come"]), st.just(0.0)),
)


@dataclass
class Model:
    """What was said of the flight last. planned, expected: ms"""

    planned: int
    expected: int | None = None
    spoken: bool = False
    over: bool = False
    said: bool = False
    listens: int = 0
    """until when the order's people hear of it: two days past its planned arrival, wherever the flight is moved"""

    @property
    def leaves(self) -> int:
        return self.expected or self.planned

    def has_come(self, now: int) -> bool:
        return not self.over and self.leaves - AHEAD_MS <= now < self.leaves - LAST_MS


@dataclass
class Play:
    stage: Stage
    number: int
    entity: str
    model: Model
    told: int = 0
    version: int = 1
    seen: list[Step] = field(default_factory=list)

    @property
    def now(self) -> int:
        return self.stage.house.clock.now_ms()

    async def begin(self) -> None:
        await self.order(self.model.planned)

    async def order(self, planned: int) -> None:
        times = {"departure": {"scheduled": iso(planned)}, "arrival": {"scheduled": iso(planned + HOUR_MS)}}
        leg = self.stage.house.leg(self.entity) | {"times": times}
        house = self.stage.house
        order = house.order(house.recipient(self.number), number=f"ZX{self.number}", itinerary=[leg], version=self.version)
        self.version += 1
        await self.apply(order)
        self.model.listens = planned + 49 * HOUR_MS

    async def apply(self, event: Any) -> None:
        """Applied now, before whatever is kept and waits."""
        assert await self.stage.house.keep(event) == ["new"]
        await self.stage.house.expander.expand(event)

    async def flight(self, status: str, **times: int) -> None:
        departure = {name: iso(at) for name, at in times.items()}
        said = {"departure": departure} if departure else {}
        await self.apply(self.stage.house.flight(status, entity=self.entity, times=said))
        self.model.spoken = True

    async def step(self, kind: str, hours: float) -> None:
        model, house, ms = self.model, self.stage.house, round(hours * HOUR_MS)
        planned = self.now // MINUTE_MS * MINUTE_MS + ms
        if kind == "order":
            await self.order(planned)
            if not model.spoken:
                model.planned = planned
        elif kind in ("flight", "before_moment"):
            if kind == "before_moment":
                await self.fire()
            await self.flight("scheduled", scheduled=planned)
            model.planned, model.expected, model.over = planned, None, False
        elif kind == "late" and not model.over:
            expected = model.planned + ms
            await self.flight("delayed", scheduled=model.planned, estimated=expected)
            model.expected = expected
        elif kind in ("cancel", "gone"):
            await self.flight("cancelled" if kind == "cancel" else "departed")
            model.over = True
        elif kind == "restore" and model.over:
            await self.flight("reinstated", scheduled=model.planned)
            model.expected, model.over = None, False
        elif kind == "says" and not model.over:
            await self.flight("check_in", scheduled=model.planned)
            model.said = True
        elif kind == "pass":
            house.pass_ms(ms)
        elif kind in ("to_due", "just_before"):
            until = model.leaves - AHEAD_MS - (30_000 if kind == "just_before" else 0)
            house.pass_ms(max(0, until - self.now))
        elif kind == "fire":
            await self.fire()
        elif kind == "die":
            await self.die()
        elif kind == "come":
            house.pass_ms(DEAD_MS)
            await self.stage.come()

    async def fire(self) -> None:
        """Two processes at once; what they make is not looked at yet."""
        other, _ = self.stage.other()
        await asyncio.gather(*(one.turn(keys.all_partitions()) for one in (self.stage.firing, other)))

    async def die(self) -> None:
        """Somebody fires, begins what is due, and is gone."""
        await self.fire()
        events = self.stage.house.runtime.events
        for found in await events.due(keys.all_partitions(), limit=10):
            await events.begin(found, look_again_ms=self.now + DEAD_MS - 1000)

    async def check(self, step: Step) -> None:
        before, now = self.told, self.now
        self.told = await self.stage.told("checkin_open", self.number)
        assert self.told <= 1, "told once"
        if self.told > before and step[0] != "says":
            assert self.model.has_come(now), "not before its time, nor when it is over"
        if step[0] == "come" and self.model.has_come(now) and now < self.model.listens and not self.model.said:
            assert self.told == 1, "told when its time has come"
        if self.told:
            assert await self.stage.set_for(CHECK_IN, self.entity) is None, "and set no more"


async def play(house: House, number: int, begins: float, steps: list[Step]) -> None:
    stage = Stage(house)
    entity = f"ZZ{1000 + number}/2026-11-22/AMS"
    now = house.clock.now_ms() // MINUTE_MS * MINUTE_MS
    one = Play(stage, number, entity, Model(now + round(begins * HOUR_MS)))
    await one.begin()
    for step in [*steps, ("come", 0.0), ("to_due", 0.0), ("come", 0.0)]:
        await one.step(*step)
        await one.check(step)
    await one.flight("cancelled")


@pytest.fixture
def play_in(redis: Redis, redis_url: str, data_dir: Path) -> Iterator[Callable[[float, list[Step]], None]]:
    with asyncio.Runner() as runner:
        opened = open_house(redis_url, data_dir)
        house = runner.run(opened.__aenter__())
        numbers = itertools.count(100)
        try:
            yield lambda begins, steps: runner.run(play(house, next(numbers), begins, steps))
        finally:
            runner.run(opened.__aexit__(None, None, None))


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(begins=HOURS, steps=st.lists(STEPS, min_size=2, max_size=9))
@settings(max_examples=5, deadline=None, suppress_health_check=QUIET, phases=[Phase.generate, Phase.explicit])
def test_check_in_is_told_once_and_in_its_time_whatever_happens(play_in: Any, begins: float, steps: list[Step]) -> None:
    play_in(begins, steps)


@pytest.mark.long
@pytest.mark.timeout(900)
@given(begins=HOURS, steps=st.lists(STEPS, min_size=2, max_size=16))
@settings(max_examples=60, deadline=None, suppress_health_check=QUIET, phases=[Phase.generate, Phase.explicit])
def test_the_same_at_length(play_in: Any, begins: float, steps: list[Step]) -> None:
    play_in(begins, steps)
