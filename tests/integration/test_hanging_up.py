"""A server that takes connections and hangs up is a store that is away: said soon, and not asked ever deeper."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import bulk
from gateway.store.client import open_other


async def test_a_server_that_hangs_up_is_tried_a_few_times_and_no_more() -> None:
    came = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    client = open_other(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections=2)
    began = time.monotonic()
    try:
        with pytest.raises(StoreUnavailable):
            await client.get("k")
        with pytest.raises(StoreUnavailable):
            await bulk.values(client, [("GET", "k")])
    finally:
        await client.aclose()
        server.close()
        await server.wait_closed()
    assert came <= 40, "four tries of a command, each with four of a connection, are plenty"
    assert time.monotonic() - began < 20
