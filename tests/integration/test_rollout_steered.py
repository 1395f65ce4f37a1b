"""Roll-outs steered by people: over the API with its rights, and by commands in processes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.api import rollouts
from gateway.api.answers import ANSWERS
from gateway.clock import Clock
from gateway.model.personal import Secret
from gateway.store.apikeys import ApiKeys
from gateway.store.rollouts import Rollouts
from tests.integration import commands_stage
from tests.integration.commands_stage import launcher as launcher
from tests.support.core import House, facts_of, open_house

ADMIN = "k" * 32
Run = Callable[..., Awaitable[commands_stage.Ran]]


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


def valid(name: str, value: Any) -> None:
    jsonschema.validate(value, {**ANSWERS[name], "components": {"schemas": ANSWERS}})


async def test_the_api_steers_a_roll_out_and_says_what_cannot_be_one(house: House) -> None:
    runtime = house.runtime
    keys = ApiKeys(house.redis, runtime.clock, Secret(ADMIN))
    reader = (await keys.make("reader", ["messages:read"])).reveal()
    app = web.Application()
    deps = rollouts.RolloutDeps(Rollouts(house.redis, runtime.clock), runtime.catalogue, runtime.directory)
    rollouts.add_routes(app, deps, keys)
    async with TestClient(TestServer(app)) as client:

        async def ask(path: str, key: str = ADMIN, **body: Any) -> tuple[int, Any]:
            async with client.post(path, json=body, headers={"X-API-Key": key}) as response:
                return response.status, await response.json(content_type=None)

        body = {
            "name": "check-in", "notifications": ["checkin_open"], "from": "AMS", "holdOut": 5, "why": "new",
            "stages": [{"share": 10, "hours": 24, "people": 100}, {"share": 30, "hours": 24}],
        }  # fmt: skip
        assert (await ask("/v1/rollouts", reader, **body))[0] == 403
        assert (await ask("/v1/rollouts", "unknown", **body))[0] == 401
        for wrong, told in (
            ({"notifications": ["ticket_issued"]}, "ticket_issued goes to everybody, and holds nobody out: it brings a document"),
            ({"notifications": ["flight_cancelled"]}, "the law wants it said"),
            ({"notifications": ["correction"]}, "rollout: never"),
            ({"notifications": ["nonsense"]}, "no notification nonsense"),
            ({"senders": ["nobody"]}, "no nobody; there are"),
            ({"stages": [{"share": 30, "hours": 1}, {"share": 10, "hours": 1}]}, "should rise"),
            ({"stages": []}, "a share, or stages"),
        ):
            status, refused = await ask("/v1/rollouts", **{**body, **wrong})
            assert (status, told in str(refused["problems"])) == (422, True), refused
        assert await Rollouts(house.redis, Clock()).all() == []

        status, made = await ask("/v1/rollouts", **body)
        assert (status, made["share"], made["next"], made["state"], made["revision"]) == (201, 10, 30, "running", 1)
        valid("Rollout", made)
        assert made["about"] == {"notifications": ["checkin_open"], "from": "AMS"}
        assert "seed" not in made
        assert (await ask("/v1/rollouts", **body))[0] == 409

        one = "/v1/rollouts/check-in"
        status, up = await ask(f"{one}/raise", share=20, revision=1, why="fine")
        assert (status, up["share"], up["revision"], up["ended"]) == (200, 20, 2, False)
        valid("RolloutMoved", up)
        assert (await ask(f"{one}/raise", share=40, revision=1, why="did not look"))[0] == 409
        assert (await ask(f"{one}/raise", share=15, why="not more"))[0] == 422
        assert (await ask(f"{one}/raise", why="how far"))[0] == 422
        assert (await ask(f"{one}/hold", why="wait"))[1]["state"] == "held"
        assert (await ask(f"{one}/raise", share=50, why="held"))[0] == 409
        assert (await ask(f"{one}/resume", why="go"))[1]["state"] == "running"
        assert (await ask(f"{one}/lower", share=5.5, why="less"))[1]["share"] == 5.5
        assert (await ask(f"{one}/paint", why="x"))[0] == 404
        assert (await ask(f"{one}/end", why="everybody"))[1]["ended"] is True
        assert (await ask(f"{one}/end", why="again"))[0] == 404
        async with client.get("/v1/rollouts", headers={"X-API-Key": ADMIN}) as response:
            assert await response.json() == {"rollouts": []}
    facts = [(fact.kind, fact.detail["why"]) for fact in await facts_of(house.redis) if fact.kind.startswith("rollout")]
    assert facts == [
        ("rollout_started", "new"), ("rollout_raised", "fine"), ("rollout_held", "wait"), ("rollout_resumed", "go"),
        ("rollout_lowered", "less"), ("rollout_ended", "everybody"),
    ]  # fmt: skip


def runner(house: House, data_dir: Path, redis_url: str, launcher: commands_stage.Launcher) -> Run:
    more = {
        "GATEWAY_ENV": "demo", "GATEWAY_ONLY_TO": "*", "GATEWAY_REDIS_URL": redis_url,
        "GATEWAY_SENDERS_FILE": str(house.runtime.settings.senders_file), "GATEWAY_BRAND": "zz",
    }  # fmt: skip

    async def run(*words: str) -> commands_stage.Ran:
        return await commands_stage.run(data_dir, "rollout", *words, launcher=launcher, **more)

    return run


START = ("start", "check-in", "--notification", "checkin_open", "--stages", "10:24h:100,30:1d", "--why", "new")


async def test_a_command_asks_how_many_before_it_starts_one(
    house: House, data_dir: Path, redis_url: str, launcher: commands_stage.Launcher
) -> None:
    run = runner(house, data_dir, redis_url, launcher)
    asked = await run(*START)
    assert (asked.code, "add --yes" in asked.err, "was for 0 people" in asked.err) == (1, True, True), asked.err
    begun = await run(*START, "--who", "ann", "--yes", "--json")
    assert (begun.code, begun.data["share"], begun.data["who"]) == (0, 10, "ann"), begun.err


@pytest.mark.long
async def test_commands_refuse_a_ticket_and_of_two_at_once_one_is_told_so(
    house: House, data_dir: Path, redis_url: str, launcher: commands_stage.Launcher
) -> None:
    run = runner(house, data_dir, redis_url, launcher)
    ticket = await run("start", "t", "--notification", "ticket_issued", "--share", "50", "--hold-out", "5", "--why", "x", "--yes")
    warm = ("start", "new-number", "--notification", "checkin_open", "--warm-up", "5000", "--why", "new", "--yes", "--json")
    blind = await run(*warm)
    assert (blind.code, "no limit of these senders is known" in blind.err) == (1, True), blind.err
    await house.runtime.senders.set_state(house.runtime.directory.ids[0], {"tier": 250})
    made = await run(*warm)
    assert (made.code, made.data["share"], made.data["next"]) == (0, 4, 8), made.err
    assert (await run("end", "new-number", "--why", "seen", "--yes")).code == 0
    assert (ticket.code, "it brings a document" in ticket.err) == (1, True), ticket.err
    assert (await run(*START, "--yes")).code == 0
    both = await asyncio.gather(*(run("raise", "check-in", share, "--why", "w", "--yes") for share in ("20", "20")))
    assert sorted(one.code for one in both) == [0, 1], [one.err for one in both]
    shown = await run("show", "check-in", "--json")
    assert (shown.code, shown.data["share"], shown.data["revision"]) == (0, 20, 2), shown.err
    assert shown.data["measures"]["told"] == 0
    said = await run("show", "check-in")
    assert said.code == 0, said.err
    assert "asked within 48 h" in said.out
    assert "not told yet: 0. Of 0 messages 0 failed (-); 0 of the told stopped news (-)." in said.out
    listed = await run("show")
    assert (listed.code, "check-in  20 %   30 %" in listed.out) == (0, True), listed.out
    ended = await run("end", "check-in", "--why", "done", "--yes")
    assert (ended.code, "everybody is told" in ended.out) == (0, True), ended.err


@pytest.mark.long
async def test_to_tell_fewer_does_not_wait_for_a_history_that_does_not_answer(
    house: House, data_dir: Path, redis_url: str, launcher: commands_stage.Launcher
) -> None:
    run = runner(house, data_dir, redis_url, launcher)
    assert (await run(*START, "--yes")).code == 0
    for path in data_dir.glob("history.db*"):
        path.unlink()
    (data_dir / "history.db").write_text("no database " * 1000)
    asked = await run("lower", "check-in", "5", "--why", "bad")
    assert (asked.code, "How many people it is about is not known: the history database" in asked.err) == (1, True), asked.err
    lowered = await run("lower", "check-in", "5", "--why", "bad", "--yes")
    assert (lowered.code, "check-in: 5 %, running." in lowered.out) == (0, True), lowered.err
    shown = await run("show", "check-in")
    assert (shown.code, "check-in  5 %" in shown.out, "is not known" in shown.err) == (1, True, True), shown.err + shown.out
    assert (await run("show", "check-in", "--json")).data["measures"] is None
