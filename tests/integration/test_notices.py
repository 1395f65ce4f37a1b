"""A notice: an operator's words to those who follow something, under the same rules as any news."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.api import brakes as braking
from gateway.api.answers import ANSWERS
from gateway.errors import BadInput, Conflict, NotFound
from gateway.intake.notices import Notices
from gateway.intake.role import make_deps
from gateway.model.personal import Secret
from gateway.store.apikeys import ApiKeys
from gateway.store.fuses import Fuses
from gateway.store.incidents import Crisis, Incidents
from gateway.surface import brake_deps
from tests.integration import commands_stage
from tests.integration.commands_stage import launcher as launcher
from tests.support.core import NUMBER, House, facts_of, open_house
from tests.support.edge import Edge, edge_running

FLIGHT = "flight:ZZ1007/2026-11-22/AMS"
OTHER = "ZZ2002/2026-11-22/AMS"
WORDS = {"en": "please come half an hour early today.", "nl": "kom vandaag een half uur eerder."}


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with edge_running() as made:
        yield made


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, edge: Edge) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, edge.url) as made:
        yield made


async def people(house: House) -> None:
    """101 on one flight, 102 on the other, 103 on both, 104 on the first without consent."""
    first, other = house.leg(), house.leg(OTHER)
    await house.tell(
        house.order(house.recipient(101), house.recipient(104, consents=[]), number="ZX1", itinerary=[first], status="placed"),
        house.order(house.recipient(102), number="ZX2", itinerary=[other], status="placed"),
        house.order(house.recipient(103), number="ZX3", itinerary=[first, other], status="placed"),
    )
    await house.dispatch()


async def states(house: House) -> list[str]:
    return sorted(one.state.value for one in await house.messages() if one.notification == "notice")


async def test_everybody_who_follows_any_of_them_hears_it_once(house: House, edge: Edge) -> None:
    await people(house)
    notices = Notices(house.runtime)
    notice = await notices.made([FLIGHT, f"flight:{OTHER}"], WORDS, "journey")
    to = await notices.audience(notice)
    assert len(to) == 4
    dry = await notices.say(notice, to, who="kim", why="storm", dry=True)
    assert (dry.sent, dry.suppressed, await states(house)) == (3, 1, [])
    said = await notices.say(notice, to, who="kim", why="storm")
    assert (said.sent, said.suppressed) == (3, 1)
    again = await notices.say(notice, await notices.audience(notice), who="lee", why="storm")
    assert (again.sent, again.before) == (0, 4)
    before = len(edge.sent(NUMBER))
    await house.dispatch()
    bodies = [json.dumps(one) for one in edge.sent(NUMBER)[before:]]
    assert len(bodies) == 3
    assert all(WORDS["en"] in one and "notice_v1" in one for one in bodies)
    (fact, *_) = [one for one in await facts_of(house.redis) if one.kind == "noticed"]
    assert (fact.detail["who"], fact.detail["people"]) == ("kim", "4")


async def test_an_area_is_chosen_by_its_postcode(house: House) -> None:
    for number, postcode in ((101, "1012AB"), (102, "9999ZZ")):
        more: dict[str, Any] = {
            "itinerary": None, "kind": "service", "status": "placed",
            "service": {"name": "internet", "area": {"country": "NL", "postcode": postcode}},
        }  # fmt: skip
        await house.tell(house.order(house.recipient(number, purpose="service"), number=f"NX{number}", **more))
    notices = Notices(house.runtime)
    notice = await notices.made(["area:internet/NL/1012"], WORDS, "service")
    (to,) = await notices.audience(notice)
    assert to.contact == await house.find(101)
    assert (await notices.say(notice, [to], who="kim", why="works")).sent == 1


async def test_it_is_of_no_use_after_its_time(house: House) -> None:
    await people(house)
    notices = Notices(house.runtime)
    notice = await notices.made([FLIGHT], WORDS, "journey", house.clock.now_ms() + 60_000)
    await notices.say(notice, await notices.audience(notice), who="kim", why="storm")
    house.pass_ms(120_000)
    await house.dispatch()
    assert set(await states(house)) == {"s", "x"}


async def test_a_crisis_about_the_flight_that_they_follow_holds_it(house: House) -> None:
    await people(house)
    notices = Notices(house.runtime)
    subject = house.runtime.vault.subject_id("flight", OTHER)
    await Incidents(house.redis, house.clock).begin(
        Crisis(subject, (), OTHER, "crisis", "kim", "emergency landing", house.clock.now_ms())
    )
    house.brakes.stale()
    notice = await notices.made([FLIGHT, f"flight:{OTHER}"], WORDS, "journey")
    await notices.say(notice, await notices.audience(notice), who="kim", why="storm")
    await house.dispatch()
    by_person = {one.contact: one.state.value for one in await house.messages() if one.notification == "notice"}
    assert by_person[(await house.contact_of(101)).id] == "a"
    assert by_person[(await house.contact_of(102)).id] == "q"


async def test_a_large_one_is_held_by_the_fuse_and_a_part_goes_first(
    redis: Redis, redis_url: str, data_dir: Path, edge: Edge
) -> None:
    async with open_house(redis_url, data_dir, edge.url, GATEWAY_FUSE_PEOPLE="3") as house:
        leg = house.leg()
        for number in range(101, 106):
            await house.tell(house.order(house.recipient(number), number=f"ZX{number}", itinerary=[leg], status="placed"))
        notices, fuses = Notices(house.runtime), Fuses(redis, house.clock, house.runtime.vault)
        notice = await notices.made([FLIGHT], WORDS, "journey")
        to = await notices.audience(notice)
        with pytest.raises(Conflict, match="fuses release"):
            await notices.say(notice, to, who="kim", why="storm")
        assert await states(house) == []
        (held,) = await fuses.all()
        await fuses.release(held.event, who="kim", why="looked", part=2, second=0)
        assert (await notices.say(notice, to, who="kim", why="storm")).sent == 2
        house.pass_ms(1)
        await fuses.release(held.event, who="kim", why="looked", part=None, second=0)
        said = await notices.say(notice, to, who="kim", why="storm")
        assert (said.sent, said.before) == (3, 2)


async def test_what_cannot_be_done_is_said(house: House) -> None:
    notices = Notices(house.runtime)
    with pytest.raises(NotFound, match="nothing is known"):
        await notices.made(["ZZ9"], WORDS, "journey")
    for subjects, words, purpose, until, told in (
        ([FLIGHT], {}, "journey", 0, "are missing"),
        ([FLIGHT], {"en": "Hello {name}"}, "journey", 0, "no place for a name"),
        ([FLIGHT], WORDS, "offers", 0, "journey or service"),
        ([FLIGHT], WORDS, "journey", 1, "in the future"),
        ([], WORDS, "journey", 0, "1 to 50"),
        (["area:1012"], WORDS, "journey", 0, "an area should be"),
    ):
        with pytest.raises(BadInput, match=told):
            await notices.made(subjects, words, purpose, until)
    notice = await notices.made([FLIGHT], WORDS, "journey")
    with pytest.raises(NotFound, match="nobody follows"):
        await notices.audience(notice)


@pytest.fixture
async def home(data_dir: Path, launcher: commands_stage.Launcher) -> AsyncIterator[commands_stage.House]:
    async with commands_stage.house(data_dir, launcher) as made:
        yield made


@pytest.mark.long
async def test_the_command_says_what_cannot_be_done(home: commands_stage.House) -> None:
    for said, code, told in (
        (("notice", FLIGHT, "--words", "en=hello"), 2, "--why"),
        (("notice", FLIGHT, "--words", "en=hello", "--why", "x", "--yes"), 1, "nobody follows"),
        (("notice", FLIGHT, "--words", "en=Dear <name>", "--why", "x", "--yes"), 1, "no place for a name"),
    ):
        ran = await home.run(*said)
        assert (ran.code, told in ran.err) == (code, True), ran.err


@pytest.mark.long
async def test_the_commands_do_it_from_a_process_of_their_own(
    house: House, data_dir: Path, edge: Edge, redis_url: str, launcher: commands_stage.Launcher
) -> None:
    await people(house)
    await house.dispatch()
    settings = house.runtime.settings
    more = {
        "GATEWAY_ENV": "demo", "GATEWAY_ONLY_TO": "*", "GATEWAY_REDIS_URL": redis_url, "GATEWAY_GRAPH_URL": edge.url,
        "GATEWAY_SENDERS_FILE": str(settings.senders_file), "GATEWAY_BRAND": "zz",
    }  # fmt: skip

    async def run(*words: str) -> commands_stage.Ran:
        return await commands_stage.run(data_dir, *words, launcher=launcher, **more)

    notice = ("notice", FLIGHT, "--words", f"en={WORDS['en']}", "--words", f"nl={WORDS['nl']}", "--why", "storm", "--until", "3d")
    dry = await run(*notice, "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert (dry.code, dry.data["sent"], dry.data["not_sent"], dry.data["done"]) == (0, 2, 1, False), dry.err
    asked = await run(*notice)
    assert (asked.code, "add --yes" in asked.err, await states(house)) == (1, True, [])
    said = await run(*notice, "--yes")
    assert (said.code, "2 are written to; 1 may not be; 0 had it before." in said.out) == (0, True), said.err
    await house.dispatch()
    (event,) = {one.event for one in await house.messages() if one.notification == "notice"}
    correct = ("correct", event, "--words", "en=come at the usual time.", "--why", "it has passed", "--yes")
    for sent, before in ((2, 0), (0, 2)):
        done = await run(*correct, "--json")
        assert done.code == 0, done.err
        assert (done.code, done.data["sent"], done.data["had_it"]) == (0, sent, before), done.err
    outage = await run("notice", "outage:OUT-9", "--words", "en=hello", "--why", "x", "--yes")
    assert (outage.code, "nobody follows" in outage.err) == (1, True)


async def test_the_api_counts_says_and_refuses(house: House) -> None:
    await people(house)
    runtime = house.runtime
    keys = ApiKeys(house.redis, runtime.clock, Secret("k" * 32))
    app = web.Application()
    braking.add_routes(app, brake_deps(runtime, make_deps(runtime, keys)), keys)
    async with TestClient(TestServer(app)) as client:

        async def ask(path: str, **body: Any) -> tuple[int, Any]:
            async with client.post(path, json=body, headers={"X-API-Key": "k" * 32}) as response:
                return response.status, await response.json(content_type=None)

        notice = {"subjects": [FLIGHT], "words": WORDS, "why": "storm"}
        status, counted = await ask("/v1/notices", **notice, dryRun=True)
        assert (status, counted["sent"], counted["done"], await states(house)) == (200, 2, False, [])
        status, said = await ask("/v1/notices", **notice)
        jsonschema.validate(said, ANSWERS["Said"])
        assert (status, said["sent"], said["done"]) == (200, 2, True)
        assert (await ask("/v1/notices", **notice | {"subjects": ["flight:ZZ9/2026-11-22/AMS"]}))[0] == 404
        status, refused = await ask("/v1/notices", **notice | {"words": {"en": "Dear {name}"}})
        assert (status, refused["problems"][0]["field"]) == (422, "words.en")
        await house.dispatch()
        (event,) = {one.event for one in await house.messages() if one.notification == "notice"}
        correction = {"event": event, "words": {"en": "come at the usual time."}, "why": "the storm has passed"}
        status, said = await ask("/v1/corrections", **correction)
        assert (status, said["sent"]) == (200, 2)
        status, said = await ask("/v1/corrections", **correction)
        assert (status, said["sent"], said["had_it"]) == (200, 0, 2)
        assert (await ask("/v1/corrections", **correction | {"event": "e1"}))[0] == 422
