"""A client of the same store that can only read: whatever might change something is refused before a byte leaves.

A dry run goes through the very code that plans for real. What that code must not write is caught here and not by care: a command
that is not in the list of readings, a script above all, is a mistake of ours and raises `WouldWrite`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from redis.asyncio import Redis

from gateway.store.cluster import ClusterRedis
from gateway.store.guarded import GuardedRedis

READINGS = frozenset(
    {
        "ASKING", "CLIENT", "HELLO", "SELECT", "PING", "TIME", "EXISTS", "GET", "GETRANGE", "MGET", "HGET", "HMGET", "HGETALL",
        "LRANGE", "SMEMBERS", "SCARD", "XRANGE", "ZCARD", "ZCOUNT", "ZLEXCOUNT", "ZRANGE", "ZRANGEBYSCORE", "ZSCORE",
    }
)  # fmt: skip


class WouldWrite(AssertionError):
    """A mistake of ours: something that only looks was about to change the store."""


def reading(redis: Redis) -> Redis:
    """The same store over the same connections, for reading alone."""
    if isinstance(redis, ClusterRedis):
        return redis.seen_through(_Pool)
    return GuardedRedis(connection_pool=cast(Any, _Pool(redis.connection_pool)))


def names_in(packed: bytes) -> Iterator[str]:
    """The commands of a packed request: arrays of bulk strings (RESP, "Sending commands to a server")."""
    at = 0
    while at < len(packed):
        end = packed.index(b"\r\n", at)
        parts, at = int(packed[at + 1 : end]), end + 2
        for place in range(parts):
            end = packed.index(b"\r\n", at)
            begin = end + 2
            at = begin + int(packed[at + 1 : end]) + 2
            if not place:
                yield packed[begin : at - 2].decode().upper()


def _refuse(names: Iterable[str]) -> None:
    for name in names:
        if name not in READINGS:
            raise WouldWrite(f"{name} would change the store")


class _Connection:
    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    async def send_command(self, *args: Any, **options: Any) -> None:
        _refuse([str(args[0]).split(" ", maxsplit=1)[0].upper()])
        await self.real.send_command(*args, **options)

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], *args: Any, **options: Any) -> None:
        if isinstance(command, str):
            command = command.encode()
        whole = command if isinstance(command, bytes) else b"".join(bytes(part) for part in command)
        _refuse(names_in(whole))
        await self.real.send_packed_command(whole, *args, **options)


class _Pool:
    """The real pool, each connection of it behind the check."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    async def get_connection(self, *args: Any, **options: Any) -> _Connection:
        return _Connection(await self.real.get_connection(*args, **options))

    async def release(self, connection: _Connection) -> None:
        await self.real.release(connection.real)
