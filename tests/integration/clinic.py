"""An installation to examine: a real store, the sandbox as the channel, and somebody who answers its handshake."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from connectors.messenger.admin import MessengerAdmin
from connectors.messenger.templates import MessengerTemplates
from connectors.meta.graph import Graph
from connectors.whatsapp.admin import WhatsAppAdmin
from connectors.whatsapp.templates import GraphCall, WhatsAppTemplates
from gateway.cli import doctor
from gateway.cli.admin_port import Admin, PageAdmin
from gateway.cli.checks.case import Case, PeopleDue, Surroundings
from gateway.cli.checks.finding import Finding, Level
from gateway.clock import Clock
from gateway.connector import Sender
from gateway.directory import read as read_directory
from gateway.model.account import Access
from gateway.notifications.catalogue import load
from gateway.notifications.push import push, status
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Environment, Settings, read
from gateway.store.vault import KeyRing
from sandbox.account import WABA_ID
from sandbox.app import make_app
from sandbox.config import SandboxConfig
from tests.support.server import free_port

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "314159265358979"
CONFIG = SandboxConfig(port=0, data_dir=":memory:", seed=5, review_ms=5, webhook_timeout_s=2.0)
ROOMY = (50 << 30, 100 << 30)


class Quiet:
    """A dialogue that only listens."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def ask(self, question: str, *, default: str = "") -> str:
        raise AssertionError(f"asked: {question}")

    async def ask_hidden(self, question: str) -> Any:
        raise AssertionError(f"asked: {question}")

    async def choose(self, question: str, options: Any, *, default: int = 0) -> int:
        raise AssertionError(f"asked: {question}")

    def show(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class Clinic:
    """settings: what every examination starts from, to be changed by `examine(GATEWAY_...=...)`."""

    sandbox_url: str
    public_url: str
    templates: Path
    data_dir: Path
    values: dict[str, str]
    session: aiohttp.ClientSession
    clock: Clock = field(default_factory=Clock)
    disk: tuple[int, int] = ROOMY
    people_due: PeopleDue | None = None
    tls: Any = None
    production: bool = False
    """judged as production, which by itself refuses the sandbox"""

    def settings(self, **changes: str) -> Settings:
        found = read({name: value for name, value in {**self.values, **changes}.items() if value}, None)
        return replace(found, env=Environment.PRODUCTION) if self.production else found

    def admin(self, access: Access, settings: Settings) -> Admin:
        graph = Graph(settings.graph_url, connect_timeout_s=2, timeout_s=5)
        version, secret = settings.graph_version, access.app_secret
        return WhatsAppAdmin(graph, version, app_id=access.app_id, app_secret=secret, token=access.token)

    def page_admin(self, access: Access, settings: Settings) -> PageAdmin:
        graph = Graph(settings.graph_url, connect_timeout_s=2, timeout_s=5)
        version, secret = settings.graph_version, access.app_secret
        return MessengerAdmin(graph, version, app_id=access.app_id, app_secret=secret, token=access.token)

    def template_admins(self, settings: Settings) -> dict[str, TemplateAdmin]:
        return {"whatsapp": self.template_admin(settings), "messenger": self.page_templates(settings)}

    def page_templates(self, settings: Settings) -> TemplateAdmin:
        base = f"{settings.graph_url}/{settings.graph_version}"
        return MessengerTemplates(lambda sender: GraphCall(self.session, base, sender))

    def template_admin(self, settings: Settings) -> TemplateAdmin:
        def call_as(sender: Sender) -> GraphCall:
            return GraphCall(self.session, f"{settings.graph_url}/{settings.graph_version}", sender)

        return WhatsAppTemplates(call_as, app_id=settings.app_id)

    async def run(self, *only: str, json_: bool = False, **changes: str) -> tuple[int, list[str]]:
        """The exit code and what was said."""
        settings = self.settings(**changes)
        io = Quiet()
        code = await doctor.run(
            settings,
            io=io,
            admins={"whatsapp": lambda access: self.admin(access, settings)},
            template_admins=self.template_admins(settings),
            page_admins={"messenger": lambda access: self.page_admin(access, settings)},
            json_=json_,
            only=only,
            surroundings=Surroundings(self.clock, self.tls, lambda path: self.disk, self.people_due),
        )
        return code, io.lines

    async def look(self, check: str, **changes: str) -> list[Finding]:
        """What one check finds, with those it relies on running beside it."""
        settings = self.settings(**changes)
        case = Case(
            settings,
            read_directory(settings),
            admins={"whatsapp": lambda access: self.admin(access, settings)},
            template_admins=self.template_admins(settings),
            page_admins={"messenger": lambda access: self.page_admin(access, settings)},
            surroundings=Surroundings(self.clock, self.tls, lambda path: self.disk, self.people_due),
        )
        try:
            found = await doctor.examine(case, doctor.chosen(()), Quiet())
        finally:
            await case.close()
        return [finding for finding in found if finding.check == check]

    async def one(self, check: str, **changes: str) -> Finding:
        """The worst finding of a check; every finding but an `ok` has a mend or is a note."""
        found = await self.look(check, **changes)
        assert all(finding.mend for finding in found if finding.level in (Level.WARN, Level.FAIL))
        return max(found, key=lambda finding: list(Level).index(finding.level))

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.sandbox_url}/sandbox/{path}", json=body) as reply:
            answer = await reply.json()
            assert reply.status < 300, answer
            return answer

    async def graph(self, method: str, path: str, body: Any = None, token: str = CONFIG.token) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.sandbox_url}/v25.0/{path}"
        async with self.session.request(method, url, json=body, headers=headers) as reply:
            answer = await reply.json()
            assert reply.status < 300, answer
            return answer

    async def change_number(self, **fields: Any) -> None:
        await self.sandbox("PUT", "account", {"numbers": [{"id": NUMBER, **fields}]})


async def answer_handshake(request: web.Request) -> web.Response:
    """The gateway's half of it, and no more."""
    if request.query.get("hub.verify_token") != CONFIG.verify_token:
        return web.Response(status=403)
    return web.Response(text=request.query["hub.challenge"], content_type="text/plain")


def small_templates(into: Path) -> Path:
    """A templates directory with two notifications: enough to be missing, refused or changed."""
    for name in ("brands.yaml", "places.yaml"):
        shutil.copy(ROOT / "templates" / name, into / name)
    for name in ("address_check", "wordings", "logos", "order_confirmed"):
        shutil.copytree(ROOT / "templates" / name, into / name, ignore=shutil.ignore_patterns("de.yaml", "fr.yaml"))
    declared = into / "order_confirmed" / "notification.yaml"
    declared.write_text(declared.read_text().replace("ends: [order_payment_due]\n", ""))
    return into


@pytest.fixture
async def clinic(redis: Redis, redis_url: str) -> AsyncIterator[Clinic]:
    """All is well: a live account whose webhooks come to us, both templates approved, an empty store."""
    app = web.Application()
    app.router.add_get("/webhooks/whatsapp", answer_handshake)
    gateway = TestServer(app)
    await gateway.start_server()
    public_url = str(gateway.make_url("/")).rstrip("/")
    channel = TestServer(make_app(SandboxConfig(**{**vars(CONFIG), "webhook_url": f"{public_url}/webhooks/whatsapp"})))
    await channel.start_server()
    with tempfile.TemporaryDirectory(prefix="thuisfront-clinic-") as name:
        here = Path(name)
        (here / "templates").mkdir()
        values = {
            "GATEWAY_GRAPH_URL": str(channel.make_url("/")).rstrip("/"),
            "GATEWAY_REDIS_URL": redis_url,
            "GATEWAY_DATA_DIR": str(here / "data"),
            "GATEWAY_TEMPLATES_DIR": str(small_templates(here / "templates")),
            "GATEWAY_KEYS": KeyRing.generate().reveal(),
            "GATEWAY_APP_ID": CONFIG.app_id,
            "GATEWAY_APP_SECRET": CONFIG.app_secret,
            "GATEWAY_VERIFY_TOKEN": CONFIG.verify_token,
            "GATEWAY_WHATSAPP_TOKEN": CONFIG.token,
            "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
            "GATEWAY_WHATSAPP_WABA_ID": WABA_ID,
            "GATEWAY_PUBLIC_URL": public_url,
            "GATEWAY_ONLY_TO": "+447700900123",
            "GATEWAY_PUBLIC_PORT": str(free_port()),
            "GATEWAY_INTERNAL_PORT": str(free_port()),
            "GATEWAY_CONSOLE_PORT": str(free_port()),
        }
        async with aiohttp.ClientSession() as session:
            made = Clinic(
                values["GATEWAY_GRAPH_URL"], public_url, here / "templates", here / "data", values, session
            )
            await push_all(made)
            yield made
    await channel.close()
    await gateway.close()


async def push_all(clinic: Clinic) -> None:
    """Have the templates created and approved."""
    settings = clinic.settings()
    sender = next(iter(read_directory(settings)))
    catalogue = load(settings.templates_dir)
    admin = clinic.template_admin(settings)
    await push(catalogue, admin, sender)
    await status(catalogue, admin, sender, wait_s=10, every_s=0.02)
