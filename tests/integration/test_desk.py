"""The desk over HTTP: signing in, what may be asked by whom, commands, the live connection, and the API beside it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from redis.asyncio import Redis

from connectors.messenger.facts import FACTS as PAGE_FACTS
from connectors.whatsapp.facts import FACTS
from gateway.clock import Clock
from gateway.errors import BadInput, Conflict
from gateway.model.capability import Capability, Finding, Findings
from gateway.model.contact import Identifier, OrderLink, Traveller
from gateway.model.conversation import Agent, AgentId, InboundEntry, OutsideEntry
from gateway.model.ids import AddressId, ContactId, ConversationId, MessageId, SenderId, SubjectId, message_id, new_address_id
from gateway.model.message import Priority
from gateway.model.personal import Personal, Secret
from gateway.store import keys
from gateway.store.agents import Agents
from gateway.store.assistants import AssistantMemories, AssistantMemory
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.drafts import Drafts
from gateway.store.outbox import Outbox
from gateway.store.presence import PresenceBook
from gateway.store.sessions import TRIES_PER_NAME
from gateway.store.tries import Throttled
from gateway.store.vault import KeyRing, Vault
from gateway.wake import Ready
from gateway.webcare import WebcareDeps, add_api_routes, add_console_routes, lists, run, stream, tabs
from gateway.webcare.looks import Looks
from gateway.webcare.pages import Pages
from tests.support.waiting import wait_until

PASSWORD = "a long sentence to sign in with"
SENDER = SenderId("zz-wa")
PAGE_SENDER = SenderId("zz-me")
HOUR = 3_600_000
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
Client = TestClient[web.Request, web.Application]


@dataclass
class Desk:
    redis: Any
    deps: WebcareDeps
    clock: Clock
    server: TestServer
    woken: list[Ready]
    clients: list[Client] = field(default_factory=list)
    contact: ContactId | None = None
    address: AddressId | None = None
    said: int = 0
    able: dict[SenderId, bool] = field(default_factory=dict)
    """which senders were found to let a person answer beyond the service window"""

    async def findings(self, senders: Sequence[SenderId]) -> dict[SenderId, Findings]:
        found = {one: self.able.get(one) for one in senders}
        return {
            one: Findings({Capability.PERSON_WINDOW: Finding(able, 0)}) for one, able in found.items() if able is not None
        }

    def client(self) -> Client:
        """A browser of its own: its cookies are nobody else's."""
        client: Client = TestClient(self.server, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.clients.append(client)
        return client

    async def agent(self, name: str = "ann", display: str = "Ann Berg", rights: tuple[str, ...] = ("reply",)) -> Agent:
        return await self.deps.agents.add_agent(name, display, Secret(PASSWORD), rights)

    async def says(
        self, text: str, brand: str = "zz", sender: SenderId = SENDER, elsewhere: bool = False, **more: Any
    ) -> ConversationId:
        """more: of InboundEntry"""
        if self.contact is None or self.address is None:
            identifier = Identifier("phone", "", Personal("+447700900101"))
            self.contact, self.address = await self.deps.contacts.reserve("whatsapp", identifier)
        self.said += 1
        now = self.clock.now_ms()
        await self.deps.contacts.open_window(self.contact, sender, self.address, now)
        item = InboundEntry(
            f"k{self.said}", "text", Personal(text), now, channel_message_id=Personal("wamid.QUOTED"), **more
        )
        return await self.deps.conversations.add_inbound(
            self.contact, brand, self.address, sender, item=item, elsewhere=elsewhere
        )


class Page:
    """A signed-in browser."""

    def __init__(self, client: Client, token: str) -> None:
        self.client, self.token = client, token

    async def post(self, path: str, body: dict[str, Any] | None = None, key: str = "k", **headers: str) -> tuple[int, Any]:
        sent = {"X-Desk-Token": self.token, "Idempotency-Key": key, **headers}
        async with self.client.post(path, json=body or {}, headers=sent) as response:
            return response.status, await response.json(content_type=None)


@pytest.fixture
async def desk(redis: Redis) -> AsyncIterator[Desk]:
    clock = Clock()
    vault = Vault(KeyRing(KeyRing.generate()), redis)
    woken: list[Ready] = []
    deps = WebcareDeps(
        Conversations(redis, clock, vault), Agents(redis, clock, vault, hasher=QUICK), Contacts(redis, clock, vault),
        Outbox(redis, clock, {}), clock, {"zz": "Polderwind Air", "exr": "Laagland Rail"},
        {SENDER: FACTS, PAGE_SENDER: PAGE_FACTS}, enqueued=woken.append,
        presence=PresenceBook(redis, clock),
    )  # fmt: skip
    desk = Desk(redis, deps, clock, TestServer(web.Application()), woken)
    drafts, memories = Drafts(redis, clock, vault), AssistantMemories(redis, vault)
    deps = desk.deps = replace(deps, findings=desk.findings, drafts=drafts, memories=memories)
    app = web.Application()
    add_console_routes(app, deps)
    add_api_routes(app, deps)
    server = desk.server = TestServer(app)
    await server.start_server()
    role = asyncio.create_task(run(deps))
    yield desk
    for client in desk.clients:
        await client.session.close()
    role.cancel()
    await asyncio.gather(role, return_exceptions=True)
    await server.close()


async def form_token(client: Client) -> str:
    async with client.get("/login") as response:
        found = re.search(r'name="token" value="([^"]+)"', await response.text())
    assert found
    return found[1]


async def try_sign_in(client: Client, name: str, password: str, after: str = "/desk", **headers: str) -> aiohttp.ClientResponse:
    token = await form_token(client)
    form = {"name": name, "password": password, "token": token, "next": after}
    return await client.post("/login", data=form, allow_redirects=False, headers=headers)


async def signed_in(desk: Desk, name: str = "ann") -> Page:
    client = desk.client()
    response = await try_sign_in(client, name, PASSWORD)
    assert response.status == 303
    async with client.get("/desk") as page:
        found = re.search(r'name="desk-token" content="([^"]+)"', await page.text())
    assert found
    return Page(client, found[1])


async def facts(desk: Desk, identifier: str = "c00") -> list[str]:
    rows = await desk.redis.xrange(keys.beside(identifier, "facts"))
    return [bytes(row[b"f"]).decode() for _, row in rows]


# signing in


async def test_nobody_sees_the_desk_without_signing_in(desk: Desk) -> None:
    client = desk.client()
    async with client.get("/desk/v00abc", allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"] == "/login?next=/desk/v00abc"
    for path in ("/desk/live", "/desk/parts", "/desk/alive"):
        async with client.get(path) as response:
            assert response.status == 401


async def test_signing_in_gives_a_strict_cookie_and_leaves_a_fact_without_a_name(desk: Desk) -> None:
    agent = await desk.agent()
    response = await try_sign_in(desk.client(), " ANN ", PASSWORD)
    assert response.status == 303
    cookie = next(line for line in response.headers.getall("Set-Cookie") if line.startswith("desk="))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    place = desk.deps.agents.place_of("127.0.0.1")
    written = f"agent={agent.id} how=password place={place}"
    assert [fact.split("|")[2:] for fact in await facts(desk)] == [["signed_in", "", written]]
    token = cookie.split("=", 1)[1].split(";", 1)[0]
    for name in await desk.redis.keys():
        assert token.encode() not in name + await desk.redis.dump(name)
        assert b"Ann" not in await desk.redis.dump(name)


async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(desk: Desk) -> None:
    await desk.agent()
    answers = []
    for name, password in (("ann", "wrong"), ("nobody", "wrong")):
        response = await try_sign_in(desk.client(), name, password)
        text = re.sub(r'value="[^"]*"', "", await response.text())
        answers.append((response.status, text))
    assert answers[0] == answers[1]
    assert answers[0][0] == 403


async def test_too_many_tries_are_throttled_also_for_names_that_do_not_exist(desk: Desk) -> None:
    await desk.agent()
    for name in ("ann", "nobody"):
        for _ in range(TRIES_PER_NAME):
            assert await desk.deps.agents.sessions.sign_in(name, Secret("wrong"), "192.0.2.1") is None
        with pytest.raises(Throttled) as throttled:
            await desk.deps.agents.sessions.sign_in(name, Secret(PASSWORD), "192.0.2.1")
        assert 0 < throttled.value.wait_ms <= 15 * 60_000
    response = await try_sign_in(desk.client(), "ann", PASSWORD)
    assert response.status == 429


async def test_the_form_is_refused_without_its_token_and_from_another_site(desk: Desk) -> None:
    await desk.agent()
    client = desk.client()
    bare = await client.post("/login", data={"name": "ann", "password": PASSWORD}, allow_redirects=False)
    assert bare.status == 403
    foreign = await try_sign_in(client, "ann", PASSWORD, **{"Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403
    assert (await try_sign_in(client, "ann", PASSWORD, Origin="https://elsewhere.example")).status == 403


@pytest.mark.parametrize("after", ["https://elsewhere.example", "//elsewhere.example", "/desk/../x", "javascript:alert(1)"])
async def test_after_signing_in_one_lands_on_the_desk_and_nowhere_else(desk: Desk, after: str) -> None:
    await desk.agent()
    response = await try_sign_in(desk.client(), "ann", PASSWORD, after)
    assert response.headers["Location"] == "/desk"


async def test_a_session_ends_by_signing_out_by_time_and_with_its_agent(desk: Desk) -> None:
    agent = await desk.agent()
    page = await signed_in(desk)
    assert (await page.post("/logout"))[0] == 200
    assert (await page.post("/desk/seen"))[0] == 401
    page = await signed_in(desk)
    await desk.deps.agents.set_disabled(agent.id, True)
    assert (await page.post("/desk/seen"))[0] == 401
    await desk.deps.agents.set_disabled(agent.id, False)
    page = await signed_in(desk)
    desk.clock.offset_ms += 8 * 3_600_000 + 1
    assert (await page.post("/desk/seen"))[0] == 401


async def test_agents_have_good_passwords_and_names_of_their_own(desk: Desk) -> None:
    await desk.agent()
    with pytest.raises(Conflict):
        await desk.agent("Ann")
    for name, password, rights in (("tom", "short", ("reply",)), ("tom", "a" * 20, ("reply",)), ("tom", PASSWORD, ("fly",))):
        with pytest.raises(BadInput):
            await desk.deps.agents.add_agent(name, "Tom Vale", Secret(password), rights)
    with pytest.raises(BadInput):
        await desk.deps.agents.add_agent("thomas", "Tom", Secret("thomas thomas thomas"), ("reply",))


# the page and its commands


async def test_every_answer_has_a_strict_policy_and_no_script_stands_in_the_page(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("<script>alert(1)</script> & \"quotes\"")
    page = await signed_in(desk)
    for path in ("/login", "/desk", f"/desk/{conversation}", "/desk/static/desk.js"):
        async with page.client.get(path) as response:
            assert "script-src 'self'" in response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            text = await response.text()
            if not path.endswith(".js"):
                assert "alert(1)</script>" not in text
                assert not re.search(r"<script(?![^>]*src=)|style=|onclick=", text)
    assert "&lt;script&gt;" in await (await page.client.get(f"/desk/{conversation}")).text()
    assert (await page.client.get("/desk/static/..%2f..%2fpyproject.toml")).status == 404


async def test_a_day_at_the_desk_by_hand(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("where is my bag?")
    page = await signed_in(desk)
    at = f"/desk/{conversation}"
    assert (await page.post(f"{at}/take", {"epoch": 1}))[1]["epoch"] == 2
    status, replied = await page.post(f"{at}/reply", {"epoch": 2, "text": " On its way. "}, key="r1")
    assert status == 200
    assert (await page.post(f"{at}/reply", {"epoch": 2, "text": "On its way."}, key="r1"))[1]["repeated"]
    (ready,) = desk.woken
    assert (ready.message, ready.sender, ready.contact) == (replied["message"], SENDER, desk.contact)
    assert (ready.partition, ready.priority) == (int(replied["message"][1:3]), Priority.AGENT)
    assert (await page.post(f"{at}/note", {"text": "she is kind"}, key="n1"))[0] == 200
    status, after = await page.post(f"{at}/finish", {"epoch": 2, "inbound": 1}, key="f1")
    assert (status, after["state"]) == (200, "resolved")
    record = await desk.deps.outbox.record(MessageId(replied["message"]))
    assert record is not None
    box = await desk.deps.conversations._vault.contact_box(desk.contact or ContactId(""))
    assert box.open_json(record[1], replied["message"])["text"] == "On its way."


async def test_a_command_needs_the_sessions_token_and_our_own_page(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    path, body = f"/desk/{conversation}/take", {"epoch": 1}
    assert (await Page(page.client, "wrong").post(path, body))[0] == 403
    assert (await page.post(path, body, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert (await page.post(path, body, Origin="https://elsewhere.example"))[0] == 403
    assert (await desk.deps.conversations.get(conversation)).owner is None


async def test_the_loser_of_a_race_hears_who_and_when(desk: Desk) -> None:
    await desk.agent()
    await desk.agent("tom", "Tom Vale")
    conversation = await desk.says("hello")
    ann, tom = await signed_in(desk), await signed_in(desk, "tom")
    await ann.post(f"/desk/{conversation}/take", {"epoch": 1})
    status, problem = await tom.post(f"/desk/{conversation}/reply", {"epoch": 1, "text": "me too"})
    assert status == 409
    assert problem["code"] == "owner_changed"
    assert problem["owner"] == "Ann Berg"
    assert problem["since_ms"] > 0
    assert "Ann Berg has it" in problem["detail"]


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("reply", {"epoch": 2, "text": "  "}, "text"),
        ("reply", {"epoch": 2, "text": "x" * 4097}, "text"),
        ("reply", {"epoch": "2", "text": "x"}, "epoch"),
        ("reply", {"text": "x"}, "epoch"),
        ("reply", {"epoch": 2, "text": "x", "quote": "1-1"}, "quote"),
        ("again", {"epoch": 2, "message": "../x"}, "message"),
        ("finish", {"epoch": 2, "inbound": True}, "inbound"),
    ],
)
async def test_a_wrong_field_is_named(desk: Desk, what: str, body: dict[str, Any], field: str) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    await page.post(f"/desk/{conversation}/take", {"epoch": 1})
    status, problem = await page.post(f"/desk/{conversation}/{what}", body, key="x")
    assert status == 422
    assert problem["problems"][0]["field"] == field


async def test_a_command_without_a_key_is_refused(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    assert (await page.post(f"/desk/{conversation}/take", {"epoch": 1}, key=""))[0] == 422


async def test_an_agent_of_one_brand_sees_nothing_of_another(desk: Desk) -> None:
    await desk.agent(rights=("reply@exr",))
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    async with page.client.get("/desk") as response:
        assert str(conversation) not in await response.text()
    assert (await page.client.get(f"/desk/{conversation}")).status == 404
    assert (await page.post(f"/desk/{conversation}/take", {"epoch": 1}))[0] == 404


async def test_who_may_only_read_cannot_answer_and_may_note(desk: Desk) -> None:
    await desk.agent(rights=("read",))
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    assert (await page.post(f"/desk/{conversation}/take", {"epoch": 1}))[0] == 422
    assert (await page.post(f"/desk/{conversation}/note", {"text": "seen"}))[0] == 200


async def test_reading_what_is_not_ones_own_leaves_a_fact(desk: Desk) -> None:
    agent = await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    await page.client.get(f"/desk/{conversation}")
    await page.post(f"/desk/{conversation}/take", {"epoch": 1})
    await page.client.get(f"/desk/{conversation}")
    read = [fact for fact in await facts(desk, conversation) if fact.split("|")[2] == "read"]
    assert len(read) == 1
    assert f"agent={agent.id}" in read[0]


async def test_a_look_of_who_sees_what_is_masked_is_written_also_at_what_is_their_own(desk: Desk) -> None:
    sue = await desk.agent("sue", "Sue Lake", ("supervisor@zz",))
    bob = await desk.agent("bob", "Bob Moor", ("agent@zz",))
    one = await desk.deps.conversations.get(await desk.says("hello"))
    looks = Looks(desk.deps.agents)
    for who in (sue, sue, bob):
        await looks.note(who, replace(one, owner=who.id), "here")
    revealed = [fact for fact in await facts(desk, one.id) if fact.split("|")[2] == "revealed"]
    assert len(revealed) == 1
    assert f"agent={sue.id}" in revealed[0]
    assert "brand=zz" in revealed[0], "whoever audits the brand finds it"


async def test_names_and_codes_are_covered_until_a_supervisor_says_who_it_is_and_why(desk: Desk) -> None:
    ann, sue = await desk.agent(rights=("agent@zz",)), await desk.agent("sue", "Sue Lake", ("supervisor@zz",))
    conversation = await desk.says("where is my seat?")
    assert desk.contact is not None
    assert desk.address is not None
    who = Traveller("x" * 32, Personal("Mila"), Personal("Berg"), (desk.address,))
    await desk.deps.contacts.change(
        desk.contact, lambda profile: replace(profile, travellers=(who,), display_name=Personal("Mila van Berg"))
    )
    ann_page = await signed_in(desk)

    async def card() -> str:
        async with ann_page.client.get(f"/desk/{conversation}") as response:
            return (await response.text()).partition('id="card"')[2]

    before = await card()
    assert "No way to verify people is set up here" in before
    assert "van Berg" not in before
    await ann_page.post(f"/desk/{conversation}/take", {"epoch": 1}, "take")
    epoch = (await desk.deps.conversations.get(conversation)).epoch
    why = {"epoch": epoch, "note": "seen at the counter"}
    status, body = await ann_page.post(f"/desk/{conversation}/verify", why, "verify-ann")
    assert (status, body["problems"][0]["field"]) == (422, "rights")
    status, body = await ann_page.post(f"/desk/{conversation}/identify", {"epoch": epoch}, "identify")
    assert (status, body["problems"][0]["field"]) == (422, "identity")
    status, body = await ann_page.post(f"/desk/{conversation}/act", {"epoch": epoch, "act": "cancel"}, "act")
    assert (status, body["code"]) == (409, "not_fresh")

    said = {**why, "agent": sue.id}
    async with ann_page.client.post(
        f"/v1/conversations/{conversation}/verify", json=said, headers={"Idempotency-Key": "verify-sue"}
    ) as response:
        assert response.status == 200
    after = await card()
    assert "van Berg" in after
    assert "a supervisor said so" in after
    audited = [fact for fact in await facts(desk, conversation) if fact.split("|")[2] == "identity_set"]
    assert [f"agent={sue.id}" in fact and "brand=zz" in fact and "counter" not in fact for fact in audited] == [True]
    assert ann.id not in audited[0]


async def test_no_way_of_looking_from_another_queue_goes_unwritten(desk: Desk) -> None:
    await desk.agent("tom", "Tom Vale", ("auditor@zz/sales",))
    await desk.agent("eve", "Eve Poll", ("agent@zz/sales",))
    conversation = await desk.says("hello")
    tom, eve = await signed_in(desk, "tom"), await signed_in(desk, "eve")
    assert (await eve.client.get(f"/desk/{conversation}")).status == 404
    assert "hello" not in await (await eve.client.get(f"/desk/parts?conversation={conversation}")).text()
    written = []
    parts = f"/desk/parts?conversation={conversation}"
    for path in (f"/desk/{conversation}/draft", parts, parts, f"/desk/{conversation}"):
        assert (await tom.client.get(path)).status == 200
        written.append(sum(fact.split("|")[2] == "read_outside" for fact in await facts(desk, conversation)))
    assert written == [1, 1, 1, 2]
    status, answer = await tom.post(f"/desk/{conversation}/take", {"epoch": 1})
    assert (status, answer["problems"][0]["field"]) == (422, "rights")


async def test_outside_the_window_a_reply_is_refused_and_inside_its_last_minute_too(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    await page.post(f"/desk/{conversation}/take", {"epoch": 1})
    desk.clock.offset_ms += FACTS.window_ms - 59_000
    page = await signed_in(desk)
    status, problem = await page.post(f"/desk/{conversation}/reply", {"epoch": 2, "text": "late"}, key="r")
    assert (status, problem["code"]) == (409, "window_closed")
    await desk.says("still there?")
    assert (await page.post(f"/desk/{conversation}/reply", {"epoch": 2, "text": "now"}, key="r"))[0] == 200


async def test_a_reply_can_quote_their_line(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    await page.post(f"/desk/{conversation}/take", {"epoch": 1})
    line = (await desk.deps.conversations.thread(await desk.deps.conversations.get(conversation)))[0].id
    _, replied = await page.post(f"/desk/{conversation}/reply", {"epoch": 2, "text": "hi", "quote": line}, key="r")
    record = await desk.deps.outbox.record(MessageId(replied["message"]))
    box = await desk.deps.conversations._vault.contact_box(desk.contact or ContactId(""))
    assert record is not None
    assert box.open_json(record[1], replied["message"])["reply_to"] == "wamid.QUOTED"


# the live connection


class Socket:
    """A tab's live connection, and the page's number."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.last = socket, 0

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            said: dict[str, Any] = await self.socket.receive_json()
        if said["t"] == "patch":
            assert said["n"] == self.last + 1, "numbers have no gaps"
            self.last = said["n"]
        return said

    async def until(self, wanted: str, part: str = "") -> dict[str, Any]:
        while True:
            said = await self.next()
            if said["t"] == wanted and (not part or said.get("part") == part):
                return said


TAB = "tab-0123456789abcdef"


async def connect(page: Page, conversation: str = "", last: int = 0, tab: str = TAB, **shown: str) -> Socket:
    query = {"conversation": conversation, "tab": tab, "last": str(last), **shown}
    socket = Socket(await page.client.ws_connect("/desk/live", params=query))
    socket.last = last
    return socket


async def test_a_page_catches_up_and_then_hears_numbered_patches(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    socket = await connect(page, conversation)
    assert (await socket.next())["t"] == "view"
    parts = set()
    while (said := await socket.next())["t"] != "caught-up":
        parts.add(said["part"])
    assert parts == {"top", "own", "waiting", "lines", "card", "head"}
    assert said["n"] == socket.last == 6
    await desk.says("one more")
    patch = await socket.until("patch", "lines")
    assert len(patch["lines"]) == 1
    assert len(patch["order"]) == 2


async def test_what_was_drawn_by_a_right_that_is_gone_is_not_sent_again(desk: Desk) -> None:
    """A tab that comes back after its agent's rights changed is told `view`, and not what it missed as it was drawn before."""
    ann = await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    socket = await connect(page, conversation)
    await socket.until("caught-up")
    had = socket.last
    await desk.says("while it was deaf")
    await socket.until("patch", "lines")
    await socket.socket.close()
    await desk.deps.agents.change(ann.id, rights=("agent@zz/sales",))
    again = await connect(page, conversation, had)
    again.last = 0
    assert (await again.next())["t"] == "view"
    said: list[str] = []
    while (one := await again.next())["t"] != "gone":
        said.append(json.dumps(one))
    assert not any("while it was deaf" in one for one in said)


async def test_of_each_queue_the_first_are_listed_however_many_of_another_wait_before_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "ROWS_MAX", 2)
    eve = await desk.agent("eve", "Eve Poll", ("agent@sales",))
    for number in range(4):
        phone = Identifier("phone", "", Personal(f"+44770090020{number}"))
        contact, address = await desk.deps.contacts.reserve("whatsapp", phone)
        item = InboundEntry(f"w{number}", "text", Personal(f"words {number}"), desk.clock.now_ms())
        await desk.deps.conversations.add_inbound(contact, "zz" if number < 3 else "sales", address, SENDER, item=item)
    found = await lists.ListReader(desk.deps).waiting(eve)
    assert ([row.preview for row in found.rows], found.total) == (["words 3"], 1)
    ann = await desk.agent()
    every = await lists.ListReader(desk.deps).waiting(ann)
    assert ([row.preview for row in every.rows], every.total) == (["words 0", "words 1"], 4)


async def test_what_happens_to_others_draws_neither_an_open_thread_nor_own_lists(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page whose parts are all drawn anew at each change of anybody's is late for its own as soon as there are many."""
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    drawn: list[str] = []
    for name in ("opened", "own", "waiting"):
        whole = getattr(Pages, name)

        async def counted(self: Pages, *args: Any, name: str = name, whole: Any = whole) -> Any:
            drawn.append(name)
            return await whole(self, *args)

        monkeypatch.setattr(Pages, name, counted)
    socket = await connect(page, conversation)
    await socket.until("caught-up")
    drawn.clear()
    item = InboundEntry("o1", "text", Personal("and me?"), desk.clock.now_ms())
    contact, address = await desk.deps.contacts.reserve("whatsapp", Identifier("phone", "", Personal("+447700900102")))
    await desk.deps.conversations.add_inbound(contact, "zz", address, SENDER, item=item)
    assert "and me?" in (await socket.until("patch", "waiting"))["html"]
    assert set(drawn) == {"waiting"}
    drawn.clear()
    await desk.says("one more")
    await socket.until("patch", "lines")
    assert drawn[0] == "opened", "what somebody said is drawn before any list"
    assert "own" not in drawn


async def test_a_tab_that_comes_back_is_sent_what_it_missed_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    socket = await connect(page, conversation)
    await socket.until("caught-up")
    had = socket.last
    await desk.says("while it was deaf")
    missed = await socket.until("patch", "lines")
    await socket.socket.close()
    again = await connect(page, conversation, had)
    while (said := await again.next()).get("part") != "lines":
        assert said["t"] == "patch", "what it missed comes first, and no new view"
    assert said == missed
    assert (await again.until("caught-up"))["n"] == again.last
    await again.socket.close()
    monkeypatch.setattr(tabs, "PATCHES_KEPT", 2)
    await desk.says("once more")
    last = await connect(page, conversation, again.last)
    await last.until("caught-up")
    await last.socket.close()
    for stale in (had, 999):  # one whose patches are not kept any more; a number that is none of ours
        old = await connect(page, conversation, stale)
        old.last = 0
        assert (await old.next())["t"] == "view", "too old: everything is told anew"
        await old.socket.close()


async def test_a_page_that_shows_it_already_is_sent_only_what_differs(desk: Desk) -> None:
    await desk.agent()
    page = await signed_in(desk)
    first = await connect(page)
    await first.next()
    shown = {}
    while (said := await first.next())["t"] != "caught-up":
        shown[said["part"]] = said["version"]
    other = await connect(page, tab="another-tab-of-theirs", **shown)
    assert [(await other.next())["t"] for _ in range(2)] == ["view", "caught-up"]


async def test_without_sockets_the_same_patches_come_by_get(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)

    async def ask(last: int) -> dict[str, Any]:
        query = {"conversation": conversation, "tab": TAB, "last": str(last)}
        async with page.client.get("/desk/parts", params=query) as response:
            found: dict[str, Any] = await response.json()
            return found

    whole = await ask(0)
    assert whole["view"]
    assert [one["n"] for one in whole["patches"]] == [1, 2, 3, 4, 5, 6]
    await desk.says("one more")
    fresh = await ask(6)
    assert not fresh["view"]
    assert "lines" in {one["part"] for one in fresh["patches"]}, "what was said is drawn as it is now"
    async with asyncio.timeout(5):  # what waits is read for all, and so a moment later
        while "waiting" not in {one["part"] for one in fresh["patches"]}:
            await asyncio.sleep(0.05)
            fresh = await ask(6)
    assert (await ask(6))["patches"] == fresh["patches"], "asked again with the same number, it is the same answer"


async def test_the_live_connection_is_for_our_own_page_and_its_own_agent(desk: Desk) -> None:
    await desk.agent()
    await desk.agent("tom", "Tom Vale")
    conversation = await desk.says("hello")
    page, tom = await signed_in(desk), await signed_in(desk, "tom")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await page.client.ws_connect("/desk/live", headers={"Origin": "https://elsewhere.example"})
    assert refused.value.status == 403
    socket = await connect(page, conversation)
    await socket.until("caught-up")
    theirs = await connect(tom, conversation, socket.last)
    theirs.last = 0
    assert (await theirs.next())["t"] == "view", "a tab's log is its own agent's"
    await theirs.until("caught-up")
    await theirs.socket.send_json({"t": "typing"})
    patch = await socket.until("patch", "head")
    assert "Tom is typing" in patch["html"]


async def test_what_somebody_may_not_read_any_more_goes_from_the_page_that_shows_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT_S", 0.1)
    ann = await desk.agent(rights=("agent@zz",))
    conversation = await desk.says("hello")
    socket = await connect(await signed_in(desk), conversation)
    await socket.until("caught-up")
    await desk.deps.agents.set_rights(ann.id, ("agent@yy",))
    async with asyncio.timeout(10):
        await socket.until("gone")


async def test_a_beat_says_that_somebody_is_here_and_touched_something(desk: Desk) -> None:
    ann = await desk.agent()
    page = await signed_in(desk)
    book = desk.deps.presence
    assert book is not None
    await page.post("/desk/status", {"status": "available"})
    socket = await connect(page)
    await socket.until("caught-up")
    before = await book.get(ann.id)
    await socket.socket.send_json({"t": "beat", "touched": True})
    await wait_until(lambda: _touched(book, ann.id))
    assert before.touched_ms <= (await book.get(ann.id)).touched_ms
    status, answer = await page.post("/desk/status", {"status": "break", "kind": "lunch"})
    assert status == 200
    assert "lunch" in (await socket.until("patch", "top"))["html"]
    status, answer = await page.post("/desk/status", {"status": "not_responding"})
    assert (status, answer["problems"][0]["field"]) == (422, "status")


async def _touched(book: PresenceBook, agent: AgentId) -> bool:
    return (await book.get(agent)).beat_ms > 0


async def test_a_tab_that_cannot_keep_up_is_let_go_and_comes_back_to_a_whole_view(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    socket = await connect(page, conversation)
    await socket.until("caught-up")

    async def never(self: web.WebSocketResponse, text: str) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as slow:
        slow.setattr(stream, "WRITE_S", 0.05)
        slow.setattr(web.WebSocketResponse, "send_str", never)
        await desk.says("more than it can read")
        async with asyncio.timeout(5):
            assert (await socket.socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    again = await connect(page, conversation, socket.last)
    again.last = 0
    assert (await again.next())["t"] == "view"


async def test_a_delivery_status_reaches_the_open_thread(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    page = await signed_in(desk)
    await page.post(f"/desk/{conversation}/take", {"epoch": 1})
    _, replied = await page.post(f"/desk/{conversation}/reply", {"epoch": 2, "text": "hi"}, key="r")
    socket = await connect(page, conversation)
    await socket.until("caught-up")
    name = keys.of(replied["message"], "m")
    raw = bytes(await desk.redis.get(name))
    raw = raw.replace(b"1|q|0|", b"1|d|1|", 1).replace(b"||reply|", b"|uncertain_ask|reply|", 1)
    await desk.redis.set(name, raw, keepttl=True)
    patch = await socket.until("patch", "lines")
    html = "".join(part["html"] for part in patch["lines"].values())
    assert "uncertain" in html
    assert 'data-command="again"' in html


async def test_in_place_of_what_did_not_arrive_go_other_words_once_and_the_same_person_is_answered_elsewhere(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello")
    assert desk.contact is not None
    first, desk.address = desk.address, new_address_id(desk.contact)
    other = await desk.says("hello from here", sender=PAGE_SENDER)
    desk.address = first
    page = await signed_in(desk)
    at = f"/desk/{conversation}"
    await page.post(f"{at}/take", {"epoch": 1})
    _, sent = await page.post(f"{at}/reply", {"epoch": 2, "text": "so long a sentence"}, key="r")
    name = keys.of(sent["message"], "m")

    async def drawn(reason: str) -> str:
        raw = bytes(await desk.redis.get(name)).split(b"|")
        raw[1], raw[15] = b"d", reason.encode()
        await desk.redis.set(name, b"|".join(raw), keepttl=True)
        async with page.client.get(at) as response:
            return (await response.text()).partition('class="decide"')[2].partition("</p>")[0]

    ways = {"again": 'data-command="again"', "words": 'data-instead="words"', "template": '"template"', "elsewhere": str(other)}
    for reason, wanted in (
        ("cannot_render", {"words"}), ("opted_out_at_channel", set()), ("window_closed", {"again", "template", "elsewhere"}),
        ("failed_at_channel", set(ways)), ("uncertain_ask", {"again"}),
    ):  # fmt: skip
        html = await drawn(reason)
        assert {way for way, mark in ways.items() if mark in html} == wanted, reason
        assert 'data-command="leave"' in html
    unknown = message_id("none", "reply", "", desk.contact, 0)
    body = {"epoch": 2, "text": "shorter", "instead": sent["message"]}
    assert (await page.post(f"{at}/reply", {**body, "instead": unknown}, key="i0"))[0] == 404
    status, replaced = await page.post(f"{at}/reply", body, key="i1")
    assert status == 200
    assert (await page.post(f"{at}/reply", body, key="i1"))[1]["message"] == replaced["message"]
    status, refused = await page.post(f"{at}/reply", body, key="i2")
    assert (status, refused["code"]) == (409, "decided")
    assert len(desk.woken) == 2
    assert (await desk.deps.conversations.get(conversation)).decided == {sent["message"]: replaced["message"]}


async def test_the_card_says_what_they_probably_mean_whose_complaint_it_is_and_whom_somebody_asked(desk: Desk) -> None:
    await desk.agent()
    tom = await desk.agent("tom", "Tom Vale")
    conversation = await desk.says("hello")
    found = await desk.deps.conversations.get(conversation)
    page = await signed_in(desk)
    at = f"/desk/{conversation}"
    until = desk.clock.now_ms() + HOUR
    await page.post(f"{at}/take", {"epoch": 1})
    assert (await page.post(f"{at}/consult", {"to": tom.id, "note": "which form?", "until": until}, key="c"))[0] == 200
    assert (await page.post(f"{at}/complaint", {"epoch": 2, "on": True}, key="m"))[0] == 200
    memories = desk.deps.memories
    assert memories is not None
    memory = AssistantMemory(guess="order: ZX7K2P", answers=(("Which day?", "Monday"),), conversation=conversation)
    await memories.put(found.address, "zz", memory)
    order = OrderLink(
        SubjectId("s00" + "a" * 26), Personal("ZX7K2P"), "flight", "zz", "shop", "t1", "booker", None, (), until
    )
    assert desk.contact is not None
    await desk.deps.contacts.change(desk.contact, lambda profile: replace(profile, orders=(order,)))

    async def card() -> str:
        async with page.client.get(at) as response:
            return (await response.text()).partition('id="card"')[2]

    html = await card()
    assert "order: \u2022\u2022\u2022\u2022" in html
    assert "ZX7K2P" not in html, "a guess holds no code for whom codes are covered"
    for words in ("Which day?", "Monday", "Tom was asked", "to be answered until"):
        assert words in html, words
    await memories.put(found.address, "zz", replace(memory, conversation="v00another"))
    assert "Which day?" not in await card(), "of an earlier conversation"


async def test_stopping_lets_every_page_go(desk: Desk) -> None:
    await desk.agent()
    page = await signed_in(desk)
    socket = await connect(page)
    await socket.until("caught-up")
    assert desk.deps.live.pages == 1
    desk.deps.live.stop()
    async with asyncio.timeout(3):
        assert (await socket.socket.receive()).type is aiohttp.WSMsgType.CLOSE


# the API


async def test_another_systems_desk_works_by_the_same_rules(desk: Desk) -> None:
    agent = await desk.agent()
    conversation = await desk.says("hello")
    api = desk.client()

    async def post(what: str, body: dict[str, Any], key: str) -> tuple[int, Any]:
        sent = {"agent": agent.id, **body}
        async with api.post(f"/v1/conversations/{conversation}/{what}", json=sent, headers={"Idempotency-Key": key}) as answer:
            return answer.status, await answer.json(content_type=None)

    async with api.get("/v1/conversations") as response:
        listed = (await response.json())["conversations"]
    assert [one["id"] for one in listed] == [conversation]
    assert "hello" not in json.dumps(listed)
    assert (await post("take", {"epoch": 1}, "t"))[1]["agent"] == agent.id
    status, replied = await post("reply", {"epoch": 2, "text": "hi"}, "r")
    assert status == 200
    assert (await post("reply", {"epoch": 2, "text": "hi"}, "r"))[1]["message"] == replied["message"]
    async with api.get(f"/v1/conversations/{conversation}") as response:
        one = await response.json()
    assert [line["text"] for line in one["thread"]] == ["hello", "hi"]
    assert one["thread"][1]["status"] == "waiting to be sent"
    status, problem = await post("reply", {"epoch": 1, "text": "stale"}, "s")
    assert (status, problem["code"]) == (409, "owner_changed")
    colleague = await desk.agent("tom", "Tom Vis")
    until = desk.clock.now_ms() + 60_000
    assert (await post("consult", {"to": colleague.id, "note": "is it free?", "until": until}, "c"))[0] == 200
    async with api.get("/v1/conversations", params={"asked": colleague.id}) as response:
        assert [one["id"] for one in (await response.json())["conversations"]] == [conversation]
    assert (await post("finish", {"epoch": 2}, "f"))[1]["state"] == "resolved"
    async with api.get("/v1/conversations", params={"asked": colleague.id}) as response:
        assert (await response.json())["conversations"] == []
    async with api.get("/v1/conversations", params={"state": "resolved"}) as response:
        assert [one["id"] for one in (await response.json())["conversations"]] == [conversation]


async def test_the_api_refuses_an_agent_that_is_not_one(desk: Desk) -> None:
    conversation = await desk.says("hello")
    api = desk.client()
    for agent in (None, "g00000", 7):
        async with api.post(
            f"/v1/conversations/{conversation}/take", json={"agent": agent, "epoch": 1}, headers={"Idempotency-Key": "k"}
        ) as response:
            assert response.status == 422
            assert response.content_type == "application/problem+json"
    async with api.get("/v1/conversations/nonsense") as response:
        assert response.status == 404


# threads that are shared


async def test_a_person_may_answer_after_the_window_where_the_sender_may_and_not_a_moment_longer(desk: Desk) -> None:
    await desk.agent()
    conversation = await desk.says("hello", sender=PAGE_SENDER)
    page = await signed_in(desk)
    path = f"/desk/{conversation}/"
    assert (await page.post(f"{path}take", {"epoch": 1}, "t"))[0] == 200
    contact = desk.contact
    assert contact is not None
    spoke = desk.clock.now_ms()
    await desk.redis.hset(keys.of(contact, "f"), f"w:{PAGE_SENDER}:{desk.address}", spoke - 25 * HOUR)
    for able in (None, False):
        if able is not None:
            desk.able[PAGE_SENDER] = able
        status, refused = await page.post(f"{path}reply", {"epoch": 2, "text": "too late?"}, f"no{able}")
        assert (status, refused["code"]) == (409, "window_closed")
    desk.able[PAGE_SENDER] = True
    status, done = await page.post(f"{path}reply", {"epoch": 2, "text": "a person's words"}, "yes")
    assert status == 200
    found = await desk.deps.outbox.record(MessageId(done["message"]))
    assert found is not None
    assert found[0].deadline_ms == spoke - 25 * HOUR + PAGE_FACTS.person_window_ms - 60_000
    await desk.redis.hset(keys.of(contact, "f"), f"w:{PAGE_SENDER}:{desk.address}", spoke - 7 * 24 * HOUR)
    status, refused = await page.post(f"{path}reply", {"epoch": 2, "text": "much too late"}, "late")
    assert (status, refused["code"]) == (409, "window_closed")


async def test_the_api_tells_what_others_said_what_was_changed_and_who_holds_the_thread(desk: Desk) -> None:
    conversation = await desk.says("RE 4711?", sender=PAGE_SENDER)
    await desk.says("RE 4713?", sender=PAGE_SENDER, edit_of="k1", edits=1)
    await desk.says("a person, please", sender=PAGE_SENDER, standby=True, elsewhere=True, media={"mime": "image/png"},
                    more_media=({"mime": "image/png", "filename": "2.png"},))  # fmt: skip
    assert desk.contact is not None
    assert desk.address is not None
    now = desk.clock.now_ms()
    said = OutsideEntry("o1", "text", Personal("On time."), now, True)
    await desk.deps.conversations.outside.add(desk.contact, "zz", desk.address, PAGE_SENDER, said)
    await desk.deps.contacts.set_holder(
        desk.contact, PAGE_SENDER, desk.address, program="1", until_ms=now + HOUR, at_ms=now
    )
    async with desk.client().get(f"/v1/conversations/{conversation}") as response:
        one = await response.json()
    assert one["held_elsewhere"] is True
    assert one["a_person_may_answer_until"] == one["service_window_closes_at"]
    lines = [(line["kind"], line["text"], line["heard_only"], line["files"]) for line in one["thread"]]
    assert lines == [
        ("in", "RE 4713?", False, []), ("in", "a person, please", True, ["image/png", "2.png"]),
        ("outside", "On time.", False, []),
    ]  # fmt: skip
    assert [before["text"] for before in one["thread"][0]["said_before"]] == ["RE 4711?"]
    assert one["thread"][2]["status"] is None
    desk.able[PAGE_SENDER] = True
    async with desk.client().get(f"/v1/conversations/{conversation}") as response:
        one = await response.json()
    assert one["a_person_may_answer_until"] > one["service_window_closes_at"]


async def test_words_that_an_agent_left_unsent_are_shown_to_the_next_owner_and_gone_once_sent(desk: Desk) -> None:
    for name, display in (("ann", "Ann Berg"), ("tom", "Tom Visser")):
        await desk.agent(name, display)
    ann, tom = await signed_in(desk, "ann"), await signed_in(desk, "tom")
    conversation = await desk.says("hello?")
    path = f"/desk/{conversation}"
    assert (await ann.post(f"{path}/take", {"epoch": 1}))[0] == 200
    assert (await ann.post(f"{path}/draft", {"text": "the bag is in Oslo"}))[0] == 200
    assert (await tom.post(f"{path}/draft", {"text": "I only read"}))[0] == 200

    async def unsent(page: Page) -> list[tuple[str, str]]:
        async with page.client.get(f"{path}/draft") as response:
            return [(one["by"], one["text"]) for one in (await response.json())["unsent"]]

    assert await unsent(tom) == [("Ann", "the bag is in Oslo")]
    assert await unsent(ann) == []
    for key in await desk.redis.keys():
        assert b"Oslo" not in await desk.redis.dump(key)
    assert (await ann.post(f"{path}/draft", {"text": " "}))[0] == 200
    assert await unsent(tom) == []
    assert (await ann.post(f"{path}/draft", {"text": 5}))[0] == 422
    assert (await ann.post(f"{path}/draft", {"text": "the bag is in "}))[0] == 200
    assert (await ann.post(f"{path}/reply", {"text": "the bag is in Oslo", "epoch": 2}, key="oslo"))[0] == 200
    assert await unsent(tom) == [], "what was sent is not offered as unsent, to be sent once more"
    assert (await ann.post(f"{path}/draft", {"text": "and another thing"}))[0] == 200
    assert (await ann.post(f"{path}/reply", {"text": "Bye", "epoch": 2}, key="bye"))[0] == 200
    assert await unsent(tom) == [("Ann", "and another thing")]
    assert (await ann.post(f"{path}/release", {"epoch": 2}, key="away"))[0] == 200
    assert (await tom.post(f"{path}/take", {"epoch": 3}))[0] == 200
    both = {"text": "Ann had more to say:\nand another thing", "epoch": 4}
    assert (await tom.post(f"{path}/reply", both, key="both"))[0] == 200
    await desk.agent("sue", "Sue Dale")
    assert await unsent(await signed_in(desk, "sue")) == [], "her words went out, by another hand"


async def test_half_a_letter_and_control_characters_keep_nothing_from_being_said(desk: Desk) -> None:
    await desk.agent()
    ann = await signed_in(desk)
    path = f"/desk/{await desk.says('hello?')}"
    assert (await ann.post(f"{path}/take", {"epoch": 1}))[0] == 200
    odd = "a\x00b \ud83d\u202ec\x1b\nd"
    for what in ("reply", "note", "draft"):
        assert (await ann.post(f"{path}/{what}", {"epoch": 2, "text": odd}, key=what))[0] == 200
        if what != "draft":
            assert (await ann.post(f"{path}/{what}", {"epoch": 2, "text": "\x00\ud83d"}, key=f"no-{what}"))[0] == 422
    async with ann.client.get(path) as page:
        assert (await page.text()).count("ab \u202ec\nd") == 2
