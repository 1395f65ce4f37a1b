"""A program that is the desk of a queue hears of each thing once, and what it heard last is how the conversation stands."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.insight.desk_hooks import desks_of
from gateway.insight.fold import make_webhooks
from gateway.insight.hooks import DEFAULT_TYPES, kinds_of
from gateway.model.conversation import InboundEntry
from gateway.model.ids import ConversationId
from gateway.model.personal import Personal, Secret
from gateway.settings import ToldOf
from gateway.store.apikeys import ApiKeys
from gateway.store.erasure import Erasure
from gateway.store.facts import Facts
from gateway.surface import _keyed, webcare_deps
from gateway.webcare import WebcareDeps, add_api_routes
from tests.support.core import SENDER, House, facts_of, open_house
from tests.support.meta import inbound, inbound_text, webhook
from tests.support.waiting import wait_until

WRITER = "447700900101"
MINUTE = 60_000
PLAN = "brands: {zz: {queues: [{name: general, desk: external}, {name: ours}]}}"


@dataclass
class Outside:
    """The house, and a program with a key for its queue."""

    house: House
    deps: WebcareDeps
    client: TestClient[Any, Any]
    key: str
    calls: int = 0

    async def says(self, *values: dict[str, Any]) -> None:
        await self.house.runtime.webhooks.append("whatsapp", webhook(*values))
        await self.house.take_webhooks()

    async def told(self, *types: str) -> list[dict[str, Any]]:
        """Every webhook there would be, oldest first; of these types alone where any is named."""
        redis, plan = self.house.redis, self.house.runtime.desk_plan
        desks = desks_of(plan, ToldOf.EXTERNAL)
        made = await make_webhooks(await facts_of(redis), kinds_of(DEFAULT_TYPES), Facts(redis), desks)
        assert len({one.id for one in made}) == len(made)
        found = [json.loads(one.body) for one in made]
        return [one for one in found if not types or one["type"] in types]

    async def ask(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        self.calls += 1
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"k{self.calls}"}
        async with self.client.request(method, f"/v1/conversations{path}", json=body or None, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def one(self) -> ConversationId:
        (found,) = await self.deps.conversations.desk.unresolved()
        return ConversationId(found)

    async def does(self, what: str, **more: Any) -> dict[str, Any]:
        identifier = await self.one()
        epoch = (await self.deps.conversations.get(identifier)).epoch
        status, answer = await self.ask("POST", f"/{identifier}/{what}", epoch=epoch, **more)
        assert status == 200, answer
        return dict(answer)

    async def as_told(self, identifier: ConversationId) -> None:
        """What was told last is how it stands."""
        last = [one for one in await self.told() if one["data"].get("state")][-1]["data"]
        one = await self.deps.conversations.get(identifier)
        stands = (f"{one.brand}/{one.queue}", one.state.value, one.epoch, one.owner)
        assert (last["queue"], last["state"], last["epoch"], last["agent"]) == stands


@pytest.fixture
async def outside(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Outside]:
    plan = data_dir / "webcare.yaml"
    plan.parent.mkdir(parents=True, exist_ok=True)
    plan.write_text(PLAN)
    async with open_house(redis_url, data_dir, GATEWAY_WEBCARE=str(plan)) as house:
        deps = webcare_deps(house.runtime)
        keys = ApiKeys(house.redis, house.clock, Secret("the-first-key-of-this-test"))
        key = (await keys.make("helpdesk", ["desk"], rights=["agent@zz/general"])).reveal()
        app = web.Application(middlewares=[_keyed(keys)])
        add_api_routes(app, deps)
        async with TestClient(TestServer(app)) as client:
            yield Outside(house, deps, client, key)


def picture(house: House, number: int) -> dict[str, Any]:
    content = {"type": "image", "image": {"id": f"p{number}", "mime_type": "image/jpeg"}}
    return inbound(house, WRITER, content, wamid=f"wamid.P{number}")


async def test_an_album_told_twice_and_shuffled_is_told_on_once_each(outside: Outside) -> None:
    house = outside.house
    said = [picture(house, number) for number in range(5)]
    said.append(inbound_text(house, WRITER, "my bag is torn", wamid="wamid.T1"))
    twice = [*said, *said]
    random.Random(7).shuffle(twice)
    for begin in range(0, len(twice), 3):
        await outside.says(*twice[begin : begin + 3])

    found = await outside.told("conversation.opened", "conversation.queued", "message.received")
    assert Counter(one["type"] for one in found) == {"conversation.opened": 1, "message.received": 6}
    received = [one["data"] for one in found if one["type"] == "message.received"]
    assert Counter(one["kind"] for one in received) == {"image": 5, "text": 1}
    assert len({one["message_id"] for one in received}) == 6
    numbers = [one["data"]["sequence"] for one in found]
    assert numbers == sorted(set(numbers))
    assert {(one["queue"], one["desk"], one["agent"]) for one in received} == {("zz/general", "external", None)}
    everything = json.dumps(await outside.told())
    assert not [word for word in ("torn", "Ghost", WRITER, "wamid") if word in everything]

    at = f"/{received[0]['conversation_id']}"
    for one in received:  # each leads to its words, or its file
        status, line = await outside.ask("GET", f"{at}/messages/{one['message_id']}")
        assert (status, line["id"], line["kind"]) == (200, one["message_id"], "in")
        assert [file["id"] for file in line["media"]] == ([one["media_id"]] if one["media_id"] else [])
        assert (line["text"] == "my bag is torn") == (one["kind"] == "text")
    assert (await outside.ask("GET", f"{at}/messages/1-1"))[0] == 404
    assert (await outside.ask("GET", f"/v07p0s3tfv9749tc/messages/{received[0]['message_id']}"))[0] == 404


async def test_what_was_told_last_is_how_it_stands_after_every_step(outside: Outside) -> None:
    house, store = outside.house, outside.deps.conversations
    await outside.says(inbound_text(house, WRITER, "where is my bag?", wamid="wamid.A"))
    one = await outside.one()
    await outside.as_told(one)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("take", {}), ("reply", {"text": "We look."}), ("note", {"text": "asked the handler"}),
        ("complaint", {"on": True}), ("park", {"until": house.clock.now_ms() + 5 * MINUTE}), ("resume", {}),
        ("finish", {"reason": "seat", "inbound": 1}),
    ]  # fmt: skip
    for what, more in steps:
        await outside.does(what, **more)
        await outside.as_told(one)
    await outside.says(inbound_text(house, WRITER, "and now?", wamid="wamid.B"))
    await outside.as_told(one)
    await outside.does("take")
    await outside.does("release", note="not for us")
    await outside.as_told(one)
    await outside.does("take")
    await outside.does("transfer", queue="ours", note="yours")
    await outside.as_told(one)
    assert (await outside.ask("GET", f"/{one}"))[0] == 404
    count = len(await outside.told())
    await outside.says(inbound_text(house, WRITER, "hello?", wamid="wamid.C"))
    found = await outside.told()
    assert len(found) == count, "it is not theirs any more"
    kinds = [told["type"].removeprefix("conversation.") for told in found]
    assert kinds == [
        "opened", "message.received", "assigned", "message.added", "message.added", "changed", "changed", "changed", "resolved",
        "reopened", "message.received", "assigned", "transferred", "assigned", "transferred",
    ]  # fmt: skip
    assert (found[-1]["data"]["from_queue"], found[-1]["data"]["desk"]) == ("zz/general", "own")
    assert found[8]["data"]["reason"] == "seat"
    numbers = [told["data"]["sequence"] for told in found]
    assert numbers == sorted(set(numbers))
    assert (await store.get(one)).queue == "ours"


async def test_somebody_who_is_silent_and_writes_again_is_put_back_into_their_queue(outside: Outside) -> None:
    house, store = outside.house, outside.deps.conversations
    await outside.says(inbound_text(house, WRITER, "where is my bag?", wamid="wamid.A"))
    one = await outside.one()
    await outside.does("take")
    await outside.does("reply", text="On its way.")
    house.pass_ms(11 * MINUTE)
    await store.repair()
    await outside.as_told(one)
    assert (await store.get(one)).state.value == "waiting"
    assert outside.deps.router is not None
    routing = asyncio.create_task(outside.deps.router.run())
    try:
        await outside.says(inbound_text(house, WRITER, "it did not come", wamid="wamid.B"))

        async def queued() -> bool:
            return (await store.get(one)).state.value == "queued"

        await wait_until(queued)
    finally:
        routing.cancel()
        await asyncio.gather(routing, return_exceptions=True)
    found = await store.get(one)
    assert (found.owner, found.queue) == (None, "general")
    await outside.as_told(one)
    last = (await outside.told())[-2:]
    assert [told["type"] for told in last] == ["message.received", "conversation.queued"]
    assert last[1]["data"]["reason"] == "requeued"
    status, refused = await outside.ask("POST", f"/{one}/reply", epoch=2, text="sorry")
    assert (status, refused["code"]) == (409, "owner_changed")
    await outside.does("take")
    await outside.does("reply", text="We look again.")


async def test_who_is_erased_is_told_once_and_nothing_of_them_can_be_read(outside: Outside) -> None:
    house, runtime = outside.house, outside.house.runtime
    await outside.says(inbound_text(house, WRITER, "where is my bag?", wamid="wamid.A"))
    one = await outside.one()
    (received,) = await outside.told("message.received")
    contact = (await house.contact_of(101)).id
    erasure = Erasure(
        house.redis, house.clock, runtime.vault, runtime.contacts, runtime.conversations, runtime.directory.ids, {}
    )
    await asyncio.gather(erasure.erase(contact), erasure.erase(contact))
    await erasure.sweep()
    assert [told["data"]["contact_id"] for told in await outside.told("contact.erased")] == [contact]
    assert (await outside.ask("GET", f"/{one}/messages/{received['data']['message_id']}"))[0] == 404
    assert (await outside.ask("GET", f"/{one}"))[0] == 404
    assert (await outside.told())[-1]["type"] == "contact.erased"


async def test_what_they_changed_or_deleted_is_told_and_leads_to_the_line_as_it_is_now(outside: Outside) -> None:
    house, runtime = outside.house, outside.house.runtime
    await outside.says(inbound_text(house, WRITER, "hello", wamid="wamid.A"))
    contact = await house.contact_of(101)
    address, now, sent = contact.profile.addresses[0].id, house.clock.now_ms(), Personal("wamid.B")

    async def adds(item: InboundEntry) -> dict[str, Any]:
        await runtime.conversations.add_inbound(contact.id, "zz", address, SENDER, item=item, needs_person=not item.detail)
        return dict((await outside.told("message.received"))[-1]["data"])

    async def line(data: dict[str, Any]) -> Any:
        return (await outside.ask("GET", f"/{data['conversation_id']}/messages/{data['message_id']}"))[1]

    said = await adds(InboundEntry("k1", "text", Personal("gate B4"), now, channel_message_id=sent))
    changed = await adds(InboundEntry("k1#1", "text", Personal("gate B7"), now, channel_message_id=sent, edit_of="k1", edits=1))
    assert (changed["kind"], (await line(changed))["id"], (await line(said))["text"]) == ("edit", said["message_id"], "gate B7")
    gone = await adds(InboundEntry("k2", "other", Personal(""), now, detail="revoke", answers=sent))
    assert (gone["kind"], (await line(gone))["id"], (await line(said))["text"]) == ("withdrawn", said["message_id"], "")
