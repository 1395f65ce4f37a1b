"""A delay ladder in whatever order its events arrive: 20 minutes, 45, cancelled, reinstated, on time again, gates in between.

A dozen flights climb it at once, each with an order of its own that chance made; between two steps some of what is
planned is sent, and some is not. In the end every phone has the newest state last, and nothing on it came after what made it
pointless.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.insight.kinds import KINDS
from gateway.model.event import BusinessEvent
from gateway.model.ids import MessageId
from gateway.model.message import MessageRecord, MessageState
from gateway.notifications.catalogue import Catalogue
from tests.integration.ladder_stage import Ladder, ladder_running
from tests.support.core import NUMBER, SAMPLES, facts_of
from tests.support.house import NOON, House, house_running
from tests.support.waiting import wait_until

FLIGHTS = 200 if os.environ.get("LONG") else 24
EVA = "+447700900123"
TIMES = ("flight_delayed", "flight_on_time_again", "flight_rescheduled", "flight_reinstated")
"""Who says when it leaves: a flight that goes after all says that too."""
STEPS: tuple[dict[str, Any], ...] = (
    {"status": "scheduled", "gate": "D5"},
    {"status": "delayed", "late_min": 20, "gate": "D5"},
    {"status": "delayed", "late_min": 20, "gate": "D7"},
    {"status": "delayed", "late_min": 45, "gate": "D7"},
    {"status": "cancelled"},
    {"status": "reinstated", "late_min": 45, "gate": "D7"},
    {"status": "reinstated", "late_min": 45, "gate": "E1"},
    {"status": "scheduled", "gate": "E1"},
)


@pytest.fixture
async def ladder(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Ladder]:
    async with ladder_running(redis_url, data_dir) as made:
        yield made


def entity(number: int) -> str:
    return f"ZZ{number:04d}/2026-11-22/AMS"


def climb(ladder: Ladder, number: int, versions: bool) -> list[BusinessEvent]:
    """The ladder's events in the order in which they happened, a second apart."""
    return [
        replace(
            ladder.house.flight(entity=entity(number), version=place if versions else None, **step),
            occurred_at_ms=ladder.house.began_ms + place * 1000,
        )
        for place, step in enumerate(STEPS, 1)
    ]


@pytest.mark.parametrize("versions", [True, False], ids=["versions", "times"])
async def test_whatever_order_a_ladder_arrives_in_the_newest_state_is_the_last_on_the_phone(
    ladder: Ladder, versions: bool
) -> None:
    dice = random.Random(f"ladder {versions}")
    people = range(100, 100 + FLIGHTS // 2)
    orders = [
        ladder.house.order(ladder.house.recipient(number), number=f"ZX{number}", itinerary=[ladder.house.leg(entity(number))])
        for number in people
    ]
    await ladder.house.keep(*orders)
    await ladder.house.expand()
    await ladder.house.dispatch()
    ladder.edge.asked.clear()
    climbs = {number: climb(ladder, number, versions) for number in people}
    for number in people:
        dice.shuffle(climbs[number])
    for place in range(len(STEPS)):
        for number in dice.sample(people, len(people)):
            await ladder.house.keep(climbs[number][place])
        await ladder.house.expand()
        ladder.house.pass_ms(dice.choice((10, 300, 2000)))
        if dice.random() < 0.6:
            await ladder.house.dispatch()
    for _ in range(5):
        await ladder.minutes(1)
    handed = await handed_over(ladder)
    messages = await ladder.house.messages()
    ups = 0
    for number in people:
        contact = await ladder.house.find(number)
        mine = [one for one in handed if one.contact == contact]
        judge(mine, ladder.house.runtime.catalogue)
        newest(ladder, number, mine)
        ups += len(mine) > 1
        for one in messages:
            if one.contact == contact and one.notification != "order_confirmed":
                assert one.state.value in "ares", (one.notification, one.state, one.reason)
                assert one.state is not MessageState.SUPPRESSED or one.reason == "already_known"
    assert ups > len(people) / 2, "most phones had more than one message, or this shows little"
    await every_end_is_explained(ladder, messages)


async def handed_over(ladder: Ladder) -> list[MessageRecord]:
    """What the channel took, in order."""
    ids = [str(body["biz_opaque_callback_data"]).split(".")[0] for body in ladder.edge.sent(NUMBER)]
    assert len(ids) == len(set(ids)), "each once"
    return await ladder.house.runtime.outbox.headers([MessageId(one) for one in ids])


def judge(handed: list[MessageRecord], catalogue: Catalogue) -> None:
    """Nothing older after something newer of its kind, and nothing after what had made it pointless."""
    for place, one in enumerate(handed):
        for later in handed[place + 1 :]:
            ends = catalogue.ended_by(one.notification)
            if later.notification in (one.notification, *ends):
                assert later.version > one.version, (one.notification, one.version, later.notification, later.version)


def newest(ladder: Ladder, number: int, handed: list[MessageRecord]) -> None:
    """The last word on a phone about each matter is how it stands: going, on time, at gate E1."""
    said = ladder.phone(number)
    names = [one.notification for one in handed]
    assert names == [one.name for one in said]
    of_time = [name for name in names if name in TIMES]
    assert of_time[-1:] != ["flight_delayed"], names
    going = [name for name in names if name in ("flight_cancelled", "flight_reinstated")]
    assert going[-1:] != ["flight_cancelled"], names
    gates = [one.values[1] for one in said if one.name == "gate_changed"]
    assert gates[-1:] in ([], ["E1"]), gates


async def every_end_is_explained(ladder: Ladder, messages: list[MessageRecord]) -> None:
    """Whoever was replaced or ended says by which event or message."""
    by_message = {fact.id_of("m"): fact for kind in ("replaced", "ended") for fact in await ladder.facts(kind)}
    ended = [one for one in messages if one.state in (MessageState.REPLACED, MessageState.ENDED)]
    assert ended
    for one in ended:
        fact = by_message[one.id]
        assert fact.detail["by"][0] in "em"
        assert fact.detail["by"] in KINDS[fact.kind].say(fact, str)


@pytest.mark.timeout(120)
async def test_the_whole_house_hears_a_ladder_in_the_wrong_order_over_http(data_dir: Path) -> None:
    dice = random.Random("whole house")
    async with house_running(data_dir, names=("intake", "dispatch", "webhooks")) as house:
        assert (await house.event("ce-order-confirmed-flight.json"))[0] == 202
        await house.wait_for(EVA, 1)
        first, *rest = (said_over_http(place, step) for place, step in enumerate(STEPS, 1))
        assert (await house.event(first))[0] == 202
        await wait_until(lambda: applied(house, 1))
        dice.shuffle(rest)
        for event in rest:
            assert (await house.event(event))[0] == 202
        await wait_until(lambda: applied(house, len(STEPS)))
        await wait_until(lambda: quiet(house))
        await house.turn_clock(NOON + timedelta(minutes=4))
        await wait_until(lambda: nothing_waits(house))
        assert house.runtime is not None
        phone = [bubble for bubble in await house.received(EVA) if bubble["template"]["name"] != "order_confirmed_v1"]
        records = await house.runtime.outbox.headers([MessageId(one["opaque"].partition(".")[0]) for one in phone])
        judge(records, house.runtime.catalogue)
        names = [one.notification for one in records]
        assert [name for name in names if name in TIMES][-1:] != ["flight_delayed"], names
        gates = [bubble["body"] for bubble in phone if bubble["template"]["name"] == "gate_changed_v1"]
        assert all("E1" in body for body in gates[-1:])


def said_over_http(version: int, step: dict[str, Any]) -> dict[str, Any]:
    """A step of the ladder as its source sends it."""
    event: dict[str, Any] = json.loads((SAMPLES / "ce-flight-delayed.json").read_text())
    departure = {"scheduled": "2026-11-22T10:55:00+01:00"}
    if "late_min" in step:
        departure["estimated"] = f"2026-11-22T11:{step['late_min'] - 5:02d}:00+01:00"
    data = {"leg": event["data"]["leg"], "status": step["status"], "times": {"departure": departure}}
    if "gate" in step:
        data["gate"] = step["gate"]
    return event | {"id": f"ladder-{version}", "sequence": f"{version:010d}", "data": data}


async def applied(house: House, count: int) -> bool:
    """So many of the flight's events were looked at, those that came too late among them."""
    assert house.runtime is not None
    facts = await facts_of(house.runtime.connection.redis)
    subject = house.runtime.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
    return sum(1 for fact in facts if fact.kind in ("applied", "older") and fact.id_of("j") == subject) >= count


async def quiet(house: House) -> bool:
    """What waits is not due for a minute, and everything that was taken up is settled."""
    assert house.runtime is not None
    names = [name async for name in house.runtime.connection.redis.scan_iter(match="*}m:m*")]
    found = await house.runtime.outbox.headers([MessageId(bytes(name).decode().rpartition(":")[2]) for name in names])
    soon = house.runtime.clock.now_ms() + 60_000
    return all(one.due_at_ms > soon for one in found if one.state is MessageState.QUEUED)


async def nothing_waits(house: House) -> bool:
    assert house.runtime is not None
    return await house.runtime.outbox.depth(house.runtime.directory.ids) == 0
