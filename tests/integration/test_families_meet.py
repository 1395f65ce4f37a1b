"""Two things that happen to a family in the same moment: neither is lost, whichever of them was first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.cli.contacts import people_of
from gateway.errors import Conflict
from gateway.families.bonds import Bonds
from gateway.families.keeper import Keeper
from gateway.model.contact import ConsentEntry
from gateway.model.event import BusinessEvent
from gateway.model.family import Joined, Left
from gateway.model.ids import SubjectId
from gateway.model.personal import Personal
from gateway.planning.waysin_people import INVITED
from gateway.store.families import Families
from gateway.store.incidents import Crisis, Incidents
from gateway.store.vault import KeyMissing
from tests.integration.family_stage import Stage
from tests.support.core import HOUR_MS, iso, open_house
from tests.support.dying import Died
from tests.support.edge import edge_running

SECOND, THIRD = "ZZ1009/2026-11-22/AMS", "ZZ1011/2026-11-22/AMS"
GROUP = "https://chat.example.org/AbCdEf123"


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with edge_running() as edge, open_house(redis_url, data_dir, edge.url) as house:
        await house.approve()
        yield Stage(house)


def first(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, happens: Callable[[], Awaitable[Any]]) -> None:
    """Let something happen just before this method is called for the first time."""
    real, begun = getattr(owner, name), False

    async def wrapped(*args: Any, **options: Any) -> Any:
        nonlocal begun
        if not begun:
            begun = True
            await happens()
        return await real(*args, **options)

    monkeypatch.setattr(owner, name, wrapped)


async def flies(stage: Stage, version: int, entity: str) -> SubjectId:
    """The traveller's order has another itinerary."""
    await stage.travels(1, version=version, itinerary=[stage.house.leg(entity)])
    return stage.house.runtime.vault.subject_id("flight", entity)


async def test_a_journey_that_changes_again_while_the_family_is_brought_along_is_followed_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.travels(1)
    family = await stage.family(1)
    await stage.joins(family, 7)
    await stage.looks()
    await flies(stage, 2, SECOND)
    first(monkeypatch, Bonds, "along", lambda: flies(stage, 3, THIRD))  # the look has read the second itinerary by now
    assert await stage.looks() == 1
    assert await stage.looks() == 1, "what was asked for during a look is not put off by its end"
    third = stage.house.runtime.vault.subject_id("flight", THIRD)
    assert await stage.follows(7) == {family.id, third}
    assert await stage.looks() == 0


async def test_who_joins_while_the_family_is_put_in_order_stays(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    house = stage.house
    await stage.travels(1)
    family = await stage.family(1)
    await stage.joins(family, 7)
    first(monkeypatch, Keeper, "_subscribers", lambda: stage.joins(family, 8))
    await stage.home.look(family.id)
    assert family.id in await stage.follows(8)
    # Nor does anybody who had left, whose process died before their link went, and who is back at just this moment.
    monkeypatch.undo()
    assert await stage.home.families.leave(family.id, (await house.contact_of(7)).id, Left.STOPPED)
    first(monkeypatch, Bonds, "untie", lambda: stage.joins(family, 7))
    await stage.home.look(family.id)
    for number in (7, 8):
        assert {family.id, *family.followed} <= await stage.follows(number)
        assert len(stage.home.memberships(await house.contact_of(number))) == 1


async def test_who_joins_while_the_journey_changes_follows_what_it_is_now(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.travels(1)
    family = await stage.family(1)

    async def changes() -> None:
        await flies(stage, 2, SECOND)
        await stage.looks()  # finds somebody on the list who has no link yet

    first(monkeypatch, Bonds, "tie", changes)
    assert await stage.joins(family, 7) is Joined.IN
    assert await stage.looks() == 1
    assert await stage.follows(7) == {family.id, stage.house.runtime.vault.subject_id("flight", SECOND)}


async def test_what_was_queued_for_a_member_who_is_taken_out_does_not_go_though_they_follow_the_flight_themselves(
    stage: Stage,
) -> None:
    house = stage.house
    await stage.travels(1, 2)
    family = await stage.family(1)
    stranger = await house.contact_of(2)  # they fly along, and want no news of it
    withdrawn = ConsentEntry("journey", "whatsapp", "zz", False, house.clock.now_ms(), "api")
    await house.runtime.contacts.set_consents(stranger.id, [withdrawn])
    assert await stage.joins(family, 2) is Joined.IN
    await house.dispatch()
    before = await stage.standing(family)
    late = house.flight("delayed", late_min=60)
    await house.tell(late)
    (record,) = [one for one in await house.messages(stranger.id) if one.notification == "family_delayed"]
    assert record.state.value == "q"
    house.pass_ms(1000)
    assert await stage.home.leave(family.id, stranger.id, Left.REMOVED)
    house.pass_ms(1000)
    # Another process is passing the traveller's group on meanwhile, to whom it found on the list.
    assert await stage.home.families.set_group(family.id, Personal(GROUP))
    (member,) = before.members
    herald, shared = stage.home.keeper.herald, await stage.standing(family)
    await herald.group(shared, member.contact, member.address, "", house.clock.now_ms())
    await house.dispatch()
    states = {
        one.notification: (one.state.value, one.reason) for one in await house.messages(stranger.id)
        if one.notification in ("family_delayed", "family_group")
    }
    assert states == {"family_delayed": ("s", "left"), "family_group": ("s", "left")}


async def test_a_call_that_dies_while_it_lets_a_relative_hear_no_more_is_done_again_whole(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies() -> None:
        raise Died

    await stage.travels(1)
    family = await stage.family(1)
    await stage.joins(family, 7)
    people = people_of(stage.house.runtime)
    first(monkeypatch, Families, "leave", dies)
    with pytest.raises(Died):
        await people.unfollow(await stage.house.contact_of(7), family.followed[0])
    await people.unfollow(await stage.house.contact_of(7), family.followed[0])
    assert (await stage.follows(7), (await stage.standing(family)).members) == (set(), ())


async def test_what_was_said_about_a_family_and_has_not_left_waits_when_a_crisis_begins(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1, itinerary=[house.leg(SECOND), house.leg(THIRD)])
    family = await stage.family(1)
    await stage.joins(family, 7)
    await stage.joins(family, 8)
    await house.dispatch()
    assert await stage.home.group(family.id, Personal(GROUP)) == 2
    assert await stage.home.leave(family.id, (await house.contact_of(8)).id, Left.STOPPED)
    assert await stage.home.end(family.id, "traveller")
    first_leg = family.followed[0]
    crisis = Crisis(first_leg, (), f"flight:{SECOND}", "care", "kim", "an accident", house.clock.now_ms())
    await Incidents(house.redis, house.clock).begin(crisis)
    house.brakes.stale()
    house.pass_ms(1000)
    await house.dispatch()
    said = ("family_group", "family_ended")
    states = {
        (number, one.notification): one.state.value
        for number in (7, 8) for one in await house.messages(await house.find(number)) if one.notification in said
    }
    assert states == {(7, "family_group"): "s", (7, "family_ended"): "q", (8, "family_group"): "s"}


async def test_a_family_whose_key_is_missing_keeps_no_other_waiting(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing() -> None:
        raise KeyMissing("key 2 is missing from GATEWAY_KEYS")

    await stage.travels(1, 2)
    for number in (1, 2):
        await stage.joins(await stage.family(number), 7)
    await stage.looks()
    await stage.travels(1, 2, version=2, itinerary=[stage.house.leg(SECOND)])
    first(monkeypatch, Keeper, "look", missing)
    assert await stage.looks() == 2
    assert stage.house.runtime.vault.subject_id("flight", SECOND) in await stage.follows(7)
    stage.house.pass_ms(6 * 60_000)
    assert await stage.looks() == 1, "tried again after a while"


async def test_a_group_link_that_the_traveller_corrects_at_once_is_the_only_one_that_goes(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1)
    family = await stage.family(1)
    await stage.joins(family, 7)
    await house.dispatch()
    for link in (f"{GROUP}wrong", GROUP, GROUP):
        house.pass_ms(1000)
        assert await stage.home.group(family.id, Personal(link)) == 1
    await house.dispatch()
    said = [one for one in await house.messages(await house.find(7)) if one.notification == "family_group"]
    assert [(one.state.value, GROUP + "wrong" in str(await house.body(one))) for one in said] == [("r", True), ("a", False)]


async def test_who_came_by_an_invitation_begins_a_family_when_their_order_has_spoken(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1)
    contact, spoken, address = await stage.link(1)
    # As an invitation without a customer number left it: who they are, and of which order, is still to be said.
    nobody = replace(spoken, source=INVITED, version=0, traveller="0" * 32, order=house.runtime.vault.subject_id("order", "i1"))
    contact = await house.runtime.contacts.change(contact.id, lambda profile: replace(profile, orders=(nobody,)))
    with pytest.raises(Conflict):
        await stage.home.make(contact, nobody, address, "en")
    assert await stage.home.make(contact, replace(nobody, source="api"), address, "en"), "what a program lets them follow stays"
    await stage.travels(1, version=2)
    known = next(one for one in (await house.contact_of(1)).profile.orders if one.version)
    family = await stage.home.make(await house.contact_of(1), known, address, "en")
    assert await stage.joins(family, 7) is Joined.IN
    await stage.home.look(family.id)
    assert (await stage.standing(family)).ended_ms == 0


async def planned(stage: Stage, number: int, *events: BusinessEvent) -> list[str]:
    found = await stage.house.messages(await stage.house.find(number))
    return sorted(one.notification for one in found if one.event in {event.id for event in events})


async def test_who_travels_and_is_in_a_family_hears_as_a_member_what_no_traveller_is_told(stage: Stage) -> None:
    house, entity, following = stage.house, "EXR/3542/2026-11-22", "ZZ2003/2026-11-22/LHR"
    hours = [iso(house.clock.now_ms() + hour * HOUR_MS) for hour in range(10)]
    await stage.travels(1, 2, kind="rail", itinerary=[house.leg(entity, "trip")])
    family = await stage.family(1)
    assert await stage.joins(family, 2) is Joined.IN
    times = {"departure": {"scheduled": hours[5]}, "arrival": {"scheduled": hours[6]}}
    ends = {"from": {"code": "AMS"}, "to": {"code": "LHR"}}
    train = {"operator": "EXR", "tripNumber": "3542", "operatingDay": "2026-11-22", **ends}
    left, there = (
        house.event_of("trip.status", entity, {"trip": train, "status": status, "times": times})
        for status in ("departed", "arrived")
    )
    await house.tell(left, there)
    assert await planned(stage, 2, left, there) == ["family_train_arrived", "family_train_departed"]

    # Who flies along to the first place only hears of the connection of who flies on; who flies on too hears it as their own.
    onward = {
        "entity": following, "type": "flight", "from": {"code": "LHR"}, "to": {"code": "DUB"},
        "times": {"departure": {"scheduled": hours[7]}, "arrival": {"scheduled": hours[8]}},
    }  # fmt: skip
    await house.tell(house.order(house.recipient(3), house.recipient(4), number="FL1", itinerary=[house.leg(), onward]))
    await house.tell(house.order(house.recipient(5), number="FL2"))
    family = await stage.family(3)
    for number in (4, 5):
        assert await stage.joins(family, number) is Joined.IN
    late = house.flight("delayed", late_min=40)
    await house.tell(late)
    assert await planned(stage, 4, late) == ["flight_connection_tight", "flight_delayed"]
    assert await planned(stage, 5, late) == ["family_connection_tight", "flight_delayed"]
