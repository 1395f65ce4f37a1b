"""What stands before the gateways' public ports: hands each webhook to one that lives, and remembers what it was evidence of.

It is the referee's watch: the moment at which a gateway answered 200 to a status is the moment from which the house knew what
became of that attempt, whatever its own records say.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from torture.house import House

ANSWER_S = 8.0
_PASSED_ON = ("Content-Type", "User-Agent", "X-Hub-Signature", "X-Hub-Signature-256")


class Balancer:
    """evidence: (message, attempt) -> when a webhook that shows it arrived was first answered 200 (ms).

    inbound: the channel's id of what a person said -> when the webhook that brought it was first answered 200 (ms)
    doubled: webhooks that were answered 200 once more, with the same bytes
    odd: answers to webhooks that are neither "kept" nor "later": a house that keeps none knows of no evidence
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.house: House | None = None
        self.evidence: dict[tuple[str, int], int] = {}
        self.inbound: dict[str, int] = {}
        self.odd: list[str] = []
        self.doubled = 0
        self._known: set[bytes] = set()
        self.answered = 0
        self.refused = 0

    async def start(self, port: int) -> None:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/webhooks/{channel}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._http is not None
        raw = await request.read()
        headers = {name: value for name in _PASSED_ON if (value := request.headers.get(name)) is not None}
        open_doors = self.house.serving("webhooks") if self.house is not None else []
        self._rng.shuffle(open_doors)
        for gateway in open_doors:
            url = f"http://127.0.0.1:{gateway.public}{request.path}"
            with contextlib.suppress(aiohttp.ClientConnectorError):  # not there: another one may be
                try:
                    async with self._http.post(url, data=raw, headers=headers) as answer:
                        text = await answer.text()
                except aiohttp.ClientConnectorError:
                    raise
                except (aiohttp.ClientError, TimeoutError) as error:
                    if isinstance(error, TimeoutError):
                        gateway.shun()
                    break  # it died, or stands still, over it: the world is told that it failed, and brings it again
                if answer.status == 200:
                    self.answered += 1
                    self._note(raw)
                elif answer.status != 503:
                    self.odd.append(f"a webhook was answered {answer.status}")
                return web.Response(status=answer.status, text=text)
        self.refused += 1
        return web.Response(status=502)

    def _note(self, raw: bytes) -> None:
        now = int(time.time() * 1000)
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        self.doubled += digest in self._known
        self._known.add(digest)
        body = json.loads(raw)
        for said in spoken(body):
            self.inbound.setdefault(said, now)
        for opaque in arrived(body):
            message, attempt = parse_opaque(opaque)
            if message:
                self.evidence.setdefault((message, attempt), now)


def parse_opaque(opaque: str) -> tuple[str, int]:
    """("m07...", 2) of "m07....2.air"; ("", 0) for what is not ours."""
    message, _, rest = opaque.partition(".")
    attempt = rest.partition(".")[0]
    return (message, int(attempt)) if attempt.isdigit() else ("", 0)


def arrived(body: Any) -> Iterator[str]:
    """What the statuses and echoes of a webhook show to have been taken by the channel; failures are none of these."""
    if isinstance(body, Mapping):
        opaque = body.get("biz_opaque_callback_data")
        if isinstance(opaque, str) and body.get("status") != "failed":
            yield opaque
        if body.get("is_echo") and isinstance(body.get("metadata"), str):
            yield body["metadata"]
        for value in body.values():
            yield from arrived(value)
    elif isinstance(body, list):
        for value in body:
            yield from arrived(value)


def spoken(body: Any) -> Iterator[str]:
    """The channel's ids of what people said, in a webhook."""
    if isinstance(body, Mapping):
        messages, message = body.get("messages"), body.get("message")
        if isinstance(messages, list):
            yield from (str(one["id"]) for one in messages if isinstance(one, Mapping) and "id" in one)
        if isinstance(message, Mapping) and "mid" in message and not message.get("is_echo"):
            yield str(message["mid"])
        for value in body.values():
            yield from spoken(value)
    elif isinstance(body, list):
        for value in body:
            yield from spoken(value)
