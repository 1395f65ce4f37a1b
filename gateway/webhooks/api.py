"""GET handshake and POST of each channel's webhook: verify the raw bytes, keep them, answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from gateway.connector import Connector
from gateway.crashpoint import crash_point
from gateway.errors import StoreError
from gateway.model.personal import Secret
from gateway.store.webhooks import Webhooks
from gateway.wake import Wake

MAX_BYTES = 3 * 1024 * 1024
"""Meta sends at most 3 MB (WhatsApp webhooks, September 2026)."""

_LATER = {"Retry-After": "2"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deps:
    webhooks: Webhooks
    connectors: Mapping[str, Connector]
    secrets: tuple[Secret, ...]
    verify_token: Secret | None
    wake: Wake
    count: Callable[[str, str], None]
    """(channel, answer): kept, bad_signature, too_large, failed, handshake_refused"""


def add_routes(app: web.Application, deps: Deps) -> None:
    async def finish(app: web.Application) -> None:
        await deps.webhooks.close()

    app.on_cleanup.append(finish)
    for channel in deps.connectors:
        app.router.add_get(f"/webhooks/{channel}", _handshake(deps, channel))
        app.router.add_post(f"/webhooks/{channel}", _receive(deps, channel))


def _handshake(deps: Deps, channel: str):  # type: ignore[no-untyped-def]
    async def get_webhook(request: web.Request) -> web.Response:
        challenge = None
        if deps.verify_token is not None:
            challenge = deps.connectors[channel].verify_handshake(dict(request.query), deps.verify_token)
        if challenge is None:
            deps.count(channel, "handshake_refused")
            return web.Response(status=403)
        return web.Response(text=challenge, content_type="text/plain")

    return get_webhook


def _receive(deps: Deps, channel: str):  # type: ignore[no-untyped-def]
    connector = deps.connectors[channel]

    async def post_webhook(request: web.Request) -> web.Response:
        if (request.content_length or 0) > MAX_BYTES:
            deps.count(channel, "too_large")
            return web.Response(status=413)
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            deps.count(channel, "too_large")
            return web.Response(status=413)
        if not connector.verify(request.headers, raw, deps.secrets):
            # The caller learns nothing; a burst of these is a rotated secret or somebody trying.
            deps.count(channel, "bad_signature")
            return web.Response(status=401)
        try:
            await deps.webhooks.append(channel, raw, line=_line(request))
            crash_point("webhook.kept")
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("webhook.not_kept", channel=channel, error=type(error).__name__)
            deps.count(channel, "failed")
            return web.Response(status=503, headers=_LATER)  # the channel sends it again, for up to seven days
        deps.count(channel, "kept")
        deps.wake.now("webhooks")
        return web.Response(status=200)

    return post_webhook


def _line(request: web.Request) -> int:
    """The same for whatever comes over one connection: the channel's own order on it is kept."""
    transport = request.transport
    return hash(transport.get_extra_info("peername")) if transport is not None else 0
