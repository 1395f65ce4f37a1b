"""The aiohttp application: routes, the loops that deliver, and their beginning and end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from sandbox import delivery
from sandbox.config import SandboxConfig
from sandbox.control import phones_api
from sandbox.control.problem import answer_problems
from sandbox.graph import dispatch, messages, nodes
from sandbox.keys import WORLD
from sandbox.media import BIGGEST, MB
from sandbox.world import World

__all__ = ["WORLD", "make_app", "messages", "nodes"]

_CONNECTIONS = 128


def make_app(config: SandboxConfig) -> web.Application:
    """A sandbox that begins its deliveries when the application starts; ``app[WORLD]`` is all of its state."""
    app = web.Application(middlewares=[answer_problems], client_max_size=BIGGEST + MB)
    world = World(config)
    app[WORLD] = world
    delivery.wire_jobs(world)
    app.router.add_routes(phones_api.ROUTES)
    _add_phones_page(app)
    for path in (r"/{version:v\d+\.\d+}/{node}", r"/{version:v\d+\.\d+}/{node}/{edge:.+}"):
        app.router.add_route("*", path, dispatch.graph)
    app.cleanup_ctx.append(_loops)
    return app


def _add_phones_page(app: web.Application) -> None:
    """The page is a package of its own; without it the API works all the same."""
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("sandbox.phones").add_routes(app)


async def _loops(app: web.Application) -> AsyncIterator[None]:
    world = app[WORLD]
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        world.webhooks.session = session
        loops = [asyncio.create_task(world.jobs.run()), asyncio.create_task(world.webhooks.run())]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            world.store.close()
