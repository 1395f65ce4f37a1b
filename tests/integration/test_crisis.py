"""A crisis: nothing automatic about its subject leaves, its people are heard first, and it takes two to end it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import Conflict, NotFound
from gateway.intake.role import make_firing
from gateway.model.conversation import Agent, AgentId, InboundEntry
from gateway.model.ids import SubjectId
from gateway.model.message import MessageRecord, MessageState
from gateway.model.personal import Personal, Secret
from gateway.model.webcare import Heard
from gateway.store import keys
from gateway.store.conversations import Command
from gateway.store.incidents import ASKED_MS, Crisis, Incidents, people_of
from gateway.surface import webcare_deps
from gateway.webcare.lists import ListReader
from gateway.webhooks.messages import Messages
from gateway.webhooks.origins import Origins
from gateway.webhooks.people import People
from gateway.webhooks.statuses import Statuses
from gateway.webhooks.threads import Threads
from tests.integration import commands_stage
from tests.integration.commands_stage import launcher as launcher
from tests.support.core import HOUR_MS, NUMBER, House, facts_of, open_house
from tests.support.edge import Edge, edge_running

ANYBODY = Agent(AgentId("a1"), Personal("anybody"), Personal("Anybody"))
FLIGHT = "ZZ1007/2026-11-22/AMS"


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with edge_running() as made:
        yield made


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, edge: Edge) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, edge.url) as made:
        yield made


def subject(house: House, name: str = FLIGHT, family: str = "flight") -> SubjectId:
    return house.runtime.vault.subject_id(family, name)


def crisis(house: House, **more: Any) -> Crisis:
    made = Crisis(subject(house), (), f"flight:{FLIGHT}", "care", "kim", "emergency landing", house.clock.now_ms())
    return replace(made, **more)


@pytest.fixture
def incidents(house: House) -> Incidents:
    return Incidents(house.redis, house.clock)


async def states(house: House, notification: str) -> list[str]:
    return [one.state.value for one in await house.messages() if one.notification == notification]


async def test_nothing_about_the_flight_leaves_also_what_was_queued_and_agents_go_on(
    house: House, incidents: Incidents, edge: Edge
) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.dispatch()
    before = len(edge.asked)
    await house.tell(house.flight(late_min=60))
    await incidents.begin(crisis(house))
    house.brakes.stale()
    await house.tell(house.flight(late_min=60, gate="D7"))
    assert set(await house.dispatch()) == {"l"}
    assert len(edge.asked) == before
    assert await states(house, "flight_delayed") == ["q"]
    assert await states(house, "gate_changed") in ([], ["q"])


async def test_what_the_day_brings_by_itself_does_not_leave_either(house: House, incidents: Incidents, edge: Edge) -> None:
    """Check-in, a reminder, boarding: each comes by the clock, and nobody must remember to stop it."""
    await house.tell(house.order(house.recipient(101), status="placed"))
    elsewhere = house.order(house.recipient(102), number="ZX8", itinerary=[house.leg("ZZ2002/2026-11-22/AMS")], status="placed")
    await house.tell(elsewhere)
    await incidents.begin(crisis(house))
    house.brakes.stale()
    firing, brought = make_firing(house.runtime), 0
    for hours in (0, 4.5):
        house.pass_ms(round(hours * HOUR_MS))
        brought += (await firing.turn(keys.all_partitions()))[0]
        await house.expand()
        await house.dispatch()
    assert brought == 4, "check-in and boarding, of each flight"
    assert sorted(await states(house, "boarding_begins")) == ["a", "q"]
    assert (await states(house, "checkin_open")).count("a") == 1
    assert [one["to"] for one in edge.sent(NUMBER)] == ["+447700900102"] * 2


async def test_another_flight_and_the_order_itself_go_on(house: House, incidents: Incidents) -> None:
    await incidents.begin(crisis(house))
    await house.tell(house.order(house.recipient(101)))
    other = house.order(house.recipient(102), number="ZX8", itinerary=[house.leg("ZZ2002/2026-11-22/AMS")], status="placed")
    await house.tell(other, house.flight(late_min=60, entity="ZZ2002/2026-11-22/AMS"), house.flight(late_min=60))
    await house.dispatch()
    assert await states(house, "order_confirmed") == ["a"]
    assert sorted(await states(house, "flight_delayed")) == ["a", "q"]


async def test_its_people_are_spared_surveys_and_offers_and_nobody_else_is(house: House, incidents: Incidents) -> None:
    await house.tell(house.order(house.recipient(101)))
    other = house.order(house.recipient(102), number="ZX8", itinerary=[house.leg("ZZ2002/2026-11-22/AMS")])
    await house.tell(other)
    await incidents.begin(crisis(house))
    await house.brakes.refresh()
    for number, held in ((101, True), (102, False)):
        contact = await house.contact_of(number)
        record = (await house.messages(contact.id))[0]
        for purpose in ("survey", "offers"):
            stop = house.brakes.stops(record, {"kind": "notification", "purpose": purpose}, contact)
            assert (stop is not None) is held
        assert house.brakes.stops(record, {"kind": "notification", "purpose": "journey"}, contact) is None
        assert house.brakes.stops(about(record, subject(house)), {"kind": "reply"}, contact) is None
        assert house.brakes.stops(about(record, subject(house)), {"kind": "service"}, contact) is not None


def about(record: MessageRecord, subject: SubjectId) -> MessageRecord:
    return replace(record, subject=subject)


async def test_two_lift_it_and_one_who_asks_twice_does_not(house: House, incidents: Incidents) -> None:
    with pytest.raises(NotFound):
        await incidents.lift(subject(house), who="kim", why="over")
    await incidents.begin(crisis(house))
    lifted, found = await incidents.lift(subject(house), who="kim", why="over")
    assert not lifted
    assert found.asked is not None
    assert found.asked.who == "kim"
    house.pass_ms(1000)
    with pytest.raises(Conflict, match="somebody else"):
        await incidents.lift(subject(house), who="kim", why="over")
    assert [one.asked.who for one in await incidents.all() if one.asked] == ["kim"]
    lifted, _ = await incidents.lift(subject(house), who="lee", why="confirmed")
    assert lifted
    assert await incidents.all() == []
    kinds = [(one.kind, one.detail.get("who")) for one in await facts_of(house.redis) if one.kind.startswith("crisis")]
    assert kinds == [("crisis", "kim"), ("crisis_lift_asked", "kim"), ("crisis_lifted", "lee")]


async def test_of_two_who_ask_in_one_moment_one_asks_and_the_other_confirms(house: House, incidents: Incidents) -> None:
    await incidents.begin(crisis(house))
    answers = await asyncio.gather(*(incidents.lift(subject(house), who=who, why="over") for who in ("kim", "lee")))
    assert sorted(lifted for lifted, _ in answers) == [False, True]


async def test_a_request_lapses_after_an_hour(house: House, incidents: Incidents) -> None:
    await incidents.begin(crisis(house))
    await incidents.lift(subject(house), who="kim", why="over")
    house.pass_ms(ASKED_MS + 1000)
    lifted, found = await incidents.lift(subject(house), who="lee", why="over")
    assert not lifted
    assert found.asked is not None
    assert found.asked.who == "lee"


async def test_what_is_not_stale_leaves_once_it_is_lifted(house: House, incidents: Incidents) -> None:
    await house.tell(house.order(house.recipient(101), status="placed"))
    await incidents.begin(crisis(house))
    await house.tell(house.flight(late_min=60))
    await house.dispatch()
    for who in ("kim", "lee"):
        await incidents.lift(subject(house), who=who, why="over")
    house.pass_ms(6000)
    await house.dispatch()
    assert await states(house, "flight_delayed") == [MessageState.ACCEPTED.value]


async def test_a_second_declaration_is_told_of_the_first(house: House, incidents: Incidents) -> None:
    first = crisis(house)
    await incidents.begin(first)
    await incidents.begin(first)  # the very call once more, its answer was lost
    with pytest.raises(Conflict, match="by kim: emergency landing"):
        await incidents.begin(crisis(house, who="lee", why="rumours"))
    assert [one.who for one in await incidents.all()] == ["kim"]


async def test_its_people_wait_in_its_queue_before_all_others_also_after_it(house: House, incidents: Incidents) -> None:
    other = house.order(house.recipient(102), number="ZX8", itinerary=[house.leg("ZZ2002/2026-11-22/AMS")])
    await house.tell(house.order(house.recipient(101)), other)
    await incidents.begin(crisis(house))
    for number in (102, 101):
        await wrote(house, number)
    deps = webcare_deps(house.runtime)
    queued = [await house.runtime.conversations.desk.queue(name) for name in ("care", "general")]
    assert [len(one) for one in queued] == [1, 1]
    shared = await ListReader(deps).waiting(ANYBODY)
    assert [row.id for row in shared.rows] == [*queued[0], *queued[1]]
    for who in ("kim", "lee"):
        await incidents.lift(subject(house), who=who, why="over")
    shared = await ListReader(deps).waiting(ANYBODY)
    assert [row.id for row in shared.rows] == [*queued[0], *queued[1]]


async def test_who_waited_already_moves_to_its_queue_with_their_age_and_who_has_an_agent_stays(
    house: House, incidents: Incidents
) -> None:
    leg = house.leg("ZZ2002/2026-11-22/AMS")
    await house.tell(
        house.order(house.recipient(101), house.recipient(103)), house.order(house.recipient(102), number="ZX8", itinerary=[leg])
    )
    for number in (101, 102, 103):
        await wrote(house, number)
    conversations, deps = house.runtime.conversations, webcare_deps(house.runtime)
    desk = conversations.desk
    waiting = await conversations.get_many(await desk.queue("general"))
    by_contact = {one.contact: one for one in waiting if one is not None}
    first, taken, other = [by_contact[(await house.contact_of(number)).id] for number in (101, 103, 102)]
    agents = deps.agents
    ann = await agents.add_agent("ann@example.org", "Ann", Secret("a long sentence to sign in with"), ("reply",))
    await conversations.take(Command(taken.id, ann.id, taken.epoch, "k1"))

    assert await deps.move_first("general") == 0, "no crisis, no move"
    await incidents.begin(crisis(house))
    deps = webcare_deps(house.runtime)
    assert await deps.move_first("general") == 1
    assert await deps.move_first("general") == 0
    assert (await desk.queue("care"), await desk.queue("general")) == ([first.id], [other.id])
    moved = await conversations.get(first.id)
    assert (moved.queue, moved.waiting_since_ms) == ("care", first.waiting_since_ms)
    assert (await conversations.get(taken.id)).owner == ann.id
    assert [row.id for row in (await ListReader(deps).waiting(ANYBODY)).rows] == [first.id, other.id]


async def wrote(house: House, number: int) -> None:
    """As the applier keeps what somebody writes."""
    deps = house.applier.deps
    people, origins = People(deps), Origins(deps)
    messages = Messages(deps, people, origins, Threads(deps, people, origins, Statuses(deps, people)))
    contact = await house.contact_of(number)
    sender = next(iter(house.runtime.directory))
    at_ms = house.clock.now_ms() - 1000 * number  # who waits in the crisis's queue wrote later
    entry = InboundEntry(key=f"k{number}", kind="text", text=Personal("hello?"), at_ms=at_ms)
    await messages._keep(contact, "zz", contact.profile.addresses[0].id, sender, entry, False, Heard(), outside=False)


async def test_the_people_of_an_outage_are_those_of_its_cells(house: House, incidents: Incidents) -> None:
    service = {"name": "internet", "area": {"country": "NL", "postcode": "1012AB"}}
    person = house.recipient(101, purpose="service")
    await house.tell(house.order(person, number="NX1", itinerary=None, kind="service", service=service, status="placed"))
    outage = {"outageId": "OUT-1", "service": "internet", "status": "confirmed", "affected": {"postcodes": ["1012"]}}
    await house.tell(house.event_of("outage.status", "OUT-1", outage))
    found = await people_of(house.runtime.subjects, subject(house, "OUT-1", "outage"))
    assert found
    contact = await house.contact_of(101)
    made = crisis(house, subject=subject(house, "OUT-1", "outage"), people=found)
    await incidents.begin(made)
    assert await incidents.queue_of(contact) == "care"


async def test_a_crisis_is_a_field_of_the_brakes_and_outlives_every_process(house: House, incidents: Incidents) -> None:
    await incidents.begin(crisis(house))
    raw = await house.redis.hget(keys.STOPS, f"crisis:{subject(house)}")
    assert isinstance(raw, bytes)
    assert json.loads(raw)["until"] == 0
    (stop,) = await house.runtime.senders.stops()
    assert (stop.scope, stop.who) == (f"crisis:{subject(house)}", "kim")
    assert (await Incidents(house.redis, house.clock).all())[0] == crisis(house, at_ms=stop.at_ms)


async def test_a_whole_line_is_silent_and_another_one_is_not(house: House, incidents: Incidents) -> None:
    trips = {"exr:3521:2026-11-22": "IC 3500", "exr:3622:2026-11-22": "IC 3600"}
    for number, entity in zip((101, 102), trips, strict=True):
        leg = house.leg(entity, "trip")
        await house.tell(house.order(house.recipient(number), number=f"R{number}", itinerary=[leg], kind="rail", status="placed"))
    await incidents.begin(crisis(house, subject=subject(house, "exr/IC 3500", "line"), said="line:exr/IC 3500"))
    house.brakes.stale()
    for entity, line in trips.items():
        ends = {"from": {"code": "UT", "name": "Utrecht"}, "to": {"code": "EHV", "name": "Eindhoven"}}
        trip = {"operator": "exr", "tripNumber": entity[4:8], "operatingDay": "2026-11-22", "line": line, **ends}
        times = house.leg()["times"]
        data = {"trip": trip, "status": "delayed", "delayMinutes": 40, "times": times}
        await house.tell(house.event_of("trip.status", entity, data))
    await house.dispatch()
    found = [one for one in await house.messages() if one.notification == "trip_delayed"]
    states_by_person = {one.contact: one.state.value for one in found}
    assert states_by_person == {(await house.contact_of(101)).id: "q", (await house.contact_of(102)).id: "a"}


# as a command


@pytest.fixture
async def home(data_dir: Path, launcher: commands_stage.Launcher) -> AsyncIterator[commands_stage.House]:
    async with commands_stage.house(data_dir, launcher) as made:
        yield made


@pytest.mark.long
async def test_the_command_declares_shows_and_lifts_by_two(home: commands_stage.House) -> None:
    about = f"flight:{FLIGHT}"
    begun = await home.run("crisis", about, "--why", "emergency landing", "--who", "kim", "--queue", "care")
    assert begun.code == 0, begun.err
    assert "nothing automatic about flight:ZZ1007" in begun.out
    assert "crisis:j" in (await home.run("stop", "--list")).out
    (shown,) = (await home.run("crisis", "--list", "--json")).data
    assert (shown["who"], shown["queue"], shown["asked"]) == ("kim", "care", None)
    asked = await home.run("crisis", about, "--lift", "--why", "all are safe", "--who", "kim")
    assert asked.code == 1
    assert "add --yes" in asked.err
    asked = await home.run("crisis", about, "--lift", "--why", "all are safe", "--who", "kim", "--yes")
    assert (asked.code, "somebody else confirms" in asked.out) == (0, True)
    again = await home.run("crisis", about, "--lift", "--why", "really", "--who", "kim", "--yes")
    assert (again.code, "somebody else confirms" in again.err) == (1, True)
    lifted = await home.run("crisis", about, "--lift", "--why", "all are safe", "--who", "lee", "--yes")
    assert (lifted.code, "Lifted" in lifted.out) == (0, True)
    assert "There is no crisis" in (await home.run("crisis", "--list")).out


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (("crisis",), 2, "SUBJECT is missing"),
        (("crisis", "flight:ZZ1"), 2, "--why is missing"),
        (("crisis", "ZZ1", "--why", "x"), 1, "nothing is known of that subject"),
        (("crisis", "flight:ZZ1", "--why", "x", "--queue", "Not One"), 2, "one word"),
        (("crisis", "flight:ZZ1", "--why", "call +44 7700 900123"), 2, "no number"),
        (("crisis", "flight:ZZ1", "--lift", "--why", "x", "--yes"), 1, "there is no crisis"),
    ],
)
async def test_what_cannot_be_done_is_said_and_nothing_happens(
    home: commands_stage.House, said: tuple[str, ...], code: int, told: str
) -> None:
    ran = await home.run(*said)
    assert (ran.code, told in ran.err) == (code, True), ran.err
    assert await home.redis.exists(keys.STOPS) == 0
