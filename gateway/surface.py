"""What each listener serves, gathered from the roles that run here: the API, health and metrics inside, the desk outside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aiohttp import web

from gateway import webcare
from gateway.errors import StoreError
from gateway.health import Health
from gateway.metrics import metrics_handler
from gateway.runtime import Runtime
from gateway.settings import Environment
from gateway.store.agents import Agents
from gateway.store.wakeup import write_offset

LARGEST = 32 * 1024 * 1024
DEPTH_S = 2.0

log = structlog.get_logger()


async def sample_depth(runtime: Runtime) -> None:
    while not runtime.stopping.is_set():
        try:
            queued = await runtime.outbox.depth(runtime.directory.ids)
            opened = await runtime.events.depth()
            runtime.depth.waiting = queued + opened
            runtime.metrics.events_open.set(opened)
            waiting, _ = await runtime.webhooks.backlog()
            runtime.metrics.webhooks_waiting.set(waiting)
        except (StoreError, OSError, TimeoutError) as error:
            log.info("depth.unknown", error=type(error).__name__)
        await asyncio.sleep(DEPTH_S)


def webcare_deps(runtime: Runtime) -> webcare.WebcareDeps:
    return webcare.WebcareDeps(
        conversations=runtime.conversations,
        agents=Agents(runtime.connection.redis, runtime.clock, runtime.vault),
        contacts=runtime.contacts,
        outbox=runtime.outbox,
        clock=runtime.clock,
        brands={name: brand.name for name, brand in runtime.catalogue.brands.items()},
        channels={
            sender.id: runtime.connectors[sender.channel].facts
            for sender in runtime.directory
            if sender.channel in runtime.connectors
        },
        enqueued=lambda sender: runtime.wake.now("dispatch"),
        trusted_proxies=runtime.settings.trusted_proxies,
    )


def add_console(app: web.Application, desk: webcare.WebcareDeps) -> None:
    webcare.add_console_routes(app, desk)


def add_internal(
    app: web.Application, runtime: Runtime, names: Sequence[str], health: Health, desk: webcare.WebcareDeps
) -> None:
    app.router.add_get("/healthz", health.get_alive)
    app.router.add_get("/readyz", health.get_ready)
    app.router.add_get("/metrics", metrics_handler(runtime.metrics))
    if "webcare" in names:
        webcare.add_api_routes(app, desk)
    if runtime.settings.env is Environment.DEMO:
        app.router.add_put("/v1/clock", _clock(runtime))


def _clock(runtime: Runtime):  # type: ignore[no-untyped-def]
    async def put_clock(request: web.Request) -> web.Response:
        """Demo only: turn the clock of every process. {"offset_ms": int}"""
        body = await request.json()
        await write_offset(runtime.connection.redis, int(body["offset_ms"]))
        runtime.clock.offset_ms = int(body["offset_ms"])
        return web.json_response({"offset_ms": runtime.clock.offset_ms, "now_ms": runtime.clock.now_ms()})

    return put_clock
