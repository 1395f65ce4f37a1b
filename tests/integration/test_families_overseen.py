"""Families as operators see and steer them: over the API with its rights, by commands in processes of their own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.api import families
from gateway.api.answers import ANSWERS
from gateway.cli import families as command
from gateway.families.overview import Overview
from gateway.insight.fold import Fold
from gateway.insight.history import open_history
from gateway.insight.kinds import say
from gateway.insight.trace import find
from gateway.metrics import Metrics
from gateway.model.family import Family, Joined, Left
from gateway.model.personal import Secret
from gateway.store import keys
from gateway.store.apikeys import ApiKeys
from gateway.store.brakes import BrakeBook
from gateway.store.facts import Facts
from tests.integration import commands_stage
from tests.integration.commands_stage import launcher as launcher
from tests.integration.family_stage import Stage
from tests.support.core import House, facts_of, open_house

ADMIN = "k" * 32
FLIGHT = "ZZ1007/2026-11-22/AMS"
NAMES = ("Opa Jan", "Tante Riet")


def valid(name: str, value: Any) -> None:
    jsonschema.validate(value, {**ANSWERS[name], "components": {"schemas": ANSWERS}})


async def _family(stage: Stage) -> tuple[Family, str]:
    """A family with one member, and who was taken out of it."""
    await stage.travels(1, 2)
    family = await stage.family(1)
    for number, name in ((7, NAMES[0]), (8, NAMES[1])):
        assert await stage.joins(family, number, name=name) is Joined.IN
    gone = (await stage.house.contact_of(8)).id
    await stage.home.leave(family.id, gone, Left.REMOVED)
    return family, gone


async def test_operators_see_families_of_a_flight_without_names_and_steer_them(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        family, _ = await _family(stage)
        await _over_the_api(house, stage, family.id)
        await _in_the_history(house, stage, data_dir, family.id)


async def _in_the_history(house: House, stage: Stage, data_dir: Path, family: str) -> None:
    """What the flight's, the family's and a member's message's stories say of it, and the measures."""
    await house.tell(house.flight("departed"))
    history = await open_history(f"sqlite:///{data_dir / 'seen.db'}")
    try:
        facts, metrics = Facts(house.redis, settle_ms=0), Metrics()
        fold = Fold(facts=facts, history=history, metrics=metrics, clock=house.clock, limit=500)
        await fold.hold(keys.all_partitions())
        while await fold.turn():
            pass
        vault = house.runtime.vault
        flight = await find(f"flight:{FLIGHT}", vault=vault, history=history, facts=facts)
        assert flight.at_home == {"enqueued": 1}, "two travel, one is at home"
        own = await find(family, vault=vault, history=history, facts=facts)
        assert (own.what, own.advice) == ("family", f"families show {family}")
        (told,) = [one for one in await house.messages((await house.contact_of(7)).id) if one.notification == "family_departed"]
        story = await find(told.id, vault=vault, history=history, facts=facts)
        said = [say(fact, str) for fact in story.steps if fact.kind == "enqueued"]
        assert ["purpose family" in one for one in said] == [True]
        found = await history.families(["order_confirmed"], since_ms=0, until_ms=house.clock.now_ms() + 1)
        assert (found.made, found.joined, found.followed, found.largest, found.told) == (1, 2, 1, 2, 1)
        assert (found.left, found.per_pass, found.per_family, found.stopped) == ({"removed": 1}, 0.5, 2.0, 0.0)
        assert b'family_members_left_total{why="removed"} 1.0' in metrics.text()
    finally:
        await history.close()


@pytest.mark.long
async def test_commands_show_a_family_ask_before_they_end_it_and_its_members_are_told(
    redis: Redis, redis_url: str, data_dir: Path, launcher: commands_stage.Launcher
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        family, gone = await _family(stage)
        await _by_commands(house, stage, data_dir, redis_url, launcher, family.id, gone)


async def _over_the_api(house: House, stage: Stage, family: str) -> None:
    runtime = house.runtime
    api_keys = ApiKeys(house.redis, runtime.clock, Secret(ADMIN))
    reader = (await api_keys.make("reader", ["contacts:read"])).reveal()
    stranger = (await api_keys.make("stranger", ["messages:read"])).reveal()
    overview = Overview(runtime.subjects.families, runtime.contacts, runtime.subjects)
    app = web.Application()
    families.add_routes(app, families.FamilyDeps(overview, BrakeBook(house.redis, house.clock), runtime.vault), api_keys)
    async with TestClient(TestServer(app)) as client:

        async def ask(path: str, key: str = ADMIN, body: Any = None) -> tuple[int, Any]:
            call = client.get(path, headers={"X-API-Key": key}) if body is None else client.post(
                path, json=body, headers={"X-API-Key": key}
            )  # fmt: skip
            async with call as response:
                return response.status, await response.json(content_type=None)

        assert (await ask(f"/v1/families?flight={FLIGHT}", stranger))[0] == 403
        status, found = await ask(f"/v1/families?flight={FLIGHT}", reader)
        assert (status, [one["id"] for one in found["families"]], found["more"]) == (200, [family], False)
        valid("Families", found)
        (one,) = found["families"]
        assert (one["state"], one["door"], one["count"], one["taken_out"], one["group"]) == ("lasts", "open", 1, 1, False)
        (member,) = one["members"]
        assert (member["channel"], member["reached"], member["name"], member["to"]) == ("whatsapp", True, None, [])
        assert not any(name in str(found) or "7700900" in str(found) for name in NAMES), "nobody's name or number"
        # By the order: its number in a body, our id of it in the URL, never the number.
        by_number = {"subject": "order:ZX7K2P"}
        assert (await ask("/v1/families/search", reader, by_number))[1]["families"] == found["families"]
        assert (await ask(f"/v1/families?subject={one['order']}", reader))[1]["families"] == found["families"]
        for wrong in ("", "?order=ZX7K2P", "?subject=ZX7K2P", f"?flight={FLIGHT}&trip=x"):
            assert (await ask(f"/v1/families{wrong}", reader))[0] == 422
        assert (await ask("/v1/families?flight=ZZ1/2026-11-22/AMS", reader))[1]["families"] == []
        # Names only for who may see them.
        path = f"/v1/families/{family}"
        assert (await ask(f"{path}?reveal=true", reader))[0] == 403
        status, whole = await ask(f"{path}?reveal=true")
        valid("Family", whole)
        assert (whole["members"][0]["name"], "+447700900007" in whole["members"][0]["to"]) == ("Opa Jan", True)
        # Steered by who may, and no further than there is something to steer.
        assert (await ask(f"{path}/close", reader, {"why": "x"}))[0] == 403
        status, closed = await ask(f"{path}/close", body={"why": "posted in public"})
        assert (status, closed["door"], closed["count"]) == (200, "closed", 1)
        assert await stage.joins(await stage.standing(await stage.family(1)), 9) is Joined.CLOSED
        assert (await ask(f"{path}/open", body={"why": "a mistake"}))[1]["door"] == "open"
        assert (await ask(f"{path}/open", body={}))[0] == 422
        assert (await ask(f"{path}/paint", body={"why": "x"}))[0] == 404
        assert (await ask("/v1/families/j00aaaaaaaaaaa", reader))[0] == 404
    said = [(fact.detail["what"], fact.detail["who"], fact.detail["why"]) for fact in await facts_of(house.redis)
            if fact.kind == "family_steered"]  # fmt: skip
    assert [what for what, _, _ in said] == ["close", "open"]
    assert said[0][2] == "posted in public"


async def _by_commands(
    house: House, stage: Stage, data_dir: Path, redis_url: str, launcher: commands_stage.Launcher, family: str, gone: str
) -> None:
    more = {
        "GATEWAY_ENV": "demo", "GATEWAY_ONLY_TO": "*", "GATEWAY_REDIS_URL": redis_url,
        "GATEWAY_SENDERS_FILE": str(house.runtime.settings.senders_file), "GATEWAY_BRAND": "zz",
    }  # fmt: skip

    async def run(*words: str) -> commands_stage.Ran:
        return await commands_stage.run(data_dir, "families", *words, launcher=launcher, **more)

    measured = await commands_stage.run(data_dir, "report", "families", "--from", "1h", launcher=launcher, **more)
    assert (measured.code, "families begun" in measured.out) == (0, True), measured.err
    listed = await run("list", f"flight:{FLIGHT}")
    assert (listed.code, family in listed.out, "1 of 20" in listed.out) == (0, True, True), listed.err
    shown = await run("show", family)
    assert (shown.code, gone in shown.out, "removed" in shown.out, "Opa Jan" in shown.out) == (0, True, True, False), shown.err
    assert "Opa Jan" in (await run("show", family, "--reveal")).out
    unsure = await run("end", family, "--why", "asked for")
    assert (unsure.code, "1 member" in unsure.err) == (1, True), "nobody was there to say yes"
    ended = await run("end", family, "--why", "asked for", "--yes", "--json")
    assert (ended.code, ended.data["state"], ended.data["why"]) == (0, "ending", "operator"), ended.err
    assert await stage.looks() == 1
    assert await stage.said(7, "family_ended"), "whoever was in is told that it is over"
    after = (await run("show", family, "--json")).data
    assert (after["state"], after["count"], [one["why"] for one in after["left"]]) == ("ended", 0, ["removed"])
    assert (await run("open", family, "--why", "too late")).code == 1


@pytest.mark.parametrize("words", [("show", "Opa"), ("close", "j00aaaaaaaaaaa"), ("list", "+447700900123"), ("paint",), ()])
def test_what_is_typed_wrongly_ends_with_the_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="main.py")
    command.add_parser(parser.add_subparsers())
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["families", *words])
    assert (ended.value.code, "usage:" in capsys.readouterr().err) == (2, True)
