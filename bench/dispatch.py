"""From the outbox to the wire: the whole role of one process beside bare POSTs of the same body to the same server.

The dispatch role runs as `run` runs it: it looks, draws tokens, claims, decides again, renders, sends, and settles with fsync. A
round ends when so many messages are settled; what is then in flight is finished outside the time.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

from bench.report import Row, alternated
from bench.sizes import Sizes
from bench.stage import NUMBER
from gateway import collector
from gateway.dispatch import role
from gateway.runtime import Runtime
from gateway.store.outbox import Outbox, Pair, Settlement

CONNECTIONS = 200
"""How many the Graph client holds at most; bare POSTs are given as many."""
PATIENCE_S = 120.0


class CountingOutbox(Outbox):
    """The outbox, telling when so many messages have been settled as accepted."""

    refused = 0

    def count_to(self, target: int) -> asyncio.Event:
        self._left, self._reached, self.refused = target, asyncio.Event(), 0
        return self._reached

    async def settle(self, settlements: Sequence[Settlement]) -> list[str]:
        answers = await super().settle(settlements)
        good = sum(one.outcome == "a" for one in settlements)
        self.refused += len(settlements) - good
        self._left -= good
        if self._left <= 0:
            self._reached.set()
        return answers


def counting(runtime: Runtime) -> tuple[Runtime, CountingOutbox]:
    pairs: dict[str, Pair] = {
        sender.id: Pair(runtime.settings.pair_interval_ms, runtime.connectors[sender.channel].facts.pair_burst)
        for sender in runtime.directory
    }
    outbox = CountingOutbox(runtime.connection.redis, runtime.clock, pairs)
    return dataclasses.replace(runtime, outbox=outbox), outbox


async def dispatch_round(runtime: Runtime, outbox: CountingOutbox, count: int) -> float:
    """Messages a second, from the first look to the settling of the last. Raises TimeoutError, RuntimeError."""
    collector.calm()  # as every process of the gateway does
    stopping = asyncio.Event()
    reached = outbox.count_to(count)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(role.run(dataclasses.replace(runtime, stopping=stopping)))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await reached.wait()
            took = time.perf_counter() - started
        finally:
            stopping.set()
            runtime.wake.here("dispatch")
    if outbox.refused:
        raise RuntimeError(f"{outbox.refused} messages of the benchmark were not accepted: it would measure something else")
    return count / took


async def bare_round(url: str, body: bytes, headers: dict[str, str], count: int) -> float:
    """Bare POSTs a second."""
    left = count
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def worker() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(worker())
        return count / (time.perf_counter() - started)


async def last_body(graph: str) -> bytes:
    """What was sent last: the bare POSTs carry the same."""
    async with aiohttp.ClientSession() as session, session.get(f"{graph}/arrivals?after=0") as response:
        answer: dict[str, Any] = await response.json()
    return str(answer["last"]).encode()


async def measure(runtime: Runtime, graph: str, sizes: Sizes) -> Row:
    """The queue must hold enough (see Sizes)."""
    watched, outbox = counting(runtime)
    await dispatch_round(watched, outbox, sizes.warm)
    body = await last_body(graph)
    url = f"{graph}/{runtime.settings.graph_version}/{NUMBER}/messages"
    headers = {"Authorization": "Bearer bench-token", "Content-Type": "application/json", "User-Agent": "bench"}
    await bare_round(url, body, headers, sizes.warm)
    rounds = []
    for _ in range(sizes.rounds):
        bare = await bare_round(url, body, headers, sizes.sends)
        rounds.append((await dispatch_round(watched, outbox, sizes.sends), bare))
    note = f"body {len(body)} B, {CONNECTIONS} connections, {sizes.rounds} x {sizes.sends:,}"
    return alternated("dispatch, one process, whole path", "/s", rounds, 0.45, "bare POSTs", note=note)
