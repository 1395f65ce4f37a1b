"""A stage for the tests of the internal API: its routes on a real listener, over a real store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from connectors.meta.graph import Graph
from connectors.whatsapp.connector import WhatsAppConnector
from gateway.api import routes
from gateway.api.inviting import Inviting
from gateway.api.people import People
from gateway.clock import Clock
from gateway.connector import Connector, Sender
from gateway.directory import Directory
from gateway.insight.past import Past
from gateway.intake import api as door
from gateway.intake import schemas
from gateway.intake.orders import Orders
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId, EventId, MessageId, SenderId, SubjectId, message_id, partition_of
from gateway.model.message import MessageState, Priority
from gateway.model.personal import Secret
from gateway.planning.waysin_links import LinkMaker
from gateway.planning.waysin_people import Members
from gateway.settings import Settings, read
from gateway.store.apikeys import ApiKeys
from gateway.store.audit import Audit
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.dialogues import Dialogues
from gateway.store.erasure import Erasure
from gateway.store.events import Events
from gateway.store.invitations import Invitations
from gateway.store.kept import Kept
from gateway.store.outbox import Outbox, Pair, Plan, PlannedContact, PlannedMessage, told_field
from gateway.store.passes import Passes
from gateway.store.subjects import Subjects
from gateway.store.vault import KeyRing, Vault
from gateway.wake import Wake
from tests.support.notifications import catalogue

SAMPLES = Path(__file__).parents[1] / "samples" / "events"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
FIRST = "a first key that nobody guesses, 1"
SENDER = SenderId("zz-main")
NOW_MS = 1795348800000  # 2026-11-22T12:00:00Z, just after what the samples tell
ONE_SENDER = Sender(SENDER, "whatsapp", "zz", {"phone_number_id": "1", "number": "+12025550123"}, "portfolio", Secret("t"))


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


class Stage:
    """Everything that the API is handed, and a client of it. depth, memory: what outbox and store are said to hold."""

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
        self.past: Past | None = None
        self.depth = 0
        self.memory = 0.0
        self.counted: dict[str, int] = {}
        self.newcomers: list[tuple[ContactId, SubjectId]] = []
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
            memory=lambda: self.memory,
            count=self.count,
        )

    async def take(self, client: Client, name: str) -> list[ContactId]:
        """Send a sample order and take its recipients in, as the expander does; their contacts."""
        status, answer = await send(client, sample(name))
        assert status == 202, answer
        event_id = EventId(answer["event"])
        event = await self.events.read(event_id, await self.events.place_of(event_id) or "")
        assert isinstance(event, BusinessEvent)
        return [one.contact for one in await self.orders().take(event, 1, "")]

    async def plan(
        self,
        contact: ContactId,
        text: str,
        *,
        reason: str = "",
        due_ms: int = 0,
        item: str = "",
        state: MessageState | None = None,
    ) -> MessageId:
        """Plan a message to a contact's first address: queued, or with a reason suppressed, unless `state` says."""
        known = await self.contacts.get(contact)
        address = known.profile.addresses[0].id
        event = self.vault.event_id("ops", text)
        subject = self.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
        identifier = message_id(event, "flight_delayed", item, contact, 0)
        box = await self.vault.contact_box(contact)
        body = {"channel": "whatsapp", "language": "en", "header": "", "text": text, "footer": "", "buttons": []}
        message = PlannedMessage(
            id=identifier,
            contact=contact,
            sender=SENDER,
            address=address,
            priority=Priority.NORMAL,
            due_ms=due_ms,
            deadline_ms=self.clock.now_ms() + 3600_000,
            told=told_field(subject, "flight_delayed", item or identifier),
            state=state or (MessageState.SUPPRESSED if reason else MessageState.QUEUED),
            reason=reason,
            notification="flight_delayed",
            body=box.seal_json(body, identifier),
        )
        version = known.facts.consent_version
        planned = PlannedContact(contact, version, (), (message,))
        result = await self.outbox.put(Plan(partition_of(contact), event, 1, subject, (planned,)))
        assert result.written
        return identifier

    def people(self) -> People:
        erasure = Erasure(
            self.redis, self.clock, self.vault, self.contacts, self.conversations, self.directory.ids, self.pair, self.past
        )
        return People(
            contacts=self.contacts,
            outbox=self.outbox,
            conversations=self.conversations,
            erasure=erasure,
            vault=self.vault,
            clock=self.clock,
            connectors=self.connectors,
            directory=self.directory,
            wordings=catalogue().wordings,
            default_brand="zz",
            passes=Passes(self.redis, self.clock, self.vault),
            audit=Audit(self.redis, self.clock, self.vault),
            newcomer=self._newcomer,
            past=self.past,
        )

    def orders(self) -> Orders:
        subjects = Subjects(self.redis, self.clock, self.vault)
        invitations = Invitations(self.redis, self.clock, self.vault)
        dialogues = Dialogues(self.redis, self.vault)
        return Orders(
            self.contacts, subjects, self.vault, self.directory, self.connectors, "zz", invitations, dialogues
        )

    def inviting(self) -> Inviting:
        subjects = Subjects(self.redis, self.clock, self.vault)
        return Inviting(
            contacts=self.contacts,
            invitations=Invitations(self.redis, self.clock, self.vault),
            members=Members(self.contacts, subjects),
            maker=LinkMaker(self.connectors, self.directory, self.vault.blind, self.settings.public_url),
            vault=self.vault,
            clock=self.clock,
            catalogue=catalogue(),
            default_brand="zz",
        )

    async def _newcomer(self, contact: ContactId, subjects: Sequence[SubjectId]) -> None:
        self.newcomers += [(contact, subject) for subject in subjects]

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Client]:
        app = web.Application(client_max_size=door.MAX_BODY)
        door.add_routes(app, self.door_deps())
        routes.add_routes(app, self.people(), self.inviting(), self.keys, schemas.components)
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


async def ask(client: Client, method: str, path: str, body: Any = None, *, key: str = FIRST) -> tuple[int, Any]:
    """One request: (status, answer), None for an empty one."""
    async with client.request(method, path, json=body, headers=bearer(key)) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else None
