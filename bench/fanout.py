"""Fan-out: what one subscriber costs when there are many against when there are few, and at home against on board, how a process
grows by it, and whether somebody else's urgent notice gets through meanwhile.

Planning alone runs in a process of its own (fanning.py), a few, many and members of families in turn. The urgent notices run
through a whole gateway (`python main.py run --roles intake,dispatch`) whose sender sends at 80 a second, as a new number may:
notices of other flights, each with one subscriber, first with nothing else going on, then while a late flight with many
subscribers is being told. Those flights leave four hours before that one, so they are the more urgent by their deadline; the
priority is the same.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench import house, stage
from bench.children import child, first_line
from bench.crowd import Crowd
from bench.flights import HOUR
from bench.report import Row, alternated, percentile
from bench.sizes import Sizes
from gateway.model.ids import SubjectId
from gateway.runtime import Runtime

MANY, FEW, HOME, OTHERS = 500, 501, 510, 600
"""Groups of flights: of the many, of the few, of as few at home, and from which on those of one subscriber each."""
PER_SECOND = 80
SOONER = HOUR - 4
GAP_S = 0.2
PLAN_S = 3600.0
GROWTH = 20 * 1024 * 1024
"""Bytes that a process may grow by, from the few to the many."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fan-out: people, seconds on the clock, of process and store, its largest size meanwhile and before (bytes)."""

    people: int
    seconds: float
    busy: float
    rss: int
    before: int
    store: float = 0.0

    @property
    def each_us(self) -> float:
        return self.seconds / self.people * 1e6


@asynccontextmanager
async def planner(environ: dict[str, str]) -> AsyncIterator[Process]:
    async with child(["-m", "bench.fanning"], environ) as process:
        yield process


async def plan(process: Process, runtime: Runtime, group: int, number: int, people: int) -> Planned:
    """One event about this flight, told to all its subscribers. Raises RuntimeError when there were not so many."""
    assert process.stdin is not None
    busy = await stage.store_seconds(runtime)
    process.stdin.write(f"{group} {number}\n".encode())
    await process.stdin.drain()
    found = Planned(**json.loads(await first_line(process, PLAN_S)), store=await stage.store_seconds(runtime) - busy)
    if found.people != people:
        raise RuntimeError(f"{found.people} were planned where {people} follow the flight")
    return found


def _flights(crowd: Crowd, group: int, count: int) -> Iterator[tuple[SubjectId, ...]]:
    return itertools.repeat(tuple(crowd.subject(group, number) for number in range(count)))


async def measure(runtime: Runtime, environ: dict[str, str], graph: str, sizes: Sizes) -> list[Row]:
    """On an empty store, which is emptied in between: what was planned to be timed is not there to be sent."""
    crowd, rounds = Crowd(runtime), sizes.fan_rounds
    async with stage.unsynced(runtime):
        await crowd.load(sizes.fan_many, _flights(crowd, MANY, rounds))
        await crowd.load(sizes.fan_few, _flights(crowd, FEW, 3 * rounds + 1))
        await Crowd(runtime, at_home=True).load(sizes.fan_few, _flights(crowd, HOME, rounds + 1))
    rows = await _planning(runtime, environ, sizes)
    await stage.emptied(runtime)
    async with stage.unsynced(runtime):
        await crowd.load(sizes.fan_many, _flights(crowd, MANY, 1))
        others = [(crowd.subject(OTHERS + one // 10, one % 10),) for one in range(2 * sizes.notices)]
        await crowd.load(len(others), iter(others))
    return rows + await _urgent(environ, graph, sizes)


async def _planning(runtime: Runtime, environ: dict[str, str], sizes: Sizes) -> list[Row]:
    async with planner(environ) as process:
        flights = itertools.count()
        few = [await plan(process, runtime, FEW, next(flights), sizes.fan_few)]  # also loads what every process loads once
        await plan(process, runtime, HOME, sizes.fan_rounds, sizes.fan_few)
        many: list[Planned] = []
        home: list[Planned] = []
        for number in range(sizes.fan_rounds):  # few, many, few: a machine that becomes slower meanwhile is slower on both sides
            few.append(await plan(process, runtime, FEW, next(flights), sizes.fan_few))
            many.append(await plan(process, runtime, MANY, number, sizes.fan_many))
            few.append(await plan(process, runtime, FEW, next(flights), sizes.fan_few))
            home.append(await plan(process, runtime, HOME, number, sizes.fan_few))
            few.append(await plan(process, runtime, FEW, next(flights), sizes.fan_few))
    beside = _between(few[1::3], few[2::3])
    each = alternated(
        "fan-out, a subscriber of many",
        "us",
        list(zip([one.each_us for one in many], beside, strict=True)),
        1.2,
        "of few",
        least=False,
        note=f"{sizes.fan_many:,} against {sizes.fan_few:,}; {_busy(many)}, against {_busy(few[1:])}",
    )
    member = alternated(
        "fan-out, a member of a family",
        "us",
        list(zip([one.each_us for one in home], _between(few[2::3], few[3::3]), strict=True)),
        1.2,
        "a plain subscriber",
        least=False,
        note=f"{sizes.fan_few:,} against {sizes.fan_few:,}; {_busy(home)}, against {_busy(few[1:])}",
    )
    small, large = max(one.rss for one in few), max(one.rss for one in many)
    grown, most = max(large - small, 0) / 2**20, GROWTH / 2**20
    said = f"{sizes.fan_many:,} against {sizes.fan_few:,}: {large / 2**20:.0f} MiB against {small / 2**20:.0f}"
    growth = Row("fan-out, growth of the process", "MiB", grown, most, grown / most, 1.0, False, "at most", note=said)
    return [each, member, growth]


def _between(before: Sequence[Planned], after: Sequence[Planned]) -> list[float]:
    """What one cost in the rounds on either side of another one."""
    return [(one.each_us + other.each_us) / 2 for one, other in zip(before, after, strict=True)]


def _busy(planned: Sequence[Planned]) -> str:
    own, store = (statistics.median(getattr(one, name) / one.people * 1e6 for one in planned) for name in ("busy", "store"))
    return f"{own:.0f} us of the process and {store:.0f} of the store"


async def _urgent(environ: dict[str, str], graph: str, sizes: Sizes) -> list[Row]:
    environ = environ | {"GATEWAY_PER_SECOND": str(PER_SECOND)}
    async with house.gateway(environ, "intake,dispatch") as internal, aiohttp.ClientSession() as session:
        marks = Marks(session, graph)
        events = f"{internal}/v1/events"
        numbers = iter(range(2 * sizes.notices))
        alone = [await _notice(session, marks, events, next(numbers)) for _ in range(sizes.notices)]
        before = await marks.count()
        await marks.set(house.mark(MANY, 0))
        await house.post_event(session, events, house.event(MANY, 0))
        await marks.wait(house.mark(MANY, 0))  # from the first of the many on
        since = time.monotonic()
        beside = [await _notice(session, marks, events, next(numbers)) for _ in range(sizes.notices)]
        told, took = await marks.count() - before - len(beside), time.monotonic() - since
    if told >= sizes.fan_many:
        raise RuntimeError("the many were all told before the last notice: it would measure something else")
    note = f"{sizes.notices} notices beside {sizes.fan_many:,} at {told / took:.0f} a second"
    rows = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        a, b = percentile(beside, share), percentile(alone, share)
        rows.append(Row(f"urgent notice beside it, {name}", "ms", a, b, a / b, 5.0, False, "nothing else going on", note=note))
    worst = percentile(beside, 0.99)
    rows.append(Row("urgent notice beside it, p99", "ms", worst, 1000.0, worst / 1000, 1.0, False, "a second", note=note))
    return rows


async def _notice(session: aiohttp.ClientSession, marks: Marks, events: str, one: int) -> float:
    """Milliseconds from POST /v1/events to the wire."""
    group, number = OTHERS + one // 10, one % 10
    await asyncio.sleep(GAP_S)
    await marks.set(house.mark(group, number))
    started = time.monotonic_ns()
    await house.post_event(session, events, house.event(group, number, hour=SOONER))
    return (await marks.wait(house.mark(group, number)) - started) / 1e6


class Marks:
    """Asks the no-op server for the arrival of a message with some text in it."""

    def __init__(self, session: aiohttp.ClientSession, graph: str) -> None:
        self._session = session
        self._graph = graph

    async def set(self, text: str) -> None:
        """From now on."""
        await self._ask("mark", text)

    async def wait(self, text: str) -> int:
        """Its time, CLOCK_MONOTONIC in nanoseconds. Raises RuntimeError."""
        at = (await self._ask("marked", text))["at"]
        if at is None:
            raise RuntimeError(f"nothing with {text} arrived in time")
        return int(at)

    async def count(self) -> int:
        """How many arrived so far."""
        return int((await self._ask("arrivals", "", after="-1"))["count"])

    async def _ask(self, path: str, text: str, **more: str) -> dict[str, Any]:
        async with self._session.get(f"{self._graph}/{path}", params={"text": text, **more}) as response:
            answer: dict[str, Any] = await response.json()
        return answer
