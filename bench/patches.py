"""Patches: how long after the store keeps something it is on its agent's page, with so many pages open.

Processes serve the desk as `run` serves it; each agent has a page open by a WebSocket, on a conversation of their own. People
write into these, so many a second over all. Three rounds: one in forty as many pages (unloaded); all of them; and all of them
while as many others as the routing bench has write within ten seconds, are routed by two processes more, given to these same
agents, opened and finished. Of that round two things are told: the words in the open chat, and the row of what was given.

Time is from the store's own fact to the moment at which the socket of that agent has the patch with the new line or row, on one
clock: one host. Everything runs on the same cores: store, writers, routers, pages, and this process, which is browsers and hands.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, TCPConnector, WSMsgType

from bench.children import child, first_line
from bench.report import Row, percentile
from bench.sizes import Sizes
from bench.webcare import TARGET_MS as ROUTED_MS
from bench.webcare import Agency, assigned, check, routers, rush, waits_ms
from bench.webcare_child import BRAND, SENDER
from gateway.model.conversation import AgentId, InboundEntry
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
SERVING = 2
HOLD_S = 2.5
"""How long an agent has one of the rush beside their chat: 200 slots fall free by 80 a second, as in the routing bench."""
_ROW = re.compile(r'data-id="([^"]+)"')


@dataclass(slots=True)
class Heard:
    """What came to one page. lines: when each patch of its thread came (ms); rows: when a conversation first stood in a list"""

    ready: asyncio.Event = field(default_factory=asyncio.Event)
    lines: list[float] = field(default_factory=list)
    rows: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rushed:
    """Milliseconds. words: until what was said into an open chat is on its page; shown: until what was given is

    given: until it was given, from when it could have been
    """

    words: list[float]
    shown: list[float]
    given: list[float]


class Chats:
    """Agents with a conversation each; customers who write in them."""

    def __init__(self, runtime: Runtime, agents: Agents) -> None:
        self._runtime = runtime
        self._agents = agents
        self.people: dict[ConversationId, tuple[ContactId, AddressId]] = {}
        self.tokens: dict[ConversationId, str] = {}
        self.agents: dict[ConversationId, AgentId] = {}
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
            self.agents[one] = agent.id
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


async def _page(client: ClientSession, url: str, token: str, chat: ConversationId, heard: Heard) -> None:
    """One open page, until cancelled."""
    query = {"conversation": chat, "tab": f"tab-{chat[-14:]}-bench", "last": "0"}
    async with client.ws_connect(f"{url}/desk/live", params=query, headers={"Cookie": f"{COOKIE}={token}"}) as socket:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            said, now = json.loads(message.data), time.time() * 1000
            if said["t"] == "caught-up":
                heard.ready.set()
            elif said["t"] == "patch" and said["part"] == "lines":
                heard.lines.append(now)
            elif said["t"] == "patch" and said["part"] == "own":
                for row in _ROW.findall(said["html"]):
                    heard.rows.setdefault(row, now)
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


async def _words(runtime: Runtime, heard: Mapping[ConversationId, Heard], since_ms: float) -> list[float]:
    """Per message into an open chat (ms)."""
    took = []
    for chat, at in await _inbound(runtime, since_ms):
        if chat in heard:
            lines = heard[chat].lines
            place = bisect.bisect_left(lines, at)
            took.append(lines[place] - at if place < len(lines) else LAST_S * 1000)
    return took


@asynccontextmanager
async def _open(chats: Chats, urls: Sequence[str], count: int) -> AsyncIterator[dict[ConversationId, Heard]]:
    """So many pages, caught up. Raises RuntimeError when one lost its connection meanwhile."""
    these = list(chats.people)[:count]
    heard = {one: Heard() for one in these}
    async with ClientSession(connector=TCPConnector(limit=0)) as client:
        pages = [
            asyncio.create_task(_page(client, urls[number % len(urls)], chats.tokens[one], one, heard[one]))
            for number, one in enumerate(these)
        ]
        try:
            async with asyncio.timeout(READY_S):
                for one in these:
                    await heard[one].ready.wait()
            yield heard
            broken = [one for one in pages if one.done()]
            if broken:
                raise RuntimeError(f"{len(broken)} pages lost their connection")
        finally:
            for page in pages:
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)


async def _round(runtime: Runtime, urls: Sequence[str], chats: Chats, count: int, seconds: float) -> list[float]:
    """Per message (ms), with so many pages open."""
    async with _open(chats, urls, count) as heard:
        since = time.time() * 1000
        await chats.talk(list(heard), seconds)
        await asyncio.sleep(LAST_S)
    return await _words(runtime, heard, since)


async def _rushed(
    runtime: Runtime, environ: dict[str, str], urls: Sequence[str], chats: Chats, sizes: Sizes
) -> Rushed:
    """While others write and are given."""
    agency = Agency(runtime, sizes.agents, HOLD_S)
    await agency.arrive(list(chats.agents.values()), busy=set(chats.people))
    async with AsyncExitStack() as stack:
        heard = await stack.enter_async_context(_open(chats, urls, sizes.agents))
        await routers(stack, environ)
        working = asyncio.create_task(agency.work())
        try:
            since = time.time() * 1000
            talking = asyncio.create_task(chats.talk(list(heard), sizes.over_s))
            rushed = await rush(runtime, environ, agency, sizes.conversations, sizes.over_s)
            await talking
            await asyncio.sleep(LAST_S)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    words, (spans, often) = await _words(runtime, heard, since), await assigned(runtime)
    check(rushed, spans, often, capacity=1)
    pages = {chats.agents[chat]: one for chat, one in heard.items()}
    shown = []
    for one in rushed:
        assert one.last_owner is not None
        at = spans[one.id][0]
        shown.append(pages[one.last_owner].rows.get(one.id, at + LAST_S * 1000) - at)
    return Rushed(words, shown, waits_ms(rushed, spans, capacity=1))


async def measure(runtime: Runtime, environ: dict[str, str], agents: Agents, sizes: Sizes) -> list[Row]:
    """environ: by which the processes that serve the pages open the same store"""
    chats = Chats(runtime, agents)
    await chats.begin(sizes.agents)
    few = max(sizes.agents // FEWER, 1)
    async with AsyncExitStack() as stack:
        desks = [await stack.enter_async_context(child(["-m", "bench.webcare_child", "serve"], environ)) for _ in range(SERVING)]
        urls = [f"http://127.0.0.1:{await first_line(one)}" for one in desks]
        bare = await _round(runtime, urls, chats, few, sizes.over_s)
        ours = await _round(runtime, urls, chats, sizes.agents, sizes.over_s)
        rushed = await _rushed(runtime, environ, urls, chats, sizes)
    note = f"{len(ours)} messages over {sizes.over_s:g} s, {sizes.agents} pages open at {SERVING} processes; unloaded: {few}"
    beside = f"{len(rushed.words)} messages, {sizes.agents} pages open at {SERVING} processes; {len(rushed.given):,} others who "
    beside += f"write within {sizes.over_s:g} s and are given, one at a time beside the chat of each agent; none twice"
    rows = []
    for name, found, said, share, target in (
        ("on their agent's page", ours, note, 0.95, TARGET_MS),
        ("on their agent's page in a rush", rushed.words, beside, 0.95, TARGET_MS),
        ("what was given on the page in a rush", rushed.shown, beside, 0.95, TARGET_MS),
        ("given to an agent in a rush", rushed.given, beside, 0.99, ROUTED_MS),
    ):
        for part in (0.5, share):
            loaded, quiet = percentile(found, part), percentile(bare, part)
            ratio = loaded / max(quiet, 1)
            rows.append(Row(f"{name}, p{part * 100:.0f}", "ms", loaded, quiet, ratio, None, False, "words, unloaded", note=said))
        last = percentile(found, share)
        rows.append(Row(f"{name}, p{share * 100:.0f}", "ms", last, target, last / target, 1.0, False, "what is promised"))
    return rows
