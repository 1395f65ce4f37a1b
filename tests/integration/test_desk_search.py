"""Search at the desk: lines of the queues that are one's own, all of a brand for who may read that, every search in the audit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.insight import costs
from gateway.insight.closing import keep_closed
from gateway.model.conversation import AUTOMATION, AgentId, InboundEntry
from gateway.model.ids import ConversationId, SenderId, message_id, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.store.conversation_records import Records
from gateway.store.conversations import Command
from gateway.store.facts import Fact
from gateway.store.sessions import IDLE_MS
from gateway.webcare import searching
from gateway.webcare.searching import card_past
from tests.support.door import Browser, Door, open_door


@pytest.fixture
async def door(redis: Redis, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(redis, history_url=f"sqlite:///{tmp_path / 'history.db'}") as opened:
        yield opened
        assert opened.deps.past
        await opened.deps.past.close()


async def closed(door: Door, text: str, queue: str = "general", brand: str = "zz") -> ConversationId:
    contact, conversations = new_contact_id(), door.deps.conversations
    item = InboundEntry(text, "text", Personal(text), door.clock.now_ms())
    one = await conversations.add_inbound(
        contact, brand, new_address_id(contact), SenderId("zz-wa"), item=item, queue=queue
    )
    taken = await conversations.take(Command(one, AgentId("g9"), (await conversations.get(one)).epoch, "take"))
    await conversations.finish(Command(one, AgentId("g9"), taken.epoch, "finish"))
    assert door.deps.past
    await keep_closed(Records(door.redis), await door.deps.past.closed(), door.clock)
    return one


async def at_desk(door: Door, *rights: str) -> Browser:
    await door.agent(*rights)
    browser = door.browser()
    await browser.sign_in()
    await browser.read_token()
    return browser


async def test_an_agent_finds_what_was_said_in_their_queues_and_a_senior_all_of_the_brand(door: Door) -> None:
    here = await closed(door, "lost my umbrella")
    there = await closed(door, "umbrella in the baggage", queue="baggage")
    await closed(door, "umbrella of another brand", brand="yy")
    agent = await at_desk(door, "agent@zz/general")
    status, answer = await agent.post("/desk/search", {"text": "UMBRELLA", "brand": "zz"})
    assert status == 200, answer
    assert [(hit["conversation"], hit["text"], hit["outside"]) for hit in answer["hits"]] == [(here, "lost my umbrella", False)]
    assert (await agent.get(f"/desk/past/{here}"))[0] == 200
    # What a page asks for by itself keeps no desk open that nobody sits at.
    door.clock.offset_ms += IDLE_MS - 60_000
    assert (await agent.get(f"/desk/{here}/past"))[0] == 200
    door.clock.offset_ms += 61_000
    assert (await agent.get(f"/desk/{here}/past"))[0] == 423
    door.clock.offset_ms -= IDLE_MS
    assert (await agent.get(f"/desk/past/{there}"))[0] == 404
    await door.agent("senior@zz/general", name="bob")
    senior = door.browser()
    await senior.sign_in("bob")
    await senior.read_token()
    _, answer = await senior.post("/desk/search", {"text": "umbrella", "brand": "zz"})
    assert {hit["conversation"]: hit["outside"] for hit in answer["hits"]} == {here: False, there: True}
    status, text, _ = await senior.get(f"/desk/past/{there}")
    assert status == 200
    assert "umbrella in the baggage" in text
    audit = await door.audit("searched", "read_outside")
    assert [(entry["kind"], entry.get("count")) for entry in audit] == [
        ("searched", "1"), ("searched", "2"), ("read_outside", None),
    ]  # fmt: skip
    assert audit[0]["terms"] == audit[1]["terms"] == door.deps.agents.terms_of("zz", "umbrella")
    assert "umbrella" not in str(audit)
    assert [entry["brand"] for entry in audit] == ["zz"] * 3


async def test_further_pages_repeat_and_miss_nothing_while_more_is_said_and_are_checked_anew(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "PAGE", 2)
    said = []
    for number in range(6):
        said.append(await closed(door, f"umbrella {number}", queue="baggage" if number == 1 else "general"))
        door.clock.offset_ms += 1_000
    agent = await at_desk(door, "agent@zz/general")
    asked: dict[str, object] = {"text": "umbrella", "brand": "zz"}
    found, after, pages = [], None, 0
    while pages == 0 or after:
        status, answer = await agent.post("/desk/search", {**asked, "after": after})
        assert status == 200, answer
        found += [hit["conversation"] for hit in answer["hits"]]
        after, pages = answer["after"], pages + 1
        if pages == 1:
            door.clock.offset_ms += 1_000
            newer = await closed(door, "umbrella, newer")
            gone = (await door.deps.conversations.get(said[0])).contact
            assert door.deps.past
            await (await door.deps.past.closed()).erase(gone)
    assert found == [said[5], said[4], said[3], said[2]], "neither erased, nor of another queue, nor newer than the first page"
    assert newer not in found
    audit = await door.audit("searched")
    assert [(entry["count"], entry.get("older", "")) for entry in audit] == [("2", ""), ("2", "yes"), ("0", "yes")]
    # Rights are those of now: who moved to another queue gets no more of this one by the word that an earlier page gave.
    _, answer = await agent.post("/desk/search", asked)
    (ann,) = await door.deps.agents.all()
    await door.deps.agents.set_rights(ann.id, ["agent@zz/sales"])
    _, answer = await agent.post("/desk/search", {**asked, "after": answer["after"]})
    assert answer == {"hits": [], "after": None, "stopped": False}


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({"brand": "zz"}, "text"),
    ({"text": " ", "brand": "zz"}, "text"),
    ({"text": "x" * 201, "brand": "zz"}, "text"),
    ({"text": "bag", "brand": "nobody"}, "brand"),
    ({"text": "bag", "brand": "zz", "after": [1, "x", "y"]}, "after"),
)


async def test_a_search_that_cannot_be_meant_is_refused_by_field(door: Door) -> None:
    agent = await at_desk(door)
    for body, field in WRONG:
        status, answer = await agent.post("/desk/search", body)
        assert (status, [one["field"] for one in answer["problems"]]) == (422, [field]), body
    assert await door.audit("searched") == []


async def test_the_card_shows_the_past_of_brands_that_its_agent_may_read(door: Door) -> None:
    one = await closed(door, "hello again")
    state = await door.deps.conversations.get(one)
    theirs = await card_past(door.deps, await door.agent("agent@zz"), state)
    others = await card_past(door.deps, await door.agent("agent@yy", name="eve"), state)
    assert theirs
    assert [item.id for item in theirs.timeline] == [one]
    assert others
    assert others.timeline == ()


async def test_what_a_message_costs_is_shown_where_it_is_known_and_only_in_its_own_thread(door: Door) -> None:
    assert door.deps.past
    contact, now = new_contact_id(), door.clock.now_ms()
    item = InboundEntry("asked", "text", Personal("hello"), now)
    one = await door.deps.conversations.add_inbound(contact, "zz", new_address_id(contact), SenderId("zz-wa"), item=item)
    ids = [message_id("e", name, "", contact, 0) for name in ("priced", "free", "unknown", "failed", "elsewhere")]
    for message in ids[:4]:
        await door.deps.conversations.add_out(one, message, Personal("x"), AUTOMATION)
    details = ({"ex": "24800"}, {"ex": "0"}, {"ex": ""}, {"ex": "24800"}, {"ex": "99"})
    told = [Fact(0, f"{at}-0", now, "accepted", (message,), {**detail, "cur": "EUR"})
            for at, (message, detail) in enumerate(zip(ids, details, strict=True))]  # fmt: skip
    told.append(Fact(0, "9-0", now, "failed", (ids[3],), {}))
    await (await door.deps.past.database()).call(lambda connection: costs.write(connection, told))
    agent = await at_desk(door, "agent@zz/general")
    status, text, _ = await agent.get(f"/desk/{one}/prices?lang=nl")
    assert (status, json.loads(text)) == (200, {"prices": {ids[0]: "EUR 0.0248", ids[1]: "gratis"}})
    assert (await agent.get(f"/desk/{one}"))[1].count(f'data-ours="{ids[0]}"') == 1
