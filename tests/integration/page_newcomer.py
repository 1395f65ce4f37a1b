"""A Page that no program speaks for yet, in the sandbox; somebody connects it by script, a phone in the other hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from connectors.messenger.admin import MessengerAdmin
from connectors.messenger.connector import MessengerConnector
from connectors.messenger.templates import MessengerTemplates
from connectors.meta.graph import Graph
from connectors.whatsapp.templates import GraphCall
from gateway.cli import connect_messenger
from gateway.cli.admin_port import PageAdmin
from gateway.cli.connect_messenger import PageArgs
from gateway.cli.connect_state import name_of
from gateway.model.account import Access
from sandbox.app import make_app
from tests.integration.newcomer import ANN, CONFIG, Answer, Newcomer, Script
from tests.support.notifications import catalogue
from tests.support.server import free_port
from tests.support.waiting import wait_until

PAGE = "141421356237301"


class PageNewcomer(Newcomer):
    """Somebody with a Page of a live account, an empty directory and a phone."""

    async def connect_page(self, script: Script, args: PageArgs | None = None) -> int:
        settings = self.settings()

        def graph() -> Graph:
            return Graph(settings.graph_url, connect_timeout_s=2, timeout_s=5)

        def admin(access: Access) -> PageAdmin:
            secret = access.app_secret
            return MessengerAdmin(graph(), "v25.0", app_id=access.app_id, app_secret=secret, token=access.token)

        connector = MessengerConnector(graph(), app_id=CONFIG.app_id)
        base = f"{settings.graph_url}/v25.0"
        try:
            return await connect_messenger.run(
                args or PageArgs(page_id=PAGE, wait_s=10),
                settings,
                io=script,
                admins=admin,
                connector=connector,
                templates=MessengerTemplates(lambda sender: GraphCall(self.session, base, sender)),
                catalogue=catalogue(),
                env_file=self.env_file,
            )
        finally:
            await connector.close()

    async def say(self, words: str) -> None:
        await self.control("POST", f"handsets/{ANN}/say", {"text": words, "page_id": PAGE})

    async def chat(self) -> list[dict[str, object]]:
        handset = await self.control("GET", f"handsets/{ANN}")
        return [bubble for thread in handset["threads"] if thread["sender_id"] == PAGE for bubble in thread["bubbles"]]

    @property
    def page_state(self) -> Path:
        return self.here / "var" / name_of("messenger")

    def page_script(self, *first: tuple[str, Answer]) -> Script:
        """Somebody who does everything right; `first` answers before that."""
        return Script(
            [
                *first,
                ("App id", CONFIG.app_id),
                ("App secret", CONFIG.app_secret),
                ("Access token", CONFIG.token),
                ("May I write", 0),
                ("public address", self.public_url),
                ("Which Page", 0),
                ("Set this on the Page", 0),
                ("Answer them with", 0),
            ]
        )


@pytest.fixture
async def page_newcomer(tmp_path: Path) -> AsyncIterator[PageNewcomer]:
    channel = TestServer(make_app(replace(CONFIG, account="live")))
    await channel.start_server()
    async with aiohttp.ClientSession() as session:
        made = PageNewcomer(str(channel.make_url("/")).rstrip("/"), tmp_path, free_port(), session)
        await made.control("POST", "handsets", {"address": ANN, "name": "Ann"})
        await made.control("PUT", f"pages/{PAGE}", {"subscribed": False})
        yield made
    await channel.close()


async def at_the_phone(newcomer: PageNewcomer, script: Script) -> None:
    """Ann writes when she is asked to, and answers when that is asked."""
    await wait_until(lambda: "Write anything to the Page now" in script.said, timeout=20)
    await newcomer.say("hello")
    await wait_until(lambda: "Now answer on the phone" in script.said, timeout=20)
    (trial,) = [bubble for bubble in await newcomer.chat() if bubble["kind"] == "received"]
    if trial["buttons"]:
        tap = {"button": {"bubble": trial["id"], "index": 0}, "page_id": PAGE}
        await newcomer.control("POST", f"handsets/{ANN}/say", tap)
    else:
        await newcomer.say("it works")


async def together(newcomer: PageNewcomer, script: Script, args: PageArgs | None = None) -> int:
    """Connect, with Ann at her phone."""
    async with asyncio.TaskGroup() as group:
        phone = group.create_task(at_the_phone(newcomer, script))
        code = await newcomer.connect_page(script, args)
        phone.cancel()
    return code
