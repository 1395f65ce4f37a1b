"""A dry run: what an event would do, in numbers and examples, and nothing of it done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.api import brakes as braking
from gateway.api.answers import ANSWERS
from gateway.intake.dryrun import FREE_TEXT, DryRun, Rehearsal
from gateway.intake.dryrun_show import as_json, as_lines
from gateway.intake.role import make_deps
from gateway.model.event import BusinessEvent
from gateway.model.personal import Secret
from gateway.store import bulk, keys
from gateway.store.apikeys import ApiKeys
from gateway.store.readonly import READINGS, WouldWrite, names_in, reading
from gateway.surface import brake_deps
from tests.integration import commands_stage
from tests.integration.commands_stage import launcher as launcher
from tests.support.core import HOUR_MS, House, iso, open_house


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


async def everything(redis: Redis) -> dict[bytes, Any]:
    """Every key with its content, as the server itself would move it. In a hash the order is no content: reading changes it."""
    names = sorted([name async for name in redis.scan_iter(count=1000)])
    hashes = {name for name in names if await redis.type(name) == b"hash"}
    return {name: await redis.hgetall(name) if name in hashes else await redis.dump(name) for name in names}


async def rehearsed(house: House, event: BusinessEvent) -> DryRun:
    """A dry run, held against a store that did not change."""
    before = await everything(house.redis)
    found = await Rehearsal(house.runtime).of(event)
    assert await everything(house.redis) == before
    return found


async def as_planned(house: House, event: BusinessEvent) -> Counter[tuple[str, str, str]]:
    """(notification, state, reason) of what the event made when it was really told."""
    await house.tell(event)
    return Counter((one.notification, one.state.value, one.reason) for one in await house.messages() if one.event == event.id)


def as_rehearsed(found: DryRun) -> Counter[tuple[str, str, str]]:
    letters = {"queued": "q", "later": "q", "suppressed": "s", "replaced": "r", "ended": "e"}
    return Counter((one.notification, letters[one.answer], one.reason) for one in found.lines if one.answer != "exists")


async def test_a_delay_is_counted_and_nothing_of_it_is_kept(house: House) -> None:
    await house.tell(house.order(*(house.recipient(number) for number in range(101, 140))))
    late = house.flight(late_min=60)
    found = await rehearsed(house, late)
    assert (found.people, found.looked_at, found.older) == (39, 39, False)
    assert found.counts() == {("flight_delayed", "whatsapp", "en", "queued", "flight_delayed_v1", ""): 39}
    assert found.seconds is not None
    assert 0 < found.seconds < 60
    assert as_rehearsed(found) == await as_planned(house, late)


async def test_the_moments_that_an_event_would_set_move_or_drop_are_told(house: House) -> None:
    async def looked(event: BusinessEvent) -> list[str]:
        """What the dry run says, held against what the event then does."""
        found = await rehearsed(house, event)
        before = await due()
        await house.tell(event)
        wanted = before | {one.name: one.due_ms for one in found.moments}
        assert {name: at for name, at in wanted.items() if at is not None} == await due()
        assert all(before.get(one.name) == one.was_ms for one in found.moments)
        return [line for line in as_lines(as_json(found)) if "for 20" in line]

    async def due() -> dict[str, int | None]:
        flight = house.runtime.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
        rows: Any = await house.redis.zrange(keys.beside(flight, "timers"), 0, -1, withscores=True)
        return {name.decode().partition(":")[2]: int(at) for name, at in rows}

    def leaves(hours: int) -> dict[str, Any]:
        return {"departure": {"scheduled": iso(house.began_ms + hours * HOUR_MS)}}

    order = house.order(house.recipient(101), itinerary=[house.leg() | {"times": leaves(60)}])
    assert "check in opens: would be set for" in " ".join(await looked(order))
    moved = await looked(house.flight("scheduled", times=leaves(84)))
    assert len(moved) == 3
    assert all(", and not for 20" in line for line in moved)
    assert all("would not come any more" in line for line in await looked(house.flight("cancelled", times=leaves(84))))


async def test_an_order_with_people_nobody_knows_yet_is_told_as_it_would_be(house: House) -> None:
    await house.tell(house.flight(late_min=60))
    order = house.order(house.recipient(101), house.recipient(102, proof=None), house.recipient(103, consents=[]))
    found = await rehearsed(house, order)
    assert {one.notification for one in found.lines} >= {"order_confirmed", "flight_delayed", "address_check"}
    planned = await as_planned(house, order)
    welcomed = Counter(one for one in (await _all(house)).elements() if one[0] in ("flight_delayed", "address_check"))
    rehearsal = as_rehearsed(found)
    assert Counter({one: count for one, count in rehearsal.items() if one[0] == "order_confirmed"}) == Counter(
        {one: count for one, count in planned.items() if one[0] == "order_confirmed"}
    )
    assert Counter({one: count for one, count in rehearsal.items() if one[0] != "order_confirmed"}) == welcomed


async def _all(house: House) -> Counter[tuple[str, str, str]]:
    return Counter((one.notification, one.state.value, one.reason) for one in await house.messages())


async def test_an_older_event_would_tell_nobody(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40, version=7))
    found = await rehearsed(house, house.flight("cancelled", version=6))
    assert found.older
    assert found.lines == ()


async def test_what_waits_and_would_be_taken_out_is_counted(house: House) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)), house.flight(late_min=40))
    found = await rehearsed(house, house.flight("cancelled"))
    assert found.takes_out == 2
    assert found.people == 2
    # What is over for a whole order, or has landed, asks for a look at families: not while it is only rehearsed.
    over = await rehearsed(house, house.order(status="cancelled", version=9, recipients=None))
    assert over.people == 2
    assert (await rehearsed(house, house.flight("arrived", version=9))).looked_at == 2


async def test_a_window_that_is_open_makes_it_free_text(house: House) -> None:
    await house.tell(house.order(house.recipient(101), house.recipient(102)))
    contact = await house.contact_of(101)
    sender = next(iter(house.runtime.directory)).id
    await house.runtime.contacts.open_window(contact.id, sender, contact.profile.addresses[0].id, house.clock.now_ms())
    found = await rehearsed(house, house.flight(late_min=60))
    assert Counter(one.form for one in found.lines) == {FREE_TEXT: 1, "flight_delayed_v1": 1}


async def test_a_document_with_its_bytes_is_rehearsed_too(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    document = {"kind": "ticket", "id": "T-1", "content": "JVBERi0xLjQK", "mime": "application/pdf"}
    data = {"orderNumber": "ZX7K2P", "brand": "zz", "document": document, "recipients": [house.recipient(101)]}
    event = house.event_of("order.document", "ZX7K2P", data, source="/booking/orders")
    found = await rehearsed(house, event)
    assert [(one.notification, one.answer) for one in found.lines] == [("ticket_issued", "queued")]
    assert as_rehearsed(found) == await as_planned(house, event)


async def test_an_outage_is_counted_over_its_cells_and_by_exact_postcode(house: House) -> None:
    for number, postcode in ((101, "1012AB"), (102, "1013AB"), (103, "9999ZZ")):
        service = {"name": "internet", "area": {"country": "NL", "postcode": postcode}}
        person = house.recipient(number, purpose="service")
        more: dict[str, Any] = {"itinerary": None, "kind": "service", "service": service, "status": "placed"}
        await house.tell(house.order(person, number=f"NX{number}", **more))
    data = {
        "outageId": "OUT-1", "service": "internet", "status": "confirmed", "affected": {"postcodes": ["1012", "1013AA-1013AZ"]},
    }  # fmt: skip
    event = house.event_of("outage.status", "OUT-1", data)
    found = await rehearsed(house, event)
    assert found.people == 2
    assert as_rehearsed(found) == await as_planned(house, event)


@pytest.mark.long
async def test_a_large_audience_is_gone_through_chunk_by_chunk(house: House) -> None:
    people = [house.recipient(number) for number in range(100, 900)]
    for begin in range(0, len(people), 50):
        await house.tell(house.order(*people[begin : begin + 50], number=f"ZX{begin}", status="placed"))
    found = await rehearsed(house, house.flight(late_min=60))
    assert found.people == 800


async def test_a_paused_sender_gives_no_duration(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    sender = next(iter(house.runtime.directory)).id
    await house.runtime.senders.set_state(sender, {"paused": house.clock.now_ms() + 60_000})
    assert (await rehearsed(house, house.flight(late_min=60))).seconds is None


@pytest.mark.parametrize(
    "write",
    [
        lambda redis: redis.set("layout", "x"),
        lambda redis: redis.hset(keys.STOPS, "all", "x"),
        lambda redis: redis.execute_command("EVALSHA", "0" * 40, 0),
        lambda redis: redis.pipeline(transaction=False).get("layout").delete("layout").execute(),
        lambda redis: bulk.values(redis, [("GET", "layout"), ("DEL", "layout")]),
    ],
)
async def test_its_client_cannot_write(redis: Redis, write: Any) -> None:
    with pytest.raises(WouldWrite):
        await write(reading(redis))


def test_commands_are_read_out_of_what_is_packed() -> None:
    packed = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$4\r\n*1\r\n\r\n*1\r\n$4\r\nPING\r\n"
    assert list(names_in(packed)) == ["GET", "SET", "PING"]
    assert {"EVALSHA", "EVAL", "SET", "HSET", "DEL", "XADD", "ZADD"}.isdisjoint(READINGS)


# as it is told


@asynccontextmanager
async def served(house: House) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    runtime = house.runtime
    keys_ = ApiKeys(house.redis, runtime.clock, Secret("k" * 32))
    app = web.Application()
    braking.add_routes(app, brake_deps(runtime, make_deps(runtime, keys_)), keys_)
    async with TestClient(TestServer(app)) as client:
        client.session.headers["Authorization"] = f"Bearer {'k' * 32}"
        yield client


def cloud_event(event: BusinessEvent) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": event.external_id, "source": event.source, "subject": event.subject,
        "type": f"org.example.{event.type.value}.v1", "time": iso(event.occurred_at_ms), "data": dict(event.data),
    }  # fmt: skip


async def ask(client: TestClient[web.Request, web.Application], value: Any, query: str = "") -> tuple[int, Any]:
    kind = "application/cloudevents-batch+json" if isinstance(value, list) else "application/cloudevents+json"
    async with client.post(f"/v1/events/dry-run{query}", data=json.dumps(value), headers={"Content-Type": kind}) as response:
        return response.status, await response.json(content_type=None)


async def test_the_api_tells_it_masked_and_reveals_it_to_who_may(house: House) -> None:
    event = house.order(house.recipient(101), house.recipient(102))
    async with served(house) as client:
        status, told = await ask(client, cloud_event(event))
        assert status == 200
        jsonschema.validate(told, ANSWERS["DryRun"])
        assert (told["answer"], told["people"], told["masked"]) == ("new", 2, True)
        assert "ZX7K2P" not in json.dumps(told)
        assert "7700900" not in json.dumps(told)
        assert told["examples"][0]["text"]
        _, revealed = await ask(client, cloud_event(event), "?reveal=true")
        assert "ZX7K2P" in revealed["examples"][0]["text"]
        assert revealed["examples"][0]["to"][0]["value"].startswith("+447700900")
    assert any("2 people would be written to" in line for line in as_lines(told))


async def test_the_api_says_what_the_door_would_say(house: House) -> None:
    event = house.order(house.recipient(101))
    async with served(house) as client:
        assert (await ask(client, [cloud_event(event)]))[1]["code"] == "one_event"
        status, told = await ask(client, cloud_event(event) | {"data": {"status": "no such"}})
        assert (status, told["code"]) == (422, "bad_event")
        await house.tell(event)
        status, told = await ask(client, cloud_event(event))
        assert (status, told["answer"], told["people"]) == (200, "same", 0)
        status, told = await ask(client, cloud_event(event) | {"data": {**event.data, "total": "1.00"}})
        assert (status, told["code"]) == (409, "other_content")


@pytest.mark.long
async def test_the_command_tells_it_in_lines(home: commands_stage.House, tmp_path: Path) -> None:
    file = tmp_path / "flight.json"
    now = datetime.now(UTC)
    departure = (now + timedelta(hours=5)).isoformat(timespec="seconds")
    leg = {"carrier": "ZZ", "flightNumber": "1007", "originDate": f"{now:%Y-%m-%d}", "from": "AMS", "to": "LHR"}
    data = {"leg": leg, "status": "cancelled", "times": {"departure": {"scheduled": departure}}}
    file.write_text(json.dumps({
        "specversion": "1.0", "id": "1", "source": "/ops", "subject": f"ZZ1007/{now:%Y-%m-%d}/AMS",
        "type": "org.example.flight.status.v1", "time": now.isoformat(timespec="seconds"), "data": data,
    }))  # fmt: skip
    ran = await home.run("events", "dry-run", str(file))
    assert (ran.code, ran.out.strip()) == (0, "0 people would be written to, of 0 whom it is about.")
    asked = await home.run("events", "dry-run", str(file), "--json")
    assert (asked.data["people"], asked.data["examples"]) == (0, [])
    file.write_text("[]")
    assert (await home.run("events", "dry-run", str(file))).code == 1


@pytest.fixture
async def home(data_dir: Path, launcher: commands_stage.Launcher) -> AsyncIterator[commands_stage.House]:
    async with commands_stage.house(data_dir, launcher) as made:
        yield made
