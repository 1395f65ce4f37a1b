"""A cluster behind the same interface as one server: every command goes to the primary that holds its slot.

What a pipeline or a batch holds for several nodes goes to all of them at once, each in its own order. A node that is lost, or
says that a slot has moved, is tried again for half a second; then the store "does not answer", as a lost server does. A slot
that is being moved is followed (ASK), on the same connection. Why this is not redis-py's own client of clusters:
docs/decisions/0010-under-fire.md.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from redis import exceptions
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.client import Pipeline, PubSub
from redis.client import EMPTY_RESPONSE, NEVER_DECODE

from gateway.store import wire
from gateway.store.cluster_map import ClusterMap, Node
from gateway.store.cluster_slots import SPREAD, Command, first_slot, name_of, slot_of, slots_of
from gateway.store.guarded import GuardedPipeline, GuardedRedis, translated
from gateway.store.lineage import Turned

PAUSES_S = (0.0, 0.0, 0.05, 0.1, 0.2)
"""Before each try of what a node did not take: at once after a slot has moved, and for a third of a second in all."""
PATIENCE_S = 5.0
"""No new try after that: nodes that neither answer nor refuse cost two seconds each."""
_ON_ALL = frozenset({"SCRIPT", "FLUSHALL", "FLUSHDB", "DBSIZE", "BGREWRITEAOF", "CLIENT", "PING"})
"""Without a key, and meant for every primary."""
_ELSEWHERE = (exceptions.AskError, exceptions.TryAgainError, exceptions.ClusterDownError, exceptions.ReadOnlyError)
_GONE = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)


class _Round:
    """What is still to be answered of a batch, and by whom."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.slots = [first_slot(command) for command in commands]
        self.packed = [wire.pack(command) for command in commands]
        self.answers: list[Any] = [exceptions.ConnectionError("not asked")] * len(commands)
        self.waits = [place for place, command in enumerate(commands) if name_of(command) == "WAIT"]
        self.todo = [place for place in range(len(commands)) if place not in self.waits]
        self.asked: dict[int, Node] = {}
        """place -> the node that is just taking its slot over"""
        self.acknowledged: list[Any] = []


class ClusterRedis(GuardedRedis):
    """connections: most at a time to each primary; whoever finds none free waits in line."""

    def __init__(self, seeds: Sequence[Node], make_pool: Callable[[Node], BlockingConnectionPool]) -> None:
        super().__init__(connection_pool=make_pool(seeds[0]))  # never connected: every command goes by the map
        self.map = ClusterMap(seeds, make_pool)
        self._through: Callable[[Any], Any] = lambda pool: pool

    def seen_through(self, wrap: Callable[[Any], Any]) -> ClusterRedis:
        """The same cluster over the same connections, each pool handed through `wrap`."""
        other = ClusterRedis.__new__(ClusterRedis)
        GuardedRedis.__init__(other, connection_pool=self.connection_pool)
        other.map, other._through, other.lineage = self.map, wrap, self.lineage
        return other

    # one command

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return self.parsed(args[0], await self._one(args), options)
        except Exception as error:
            ours = translated(error)
            if ours is None:
                raise
            raise ours from error

    async def _one(self, args: Command) -> Any:
        name = name_of(args)
        if name == "SCAN":
            return await self._scan(args)
        if name in _ON_ALL:
            answers = list((await self.on_each(*args)).values())
            if name == "DBSIZE":
                return sum(answers)
            return b"\n".join(answers) if str(args[0]).upper() == "CLIENT LIST" else answers[-1]
        if name in SPREAD and len(slots_of(args)) > 1:
            return await self._spread(name, args)
        return (await self.exchange([args]))[0]

    def parsed(self, name: Any, answer: Any, options: Mapping[str, Any] = MappingProxyType({})) -> Any:
        """An answer as redis-py's commands hand it out."""
        if isinstance(answer, Exception):
            if isinstance(answer, exceptions.ResponseError) and EMPTY_RESPONSE in options:
                return options[EMPTY_RESPONSE]
            raise answer
        rest = {key: value for key, value in options.items() if key not in (EMPTY_RESPONSE, NEVER_DECODE, "keys")}
        callback = self.response_callbacks.get(name)
        return callback(answer, **rest) if callback is not None else answer

    async def _spread(self, name: str, args: Command) -> Any:
        """One command of many keys, a part of it for each slot."""
        places: dict[int, list[int]] = {}
        for place, key in enumerate(args[1:]):
            places.setdefault(slot_of(key), []).append(place)
        answers = await self.exchange([[name, *(args[1 + place] for place in some)] for some in places.values()])
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        if name != "MGET":
            return sum(answers)
        found: list[Any] = [None] * (len(args) - 1)
        for some, values in zip(places.values(), answers, strict=True):
            for place, value in zip(some, values, strict=True):
                found[place] = value
        return found

    async def _scan(self, args: Command) -> Any:
        """One node after the other: the cursor is the node's own, times the number of nodes, plus which node."""
        await self._ready()
        nodes = self.map.primaries
        own, number = divmod(int(args[1]), len(nodes))
        packed = [wire.pack(["SCAN", str(own), *args[2:]])]
        try:
            (answer,) = await self._at(nodes[number], packed, False)
        except _GONE:  # a connection that was lost meanwhile, or a primary: its successor stands in its place
            await self.map.refresh(self.map.generation)
            nodes = self.map.primaries
            (answer,) = await self._at(nodes[number], packed, False)
        if isinstance(answer, Exception):
            raise answer
        cursor, names = answer
        if int(cursor):
            return [str(int(cursor) * len(nodes) + number).encode(), names]
        return [str(number + 1 if number + 1 < len(nodes) else 0).encode(), names]

    async def on(self, node: Node, *args: Any) -> Any:
        """One node's answer as it sends it."""
        (answer,) = await self._at(node, [wire.pack(args)], False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def on_each(self, *args: Any) -> dict[Node, Any]:
        """The answer of every primary, as it sends it. Raises the first error of one."""
        await self._ready()
        nodes = self.map.primaries
        packed = [wire.pack(str(args[0]).split(" ") + list(args[1:]))]
        try:
            answers = await asyncio.gather(*(self._at(node, packed, False) for node in nodes))
        except _GONE:  # one of them may just have been replaced
            await self.map.refresh(self.map.generation)
            nodes = self.map.primaries
            answers = await asyncio.gather(*(self._at(node, packed, False) for node in nodes))
        for (answer,) in answers:
            if isinstance(answer, Exception):
                raise answer
        return {node: answer for node, (answer,) in zip(nodes, answers, strict=True)}

    # many commands

    async def exchange(self, commands: Sequence[Command], ready: Callable[[], None] = lambda: None) -> list[Any]:
        """One answer a command as a server sends it, in the order asked, errors among them, also of nodes that were lost.

        A WAIT holds for every node of the batch: its answer is the least of theirs. ready: as in wire.exchange
        """
        batch = _Round([[*one[0].split(" "), *one[1:]] if isinstance(one[0], str) and " " in one[0] else one for one in commands])
        until_s = time.monotonic() + PATIENCE_S
        for pause in PAUSES_S:
            if pause:
                await asyncio.sleep(pause)
            if time.monotonic() > until_s:
                break
            seen = self.map.generation
            try:
                if not seen:
                    await self._ready()
                groups = self._groups(batch)
            except (*_GONE, exceptions.ClusterDownError) as error:
                for place in batch.todo:
                    batch.answers[place] = error
                await self._refresh(seen)
                continue
            await asyncio.gather(
                *(self._ask(batch, node, asking, places, ready) for (node, asking), places in groups.items())
            )
            if not self._left(batch):
                break
            if any(not isinstance(batch.answers[place], exceptions.AskError) for place in batch.todo):
                await self._refresh(seen)
        for place in batch.waits:
            lost = [one for one in batch.acknowledged if isinstance(one, Exception)]
            batch.answers[place] = lost[0] if lost else min(batch.acknowledged, default=0)
        return batch.answers

    async def all_or_none(self, commands: Sequence[Command]) -> Any:
        """MULTI, the commands, EXEC, all in one slot: EXEC's answer. Raises the first error of one."""
        slots = {slot for command in commands for slot in slots_of(command)}
        if len(slots) != 1:
            raise exceptions.CrossSlotTransactionError("what a transaction touches must lie in one slot")
        (slot,) = slots
        packed = [wire.pack(command) for command in (["MULTI"], *commands, ["EXEC"])]
        last: Exception = exceptions.ConnectionError("not asked")
        for pause in PAUSES_S:
            await asyncio.sleep(pause)
            seen = self.map.generation
            try:
                await self._ready()
                answers = await self._at(self.map.node_of(slot), packed, False)
            except _GONE as error:
                last = error
            else:
                wrong = next((one for one in answers if isinstance(one, Exception)), None)
                if wrong is None:
                    return answers[-1]
                if not isinstance(wrong, _ELSEWHERE):
                    raise wrong
                last = wrong
            await self._refresh(seen)
        raise last

    def _groups(self, batch: _Round) -> dict[tuple[Node, bool], list[int]]:
        """(node, whether it is to be asked out of turn) -> places. What has no key goes where the first that has one goes."""
        first = next((slot for slot in batch.slots if slot is not None), 0)
        groups: dict[tuple[Node, bool], list[int]] = {}
        for place in batch.todo:
            slot = batch.slots[place]
            asked = batch.asked.get(place)
            target = (asked, True) if asked else (self.map.node_of(first if slot is None else slot), False)
            groups.setdefault(target, []).append(place)
        return groups

    async def _ask(
        self, batch: _Round, node: Node, asking: bool, places: list[int], ready: Callable[[], None]
    ) -> None:
        """Put the answers of one node in their places; a loss stands in the place of each."""
        packed = [batch.packed[place] for place in (*places, *batch.waits)]
        try:
            answers = await self._at(node, packed, asking, ready)
        except Turned:
            raise
        except Exception as error:
            if translated(error) is None:
                raise
            answers = [error] * len(packed)
        for place, answer in zip(places, answers, strict=False):
            batch.answers[place] = answer
        if any(not isinstance(answer, (*_ELSEWHERE, *_GONE)) for answer in answers[: len(places)]):
            batch.acknowledged += answers[len(places) :]

    def _left(self, batch: _Round) -> bool:
        """Whether something is to be asked again, of whom it was said."""
        batch.todo = [place for place in batch.todo if isinstance(batch.answers[place], (*_ELSEWHERE, *_GONE))]
        batch.asked.clear()
        for place in batch.todo:
            answer, slot = batch.answers[place], batch.slots[place]
            if isinstance(answer, exceptions.MovedError):
                if slot is not None:
                    self.map.moved(slot, (answer.host, answer.port))
            elif isinstance(answer, exceptions.AskError):
                batch.asked[place] = (answer.host, answer.port)
        return bool(batch.todo)

    async def _at(
        self, node: Node, packed: Sequence[bytes], asking: bool, ready: Callable[[], None] = lambda: None
    ) -> list[Any]:
        """Send to one node on one connection. asking: each command behind an ASKING, which holds for one command."""
        sent: Sequence[bytes] = [part for one in packed for part in (wire.pack(["ASKING"]), one)] if asking else packed
        pool = self._through(self.map.pool(node))
        connection: Any = await pool.get_connection()
        try:
            answers = await wire.exchange(connection, sent, ready)
        except _GONE:
            await connection.disconnect()
            # Its neighbours in the pool were lost with it, most likely.
            await pool.disconnect(inuse_connections=False)
            raise
        finally:
            await pool.release(connection)
        return answers[1::2] if asking else answers

    async def _ready(self) -> None:
        if not self.map.generation:
            await self.map.refresh(0)

    async def _refresh(self, seen: int) -> None:
        try:
            await self.map.refresh(seen)
        except _GONE:
            pass  # the map stays as it is; what was not answered says so

    # as one server

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return ClusterPipeline(self, transaction)

    def pubsub(self, **options: Any) -> PubSub:
        """Subscribes at any node: what is published at one reaches all. Asked again after a loss, it may be another."""
        return PubSub(self.map.pool(random.choice(self.map.primaries or self.map.seeds)), **options)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await self.map.aclose()
        await super().aclose(close_connection_pool)


class ClusterPipeline(GuardedPipeline):
    """Commands collected as on one server. transaction: all of one slot, all or none."""

    def __init__(self, redis: ClusterRedis, transaction: bool) -> None:
        super().__init__(redis.connection_pool, redis.response_callbacks, transaction, None)
        self._cluster = redis

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        stack, self.command_stack = list(self.command_stack), []
        if not stack:
            return []
        commands = [cast(Command, args) for args, _ in stack]
        answers: list[Any]
        try:
            if self.is_transaction:
                answers = await self._cluster.all_or_none(commands)
            else:
                answers = await self._cluster.exchange(commands)
        except Exception as error:
            ours = translated(error)
            if ours is None:
                raise
            raise ours from error
        found: list[Any] = []
        for (args, options), answer in zip(stack, answers, strict=True):
            if isinstance(answer, Exception):
                if (ours := translated(answer)) is not None:
                    raise ours from answer
                if raise_on_error:
                    raise answer
                found.append(answer)
            else:
                found.append(self._cluster.parsed(args[0], answer, options))
        return found
