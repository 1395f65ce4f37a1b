"""From one subscription to a million: what dispatch, planning and memory do as the store fills.

Contacts come in thousands, each thousand with three flights of its own, so a contact has three subscriptions. At each size the
flights of one new thousand are late one after the other: planning alone is timed, then the whole dispatch of what was planned,
beside bare POSTs. Facts are trimmed behind their readers in a whole gateway; here they are dropped before memory is read.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import dispatch, stage
from bench.crowd import Crowd
from bench.fanning import size
from bench.flights import flight
from bench.picture import Line, chart
from bench.stage import NUMBER
from gateway.model.ids import SubjectId
from gateway.runtime import Runtime

FLIGHTS = 3
THOUSAND = 1000
SIZES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
BARE = 1000


@dataclass(frozen=True, slots=True)
class Point:
    """subscriptions: in the store; audience: contacts told by one event; dispatched, bare: a second; planned_us: a subscriber

    store, process: bytes of all that is in the store, and of this process
    """

    subscriptions: int
    contacts: int
    audience: int
    planned_us: float
    dispatched: float
    bare: float
    store: int
    process: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def measure(runtime: Runtime, graph: str, most: int, told: Callable[[str], None]) -> list[Point]:
    """On an empty store; sizes up to `most` subscriptions. told: a line as each is known."""
    points: list[Point] = []
    crowd, group, contacts, subscriptions = Crowd(runtime), 0, 0, 0
    empty = await stage.used_bytes(runtime)
    watched, outbox = dispatch.counting(runtime)
    told(HEAD)
    for wanted in (one for one in SIZES if one <= most):
        flights = min(wanted, FLIGHTS)
        more = -(-(wanted - subscriptions) // flights)
        async with stage.unsynced(runtime):
            await crowd.load(more, _following(crowd, group, flights))
        contacts, subscriptions = contacts + more, subscriptions + more * flights
        await stage.drop_history(runtime)
        store = await stage.used_bytes(runtime) - empty
        audience = min(more, THOUSAND)
        planned, sent, bare = [], [], []
        for number in range(flights):
            planned.append(await _plan(runtime, group, number) / audience * 1e6)
            bare.append(await _bare(runtime, graph))
            sent.append(await dispatch.dispatch_round(watched, outbox, audience))
        each, rate, limit = map(statistics.median, (planned, sent, bare))
        points.append(Point(subscriptions, contacts, audience, each, rate, limit, store, size()))
        told(_row(points[-1]))
        group += -(-more // THOUSAND)
    return points


def _following(crowd: Crowd, group: int, flights: int) -> Iterator[tuple[SubjectId, ...]]:
    """The flights of each contact, from the first of a group on."""
    for one in itertools.count(group):
        subjects = tuple(crowd.subject(one, number) for number in range(flights))
        yield from itertools.repeat(subjects, THOUSAND)


async def _plan(runtime: Runtime, group: int, number: int) -> float:
    await runtime.events.append_once([stage.event_about(runtime, group, number)])
    started = time.perf_counter()
    await stage.expand_all(runtime)
    return time.perf_counter() - started


async def _bare(runtime: Runtime, graph: str) -> float:
    body = b'{"flight":"%s","about":"%s"}' % (flight(0, 0).encode(), b"x" * 700)
    headers = {"Authorization": "Bearer bench-token", "Content-Type": "application/json"}
    return await dispatch.bare_round(f"{graph}/{runtime.settings.graph_version}/{NUMBER}/messages", body, headers, BARE)


# for people

HEAD = (
    "| subscriptions | contacts | told by one event | planning, µs a subscriber | dispatch, /s | bare POSTs, /s | ratio "
    "| store, MiB | store, B a subscription | process, MiB |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def _row(one: Point) -> str:
    cells = (
        f"{one.subscriptions:,}", f"{one.contacts:,}", f"{one.audience:,}", f"{one.planned_us:,.0f}", f"{one.dispatched:,.0f}",
        f"{one.bare:,.0f}", f"{one.dispatched / one.bare:.2f}", f"{one.store / 2**20:,.1f}",
        f"{one.store / one.subscriptions:,.0f}", f"{one.process / 2**20:,.0f}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def table(points: list[Point]) -> str:
    return "\n".join([HEAD, *map(_row, points)])


def draw(points: list[Point], folder: Path) -> list[Path]:
    """Three pictures; their paths."""

    def line(name: str, value: Callable[[Point], float]) -> Line:
        return Line(name, [(one.subscriptions, value(one)) for one in points])

    across = "subscriptions in the store"
    drawn = {
        "bench-dispatch.svg": chart(
            "Dispatch, one process, whole path", across, "a second",
            [line("dispatch", lambda one: one.dispatched), line("bare POSTs", lambda one: one.bare)],
        ),
        "bench-fanout.svg": chart(
            "Planning one event, up to a thousand subscribers", across, "µs a subscriber",
            [line("planning", lambda one: one.planned_us)], powers=True,
        ),
        "bench-memory.svg": chart(
            "Memory", across, "MiB",
            [line("store", lambda one: one.store / 2**20), line("process", lambda one: one.process / 2**20)],
            powers=True,
        ),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawn.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in drawn]
