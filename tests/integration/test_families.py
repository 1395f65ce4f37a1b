"""Families made, joined and left: who is in, what their link says, and what stays of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.model.family import ROLE, Amount, Joined, Left, Member
from gateway.model.ids import AddressId, ContactId
from gateway.model.personal import Personal
from tests.integration.family_stage import Stage
from tests.support.core import facts_of, open_house


async def test_a_relative_joins_with_a_link_of_their_own_that_says_nothing_of_the_booking(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        await stage.travels(1)
        family = await stage.family(1)
        assert (family.open, family.places, family.members) == (True, 20, ())
        assert await stage.family(1) == family, "asked twice it is one"
        assert await stage.joins(family, 7, name="Opa Jan") is Joined.IN
        assert await stage.joins(family, 7) is Joined.AGAIN
        (member,) = (await stage.standing(family)).members
        relative = await house.contact_of(7)
        assert (member.contact, member.name) == (relative.id, Personal("Opa Jan"))
        (link,) = stage.home.memberships(relative)
        traveller = (await stage.link(1))[1]
        assert (link.order, link.role, link.number.reveal(), link.passenger) == (family.id, ROLE, "", None)
        assert (link.subjects, link.until_ms) == (traveller.subjects, traveller.until_ms)
        assert await stage.follows(7) == {family.id, *traveller.subjects}
        granted = [name for name, one in relative.facts.consents.items() if one.granted]
        assert granted == ["family.whatsapp.zz"]
        assert relative.facts.proofs[member.address][0] == "inbound"
        # What they chose stays theirs, also when they come by the link again.
        assert await stage.home.wishes(relative.id, family.id, amount=Amount.ENDS, quiet=True)
        await stage.joins(family, 7)
        (link,) = stage.home.memberships(await house.contact_of(7))
        assert (link.amount, link.quiet) == (Amount.ENDS, True)
        # Gone: nothing of it is left in their contact, and they are free to come again.
        assert await stage.home.leave(family.id, relative.id, Left.STOPPED)
        assert not await stage.home.leave(family.id, relative.id, Left.STOPPED)
        gone = await house.contact_of(7)
        assert (stage.home.memberships(gone), gone.profile.travellers) == ([], ())
        assert await stage.follows(7) == set()
        assert not await stage.home.wishes(relative.id, family.id, quiet=True)
        assert await stage.joins(family, 7) is Joined.IN
        kinds = [fact.kind for fact in await facts_of(house.redis) if fact.kind.startswith("family_")]
        assert kinds == ["family_made", "family_joined", "family_left", "family_joined"]


async def test_who_was_taken_out_who_has_an_old_link_and_who_comes_to_a_closed_door_stay_out(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir, GATEWAY_FAMILY_PLACES="2") as house:
        stage = Stage(house)
        await stage.travels(1)
        family = await stage.family(1)
        families = stage.home.families
        assert await stage.joins(family, 7) is Joined.IN
        relative = (await house.contact_of(7)).id
        assert await stage.home.leave(family.id, relative, Left.REMOVED)
        assert await stage.joins(family, 7) is Joined.BARRED
        assert await stage.follows(7) == set()
        renewed = await families.renew(family.id, "asked-1")
        assert await families.renew(family.id, "asked-1") == renewed > family.renewals
        assert await stage.joins(family, 8) is Joined.OLD
        assert await stage.joins(family, 8, renewals=renewed) is Joined.IN
        assert await families.door(family.id, open=False)
        assert await stage.joins(family, 9, renewals=renewed) is Joined.CLOSED
        assert await families.door(family.id, open=True)
        # Two places, and three who come at the same moment.
        chats = [await stage.chat(number) for number in (9, 10, 11)]
        answers = await asyncio.gather(*(stage.home.join(family, chat, renewed, "en", "m") for chat in chats))
        assert sorted(answers) == [Joined.FULL, Joined.FULL, Joined.IN]
        assert len((await stage.standing(family)).members) == 2


async def test_a_link_that_went_too_far_closes_the_door_by_itself_until_the_traveller_opens_it(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        await stage.travels(1)
        family = await stage.family(1)
        people = [ContactId(f"c{number:02d}{'0' * 13}") for number in range(50)]
        answers = await asyncio.gather(*(
            stage.home.families.join(family.id, Member(one, AddressId("a00"), "whatsapp", None, 0), family.renewals)
            for one in people
        ))  # fmt: skip
        assert (answers.count(Joined.IN), answers.count(Joined.TOO_MANY)) == (10, 40)
        shut = await stage.standing(family)
        assert (shut.open, len(shut.members)) == (False, 10)
        assert shut.shut_ms > 0
        assert await stage.joins(family, 7) is Joined.TOO_MANY
        assert await stage.home.families.door(family.id, open=True)
        assert await stage.joins(family, 7) is Joined.IN
        doors = [fact.detail["door"] for fact in await facts_of(house.redis) if fact.kind == "family_door"]
        assert doors == ["too_many", "opened"]


async def test_a_family_ends_at_once_is_told_once_and_begins_anew_under_another_link(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        stage = Stage(house)
        await stage.travels(1)
        family = await stage.family(1)
        assert await stage.joins(family, 7) is Joined.IN
        assert await stage.joins(family, 8, language="nl") is Joined.IN
        assert await stage.home.end(family.id, "traveller")
        assert not await stage.home.end(family.id, "traveller")
        assert await stage.said(7, "family_ended") == ["No more news about flight ZZ 1007 to London Heathrow"]
        assert await stage.said(8, "family_ended") == ["Geen nieuws meer over vlucht ZZ 1007 naar Londen Heathrow"]
        assert (await stage.follows(7), stage.home.memberships(await house.contact_of(7))) == (set(), [])
        assert await stage.joins(family, 9) is Joined.ENDED
        assert await stage.home.families_of((await stage.link(1))[0]) == []
        # What is left says that it was one, and nothing of who was in it.
        left: Any = await redis.hgetall(f"{{p:{family.id[1:3]}}}fam:{family.id}")
        assert {bytes(name).decode() for name in left} == {"f", "made", "ended", "n", "o", "t", "why"}
        assert await stage.due() == []
        again = await stage.family(1)
        assert again.renewals > family.renewals
        assert (again.members, again.ended_ms) == ((), 0)
        ((link, found),) = await stage.home.families_of((await stage.link(1))[0])
        assert (link.order, found) == (family.order, again)
        assert await stage.joins(again, 7, renewals=family.renewals) is Joined.OLD
