"""Routing under load: so many people write within ten seconds, and agents who are here are given them.

People are written in by processes of their own, two others run the webcare role (one of them routes), and this one plays the
agents: a page's beat each 15 s, and each conversation opened at once and finished after a moment, by the commands of the desk.
Time is until a conversation is its agent's, from when it could have been: from when it stands in its queue or, where all were
full, from when the slot fell free that it got; by the store's clock, in its own facts.

The pause between two that one agent is given is off: with three seconds 200 agents can be given 67 a second, and the pause
would be what is measured. Capacity is two. Beside it the same with one in a hundred as many people: the same way, unloaded.
Whether anybody was ever over capacity, or a conversation two people's, is counted afterwards from what the store kept of each.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from bench.children import child, first_line
from bench.report import Row, percentile
from bench.sizes import Sizes
from bench.webcare_child import BRAND
from gateway.errors import Conflict
from gateway.model.conversation import AgentId, Conversation
from gateway.model.ids import ConversationId
from gateway.model.personal import Secret
from gateway.model.webcare import BEAT_MS, AgentStatus
from gateway.runtime import Runtime
from gateway.store import keys
from gateway.store.agents import Agents
from gateway.store.conversations import Command
from gateway.store.presence import PresenceBook

PLAN = f"""
figures: {{capacity: 2, gap_s: 0}}
brands:
  {BRAND}: {{}}
"""
HOLD_S = 5.0
"""How long an agent has a conversation: 400 slots are full after two seconds, and fall free by 80 a second."""
CAPACITY = 2
TARGET_MS = 250.0
WRITERS = 2
PATIENCE_S = 60.0
HANDS = 24
"""Commands of agents that are under way at once."""


QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Nobody signs in here by a password."""


def team(runtime: Runtime) -> Agents:
    return Agents(runtime.connection.redis, runtime.clock, runtime.vault, hasher=QUICK)


class Agency:
    """The agents at their pages."""

    def __init__(self, runtime: Runtime, count: int, hold_s: float = HOLD_S) -> None:
        self._runtime = runtime
        self._count = count
        self._hold_s = hold_s
        self._book = PresenceBook(runtime.connection.redis, runtime.clock)
        self._hands = asyncio.Semaphore(HANDS)
        self._seen: set[ConversationId] = set()
        self.ids: list[AgentId] = []
        self.done: list[ConversationId] = []
        self._changed = asyncio.Event()

    async def finished(self, count: int) -> None:
        """Until so many were finished."""
        while len(self.done) < count:
            self._changed.clear()
            await self._changed.wait()

    async def sign_in(self) -> None:
        agents = team(self._runtime)
        hashed = Secret("a sentence does well enough")
        await self.arrive(
            [(await agents.add_agent(f"agent{n}", f"Agent {n}", hashed, ("agent",))).id for n in range(self._count)]
        )

    async def arrive(self, ids: Sequence[AgentId], busy: Collection[ConversationId] = ()) -> None:
        """These are here. busy: conversations that they have and go on with"""
        self.ids, self._seen = list(ids), set(busy)
        for one in self.ids:
            await self._book.beat(one, touched=True)
            await self._book.choose(one, AgentStatus.AVAILABLE)

    async def work(self) -> None:
        """Until cancelled: beats, and whatever is given is opened and finished."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beats())
            desk, since = self._runtime.conversations.desk, await self._runtime.conversations.desk.newest()
            while True:
                for item in await desk.listen(since, 1000):
                    since = item.id
                    if item.place.startswith("mine:") and item.conversation not in self._seen:
                        self._seen.add(item.conversation)
                        group.create_task(self._has(AgentId(item.place.removeprefix("mine:")), item.conversation))

    async def _beats(self) -> None:
        while True:
            for one in self.ids:
                await self._book.beat(one, touched=True)
            await asyncio.sleep(BEAT_MS / 1000)

    async def _has(self, agent: AgentId, conversation: ConversationId) -> None:
        """What fails is given to somebody else and heard of again."""
        try:
            async with self._hands:
                one = await self._runtime.conversations.get(conversation)
                await self._runtime.conversations.open(Command(conversation, agent, one.epoch, "open"))
            await asyncio.sleep(self._hold_s)
            async with self._hands:
                await self._runtime.conversations.finish(Command(conversation, agent, one.epoch, "finish"), reason="other")
            self.done.append(conversation)
            self._changed.set()
        except Conflict:
            self._seen.discard(conversation)


async def rush(runtime: Runtime, environ: dict[str, str], agency: Agency, count: int, over_s: float) -> list[Conversation]:
    """So many people write over so long; every conversation, once all are finished."""
    before = len(agency.done)
    async with AsyncExitStack() as stack:
        share = count // WRITERS
        writing = ["-m", "bench.webcare_child", "write", str(share), str(share / over_s)]
        writers = [await stack.enter_async_context(child(writing, environ)) for _ in range(WRITERS)]
        for one in writers:
            await first_line(one)
        for one in writers:
            assert one.stdin is not None
            one.stdin.write(b"go\n")
        for one in writers:
            await first_line(one, PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            await agency.finished(before + share * WRITERS)
    found = await runtime.conversations.get_many(agency.done[before:])
    return [one for one in found if one is not None]


def waits_ms(
    conversations: Sequence[Conversation], spans: Mapping[str, tuple[int, int]], capacity: int = CAPACITY
) -> list[float]:
    """Per conversation how long after it could have been given it was. An agent's slots are taken in the order in which they fell
    free; to begin with they have all been free for ever."""
    free: dict[str | None, list[int]] = {}
    found = []
    for one in sorted(conversations, key=lambda one: spans[one.id]):
        begun, ended = spans[one.id]
        slots = free.setdefault(one.last_owner, [0] * capacity)
        since = heapq.heappop(slots)
        found.append(float(begun - max(one.opened_ms, since)))
        heapq.heappush(slots, ended)
    return found


async def assigned(runtime: Runtime) -> tuple[dict[str, tuple[int, int]], Counter[str]]:
    """Per conversation when it became its agent's and when it was finished, from the facts; and how often it was given."""
    given: dict[str, int] = {}
    ended: dict[str, int] = {}
    often: Counter[str] = Counter()
    for partition in keys.all_partitions():
        lines: Any = await runtime.connection.redis.xrange(keys.part(partition, "facts"))
        for _, fields in lines:
            _, at, kind, ids, _ = bytes(fields[b"f"]).decode().split("|", 4)
            if kind == "assigned":
                given[ids.split()[0]] = int(at)
                often[ids.split()[0]] += 1
            elif kind == "resolved":
                ended[ids.split()[0]] = int(at)
    return {one: (at, ended[one]) for one, at in given.items() if one in ended}, often


def most_at_once(spans: list[tuple[int, int]]) -> int:
    """How many of these (from, until) there were at most at one moment; what ends as another begins is not counted with it."""
    steps = sorted([*((begin, 1) for begin, _ in spans), *((end, -1) for _, end in spans)])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def check(
    conversations: Sequence[Conversation],
    spans: Mapping[str, tuple[int, int]],
    often: Mapping[str, int],
    capacity: int = CAPACITY,
) -> None:
    """Raises RuntimeError when one was two people's, or anybody had more than their slots at one moment."""
    twice = [one for one, count in often.items() if count > 1]
    had: dict[str | None, list[tuple[int, int]]] = {}
    for one in conversations:
        had.setdefault(one.last_owner, []).append(spans[one.id])
    over = [agent for agent, some in had.items() if most_at_once(some) > capacity]
    if twice or over:
        raise RuntimeError(f"{len(twice)} conversations were given twice, {len(over)} agents were over capacity")


async def routers(stack: AsyncExitStack, environ: dict[str, str]) -> None:
    """Two processes of the webcare role, until the stack ends."""
    for _ in range(2):
        routing = await stack.enter_async_context(child(["-m", "bench.webcare_child", "route"], environ))
        await first_line(routing)
        assert routing.stdin is not None
        routing.stdin.write(b"go\n")


async def measure(runtime: Runtime, environ: dict[str, str], sizes: Sizes) -> list[Row]:
    """runtime: opened with `plan_file(directory)` among its settings, and so are the children by `environ`"""
    agency = Agency(runtime, sizes.agents)
    await agency.sign_in()
    async with AsyncExitStack() as stack:
        await routers(stack, environ)
        working = asyncio.create_task(agency.work())
        try:
            quiet = await rush(runtime, environ, agency, max(sizes.conversations // 100, WRITERS), sizes.over_s)
            loaded = await rush(runtime, environ, agency, sizes.conversations, sizes.over_s)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    spans, often = await assigned(runtime)
    check([*quiet, *loaded], spans, often)
    ours, bare = waits_ms(loaded, spans), waits_ms(quiet, spans)
    busiest = max(most_at_once([spans[one.id] for one in loaded if one.last_owner == agent]) for agent in agency.ids)
    note = f"{len(loaded):,} within {sizes.over_s:g} s from {WRITERS} processes, {sizes.agents} agents, two routing processes; "
    note += f"none given twice, at most {busiest} live with one agent of {CAPACITY}"
    rows = []
    for share in (0.5, 0.95, 0.99):
        loaded_ms, quiet_ms = percentile(ours, share), percentile(bare, share)
        name = f"given to an agent, p{share * 100:.0f}"
        rows.append(Row(name, "ms", loaded_ms, quiet_ms, loaded_ms / max(quiet_ms, 1), None, False, "unloaded", note=note))
    p99 = percentile(ours, 0.99)
    rows.append(Row("given to an agent, p99", "ms", p99, TARGET_MS, p99 / TARGET_MS, 1.0, False, "what is promised"))
    return rows


def plan_file(directory: Path) -> dict[str, str]:
    """The settings that name the plan of this bench, written into a directory."""
    path = directory / "webcare.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return {"GATEWAY_WEBCARE": str(path)}
