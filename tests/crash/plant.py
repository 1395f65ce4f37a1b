"""A gateway process with its embedded store that can be killed and started again, towards a sandbox that lives on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.store.facts import Fact
from sandbox.app import make_app
from tests.support.core import NUMBER, ROOT, SANDBOX, facts_of, settings_for
from tests.support.embedded import alive, record
from tests.support.server import free_port
from tests.support.waiting import wait_until

KEY = "crash-test-key-crash-test-key-1234"
PERSON = "447700900101"


@dataclass
class Plant:
    """A gateway process that can be killed and started again on its data. log: where its lines go.

    store: a server's URL, "" = the embedded one; code: the tree that it runs; more: settings over those below.
    """

    data_dir: Path
    sandbox_url: str
    public: int
    http: aiohttp.ClientSession
    internal: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    name: str = "gateway"
    roles: str = "intake,dispatch,webhooks"
    store: str = ""
    code: Path = ROOT
    more: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.data_dir / f"{self.name}.log"

    def environment(self) -> dict[str, str]:
        settings_for("unix:///nowhere", self.data_dir, self.sandbox_url)  # writes senders.json
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
        return kept | {
            "GATEWAY_ENV": "demo",
            "GATEWAY_ONLY_TO": "*",
            "GATEWAY_DATA_DIR": str(self.data_dir),
            "GATEWAY_TEMPLATES_DIR": str(self.code / "templates"),
            "GATEWAY_GRAPH_URL": self.sandbox_url,
            "GATEWAY_SENDERS_FILE": str(self.data_dir / "senders.json"),
            "GATEWAY_BRAND": "zz",
            "GATEWAY_API_KEY": KEY,
            "GATEWAY_APP_ID": SANDBOX.app_id,
            "GATEWAY_APP_SECRET": SANDBOX.app_secret,
            "GATEWAY_VERIFY_TOKEN": SANDBOX.verify_token,
            "GATEWAY_PUBLIC_PORT": str(self.public),
            "GATEWAY_INTERNAL_PORT": str(self.internal),
            "GATEWAY_CONSOLE_PORT": str(free_port()),
            "GATEWAY_PAIR_INTERVAL_MS": "0",
            "GATEWAY_LEASE_MS": "4000",
            "GATEWAY_EVIDENCE_MS": "20000",
            "GATEWAY_LOG_FORMAT": "json",
        } | ({"GATEWAY_REDIS_URL": self.store} if self.store else {}) | self.more

    async def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(self.code / "main.py"), "run", "--roles", self.roles],
                cwd=self.code, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        await wait_until(self.ready, timeout=40)

    async def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            async with self.http.get(f"http://127.0.0.1:{self.internal}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def kill(self, *, store: bool = True) -> None:
        """As a power cut: the gateway and its store at the same moment, no farewell."""
        assert self.process is not None
        pids = [self.process.pid]
        if store:
            pids.insert(0, record(self.data_dir)["pid"])
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait, 10)
        self.process = None
        if not self.store:
            await wait_until(lambda: not alive(self.data_dir))

    async def stop(self) -> int:
        """SIGTERM, as a supervisor ends it: its exit code."""
        assert self.process is not None
        self.process.terminate()
        code = await asyncio.to_thread(self.process.wait, 40)
        self.process = None
        return code

    async def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            try:
                await self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self.store:
            await wait_until(lambda: not alive(self.data_dir))

    async def order(self, number: str, person: str = PERSON) -> int:
        """One order of a person, as a source sends it: the answer's status."""
        event = {
            "specversion": "1.0", "id": f"order-{number}", "type": "org.example.order.status.v1", "source": "/booking/orders",
            "subject": number, "sequence": "1", "datacontenttype": "application/json",
            "data": {
                "orderNumber": number, "kind": "goods", "brand": "zz", "status": "confirmed", "total": "12.00", "currency": "EUR",
                "recipients": [
                    {
                        "customerId": f"C-{person[-3:]}", "role": "customer", "locale": "en-GB", "timezone": "Europe/Amsterdam",
                        "addresses": [{"channel": "whatsapp", "to": f"+{person}", "proof": "otp", "givenBy": "self"}],
                        "consents": [
                            {
                                "purpose": "journey", "channel": "whatsapp", "granted": True, "at": "2026-01-01T00:00:00Z",
                                "how": "booking-checkbox", "wording": "journey-en-3",
                            }
                        ],
                    }
                ],
            },
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/cloudevents+json"}
        async with self.http.post(f"http://127.0.0.1:{self.internal}/v1/events", json=event, headers=headers) as answer:
            return answer.status

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.sandbox_url}/sandbox/{path}", json=body) as reply:
            answer = await reply.json()
            assert reply.status < 300, answer
            return answer

    async def meet(self, person: str) -> None:
        """They write to us first, so that free text may be sent to them."""
        await self.sandbox("POST", "handsets", {"address": person, "name": f"Person {person[-3:]}"})
        await self.sandbox("POST", f"handsets/{person}/say", {"phone_number_id": NUMBER, "text": "hello"})

    async def bubbles(self, person: str = PERSON) -> list[dict[str, Any]]:
        """What a phone was sent, oldest first."""
        view = await self.sandbox("GET", f"handsets/{person}")
        found = [one for thread in view["threads"] for one in thread["bubbles"] if one["kind"] == "received"]
        return sorted(found, key=lambda one: int(one["at_ms"]))

    async def received(self, words: str) -> int:
        """How many messages with these words the phone shows."""
        return sum(1 for one in await self.bubbles() if words in str(one))

    async def posts(self) -> list[dict[str, Any]]:
        """What was asked of the channel to send, each with `at_ms`."""
        answer = await self.sandbox("GET", "requests?since=0")
        return [one for one in answer["requests"] if one["method"] == "POST" and one["path"].endswith("/messages")]

    async def command(self, *words: str) -> str:
        """What a command of the installation prints. It must end well."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(self.code / "main.py"), *words, cwd=self.code, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(40):
            out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        return out.decode()

    def client(self) -> Redis:
        """Of its store. Raises OSError while there is none."""
        return Redis.from_url(self.store) if self.store else Redis(unix_socket_path=record(self.data_dir)["socket"])

    async def facts(self) -> list[Fact]:
        try:
            client = self.client()
        except OSError:
            return []
        try:
            return await facts_of(client)
        except (RedisError, OSError):
            return []
        finally:
            await client.aclose()

    async def has(self, kind: str, **detail: str) -> bool:
        return any(
            fact.kind == kind and all(fact.detail.get(name) == value for name, value in detail.items())
            for fact in await self.facts()
        )


@asynccontextmanager
async def plant_running(
    data_dir: Path, *, store: str = "", code: Path = ROOT, more: dict[str, str] | None = None, **config: Any
) -> AsyncIterator[Plant]:
    """A sandbox in this process and one gateway; somebody has written, so free text may be sent. config: the sandbox's."""
    public = free_port()
    settings: dict[str, Any] = {"webhook_url": f"http://127.0.0.1:{public}/webhooks/whatsapp", **config}
    channel = TestServer(make_app(replace(SANDBOX, **settings)))
    await channel.start_server()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        made = Plant(data_dir, str(channel.make_url("/")).rstrip("/"), public, http, store=store, code=code, more=more or {})
        await made.start()
        try:
            await made.meet(PERSON)
            await wait_until(lambda: windows(made), timeout=20)
            yield made
        finally:
            await made.end()
            await channel.close()


async def windows(plant: Plant) -> int:
    """To how many people free text may be sent: what they wrote was applied, and it is nobody's night."""
    client, count = plant.client(), 0
    try:
        async for name in client.scan_iter(match="*}f:c*"):
            count += any(bytes(field).startswith(b"w:") for field in await client.hkeys(name))  # type: ignore[arg-type]
        return count
    finally:
        await client.aclose()
