"""A copy of everything in a server as of one moment, while it works: asked for as a replica asks for it.

The server forks and streams the child's memory, an RDB file; what is written meanwhile is not in it, and nobody waits. Nothing
is left on the server's disk. Tried with Valkey 9.1.2: it sends RDB version 11 to whoever names no version, which every server
that we speak to can read. The layout of the stream: "Replication", Redis docs (SYNC, `REPLCONF capa eof`: the payload ends with
the 40 characters that its head announces).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from redis import exceptions
from redis.asyncio import Redis

from gateway.errors import StoreRefused, StoreUnavailable
from gateway.store.client import Connection
from gateway.store.cluster import ClusterRedis

SILENCE_S = 30.0
"""How long nothing may come: a waiting server says so by a line feed a second or so; it may wait for another child to end."""
BEGIN_S = 900.0
_READ = 1 << 18
_MAGIC = (b"REDIS", b"VALKEY")


@dataclass(frozen=True, slots=True)
class Taken:
    """bytes and sha256 of the RDB file; keys: how many there were just before."""

    bytes: int
    sha256: str
    keys: int


async def refuse_others(redis: Redis) -> None:
    """A snapshot takes a whole server. Raises StoreRefused for a cluster, and where other databases hold something too."""
    if isinstance(redis, ClusterRedis):
        raise StoreRefused(
            "a cluster has no copy as of one moment: copy each of its primaries by the cluster's own tools (BGSAVE, or its "
            "provider's snapshots), bring those back, and run `restore --in-place`"
        )
    info = await redis.info("keyspace")
    ours = f"db{redis.connection_pool.connection_kwargs.get('db') or 0}"
    others = sorted(name for name in info if name.startswith("db") and name != ours)
    if others:
        raise StoreRefused(
            f"this server holds other databases too ({', '.join(others)}), and a copy would take them along: give the gateway "
            "a server of its own, or copy this one by its own tools and `restore --in-place` after it was brought back"
        )


async def take(
    connection: Connection, keep: Callable[[bytes], None], told: Callable[[int], None] = lambda count: None
) -> Taken:
    """Copy the server. keep: is handed the file piece by piece; told: how many bytes so far.

    raises: StoreRefused where the server does not let us, StoreUnavailable where it stops half way; what `keep` raises
    """
    redis = connection.redis
    await refuse_others(redis)
    keys = int(await redis.dbsize())
    if connection.embedded is not None:
        # By default it waits 5 s for further replicas to ask; nobody else replicates an embedded server.
        await redis.config_set("repl-diskless-sync-delay", 0)
    digest, count = hashlib.sha256(), 0
    async for piece in _stream(redis):
        digest.update(piece)
        count += len(piece)
        await asyncio.to_thread(keep, piece)
        told(count)
    return Taken(count, digest.hexdigest(), keys)


async def _stream(redis: Redis) -> AsyncIterator[bytes]:
    link: Any = redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        reader = await _asked(link)
        end = await _head(reader)
        # Held back: as much as the end mark is long, which may be cut over two pieces.
        held, first = b"", True
        while True:
            piece = await _read(reader)
            held += piece
            if first and len(held) >= 9:
                if not held.startswith(_MAGIC):
                    raise StoreUnavailable("the server sent no RDB file: is something in between that changes what it says?")
                first = False
            if held.endswith(end):
                yield held[: -len(end)]
                return
            if len(held) > len(end):
                yield held[: -len(end)]
                held = held[-len(end) :]
    finally:
        await link.disconnect()


async def _asked(link: Any) -> asyncio.StreamReader:
    """The stream of a connection of its own on which the copy was asked for."""
    try:
        await link.connect()
        await link.send_command("REPLCONF", "capa", "eof")
        await link.read_response()
        link._writer.write(b"*1\r\n$4\r\nSYNC\r\n")  # its answer is no reply that the client could read
        await link._writer.drain()
    except exceptions.NoPermissionError as error:
        raise _barred() from error
    except exceptions.ResponseError as error:
        raise _barred() from error
    except (exceptions.RedisError, OSError) as error:
        raise StoreUnavailable(f"the store does not answer ({type(error).__name__})") from error
    reader: asyncio.StreamReader = link._reader
    return reader


async def _head(reader: asyncio.StreamReader) -> bytes:
    """What the payload will end with."""
    try:
        async with asyncio.timeout(BEGIN_S):
            while True:
                async with asyncio.timeout(SILENCE_S):
                    line = (await reader.readuntil(b"\n")).strip()
                if line.startswith(b"$EOF:") and len(line) == 45:
                    return line[5:]
                if line.startswith(b"-"):
                    raise _barred()
                if line:
                    raise StoreUnavailable("the server answered the wish for a copy in a way that we do not know")
    except TimeoutError as error:
        raise StoreUnavailable("the server did not begin its copy: another one may be under way; try again later") from error
    except (asyncio.IncompleteReadError, OSError) as error:
        raise StoreUnavailable("the server closed the connection instead of sending a copy: see its log") from error


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(SILENCE_S):
            piece = await reader.read(_READ)
    except (TimeoutError, OSError) as error:
        raise StoreUnavailable("the server stopped in the middle of its copy") from error
    if not piece:
        raise StoreUnavailable(
            "the server broke off in the middle of its copy: its memory or `client-output-buffer-limit replica` was not enough "
            "for what was written meanwhile; try at a quieter time, or raise the limit"
        )
    return piece


def _barred() -> StoreRefused:
    return StoreRefused(
        "the store does not let us copy it (SYNC). Allow it: `ACL SETUSER <user> +sync +replconf`. A managed store that bars it "
        "has snapshots of its own: use those, and `restore --in-place` after one was brought back"
    )
