"""Before a sender's templates were ever read: what a webhook says of one of them says nothing of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from connectors.whatsapp.templates import RULES
from gateway.app import open_runtime
from gateway.connector import Sender
from gateway.model.ids import SenderId
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin, TemplateRefused
from gateway.rules.question import TemplateState
from gateway.runtime import Runtime
from gateway.scheduler.jobs.sync_templates import sync_templates
from gateway.store import scripts
from tests.support.core import settings_for
from tests.support.waiting import wait_until

SENDER = SenderId("zz-wa")


class Refusing:
    """A channel's door that gives its list at the second time of asking."""

    rules = RULES

    def __init__(self) -> None:
        self.asked = 0

    async def list_templates(self, sender: Sender) -> list[RemoteTemplate]:
        self.asked += 1
        if self.asked == 1:
            raise TemplateRefused("not now", code=2)
        return [RemoteTemplate("1", "late_v1", "nl", "APPROVED", "utility")]


@pytest.fixture
async def runtime(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Runtime]:
    async with open_runtime(settings_for(redis_url, data_dir, "http://127.0.0.1:9")) as made:
        await scripts.load_all(made.connection.redis)
        yield made


class Silent:
    """A channel's door that does not answer for one sender until it is told to."""

    rules = RULES

    def __init__(self, silent: str) -> None:
        self.silent = silent
        self.open = asyncio.Event()

    async def list_templates(self, sender: Sender) -> list[RemoteTemplate]:
        if sender.id == self.silent:
            await self.open.wait()
        return [RemoteTemplate("1", "late_v1", "nl", "APPROVED", "utility")]


async def test_an_account_that_does_not_answer_keeps_no_other_waiting(runtime: Runtime) -> None:
    (sender,) = [one for one in runtime.directory if one.id == SENDER]
    first = replace(sender, id=SenderId("a-silent"))
    door = Silent(first.id)
    admins: dict[str, TemplateAdmin] = {sender.channel: door}  # type: ignore[dict-item]  # it is asked for its list alone
    reading = asyncio.create_task(sync_templates([first, sender], admins, runtime.senders, runtime.catalogue))  # type: ignore[arg-type]

    async def read() -> bool:
        return bool(await runtime.senders.synced_ms(SENDER))

    await wait_until(read)
    assert await runtime.senders.synced_ms(first.id) == 0
    door.open.set()
    assert await reading == 2


async def test_a_word_about_one_template_does_not_make_the_others_missing(runtime: Runtime) -> None:
    await runtime.senders.set_template(SENDER, "late_v1", "nl", at=1000, state="APPROVED")
    world = await runtime.worlds.now()
    assert not world.knows_templates(SENDER), "dispatch waits for the list"
    assert world.template_state(SENDER, "gate_changed_v1", "nl", "utility") is not TemplateState.MISSING


async def test_a_first_reading_that_failed_is_tried_again_and_then_left_to_the_hour(runtime: Runtime) -> None:
    door = Refusing()
    (sender,) = [one for one in runtime.directory if one.id == SENDER]
    admins: dict[str, TemplateAdmin] = {sender.channel: door}  # type: ignore[dict-item]  # it is asked for its list alone
    assert await sync_templates([sender], admins, runtime.senders, runtime.catalogue) == 0  # type: ignore[arg-type]
    assert await runtime.senders.synced_ms(SENDER) == 0
    assert await sync_templates([sender], admins, runtime.senders, runtime.catalogue, unread=True) == 1  # type: ignore[arg-type]
    assert await sync_templates([sender], admins, runtime.senders, runtime.catalogue, unread=True) == 0  # type: ignore[arg-type]
    assert door.asked == 2
