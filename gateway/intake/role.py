"""The intake role's loops: events in hand as they come; events whose time has come and one turn each for the fan-outs under way;
every source that is set.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog

from gateway.errors import StoreError
from gateway.intake.expand import Expander
from gateway.intake.fuse import Fuse
from gateway.intake.moments import Firing
from gateway.intake.orders import Orders
from gateway.intake.sidebyside import SideBySide
from gateway.intake.sources.configured import pumps
from gateway.intake.stores import Stores
from gateway.intake.taking import Deps
from gateway.model.ids import EventId
from gateway.planning.pacing import Pacer
from gateway.planning.telling import Teller
from gateway.planning.waiting import Waiting
from gateway.rules.fuse import Limits, of_notifications
from gateway.runtime import Runtime
from gateway.store import keys
from gateway.store.apikeys import ApiKeys
from gateway.store.dialogues import Dialogues
from gateway.store.events import Handed
from gateway.store.fuses import Fuses
from gateway.store.invitations import Invitations
from gateway.store.kept import Kept
from gateway.store.ownership import Ownership
from gateway.store.passes import Passes
from gateway.store.timers import Timers

IDLE_S = 1.0
OTHERS_MS = 2_000
"""How long an event waits for the process whose partition it lies in before any other takes it up."""
STORM = 16
"""Events of one look above which the fan-outs get one turn before the next."""
TURNS = 8
AFTERWARDS_S = 0.02

Result = TypeVar("Result")

log = structlog.get_logger()


def fuse_limits(runtime: Runtime, names: Sequence[str]) -> Limits:
    """How many people an event with these notifications may reach unseen."""
    known = (runtime.catalogue.get(name) for name in names)
    limits = Limits(runtime.settings.fuse_people, runtime.settings.fuse_second_person)
    return of_notifications(limits, [one.fuse_people for one in known if one is not None])


def make_expander(runtime: Runtime) -> Expander:
    orders = Orders(
        runtime.contacts,
        runtime.subjects,
        runtime.vault,
        runtime.directory,
        runtime.connectors,
        runtime.settings.brand,
        Invitations(runtime.connection.redis, runtime.clock, runtime.vault),
        Dialogues(runtime.connection.redis, runtime.vault),
    )
    stores = Stores(
        runtime.events,
        runtime.subjects,
        runtime.contacts,
        runtime.outbox,
        runtime.fans,
        runtime.documents,
        runtime.vault,
        runtime.untold,
        Passes(runtime.connection.redis, runtime.clock, runtime.vault),
    )
    fuses = Fuses(runtime.connection.redis, runtime.clock, runtime.vault)
    fuse = Fuse(fuses, runtime.contacts, partial(fuse_limits, runtime), lambda why: runtime.metrics.fuses_blown.labels(why).inc())
    pacer = Pacer(runtime.senders, runtime.directory, runtime.clock)
    return Expander(stores, orders, runtime.worlds, runtime.clock, runtime.wake, runtime.settings.country, fuse, pacer)


def make_waiting(runtime: Runtime) -> Waiting:
    teller = Teller(
        runtime.contacts, runtime.subjects, runtime.outbox, runtime.vault, runtime.worlds, runtime.wake, runtime.untold
    )
    return Waiting(runtime.outbox, runtime.contacts, runtime.vault, teller, runtime.clock, runtime.wake)


def make_deps(runtime: Runtime, api_keys: ApiKeys) -> Deps:
    """What every door needs to take an event in."""
    return Deps(
        events=runtime.events,
        kept=Kept(runtime.connection.redis, runtime.clock),
        keys=api_keys,
        vault=runtime.vault,
        clock=runtime.clock,
        connectors=runtime.connectors,
        directory=runtime.directory,
        catalogue=runtime.catalogue,
        settings=runtime.settings,
        wake=runtime.wake,
        depth=lambda: runtime.depth.waiting,
        memory=lambda: runtime.depth.memory,
        count=lambda answer, how_many: runtime.metrics.events_in.labels(answer).inc(how_many),
    )


def make_firing(runtime: Runtime) -> Firing:
    timers = Timers(runtime.connection.redis, runtime.clock, runtime.vault, runtime.events)
    return Firing(timers, runtime.catalogue.moments, runtime.clock, runtime.metrics.moment_late.observe)


async def run(runtime: Runtime) -> None:
    """Read the sources and expand until stopping."""
    api_keys = ApiKeys(runtime.connection.redis, runtime.clock, runtime.settings.api_key)
    async with asyncio.TaskGroup() as group:
        for pump in pumps(runtime, make_deps(runtime, api_keys)):
            group.create_task(pump.run(), name=f"source {pump.source.name}")
        group.create_task(runtime.worlds.keep_young(runtime.stopping), name="world")
        expander = make_expander(runtime)
        group.create_task(_take_up(runtime, expander), name="in hand")
        group.create_task(_expand(runtime, expander), name="expand")


async def _take_up(runtime: Runtime, expander: Expander) -> None:
    """Work on what this process keeps as soon as it is kept, until stopping; what is in hand by then is worked on still.

    Beside the other loop: a turn of a large fan-out takes its time.
    """
    in_hand, side_by_side = runtime.events.in_hand, SideBySide()
    in_hand.serve(expander.ahead)
    async with asyncio.TaskGroup() as group:

        async def take_up(handed: Handed) -> None:
            left = await _unless_it_fails(runtime, handed.event.id, expander.take_up(handed))
            if left is not None:
                group.create_task(_later(runtime, handed.event.id, left))

        group.create_task(_leave_when(runtime.stopping, in_hand.leave))
        try:
            while (handed := await in_hand.next()) is not None:
                await side_by_side.do(handed.event, partial(take_up, handed))
        finally:
            await side_by_side.rest()


async def _later(runtime: Runtime, event: EventId, write: Callable[[], Awaitable[None]]) -> None:
    """Write down what an event in hand came to when dispatch has had its turn: both wait for the same disk."""
    await asyncio.sleep(AFTERWARDS_S)
    await _unless_it_fails(runtime, event, write())


async def _unless_it_fails(runtime: Runtime, event: EventId, work: Awaitable[Result]) -> Result | None:
    """As in Expander.look: whatever goes wrong, the event is looked at again, and parked after five tries."""
    try:
        return await work
    except (StoreError, OSError, TimeoutError) as error:
        log.warning("expand.store_unavailable", role="intake", error=type(error).__name__)
    except Exception as error:
        runtime.metrics.loop_failures.labels("intake").inc()
        log.exception("event.failed", event_id=event, error=type(error).__name__)
    return None


async def _leave_when(stopping: asyncio.Event, leave: Callable[[], None]) -> None:
    await stopping.wait()
    leave()


async def _expand(runtime: Runtime, expander: Expander) -> None:
    """Expand until stopping, then give the partitions back."""
    partitions = Ownership(runtime.connection.redis, runtime.clock, "expand", len(keys.all_partitions()))
    beat = runtime.beats.expect("expand", 60)
    runtime.wake.serve("expand")
    async with asyncio.TaskGroup() as group:
        group.create_task(partitions.keep(runtime.stopping))
        group.create_task(_fire(runtime, make_firing(runtime), partitions), name="moments")
        await _turns(runtime, expander, partitions, beat)
    await partitions.release()
    runtime.beats.leave("expand")


async def _fire(runtime: Runtime, firing: Firing, partitions: Ownership) -> None:
    """Make events of the moments that are due, until stopping.

    Beside the turns, which take their time. It looks once a second whatever the next one is: that may have been set a moment ago
    by any process, and a turned clock jumps over it.
    """
    beat = runtime.beats.expect("moments", 60)
    while not runtime.stopping.is_set():
        wait_s = IDLE_S
        try:
            made, next_ms = await firing.turn(partitions.held)
            if made:
                runtime.wake.here("expand")
                wait_s = 0.0
            elif next_ms is not None:
                wait_s = max(0.0, min(IDLE_S, (next_ms - runtime.clock.now_ms()) / 1000))
            beat()
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("moments.store_unavailable", role="intake", error=type(error).__name__)
        except Exception as error:
            runtime.metrics.loop_failures.labels("intake").inc()
            log.exception("moments.failed", role="intake", error=type(error).__name__)
        await _wait(runtime.stopping, wait_s)
    runtime.beats.leave("moments")


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass


async def _turns(runtime: Runtime, expander: Expander, partitions: Ownership, beat: Callable[[], None]) -> None:
    looked_after_s = 0.0
    while not runtime.stopping.is_set():
        count = 0
        try:
            mine = await partitions.mine()
            if time.monotonic() - looked_after_s >= IDLE_S:
                looked_after_s = time.monotonic()
                others = [one for one in keys.all_partitions() if one not in mine]
                await expander.look_after(others, late_ms=OTHERS_MS)
            looked = await expander.look(mine)
            # In a storm of events those that wait are taken up first: which of them is the most urgent is known only then. Second
            # looks are no storm: where processes die there are many, and the fan-outs would stand still because of them.
            count = looked + await expander.chunks(mine, turns=1 if expander.fresh > STORM else TURNS)
            beat()
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("expand.store_unavailable", role="intake", error=type(error).__name__)
        except Exception as error:
            runtime.metrics.loop_failures.labels("intake").inc()
            log.exception("expand.failed", role="intake", error=type(error).__name__)
        if not count:
            await runtime.wake.wait("expand", IDLE_S)
