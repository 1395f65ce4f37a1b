"""One notification in two versions, a sandbox that decides about them when it is told to, and a house turned by hand.

The sandbox's webhooks come over HTTP to the real door; `heard` waits for them and applies them. Reviews are held: a test decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from gateway import http
from gateway.model.ids import SenderId
from gateway.notifications.catalogue import Catalogue, load
from gateway.notifications.push import push
from gateway.planning.worlds import Worlds
from gateway.scheduler.jobs.sync_templates import sync_templates
from gateway.store import keys
from gateway.webhooks import api as door_api
from sandbox.app import make_app
from sandbox.keys import WORLD
from tests.support.core import SANDBOX, House, facts_of, open_house
from tests.support.server import free_port
from tests.support.versions import write_versions
from tests.support.waiting import wait_until

SENDER = SenderId("zz-wa")


@dataclass
class Stage:
    """A house whose notification `late` is at version 2, with the words of version 1 kept."""

    house: House
    channel: TestServer
    session: aiohttp.ClientSession
    folder: Path

    # at the channel

    @property
    def world(self) -> Any:
        return self.channel.app[WORLD]

    async def push(self, catalogue: Catalogue | None = None) -> None:
        runtime = self.house.runtime
        sender = runtime.directory.get(SENDER)
        assert sender is not None
        done = await push(catalogue or runtime.catalogue, runtime.template_admins["whatsapp"], sender)
        assert not [one for one in done if one.error], done

    async def hold(self) -> None:
        """From now on a test decides."""
        async with self.session.put(self.channel.make_url("/sandbox/account"), json={"review": "hold"}) as answer:
            assert answer.status == 200, await answer.text()

    async def decides(self, template: str, language: str, **decision: Any) -> None:
        """What the channel does with one language of one template; its webhook comes by itself."""
        row = self.world.store.row("SELECT id FROM templates WHERE name = ? AND language = ?", template, language)
        url = self.channel.make_url(f"/sandbox/templates/{row['id']}/decide")
        async with self.session.post(url, json=decision) as answer:
            assert answer.status == 200, await answer.text()

    def pass_ms(self, ms: int) -> None:
        self.house.pass_ms(ms)
        self.world.turn_clock(self.house.clock.offset_ms)

    # here

    async def heard(self, template: str, language: str, **values: str) -> None:
        """Until the webhook about it is applied: state, category ..."""

        async def there() -> bool:
            await self.house.take_webhooks()
            known = (await self.house.runtime.senders.templates(SENDER)).get((template, language), {})
            return all(known.get(name) == value for name, value in values.items())

        await wait_until(there, timeout=10)
        self.house.runtime.worlds.stale()

    async def approves(self, template: str, *languages: str) -> None:
        for language in languages:
            await self.decides(template, language, decision="APPROVED")
            await self.heard(template, language, state="APPROVED")

    async def sync(self) -> None:
        runtime = self.house.runtime
        await sync_templates(runtime.directory, runtime.template_admins, runtime.senders, runtime.catalogue)
        runtime.worlds.stale()

    def another(self) -> Worlds:
        """The world as one more process sees it."""
        runtime = self.house.runtime
        return Worlds(
            runtime.catalogue, runtime.directory, runtime.connectors, runtime.senders, runtime.settings, runtime.clock,
            runtime.vault,
        )  # fmt: skip

    async def look(self, worlds: Worlds | None = None) -> None:
        """What every process does each second."""
        one = worlds or self.house.runtime.worlds
        await one.now()
        await one.switch_due()
        await one.now()

    async def active(self) -> int:
        found = (await self.house.runtime.senders.versions(SENDER)).get("late")
        return found.version if found else 0

    async def switches(self) -> list[Mapping[str, str]]:
        return [fact.detail for fact in await facts_of(self.house.redis) if fact.kind == "version"]

    async def tells(self, *numbers: int, minutes: int) -> list[str]:
        """Tell these travellers of a delay: what each phone was shown by it ("late_v1:nl"), or why it was not."""
        before = {number: len(self.shown(number)) for number in numbers}
        await self.house.tell(self.house.flight(late_min=minutes))
        await self.house.dispatch()
        found = []
        for number in numbers:
            new = self.shown(number)[before[number] :]
            contact = await self.house.contact_of(number)
            found.append(" ".join(new) or (await self.house.messages(contact.id))[-1].reason)
        return found

    def shown(self, number: int) -> list[str]:
        """What a phone shows, by template and language."""
        handsets = self.world.handsets
        handset = handsets.find(f"447700900{number:03d}")
        threads = handsets.view(handset)["threads"] if handset is not None else []
        bubbles = [bubble for thread in threads for bubble in thread["bubbles"] if bubble["kind"] == "received"]
        return [f"{one['template']['name']}:{one['template']['language']}" if one["template"] else "free text" for one in bubbles]

    async def follows(self, *travellers: tuple[int, str]) -> None:
        """People with their language, by one order that is no news to them."""
        people = [self.house.recipient(number, locale=locale) for number, locale in travellers]
        await self.house.tell(self.house.order(*people))


@asynccontextmanager
async def stage_running(redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    """Version 1 approved in both languages and in use, version 2 written and not pushed."""
    folder = data_dir / "templates"
    write_versions(folder, "nl", "en", "nl.v1", "en.v1", version=2)
    port = free_port()
    channel = TestServer(make_app(replace(SANDBOX, webhook_url=f"http://127.0.0.1:{port}/webhooks/whatsapp")))
    await channel.start_server()
    url = str(channel.make_url("/")).rstrip("/")
    write_versions(data_dir / "before", "nl", "en", version=1)
    more = {"GATEWAY_TEMPLATES_DIR": str(folder)}
    try:
        async with open_house(redis_url, data_dir, url, **more) as house, aiohttp.ClientSession() as session:
            runtime = house.runtime
            await house.redis.delete(keys.templates(SENDER))  # the channel says what it has
            app = http.make_app(largest=door_api.MAX_BYTES)
            deps = door_api.Deps(
                webhooks=runtime.webhooks, connectors=runtime.connectors, secrets=runtime.settings.app_secrets,
                verify_token=runtime.settings.verify_token, wake=runtime.wake, count=lambda channel, answer: None,
            )  # fmt: skip
            door_api.add_routes(app, deps)
            door = TestServer(app, port=port)
            await door.start_server()
            made = Stage(house, channel, session, folder)
            made.world.turn_clock(house.clock.offset_ms)
            try:
                await made.push(load(data_dir / "before"))
                for language in ("nl", "en"):
                    await made.heard("late_v1", language, state="APPROVED")
                await made.hold()
                await made.look()
                yield made
            finally:
                await door.close()
    finally:
        await channel.close()
