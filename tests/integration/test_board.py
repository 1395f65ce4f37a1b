"""The supervisor's board: who may look, what stands there, and its brakes, with what each will do said before it is done."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.insight.past import Past
from gateway.model.conversation import AgentId, InboundEntry
from gateway.model.ids import ConversationId, EventId, SenderId, SubjectId, new_address_id, new_contact_id, random_id
from gateway.model.personal import Personal, Secret
from gateway.model.webcare import AgentStatus, DeskPlan
from gateway.rules.rollout import Match, Rollout, Stage
from gateway.settings import ROLES
from gateway.store import keys
from gateway.store.agents import Agents
from gateway.store.alarms import Firing
from gateway.store.contacts import Contacts
from gateway.store.conversations import Command, Conversations
from gateway.store.floor import Floor
from gateway.store.fuses import Held
from gateway.store.incidents import ASKED_MS
from gateway.store.outbox import Outbox
from gateway.store.presence import PresenceBook
from gateway.store.senders import Stop
from gateway.store.signs import ROLE
from gateway.store.vault import KeyRing, Vault
from gateway.webcare import WebcareDeps, add_console_routes
from gateway.webcare.board import Board, BoardReader
from gateway.webcare.board_hands import ask
from gateway.webcare.board_line import Day
from tests.support.hands import hands_of
from tests.support.waiting import wait_until

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SENDER = SenderId("zz-wa")


class House:
    def __init__(self, redis: Redis) -> None:
        self.redis, self.clock = redis, Clock()
        vault = Vault(KeyRing(KeyRing.generate()), redis)
        self.store = Conversations(redis, self.clock, vault)
        self.agents, self.presence = Agents(redis, self.clock, vault, hasher=QUICK), PresenceBook(redis, self.clock)
        self.hands = hands_of(redis, self.clock, vault)
        self.deps = WebcareDeps(
            self.store, self.agents, Contacts(redis, self.clock, vault), Outbox(redis, self.clock, {}), self.clock,
            {"zz": "Polderwind Air", "exr": "Laagland Rail"}, {}, presence=self.presence, floor=Floor(redis),
            plan=DeskPlan.plain(), hands=self.hands,
        )  # fmt: skip
        app = web.Application()
        add_console_routes(app, self.deps)
        self.server = TestServer(app)
        self.browsers: list[Browser] = []

    async def signed_in(self, name: str, *rights: str) -> Browser:
        agent = await self.agents.add_agent(f"{name}@example.org", name, Secret("a long sentence to sign in with"), rights)
        session = await self.agents.sessions.open(agent, "127.0.0.1", second=True)
        token = session.token.reveal()
        client = aiohttp.ClientSession(str(self.server.make_url("/")), headers={"Cookie": f"desk={token}"})
        self.browsers.append(Browser(client, session.session.csrf, agent.id))
        return self.browsers[-1]

    async def holds(self, people: int) -> EventId:
        """Something that the fuse holds back."""
        event, subject = EventId(random_id("e", 0)), SubjectId(random_id("j", 0))
        await self.hands.fuses.blow(Held(event, subject, ("gate_changed",), people, "usual", 100, self.clock.now_ms()))
        return event

    async def facts(self) -> list[str]:
        redis: Any = self.redis
        found = [await redis.xrange(keys.part(partition, "facts")) for partition in keys.all_partitions()]
        return [bytes(row[b"f"]).decode() for rows in found for _, row in rows]

    async def somebody_waits(self, brand: str = "zz") -> str:
        contact = new_contact_id()
        item = InboundEntry(f"wamid.{contact}", "text", Personal("where is it?"), self.clock.now_ms())
        return await self.store.add_inbound(contact, brand, new_address_id(contact), SENDER, item=item)


class Browser:
    def __init__(self, client: aiohttp.ClientSession, token: str, agent: Any) -> None:
        self.client, self.token, self.agent = client, token, agent

    async def page(self) -> tuple[int, str]:
        async with self.client.get("/board") as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        async with self.client.post(path, json=body, headers={"X-Desk-Token": self.token}) as answer:
            return answer.status, await answer.json(content_type=None)


def line_of(page: str) -> str:
    """The first sentence."""
    found: list[str] = re.findall(r'class="board-line"[^>]*>([^<]*)</p>', page)
    return found[0]


async def _fresh(house: House, agent: AgentId) -> Board:
    return await BoardReader(house.deps).board(await house.agents.get(agent))


@pytest.fixture
async def house(redis: Redis) -> AsyncIterator[House]:
    house = House(redis)
    await house.server.start_server()
    yield house
    for browser in house.browsers:
        await browser.client.close()
    await house.server.close()


async def test_the_board_is_for_supervisors_and_auditors_and_shows_what_is_theirs(house: House) -> None:
    ann, sue, rik = [
        await house.signed_in("Ann", "agent@zz"), await house.signed_in("Sue", "supervisor@zz"),
        await house.signed_in("Rik", "auditor"),
    ]  # fmt: skip
    waits, other = await house.somebody_waits(), await house.somebody_waits("exr")
    await house.presence.choose(ann.agent, AgentStatus.AVAILABLE)
    await house.presence.beat(ann.agent)
    assert (await ann.page())[0] == 404
    for path, body in (("/board/do", {"do": "stop", "target": "all", "why": "x"}), ("/board/alarms/f", {})):
        assert (await ann.post(path, **body))[0] == (await sue.post(path, **body))[0] == 404, "one brand's"
    assert await house.hands.book.stops() == []
    status, page = await sue.page()
    assert status == 200
    assert f"/desk/{waits}" in page
    assert other not in page
    assert "Nobody watches" in page
    assert f'data-agent="{ann.agent}"' in page
    assert "board-hand" not in page
    status, page = await rik.page()
    assert f"/desk/{waits}" in page and f"/desk/{other}" in page  # noqa: PT018
    assert "data-agent" not in page, "who audits changes nothing"
    for name, rights in (("Ada", ("admin",)), ("Abe", ("admin", "agent@exr"))):
        status, page = await (await house.signed_in(name, *rights)).page()
        assert waits not in page, "who keeps people and queues reads no conversations, and no names of theirs"
        assert (status, f"/desk/{other}" in page) == (200, name == "Abe")


async def test_a_complaint_of_an_agent_who_is_away_stands_on_the_board_too(house: House) -> None:
    ann, sue = await house.signed_in("Ann", "agent@zz"), await house.signed_in("Sue", "supervisor@zz")
    waits, due_ms = ConversationId(await house.somebody_waits()), house.clock.now_ms() + 3600_000
    await house.store.take(Command(waits, ann.agent, 1, "take"))
    await house.store.complain(Command(waits, ann.agent, 2, "mark"), due_ms)
    assert f"/desk/{waits}" in (await sue.page())[1], "Ann is not here, and it is due in an hour"


async def test_a_supervisor_changes_anothers_status_and_that_is_written_down(house: House) -> None:
    ann, tom, sue = [
        await house.signed_in("Ann", "agent@zz"), await house.signed_in("Tom", "agent@exr"),
        await house.signed_in("Sue", "supervisor@zz"),
    ]  # fmt: skip
    for one in (ann, tom):
        await house.presence.choose(one.agent, AgentStatus.AVAILABLE)
        await house.presence.beat(one.agent)
    assert (await sue.post(f"/board/agents/{tom.agent}/status", status="offline"))[0] == 404
    assert (await ann.post(f"/board/agents/{tom.agent}/status", status="offline"))[0] == 404
    assert (await sue.post(f"/board/agents/{ann.agent}/status", status="not_responding"))[0] == 422
    assert (await sue.post(f"/board/agents/{ann.agent}/status", status="break", kind="lunch"))[0] == 200
    assert (await house.presence.get(ann.agent)).status is AgentStatus.BREAK
    assert (await house.presence.get(tom.agent)).status is AgentStatus.AVAILABLE
    (fact,) = [one for one in await house.facts() if "agent_changed" in one]
    for word in (f"agent={sue.agent}", f"target={ann.agent}", "old=available", "new=break"):
        assert word in fact


async def test_an_alert_has_an_owner_until_it_begins_anew(house: House) -> None:
    sue = await house.signed_in("Sue", "supervisor")
    now = house.clock.now_ms()
    alert = Firing("f1", "NothingSent", "page", "messages wait", "docs/runbook/NothingSent.md", now - 120_000)
    await house.hands.alarms.show([alert])
    assert "Nobody has it yet" in (await sue.page())[1]
    assert (await sue.post("/board/alarms/f1", aside=False))[0] == 200
    assert "Sue has it" in (await sue.page())[1]
    assert (await sue.post("/board/alarms/f1", aside=True))[0] == 200
    assert "Nothing new" in (await sue.page())[1]
    await house.hands.alarms.show([Firing("f1", "NothingSent", "page", "again", "", now + 3_600_000)])
    (had,) = await house.hands.alarms.all() or []
    assert (had.owner, had.aside_ms) == ("", 0)
    await house.hands.alarms.show([])
    assert (await sue.post("/board/alarms/f1", aside=False))[0] == 404


async def test_a_brake_says_what_it_does_is_pulled_by_a_second_request_and_lifted_again(house: House) -> None:
    sue = await house.signed_in("Sue", "supervisor")
    status, asked = await sue.post("/board/ask", do="stop", target="all", lang="nl")
    assert (status, asked["title"]) == (200, "Stop alles")
    assert "Er wachten nu 0 berichten" in asked["says"]
    assert await house.hands.book.stops() == [], "asking does nothing"
    assert (await sue.post("/board/do", do="stop", target="all"))[0] == 422, "not without a reason"
    assert (await sue.post("/board/do", do="stop", target="sender:unknown", why="x"))[0] == 422
    assert (await sue.post("/board/do", do="stop", target="all", why="wrong gates"))[0] == 200
    (stop,) = await house.hands.book.stops()
    assert (stop.scope, stop.who, stop.why) == ("all", sue.agent, "wrong gates")
    assert "wrong gates" in (await sue.page())[1]
    again = {"do": "stop", "target": "all", "why": "me too"}
    assert [(await sue.post(path, **again))[0] for path in ("/board/ask", "/board/do")] == [409, 409], "its reason would be lost"
    assert (await sue.post("/board/do", do="resume", target="all", why="mended"))[0] == 200
    assert await house.hands.book.stops() == []
    kinds = [one for one in await house.facts() if f"who={sue.agent}" in one]
    assert len(kinds) == 2


async def test_what_many_are_told_and_the_end_of_a_crisis_take_two_people(house: House) -> None:
    sue, tom = await house.signed_in("Sue", "supervisor"), await house.signed_in("Tom", "supervisor")
    event, subject = EventId(random_id("e", 0)), random_id("j", 0)
    await house.hands.fuses.blow(Held(event, subject, ("gate_changed",), 5_000, "usual", 100, house.clock.now_ms()))  # type: ignore[arg-type]
    asked = (await sue.post("/board/ask", do="release", target=event))[1]
    assert "before somebody else confirms" in asked["says"]
    status, said = await sue.post("/board/do", do="release", target=event, why="it is true")
    assert (status, said["done"]) == (202, False)
    assert (await sue.post("/board/do", do="release", target=event, why="it is true"))[0] == 409
    assert "tells 5000 people at once" in (await tom.post("/board/ask", do="release", target=event))[1]["says"]
    assert (await tom.post("/board/do", do="release", target=event, why="seen it"))[0] == 200
    held = await house.hands.fuses.get(event)
    assert held is not None
    assert held.state == "released"

    about = {"do": "crisis", "target": "", "why": "an accident", "subject": "flight:ZZ1007/2026-11-22/AMS"}
    assert (await sue.post("/board/do", **about))[0] == 200
    (crisis,) = await house.hands.incidents.all()
    assert (await sue.post("/board/do", do="lift", target=crisis.subject, why="over"))[0] == 202
    assert (await sue.post("/board/do", do="lift", target=crisis.subject, why="over"))[0] == 409
    assert len(await house.hands.incidents.all()) == 1
    assert (await tom.post("/board/do", do="lift", target=crisis.subject, why="over"))[0] == 200
    assert await house.hands.incidents.all() == []


async def test_all_is_not_well_while_a_brake_is_on_or_a_role_is_nobodys(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.webcare.board.SHARED_S", 0.0)
    sue, signs = await house.signed_in("Sue", "supervisor"), house.hands.signs
    await house.hands.alarms.show([])
    own = [(ROLE, {"role": name}, 1.0) for name in ROLES if name != "dispatch"]
    await signs.put("a:1", own)
    await signs.put("b:1", [(ROLE, {"role": "dispatch"}, 1.0), ("thuisfront_oldest_due_seconds", {"priority": "urgent"}, 4.0)])

    async def said() -> str:
        return line_of((await sue.page())[1])

    assert (await said()).startswith("All well")
    await signs.leave("b:1")  # in good order, so nothing fires; and where nothing is due, nothing waits too long
    assert await said() == "No process sends messages. Read ProcessSilent."
    await signs.put("old:1", [])
    assert (await said()).startswith("All well"), "a process of the version before does not say what it does"
    await signs.leave("old:1")
    await signs.put("b:1", [(ROLE, {"role": "dispatch"}, 1.0)])
    await house.hands.book.stop(Stop("all", 0, "ops", "a rehearsal", house.clock.now_ms() - 180_000))
    assert await said() == "Stopped: everything automatic, for 3 min now. ops did it."


async def test_the_end_of_a_crisis_takes_two_also_for_whoever_names_its_stop(house: House) -> None:
    sue = await house.signed_in("Sue", "supervisor")
    about = {"do": "crisis", "target": "", "why": "an accident", "subject": "flight:ZZ1007/2026-11-22/AMS"}
    assert (await sue.post("/board/do", **about))[0] == 200
    (crisis,) = await house.hands.incidents.all()
    scope = f"crisis:{crisis.subject}"
    assert (await sue.post("/board/ask", do="resume", target=scope))[0] == 404
    assert (await sue.post("/board/do", do="resume", target=scope, why="over"))[0] == 404
    assert len(await house.hands.incidents.all()) == 1


async def test_who_asked_for_a_release_may_still_tell_nobody(house: House) -> None:
    sue = await house.signed_in("Sue", "supervisor")
    event = await house.holds(5_000)
    assert (await sue.post("/board/do", do="release", target=event, why="it is true"))[0] == 202
    status, asked = await sue.post("/board/ask", do="discard", target=event)
    assert (status, "do not hear it" in asked.get("says", "")) == (200, True)
    assert (await sue.post("/board/do", do="discard", target=event, why="it is not"))[0] == 200
    held = await house.hands.fuses.get(event)
    assert held is not None
    assert held.state == "discarded"


async def test_a_brake_that_one_person_releases_does_not_speak_of_two(house: House) -> None:
    event = await house.holds(5_000)
    asked = await ask(replace(house.hands, second=0), AgentId("g-sue"), "release", event)
    assert asked.key == "release", "GATEWAY_FUSE_SECOND_PERSON=0: one is enough, and it goes out at once"


async def test_what_nobody_confirmed_within_the_hour_is_asked_for_anew_also_by_who_asked_before(house: House) -> None:
    sue, tom = await house.signed_in("Sue", "supervisor"), await house.signed_in("Tom", "supervisor")
    event = await house.holds(5_000)
    await sue.post("/board/do", do="crisis", target="", why="an accident", subject="flight:ZZ1007/2026-11-22/AMS")
    (crisis,) = await house.hands.incidents.all()
    brakes = (("release", event), ("lift", crisis.subject))
    for do, target in brakes:
        assert (await sue.post("/board/do", do=do, target=target, why="it is true"))[0] == 202
        assert (await sue.post("/board/ask", do=do, target=target))[0] == 409
    house.hands.clock.offset_ms += ASKED_MS + 1000
    for do, target in brakes:
        assert (await ask(house.hands, tom.agent, do, target)).key == f"{do}.two", "not what it would have done before"
        assert (await ask(house.hands, sue.agent, do, target)).key == f"{do}.two"
    page = await _fresh(house, sue.agent)
    assert [one.asked for one in page.brakes.fuses] == [one.asked for one in page.brakes.crises] == [None]


async def test_what_a_part_was_told_of_is_held_back_from_the_rest_and_stands_on_the_board(house: House) -> None:
    sue = await house.signed_in("Sue", "supervisor")
    event = await house.holds(900)
    await house.hands.fuses.release(event, who="ops", why="look", part=100, second=0)
    await house.hands.fuses.reach(event, 100, "0|")
    page = (await sue.page())[1]
    assert f'data-target="{event}"' in page
    assert "800 people" in page
    assert "tells 800 people" in (await sue.post("/board/ask", do="release", target=event))[1]["says"]


async def test_a_roll_out_goes_up_one_stage_as_it_was_seen_and_down_again(house: House) -> None:
    sue = await house.signed_in("Sue", "supervisor")
    stages = (Stage(500, 0), Stage(1_000, 0), Stage(2_500, 0))
    await house.hands.rollouts.start(Rollout("gates", "s", Match(), 1_000, stages=stages, stage=1, who="x", why="begin"))
    assert "gates@2500" in (await sue.page())[1]
    asked = (await sue.post("/board/ask", do="raise", target="gates@2500"))[1]
    assert "from 10 % to 25 %" in asked["says"]
    up = {"do": "raise", "target": "gates@2500", "why": "a good week", "revision": asked["revision"]}
    assert (await sue.post("/board/do", **up))[0] == 200
    assert (await sue.post("/board/do", **up))[0] == 409, "it has changed since"
    page = (await sue.page())[1]
    assert "25.0 %" in page
    down = {"do": "lower", "target": "gates@1000", "why": "too much", "revision": asked["revision"] + 1}
    assert (await sue.post("/board/do", **down))[0] == 200
    found = await house.hands.rollouts.get("gates")
    assert found.share == 1_000
    body = {"target": "gates", "why": "look first"}
    assert (await sue.post("/board/do", do="hold", revision=found.revision, **body))[0] == 200
    assert 'data-do="unhold"' in (await sue.page())[1]
    asked = (await sue.post("/board/ask", do="unhold", target="gates"))[1]
    assert "goes on at 10 %" in asked["says"]
    assert (await sue.post("/board/do", do="unhold", revision=found.revision, **body))[0] == 409, "it has changed since"
    assert (await sue.post("/board/do", do="unhold", revision=asked["revision"], **body))[0] == 200
    after = await house.hands.rollouts.get("gates")
    assert (after.state.value, after.share) == ("running", 1_000)
    assert (await sue.post("/board/do", do="unhold", revision=after.revision, **body))[0] == 409, "it runs"


async def test_the_day_is_told_once_the_history_has_answered(house: House, tmp_path: Path) -> None:
    past = Past(f"sqlite:///{tmp_path / 'history.db'}", house.hands.vault, house.store)
    sue = await house.agents.add_agent("sue@example.org", "Sue", Secret("a long sentence to sign in with"), ("supervisor",))
    reader = BoardReader(replace(house.deps, past=past))
    try:
        assert (await reader.board(sue)).day == Day(), "not waited for"
        (asking,) = [one for one in asyncio.all_tasks() if one.get_name() == "board.past"]
        await asking
        assert (await reader.board(sue)).day == Day(0, 0, 0)
    finally:
        await past.close()


async def test_the_board_is_patched_by_its_own_live_connection(house: House) -> None:
    sue = await house.signed_in("Sue", "supervisor")
    async with sue.client.ws_connect("/board/live?tab=0123456789abcdef01234567") as live:
        shown: dict[str, str] = {}

        async def read() -> None:
            async for message in live:
                said = json.loads(message.data)
                if said["t"] == "patch":
                    shown[said["part"]] = said["html"]

        reading = asyncio.create_task(read())
        await wait_until(lambda: set(shown) == {"line", "now", "agents", "brakes"})
        await sue.post("/board/do", do="stop", target="all", why="wrong gates")
        await wait_until(lambda: "wrong gates" in shown["brakes"])
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
