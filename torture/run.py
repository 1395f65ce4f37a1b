"""One run from the first process to the last: stage, fire, no more kills, count."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.app import open_runtime
from gateway.errors import StoreError
from torture import cast as casts
from torture import judge, ledger, stage
from torture.balancer import Balancer
from torture.cast import Cast
from torture.desk import Desk
from torture.fire import Fire
from torture.house import NO_STORE, House, free_ports, until
from torture.look import Witnesses, look
from torture.producers import Producers
from torture.seen import Kill, Pause, Seen, Verdict
from torture.sizes import Sizes
from torture.stops import Stops
from torture.witness import Witness

SAY_S = 5.0
TAKEN_UP_S = 12.0
"""An event whose worker was killed is looked at again ten seconds after it was begun: nothing is over before that."""
QUIET_S = 3.0
"""Nothing may wait for so long before it is counted."""


@dataclass
class Outcome:
    """What a run saw. *_ms: on the clock of this machine; settled_s: how long after the fire nothing waited any more;

    at_work: how many gateways were ready at a time, on average, while it burnt; errors: what the gateways logged as their own
    mistakes, by event and class
    """

    seed: int
    sizes: Sizes
    verdict: Verdict
    seen: Seen
    kills: list[Kill]
    pauses: list[Pause]
    began_ms: int
    ended_ms: int
    settled_s: float | None
    ended_alone: dict[str, list[str]] = field(default_factory=dict)
    webhooks: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    at_work: float = 0.0
    taken_s: float = 0.0

    @property
    def broke_down(self) -> list[str]:
        """Processes that ended though nobody killed them, and not because they found no store as they started."""
        return [f"{name}: {why}" for name, each in self.ended_alone.items() for why in each if not why.endswith(NO_STORE)]

    @property
    def ok(self) -> bool:
        return self.verdict.ok and not self.broke_down


async def torture(directory: Path, sizes: Sizes, seed: int, told: Callable[[str], None]) -> Outcome:
    """directory: empty, deleted by the caller if at all. told: one line for whoever looks on."""
    started = time.monotonic()
    balancer = Balancer(random.Random(f"{seed} balancer"))
    [port] = free_ports(1)
    house = stage.set_up(directory, sizes, seed, balancer=port)
    balancer.house = house
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        stack.push_async_callback(balancer.stop)
        stack.push_async_callback(house.end)
        told("the stage: store, world, templates, phones")
        await balancer.start(port)
        house.store.start()
        house.sandbox.start()
        await until("the store's socket", (directory / "store" / "valkey.sock").exists)
        await until("the sandbox", lambda: _answers(http, f"{house.sandbox_url}/sandbox/clock"))
        agent = await stage.prepare_store(house)
        for gateway in house.gateways:
            gateway.start()
        people = casts.people(sizes)
        psids = await stage.open_chats(http, house, people)
        whole = casts.cast(sizes, seed, psids)
        for gateway in house.gateways:
            await until(f"the gateway {gateway.name}", lambda one=gateway: one.ready(http))
        outcome = await _burn(house, http, balancer, whole, sizes, seed, agent, told)
    outcome.taken_s = time.monotonic() - started
    return outcome


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _burn(
    house: House, http: aiohttp.ClientSession, balancer: Balancer, whole: Cast, sizes: Sizes, seed: int, agent: str,
    told: Callable[[str], None],
) -> Outcome:  # fmt: skip
    producers = Producers(house, http, random.Random(f"{seed} producers"))
    desk = Desk(house, http, random.Random(f"{seed} desk"), agent)
    stops = Stops(house, http, random.Random(f"{seed} stops"))
    witness = Witness(house, http)
    fire = Fire(house, http, sizes, seed)
    told(f"{len(whole.people)} people book: {len(whole.first)} bookings")
    await producers.send_first(whole.first)
    await _followed(house, len(whole.first))
    told(f"it burns for {sizes.seconds:.0f} s: {len(whole.rest)} events, {len(house.victims)} processes that are killed")
    await fire.steady()
    began_s, began_ms = time.monotonic(), _now_ms()
    keepers = [
        asyncio.create_task(one.keep(random.Random(f"{seed} {one.name}"))) for one in (*house.victims, house.sandbox)
    ]
    weather = asyncio.create_task(fire.weather())
    helpers = [asyncio.create_task(work) for work in (desk.answer(), witness.watch())]
    watching = [asyncio.create_task(one.watch(http)) for one in house.gateways]
    producing = asyncio.create_task(producers.run(whole.rest, began_s))
    people = [
        asyncio.create_task(work) for work in (
            desk.write(whole.talkers, began_s, sizes.seconds),
            stops.say(whole.stoppers, began_s, sizes.seconds),
            stops.brake(sizes.brakes, sizes.brake_s, began_s, sizes.seconds),
        )
    ]  # fmt: skip
    freezing = asyncio.create_task(fire.freeze(began_s + sizes.seconds))
    try:
        await fire.reap(began_s + sizes.seconds)
        for task in (*watching, weather):
            task.cancel()
        await asyncio.wait([freezing, *people])
        await fire.out()
        ended_ms = _now_ms()
        told(f"{len(fire.kills)} kills, {len(fire.pauses)} stood still, and no more; the world is as it should be again")
        quiet_s = time.monotonic()
        async with asyncio.timeout(sizes.settle_s):
            await asyncio.wait([producing])
        settled = await _settle(house, quiet_s, quiet_s + sizes.settle_s, told)
        settled_s = time.monotonic() - quiet_s if settled else None
    except TimeoutError:
        settled_s = None
    finally:
        producers.stopping.set()
        tasks = [producing, *people, freezing, weather, *helpers, *watching, *keepers]
        for task in tasks:
            if task is not producing:
                task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()  # whatever broke in ours makes the count worth nothing
    told("counting at the handsets")
    witnesses = Witnesses(producers, balancer, desk, fire, stops, witness)
    seen = await look(house, whole, witnesses, rested=settled_s is not None)
    return Outcome(
        seed=seed,
        sizes=sizes,
        verdict=judge.judge(seen),
        seen=seen,
        kills=fire.kills,
        pauses=fire.pauses,
        began_ms=began_ms,
        ended_ms=ended_ms,
        settled_s=settled_s,
        ended_alone={one.name: one.ended_alone for one in (*house.victims, house.sandbox) if one.ended_alone},
        webhooks=balancer.answered,
        errors=_errors(house.directory / "logs"),
        at_work=sum(one.ready_looks for one in house.gateways) / max(max(one.looks for one in house.gateways), 1),
    )


async def _followed(house: House, bookings: int) -> None:
    """Every first booking has brought its person to the flight: counted by facts."""
    settings = ledger.settings_of(house.environment)
    async with open_runtime(settings) as runtime:
        reader, there = ledger.Reader(runtime), 0

        async def all_there() -> bool:
            nonlocal there
            there += sum(1 for one in await reader.more() if one.kind == "subscribed")
            return there >= 2 * bookings

        await until("the people to follow their flights", all_there, 60.0 + bookings / 4)


async def _settle(house: House, began_s: float, end_s: float, told: Callable[[str], None]) -> bool:
    """Until nothing has waited for a while; False when it does not end in time. began_s: when the last fire was out."""
    settings = ledger.settings_of(house.environment)
    quiet_since, said_s = None, time.monotonic()
    async with AsyncExitStack() as stack:
        runtime = None
        while time.monotonic() < end_s:
            try:
                if runtime is None:  # the last that was killed may have been the store: it is being started
                    runtime = await stack.enter_async_context(open_runtime(settings))
                waiting = await ledger.waiting(runtime)
            except (StoreError, OSError, TimeoutError):
                waiting = ledger.Waiting(1)
            if time.monotonic() - said_s > SAY_S:
                told(f"still waiting: {waiting}")
                said_s = time.monotonic()
            if waiting.anything or time.monotonic() - began_s < TAKEN_UP_S:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET_S:
                return True
            await asyncio.sleep(0.3)
    return False


def _errors(logs: Path) -> Counter[str]:
    """Lines of level error in all logs. A store that is gone is a warning: whatever stands here was not foreseen."""
    found: Counter[str] = Counter()
    for log in logs.glob("*.log"):
        for line in log.read_text(errors="replace").splitlines():
            if '"level": "error"' in line:
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    found[f"{said.get('event', '?')} {said.get('error', '')}".strip()] += 1
    return found


def _now_ms() -> int:
    return int(time.time() * 1000)
