"""Hears what the channel says of the first message: `Ear`, and a small listener for as long as no gateway runs.

The listener answers the handshake, verifies every signature, and keeps nothing. So it answers 200 only to what is about the
first message; all else gets 503, which makes the channel bring it again, for days, until a gateway runs that keeps it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiohttp import web

from gateway.connector import BadItem, Connector, InboundEvent, MessageEvent, ReceiptEvent, StatusEvent
from gateway.model.contact import Identifier
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal, Secret

MAX_BYTES = 3 * 1024 * 1024
"""The channel's largest webhook (WhatsApp webhooks, September 2026)."""


class Signal(StrEnum):
    DELIVERED = "delivered"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Heard:
    """failed: the channel's code when the message failed instead, 0 when it did not; words: the channel's, scrubbed.

    who: of an answer, the first of the ways in which the channel names who wrote
    """

    signal: Signal
    at_ms: int
    failed: int = 0
    words: str = ""
    who: Identifier | None = None


class Ear(Protocol):
    """Whoever hears webhooks. A running gateway can be one, over its store."""

    def expect(self, opaque: str, to: Identifier | None) -> None:
        """Listen for statuses with this opaque data, and for messages of this person; None: of anybody."""

    def sent(self, channel_id: Personal, at_ms: int) -> None:
        """The message has this id at the channel: what is told of it by that, or by its time, counts as well."""

    async def wait_for(self, signal: Signal, timeout_s: float) -> Heard | None:
        """The signal, also when it came before; None after the time. A failure counts as `DELIVERED` with its code.

        May be asked again: what came meanwhile counts.
        """


class Listener:
    """An `Ear` on the public port. path: /webhooks/<channel>. secrets: any of them may have signed."""

    def __init__(self, connector: Connector, *, secrets: tuple[Secret, ...], verify_token: Secret) -> None:
        self._connector = connector
        self._secrets = secrets
        self._verify_token = verify_token
        self._opaque = ""
        self._to: Identifier | None = None
        self._anybody = False
        self._sent: tuple[Personal, int] | None = None
        self._heard: dict[Signal, Heard] = {}
        self._news = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.refused = 0
        """webhooks whose signature was not ours: a wrong app secret, most likely"""
        self.shaken = 0
        """handshakes that were answered"""

    async def start(self, host: str, port: int) -> None:
        """raises: OSError when the port cannot be had"""
        app = web.Application(client_max_size=MAX_BYTES)
        path = f"/webhooks/{self._connector.channel}"
        app.router.add_get(path, self._get)
        app.router.add_post(path, self._post)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, reuse_address=True).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def expect(self, opaque: str, to: Identifier | None) -> None:
        self._opaque, self._to, self._anybody, self._sent = opaque, to, to is None, None
        self._heard.clear()

    def sent(self, channel_id: Personal, at_ms: int) -> None:
        self._sent = (channel_id, at_ms)

    async def wait_for(self, signal: Signal, timeout_s: float) -> Heard | None:
        try:
            async with asyncio.timeout(timeout_s):
                while signal not in self._heard:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        return self._heard[signal]

    async def _get(self, request: web.Request) -> web.Response:
        challenge = self._connector.verify_handshake(dict(request.query), self._verify_token)
        if challenge is None:
            return web.Response(status=403)
        self.shaken += 1
        return web.Response(text=challenge, content_type="text/plain")

    async def _post(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not self._connector.verify(headers, raw, self._secrets):
            self.refused += 1
            return web.Response(status=401)
        ours = [self._take(event) for event in self._connector.parse_webhook(raw)]
        self._news.set()
        return web.Response(status=200 if ours and all(ours) else 503)

    def _take(self, event: InboundEvent | BadItem) -> bool:
        """Whether it is about the first message; remembers what it says."""
        if isinstance(event, StatusEvent):
            if not self._is_ours(event):
                return False
            if event.failed:
                result = event.result
                code, words = (result.code, result.detail) if result is not None else (1, "")
                self._heard.setdefault(Signal.DELIVERED, Heard(Signal.DELIVERED, event.at_ms, code or 1, words))
            elif event.status >= DeliveryStatus.DELIVERED:
                self._heard[Signal.DELIVERED] = Heard(Signal.DELIVERED, event.at_ms)
            return True
        if isinstance(event, ReceiptEvent):
            if self._sent is None or self._to is None or self._to not in event.identifiers or event.until_ms < self._sent[1]:
                return False
            if event.status >= DeliveryStatus.DELIVERED:
                self._heard[Signal.DELIVERED] = Heard(Signal.DELIVERED, event.at_ms)
            return True
        if isinstance(event, MessageEvent) and event.identifiers and (self._anybody or self._to in event.identifiers):
            self._heard[Signal.ANSWER] = Heard(Signal.ANSWER, event.at_ms, who=event.identifiers[0])
            return True
        return False

    def _is_ours(self, event: StatusEvent) -> bool:
        if self._opaque and event.opaque == self._opaque:
            return True
        return self._sent is not None and event.channel_id.reveal() == self._sent[0].reveal()
