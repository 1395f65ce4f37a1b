"""News of a leg for those at home: what they hear, when, in whose words, and what they never hear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.families.shown import legs_of
from gateway.insight.history import open_history
from gateway.intake.corrections import Corrector
from gateway.intake.dryrun import Rehearsal
from gateway.intake.notices import Notices
from gateway.model.event import BusinessEvent
from gateway.model.family import Amount, Joined
from gateway.model.ids import EventId, SubjectId, message_id
from gateway.model.message import MessageRecord, MessageState
from gateway.planning import connecting
from gateway.store.fuses import Fuses
from gateway.store.incidents import Crisis, Incidents
from tests.integration.family_stage import Stage
from tests.support.core import HOUR_MS, House, open_house
from tests.support.edge import Edge, edge_running

TRAVELLER, GRAN, SON, MUM, FRIEND = 1, 7, 8, 2, 9
"""MUM travels too."""
ENTITY, NEXT = "ZZ1007/2026-11-22/AMS", "ZZ2003/2026-11-22/LHR"


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with edge_running() as made:
        yield made


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, edge: Edge) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, edge.url) as made:
        await made.approve()
        yield made


async def at_home(house: House, *numbers: int, **more: object) -> Stage:
    """The traveller and who else is on board, and these people in the traveller's family."""
    stage = Stage(house)
    await stage.travels(TRAVELLER, MUM, **more)
    family = await stage.family(TRAVELLER)
    for number in numbers:
        assert await stage.joins(family, number) is Joined.IN
    await house.dispatch()
    return stage


async def wishes(stage: Stage, number: int, *, amount: Amount | None = None, quiet: bool | None = None) -> None:
    family = await stage.family(TRAVELLER)
    assert await stage.home.wishes((await stage.house.contact_of(number)).id, family.id, amount=amount, quiet=quiet)


async def news(house: House, number: int, *events: BusinessEvent) -> list[MessageRecord]:
    """What these events planned for somebody, in the order in which it was planned."""
    found = await house.messages(await house.find(number))
    return [one for one in found if one.event in {event.id for event in events}]


async def names(house: House, number: int, *events: BusinessEvent) -> list[str]:
    return [one.notification for one in await news(house, number, *events)]


async def test_each_hears_what_is_theirs_once_and_in_public_words(house: House) -> None:
    stage = await at_home(house, GRAN, SON, MUM)
    assert await stage.joins(await stage.family(MUM), GRAN) is Joined.IN, "of two who travel together"
    await house.dispatch()
    await wishes(stage, SON, amount=Amount.ENDS)
    late, later = house.flight("delayed", late_min=20), house.flight("delayed", late_min=50, gate="D7")
    await house.tell(late, later)
    assert await names(house, TRAVELLER, late, later) == ["flight_delayed", "flight_delayed"]
    assert await names(house, MUM, late, later) == ["flight_delayed", "flight_delayed"], "as a traveller only"
    assert await names(house, GRAN, late, later) == ["family_delayed"], "a small delay moves nobody at home, nor does a gate"
    assert await names(house, SON, late, later) == []
    await house.dispatch()
    left = house.flight("departed", late_min=50, gate="D7")
    dry = await Rehearsal(house.runtime).of(left)
    assert dry.people == 4, "a dry run counts those at home"
    fuses = Fuses(house.redis, house.clock, house.runtime.vault)
    where = await house.runtime.subjects.partitions(left.subject_id)
    assert (await fuses.look(EventId(left.id), [left.subject_id], where))[1] == 4, "and so does the fuse"
    await house.tell(left)
    told = {number: await names(house, number, left) for number in (TRAVELLER, MUM, GRAN, SON)}
    assert told[TRAVELLER] == told[MUM] == ["flight_departed"]
    assert told[GRAN] == told[SON] == ["family_departed"]
    (record,) = await news(house, GRAN, left)
    body = await house.body(record)
    assert (body["purpose"], body["personal"], body["buttons"], body["document"]) == ("family", False, [], None)
    assert body["event"]["xid"] == ""
    assert "local time in London Heathrow" in body["text"]
    assert set(await house.dispatch()) == {"a"}
    # Who joins now hears how it stands.
    assert await stage.joins(await stage.family(TRAVELLER), FRIEND) is Joined.IN
    assert await names(house, FRIEND, late, later, left) == ["family_departed"]
    # A notice asks travellers to do something; a correction goes to whoever was told what was wrong.
    notices = Notices(house.runtime)
    notice = await notices.made([f"flight:{ENTITY}"], {"en": "please ask for a voucher at the desk."}, "journey")
    assert {one.contact for one in await notices.audience(notice)} == {await house.find(TRAVELLER), await house.find(MUM)}
    await wishes(stage, SON, quiet=True)
    history = await open_history(house.runtime.settings.history_url)
    try:
        corrector = Corrector(house.runtime, history)
        handed = await corrector.handed(EventId(left.id), "family_departed")
        said = await corrector.correct(handed, {"en": "flight ZZ 1007 has not left yet."}, who="kim", why="wrong feed")
    finally:
        await history.close()
    assert (said.people, said.sent, said.suppressed) == (2, 2, 0)
    nights = {
        one.contact: (await house.body(one))["night"] for one in await house.messages() if one.notification == "correction"
    }
    assert nights == {await house.find(GRAN): "wake", await house.find(SON): "wait"}


async def test_at_night_they_hear_that_it_left_and_who_asked_for_quiet_hears_in_the_morning(house: House) -> None:
    stage = await at_home(house, GRAN, SON)
    await wishes(stage, SON, quiet=True)
    now = datetime.fromtimestamp(house.clock.now_ms() / 1000, UTC)
    house.pass_ms((25 - now.hour) * HOUR_MS)  # one or two at night at home
    house.began_ms = house.clock.now_ms() // 60_000 * 60_000 - 5 * HOUR_MS  # it was to leave now, and lands in an hour
    left, landed = house.flight("departed"), house.flight("arrived")
    await house.tell(left)
    (gran,), (son,) = await news(house, GRAN, left), await news(house, SON, left)
    assert (gran.state, gran.due_at_ms) == (MessageState.QUEUED, 0)
    assert (son.state, son.reason) == (MessageState.SUPPRESSED, "night_past_deadline")
    await house.tell(landed)
    (gran,), (son,) = await news(house, GRAN, landed), await news(house, SON, landed)
    assert (gran.state, gran.due_at_ms) == (MessageState.QUEUED, 0)
    assert (son.state, son.reason) == (MessageState.QUEUED, "night")
    assert 4 * HOUR_MS < son.due_at_ms - house.clock.now_ms() < 7 * HOUR_MS


async def test_who_asked_for_quiet_reads_in_the_morning_that_a_flight_of_that_night_was_cancelled(house: House) -> None:
    stage = await at_home(house, GRAN, SON)
    await wishes(stage, SON, quiet=True)
    now = datetime.fromtimestamp(house.clock.now_ms() / 1000, UTC)
    house.pass_ms((25 - now.hour) * HOUR_MS)  # one or two at night at home
    house.began_ms = house.clock.now_ms() // 60_000 * 60_000 - 4 * HOUR_MS  # it was to leave in an hour
    off = house.flight("cancelled")
    await house.tell(off)
    (gran,), (son,) = await news(house, GRAN, off), await news(house, SON, off)
    assert (gran.notification, gran.state, gran.due_at_ms) == ("family_cancelled", MessageState.QUEUED, 0)
    assert (son.notification, son.state, son.reason) == ("family_cancelled", MessageState.QUEUED, "night")
    assert son.deadline_ms > son.due_at_ms > house.clock.now_ms() + 4 * HOUR_MS


async def test_a_cancelled_flight_is_no_offer_and_connections_are_told_beside_a_travellers(house: House) -> None:
    onward = {
        "entity": NEXT, "type": "flight", "from": {"code": "LHR", "timezone": "Europe/London"},
        "to": {"code": "DUB", "timezone": "Europe/Dublin"},
        "times": {"departure": {"scheduled": iso_in(house, 7)}, "arrival": {"scheduled": iso_in(house, 8)}},
    }  # fmt: skip
    await at_home(house, GRAN, itinerary=[house.leg(), onward])
    late = house.flight("delayed", late_min=40)
    await house.tell(late)
    assert sorted(await names(house, GRAN, late)) == ["family_connection_tight", "family_delayed"]
    assert sorted(await names(house, TRAVELLER, late)) == ["flight_connection_tight", "flight_delayed"]
    (tight,) = [one for one in await news(house, GRAN, late) if one.notification == "family_connection_tight"]
    body = await house.body(tight)
    assert body["text"].startswith("The connection to Dublin may be missed.")
    about = {"id": ":".join([*(house.runtime.vault.subject_id("flight", one) for one in (ENTITY, NEXT)), "0"])}
    gran = (await house.contact_of(GRAN)).id
    kinds = (connecting.AT_HOME, connecting.ITEM)
    own, travelling = (message_id(*connecting.named({**about, "name": name}), gran, 0) for name in kinds)
    assert own == tight.id
    assert travelling not in body[connecting.IN_TURN]["ids"], "told it as a traveller, they have still to hear it as a member"
    await house.dispatch()
    off = house.flight("cancelled", rebooking={
        "carrier": "ZZ", "flightNumber": "1009", "originDate": "2026-11-22", "departure": iso_in(house, 8), "offer": "proposed",
    })  # fmt: skip
    await house.tell(off)
    assert await names(house, TRAVELLER, off) == ["flight_rebooked"]
    (record,) = await news(house, GRAN, off)
    body = await house.body(record)
    assert (record.notification, body["buttons"], body.get("asks")) == ("family_cancelled", [], None)
    assert "1009" not in str(body)


async def test_with_families_switched_off_nobody_at_home_is_told_and_nothing_is_kept_for_them(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        await at_home(house, GRAN)
    async with open_house(redis_url, data_dir, GATEWAY_FAMILY_PLACES="0") as house:
        late = house.flight("delayed", late_min=60)
        await house.tell(late)
        assert await names(house, GRAN, late) == []
        assert await names(house, TRAVELLER, late) == ["flight_delayed"]
        kept = await house.runtime.subjects.current(late.subject_id)
        assert not any(name.startswith("family_") for _, _, entry in kept for name in entry["notifications"])


def iso_in(house: House, hours: int) -> str:
    return datetime.fromtimestamp(house.began_ms / 1000 + hours * 3600, UTC).isoformat()


async def test_passes_tickets_and_receipts_stay_with_the_travellers_whatever_those_at_home_are_called(house: House) -> None:
    """Found by surname, by the booker's share, or as an adult for a child: never somebody who only follows the journey."""
    stage = await at_home(house, GRAN, share="booker")
    gran = await house.contact_of(GRAN)
    own = house.order(house.recipient(GRAN, name={"given": "Given1", "family": "Family1"}), number="ZX999", itinerary=[
        house.leg("ZZ2002/2026-11-22/AMS")])  # fmt: skip
    await house.tell(own)
    link = (await stage.link(TRAVELLER))[1]
    before = {one.id for one in await house.messages(gran.id)}
    leg = {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
    for passenger in (
        {"surname": "FAMILY1", "givenNames": "GIVEN1"}, {"surname": "FAMILY1", "kind": "child"}, {"surname": "NOBODY"},
    ):  # fmt: skip
        passed = {"leg": leg, "passenger": {**passenger, "recordLocator": link.number.reveal()}, "checkin": {"seat": "31K"}}
        await house.tell(house.event_of("flight.boardingpass", ENTITY, passed))
    await house.tell(house.event_of("order.document", "ZX7K2P", {
        "orderNumber": "ZX7K2P", "brand": "zz", "document": {"kind": "receipt", "id": "R1"}}))  # fmt: skip
    assert [one.notification for one in await house.messages(gran.id) if one.id not in before] == []
    assert "boarding_pass_issued" in await house.told(TRAVELLER)


async def test_under_a_crisis_nothing_leaves_also_what_was_queued_and_nothing_stale_afterwards(house: House, edge: Edge) -> None:
    await at_home(house, GRAN, SON)
    flight: SubjectId = house.runtime.vault.subject_id("flight", ENTITY)
    incidents = Incidents(house.redis, house.clock)
    late = house.flight("delayed", late_min=60)
    await house.tell(late)  # queued
    asked = len(edge.asked)
    await incidents.begin(Crisis(flight, (), f"flight:{ENTITY}", "care", "kim", "emergency landing", house.clock.now_ms()))
    house.brakes.stale()
    house.pass_ms(1000)
    left = house.flight("departed", late_min=60)
    await house.tell(left)
    assert set(await house.dispatch()) == {"l"}
    assert len(edge.asked) == asked
    planned = {one.notification: one.state for one in await news(house, GRAN, late, left)}
    assert planned == {"family_delayed": MessageState.ENDED, "family_departed": MessageState.QUEUED}
    # Hours later it is over, and nobody hears any more that it left.
    house.pass_ms(8 * HOUR_MS)
    for who in ("kim", "lee"):
        await incidents.lift(flight, who=who, why="over")
    assert not await incidents.all()
    house.brakes.stale()
    house.pass_ms(60_000)
    await house.dispatch()
    assert len(edge.asked) == asked
    states = {one.notification: (one.state, one.reason) for one in await news(house, GRAN, left)}
    assert states == {"family_departed": (MessageState.EXPIRED, "expired")}


@pytest.mark.long
async def test_a_late_train_is_told_of_where_the_traveller_boards_and_its_departure_of_where_it_left(house: House) -> None:
    entity, places = "EXR/3542/2026-11-22", {"from": {"code": "AMS"}, "to": {"code": "MT", "name": "Maastricht"}}
    planned = {"departure": {"scheduled": iso_in(house, 4)}, "arrival": {"scheduled": iso_in(house, 7)}}
    mine = {"departure": {"scheduled": iso_in(house, 5)}, "arrival": {"scheduled": iso_in(house, 6)}}
    ends = {"from": {"code": "xmp:UT", "name": "Utrecht"}, "to": {"code": "xmp:EHV", "name": "Eindhoven"}}
    await at_home(house, GRAN, itinerary=[{"entity": entity, "type": "trip", "times": mine, **ends}])
    train = {"operator": "EXR", "tripNumber": "3542", "operatingDay": "2026-11-22", **places}
    moved = {**planned, "departure": {**planned["departure"], "estimated": iso_in(house, 5)}}
    late = house.event_of("trip.status", entity, {"trip": train, "status": "delayed", "times": moved})
    left = house.event_of("trip.status", entity, {"trip": train, "status": "departed", "times": moved})
    await house.tell(late, left)
    texts = {one.notification: str((await house.body(one))["text"]) for one in await news(house, GRAN, late, left)}
    assert "train to Eindhoven leaves later" in texts["family_train_delayed"]
    assert "local time in Utrecht" in texts["family_train_delayed"]
    assert "train to Maastricht has left" in texts["family_train_departed"]
    (leg,) = await legs_of(house.runtime.subjects, (await Stage(house).link(TRAVELLER))[1])
    shown = (leg.origin["code"], leg.destination["code"], leg.at)
    assert shown == ("xmp:UT", "xmp:EHV", mine["departure"]["scheduled"]), "as on the page of the link"


@pytest.mark.long
async def test_what_waits_for_a_traveller_whom_the_order_dropped_is_ended_though_they_stay_at_home(house: House) -> None:
    await at_home(house, MUM)
    late = house.flight("delayed", late_min=60)
    await house.tell(late)
    await house.tell(house.order(house.recipient(TRAVELLER), version=2))
    left = house.flight("departed", late_min=60)
    await house.tell(left)
    planned = {one.notification: one.state for one in await news(house, MUM, late, left)}
    assert planned == {"flight_delayed": MessageState.ENDED, "family_departed": MessageState.QUEUED}
