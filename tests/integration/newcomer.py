"""A new account in the sandbox, and somebody who connects to it by script: the person at the terminal and at the phone."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from connectors.meta.graph import Graph
from connectors.whatsapp.admin import WhatsAppAdmin
from connectors.whatsapp.connector import WhatsAppConnector
from connectors.whatsapp.templates import GraphCall, WhatsAppTemplates
from gateway.cli import connect, envfile
from gateway.cli.admin_port import Admin
from gateway.cli.connect import ConnectArgs
from gateway.cli.connect_state import NAME
from gateway.model.account import Access
from gateway.model.personal import Secret
from gateway.settings import Settings, read
from sandbox.app import make_app
from sandbox.config import SandboxConfig
from tests.integration.clinic import NUMBER
from tests.support.notifications import catalogue
from tests.support.server import free_port
from tests.support.waiting import wait_until

ANN = "+447700900123"
PIN = "602214"
CONFIG = SandboxConfig(
    port=0,
    data_dir=":memory:",
    app_secret="a-secret-of-the-app",
    token="a-token-of-the-system-user",
    account="new",
    seed=3,
    review_ms=5,
    sent_delay_ms=(1, 5),
    delivered_delay_ms=(1, 5),
    failed_delay_ms=(1, 5),
    webhook_timeout_s=2.0,
)

Answer = str | int | Callable[[], Awaitable[str | int]]


class Script:
    """Answers by the words of the question; what is not foreseen fails the test. Each entry answers every time it fits."""

    def __init__(self, answers: Sequence[tuple[str, Answer]]) -> None:
        self.answers = list(answers)
        self.lines: list[str] = []
        self.asked: list[str] = []
        self.ticks: list[str] = []

    async def _answer(self, question: str) -> str | int:
        self.asked.append(question)
        for words, answer in self.answers:
            if re.search(words, question):
                return await answer() if callable(answer) else answer
        raise AssertionError(f"nobody foresaw: {question}\n" + "\n".join(self.lines))

    async def ask(self, question: str, *, default: str = "") -> str:
        return str(await self._answer(question)) or default

    async def ask_hidden(self, question: str) -> Secret:
        return Secret(str(await self._answer(question)))

    async def choose(self, question: str, options: Sequence[str], *, default: int = 0) -> int:
        found = await self._answer(question + " | " + " | ".join(options))
        assert isinstance(found, int)
        assert found < len(options)
        return found

    def show(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, text: str) -> None:
        self.ticks.append(text)

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


@dataclass
class Newcomer:
    """Somebody with a new account, an empty directory and a phone."""

    sandbox_url: str
    here: Path
    port: int
    session: aiohttp.ClientSession
    values: dict[str, str] = field(default_factory=dict)

    @property
    def env_file(self) -> Path:
        return self.here / ".env"

    def settings(self) -> Settings:
        """As a fresh process reads them: what `.env` holds by now."""
        fixed = {
            "GATEWAY_GRAPH_URL": self.sandbox_url,
            "GATEWAY_DATA_DIR": str(self.here / "var"),
            "GATEWAY_PUBLIC_PORT": str(self.port),
        }
        return read({**envfile.read(self.env_file), **fixed, **self.values}, None)

    async def connect(self, script: Script, args: ConnectArgs | None = None) -> int:
        settings = self.settings()

        def admin(access: Access) -> Admin:
            graph = Graph(settings.graph_url, connect_timeout_s=2, timeout_s=5)
            secret = access.app_secret
            return WhatsAppAdmin(graph, "v25.0", app_id=access.app_id, app_secret=secret, token=access.token)

        connector = WhatsAppConnector(Graph(settings.graph_url, connect_timeout_s=2, timeout_s=5))
        templates = WhatsAppTemplates(
            lambda sender: GraphCall(self.session, f"{settings.graph_url}/v25.0", sender), app_id=settings.app_id
        )
        try:
            return await connect.run(
                args or ConnectArgs(wait_s=10),
                settings,
                io=script,
                admins=admin,
                connector=connector,
                templates=templates,
                catalogue=catalogue(),
                env_file=self.env_file,
            )
        finally:
            await connector.close()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.sandbox_url}/sandbox/{path}", json=body) as reply:
            answer = await reply.json()
            assert reply.status < 300, answer
            return answer

    async def graph(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {CONFIG.token}"}
        url = f"{self.sandbox_url}/v25.0/{path}"
        async with self.session.request(method, url, json=body, headers=headers) as reply:
            return await reply.json()

    # what a person does beside the terminal

    async def code(self) -> str:
        account = await self.control("GET", "account")
        return str(account["numbers"][0]["code"])

    async def list_phone(self) -> str | int:
        await self.control("PUT", "account", {"test_recipients": [ANN]})
        return ""

    async def bubbles(self) -> list[Any]:
        handset = await self.control("GET", f"handsets/{ANN}")
        return [bubble for thread in handset["threads"] for bubble in thread["bubbles"]]

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def state(self) -> Any:
        return json.loads((self.here / "var" / NAME).read_text())

    def script(self, *first: tuple[str, Answer]) -> Script:
        """Somebody who does everything right; `first` answers before that."""
        return Script(
            [
                *first,
                ("App id", CONFIG.app_id),
                ("App secret", CONFIG.app_secret),
                ("Access token", CONFIG.token),
                ("May I write", 0),
                ("How shall Meta send the code", 0),
                ("six digits", self.code),
                ("Country", "DE"),
                ("PIN|same once more", PIN),
                ("public address", self.public_url),
                ("Your own phone", ANN),
                ("Press Enter", self.list_phone),
            ]
        )


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    async with newcomer_with(CONFIG, tmp_path) as made:
        yield made


@asynccontextmanager
async def newcomer_with(config: SandboxConfig, here: Path) -> AsyncIterator[Newcomer]:
    channel = TestServer(make_app(config))
    await channel.start_server()
    async with aiohttp.ClientSession() as session:
        made = Newcomer(str(channel.make_url("/")).rstrip("/"), here, free_port(), session)
        await made.control("POST", "handsets", {"address": ANN, "name": "Ann"})
        yield made
    await channel.close()


async def answering(newcomer: Newcomer, script: Script) -> None:
    """Ann answers as soon as she is asked to."""
    await wait_until(lambda: "Now answer on the phone" in script.said, timeout=20)
    await newcomer.control("POST", f"handsets/{ANN}/say", {"text": "it works", "phone_number_id": NUMBER})


async def together(newcomer: Newcomer, script: Script, args: ConnectArgs | None = None) -> int:
    """Connect, with Ann at her phone."""
    async with asyncio.TaskGroup() as group:
        phone = group.create_task(answering(newcomer, script))
        code = await newcomer.connect(script, args)
        phone.cancel()
    return code
