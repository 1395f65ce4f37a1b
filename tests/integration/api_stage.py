"""A stage for the tests of the internal API: its routes on a real listener, over a real store, with keys of every kind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from connectors.meta.graph import Graph
from connectors.whatsapp.connector import WhatsAppConnector
from gateway.clock import Clock
from gateway.connector import Connector, Sender
from gateway.directory import Directory
from gateway.intake import api as door
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.settings import Settings, read
from gateway.store.apikeys import ApiKeys
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.events import Events
from gateway.store.kept import Kept
from gateway.store.outbox import Outbox, Pair
from gateway.store.vault import KeyRing, Vault
from gateway.wake import Wake
from tests.support.notifications import catalogue

SAMPLES = Path(__file__).parents[1] / "samples" / "events"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
FIRST = "a first key that nobody guesses, 1"
SENDER = SenderId("zz-main")
NOW_MS = 1795348800000  # 2026-11-22T12:00:00Z, just after what the samples tell
ONE_SENDER = Sender(SENDER, "whatsapp", "zz", {"phone_number_id": "1"}, "portfolio", Secret("t"))


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


class Stage:
    """Everything that the API is handed, and a client of it. depth: what the outbox is said to hold."""

    def __init__(self, redis: Redis, **settings: str) -> None:
        self.redis = redis
        self.clock = Clock()
        self.clock.offset_ms = NOW_MS - self.clock.now_ms()
        self.vault = Vault(KeyRing(KeyRing.generate()), redis)
        self.directory = Directory([ONE_SENDER])
        self.pair = {SENDER: Pair(0, 1)}
        self.contacts = Contacts(redis, self.clock, self.vault)
        self.events = Events(redis, self.clock, self.vault)
        self.outbox = Outbox(redis, self.clock, self.pair)
        self.conversations = Conversations(redis, self.clock, self.vault, pair=self.pair)
        self.keys = ApiKeys(redis, self.clock, Secret(FIRST))
        self.wake = Wake()
        self.depth = 0
        self.counted: dict[str, int] = {}
        self.settings: Settings = read(
            {"GATEWAY_BRAND": "zz", "GATEWAY_GRAPH_URL": "http://127.0.0.1:9", "GATEWAY_ENV": "demo", **settings}, None
        )
        graph = Graph("http://127.0.0.1:9", connect_timeout_s=1, timeout_s=2, auth_header="Authorization")
        self.connectors: dict[str, Connector] = {"whatsapp": WhatsAppConnector(graph, "v25.0")}

    def count(self, answer: str, how_many: int) -> None:
        if how_many:
            self.counted[answer] = self.counted.get(answer, 0) + how_many

    def door_deps(self) -> door.Deps:
        return door.Deps(
            events=self.events,
            kept=Kept(self.redis, self.clock),
            keys=self.keys,
            vault=self.vault,
            clock=self.clock,
            connectors=self.connectors,
            directory=self.directory,
            catalogue=catalogue(),
            settings=self.settings,
            wake=self.wake,
            depth=lambda: self.depth,
            count=self.count,
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Client]:
        app = web.Application(client_max_size=door.MAX_BODY)
        door.add_routes(app, self.door_deps())
        async with TestClient(TestServer(app)) as client:
            try:
                yield client
            finally:
                for connector in self.connectors.values():
                    await connector.close()


def bearer(key: str = FIRST, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **more}


Client = TestClient[web.Request, web.Application]


async def send(
    client: Client, body: Any, *, key: str = FIRST, path: str = "/v1/events", batch: bool = False
) -> tuple[int, dict[str, Any]]:
    """POST one event or a batch: (status, answer)."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = bearer(key) | {"Content-Type": BATCH if batch else STRUCTURED}
    async with client.post(path, data=raw, headers=headers) as response:
        return response.status, await response.json(content_type=None)
