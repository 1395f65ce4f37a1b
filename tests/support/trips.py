"""Round trips to the store as they left this process, whichever client made them: what was asked in each, and when it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hiredis
import pytest
from redis.asyncio.connection import AbstractConnection

from gateway.store import scripts

READS = {
    "EXISTS", "GET", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET", "LRANGE", "MGET", "PING", "PTTL", "SCARD", "SMEMBERS", "TIME",
    "XLEN", "XRANGE", "XREVRANGE", "ZCARD", "ZCOUNT", "ZLEXCOUNT", "ZRANGE", "ZRANGEBYSCORE", "ZSCORE",
}  # fmt: skip
ASIDE = {"CLIENT", "HELLO", "SCRIPT", "SUBSCRIBE", "UNSUBSCRIBE"}
"""Of a connection that opens, and of a store that does not know the scripts yet."""


@dataclass(slots=True)
class Trip:
    """asked: the names of scripts and commands in order. keys: the first key of each. Times: seconds of time.monotonic."""

    asked: list[str]
    keys: list[str]
    began: float
    ended: float = float("inf")

    @property
    def writes(self) -> list[str]:
        return [name for name in self.asked if name not in READS and "flags=no-writes" not in _source(name)]


@dataclass(slots=True)
class Trips:
    made: list[Trip] = field(default_factory=list)

    def between(self, began: float, ended: float) -> list[Trip]:
        """Those that were answered in this time, in the order in which they began."""
        return sorted((one for one in self.made if one.began >= began and one.ended <= ended), key=lambda one: one.began)


def in_a_row(trips: Sequence[Trip]) -> list[Trip]:
    """As many as can follow one another, each begun when the one before was answered: no more can have been waited for."""
    row: list[Trip] = []
    for trip in sorted(trips, key=lambda one: one.ended):
        if not row or trip.began >= row[-1].ended:
            row.append(trip)
    return row


def _source(name: str) -> str:
    return scripts.source(name) if name in scripts.names() else ""


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    """Every round trip of this process while this lasts."""
    found = Trips()
    under_way: dict[int, Trip] = {}
    names = {scripts.sha(name): name for name in scripts.names()}
    send, read = AbstractConnection.send_packed_command, AbstractConnection.read_response

    async def sending(self: Any, command: Any, *args: Any, **options: Any) -> Any:
        reader = hiredis.Reader()
        reader.feed(command if isinstance(command, bytes) else b"".join(command))
        asked, keys = [], []
        while (words := reader.gets()) is not False:
            name = words[0].decode().upper()
            script = name == "EVALSHA"
            asked.append(names[words[1].decode()] if script else name)
            keys.append(b"".join(words[3:4] if script else words[1:2]).decode("utf-8", "replace"))
        if asked and asked[0] not in ASIDE:
            under_way[id(self)] = trip = Trip(asked, keys, time.monotonic())
            found.made.append(trip)
        return await send(self, command, *args, **options)

    async def reading(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return await read(self, *args, **options)
        finally:
            if id(self) in under_way:
                under_way[id(self)].ended = time.monotonic()

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", sending)
        patch.setattr(AbstractConnection, "read_response", reading)
        yield found
