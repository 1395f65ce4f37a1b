"""A process of the webcare bench: `route` is the webcare role as `run` runs it, `serve` the same with the desk's pages on a port
that it prints; `write N PER_S` is people who write.

All open the store that the settings in their environment name; the first and the last say "ready", and begin when they are told.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

from bench import stage
from gateway import collector, log, settings, surface, webcare
from gateway.app import open_runtime
from gateway.model.conversation import InboundEntry
from gateway.model.ids import SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.runtime import Runtime

SENDER = SenderId("whatsapp")
BRAND = "bench"
AT_ONCE = 16


async def _route(runtime: Runtime) -> None:
    """Until this process is ended."""
    await webcare.run(surface.webcare_deps(runtime))


async def _serve(runtime: Runtime) -> None:
    """Until this process is ended."""
    desk, app = surface.webcare_deps(runtime), web.Application()
    surface.add_console(app, desk, runtime.settings)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await webcare.run(desk)


async def _write(runtime: Runtime, count: int, per_second: float) -> None:
    """So many people write for the first time, evenly; each is kept as the webhooks role keeps it."""
    loop, room = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)
    began = loop.time()

    async def one(number: int) -> None:
        contact = new_contact_id()
        item = InboundEntry(f"bench.{number}", "text", Personal("When does it leave?"), runtime.clock.now_ms())
        async with room:
            await runtime.conversations.add_inbound(contact, BRAND, new_address_id(contact), SENDER, item=item)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(began + number / per_second - loop.time(), 0))
            group.create_task(one(number))
    print("done", flush=True)


async def main(what: str, *numbers: str) -> None:
    async with open_runtime(settings.read(stage.environ(), None)) as runtime:
        collector.calm()  # as every process of the gateway does
        if what == "serve":
            await _serve(runtime)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        if what == "route":
            await _route(runtime)
        else:
            await _write(runtime, int(numbers[0]), float(numbers[1]))


if __name__ == "__main__":
    log.configure("text", level="warning")
    uvloop.run(main(*sys.argv[1:]))
