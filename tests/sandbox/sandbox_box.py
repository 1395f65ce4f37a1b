"""A sandbox in this process, a client that talks to it, and somebody who receives its webhooks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.app import WORLD, make_app
from sandbox.config import SandboxConfig
from sandbox.world import World

SAMPLES = Path(__file__).parent.parent / "samples" / "whatsapp"
PHONE = "314159265358979"
WABA = "271828182845904"
ANN = "447700900123"
QUICK = SandboxConfig(port=0, data_dir=":memory:", seed=7, review_ms=30, sent_delay_ms=(1, 5),
                      delivered_delay_ms=(1, 5), failed_delay_ms=(1, 5), auto_read_ms=20, webhook_timeout_s=1.0,
                      fetch_timeout_s=2.0)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


async def wait_until(true: Callable[[], Any], what: str = "", timeout_s: float = 5.0) -> Any:
    """Look until it is true; the value it had. Fails with ``what`` after the time."""
    end = time.monotonic() + timeout_s
    while not (found := true()):
        assert time.monotonic() < end, f"never happened: {what or true}"
        await asyncio.sleep(0.01)
    return found


@dataclass
class Receiver:
    """A webhook endpoint that keeps what came. ``answers``: HTTP statuses to give first, then always 200."""

    config: SandboxConfig
    url: str = ""
    bodies: list[Any] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    hold: asyncio.Event | None = None
    times: list[float] = field(default_factory=list)

    async def post(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.times.append(time.monotonic())
        if self.hold is not None:
            await self.hold.wait()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.raws.append(raw)
            self.headers.append(dict(request.headers))
            self.bodies.append(json.loads(raw))
        return web.Response(status=status)

    async def verify(self, request: web.Request) -> web.Response:
        if request.query.get("hub.verify_token") == self.config.verify_token:
            return web.Response(text=request.query["hub.challenge"])
        return web.Response(status=403)

    def signed(self, index: int) -> bool:
        digest = hmac.new(self.config.app_secret.encode(), self.raws[index], hashlib.sha256).hexdigest()
        return bool(self.headers[index]["X-Hub-Signature-256"] == "sha256=" + digest)

    def changes(self, name: str = "messages") -> list[Any]:
        return [change["value"] for body in self.bodies for entry in body["entry"] for change in entry.get("changes", [])
                if change["field"] == name]

    def statuses(self, message_id: str | None = None) -> list[Any]:
        return [status for value in self.changes() for status in value.get("statuses", [])
                if message_id in (None, status["id"])]

    def names(self, message_id: str) -> list[str]:
        return [status["status"] for status in self.statuses(message_id)]

    def messages(self) -> list[Any]:
        return [message for value in self.changes() for message in value.get("messages", [])]


@dataclass
class Box:
    """The sandbox under test."""

    client: TestClient[Any, Any]
    world: World
    receiver: Receiver
    headers: dict[str, str]

    async def graph(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        more.setdefault("headers", self.headers)
        async with self.client.request(method, f"/v25.0/{path}", json=body, **more) as reply:
            return reply.status, await reply.json()

    async def send(self, body: Any, phone: str = PHONE) -> tuple[int, Any]:
        return await self.graph("POST", f"{phone}/messages", {"messaging_product": "whatsapp", **body})

    async def text(self, body: str = "Hello", to: str = ANN, **more: Any) -> str:
        """Send a text; its wamid."""
        status, answer = await self.send({"to": to, "type": "text", "text": {"body": body}, **more})
        assert status == 200, answer
        return str(answer["messages"][0]["id"])

    async def control(self, method: str, path: str, body: Any = None, expect: int | None = None) -> Any:
        async with self.client.request(method, f"/sandbox/{path}", json=body) as reply:
            answer = await reply.json()
            assert expect is None or reply.status == expect, answer
            assert expect is not None or reply.status < 300, answer
            return answer

    async def say(self, address: str, body: Any, expect: int = 201) -> Any:
        return await self.control("POST", f"handsets/{address}/say", body, expect)

    async def handset(self, address: str = ANN, **fields: Any) -> Any:
        return await self.control("POST", "handsets", {"address": address, **fields})

    async def open_window(self, address: str = ANN, phone: str = PHONE) -> None:
        """Ann exists and has just written."""
        await self.handset(address)
        await self.say(address, {"text": "hi", "phone_number_id": phone})

    async def fault(self, **fault: Any) -> None:
        await self.control("PUT", "faults", fault)

    async def forward(self, ms: int) -> None:
        now = await self.control("GET", "clock")
        await self.control("PUT", "clock", {"offset_ms": now["offset_ms"] + ms})

    async def raw(self, method: str, path: str, **more: Any) -> ClientResponse:
        more.setdefault("headers", self.headers)
        return await self.client.request(method, path, **more)


BoxMaker = Callable[..., Awaitable[Box]]


@pytest_asyncio.fixture
async def make_box() -> AsyncIterator[BoxMaker]:
    closers: list[Callable[[], Awaitable[None]]] = []

    async def make(**changes: Any) -> Box:
        config = replace(QUICK, **changes)
        receiver = Receiver(config)
        app = web.Application()
        app.router.add_post("/hook", receiver.post)
        app.router.add_get("/hook", receiver.verify)
        server = TestServer(app)
        await server.start_server()
        receiver.url = str(server.make_url("/hook"))
        if config.webhook_url is None:
            config = replace(config, webhook_url=receiver.url)
        if config.page_webhook_url is None:
            config = replace(config, page_webhook_url=receiver.url)
        client = TestClient(TestServer(make_app(config)))
        await client.start_server()
        closers.extend((server.close, client.close))
        assert client.app is not None
        return Box(client, client.app[WORLD], receiver, {"Authorization": f"Bearer {config.token}"})

    yield make
    for close in reversed(closers):
        await close()


@pytest_asyncio.fixture
async def box(make_box: BoxMaker) -> Box:
    return await make_box()
