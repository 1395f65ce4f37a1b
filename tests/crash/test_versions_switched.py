"""Two processes, a version approved in its last language, and the one that heard of it killed: the other switches, once."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.connector import Sender
from gateway.directory import read as senders_of
from gateway.model.ids import SenderId
from gateway.notifications.catalogue import load
from gateway.notifications.push import push
from gateway.notifications.remote import TemplateAdmin
from gateway.registry import open_channels
from gateway.settings import Settings, read
from gateway.store import keys
from tests.crash.plant import Plant, plant_running
from tests.support.core import ROOT
from tests.support.server import StoreServer, free_port
from tests.support.versions import write_versions
from tests.support.waiting import wait_until

SENDER = SenderId("zz-wa")
PEOPLE = itertools.count(447700900200)
WITHIN_S = 10.0
SEEN: set[str] = set()


@pytest.fixture
async def first(data_dir: Path) -> AsyncIterator[Plant]:
    """Version 1 is approved and told; version 2 lies beside it in the folder. Only this process gets webhooks."""
    written(data_dir / "before", "nl", "en", version=1)
    written(data_dir / "templates", "nl", "en", "nl.v1", "en.v1", version=2)
    server = StoreServer()
    try:
        more = {"GATEWAY_TEMPLATES_DIR": str(data_dir / "templates")}
        async with plant_running(data_dir, store=server.url, more=more) as made:
            before = replace(made, more={"GATEWAY_TEMPLATES_DIR": str(data_dir / "before")})
            await pushed(before)
            await wait_until(lambda: made.has("version", v="1"), timeout=20)
            yield made
    finally:
        server.close()


def written(folder: Path, *files: str, version: int) -> None:
    more = "priority: urgent\nnight: wake\n"
    write_versions(folder, *files, version=version, event="order.status", change="confirmed", more=more)
    shutil.copytree(ROOT / "templates" / "wordings", folder / "wordings")


@asynccontextmanager
async def account(plant: Plant) -> AsyncIterator[tuple[TemplateAdmin, Sender, Settings]]:
    """The door to the templates at the channel."""
    settings = read({name: value for name, value in plant.environment().items() if name.startswith("GATEWAY_")}, None)
    channels = open_channels(settings, plant.http)
    (sender,) = senders_of(settings)
    try:
        yield channels.template_admins[sender.channel], sender, settings
    finally:
        for connector in channels.connectors.values():
            await connector.close()


async def pushed(plant: Plant) -> None:
    async with account(plant) as (admin, sender, settings):
        done = await push(load(settings.templates_dir), admin, sender)
    assert not [one for one in done if one.error], done


async def decide(plant: Plant, template: str, *languages: str, decision: str) -> None:
    async with account(plant) as (admin, sender, _):
        ids = {(one.name, one.language): one.id for one in await admin.list_templates(sender)}
    for language in languages:
        await plant.sandbox("POST", f"templates/{ids[template, language]}/decide", {"decision": decision})


async def told(plant: Plant) -> str:
    """What somebody new is told an order by: a template, or the reason why by none."""
    person = str(next(PEOPLE))
    assert await plant.order(f"ORD-{person[-3:]}", person) == 202

    async def known() -> str:
        for fact in reversed(await plant.facts()):
            if fact.kind in ("accepted", "suppressed") and fact.id_of("m") not in SEEN:
                SEEN.add(fact.id_of("m"))
                return fact.detail.get("as") or fact.detail.get("reason", "")
        return ""

    found: list[str] = []

    async def there() -> bool:
        found[:] = [await known()]
        return bool(found[0])

    await wait_until(there, timeout=20)
    return found[0]


async def seconds_until(plant: Plant, wanted: str) -> float:
    """How long people are still told otherwise, each a new person."""
    began = time.monotonic()
    while await told(plant) != wanted:
        assert time.monotonic() - began < 30
    return time.monotonic() - began


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_the_one_that_heard_the_last_approval_is_killed_and_the_other_switches_once(
    first: Plant, record_property: Any
) -> None:
    second = replace(first, name="second", process=None, public=free_port(), internal=free_port())
    await second.start()
    client = first.client()
    try:
        assert await told(second) == "late_v1"
        await first.sandbox("PUT", "account", {"review": "hold"})
        await pushed(first)
        await decide(first, "late_v2", "nl", decision="APPROVED")
        await wait_until(lambda: heard(client, "nl"), timeout=10)
        assert await told(second) == "late_v1"

        await decide(first, "late_v2", "en", decision="APPROVED")
        await wait_until(lambda: heard(client, "en"), timeout=10)
        await first.kill(store=False)
        began = time.monotonic()
        await wait_until(lambda: second.has("version", v="2", before="1"), timeout=10)
        took = {"switched": time.monotonic() - began, "used": await seconds_until(second, "late_v2")}

        # It comes back, hears that all of it is paused, and the other has only the store to learn that from.
        await first.start()
        for template in ("late_v2", "late_v1"):
            await decide(first, template, "nl", "en", decision="PAUSED")
        took["stopped"] = await seconds_until(second, "template_paused")
        assert max(took.values()) < WITHIN_S, took
        assert await told(second) == "template_paused"
        await decide(first, "late_v2", "nl", "en", decision="APPROVED")
        took["used again"] = await seconds_until(second, "late_v2")
        record_property("seconds", took)
        switches = [(fact.detail["v"], fact.detail["before"]) for fact in await second.facts() if fact.kind == "version"]
        assert switches == [("1", "0"), ("2", "1")]
        for process in (first, second):
            assert "Traceback" not in process.log.read_text(), process.name
    finally:
        await client.aclose()
        await second.end()


async def heard(client: Redis, language: str) -> bool:
    raw: Any = await client.hget(keys.templates(SENDER), f"late_v2:{language}")
    return raw is not None and json.loads(raw).get("state") == "APPROVED"
