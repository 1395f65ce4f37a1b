"""A channel at the edge of the process that notes when POSTs come, for tests of how long the way to it is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

AT_ONCE = 16
"""Partitions asked in one round trip: more is a look at everything."""


@dataclass
class World:
    """The channel: when POSTs came."""

    came: list[float] = field(default_factory=list)

    async def post(self, request: web.Request) -> web.Response:
        await request.read()
        self.came.append(time.monotonic())
        return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.chain{len(self.came)}"}]})


@asynccontextmanager
async def world_running() -> AsyncIterator[tuple[World, str]]:
    """The channel, and where it listens."""
    made = World()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.post)
    server = TestServer(app)
    await server.start_server()
    try:
        yield made, str(server.make_url("/")).rstrip("/")
    finally:
        await server.close()
