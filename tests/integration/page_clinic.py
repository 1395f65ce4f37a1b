"""An installation that speaks for a Page alone: a real store, the sandbox as Messenger, somebody who answers the handshake."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from connectors.messenger.admin import WEBHOOK_FIELDS
from gateway.directory import read as read_directory
from gateway.notifications.catalogue import load
from gateway.notifications.push import push, status
from gateway.store.vault import KeyRing
from sandbox.app import make_app
from tests.integration.clinic import CONFIG, Clinic, answer_handshake, small_templates
from tests.support.server import free_port

PAGE = "141421356237301"
APP_TOKEN = f"{CONFIG.app_id}|{CONFIG.app_secret}"
FIRST_SCREEN = {
    "get_started": {"payload": "get_started"},
    "greeting": [{"locale": "default", "text": "Hello"}],
    "persistent_menu": [
        {"locale": "default", "call_to_actions": [{"type": "postback", "title": "Talk to a person", "payload": "person"}]}
    ],
}


class PageClinic(Clinic):
    """A `Clinic` whose only sender is a Page."""

    async def switch(self, **switches: Any) -> None:
        await self.sandbox("PUT", f"pages/{PAGE}", switches)


@pytest.fixture
async def pages(redis: Redis, redis_url: str) -> AsyncIterator[PageClinic]:
    """All is well: app and Page subscribed with every field, webhooks come to us, first screen set, templates approved."""
    app = web.Application()
    app.router.add_get("/webhooks/messenger", answer_handshake)
    gateway = TestServer(app)
    await gateway.start_server()
    public_url = str(gateway.make_url("/")).rstrip("/")
    channel = TestServer(make_app(replace(CONFIG, page_webhook_url=f"{public_url}/webhooks/messenger")))
    await channel.start_server()
    with tempfile.TemporaryDirectory(prefix="thuisfront-pages-") as name:
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
            "GATEWAY_MESSENGER_TOKEN": f"sandbox-page-token-{PAGE}",
            "GATEWAY_MESSENGER_PAGE_ID": PAGE,
            "GATEWAY_PUBLIC_URL": public_url,
            "GATEWAY_ONLY_TO": "12345678901234567",
            "GATEWAY_PUBLIC_PORT": str(free_port()),
            "GATEWAY_INTERNAL_PORT": str(free_port()),
            "GATEWAY_CONSOLE_PORT": str(free_port()),
        }
        async with aiohttp.ClientSession() as session:
            made = PageClinic(
                values["GATEWAY_GRAPH_URL"], public_url, here / "templates", here / "data", values, session
            )
            await made.graph("POST", f"{PAGE}/messenger_profile", FIRST_SCREEN)
            await made.graph("POST", f"{PAGE}/subscribed_apps?subscribed_fields={','.join(WEBHOOK_FIELDS)}", {})
            settings = made.settings()
            (sender,) = read_directory(settings)
            catalogue, admin = load(settings.templates_dir), made.page_templates(settings)
            await push(catalogue, admin, sender)
            await status(catalogue, admin, sender, wait_s=10, every_s=0.02)
            yield made
    await channel.close()
    await gateway.close()
