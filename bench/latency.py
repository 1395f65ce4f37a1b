"""Event to wire with nothing else going on: from POST /v1/events at a gateway until its POST arrives at the no-op Graph API.

Beside it the least that could be done with the same promise: one XADD with fsync, then one POST. And the floor of the way as it
is laid out: four XADDs and two reads, one after the other, then one POST, without a line of ours between them. The three take
turns, event by event, each time with nothing else to do.
Times are CLOCK_MONOTONIC of this process (begin) and of the no-op server's (arrival).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bench.children import child
from bench.report import Row, percentile
from bench.sizes import Sizes
from bench.stage import API_KEY, Crowd, delayed, flight
from gateway.runtime import Runtime

GAP_S = 0.03
"""Between two events: the bucket of 80 a second is never empty, the gateway's loops are at rest."""
WARM = 5
READY_S = 30.0


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


class Arrivals:
    """Asks the no-op server when requests came."""

    def __init__(self, session: aiohttp.ClientSession, graph: str) -> None:
        self._session = session
        self._graph = graph

    async def ask(self, after: int) -> tuple[int, list[int]]:
        async with self._session.get(f"{self._graph}/arrivals?after={after}") as response:
            answer: dict[str, Any] = await response.json()
        return int(answer["count"]), list(answer["times"])


async def _ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


def _event(group: int) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": secrets.token_hex(8),
            "type": "org.example.flight.status.v1",
            "source": "/ops/flights",
            "subject": flight(group, 0),
            "time": datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": delayed(group, 0, 45),
        }
    ).encode()


async def measure(runtime: Runtime, environ: dict[str, str], graph: str, sizes: Sizes) -> list[Row]:
    """The gateway is `python main.py run --roles intake,dispatch` on the same store."""
    first, count = 100, sizes.events + WARM  # flights that nobody else was told of
    crowd = Crowd(runtime)
    await crowd.subscribe(await crowd.add_people(count, 1, 1, first=first))
    public, internal, console = free_ports(3)
    env = environ | {
        "GATEWAY_PUBLIC_PORT": str(public),
        "GATEWAY_INTERNAL_PORT": str(internal),
        "GATEWAY_CONSOLE_PORT": str(console),
    }
    ours: list[float] = []
    bare: list[float] = []
    floor: list[float] = []
    log = runtime.settings.data_dir / "gateway.log"
    arguments = ["main.py", "run", "--roles", "intake,dispatch"]
    async with child(arguments, env, log=log) as gateway, aiohttp.ClientSession() as session:
        draining = asyncio.create_task(_drain(gateway))
        try:
            await _ready(session, f"http://127.0.0.1:{internal}/readyz")
            arrivals = Arrivals(session, graph)
            seen, _ = await arrivals.ask(-1)
            for number in range(count):
                for kept, begin in ((ours, _post_event), (bare, _least), (floor, _laid_out)):
                    target = f"http://127.0.0.1:{internal}/v1/events" if kept is ours else f"{graph}/v25.0/0/messages"
                    await asyncio.sleep(GAP_S)
                    body = _event(first + number)
                    started = time.monotonic_ns()
                    await begin(runtime, session, target, body)
                    now, times = await arrivals.ask(seen)
                    if now != seen + 1:
                        raise RuntimeError(f"one event brought {now - seen} messages within 20 s")
                    seen = now
                    if number >= WARM:
                        kept.append((times[0] - started) / 1e6)
        finally:
            draining.cancel()
    note = f"{len(ours)} events, {GAP_S * 1000:.0f} ms apart, through POST /v1/events"
    rows = []
    for name, share, most in (("p50", 0.50, 4.0), ("p99", 0.99, 10.0)):
        a, b = percentile(ours, share), percentile(bare, share)
        rows.append(Row(f"event to wire, unloaded, {name}", "ms", a, b, a / b, most, False, "XADD + POST", note=note))
    a, b = percentile(ours, 0.50), percentile(floor, 0.50)
    trips = "of which the store and the disk alone"
    rows.append(Row("event to wire, unloaded, p50", "ms", a, b, a / b, None, False, "4 XADD, 2 reads, POST", note=trips))
    return rows


async def _drain(gateway: asyncio.subprocess.Process) -> None:
    """What it prints is read and let go, so that it never waits for us."""
    assert gateway.stdout is not None
    while await gateway.stdout.readline():
        pass


async def _post_event(runtime: Runtime, session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/cloudevents+json"}
    async with session.post(url, data=body, headers=headers) as response:
        if response.status != 202:
            raise RuntimeError(f"an event was answered {response.status}: {(await response.text())[:300]}")


async def _laid_out(runtime: Runtime, session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    redis = runtime.connection.redis
    for _ in range(2):
        await redis.xadd("bench", {"b": body})
    for _ in range(2):
        await redis.get("bench:none")
    await redis.xadd("bench", {"b": body})
    await _least(runtime, session, url, body)


async def _least(runtime: Runtime, session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    await runtime.connection.redis.xadd("bench", {"b": body})
    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as response:
        await response.read()
