"""Over real HTTP: every template of ours on a Page, and what the Page is found able to do as its switches are turned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from connectors.messenger.templates import MessengerTemplates
from connectors.whatsapp.templates import GraphCall
from gateway import registry
from gateway.clock import Clock
from gateway.directory import Directory
from gateway.directory import read as read_directory
from gateway.model.capability import Capability, Findings
from gateway.model.ids import SenderId
from gateway.notifications.push import FINE, Action, push, status
from gateway.scheduler.jobs.sync_capabilities import sync_capabilities
from gateway.settings import Settings, read
from gateway.store.senders import Senders
from sandbox.app import make_app
from sandbox.config import SandboxConfig
from tests.support.notifications import catalogue
from tests.support.server import free_port

CONFIG = SandboxConfig(port=0, data_dir=":memory:", seed=11, review_ms=5)
PAGE = "141421356237301"
NUMBER = "314159265358979"


@dataclass(frozen=True)
class Desk:
    """A number and a Page of one live account, and the doors to them as the program opens them."""

    session: aiohttp.ClientSession
    url: str
    settings: Settings
    directory: Directory
    senders: Senders

    async def findings(self, clock: Clock | None = None) -> dict[SenderId, Findings]:
        channels = registry.open_channels(self.settings, self.session, clock)
        try:
            assert await sync_capabilities(self.directory, channels.probes, self.senders) == 2
        finally:
            for connector in channels.connectors.values():
                await connector.close()
        return await self.senders.findings(self.directory.ids)

    async def put(self, path: str, body: Any) -> None:
        async with self.session.put(f"{self.url}/sandbox/{path}", json=body) as reply:
            assert reply.status < 300, await reply.text()

    async def set_profile(self, body: Any) -> None:
        headers = {"Authorization": f"Bearer {CONFIG.token}"}
        async with self.session.post(f"{self.url}/v25.0/{PAGE}/messenger_profile", json=body, headers=headers) as reply:
            assert reply.status < 300, await reply.text()


@pytest.fixture
async def desk(redis: Redis) -> AsyncIterator[Desk]:
    server = TestServer(make_app(CONFIG))
    await server.start_server()
    url = str(server.make_url("/")).rstrip("/")
    settings = read(
        {
            "GATEWAY_GRAPH_URL": url,
            "GATEWAY_APP_ID": CONFIG.app_id,
            "GATEWAY_APP_SECRET": CONFIG.app_secret,
            "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
            "GATEWAY_WHATSAPP_TOKEN": CONFIG.token,
            "GATEWAY_MESSENGER_PAGE_ID": PAGE,
            "GATEWAY_MESSENGER_TOKEN": CONFIG.token,
        },
        None,
    )
    async with aiohttp.ClientSession() as session:
        yield Desk(session, url, settings, read_directory(settings), Senders(redis, Clock()))
    await server.close()


async def test_what_the_channel_says_is_dated_by_the_gateways_clock(desk: Desk) -> None:
    """A demo's clock is days ahead: dated by the machine's, its word would count as older than what every send showed."""
    ahead_ms = 3 * 24 * 3600 * 1000
    clock = Clock(ahead_ms)
    before = clock.now_ms()
    found = await desk.findings(clock)
    dates = [one.at_ms for findings in found.values() for one in findings.found.values()]
    assert dates
    assert before <= min(dates) <= max(dates) <= clock.now_ms()


async def test_a_page_takes_and_approves_every_template_that_it_can_hold(desk: Desk) -> None:
    admin = MessengerTemplates(lambda sender: GraphCall(desk.session, f"{desk.url}/v25.0", sender))
    sender = desk.directory.get("messenger")
    assert sender is not None
    done = await push(catalogue(), admin, sender)
    assert [one.error for one in done if one.error] == []
    steps = await status(catalogue(), admin, sender, wait_s=20, every_s=0.05)
    assert {one.action for one in steps} == FINE
    skipped = {one.notification for one in steps if one.action is Action.SKIPPED}
    assert skipped == {one.name for one in catalogue() if one.document is not None and one.template}
    found = (await desk.findings())[sender.id].found[Capability.TEMPLATES]
    assert len(steps) - sum(one.action is Action.SKIPPED for one in steps) > 100
    assert (found.able, found.why) == (True, "100 or more approved")


async def test_each_switch_of_a_page_shows_within_an_asking(desk: Desk) -> None:
    page, number = SenderId("messenger"), SenderId("whatsapp")
    await desk.set_profile({"get_started": {"payload": "get_started"}})
    first = await desk.findings()
    assert {what: first[page].able(what) for what in Capability} == {
        Capability.TEMPLATES: None,  # may be listed, none is approved yet
        Capability.PERSON_WINDOW: True,
        Capability.IN_CONTROL: True,
        Capability.NO_MACHINE_ELSEWHERE: None,
        Capability.WAY_IN: True,
    }
    assert first[page].details["username"] == "polderwindair"
    assert (first[number].able(Capability.TEMPLATES), first[number].able(Capability.PERSON_WINDOW)) == (True, False)
    await desk.put(f"pages/{PAGE}", {"utility": False, "human_agent": False, "assistant": True})
    await desk.set_profile({"ice_breakers": [{"question": "Is it late?", "payload": "late"}]})
    then = (await desk.findings())[page]
    for what in (Capability.TEMPLATES, Capability.PERSON_WINDOW, Capability.NO_MACHINE_ELSEWHERE, Capability.WAY_IN):
        assert then.able(what) is False, what
    await desk.put(f"pages/{PAGE}", {"utility": True, "human_agent": True, "assistant": False})
    again = (await desk.findings())[page]
    assert (again.able(Capability.TEMPLATES), again.able(Capability.PERSON_WINDOW)) == (None, True)


async def test_a_channel_that_is_gone_leaves_what_is_known(desk: Desk) -> None:
    before = await desk.findings()
    nowhere = replace(desk, settings=replace(desk.settings, graph_url=f"http://127.0.0.1:{free_port()}"))
    after = await nowhere.findings()
    for sender in desk.directory.ids:
        assert {what: after[sender].able(what) for what in Capability} == {
            what: before[sender].able(what) for what in Capability
        }
