"""What becomes of a family: brought along with the journey, left, stopped, erased, over; done again wherever a process dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.cli.contacts import people_of
from gateway.model.family import Family, Joined, Left
from gateway.model.ids import ContactId
from gateway.model.personal import Personal
from gateway.store import ledger
from gateway.store.erasure import Erasure
from gateway.store.incidents import Crisis, Incidents
from gateway.store.restored import Restored
from tests.integration.family_stage import HOUR_MS, Stage
from tests.support.core import facts_of, iso, open_house
from tests.support.dying import Died, dying
from tests.support.edge import Edge, edge_running
from tests.support.meta import inbound_text, webhook

OLD, LATER = "ZZ1007/2026-11-22/AMS", "ZZ1009/2026-11-22/AMS"
GROUP = "https://chat.example.org/AbCdEf123"


@pytest.fixture
async def stage(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Stage]:
    async with open_house(redis_url, data_dir) as house:
        yield Stage(house)


def later(stage: Stage) -> dict[str, Any]:
    """The flight three hours behind the one that is cancelled."""
    departure, arrival = (iso(stage.house.began_ms + hours * HOUR_MS) for hours in (8, 9))
    return {"carrier": "ZZ", "flightNumber": "1009", "originDate": "2026-11-22", "departure": departure, "arrival": arrival}


async def ends(stage: Stage) -> list[str]:
    """Why families ended, in that order."""
    return [str(fact.detail["why"]) for fact in await facts_of(stage.house.redis) if fact.kind == "family_ended"]


def erasure(stage: Stage) -> Erasure:
    runtime = stage.house.runtime
    return Erasure(
        stage.house.redis, runtime.clock, runtime.vault, runtime.contacts, runtime.conversations, runtime.directory.ids,
        runtime.pairs,
    )  # fmt: skip


async def test_whatever_the_traveller_flies_in_the_end_their_family_follows(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1)
    family = await stage.family(1)
    await stage.joins(family, 7)
    await stage.looks()
    assert await stage.looks() == 0, "a family at rest is not looked at"
    await house.tell(house.flight("delayed", entity=LATER, late_min=60))
    await house.tell(house.flight("cancelled", rebooking=later(stage)))
    assert await stage.looks() == 1
    new = house.runtime.vault.subject_id("flight", LATER)
    assert new in await stage.follows(7)
    assert await stage.said(7, "family_follows") == ["From now on you follow flight ZZ 1009 to London Heathrow"]
    (link,) = stage.home.memberships(await house.contact_of(7))
    traveller = (await stage.link(1))[1]
    assert link.moves
    assert (link.subjects, link.moves) == (traveller.subjects, traveller.moves)
    assert len(await stage.said(7, "family_delayed")) == 1, "and what holds of it"
    # Who joins now hears of it once, as what is.
    assert await stage.joins(family, 8) is Joined.IN
    await stage.home.look(family.id)
    assert len(await stage.said(8, "family_delayed")) == 1
    assert (await stage.said(8, "family_follows"), len(await stage.said(7, "family_follows"))) == ([], 1)
    # The order has another itinerary: of the old ones they hear nothing any more.
    third = "ZZ1011/2026-11-22/AMS"
    await stage.travels(1, version=2, itinerary=[house.leg(third)])
    assert await stage.looks() == 1
    assert await stage.follows(7) == await stage.follows(8) == {family.id, house.runtime.vault.subject_id("flight", third)}
    # Another contact is the traveller's now: the family goes along, and its names can be read there.
    await house.runtime.home.families.rename(family.id, (await house.contact_of(7)).id, Personal("Opa Jan"))
    await house.tell(house.order(house.recipient(5), number="ZX5"))
    moved = {**house.recipient(1), "addresses": house.recipient(5)["addresses"]}
    await house.tell(house.order(moved, version=3, itinerary=[house.leg(third)]))
    assert await stage.looks() == 1
    standing = await stage.standing(family)
    assert (standing.contact, standing.members[0].name) == (await house.find(5), Personal("Opa Jan"))
    # Left out of their order, and an order that is cancelled: the family is over.
    await house.tell(house.order(house.recipient(2), version=4))
    await stage.looks()
    other = await stage.family(2)
    await stage.joins(other, 8)
    await stage.looks()
    await house.tell(house.order(version=5, status="cancelled", recipients=None))
    await stage.looks()
    assert await ends(stage) == ["left_out", "cancelled"]
    assert (await stage.follows(7), await stage.follows(8), await stage.due()) == (set(), set(), [])


async def test_a_day_after_the_landing_members_are_told_once_and_nothing_of_the_list_is_left(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1)
    family = await stage.family(1)
    for number in (7, 8):
        await stage.joins(family, number)
    await stage.looks()
    house.pass_ms(6 * HOUR_MS)
    await stage.looks()  # in the air, and not looked at again for a while
    times = house.leg()["times"]
    landed = {end: {**moment, "actual": moment["scheduled"]} for end, moment in times.items()}
    await house.tell(house.flight("arrived", times=landed))
    assert await stage.looks() == 1, "the landing itself asks for a look"
    assert await stage.said(1, "family_group_offer") == ["Your journey was followed by 2 people at home"]
    # The link of their own group: to each once, also who joins later; another link is another one.
    assert await stage.home.group(family.id, Personal(GROUP)) == 2
    assert await stage.home.group(family.id, Personal(GROUP)) == 2
    await stage.joins(family, 9)
    told = {number: await stage.said(number, "family_group") for number in (7, 8, 9)}
    assert list(told.values()) == [["A group from Given1 for you"]] * 3
    assert await stage.looks() == 0
    house.pass_ms(22 * HOUR_MS)
    assert await stage.looks() == 0, "not before a day has passed"
    house.pass_ms(2 * HOUR_MS)
    assert await stage.looks() == 1
    assert {number: len(await stage.said(number, "family_ended")) for number in (7, 8, 9)} == {7: 1, 8: 1, 9: 1}
    relative = await house.contact_of(7)
    window = relative.facts.window_opened_at(stage.sender.id, relative.profile.addresses[0].id)
    assert window is not None
    assert house.clock.now_ms() - window > 24 * HOUR_MS, "their window is shut: it goes as a template"
    assert (await ends(stage), await stage.due(), await stage.looks()) == (["over"], [], 0)
    assert len(await stage.said(1, "family_group_offer")) == 1
    stub = await stage.standing(family)
    assert (stub.members, stub.contact, stub.group_link) == ((), "", None)


@pytest.mark.long
async def test_a_flight_of_which_nobody_speaks_again_ends_its_families_all_the_same(stage: Stage) -> None:
    await stage.travels(1)
    family = await stage.family(1)
    await stage.joins(family, 7)
    looks = 0
    for _ in range(48):
        stage.house.pass_ms(HOUR_MS)
        looks += await stage.looks()
    assert await ends(stage) == ["over"]
    assert looks <= 9, "less and less often"
    assert await stage.said(1, "family_group_offer") == [], "nobody knows that they landed"


async def test_whoever_is_erased_leaves_nothing_on_any_list_and_their_own_family_is_over(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1)
    family = await stage.family(1)
    for number in (7, 8):
        await stage.joins(family, number, name=f"Name{number}")
    await stage.home.group(family.id, Personal(GROUP))
    await erasure(stage).erase((await house.contact_of(7)).id)
    (member,) = (await stage.standing(family)).members
    assert (member.contact, member.name) == ((await house.contact_of(8)).id, Personal("Name8"))
    await erasure(stage).erase((await house.contact_of(1)).id)
    shut = await stage.standing(family)
    assert (shut.members[0].name, shut.group_link) == (None, None), "names go with the traveller's key"
    assert await stage.joins(family, 9) is Joined.ENDED
    await stage.looks()
    assert (await ends(stage), await stage.follows(8)) == (["erased"], set())
    (said,) = [one for one in await house.messages(await house.find(8)) if one.notification == "family_ended"]
    assert "Given1" not in str(await house.body(said))


async def test_a_stop_leaves_the_family_it_answers_and_without_one_all_of_them(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with edge_running() as edge, open_house(redis_url, data_dir, edge.url) as house:
        await stops(Stage(house), edge)


async def stops(stage: Stage, edge: Edge) -> None:
    house = stage.house
    await stage.travels(1)
    await house.tell(house.order(house.recipient(2), number="ZX222", itinerary=[house.leg(LATER)]))
    families = [await stage.family(1), await stage.family(2)]
    for one in families:
        await stage.joins(one, 7)
        await stage.home.group(one.id, Personal(GROUP))
    await house.dispatch()
    sent = [f"wamid.OUT{place + 1}" for place, (_, _, body) in enumerate(edge.asked) if "A group from Given1" in str(body)]

    async def says(text: str, answers: str | None = None) -> None:
        house.pass_ms(1000)
        said = inbound_text(house, "447700900007", text, answers=answers)
        for _ in range(2):  # every webhook may come twice
            await house.runtime.webhooks.append("whatsapp", webhook(said))
        await house.take_webhooks()

    await stage.home.group(families[0].id, Personal(f"{GROUP}new"))
    await says("STOP", sent[0])
    await house.dispatch()
    assert [link.order for link in stage.home.memberships(await house.contact_of(7))] == [families[1].id]
    assert len((await stage.standing(families[0])).members) == 0
    assert (await house.contact_of(7)).facts.consents["family.whatsapp.zz"].granted, "of the other one they still hear"
    groups = [one for one in await house.messages(await house.find(7)) if one.notification == "family_group"]
    assert [(one.state.value, one.reason) for one in groups] == [("a", ""), ("a", ""), ("s", "left")], "nor what still waited"
    assert await stage.said(7, "family_stopped") == ["Stopped"]
    await says("stop")
    assert stage.home.memberships(await house.contact_of(7)) == []
    assert not (await house.contact_of(7)).facts.consents["family.whatsapp.zz"].granted
    await says("start")
    relative = await house.contact_of(7)
    assert (stage.home.memberships(relative), relative.facts.consents["family.whatsapp.zz"].granted) == ([], False)
    assert await stage.joins(families[1], 7) is Joined.IN, "the link lets them in again"
    assert (await house.contact_of(7)).facts.consents["family.whatsapp.zz"].granted


async def test_whoever_is_told_by_the_api_to_hear_no_more_of_a_leg_is_on_no_list_either(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1)
    family = await stage.family(1)
    for number in (7, 8):
        await stage.joins(family, number)
    await stage.looks()
    people = people_of(house.runtime)
    assert await people.unfollow(await house.contact_of(7), family.followed[0])
    assert await stage.follows(7) == set()
    assert [one.contact for one in (await stage.standing(family)).members] == [await house.find(8)]
    assert await people.unfollow(await house.contact_of(1), family.order)
    await stage.looks()
    assert (await ends(stage), await stage.follows(8)) == (["left_out"], set())


async def test_a_relative_whom_nothing_reaches_is_seen_by_the_traveller_as_such(stage: Stage) -> None:
    await stage.travels(1)
    family = await stage.family(1)
    for number in (7, 8):
        await stage.joins(family, number)
    standing = await stage.standing(family)
    gone, fine = standing.members
    await stage.unreachable(gone)
    assert await stage.home.reached(standing) == {gone.contact: False, fine.contact: True}


async def test_who_has_a_link_and_no_place_on_the_list_loses_it(stage: Stage) -> None:
    await stage.travels(1)
    family = await stage.family(1)
    for number in (7, 8):
        await stage.joins(family, number)
    relative = (await stage.house.contact_of(7)).id
    assert await stage.home.families.leave(family.id, relative, Left.REMOVED)  # and there its process died
    await stage.home.look(family.id)
    assert (await stage.follows(7), stage.home.memberships(await stage.house.contact_of(7))) == (set(), [])
    assert family.id in await stage.follows(8)


async def test_in_a_crisis_nothing_is_said_to_a_family_and_afterwards_what_still_holds(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1)
    family = await stage.family(1)
    await stage.joins(family, 7)
    await stage.looks()
    incidents = Incidents(house.redis, house.clock)
    subject = family.followed[0]
    crisis = Crisis(subject, (subject,), f"flight:{OLD}", "crisis", "kim", "an accident", house.clock.now_ms())
    await incidents.begin(crisis)
    house.pass_ms(1000)
    assert await stage.home.group(family.id, Personal(GROUP)) == 0
    assert await stage.home.end(family.id, "traveller")
    assert await stage.joins(family, 8) is Joined.ENDED
    assert await stage.said(7, "family_group", "family_ended") == []
    for who in ("kim", "bo"):
        await incidents.lift(subject, who=who, why="over")
    house.pass_ms(11 * 60_000)
    assert await stage.looks() == 1
    assert len(await stage.said(7, "family_ended")) == 1


async def test_stops_and_erasures_that_a_restored_backup_did_not_know_count_for_families_too(stage: Stage) -> None:
    house = stage.house
    await stage.travels(1, 2)
    families = [await stage.family(1), await stage.family(2)]
    for one in families:
        await stage.joins(one, 7)
    relative = await house.contact_of(7)
    known = house.runtime.contacts.beside_addresses(relative)
    at_ms = house.clock.now_ms()

    async def hears(kind: str, said_ms: int, contact: ContactId, *scopes: str) -> None:
        for _ in range(2):
            line = ledger.Entry(kind, said_ms, said_ms, contact, scopes, known if scopes else ())
            await Restored(house.redis, house.clock, house.runtime.vault).hear([line], said_ms - 1)

    await hears(ledger.WITHDRAWN, at_ms - HOUR_MS, relative.id, "family.whatsapp.zz")
    assert len(stage.home.memberships(await house.contact_of(7))) == 2, "they joined after that"
    await hears(ledger.WITHDRAWN, at_ms, relative.id, f"family:{families[0].id}.whatsapp.zz")
    assert [link.order for link in stage.home.memberships(await house.contact_of(7))] == [families[1].id]
    assert (await stage.standing(families[0])).members == ()
    assert await stage.follows(7) == {families[1].id, *families[1].followed}
    await stage.joins(families[0], 8)
    await hears(ledger.WITHDRAWN, at_ms, relative.id, "family.whatsapp.zz")
    assert (stage.home.memberships(await house.contact_of(7)), await stage.follows(7)) == ([], set())
    # And so a traveller who was erased since: their family is over.
    await hears(ledger.ERASED, at_ms, (await house.contact_of(1)).id)
    await stage.looks()
    assert (await ends(stage), stage.home.memberships(await house.contact_of(8))) == (["erased"], [])


async def test_switched_off_nobody_comes_in_or_hears_anything_and_what_is_over_goes_all_the_same(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        await stage.travels(1)
        family = await stage.family(1)
        await stage.joins(family, 7)
    async with open_house(redis_url, data_dir, GATEWAY_FAMILY_PLACES="0") as house:
        stage = Stage(house)
        await house.tell(house.flight("cancelled", rebooking=later(stage)))
        assert await stage.looks() == 1
        assert len((await stage.standing(family)).members) == 1
        assert await stage.joins(family, 8) is Joined.CLOSED
        house.pass_ms(100 * HOUR_MS)
        assert await stage.looks() == 1
        assert (await stage.follows(7), await stage.due(), (await stage.standing(family)).members) == (set(), [], ())
        assert await stage.said(7, "family_follows", "family_ended") == []


@pytest.mark.long
@pytest.mark.parametrize("what", ["join", "remove", "end", "follow", "erase"])
async def test_wherever_a_process_dies_the_next_one_brings_it_to_the_same(
    stage: Stage, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, home = stage.house, stage.home
    await stage.travels(1)
    await house.tell(house.flight("delayed", entity=LATER, late_min=60))

    async def step(family: Family) -> None:
        relative = await house.find(7)
        assert relative is not None
        if what == "join":
            await home.join(family, chat, family.renewals, "en", "message abc")
        elif what == "remove":
            await home.leave(family.id, relative, Left.REMOVED)
        elif what == "end":
            await home.end(family.id, "traveller")
            await stage.looks()
        elif what == "erase":
            await erasure(stage).sweep()
            await stage.looks()
        else:
            await home.look(family.id)

    for at in range(1, 400):
        number = 100 + at
        await house.tell(house.order(house.recipient(number), number=f"ZX{at}"))
        family = await stage.family(number)
        chat = await stage.chat(7)
        if what != "join":
            await home.join(family, chat, family.renewals, "en", "message abc")
        if what == "follow":
            await house.tell(house.order(house.recipient(number), number=f"ZX{at}", version=2, itinerary=[house.leg(LATER)]))
        if what == "erase":
            contact = (await house.contact_of(number)).id
            with dying(at + 3, monkeypatch):  # after its mark, which is what the sweep goes by
                try:
                    await erasure(stage).erase(contact)
                except Died:
                    pass
        died = False
        if what != "erase":
            with dying(at, monkeypatch):
                try:
                    await step(family)
                except Died:
                    died = True
        await step(family)
        followed = await stage.follows(7)
        if what == "join":
            assert {family.id, *family.followed} <= followed
            assert len((await stage.standing(family)).members) == 1
        elif what == "follow":
            assert house.runtime.vault.subject_id("flight", LATER) in followed
            told = [one for one in await house.messages(await house.find(7)) if one.notification == "family_follows"]
            assert len(told) == at
        else:
            assert family.id not in followed
            assert all(link.order != family.id for link in (await house.contact_of(7)).profile.orders)
        if what in ("end", "erase"):
            told = [one for one in await house.messages(await house.find(7)) if one.notification == "family_ended"]
            assert len(told) == at
        if what in ("join", "follow"):
            await home.end(family.id, "traveller")
        if not died and (what != "erase" or at > 40):
            break
    else:
        raise AssertionError("it never came to its end")
    assert at > 5
