"""Another program's desk behind a key of its own: what it may read and answer, as whom, and that no limit of a person holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.api.keys import add_routes
from gateway.clock import Clock
from gateway.errors import BadInput
from gateway.model.contact import Identifier
from gateway.model.conversation import InboundEntry
from gateway.model.ids import ConversationId, SenderId
from gateway.model.personal import Personal, Secret
from gateway.store.agents import Agents
from gateway.store.apikeys import ApiKeys, Scope
from gateway.store.contacts import Contacts
from gateway.store.conversation_commands import Terms
from gateway.store.conversations import Conversations
from gateway.store.outbox import Outbox
from gateway.store.vault import KeyRing, Vault
from gateway.surface import _keyed
from gateway.webcare import WebcareDeps, add_api_routes
from gateway.webcare.outside import BURST, PER_SECOND, Pace

SENDER = SenderId("s1")
FIRST = "the-first-key-of-this-test"


@dataclass
class House:
    deps: WebcareDeps
    keys: ApiKeys
    client: TestClient[Any, Any]
    said: int = 0

    async def says(self, text: str, brand: str = "zz") -> ConversationId:
        """A new person writes."""
        self.said += 1
        now = self.deps.clock.now_ms()
        identifier = Identifier("phone", "", Personal(f"+4477009001{self.said:02d}"))
        contact, address = await self.deps.contacts.reserve("whatsapp", identifier)
        await self.deps.contacts.open_window(contact, SENDER, address, now)
        item = InboundEntry(f"k{self.said}", "text", Personal(text), now)
        return await self.deps.conversations.add_inbound(contact, brand, address, SENDER, item=item)

    async def ask(self, key: str, method: str, path: str, body: dict[str, Any] | None = None, once: str = "k") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": once}
        async with self.client.request(method, f"/v1/conversations{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def house(redis: Redis) -> AsyncIterator[House]:
    clock = Clock()
    vault = Vault(KeyRing(KeyRing.generate()), redis)
    conversations = Conversations(redis, clock, vault, terms=Terms(push=lambda: True))
    deps = WebcareDeps(
        conversations, Agents(redis, clock, vault), Contacts(redis, clock, vault), Outbox(redis, clock, {}), clock, {}, {}
    )
    keys = ApiKeys(redis, clock, Secret(FIRST))
    app = web.Application(middlewares=[_keyed(keys)])
    add_api_routes(app, deps)
    add_routes(app, keys)
    async with TestClient(TestServer(app)) as client:
        yield House(deps, keys, client)


async def test_a_program_answers_what_its_key_names_for_its_whole_team_and_the_rest_does_not_exist(house: House) -> None:
    key = (await house.keys.make("outside", ["desk"], rights=["agent@zz/general"])).reveal()
    mine = [await house.says(f"question {number}") for number in range(3)]
    other = await house.says("of another brand", "exr")
    _, listed = await house.ask(key, "GET", "?state=unresolved")
    assert {one["id"] for one in listed["conversations"]} == set(mine)
    status, _ = await house.ask(FIRST, "GET", f"/{other}")
    assert status == 200
    for method, path in (
        ("GET", ""), ("GET", "/decisions"), ("GET", "/templates"), ("GET", "/files/f1"), ("GET", "/messages/1-1"),
        ("POST", "/take"),
    ):  # fmt: skip
        assert (await house.ask(key, method, f"/{other}{path}", {"epoch": 1}))[0] == 404, path

    for one in mine:  # three live at once, where a person has two
        status, taken = await house.ask(key, "POST", f"/{one}/take", {"epoch": 1}, "t")
        assert (status, taken["state"]) == (200, "active")
    technical = taken["agent"]
    assert [one["id"] for one in (await house.ask(key, "GET", "?agent=me"))[1]["conversations"]] == mine
    said = {"epoch": 2, "text": "hello", "as": "Kim de Boer"}
    status, first = await house.ask(key, "POST", f"/{mine[0]}/reply", said, "r")
    assert (status, first["message"][0]) == (200, "m")
    assert (await house.ask(key, "POST", f"/{mine[0]}/reply", said, "r"))[1]["message"] == first["message"]
    _, one = await house.ask(key, "GET", f"/{mine[0]}")
    assert [(line["text"], line["who"]) for line in one["thread"]][1:] == [("hello", "outside")]
    until = house.deps.clock.now_ms() + 60_000
    assert (await house.ask(key, "POST", f"/{mine[2]}/park", {"epoch": 2, "until": until}, "p"))[0] == 200
    assert (await house.ask(key, "POST", f"/{mine[2]}/resume", {"epoch": 2}, "b"))[1]["state"] == "active"
    assert (await house.ask(key, "POST", f"/{mine[0]}/finish", {"epoch": 2, "reason": "seat"}, "f"))[1]["state"] == "resolved"
    back = {"epoch": 2, "queue": "general", "note": "yours, please"}
    status, handed = await house.ask(key, "POST", f"/{mine[1]}/transfer", back, "x")
    assert (status, handed["state"], handed["agent"]) == (200, "queued", None)
    status, refused = await house.ask(key, "POST", f"/{mine[1]}/reply", {"epoch": 2, "text": "too late"}, "z")
    assert (status, refused["code"]) == (409, "owner_changed")

    assert (await house.deps.agents.get(technical)).rights == ()  # nobody can hand it anything by name


async def test_a_key_acts_as_itself_alone_and_reads_only_where_it_says_so(house: House) -> None:
    agent = await house.deps.agents.add_agent("ann", "Ann Berg", Secret("a long sentence of words"), ("agent",))
    conversation = await house.says("hello")
    key = (await house.keys.make("outside", ["desk"], rights=["agent@zz"])).reveal()
    reader = (await house.keys.make("reader", ["desk"], rights=["read@zz"])).reveal()
    blind = (await house.keys.make("blind", ["messages:read"])).reveal()
    status, refused = await house.ask(key, "POST", f"/{conversation}/take", {"epoch": 1, "agent": agent.id})
    assert (status, refused["problems"][0]["field"]) == (422, "agent")
    for spoken in ("", " ", 7, "x" * 81, "a\u0000b"):
        status, refused = await house.ask(key, "POST", f"/{conversation}/take", {"epoch": 1, "as": spoken})
        assert (status, refused["problems"][0]["field"]) == (422, "as")
    assert (await house.ask(reader, "GET", f"/{conversation}"))[0] == 200
    assert (await house.ask(reader, "POST", f"/{conversation}/take", {"epoch": 1}))[0] == 422
    assert (await house.ask(blind, "GET", f"/{conversation}"))[0] == 403
    assert (await house.ask(key, "POST", f"/{conversation}/take_over", {"epoch": 1, "note": "mine"}))[0] == 422
    async with house.client.get("/v1/keys", headers={"Authorization": f"Bearer {key}"}) as answer:
        assert answer.status == 403
    await house.keys.end("outside")
    assert (await house.ask(key, "GET", f"/{conversation}"))[0] == 401


async def test_a_key_of_the_desk_says_its_queues_and_is_nothing_more_than_an_agent(house: House) -> None:
    for scopes, rights in (
        (["desk"], []), (["desk"], ["agent"]), (["desk"], ["supervisor@zz"]), (["desk"], ["nonsense@zz"]),
        (["events"], ["agent@zz"]), (["desk", "admin"], ["agent@zz"]),
    ):  # fmt: skip
        with pytest.raises(BadInput):
            await house.keys.make("outside", scopes, rights=rights)
    await house.keys.make("outside", ["desk"], rights=["agent@zz/theirs", "read@zz"])
    (kept,) = await house.keys.all()
    assert (kept.scopes, kept.rights) == (frozenset({Scope.DESK}), ("agent@zz/theirs", "read@zz"))


def test_a_key_that_calls_too_fast_waits_and_no_other_one_with_it() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert [pace.wait_s("one") for _ in range(int(BURST))] == [0] * int(BURST)
    assert pace.wait_s("one") == 1
    assert pace.wait_s("two") == 0
    now[0] += 1.0
    assert sum(pace.wait_s("one") == 0 for _ in range(100)) == int(PER_SECOND)
