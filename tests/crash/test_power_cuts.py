"""The real thing, killed: `main.py run` with its embedded store, towards a sandbox that lives on and counts what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
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
    """A gateway process that can be killed and started again on its data. log: where its lines go."""

    data_dir: Path
    sandbox_url: str
    public: int
    http: aiohttp.ClientSession
    internal: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.data_dir / "gateway.log"

    def environment(self) -> dict[str, str]:
        settings_for("unix:///nowhere", self.data_dir, self.sandbox_url)  # writes senders.json
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
        return kept | {
            "GATEWAY_ENV": "demo",
            "GATEWAY_ONLY_TO": "*",
            "GATEWAY_DATA_DIR": str(self.data_dir),
            "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
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
        }

    async def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "main.py"), "run", "--roles", "intake,dispatch,webhooks"],
                cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
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
        await wait_until(lambda: not alive(self.data_dir))

    async def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                await asyncio.to_thread(self.process.wait, 40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        await wait_until(lambda: not alive(self.data_dir))

    async def order(self, number: str) -> int:
        """One order of the person, as a source sends it: the answer's status."""
        event = {
            "specversion": "1.0", "id": f"order-{number}", "type": "org.example.order.status.v1", "source": "/booking/orders",
            "subject": number, "sequence": "1", "datacontenttype": "application/json",
            "data": {
                "orderNumber": number, "kind": "goods", "brand": "zz", "status": "confirmed", "total": "12.00", "currency": "EUR",
                "recipients": [
                    {
                        "customerId": "C-101", "role": "customer", "locale": "en-GB", "timezone": "Europe/Amsterdam",
                        "addresses": [{"channel": "whatsapp", "to": f"+{PERSON}", "proof": "otp", "givenBy": "self"}],
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

    async def received(self, words: str) -> int:
        """How many messages with these words the phone shows."""
        view = await self.sandbox("GET", f"handsets/{PERSON}")
        bubbles = [one for thread in view["threads"] for one in thread["bubbles"] if one["kind"] == "received"]
        return sum(1 for one in bubbles if words in str(one))

    async def facts(self) -> list[Fact]:
        try:
            client = Redis(unix_socket_path=record(self.data_dir)["socket"])
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


@pytest.fixture
async def plant(data_dir: Path) -> AsyncIterator[Plant]:
    public = free_port()
    config = replace(SANDBOX, webhook_url=f"http://127.0.0.1:{public}/webhooks/whatsapp")
    channel = TestServer(make_app(config))
    await channel.start_server()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        made = Plant(data_dir, str(channel.make_url("/")).rstrip("/"), public, http)
        await made.start()
        try:
            await made.sandbox("POST", "handsets", {"address": PERSON, "name": "Eva"})
            await made.sandbox("POST", f"handsets/{PERSON}/say", {"phone_number_id": NUMBER, "text": "hello"})
            await wait_until(lambda: made.has("contact"))
            await wait_until(lambda: _window(made), timeout=20)
            yield made
        finally:
            await made.end()
            await channel.close()


async def _window(plant: Plant) -> bool:
    """Their words were applied: free text may be sent, and it is nobody's night."""
    client = Redis(unix_socket_path=record(plant.data_dir)["socket"])
    try:
        async for name in client.scan_iter(match="*}f:c*"):
            if any(bytes(field).startswith(b"w:") for field in await client.hkeys(name)):  # type: ignore[arg-type]
                return True
        return False
    finally:
        await client.aclose()


@pytest.mark.timeout(150)
async def test_an_event_answered_with_202_outlives_a_power_cut_and_is_told_once(plant: Plant) -> None:
    for number, pause in (("CUT-0001", 0.0), ("CUT-0002", 0.03)):
        assert await plant.order(number) == 202
        if pause:
            await asyncio.sleep(pause)  # where in its work it is hit, not how long the test waits
        await plant.kill()
        await plant.start()
    await wait_until(lambda: plant.received("CUT-0001"), timeout=40)
    await wait_until(lambda: plant.received("CUT-0002"), timeout=40)
    assert [await plant.received(number) for number in ("CUT-0001", "CUT-0002")] == [1, 1]


@pytest.mark.timeout(120)
async def test_a_gateway_killed_in_the_middle_of_a_send_learns_from_the_channel_that_it_was_sent(plant: Plant) -> None:
    await plant.sandbox("PUT", "faults", {"name": "hang", "accepted": True, "ms": 60_000, "times": 1})
    assert await plant.order("HANG-001") == 202
    await wait_until(lambda: plant.received("HANG-001"), timeout=20)  # the channel took it, and has not answered
    await plant.kill()
    await plant.start()
    await wait_until(lambda: plant.has("accepted", by="evidence"), timeout=40)
    assert await plant.order("HANG-002") == 202
    await wait_until(lambda: plant.received("HANG-002"), timeout=40)
    assert await plant.received("HANG-001") == 1


@pytest.mark.timeout(120)
async def test_an_answer_that_was_lost_is_waited_for_and_the_message_not_sent_again(plant: Plant) -> None:
    await plant.sandbox("PUT", "faults", {"name": "lost_answer", "times": 1})
    assert await plant.order("LOST-001") == 202
    await wait_until(lambda: plant.has("accepted", by="evidence"), timeout=40)
    assert await plant.order("LOST-002") == 202
    await wait_until(lambda: plant.received("LOST-002"), timeout=40)
    assert await plant.received("LOST-001") == 1


@pytest.mark.timeout(120)
async def test_a_store_that_is_killed_alone_comes_back_and_nothing_is_lost(plant: Plant) -> None:
    assert await plant.order("ALONE-001") == 202
    os.kill(record(plant.data_dir)["pid"], signal.SIGKILL)
    await wait_until(plant.ready, timeout=40)
    await wait_until(lambda: plant.received("ALONE-001"), timeout=40)
    assert await plant.received("ALONE-001") == 1


@pytest.mark.timeout(120)
async def test_a_webhook_answered_with_200_outlives_a_power_cut(plant: Plant) -> None:
    assert await plant.order("STOP-001") == 202
    await wait_until(lambda: plant.received("STOP-001"), timeout=20)
    await plant.sandbox("POST", f"handsets/{PERSON}/say", {"phone_number_id": NUMBER, "text": "stop"})
    await plant.kill()
    await plant.start()
    await wait_until(lambda: plant.has("consent", **{"k:journey.whatsapp.zz": "w"}), timeout=40)
    await wait_until(lambda: plant.received("Stopped"), timeout=40)
    assert await plant.received("Stopped") == 1
