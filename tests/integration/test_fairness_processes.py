"""The same with two gateways as an operator starts them, at the pace of a real number: only in `make test-long`."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import secrets
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from bench import house, stage
from bench.crowd import Crowd
from gateway.runtime import Runtime
from gateway.store import bulk, keys
from tests.support.server import free_port

FLIGHTS, EACH, PER_SECOND = 300, 134, 80
"""a storm: 40,200 people at the pace of one number, which takes eight and a half minutes"""
SOON_H, LATE_H = 2.0, 6.0
IN_HAND_S = 2.0
"""What the channel was handed by then was decided before the last event was known to both."""


def hours_of(number: int) -> float:
    return 0.5 + number * 0.03


def entity_of(number: int) -> str:
    return f"ZZ{1000 + number}/{datetime.now(UTC):%Y-%m-%d}/AMS"


def cancelled(number: int, begun: datetime) -> bytes:
    leaves = begun + timedelta(hours=hours_of(number))
    times = {"departure": {"scheduled": leaves.isoformat()}, "arrival": {"scheduled": (leaves + timedelta(hours=1)).isoformat()}}
    leg = {"carrier": "ZZ", "flightNumber": str(1000 + number), "originDate": f"{begun:%Y-%m-%d}", "from": "AMS", "to": "LHR"}
    return json.dumps(
        {
            "specversion": "1.0", "id": secrets.token_hex(8), "type": "org.example.flight.status.v1", "source": "/ops/flights",
            "subject": entity_of(number), "time": begun.isoformat(), "datacontenttype": "application/json",
            "data": {"leg": leg, "status": "cancelled", "times": times},
        }
    ).encode()  # fmt: skip


async def taken_up(runtime: Runtime) -> set[bytes]:
    """Events that have a cursor anywhere: those are among what is chosen from."""
    asked: list[bulk.Command] = [("HKEYS", keys.part(partition, "fanc")) for partition in keys.all_partitions()]
    return {event for found in await bulk.values(runtime.connection.redis, asked) for event in found}


@pytest.mark.long
@pytest.mark.timeout(1500)
async def test_two_gateways_tell_those_who_leave_first_before_those_who_leave_tonight() -> None:
    arrived: list[tuple[float, float]] = []
    numbers = itertools.count(1)

    async def handle(request: web.Request) -> web.Response:
        found = re.search(r"ZZ (1\d{3})", (await request.read()).decode())
        assert found is not None
        arrived.append((time.monotonic(), hours_of(int(found.group(1)) - 1000)))
        return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.OUT{next(numbers)}"}]})

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner, port = web.AppRunner(app, access_log=None, shutdown_timeout=1), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with stage.directory() as directory:
        environ = stage.environment(directory, port)
        async with stage.opened(stage.read_settings(environ)) as runtime:
            async with stage.unsynced(runtime):
                followed = [(runtime.vault.subject_id("flight", entity_of(number)),) for number in range(FLIGHTS)]
                await Crowd(runtime).load(FLIGHTS * EACH, itertools.cycle(followed))
            given = environ | {"GATEWAY_PER_SECOND": str(PER_SECOND)}
            async with (
                house.gateway(given, "intake,dispatch") as one,
                house.gateway(given, "intake,dispatch") as other,
                aiohttp.ClientSession() as session,
            ):
                begun = datetime.now(UTC)
                for number, internal in zip(reversed(range(FLIGHTS)), itertools.cycle((one, other)), strict=False):
                    await house.post_event(session, f"{internal}/v1/events", cancelled(number, begun))
                async with asyncio.timeout(1000):
                    while len(await taken_up(runtime)) < FLIGHTS:
                        await asyncio.sleep(0.2)
                    known = time.monotonic()
                    while len(arrived) < FLIGHTS * EACH:
                        await asyncio.sleep(0.2)
    await runner.cleanup()
    seconds = arrived[-1][0] - arrived[0][0]
    since = [left for at, left in arrived if at > known + IN_HAND_S]
    last_soon = max((place for place, left in enumerate(since) if left <= SOON_H), default=0)
    wrong = [left for left in since[:last_soon] if left >= LATE_H]
    assert len(arrived) == FLIGHTS * EACH
    assert len(arrived) / seconds < PER_SECOND * 1.1
    assert any(left <= SOON_H for left in since), "all who leave soon were told at once: it shows nothing"
    assert not wrong, f"{len(wrong)} of {len(since)} who leave tonight"
