"""A gateway whose process dies at a named place, over a store and a channel that live on.

Processes are forked from one that has loaded the program: starting one costs a tenth of the time, and a test of twenty deaths
needs twenty-one of them. Its other half is at the end of this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
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

from gateway.model.personal import Secret
from gateway.notifications import push
from gateway.notifications.catalogue import Catalogue
from gateway.store.agents import Agents
from gateway.store.media import DUE
from gateway.store.wakeup import write_offset
from sandbox.app import make_app
from tests.crash.plant import KEY
from tests.support.core import ROOT, SANDBOX, House, noon, open_house
from tests.support.server import free_port
from tests.support.waiting import wait_until

TEMPLATES = ("order_confirmed", "gate_changed", "flight_delayed", "boarding_pass_issued")


class Kennel:
    """Starts processes, and says whether they live."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.crash_stage"], cwd=ROOT, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def start(self, words: tuple[str, ...], env: dict[str, str], log: Path) -> int:
        return int(self._ask({"words": words, "env": env, "log": str(log)}))

    def status(self, pid: int) -> int | None:
        """None while it lives; else its exit code, minus a signal's number."""
        said = self._ask({"pid": pid})
        return None if said == "" else int(said)

    def _ask(self, wanted: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@dataclass
class Victim:
    """One gateway at a time. house: the same store seen from here, with no loop of its own at work."""

    house: House
    sandbox_url: str
    data_dir: Path
    http: aiohttp.ClientSession
    kennel: Kennel
    public: int
    internal: int
    agent: str
    pid: int = 0
    crash_at: str = ""
    sent: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    async def start(self, crash_at: str = "") -> None:
        """Ready to work. What the dead one owned is free at once, as if its leases had run out: nobody waits for that here."""
        owned = [name async for name in self.house.redis.scan_iter(match="lease:*")]
        await self.house.redis.delete("workers", *owned)
        fetching = await self.house.redis.zrange(DUE, 0, -1)
        if fetching:
            await self.house.redis.zadd(DUE, dict.fromkeys(fetching, 0))
        self.crash_at = crash_at
        settings = self.house.runtime.settings
        assert settings.redis_url is not None
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
        env = kept | {
            "GATEWAY_ENV": "demo",
            "GATEWAY_ONLY_TO": "*",
            "GATEWAY_REDIS_URL": settings.redis_url.reveal(),
            "GATEWAY_SOURCE_REDIS_URL": "store",
            "GATEWAY_DATA_DIR": str(self.data_dir),
            "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
            "GATEWAY_GRAPH_URL": self.sandbox_url,
            "GATEWAY_SENDERS_FILE": str(self.data_dir / "senders.json"),
            "GATEWAY_BRAND": "zz",
            "GATEWAY_WEBCARE": str(self.data_dir / "webcare.yaml"),
            "GATEWAY_API_KEY": KEY,
            "GATEWAY_APP_ID": SANDBOX.app_id,
            "GATEWAY_APP_SECRET": SANDBOX.app_secret,
            "GATEWAY_VERIFY_TOKEN": SANDBOX.verify_token,
            "GATEWAY_PUBLIC_PORT": str(self.public),
            "GATEWAY_INTERNAL_PORT": str(self.internal),
            "GATEWAY_CONSOLE_PORT": str(free_port()),
            "GATEWAY_PAIR_INTERVAL_MS": "0",
            "GATEWAY_LEASE_MS": "4000",
            "GATEWAY_EVIDENCE_MS": "8000",
            "GATEWAY_CRASH_AT": crash_at,
        }
        words = ("run", "--roles", "intake,dispatch,webhooks,webcare")
        self.pid = await asyncio.to_thread(self.kennel.start, words, env, self.data_dir / "victim.log")
        await wait_until(self.ready, timeout=30)

    async def ready(self) -> bool:
        """It answers; or it came to its place at once, with what was left to do, and is dead already."""
        if await self.dead():
            assert self.crash_at, (self.data_dir / "victim.log").read_text()[-3000:]
            return True
        with contextlib.suppress(aiohttp.ClientError):
            async with self.http.get(f"http://127.0.0.1:{self.internal}/readyz") as answer:
                return answer.status == 200
        return False

    async def dead(self) -> bool:
        """Whether it killed itself; a process that ended otherwise has met something else."""
        status = await asyncio.to_thread(self.kennel.status, self.pid)
        assert status in (None, -signal.SIGKILL), (self.data_dir / "victim.log").read_text()[-3000:]
        return status is not None

    def end(self) -> None:
        if self.pid and self.kennel.status(self.pid) is None:
            os.kill(self.pid, signal.SIGKILL)

    # what a source, a customer and an agent do

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """(status, answer); (0, None) where the process died instead of answering."""
        given = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **headers}
        try:
            sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
            async with self.http.post(f"http://127.0.0.1:{self.internal}{path}", headers=given, **sent) as answer:
                return answer.status, await answer.json(content_type=None)
        except aiohttp.ClientError:
            return 0, None

    async def get(self, path: str) -> Any:
        async with self.http.get(f"http://127.0.0.1:{self.internal}{path}", headers={"Authorization": f"Bearer {KEY}"}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def event(self, value: dict[str, Any]) -> int:
        return (await self.post("/v1/events", value, **{"Content-Type": "application/cloudevents+json"}))[0]

    async def says(self, person: str, text: str = "", **more: Any) -> None:
        """Words, or what `more` says of another kind of message."""
        said = {"phone_number_id": "314159265358979", **({"text": text} if text else {}), **more}
        await self._sandbox("POST", f"handsets/{person}/say", said)

    async def handset(self, person: str, **more: Any) -> None:
        await self._sandbox("POST", "handsets", {"address": person, "name": f"Person {person[-3:]}", **more})

    async def phone(self, person: str) -> list[dict[str, Any]]:
        """What a phone was sent, oldest first ([] for one nobody wrote to)."""
        async with self.http.get(f"{self.sandbox_url}/sandbox/handsets/{person}") as answer:
            if answer.status == 404:
                return []
            view = await answer.json()
        found = [one for thread in view["threads"] for one in thread["bubbles"] if one["kind"] == "received"]
        return sorted(found, key=lambda one: int(one["at_ms"]))

    async def _sandbox(self, method: str, path: str, body: Any) -> Any:
        async with self.http.request(method, f"{self.sandbox_url}/sandbox/{path}", json=body) as answer:
            value = await answer.json()
            assert answer.status < 300, value
            return value


@asynccontextmanager
async def victim_running(redis_url: str, data_dir: Path) -> AsyncIterator[Victim]:
    """Store, sandbox, approved templates and an agent; no gateway yet."""
    public = free_port()
    channel = TestServer(make_app(replace(SANDBOX, webhook_url=f"http://127.0.0.1:{public}/webhooks/whatsapp")))
    await channel.start_server()
    url = str(channel.make_url("/")).rstrip("/")
    kennel = Kennel()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            open_house(redis_url, data_dir, url) as house,
        ):
            runtime = house.runtime
            runtime.clock.offset_ms = noon()
            await write_offset(house.redis, runtime.clock.offset_ms)
            async with http.put(f"{url}/sandbox/clock", json={"offset_ms": runtime.clock.offset_ms}) as answer:
                assert answer.status == 200
            few = {name: one for name in TEMPLATES if (one := runtime.catalogue.get(name)) is not None}
            small = Catalogue(few, runtime.catalogue.brands, runtime.catalogue.places, runtime.catalogue.wordings)
            for sender in runtime.directory:
                await push.push(small, runtime.template_admins[sender.channel], sender)
            (data_dir / "webcare.yaml").write_text("figures: {capacity: 20, owned_max: 40}\n")
            agents = Agents(house.redis, runtime.clock, runtime.vault)
            await agents.add_agent("sanne", "Sanne", Secret("a password of some length"))
            made = Victim(house, url, data_dir, http, kennel, public, free_port(), agents.agent_id("sanne"))
            try:
                yield made
            finally:
                made.end()
    finally:
        kennel.close()
        await channel.close()


def keep() -> None:
    """The other half of the kennel: a line asks for a process or after one, a line answers."""
    for name in ("gateway.app", "gateway.cli.run", "gateway.roles", "uvloop"):
        importlib.import_module(name)
    from gateway.cli.main import main

    dead: dict[int, int] = {}
    for line in sys.stdin:
        wanted = json.loads(line)
        if "pid" in wanted:
            if wanted["pid"] not in dead:
                found, status = os.waitpid(wanted["pid"], os.WNOHANG)
                if found:
                    dead[found] = os.waitstatus_to_exitcode(status)
            answer = str(dead.get(wanted["pid"], ""))
        else:
            child = os.fork()
            if child == 0:
                os.environ.clear()
                os.environ.update(wanted["env"])
                log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                null = os.open(os.devnull, os.O_RDONLY)
                for number, descriptor in ((0, null), (1, log), (2, log)):
                    os.dup2(descriptor, number)
                sys.exit(main(wanted["words"]))
            answer = str(child)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    keep()
