"""The aiohttp application: routes, the loops that deliver, and their beginning and end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
from aiohttp import web

from sandbox import delivery, review
from sandbox.config import SandboxConfig
from sandbox.control import pages_api, phones_api, story_api, switches_api
from sandbox.control.problem import answer_problems
from sandbox.graph import (
    app_api,
    block_api,
    dispatch,
    media_api,
    messages,
    nodes,
    numbers_api,
    page_account,
    page_messages,
    page_people,
    page_templates,
    page_threads,
    templates_api,
)
from sandbox.keys import WORLD
from sandbox.media import BIGGEST, MB
from sandbox.messenger import faces, people, templates
from sandbox.world import World

__all__ = ["WORLD", "make_app"]

# imported for the calls they register
GRAPH = (app_api, block_api, media_api, messages, nodes, numbers_api, page_account, page_messages, page_people,
         page_templates, page_threads, templates_api)

_CONNECTIONS = 128
log = logging.getLogger("sandbox")


def make_app(config: SandboxConfig) -> web.Application:
    """A sandbox that begins its deliveries when the application starts; ``app[WORLD]`` is all of its state."""
    app = web.Application(middlewares=[answer_problems], client_max_size=BIGGEST + MB)
    world = World(config)
    app[WORLD] = world
    for part in (delivery, review, switches_api, people, templates):
        part.wire_jobs(world)
    app.router.add_routes([*phones_api.ROUTES, *pages_api.ROUTES, *switches_api.ROUTES, *story_api.ROUTES, *media_api.ROUTES,
                           *faces.ROUTES])
    _add_phones_page(app, config.beside_url)
    for path in (r"/{version:v\d+\.\d+}/{node}", r"/{version:v\d+\.\d+}/{node}/{edge:.+}"):
        app.router.add_route("*", path, dispatch.graph)
    app.cleanup_ctx.append(_loops)
    app.on_shutdown.append(_let_go)
    return app


def _add_phones_page(app: web.Application, beside_url: str | None) -> None:
    """The page is a package of its own; without it the API works all the same."""
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("sandbox.phones").add_routes(app, beside_url)


async def _for_ever(run: Callable[[], Awaitable[None]]) -> None:
    """A loop that fails is begun again: what it was about is still in the store."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("loop.failed")
            await asyncio.sleep(1)


async def _let_go(app: web.Application) -> None:
    """Streams and long polls end by themselves, so that stopping is quick."""
    world = app[WORLD]
    world.stopping.set()
    world.hub.publish("stop", None)
    world.story.release()


async def _loops(app: web.Application) -> AsyncIterator[None]:
    world = app[WORLD]
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        world.webhooks.session = session
        loops = [asyncio.create_task(_for_ever(run)) for run in (world.jobs.run, world.webhooks.run)]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            world.store.close()
