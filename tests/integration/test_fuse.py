"""The fuse: what would reach too many waits, whole, until somebody says how it goes on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.api import brakes as braking
from gateway.errors import Conflict, NotFound
from gateway.intake.role import make_deps, make_expander, make_firing
from gateway.model.event import BusinessEvent
from gateway.model.ids import EventId, SubjectId, random_id
from gateway.model.personal import Secret
from gateway.rules.fuse import LEAST_HOURS
from gateway.store import keys
from gateway.store.apikeys import ApiKeys
from gateway.store.fuses import Fuses, Held
from gateway.surface import brake_deps
from tests.integration import commands_stage
from tests.integration.commands_stage import launcher as launcher
from tests.support.core import House, facts_of, iso, open_house

PEOPLE = 60


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, GATEWAY_FUSE_PEOPLE="50", GATEWAY_FUSE_SECOND_PERSON="1000") as made:
        yield made


@pytest.fixture
def fuses(house: House) -> Fuses:
    return Fuses(house.redis, house.clock, house.runtime.vault)


async def flight_with(house: House, people: int = PEOPLE, entity: str = "ZZ1007/2026-11-22/AMS", first: int = 100) -> None:
    leg = house.leg(entity)
    for begin in range(first, first + people, 20):
        some = [house.recipient(number) for number in range(begin, min(begin + 20, first + people))]
        await house.tell(house.order(*some, number=f"ZX{begin}", itinerary=[leg], status="placed"))


async def told(house: House, event: BusinessEvent) -> Counter[str]:
    """People told of an event, by notification; nobody twice."""
    found = [(one.contact, one.notification) for one in await house.messages() if one.event == event.id]
    assert len(set(found)) == len(found)
    return Counter(name for _, name in found)


async def again(house: House, event: BusinessEvent) -> None:
    assert await house.runtime.events.reopen(event.id)
    await house.expand()


async def test_what_would_reach_too_many_is_held_and_said_and_nothing_of_it_is_lost(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    assert await told(house, late) == {}
    (held,) = await fuses.all()
    assert (held.event, held.people, held.why, held.limit, held.state) == (late.id, PEOPLE, "number", 50, "held")
    (fact,) = [one for one in await facts_of(house.redis) if one.kind == "fuse"]
    assert (fact.id_of("e"), fact.detail["people"]) == (late.id, str(PEOPLE))
    assert house.runtime.metrics.registry.get_sample_value("thuisfront_fuses_blown_total", {"why": "number"}) == 1
    await again(house, late)
    assert await told(house, late) == {}
    await fuses.release(late.id, who="kim", why="looked", part=None, second=1000)
    await again(house, late)
    assert await told(house, late) == {"flight_delayed": PEOPLE}
    # What the day brings by itself has the same crowd.
    assert (await make_firing(house.runtime).turn(keys.all_partitions()))[0] == 1
    await house.expand()
    held = next(one for one in await fuses.all() if one.event != late.id)
    assert (held.people, held.why, held.notifications) == (PEOPLE, "number", ("checkin_open",))
    assert "checkin_open" not in [one.notification for one in await house.messages()]
    await fuses.release(held.event, who="kim", why="looked", part=None, second=1000)
    assert await house.runtime.events.reopen(held.event)
    await house.expand()
    assert Counter(one.notification for one in await house.messages())["checkin_open"] == PEOPLE


async def test_a_process_that_ends_meanwhile_changes_nothing(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    other = make_expander(house.runtime)
    await house.runtime.events.reopen(late.id)
    await house.expand(other)
    assert await told(house, late) == {}
    await fuses.release(late.id, who="kim", why="looked", part=None, second=1000)
    await house.runtime.events.reopen(late.id)
    await asyncio.gather(house.expand(other), house.expand(make_expander(house.runtime)))
    assert await told(house, late) == {"flight_delayed": PEOPLE}
    house.pass_ms(60_000)
    await house.expand()
    house.pass_ms(60_000)
    await house.expand(other)
    assert await fuses.all() == [] or (await fuses.all())[0].state == "released"


async def test_other_flights_pass_by(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    await flight_with(house, 5, "ZZ2002/2026-11-22/AMS", 300)
    late = house.flight(late_min=60)
    gate = house.flight("scheduled", gate="D1", entity="ZZ2002/2026-11-22/AMS")
    await house.tell(late, gate, house.flight("scheduled", gate="D2", entity="ZZ2002/2026-11-22/AMS"))
    assert len(await fuses.all()) == 1
    assert Counter(one.notification for one in await house.messages())["gate_changed"] >= 5


async def test_a_part_is_let_through_then_another_then_the_rest(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    for part, expected in ((10, 10), (30, 40)):
        released, _ = await fuses.release(late.id, who="kim", why="a few first", part=part, second=1000)
        assert released
        await again(house, late)
        assert await told(house, late) == {"flight_delayed": expected}
        (held,) = await fuses.all()
        assert (held.state, held.reached) == ("part", expected)
        house.pass_ms(1000)
    await fuses.release(late.id, who="kim", why="all is well", part=None, second=1000)
    await again(house, late)
    assert await told(house, late) == {"flight_delayed": PEOPLE}


async def test_what_is_discarded_tells_nobody_and_no_newcomer_either(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    await fuses.discard(late.id, who="kim", why="a mistake of the source")
    await again(house, late)
    await house.tell(house.order(house.recipient(900), number="ZX9", status="placed"))
    assert await told(house, late) == {}
    assert await fuses.all() == []
    with pytest.raises(NotFound):
        await fuses.release(late.id, who="kim", why="after all", part=None, second=0)


@pytest.mark.long
async def test_who_subscribes_while_it_is_held_is_told_once_when_it_is_released(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    await house.tell(house.order(house.recipient(900), number="ZX9", status="placed"))
    assert await told(house, late) == {}
    await fuses.release(late.id, who="kim", why="looked", part=None, second=1000)
    await again(house, late)
    await house.tell(house.order(house.recipient(901), number="ZX10", status="placed"))
    assert await told(house, late) == {"flight_delayed": PEOPLE + 2}


async def test_its_deadlines_keep_running(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    house.pass_ms(12 * 3600_000)
    await fuses.release(late.id, who="kim", why="too late, as it turns out", part=None, second=1000)
    await again(house, late)
    assert {(one.state.value, one.reason) for one in await house.messages() if one.event == late.id} == {("s", "expired")}


async def test_newer_news_goes_first_and_what_was_held_is_not_told_after_it(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late, later = house.flight(late_min=60), house.flight(late_min=120)
    await house.tell(late, later)
    for event in (later, late):
        await fuses.release(event.id, who="kim", why="looked", part=None, second=1000)
        await again(house, event)
    states = {(one.event, one.state.value) for one in await house.messages()}
    assert states == {(later.id, "q"), (late.id, "r")}


async def test_above_the_second_number_two_people_must_agree_on_the_same(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    released, held = await fuses.release(late.id, who="kim", why="looked", part=None, second=55)
    assert (released, held.asked.who if held.asked else "") == (False, "kim")
    house.pass_ms(1000)
    with pytest.raises(Conflict, match="somebody else"):
        await fuses.release(late.id, who="kim", why="really", part=None, second=55)
    released, _ = await fuses.release(late.id, who="lee", why="only a part", part=58, second=55)
    assert not released  # another question: the first one was for all of them
    await again(house, late)
    assert await told(house, late) == {}
    released, _ = await fuses.release(late.id, who="kim", why="agreed", part=58, second=55)
    assert released
    released, _ = await fuses.release(late.id, who="kim", why="five more need no second", part=1, second=55)
    assert released
    await again(house, late)
    assert await told(house, late) == {"flight_delayed": 59}


async def test_of_two_who_release_in_one_moment_one_asks_and_the_other_confirms(house: House, fuses: Fuses) -> None:
    await flight_with(house)
    late = house.flight(late_min=60)
    await house.tell(late)
    answers = await asyncio.gather(
        *(fuses.release(late.id, who=who, why="looked", part=None, second=55) for who in ("kim", "lee"))
    )
    assert sorted(released for released, _ in answers) == [False, True]
    with pytest.raises(Conflict, match="released already"):
        await fuses.release(late.id, who="max", why="late", part=None, second=55)
    with pytest.raises(Conflict, match="released already"):
        await fuses.discard(late.id, who="max", why="late")


@pytest.mark.long
async def test_ten_times_the_usual_hour_is_held_too(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with open_house(redis_url, data_dir) as house:
        await flight_with(house, 120)
        fuses = Fuses(house.redis, house.clock, house.runtime.vault)
        for back in range(1, LEAST_HOURS + 1):
            await redis.hset(keys.usual("flight_delayed"), str(fuses.hour() - back), "3")
        await redis.pexpire(keys.usual("flight_delayed"), 10**6)
        late = house.flight(late_min=60)
        await house.tell(late)
        (held,) = await fuses.all()
        assert (held.why, held.limit, held.people) == ("unusual", 30, 120)


async def test_what_is_let_through_becomes_what_is_usual(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with open_house(redis_url, data_dir) as house:
        await flight_with(house, 30)
        await house.tell(house.flight(late_min=60), house.flight(late_min=120))
        fuses = Fuses(house.redis, house.clock, house.runtime.vault)
        assert (await fuses.hours(["flight_delayed"]))["flight_delayed"] == {fuses.hour(): 60}


async def test_an_event_that_is_taken_up_again_counts_once_to_what_is_usual(house: House, fuses: Fuses) -> None:
    async def count() -> dict[int, int]:
        return (await fuses.hours(["flight_delayed"]))["flight_delayed"]

    first, second = "e07aaaaaaaaaaaaaaaa", "e07bbbbbbbbbbbbbbbb"
    other = Fuses(house.redis, house.clock, house.runtime.vault)
    await asyncio.gather(*(one.told(["flight_delayed"], 600, first) for one in (fuses, other, fuses)))
    hour = fuses.hour()
    assert await count() == {hour: 600}
    await other.told(["flight_delayed", "flight_rescheduled"], 40, second)
    assert await count() == {hour: 640}
    house.clock.offset_ms += keys.DAY_MS
    await fuses.told(["flight_delayed"], 600, first)
    assert await count() == {hour: 640}, "over midnight too"
    for people in (5, 5):
        await fuses.told(["flight_delayed"], people)
    assert await count() == {hour: 640, hour + 24: 10}, "without an event each counts"


async def test_a_large_event_that_a_second_process_takes_up_again_counts_once(house: House, fuses: Fuses) -> None:
    await flight_with(house, 40)
    late = house.flight(late_min=60)
    await house.tell(late)
    for _ in range(2):
        await house.runtime.events.reopen(late.id)
        await house.expand(make_expander(house.runtime))
    assert sum((await told(house, late)).values()) == 40
    assert list((await fuses.hours(["flight_delayed"]))["flight_delayed"].values()) == [40]


async def test_an_outage_is_held_before_its_cells_know_of_it(house: House, fuses: Fuses) -> None:
    service = {"name": "internet", "area": {"country": "NL", "postcode": "1012AB"}}
    for begin in range(100, 160, 20):
        people = [house.recipient(number, purpose="service") for number in range(begin, begin + 20)]
        await house.tell(house.order(*people, number=f"NX{begin}", itinerary=None, service=service, status="placed"))
    outage = {"outageId": "OUT-1", "service": "internet", "status": "confirmed", "affected": {"postcodes": ["1012"]}}
    event = house.event_of("outage.status", "OUT-1", outage)
    await house.tell(event)
    more = house.order(house.recipient(900, purpose="service"), number="NX9", itinerary=None, service=service, status="placed")
    await house.tell(more)
    assert await told(house, event) == {}
    await fuses.release(event.id, who="kim", why="looked", part=None, second=1000)
    await again(house, event)
    assert await told(house, event) == {"outage_started": 61}


# as a command and over the API


@asynccontextmanager
async def served(house: House) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    runtime = house.runtime
    api_keys = ApiKeys(house.redis, runtime.clock, Secret("k" * 32))
    app = web.Application()
    braking.add_routes(app, brake_deps(runtime, make_deps(runtime, api_keys)), api_keys)
    async with TestClient(TestServer(app)) as client:
        yield client


async def ask(
    client: TestClient[web.Request, web.Application], method: str, path: str, body: object = None, key: str = "k" * 32
) -> tuple[int, Any]:
    async with client.request(method, path, json=body, headers={"Authorization": f"Bearer {key}"}) as response:
        return response.status, await response.json(content_type=None)


async def test_two_keys_release_what_one_may_not(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with open_house(
        redis_url, data_dir, GATEWAY_FUSE_PEOPLE="50", GATEWAY_FUSE_SECOND_PERSON="55"
    ) as house, served(house) as client:
        other = (await ApiKeys(redis, house.clock, None).make("supervisor", ["admin"])).reveal()
        barred = (await ApiKeys(redis, house.clock, None).make("source", ["events"])).reveal()
        await flight_with(house)
        late = house.flight(late_min=60)
        status, rehearsed = await ask_dry_run(client, late)
        assert (status, rehearsed["fuse"]) == (200, "60 people, more than 50")
        await house.tell(late)
        status, listed = await ask(client, "get", "/v1/fuses")
        assert [(one["event"], one["people"], one["state"]) for one in listed["fuses"]] == [(late.id, 60, "held")]
        path = f"/v1/fuses/{late.id}/release"
        assert (await ask(client, "post", path, {"why": "looked"}, barred))[0] == 403
        assert (await ask(client, "post", path, {"why": ""}))[0] == 422
        assert (await ask(client, "post", path, {"why": "looked"}))[0] == 202
        house.pass_ms(1000)
        status, told_off = await ask(client, "post", path, {"why": "looked"})
        assert (status, "somebody else" in told_off["detail"]) == (409, True)
        assert (await ask(client, "post", path, {"why": "looked"}, other))[0] == 200
        await house.expand()
        assert await told(house, late) == {"flight_delayed": PEOPLE}
        assert (await ask(client, "post", f"/v1/fuses/{late.id}/discard", {"why": "late"}))[0] in (404, 409)
        assert (await ask(client, "post", "/v1/fuses/nonsense/discard", {"why": "late"}))[0] == 404


async def ask_dry_run(client: TestClient[web.Request, web.Application], event: BusinessEvent) -> tuple[int, Any]:
    value = {
        "specversion": "1.0", "id": event.external_id, "source": event.source, "subject": event.subject,
        "type": f"org.example.{event.type.value}.v1", "time": iso(event.occurred_at_ms), "data": dict(event.data),
    }  # fmt: skip
    headers = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {'k' * 32}"}
    async with client.post("/v1/events/dry-run", data=json.dumps(value), headers=headers) as response:
        return response.status, await response.json(content_type=None)


@pytest.fixture
async def home(data_dir: Path, launcher: commands_stage.Launcher) -> AsyncIterator[commands_stage.House]:
    async with commands_stage.house(data_dir, launcher) as made:
        yield made


@pytest.mark.long
async def test_the_commands_list_ask_release_and_refuse(home: commands_stage.House) -> None:
    event, subject = EventId(random_id("e", 3)), SubjectId(random_id("j", 4))
    fuses = Fuses(home.redis, home.clock, home.vault)
    assert "Nothing is held" in (await home.run("fuses", "list")).out
    await fuses.blow(Held(event, subject, ("flight_delayed",), 60_000, "number", 10_000, home.clock.now_ms()))
    assert "60,000 people, more than 10,000" in (await home.run("fuses", "list")).out
    asked = await home.run("fuses", "release", event, "--why", "looked", "--who", "kim")
    assert (asked.code, "add --yes" in asked.err) == (1, True)
    asked = await home.run("fuses", "release", event, "--why", "looked", "--who", "kim", "--yes")
    assert (asked.code, "Somebody else confirms" in asked.out) == (0, True)
    own = await home.run("fuses", "release", event, "--why", "looked", "--who", "kim", "--yes")
    assert (own.code, "somebody else" in own.err) == (1, True)
    part = await home.run("fuses", "release", event, "--part", "100", "--why", "a few", "--who", "kim", "--yes")
    assert (part.code, "Released: 100 people" in part.out) == (0, True)
    assert (await home.run("fuses", "discard", event, "--why", "a test", "--yes", "--json")).data["state"] == "discarded"
    unknown = await home.run("fuses", "release", random_id("e", 1), "--why", "x", "--yes")
    assert (unknown.code, "no such event is held" in unknown.err) == (1, True)
    assert (await home.run("fuses", "release", "e1", "--why", "x", "--yes")).code == 1
