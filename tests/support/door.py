"""The console's door on a table: its routes over a real store, browsers with cookies of their own, no loop that runs beside."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.insight.past import Past
from gateway.model.agent import Agent
from gateway.model.personal import Secret
from gateway.store.agents import Agents
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.outbox import Outbox
from gateway.store.presence import PresenceBook
from gateway.store.vault import KeyRing, Vault
from gateway.webcare import WebcareDeps, add_console_routes
from gateway.webcare.provider import Provider
from tests.support.core import facts_of

PASSWORD = "a long sentence to sign in with"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
Client = TestClient[web.Request, web.Application]


@dataclass
class Door:
    redis: Any
    deps: WebcareDeps
    clock: Clock
    server: TestServer
    clients: list[Client] = field(default_factory=list)

    def browser(self) -> Browser:
        client: Client = TestClient(self.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.clients.append(client)
        return Browser(client)

    async def agent(self, *rights: str, name: str = "ann") -> Agent:
        return await self.deps.agents.add_agent(name, name.title(), Secret(PASSWORD), rights or ("agent",))

    async def audit(self, *kinds: str) -> list[Mapping[str, str]]:
        """What the facts of these kinds say, oldest first."""
        return [{"kind": fact.kind, **fact.detail} for fact in await facts_of(self.redis) if fact.kind in kinds]


class Browser:
    """Whoever sits before it. token: the session's own, once a page of the desk was read."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.token = ""

    async def get(self, path: str) -> tuple[int, str, str]:
        """(status, text, where it points)"""
        async with self.client.get(path, allow_redirects=False) as response:
            return response.status, await response.text(), response.headers.get("Location", "")

    async def form(self, path: str, **fields: str) -> tuple[int, str, str]:
        """Fill in the form that stands at `path`."""
        _, text, _ = await self.get(path)
        found = re.search(r'name="token" value="([^"]+)"', text)
        assert found, f"there is no form at {path}"
        filled = {"token": found[1], **fields}
        async with self.client.post(path.partition("?")[0], data=filled, allow_redirects=False) as response:
            return response.status, await response.text(), response.headers.get("Location", "")

    async def sign_in(self, name: str = "ann", password: str = PASSWORD) -> tuple[int, str, str]:
        return await self.form("/login", name=name, password=password)

    async def read_token(self) -> None:
        """Look at the desk, and learn the session's token."""
        status, text, _ = await self.get("/desk")
        found = re.search(r'name="desk-token" content="([^"]+)"', text)
        assert status == 200
        assert found
        self.token = found[1]

    async def post(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        async with self.client.post(path, json=body or {}, headers={"X-Desk-Token": self.token}) as response:
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def open_door(
    redis: Redis, *, port: int = 0, provider: Callable[[Clock, Vault], Provider] | None = None, history_url: str = ""
) -> AsyncIterator[Door]:
    """provider: who says who agents are, for this clock and vault; it has to know our port beforehand

    history_url: where what passed before is kept, "" nowhere
    """
    clock = Clock()
    vault = Vault(KeyRing(KeyRing.generate()), redis)
    conversations = Conversations(redis, clock, vault)
    past = Past(history_url, vault, conversations) if history_url else None
    deps = WebcareDeps(
        conversations, Agents(redis, clock, vault, hasher=QUICK), Contacts(redis, clock, vault),
        Outbox(redis, clock, {}), clock, {"zz": "Polderwind Air"}, {}, presence=PresenceBook(redis, clock),
        provider=provider(clock, vault) if provider else None, past=past,
    )  # fmt: skip
    app = web.Application()
    add_console_routes(app, deps)
    door = Door(redis, deps, clock, TestServer(app, port=port or None))
    await door.server.start_server()
    try:
        yield door
    finally:
        for client in door.clients:
            await client.session.close()
        await door.server.close()
