"""A gateway of its own, started as an operator would, and events posted to it as a source would."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.children import child
from bench.flights import HOUR, delayed, flight
from bench.stage import API_KEY

READY_S = 30.0


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


@asynccontextmanager
async def gateway(environ: dict[str, str], roles: str, *, public: int = 0) -> AsyncIterator[str]:
    """`python main.py run --roles ...` on the store that the environment names; once ready, its internal listener's address.

    public: the port of its public listener, 0 = any
    """
    free, internal, console = [one for one in free_ports(4) if one != public][:3]
    public = public or free
    ports = {"PUBLIC": public, "INTERNAL": internal, "CONSOLE": console}
    env = environ | {f"GATEWAY_{name}_PORT": str(port) for name, port in ports.items()}
    log = Path(environ["GATEWAY_DATA_DIR"]) / "gateway.log"
    async with child(["main.py", "run", "--roles", roles], env, log=log) as process, aiohttp.ClientSession() as session:
        draining = asyncio.create_task(_drain(process))
        try:
            await _ready(session, f"http://127.0.0.1:{internal}/readyz")
            yield f"http://127.0.0.1:{internal}"
        finally:
            draining.cancel()


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[int]:
    """The other side, in this process, at the port that it gives."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _drain(process: asyncio.subprocess.Process) -> None:
    """What it prints is read and let go, so that it never waits for us."""
    assert process.stdout is not None
    while await process.stdout.readline():
        pass


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


def mark(group: int, number: int) -> str:
    """What stands in every message about this flight and in none about another."""
    return f'ZZ {flight(group, number).split("/")[0][2:]}"'


def event(group: int, number: int, *, hour: int = HOUR) -> bytes:
    """This flight is 45 minutes late, as CloudEvents JSON."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": secrets.token_hex(8),
            "type": "org.example.flight.status.v1",
            "source": "/ops/flights",
            "subject": flight(group, number),
            "time": datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": delayed(group, number, 45, hour=hour),
        }
    ).encode()


async def post_event(session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    """Raises RuntimeError when it is not answered 202."""
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/cloudevents+json"}
    async with session.post(url, data=body, headers=headers) as response:
        if response.status != 202:
            raise RuntimeError(f"an event was answered {response.status}: {(await response.text())[:300]}")
