"""The bridge of examples/desk-chatwoot as a process of its own, between a whole house and a pretend Chatwoot.

Two doors stand in between, so that a test can do what networks do: `Post` brings the gateway's webhooks to the bridge twice and
in no order, and keeps them while the bridge is away; `Stage.door` passes the bridge's calls on to the gateway. There, and at the
door of Chatwoot, the bridge can be killed before or after a request was done.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.integration.test_outgoing import SECRET
from tests.support.house import House, house_running
from tests.support.pretend_chatwoot import ACCOUNT, INBOX, TOKEN, PretendChatwoot
from tests.support.pretend_chatwoot import SECRET as INBOX_SECRET
from tests.support.server import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PLAN = "brands: {zz: {queues: [{name: general, desk: external}, {name: ours}]}}"


@dataclass
class Post:
    """Between the gateway and the bridge's webhook."""

    bridge: str
    http: aiohttp.ClientSession
    held: bool = False
    kept: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    async def take(self, request: web.Request) -> web.Response:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature", "Content-Type")
        one = ({name: request.headers[name] for name in names}, await request.read())
        self.kept += [one, one]
        return web.Response(status=204)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            if self.held or not self.kept:
                continue
            self.random.shuffle(self.kept)
            waiting, self.kept = self.kept, []
            for headers, body in waiting:
                if not await self._brought(headers, body):
                    self.kept.append((headers, body))

    async def _brought(self, headers: dict[str, str], body: bytes) -> bool:
        try:
            async with self.http.post(self.bridge, headers=headers, data=body) as answer:
                return answer.status == 204
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


@dataclass
class Killer:
    """Kills the bridge at the next request whose method and path end so."""

    armed: tuple[str, str, str] | None = None
    pid: int = 0
    kills: int = 0

    def at(self, when: str, request: web.Request) -> None:
        if self.armed is None:
            return
        wanted, method, ending = self.armed
        if (when, request.method) == (wanted, method) and request.path.endswith(ending):
            self.armed = None
            self.kills += 1
            os.kill(self.pid, signal.SIGKILL)


@dataclass
class Stage:
    house: House
    chatwoot: PretendChatwoot
    post: Post
    killer: Killer
    environment: dict[str, str]
    url: str
    busy: bool = False
    lost: str = ""
    """the next request that ends so does not arrive, and the bridge dies of it"""
    process: asyncio.subprocess.Process | None = None
    watching: bool = True
    wanted: asyncio.Event = field(default_factory=asyncio.Event)

    async def door(self, request: web.Request) -> web.Response:
        """The gateway, as the bridge sees it."""
        if self.busy:
            return web.json_response({"code": "too_many"}, status=429, headers={"Retry-After": "1"})
        self.killer.at("before", request)
        if self.lost and request.path.endswith(self.lost):
            self.lost = ""
            self.down()
            raise web.HTTPBadGateway
        assert self.house.http is not None
        headers = {name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")}
        async with self.house.http.request(
            request.method, self.house.internal + request.path_qs, headers=headers, data=await request.read()
        ) as answer:
            body = await answer.read()
            kind = {"Content-Type": answer.headers.get("Content-Type", "application/octet-stream")}
        self.killer.at("after", request)
        return web.Response(status=answer.status, body=body, headers=kind)

    async def watch(self) -> None:
        """Start the bridge, and again whenever it died, as a supervisor of processes does."""
        self.wanted.set()
        while self.watching:
            await self.wanted.wait()
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, str(ROOT / "examples/desk-chatwoot/bridge.py"), env=self.environment
            )
            self.killer.pid = self.process.pid
            await self.process.wait()

    def down(self) -> None:
        """Kill the bridge, and let it be gone."""
        assert self.process is not None
        self.wanted.clear()
        self.process.kill()

    async def up(self) -> None:
        self.wanted.set()
        await self.alive()

    async def alive(self) -> None:
        async def answers() -> bool:
            assert self.house.http is not None
            try:
                async with self.house.http.get(f"{self.url}/alive") as answer:
                    return answer.status == 200
            except (aiohttp.ClientError, OSError):
                return False

        await wait_until(answers, timeout=15)

    async def thread(self, name: str) -> dict[str, Any]:
        """The gateway's conversation behind Chatwoot's with somebody of this name."""
        number = self.chatwoot.of(name)
        identifier = self.chatwoot.conversations[number]["attributes"]["thuisfront_id"]
        status, found = await self.house.get(f"/v1/conversations/{identifier}")
        assert status == 200, found
        return dict(found)

    async def texts(self, number: str) -> list[str]:
        """What stands on a phone."""
        return [json.dumps(one.get("body") or one.get("template") or "") for one in await self.house.received(number)]


@asynccontextmanager
async def stage_running(folder: Path, **more: str) -> AsyncIterator[Stage]:
    """House, pretend Chatwoot, bridge and the doors in between, in one go. more: for the bridge's environment"""
    (folder / "webcare.yaml").write_text(PLAN)
    chatwoot, killer, port, doors = PretendChatwoot(), Killer(), free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    await chatwoot.start()
    chatwoot.webhook, chatwoot.door = f"{url}/chatwoot", killer.at
    gateway = {
        "GATEWAY_WEBCARE": str(folder / "webcare.yaml"), "GATEWAY_WEBHOOK_TARGETS": f"http://127.0.0.1:{doors}/webhook",
        "GATEWAY_WEBHOOK_SECRET": SECRET,
    }  # fmt: skip
    async with house_running(folder / "data", **gateway) as house, aiohttp.ClientSession() as http:
        asked = {"name": "helpdesk", "scopes": ["desk"], "rights": ["agent@zz/general"]}
        status, made = await house.post("/v1/keys", asked)
        assert status == 201, made
        environment = {
            "PATH": os.environ["PATH"], "PORT": str(port), "BRIDGE_FILE": str(folder / "bridge.sqlite3"),
            "THUISFRONT_URL": f"http://127.0.0.1:{doors}", "THUISFRONT_API_KEY": made["key"],
            "THUISFRONT_WEBHOOK_SECRET": SECRET, "CHATWOOT_URL": chatwoot.url, "CHATWOOT_ACCOUNT": str(ACCOUNT),
            "CHATWOOT_INBOX": str(INBOX), "CHATWOOT_TOKEN": TOKEN, "CHATWOOT_WEBHOOK_SECRET": INBOX_SECRET, **more,
        }  # fmt: skip
        stage = Stage(house, chatwoot, Post(f"{url}/thuisfront", http), killer, environment, url)
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_post("/webhook", stage.post.take)
        app.router.add_route("*", "/v1/{tail:.*}", stage.door)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", doors).start()
        tasks = [asyncio.create_task(stage.watch()), asyncio.create_task(stage.post.run())]
        try:
            await stage.alive()
            yield stage
        finally:
            stage.watching = False
            stage.wanted.set()
            if stage.process is not None and stage.process.returncode is None:
                stage.process.kill()
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await chatwoot.close()
            await runner.cleanup()
