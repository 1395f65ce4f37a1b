"""The scheduler while a channel does not answer: facts are folded all the same, and stopping does not wait for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from connectors.whatsapp.templates import RULES
from gateway.app import open_runtime
from gateway.connector import Sender
from gateway.insight.history import open_history
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin
from gateway.scheduler import role
from gateway.store import audit, scripts
from tests.support.core import settings_for
from tests.support.waiting import wait_until


class Silent:
    rules = RULES

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def list_templates(self, sender: Sender) -> list[RemoteTemplate]:
        self.asked.set()
        await asyncio.Event().wait()
        return []


@pytest.mark.long
async def test_a_channel_that_does_not_answer_keeps_no_fact_waiting_and_nobody_from_stopping(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    settings = settings_for(redis_url, data_dir, "http://127.0.0.1:9")
    async with open_runtime(settings) as runtime:
        await scripts.load_all(runtime.connection.redis)
        door = Silent()
        admins: dict[str, TemplateAdmin] = dict.fromkeys(runtime.template_admins, door)  # type: ignore[arg-type]  # lists alone
        object.__setattr__(runtime, "template_admins", admins)
        running = asyncio.create_task(role.run(runtime))
        history = await open_history(settings.history_url)

        async def folded() -> bool:
            return bool(await history.of_kinds(["opened"], since_ms=0, until_ms=1 << 60))

        await asyncio.wait_for(door.asked.wait(), 10)
        await audit.write_fact(redis, runtime.clock, "opened", ids=[], detail={})
        await wait_until(folded)
        assert [one async for one in redis.scan_iter("*job:*")], "it holds leases while it works"
        runtime.stopping.set()
        await asyncio.wait_for(running, 10)
        assert [one async for one in redis.scan_iter("*job:*")] == [], "who starts next begins at once"
        await history.close()
