"""Patches: how long after the store keeps somebody's words their agent's page has them, with so many pages open.

One process serves the desk as `run` serves it; each agent has a page open by a WebSocket, on a conversation of their own. People
write into these, so many a second over all; each time every page hears that something changed and looks what differs for it.
Time is from the store's own fact to the moment at which the socket of that agent has the patch with the new line, on one clock:
one host. Beside it the same with one in forty as many pages.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession, TCPConnector, WSMsgType

from bench.children import child, first_line
from bench.report import Row, percentile
from bench.sizes import Sizes
from bench.webcare_child import BRAND, SENDER
from gateway.model.conversation import InboundEntry
from gateway.model.ids import AddressId, ContactId, ConversationId, new_address_id, new_contact_id
from gateway.model.personal import Personal, Secret
from gateway.runtime import Runtime
from gateway.store import keys
from gateway.store.agents import Agents
from gateway.store.conversations import Command
from gateway.webcare.session import COOKIE

PER_SECOND = 5.0
"""Two hundred people in a chat who write twice in eighty seconds each."""
TARGET_MS = 500.0
FEWER = 40
READY_S = 60.0
LAST_S = 3.0
"""How long the last words may take to arrive: what has not by then counts as that long."""


class Chats:
    """Agents with a conversation each; customers who write in them."""

    def __init__(self, runtime: Runtime, agents: Agents) -> None:
        self._runtime = runtime
        self._agents = agents
        self.people: dict[ConversationId, tuple[ContactId, AddressId]] = {}
        self.tokens: dict[ConversationId, str] = {}
        self._written = 0

    async def begin(self, count: int) -> None:
        hashed = Secret("a sentence does well enough")
        for number in range(count):
            agent = await self._agents.add_agent(f"page{number}", f"Page {number}", hashed, ("agent",))
            contact = new_contact_id()
            who = contact, new_address_id(contact)
            one = await self.write(*who)
            await self._runtime.conversations.take(Command(one, agent.id, 1, "take"))
            self.people[one] = who
            self.tokens[one] = (await self._agents.sessions.open(agent, "127.0.0.1")).token.reveal()

    async def write(self, contact: ContactId, address: AddressId) -> ConversationId:
        self._written += 1
        item = InboundEntry(f"p{self._written}", "text", Personal("And which coach?"), self._runtime.clock.now_ms())
        return await self._runtime.conversations.add_inbound(contact, BRAND, address, SENDER, item=item)

    async def talk(self, chats: list[ConversationId], seconds: float) -> None:
        """In turn, evenly."""
        began, number = time.monotonic(), 0
        while number < seconds * PER_SECOND:
            await asyncio.sleep(max(began + number / PER_SECOND - time.monotonic(), 0))
            await self.write(*self.people[chats[number % len(chats)]])
            number += 1


async def _page(
    client: ClientSession, url: str, token: str, chat: ConversationId, ready: asyncio.Event, heard: list[float]
) -> None:
    """One open page, until cancelled: when each patch of its thread came (ms)."""
    query = {"conversation": chat, "tab": f"tab-{chat[-14:]}-bench", "last": "0"}
    async with client.ws_connect(f"{url}/desk/live", params=query, headers={"Cookie": f"{COOKIE}={token}"}) as socket:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            if said["t"] == "caught-up":
                ready.set()
            elif said["t"] == "patch" and said["part"] == "lines":
                heard.append(time.time() * 1000)
    raise RuntimeError("the desk closed a page that is measured")


async def _inbound(runtime: Runtime, since_ms: float) -> list[tuple[ConversationId, int]]:
    """What people wrote since, by the store's own facts."""
    found = []
    for partition in keys.all_partitions():
        lines: Any = await runtime.connection.redis.xrange(keys.part(partition, "facts"))
        for _, fields in lines:
            _, at, kind, ids, _ = bytes(fields[b"f"]).decode().split("|", 4)
            if kind == "inbound" and int(at) >= since_ms:
                found.append((ConversationId(ids.split()[0]), int(at)))
    return found


async def _round(runtime: Runtime, url: str, chats: Chats, count: int, seconds: float) -> list[float]:
    """Per message (ms), with so many pages open."""
    these = list(chats.people)[:count]
    heard: dict[ConversationId, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
        ready = {one: asyncio.Event() for one in these}
        pages = [
            asyncio.create_task(_page(client, url, chats.tokens[one], one, ready[one], heard[one])) for one in these
        ]
        try:
            async with asyncio.timeout(READY_S):
                for one in these:
                    await ready[one].wait()
            since = time.time() * 1000
            await chats.talk(these, seconds)
            await asyncio.sleep(LAST_S)
            broken = [one for one in pages if one.done()]
            if broken:
                raise RuntimeError(f"{len(broken)} pages lost their connection")
        finally:
            for page in pages:
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)
    took = []
    for chat, at in await _inbound(runtime, since):
        place = bisect.bisect_left(heard[chat], at)
        took.append(heard[chat][place] - at if place < len(heard[chat]) else LAST_S * 1000)
    return took


async def measure(runtime: Runtime, environ: dict[str, str], agents: Agents, sizes: Sizes) -> list[Row]:
    """environ: by which the process that serves the pages opens the same store"""
    chats = Chats(runtime, agents)
    await chats.begin(sizes.agents)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(child(["-m", "bench.webcare_child", "serve"], environ))
        url = f"http://127.0.0.1:{await first_line(desk)}"
        bare = await _round(runtime, url, chats, max(sizes.agents // FEWER, 1), sizes.over_s)
        ours = await _round(runtime, url, chats, sizes.agents, sizes.over_s)
    few = max(sizes.agents // FEWER, 1)
    note = f"{len(ours)} messages over {sizes.over_s:g} s, {sizes.agents} pages open; unloaded: {few}"
    rows = []
    for share in (0.5, 0.95):
        name, loaded, quiet = f"on their agent's page, p{share * 100:.0f}", percentile(ours, share), percentile(bare, share)
        rows.append(Row(name, "ms", loaded, quiet, loaded / max(quiet, 1), None, False, "unloaded", note=note))
    p95 = percentile(ours, 0.95)
    rows.append(Row("on their agent's page, p95", "ms", p95, TARGET_MS, p95 / TARGET_MS, 1.0, False, "what is promised"))
    return rows
