"""The story that docs/events.md tells: its events are sent to the door, and its messages are what people would read."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.intake import api as door
from gateway.intake import asof
from gateway.intake.expand import Expander
from gateway.intake.stores import Stores
from gateway.planning.worlds import Worlds
from gateway.store import keys
from gateway.store.documents import Documents
from gateway.store.fanout import FanOuts
from gateway.store.passes import Passes
from gateway.store.senders import Senders
from gateway.store.subjects import Subjects
from gateway.store.untold import Untold
from tests.integration.api_stage import FIRST, SENDER, Client, Stage, ask, send
from tests.support.notifications import catalogue
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
_FENCE = re.compile(r"^```(json event|text phone)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_WEEKDAY = re.compile(r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day")
LAST = datetime(2026, 11, 22, 12, 4, tzinfo=UTC)


def story() -> list[tuple[dict[str, Any], str]]:
    """(event, message) as they stand on the page, in order."""
    found = _FENCE.findall(PAGE.read_text(encoding="utf-8"))
    assert [kind for kind, _ in found] == ["json event", "text phone"] * (len(found) // 2)
    return [(json.loads(found[place][1]), found[place + 1][1].strip()) for place in range(0, len(found), 2)]


def moved(events: list[dict[str, Any]]) -> list[Any]:
    """The same events on the next 22 November: the store's own clock must not have forgotten them already."""
    today = datetime.now(UTC).date()
    year = today.year if today <= date(today.year, 11, 22) else today.year + 1
    by = date(year, 11, 22) - LAST.date()
    return asof.shift(events, LAST + timedelta(days=by.days), anchor=LAST, keep_ids=True)


async def expander(stage: Stage) -> Expander:
    senders = Senders(stage.redis, stage.clock)
    for one in catalogue():
        for language in one.languages:
            for ref in one.candidates((language,), brand="zz", brand_language="en"):
                await senders.set_template(
                    SENDER, ref.name, ref.language, state="APPROVED", category="UTILITY", at=stage.clock.now_ms()
                )
    worlds = Worlds(catalogue(), stage.directory, stage.connectors, senders, stage.settings, stage.clock, stage.vault)
    subjects = Subjects(stage.redis, stage.clock, stage.vault)
    stores = Stores(
        stage.events, subjects, stage.contacts, stage.outbox, FanOuts(stage.redis), Documents(stage.redis, stage.vault),
        stage.vault, Untold(stage.redis, stage.clock, stage.vault), Passes(stage.redis, stage.clock, stage.vault),
    )  # fmt: skip
    orders = stage.orders()
    return Expander(stores, orders, worlds, stage.clock, stage.wake, "NL")


async def read_by(client: Client, customer: str, event: str) -> list[str]:
    _, found = await ask(client, "POST", "/v1/contacts/search", {"customer": customer})
    _, listed = await ask(client, "GET", f"/v1/messages?contact={found['contacts'][0]['id']}")
    texts = []
    for one in listed["messages"]:
        if one["event"] == event:
            assert (one["state"], one["reason"]) == ("queued", None)
            texts.append((await ask(client, "GET", f"/v1/messages/{one['id']}?reveal=true"))[1]["text"])
    return texts


async def test_the_page_tells_what_the_gateway_does(redis: Redis) -> None:
    told = story()
    stage = Stage(redis, GATEWAY_ONLY_TO="*")
    events = moved([event for event, _ in told])
    working = await expander(stage)
    async with stage.serve() as client:
        for event, (_, message) in zip(events, told, strict=True):
            stage.clock.offset_ms = (
                round(datetime.fromisoformat(event["time"]).timestamp() * 1000) - time.time_ns() // 10**6
            )
            status, answer = await send(client, event)
            assert status == 202, answer
            await working.look(keys.all_partitions())
            (text,) = await read_by(client, "C-20817", answer["event"])
            assert _WEEKDAY.sub("Someday", text) == _WEEKDAY.sub("Someday", message)


# the examples that go with it


async def _run(client: Client, *command: str, **more: str) -> tuple[int, str, str]:
    """A program of examples/ against this gateway: (exit code, what it printed, what it complained of)."""
    environ = {**os.environ, "GATEWAY_URL": str(client.make_url("")).rstrip("/"), "GATEWAY_API_KEY": FIRST, **more}
    process = await asyncio.create_subprocess_exec(
        *command, env=environ, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(50):
        out, complaint = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), complaint.decode()


async def test_the_example_with_curl_sends_a_booking_and_a_delay(redis: Redis) -> None:
    found_curl = subprocess.run([ROOT / "scripts" / "curl"], capture_output=True, text=True, timeout=300, check=False)
    assert found_curl.returncode == 0, found_curl.stderr
    stage = Stage(redis)
    stage.clock.offset_ms = 0
    async with stage.serve() as client:
        code, out, complaint = await _run(client, "sh", "examples/events.sh", PHONE="+447700900123")
        assert code == 0, complaint
        order, delay, found = (json.loads(line) for line in out.splitlines())
        assert (order["answer"], delay["answer"], found) == ("new", "new", {"contacts": []})
        code, _, complaint = await _run(
            client, "sh", "examples/events.sh", PHONE="+447700900123", GATEWAY_API_KEY="wrong"
        )
        assert code != 0
        assert "wrong" not in complaint


async def test_the_example_in_python_sends_again_until_it_is_kept(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "BUSY_RETRY_S", 1)
    stage = Stage(redis)
    stage.depth = stage.settings.backlog_max + 1
    async with stage.serve() as client:
        sending = asyncio.create_task(
            _run(client, sys.executable, "examples/send_event.py", "tests/samples/events/ce-batch.json")
        )
        await wait_until(lambda: stage.counted.get("busy"))
        stage.depth = 0
        code, out, complaint = await sending
        assert code == 0, complaint
        assert len(out.split()) == 3
        assert stage.counted == {"busy": 1, "new": 3}
