"""Over real HTTP: every template is created, reviewed and approved by the sandbox, and stands there as we wrote it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
import pytest
from aiohttp.test_utils import TestServer, unused_port

from connectors.whatsapp.templates import GraphCall, WhatsAppTemplates
from gateway.connector import Sender
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.notifications.push import Action, plan, push, sendable_version, status
from gateway.notifications.remote import TemplateRefused
from sandbox.account import WABA_ID
from sandbox.app import make_app
from sandbox.config import SandboxConfig
from tests.support.notifications import catalogue

CONFIG = SandboxConfig(port=0, data_dir=":memory:", seed=11, review_ms=5)
SENDER = Sender(SenderId("main"), "whatsapp", "zz", {"waba_id": WABA_ID}, "portfolio", Secret(CONFIG.token))


@dataclass(frozen=True)
class Desk:
    """The door to the sandbox's templates; `as_app` may speak for an app that was not set."""

    session: aiohttp.ClientSession
    base_url: str

    async def hours_later(self, hours: int) -> None:
        offset_ms = hours * 3_600_001
        async with self.session.put(self.base_url.replace("/v25.0", "/sandbox/clock"), json={"offset_ms": offset_ms}) as answer:
            assert answer.status == 200

    def admin(self, app_id: str | None = CONFIG.app_id) -> WhatsAppTemplates:
        return WhatsAppTemplates(lambda sender: GraphCall(self.session, self.base_url, sender), app_id=app_id)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    server = TestServer(make_app(CONFIG))
    await server.start_server()
    async with aiohttp.ClientSession() as session:
        yield Desk(session, str(server.make_url("/v25.0")))
    await server.close()


async def test_the_sandbox_takes_and_approves_every_template(desk: Desk) -> None:
    # Meta takes a hundred new templates an hour: the brand's own language is told first, then English, the others an hour later.
    done = await push(catalogue(), desk.admin(), SENDER)
    waiting = {one.step.language for one in done if one.later}
    assert {"de", "fr"} <= waiting
    assert "nl" not in waiting
    for hours in (1, 2, 3):
        await desk.hours_later(hours)
        done = await push(catalogue(), desk.admin(), SENDER)
        if not any(one.later for one in done):
            break
    assert [one.error for one in done if one.error] == []
    steps = await status(catalogue(), desk.admin(), SENDER, wait_s=20, every_s=0.05)
    assert {one.action for one in steps} == {Action.UNCHANGED}
    remote = await desk.admin().list_templates(SENDER)
    assert all(sendable_version(one, remote) == one.version for one in catalogue() if one.template)
    assert {one.action for one in plan(catalogue(), remote, desk.admin(), "zz")} == {Action.UNCHANGED}


async def test_a_wrong_token_is_refused_without_showing_it(desk: Desk) -> None:
    stranger = replace(SENDER, token=Secret("not-the-token"))
    with pytest.raises(TemplateRefused) as caught:
        await desk.admin().list_templates(stranger)
    assert caught.value.code == 190
    assert "not-the-token" not in str(caught.value)


async def test_no_answer_is_said_without_the_token() -> None:
    async with aiohttp.ClientSession() as session:
        nowhere = Desk(session, f"http://127.0.0.1:{unused_port()}/v25.0")
        with pytest.raises(TemplateRefused, match="no answer") as caught:
            await nowhere.admin().list_templates(SENDER)
    assert caught.value.wait
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
