"""A queue of the gateway is answered in Chatwoot: a bridge between its webhooks and API and an inbox of Chatwoot's kind "API".

    python examples/desk-chatwoot/bridge.py          # settings from the environment: .env.example; how to set up: README.md

    gateway webhook  --> job --> read the thread --> contact, conversation, incoming message there     (inward.py)
    Chatwoot webhook --> job --> take, reply, note, finish at the gateway                              (outward.py)

What comes in is checked, kept as a job in one SQLite file (memory.py) and answered; the rest is done behind that (worker.py), one
conversation's jobs in their order. What the bridge did there it knows by marks (mirror.py). It may be killed anywhere: nothing is
lost and nothing is said twice. Needs aiohttp and nothing else of the gateway.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from chatwoot import Chatwoot
from checks import from_chatwoot, from_gateway, same
from failures import Missing, Refused, Wait
from inward import LOST, Inward
from memory import Memory
from mirror import OWN, Mirror
from outward import Outward, job_of
from thuisfront import Thuisfront
from worker import Worker

BODY_MAX = 1024 * 1024


@dataclass(frozen=True)
class Config:
    """Each as .env.example says."""

    gateway_url: str
    gateway_key: str
    gateway_secret: str
    speaker: str
    chatwoot_url: str
    account: int
    inbox: int
    token: str
    secret: str
    path_secret: str
    files: tuple[str, ...]
    reason: str
    late_s: float
    catch_up_s: float
    file: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Config:
        secret, path_secret = environ.get("CHATWOOT_WEBHOOK_SECRET", ""), environ.get("CHATWOOT_PATH_SECRET", "")
        if not secret and len(path_secret) < 20:
            raise SystemExit("CHATWOOT_WEBHOOK_SECRET, or a CHATWOOT_PATH_SECRET of 20 characters or more, is needed")
        return cls(
            gateway_url=environ.get("THUISFRONT_URL", "http://127.0.0.1:8081"),
            gateway_key=environ["THUISFRONT_API_KEY"],
            gateway_secret=environ["THUISFRONT_WEBHOOK_SECRET"],
            speaker=environ.get("THUISFRONT_KEY_NAME", "helpdesk"),
            chatwoot_url=environ["CHATWOOT_URL"],
            account=int(environ["CHATWOOT_ACCOUNT"]),
            inbox=int(environ["CHATWOOT_INBOX"]),
            token=environ["CHATWOOT_TOKEN"],
            secret=secret,
            path_secret=path_secret,
            files=tuple(environ.get("CHATWOOT_FILES", "").replace(",", " ").split()),
            reason=environ.get("REASON", ""),
            late_s=float(environ.get("LATE_S", "20")),
            catch_up_s=float(environ.get("CATCH_UP_S", "300")),
            file=environ.get("BRIDGE_FILE", "bridge.sqlite3"),
        )


class Bridge:
    def __init__(self, config: Config, http: aiohttp.ClientSession, memory: Memory) -> None:
        self._config, self._memory = config, memory
        gateway = Thuisfront(http, config.gateway_url, config.gateway_key)
        chatwoot = Chatwoot(http, config.chatwoot_url, config.account, config.inbox, config.token, config.files)
        mirror = Mirror(chatwoot, memory)
        inward = Inward(gateway, mirror, memory, config.speaker)
        self._outward = out = Outward(gateway, mirror, memory, reason=config.reason)
        handlers = {
            "look": inward.look, "fate": inward.fate, "withdrawn": inward.withdrawn, "erase": inward.erase,
            "answer": out.answer, "note": out.note, "closed": out.closed, "again": out.again,
        }  # fmt: skip
        self._worker = Worker(memory, handlers)

    async def run(self) -> None:
        """Until cancelled: do what is kept, and look now and then for what Chatwoot told us while we were away."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._worker.run())
            group.create_task(self._tell_late())
            while True:
                await self._catch_up()
                self._memory.forget_heard()
                await asyncio.sleep(self._config.catch_up_s)

    async def post_gateway(self, request: web.Request) -> web.Response:
        """A webhook of the gateway's: kept, then 204. Its id is known for two weeks."""
        body = await request.read()
        if not from_gateway(self._config.gateway_secret, request.headers, body, time.time()):
            return web.Response(status=401)
        event = json.loads(body)
        kind, data = event["type"], event["data"]
        once, conversation = f"gw:{request.headers['webhook-id']}", data.get("conversation_id")
        if kind == "contact.erased":
            self._keep(once, f"contact:{data['contact_id']}", "erase", {"contact": data["contact_id"]})
        elif conversation and data.get("message_id") and kind in (*LOST, "message.delivered", "message.read"):
            fate = {"message": data["message_id"], "type": kind, "reason": data["reason"], "sentence": data["sentence"]}
            self._keep(once, conversation, "fate", fate)
        if conversation and "sequence" in data:
            look = {"conversation": conversation, "sequence": data["sequence"], "queue": data["queue"]}
            self._keep(f"{once}.look", conversation, "look", look)
            if kind == "message.received" and data["kind"] == "withdrawn":
                taken_back = {"conversation": conversation, "message": data["message_id"]}
                self._keep(f"{once}.withdrawn", conversation, "withdrawn", taken_back)
        return web.Response(status=204)

    async def post_chatwoot(self, request: web.Request) -> web.Response:
        """A webhook of Chatwoot's: kept, then 200 at once. It waits five seconds and tells nothing twice."""
        body, config = await request.read(), self._config
        if config.secret:
            known = from_chatwoot(config.secret, request.headers, body, time.time())
        else:
            known = same(config.path_secret, request.match_info.get("secret", ""))
        if not known:
            return web.Response(status=401)
        event = json.loads(body)
        if event.get("event") in ("message_created", "message_updated"):
            self._message(event)
        elif event.get("event") == "conversation_status_changed" and event["inbox_id"] == config.inbox:
            self._status(event)
        return web.Response(status=200)

    def _message(self, event: dict[str, Any]) -> None:
        """What was said there by others: not the customer's words, not ours."""
        sender, config = event.get("sender") or {}, self._config
        here = event["account"]["id"] == config.account and event["inbox"]["id"] == config.inbox
        if not here or event["message_type"] != "outgoing" or str(event.get("source_id") or "").startswith(OWN):
            return
        number = int(event["conversation"]["id"])
        job, lane = job_of(number, event, sender), self._lane(number)
        if event["event"] == "message_created":
            self._keep(f"cw:m{event['id']}.0", lane, "note" if event.get("private") else "answer", job)
        elif not event.get("private") and not (event.get("content_attributes") or {}).get("external_error"):
            self._keep(uuid.uuid4().hex, lane, "again", job)

    def _status(self, event: dict[str, Any]) -> None:
        if event["status"] == "resolved":
            self._keep(uuid.uuid4().hex, self._lane(event["id"]), "closed", {"conversation": event["id"]})

    def _lane(self, number: int) -> str:
        row = self._memory.conversation_there(number)
        return row.id if row else f"there:{number}"

    def _keep(self, once: str, lane: str, kind: str, body: dict[str, Any]) -> None:
        if self._memory.hear(once, lane, kind, body):
            self._worker.wake()

    async def _tell_late(self) -> None:
        told: set[int] = set()
        while True:
            await asyncio.sleep(min(self._config.late_s / 2, 5.0))
            late = self._memory.late(self._config.late_s)
            for job in late:
                try:
                    if job.id not in told:
                        await self._outward.late(job)
                        told.add(job.id)
                except (Wait, Refused, Missing) as error:
                    print(f"not told: {error}", flush=True)
            told &= {job.id for job in late}

    async def _catch_up(self) -> None:
        for row in self._memory.open_conversations():
            try:
                await self._outward.catch_up(row)
            except (Wait, Refused, Missing) as error:
                print(f"not caught up: {error}", flush=True)
        self._worker.wake()


def make_app(config: Config) -> web.Application:
    """POST /thuisfront and /chatwoot (or /chatwoot/SECRET); GET /alive"""

    async def running(app: web.Application) -> AsyncIterator[None]:
        memory = Memory(config.file)
        async with aiohttp.ClientSession() as http:
            app[BRIDGE] = Bridge(config, http, memory)
            task = asyncio.create_task(app[BRIDGE].run())
            task.add_done_callback(_ended)
            yield
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        memory.close()

    async def post_gateway(request: web.Request) -> web.Response:
        return await request.app[BRIDGE].post_gateway(request)

    async def post_chatwoot(request: web.Request) -> web.Response:
        return await request.app[BRIDGE].post_chatwoot(request)

    async def alive(request: web.Request) -> web.Response:
        return web.Response(text="alive")

    app = web.Application(client_max_size=BODY_MAX)
    app.cleanup_ctx.append(running)
    app.router.add_post("/thuisfront", post_gateway)
    app.router.add_post("/chatwoot", post_chatwoot)
    app.router.add_post("/chatwoot/{secret}", post_chatwoot)
    app.router.add_get("/alive", alive)
    return app


def _ended(task: asyncio.Task[None]) -> None:
    """A bridge that works no more ends, so that whatever watches it starts it anew."""
    if not task.cancelled():
        os.kill(os.getpid(), signal.SIGTERM)


BRIDGE = web.AppKey("bridge", Bridge)

if __name__ == "__main__":
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8096"))
    web.run_app(make_app(Config.read(os.environ)), host=host, port=port, access_log=None)
