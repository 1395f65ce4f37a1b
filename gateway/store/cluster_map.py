"""Which primary of a cluster holds which slot, and a pool of connections to each.

The map is read from any node that answers (CLUSTER SLOTS) and read again when a node is lost or says that a slot is elsewhere.
A node that ceases to be a primary loses its pool, so that a connection never outlives the role that it was opened for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from redis import exceptions
from redis.asyncio import BlockingConnectionPool

from gateway.store.cluster_slots import SLOTS

Node = tuple[str, int]
"""(host, port)"""
ASK_S = 2.0


class ClusterMap:
    """seeds: nodes to ask at first, and again when nobody else answers. make_pool: not yet connected."""

    def __init__(self, seeds: Sequence[Node], make_pool: Callable[[Node], BlockingConnectionPool]) -> None:
        self.seeds = tuple(seeds)
        self._make_pool = make_pool
        self._slots: list[Node | None] = [None] * SLOTS
        self._known: list[Node] = list(seeds)
        self._pools: dict[Node, BlockingConnectionPool] = {}
        self._lock = asyncio.Lock()
        self.generation = 0
        """how often the map was read; 0 = never"""

    def node_of(self, slot: int) -> Node:
        """The primary of a slot. Raises ClusterDownError where nobody holds it."""
        node = self._slots[slot]
        if node is None:
            raise exceptions.ClusterDownError(f"slot {slot} is held by no node")
        return node

    @property
    def primaries(self) -> list[Node]:
        """Each primary once, by its first slot: an order that outlives a failover."""
        return [node for node in dict.fromkeys(self._slots) if node is not None]

    def pool(self, node: Node) -> BlockingConnectionPool:
        if node not in self._pools:
            self._pools[node] = self._make_pool(node)
        return self._pools[node]

    def moved(self, slot: int, node: Node) -> None:
        """A node said that this slot is another's now."""
        self._slots[slot] = node

    async def refresh(self, seen: int) -> None:
        """Read the map again, unless somebody did since `generation` was `seen`. Raises ConnectionError where nobody answers."""
        async with self._lock:
            if self.generation != seen:
                return
            last: Exception | None = None
            others = list(dict.fromkeys((*self._known, *self.seeds)))
            random.shuffle(others)  # not always the same node, which may be cut off from the others
            for node in others:
                try:
                    rows = await self._ask(node)
                except (exceptions.RedisError, OSError, TimeoutError) as error:
                    last = error
                    continue
                self._take(node, rows)
                self.generation += 1
                await self._drop()
                return
            if isinstance(last, exceptions.AuthenticationError | exceptions.NoPermissionError):
                raise last
            raise exceptions.ConnectionError("no node of the cluster answers") from last

    async def _ask(self, node: Node) -> list[Any]:
        connection: Any = self._make_pool(node).make_connection()  # type: ignore[no-untyped-call]
        # Not greeted as a primary is: it may be a replica, and nothing is written on it.
        connection.redis_connect_func = None
        try:
            async with asyncio.timeout(ASK_S):
                await connection.connect()
                await connection.send_command("CLUSTER", "SLOTS")
                rows: list[Any] = await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)
        if not rows:
            raise exceptions.ClusterDownError("a node that knows no slots")
        return rows

    def _take(self, asked: Node, rows: list[Any]) -> None:
        slots: list[Node | None] = [None] * SLOTS
        known: dict[Node, None] = {}
        for first, last, *nodes in rows:
            found = [_node(one, asked) for one in nodes]
            known |= dict.fromkeys(found)
            slots[int(first) : int(last) + 1] = [found[0]] * (int(last) - int(first) + 1)
        self._slots, self._known = slots, list(known)

    async def _drop(self) -> None:
        """Close what is idle of the pools that lead to no primary any more; what is in use ends with its user."""
        primaries = set(self.primaries)
        for node in [node for node in self._pools if node not in primaries]:
            pool = self._pools.pop(node)
            await pool.disconnect(inuse_connections=False)

    async def aclose(self) -> None:
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.aclose()


def _node(row: Any, asked: Node) -> Node:
    """A node as CLUSTER SLOTS names it; without a host it is where the question went."""
    host = row[0].decode() if isinstance(row[0], bytes) else row[0]
    return (host if host and host != "?" else asked[0], int(row[1]))
