"""A supervisor whispers to whoever has a conversation, and looks along without being shown: who sees it, and who never does."""

from __future__ import annotations

import re

from gateway.insight.desk_hooks import Desks
from gateway.insight.kinds import KINDS
from gateway.model.agent import BY_KEY, Agent
from gateway.model.ids import ConversationId
from gateway.store import keys
from gateway.store.facts import parse
from gateway.webcare import lines, session
from tests.integration.test_desk import Desk, Page, connect, desk, facts, signed_in
from tests.support.waiting import wait_until

__all__ = ["desk"]

WORDS = "offer her the later flight"


async def supervisor(desk: Desk) -> tuple[Agent, Page]:
    """Sue, signed in by both factors."""
    sue = await desk.agent("sue", "Sue Lake", ("supervisor@zz",))
    opened = await desk.deps.agents.sessions.open(sue, "here", second=True)
    client = desk.client()
    client.session.cookie_jar.update_cookies({session.COOKIE: opened.token.reveal()}, client.make_url("/"))
    async with client.get("/desk") as page:
        found = re.search(r'name="desk-token" content="([^"]+)"', await page.text())
    assert found
    return sue, Page(client, found[1])


async def shown(page: Page, conversation: ConversationId, query: str = "") -> str:
    async with page.client.get(f"/desk/{conversation}{query}") as response:
        return await response.text()


async def test_a_whisper_is_for_its_owner_and_supervisors_and_goes_nowhere_else(desk: Desk) -> None:
    store = desk.deps.conversations
    await desk.agent()
    tom = await desk.agent("tom", "Tom Vale")
    sue, steers = await supervisor(desk)
    conversation = await desk.says("which flight can I have?")
    ann, colleague = await signed_in(desk), await signed_in(desk, "tom")
    status, refused = await steers.post(f"/desk/{conversation}/whisper", {"epoch": 1, "note": WORDS}, "nobody")
    assert (status, refused["code"]) == (409, "moved"), "nobody has it: there is nobody to whisper to"
    await ann.post(f"/desk/{conversation}/take", {"epoch": 1}, "take")

    body = {"epoch": 2, "note": WORDS}
    status, refused = await colleague.post(f"/desk/{conversation}/whisper", body, "tom")
    assert (status, refused["problems"][0]["field"]) == (422, "rights")
    status, refused = await steers.post(f"/desk/{conversation}/whisper", {**body, "epoch": 1}, "late")
    assert (status, refused["code"]) == (409, "owner_changed"), "it was meant for who had it then"
    before = set(await desk.redis.keys("*"))
    for _ in range(2):  # pressed twice it is one
        assert (await steers.post(f"/desk/{conversation}/whisper", body, "sue"))[0] == 200
    assert (await shown(ann, conversation)).count(WORDS) == 1
    assert (await shown(steers, conversation)).count(WORDS) == 1
    assert WORDS not in await shown(colleague, conversation)

    one = await store.get(conversation)
    assert [(said.by, said.to, said.text.reveal()) for said in await store.whispers(one)] == [(sue.id, one.owner, WORDS)]
    thread = await store.thread(one)
    assert all(WORDS not in entry.text.reveal() for entry in thread), "search, history, export and answers are made of the thread"
    assert len(thread) == 1
    new = {bytes(name).decode().partition("}")[2].partition(":")[0] for name in set(await desk.redis.keys("*")) - before}
    assert new == {"wsp", "ik"}, "nothing is on its way to anybody"
    async with desk.client().get(f"/v1/conversations/{conversation}") as response:
        assert WORDS not in await response.text(), "a program with a key for everything"
    program = Agent(tom.id, tom.name, tom.display, ("agent@zz",), provider=BY_KEY)
    assert not [line for line in await lines.thread(desk.deps, one, None, program) if line.kind == "whisper"]
    told = [parse(0, "1-1", row[b"f"]) for _, row in await desk.redis.xrange(keys.beside(conversation, "facts"))]
    whispered = [fact for fact in told if fact.kind == "whispered"]
    assert len(whispered) == 1
    assert "whispered" in KINDS
    assert not Desks(lambda brand, queue: True, exist=True, everything=True).hear(whispered[0])

    await ann.post(f"/desk/{conversation}/release", {"epoch": 2, "note": "x"}, "back")
    await colleague.post(f"/desk/{conversation}/take", {"epoch": 3}, "take-tom")
    assert (await store.get(conversation)).owner == tom.id
    for page in (ann, colleague):
        assert WORDS not in await shown(page, conversation), "it was for who had it, while they had it"
    assert desk.contact is not None
    assert await desk.redis.exists(keys.of(conversation, "wsp"))
    await store.erase(desk.contact)
    assert not await desk.redis.exists(keys.of(conversation, "wsp"))


async def test_a_supervisor_looks_along_unseen_and_each_look_is_in_the_audit(desk: Desk) -> None:
    ann = await desk.agent()
    sue, steers = await supervisor(desk)
    await desk.agent("tom", "Tom Vale")
    conversation = await desk.says("hello")
    hers, colleague = await signed_in(desk), await signed_in(desk, "tom")
    await hers.post(f"/desk/{conversation}/take", {"epoch": 1}, "take")

    def watched(rows: list[str]) -> list[str]:
        return [row for row in rows if row.split("|")[2] == "watched"]

    assert 'data-unseen="yes"' in await shown(steers, conversation, "?unseen")
    found = watched(await facts(desk, conversation))
    assert len(found) == 1
    assert f"agent={sue.id}" in found[0]
    assert "brand=zz" in found[0], "whoever audits the brand finds it"
    await shown(steers, conversation, "?unseen")
    assert len(watched(await facts(desk, conversation))) == 2, "each time"

    async def readers() -> set[str]:
        now = desk.clock.now_ms()
        return set(desk.deps.live.lookers(conversation, now, 60_000, 60_000))

    quiet = await connect(steers, conversation, unseen="yes", tab="tab-of-the-supervisor-1")
    await quiet.until("caught-up")
    await quiet.socket.send_json({"t": "read"})
    await quiet.socket.send_json({"t": "typing", "box": "note"})
    # A colleague who says the same is shown all the same, and is sent to the page as it is for everybody.
    loud = await connect(colleague, conversation, unseen="yes", tab="tab-of-the-colleague-01")
    await loud.until("caught-up")
    await loud.socket.send_json({"t": "read"})

    async def tom_reads() -> bool:
        return len(await readers()) == 1

    await wait_until(tom_reads)
    assert sue.id not in await readers()
    assert ann.id not in await readers()
    assert 'data-unseen="yes"' not in await shown(colleague, conversation, "?unseen")
    assert 'data-unseen="yes"' not in await shown(hers, conversation, "?unseen"), "what is one's own is not looked at unseen"
    assert len(watched(await facts(desk, conversation))) == 2
    async with desk.client().get("/login") as response:
        assert "Supervisors may look along" in await response.text(), "whoever signs in is told"
