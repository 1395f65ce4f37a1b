"""The whole house in one process: a real sandbox over HTTP, the gateway with all roles over HTTP, a real embedded Valkey.

Only time is short: reviews, statuses and reads come within milliseconds. Nothing of ours is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from gateway import directory, registry, roles, settings
from gateway.app import open_runtime
from gateway.directory import Directory
from gateway.model.personal import Secret
from gateway.notifications import catalogue, push
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.remote import TemplateAdmin
from gateway.runtime import Runtime
from gateway.scheduler.jobs.sync_templates import sync_templates
from gateway.settings import ROLES
from gateway.store.agents import Agents
from gateway.store.wakeup import write_offset
from sandbox.app import make_app
from sandbox.config import SandboxConfig
from tests.support.server import free_port
from tests.support.waiting import wait_until

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "events"
API_KEY = "test-key-test-key-test-key-test-key"
PASSWORD = "correct-horse-battery-7"
BRANDS = {"air": ("zz", "314159265358979"), "rail": ("exr", "314159265358980"), "net": ("netx", "314159265358981")}
PAGES = {"air-page": ("zz", "141421356237301"), "rail-page": ("exr", "141421356237302"), "net-page": ("netx", "141421356237303")}
WABA = "271828182845904"
PORTS = ("public", "internal", "console", "sandbox")
NOON = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
"""Just before the samples' flights leave, and day in every zone of the samples."""


@dataclass
class House:
    """pages: whether its brands also speak by Messenger."""

    data_dir: Path
    ports: dict[str, int] = field(default_factory=dict)
    pages: bool = False
    runtime: Runtime | None = None
    http: aiohttp.ClientSession | None = None

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.ports['sandbox']}"

    @property
    def internal(self) -> str:
        return f"http://127.0.0.1:{self.ports['internal']}"

    @property
    def public(self) -> str:
        return f"http://127.0.0.1:{self.ports['public']}"

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.ports['console']}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {API_KEY}"}

    def environment(self, **more: str) -> dict[str, str]:
        senders = self.data_dir / "senders.yaml"
        entries = [
            {
                "id": name,
                "channel": "whatsapp",
                "brand": brand,
                "account": {"phone_number_id": number, "waba_id": WABA},
                "portfolio": "test",
                "token": "sandbox-system-user-token",
            }
            for name, (brand, number) in BRANDS.items()
        ]
        if self.pages:
            entries += [
                {
                    "id": name,
                    "channel": "messenger",
                    "brand": brand,
                    "account": {"page_id": page},
                    "token": "sandbox-system-user-token",
                }
                for name, (brand, page) in PAGES.items()
            ]
        senders.write_text(yaml.safe_dump({"senders": entries}))
        return {
            "GATEWAY_ENV": "demo",
            "GATEWAY_ONLY_TO": "*",
            "GATEWAY_DATA_DIR": str(self.data_dir),
            "GATEWAY_TEMPLATES_DIR": str(Path(__file__).resolve().parents[2] / "templates"),
            "GATEWAY_GRAPH_URL": self.sandbox,
            "GATEWAY_SENDERS_FILE": str(senders),
            "GATEWAY_API_KEY": API_KEY,
            "GATEWAY_APP_ID": "161803398874990",
            "GATEWAY_APP_SECRET": "sandbox-app-secret",
            "GATEWAY_VERIFY_TOKEN": "sandbox-verify-token",
            "GATEWAY_PUBLIC_PORT": str(self.ports["public"]),
            "GATEWAY_INTERNAL_PORT": str(self.ports["internal"]),
            "GATEWAY_CONSOLE_PORT": str(self.ports["console"]),
            "GATEWAY_EVIDENCE_MS": "2000",
            "GATEWAY_SEND_TIMEOUT_S": "3",
            "GATEWAY_CONNECT_TIMEOUT_S": "1",
            "GATEWAY_DRAIN_S": "5",
            **more,
        }

    # the world outside

    async def event(self, sample: str | dict[str, Any], **over: Any) -> tuple[int, dict[str, Any]]:
        """Send one event as a source would: a sample's name, or a whole event. Its time is now."""
        value = json.loads((SAMPLES / sample).read_text()) if isinstance(sample, str) else copy.deepcopy(sample)
        value |= over
        assert self.runtime is not None
        value["time"] = datetime.fromtimestamp(self.runtime.clock.now_ms() / 1000, UTC).isoformat()
        return await self.post("/v1/events", value, "application/cloudevents+json")

    async def post(self, path: str, body: Any, kind: str = "application/json", **headers: str) -> tuple[int, dict[str, Any]]:
        assert self.http is not None
        given = {**self.headers, "Content-Type": kind, **headers}
        async with self.http.post(self.internal + path, data=json.dumps(body), headers=given) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, Any]:
        assert self.http is not None
        async with self.http.get(self.internal + path, headers=self.headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def phone(self, number: str) -> list[dict[str, Any]]:
        """Everything on a phone, oldest first ([] for a phone nobody wrote to)."""
        assert self.http is not None
        async with self.http.get(f"{self.sandbox}/sandbox/handsets/{number.lstrip('+')}") as answer:
            if answer.status == 404:
                return []
            value = await answer.json()
        found = [bubble for thread in value["threads"] for bubble in thread["bubbles"]]
        return sorted(found, key=lambda bubble: bubble["at_ms"])

    async def received(self, number: str) -> list[dict[str, Any]]:
        return [bubble for bubble in await self.phone(number) if bubble["kind"] == "received"]

    async def says(self, number: str, **body: Any) -> None:
        assert self.http is not None
        async with self.http.post(f"{self.sandbox}/sandbox/handsets/{number.lstrip('+')}/say", json=body) as answer:
            assert answer.status == 201, await answer.text()

    async def page(self, page: str, **switches: Any) -> dict[str, Any]:
        """A Page as the sandbox shows it, after these switches were set."""
        assert self.http is not None
        url = f"{self.sandbox}/sandbox/pages/{page}"
        async with self.http.put(url, json=switches) if switches else self.http.get(url) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
        return found

    async def get_started(self, page: str) -> None:
        """Give a Page its Get Started button, without which a link's ref is lost on newcomers."""
        assert self.http is not None
        url = f"{self.sandbox}/v25.0/{page}/messenger_profile"
        headers = {"Authorization": "Bearer sandbox-system-user-token"}
        async with self.http.post(url, json={"get_started": {"payload": "get_started"}}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def psid(self, number: str, page: str) -> str:
        """The id by which a Page knows a person who opened its chat."""
        assert self.http is not None
        async with self.http.get(f"{self.sandbox}/sandbox/handsets/{number.lstrip('+')}") as answer:
            return str((await answer.json())["psids"][page])

    async def handset(self, number: str, name: str, **more: Any) -> None:
        """A phone that nobody wrote to yet."""
        assert self.http is not None
        body = {"name": name, "address": number, **more}
        async with self.http.post(f"{self.sandbox}/sandbox/handsets", json=body) as answer:
            assert answer.status < 300, await answer.text()

    async def fault(self, name: str, **body: Any) -> None:
        assert self.http is not None
        async with self.http.put(f"{self.sandbox}/sandbox/faults", json={"name": name, **body}) as answer:
            assert answer.status < 300, await answer.text()

    async def graph_requests(self, ending: str = "/messages") -> list[dict[str, Any]]:
        assert self.http is not None
        async with self.http.get(f"{self.sandbox}/sandbox/requests", params={"since": "0"}) as answer:
            value = await answer.json()
        return [one for one in value["requests"] if one["method"] == "POST" and one["path"].endswith(ending)]

    async def wait_for(self, number: str, count: int, timeout: float = 15) -> list[dict[str, Any]]:
        async def there() -> bool:
            return len(await self.received(number)) >= count

        await wait_until(there, timeout=timeout)
        return await self.received(number)

    async def told(self, number: str, template: str) -> dict[str, Any]:
        """The first message of this template on a phone, waited for: beside it may stand what the day brings by itself."""
        found: list[dict[str, Any]] = []

        async def there() -> bool:
            named = [one for one in await self.received(number) if one["template"] and one["template"]["name"] == template]
            found[:] = named[:1]
            return bool(found)

        await wait_until(there, timeout=15)
        return found[0]

    async def read_templates(self) -> None:
        assert self.runtime is not None
        runtime = self.runtime
        await sync_templates(runtime.directory, runtime.template_admins, runtime.senders, runtime.catalogue)

    async def turn_clock(self, at: datetime) -> None:
        """Set the clock of gateway and sandbox; never backwards within a test."""
        assert self.runtime is not None
        offset = await self.turn_sandbox(at)
        await write_offset(self.runtime.connection.redis, offset)
        self.runtime.clock.offset_ms = offset

    async def turn_sandbox(self, at: datetime) -> int:
        """Set the sandbox's clock alone; its offset from this machine's, in milliseconds."""
        assert self.http is not None
        offset = round((at - datetime.now(UTC)) / timedelta(milliseconds=1))
        async with self.http.put(f"{self.sandbox}/sandbox/clock", json={"offset_ms": offset}) as answer:
            assert answer.status == 200
        return offset


_accounts: dict[tuple[bool, datetime], bytes] = {}


async def approved_account(pages: bool, at: datetime) -> bytes:
    """The sandbox's file once all templates are created and approved: made once a process, the second house begins there."""
    if (pages, at) not in _accounts:
        with tempfile.TemporaryDirectory(prefix="thuisfront-account-") as folder:
            house = House(Path(folder), {name: free_port() for name in PORTS}, pages)
            loaded = settings.read(house.environment())
            async with aiohttp.ClientSession() as http, sandbox_running(house, data_dir=folder):
                house.http = http
                await house.turn_sandbox(at)
                channels = registry.open_channels(loaded, http)
                known = catalogue.load(loaded.templates_dir, public=loaded.public_base)
                await bring_templates(directory.read(loaded), known, channels.template_admins)
                for connector in channels.connectors.values():
                    await connector.close()
            with contextlib.closing(sqlite3.connect(Path(folder) / "sandbox.sqlite3")) as made:
                made.execute("DELETE FROM webhooks")  # of reviews, for a callback that nobody served
                made.commit()
                _accounts[pages, at] = made.serialize()
    return _accounts[pages, at]


async def bring_templates(senders: Directory, known: Catalogue, admins: Mapping[str, TemplateAdmin]) -> None:
    """Create what is missing and wait until it is approved. One number brings the templates of its account, which all have in
    common; a Page has its own."""
    first = next(iter(senders))
    for sender in [first, *(one for one in senders if one.channel != first.channel)]:
        await push.push(known, admins[sender.channel], sender)
        await push.status(known, admins[sender.channel], sender, wait_s=10, every_s=0.1)


@asynccontextmanager
async def sandbox_running(house: House, account: bytes = b"", **config: Any) -> AsyncIterator[web.AppRunner]:
    """account: a file of `approved_account` that it begins with"""
    options: dict[str, Any] = {
        "port": house.ports["sandbox"],
        "data_dir": ":memory:",
        "webhook_url": f"{house.public}/webhooks/whatsapp",
        "page_webhook_url": f"{house.public}/webhooks/messenger",
        "seed": 7,
        "review_ms": 0,
        "creations_an_hour": 1000,
        "sent_delay_ms": (1, 10),
        "delivered_delay_ms": (10, 40),
        "failed_delay_ms": (5, 20),
        "auto_read_ms": 50,
    }
    with tempfile.TemporaryDirectory(prefix="thuisfront-account-") as folder:
        if account:
            (Path(folder) / "sandbox.sqlite3").write_bytes(account)
            options["data_dir"] = folder
        runner = web.AppRunner(make_app(SandboxConfig(**{**options, **config})), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", house.ports["sandbox"]).start()
        try:
            yield runner
        finally:
            await runner.cleanup()


@asynccontextmanager
async def house_running(
    data_dir: Path,
    *,
    names: Sequence[str] = ROLES,
    at: datetime = NOON,
    sandbox: dict[str, Any] | None = None,
    read_templates: bool = True,
    pages: bool = False,
    **more: str,
) -> AsyncIterator[House]:
    """Sandbox, templates approved, an agent "sanne", and the gateway with these roles, all in this process."""
    data_dir.mkdir(parents=True, exist_ok=True)
    house = House(data_dir, {name: free_port() for name in PORTS}, pages)
    account = await approved_account(pages, at)
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http,
        sandbox_running(house, account, **(sandbox or {})),
        open_runtime(settings.read(house.environment(**more))) as runtime,
    ):
        house.http, house.runtime = http, runtime
        await house.turn_clock(at)
        await bring_templates(runtime.directory, runtime.catalogue, runtime.template_admins)
        for _, page in PAGES.values() if pages else ():
            await house.get_started(page)
        if read_templates:
            await house.read_templates()
        agents = Agents(runtime.connection.redis, runtime.clock, runtime.vault)
        await agents.add_agent("sanne", "Sanne", Secret(PASSWORD))
        started = asyncio.Event()
        running = asyncio.create_task(roles.run(runtime, names, ready=started.set))
        try:
            waiting = asyncio.create_task(started.wait())
            await asyncio.wait({running, waiting}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if running.done():
                running.result()
            yield house
        finally:
            runtime.stopping.set()
            await running
