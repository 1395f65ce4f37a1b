"""The store's pool: an idle connection is had at once, and whoever waits for one is woken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis import exceptions

from gateway.store import wire
from gateway.store.pool import QuickPool
from tests.support.waiting import wait_until


@asynccontextmanager
async def pool_of(url: str, connections: int, timeout: float = 5) -> AsyncIterator[QuickPool]:
    pool = QuickPool.from_url(url, max_connections=connections, timeout=timeout, socket_timeout=5)
    try:
        yield pool
    finally:
        await pool.disconnect()


async def test_the_same_connection_serves_one_after_the_other(redis_url: str) -> None:
    async with pool_of(redis_url, 4) as pool:
        first = await pool.get_connection()
        second = await pool.get_connection()
        await pool.release(first)
        assert await pool.get_connection() is first
        echoed, refused = await wire.exchange(first, [wire.pack(("ECHO", "one")), wire.pack(("NONSENSE",))])
        assert echoed == b"one"
        assert isinstance(refused, exceptions.ResponseError)
        with pytest.raises(KeyError):
            await QuickPool().release(second)


async def test_all_who_wait_for_a_connection_get_it_one_after_the_other(redis_url: str) -> None:
    order: list[int] = []
    async with pool_of(redis_url, 1) as pool:
        held = await pool.get_connection()

        async def work(number: int) -> None:
            connection = await pool.get_connection()
            order.append(number)
            await asyncio.sleep(0)
            await pool.release(connection)

        waiting = [asyncio.create_task(work(number)) for number in range(3)]
        await asyncio.sleep(0)
        await pool.release(held)
        waiting.append(asyncio.create_task(work(3)))
        await asyncio.gather(*waiting)
        assert order == [0, 1, 2, 3]
        assert (await pool.get_connection()) is held, "and then it is idle again"


async def test_who_waits_too_long_is_told_and_stands_in_nobodys_way(redis_url: str) -> None:
    async with pool_of(redis_url, 1, timeout=0.02) as pool:
        held = await pool.get_connection()
        with pytest.raises(exceptions.ConnectionError, match="available"):
            await pool.get_connection()
        await pool.release(held)
        assert await pool.get_connection() is held


async def test_a_connection_that_broke_or_holds_an_old_answer_is_made_anew(redis_url: str) -> None:
    async with pool_of(redis_url, 1) as pool, pool_of(redis_url, 1) as other:
        connection = await pool.get_connection()
        await connection.send_packed_command([wire.pack(("ECHO", "left behind"))])
        await _came(connection)
        await pool.release(connection)
        again = await pool.get_connection()
        assert await wire.exchange(again, [wire.pack(("ECHO", "mine"))]) == [b"mine"]
        (number,) = await wire.exchange(again, [wire.pack(("CLIENT", "ID"))])
        assert await wire.exchange(await other.get_connection(), [wire.pack(("CLIENT", "KILL", "ID", number))]) == [1]
        await _came(again)
        await pool.release(again)
        third = await pool.get_connection()
        assert await wire.exchange(third, [wire.pack(("ECHO", "again"))]) == [b"again"]


async def test_who_gives_up_in_the_middle_of_sending_leaves_no_half_command(redis_url: str) -> None:
    async with pool_of(redis_url, 1) as pool:
        connection = await pool.get_connection()
        sending = asyncio.create_task(wire.exchange(connection, [wire.pack(("SET", "x", b"y" * 50_000_000))]))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert not connection.is_connected
        await pool.release(connection)
        assert await wire.exchange(await pool.get_connection(), [wire.pack(("EXISTS", "x"))]) == [0]


async def _came(connection: Any) -> None:
    """An answer, or the end."""
    await wait_until(connection.can_read)
