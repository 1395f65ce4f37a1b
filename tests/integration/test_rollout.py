"""A phased roll-out as people meet it: who is told, who is not yet, and what nobody is ever kept from."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import Conflict, NotFound
from gateway.insight.kinds import KINDS
from gateway.insight.unreached import begins
from gateway.intake.dryrun import Rehearsal
from gateway.model.event import BusinessEvent
from gateway.rules.rollout import Match, Rollout, Stage
from gateway.store import keys
from gateway.store.rollouts import Rollouts
from tests.support.core import House, facts_of, open_house

PEOPLE = range(101, 121)
CHECK_IN = "checkin_open"
KEYS = f"index:{base64.b64encode(bytes(32)).decode()},1:{base64.b64encode(bytes(range(32))).decode()}"
"""The same at every run: who is in a share is chance, but the same chance each time."""


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, GATEWAY_KEYS=KEYS) as made:
        yield made


def rolled(share: int, **more: Any) -> Rollout:
    values: dict[str, Any] = {"match": Match(notifications=(CHECK_IN,)), "who": "ann", "why": "new in this brand"} | more
    return Rollout("check-in", "seed-1", share=share, **values)


async def begin(house: House, rollout: Rollout) -> Rollouts:
    book = Rollouts(house.redis, house.clock)
    await book.start(rollout)
    house.runtime.worlds.stale()
    return book


async def families(house: House, size: int = 1) -> None:
    """One booking for every `size` people."""
    people = list(PEOPLE)
    parties = [people[first : first + size] for first in range(0, len(people), size)]
    orders = [house.order(*map(house.recipient, party), number=f"ZX{party[0]:04d}") for party in parties]
    assert set(await house.keep(*orders)) == {"new"}
    await house.expand()


def check_in(house: House, **more: Any) -> BusinessEvent:
    return house.flight("check_in", **more)


async def states(house: House, event: BusinessEvent) -> dict[str, tuple[str, str]]:
    """contact -> (state, reason) of their message about check-in."""
    return {
        one.contact: (one.state.value, one.reason)
        for one in await house.messages()
        if one.event == event.id and one.notification == CHECK_IN
    }


async def test_ten_percent_become_thirty_and_everybody_who_was_in_stays_in(house: House) -> None:
    await families(house)
    book = await begin(house, rolled(1000))
    first = check_in(house)
    await house.tell(first)
    before = await states(house, first)
    assert len(before) == len(PEOPLE)
    told = {contact for contact, (state, _) in before.items() if state == "q"}
    assert set(before.values()) <= {("q", ""), ("s", "not_in_rollout")}
    assert len(told) < 8

    seen = await book.get("check-in")
    await book.change(seen, replace(seen, share=3000, who="bob", why="all is well"), "rollout_raised")
    house.runtime.worlds.stale()
    # What was left out stays left out; the next event finds the new share.
    assert await states(house, first) == before
    other = "ZZ2002/2026-11-22/AMS"
    legs = [house.leg(), house.leg(other)]
    again = [house.order(house.recipient(one), number=f"ZX{one:04d}", version=2, itinerary=legs) for one in PEOPLE]
    assert set(await house.keep(*again)) == {"new"}
    await house.expand()
    second = check_in(house, entity=other)
    await house.tell(second)
    after = await states(house, second)
    now_told = {contact for contact, (state, _) in after.items() if state == "q"}
    assert told <= now_told
    assert now_told
    assert len(now_told) < 14

    facts = [fact for fact in await facts_of(house.redis) if fact.kind.startswith("rollout")]
    assert [(fact.kind, fact.detail["who"], fact.detail["share"]) for fact in facts] == [
        ("rollout_started", "ann", "1000"), ("rollout_raised", "bob", "3000"),
    ]  # fmt: skip
    assert facts[1].detail["why"] == "all is well"
    said = [KINDS[fact.kind].say(fact, str) for fact in facts]
    assert said == [
        "ann started the roll-out check-in at 10 %: new in this brand",
        "bob raised the roll-out check-in from 10 % to 30 %: all is well",
    ]
    left = next(fact for fact in await facts_of(house.redis) if fact.kind == "suppressed")
    assert (left.detail["reason"], left.detail["ro"]) == ("not_in_rollout", "check-in")
    assert "not among those who are told yet (roll-out check-in)" in KINDS[left.kind].say(left, str)
    # A choice of ours is nobody's failure: no alert, and no other system is asked to tell them.
    assert begins(left, lambda notification: True) is None
    assert begins(replace(left, detail={**left.detail, "reason": "held_out"}), lambda notification: True) is None
    assert begins(replace(left, detail={**left.detail, "reason": "no_consent"}), lambda notification: True) is not None


async def test_people_of_one_booking_are_told_together_or_not_at_all(house: House) -> None:
    await families(house, 4)
    await begin(house, rolled(5000))
    event = check_in(house)
    await house.tell(event)
    found = await states(house, event)
    by_order: dict[str, set[str]] = {}
    for number in PEOPLE:
        contact = await house.contact_of(number)
        by_order.setdefault(contact.profile.orders[0].order, set()).add(found[contact.id][0])
    assert len(by_order) == len(PEOPLE) / 4
    assert all(len(one) == 1 for one in by_order.values())
    assert len(set.union(*by_order.values())) == 2


async def test_a_cancellation_and_urgent_news_reach_the_held_out_all_the_same(house: House) -> None:
    await families(house, 8)
    await begin(house, rolled(0, match=Match(), hold_out=10_000))
    for number, event in enumerate((check_in(house), house.flight("cancelled"))):
        await house.tell(replace(event, occurred_at_ms=event.occurred_at_ms + number))
    found = Counter((one.notification, one.state.value, one.reason) for one in await house.messages())
    assert found[CHECK_IN, "s", "held_out"] == len(PEOPLE)
    assert found["flight_cancelled", "q", ""] == len(PEOPLE), found
    assert {name for name, _, reason in found if reason in ("held_out", "not_in_rollout")} == {CHECK_IN}


async def test_who_was_told_the_belt_is_told_the_next_one_whatever_the_share_is_by_then(house: House) -> None:
    early, late = house.recipient(101), house.recipient(102)
    await house.keep(house.order(early, number="ZX0101"))
    await house.expand()
    await house.tell(house.flight("arrived"), house.flight("arrived", belt="5"))
    for name, share, hold_out in (("b-none", 0, 0), ("c-held", 10_000, 10_000)):
        await begin(house, replace(rolled(share, match=Match(notifications=("flight_belt",)), hold_out=hold_out), name=name))
    await house.keep(house.order(late, number="ZX0102"))
    await house.expand()
    again = house.flight("arrived", belt="7")
    lines = (await Rehearsal(house.runtime).of(again)).lines
    rehearsed = Counter(one.answer for one in lines if one.notification == "flight_belt")
    await house.tell(again)
    found = {
        (one.contact, one.event == again.id): (one.state.value, one.reason)
        for one in await house.messages() if one.notification == "flight_belt"
    }  # fmt: skip
    knows, new = (await house.contact_of(101)).id, (await house.contact_of(102)).id
    # Belt 5 waited still: its place is taken, and by what would have stayed unsaid but for it.
    assert found.pop((knows, False)) == ("r", "replaced")
    assert found.pop((knows, True)) == ("q", "")
    assert [found.pop((new, heard)) for heard in (False, True)] == [("s", "not_in_rollout")] * 2
    assert rehearsed == {"queued": 1, "suppressed": 1}
    (fact,) = [one for one in await facts_of(house.redis) if one.kind == "enqueued" and "on" in one.detail]
    assert (fact.detail["on"], "ro" in fact.detail) == ("b-none", False)
    assert "outside the roll-out b-none" in KINDS[fact.kind].say(fact, str)


async def test_a_way_that_cannot_be_gone_hides_no_roll_out_behind_it(house: House) -> None:
    ways = [{"channel": "whatsapp", "to": f"+447700900{number}", "givenBy": "self"} for number in (101, 191)]
    await house.keep(house.order(house.recipient(101, addresses=ways), number="ZX0101"))
    await house.expand()
    contact = await house.contact_of(101)
    first = contact.profile.addresses[0].id
    await house.redis.hset(keys.of(contact.id, "f"), f"un:{first}", str(house.clock.now_ms()))
    for name in ("a-all", "b-part"):
        await begin(house, replace(rolled(10_000), name=name))
    event = check_in(house)
    await house.tell(event)
    assert await states(house, event) == {contact.id: ("q", "")}
    both = [one.detail for one in await facts_of(house.redis) if one.kind == "enqueued" and "ro" in one.detail]
    assert [(one["ro"], one["past"]) for one in both] == [("a-all,b-part", "whatsapp:unreachable")]
    book = Rollouts(house.redis, house.clock)
    seen = await book.get("b-part")
    await book.change(seen, replace(seen, share=0), "rollout_lowered")
    house.runtime.worlds.stale()

    async def checks_in(number: int) -> BusinessEvent:
        entity = f"ZZ{number}/2026-11-22/AMS"
        order = house.order(house.recipient(101, addresses=ways), number=f"ZX{number}", itinerary=[house.leg(entity)])
        await house.keep(order)
        await house.expand()
        event = check_in(house, entity=entity)
        await house.tell(event)
        return event

    left_out = {contact.id: ("s", "not_in_rollout")}
    assert await states(house, await checks_in(2002)) == left_out, "the reason of the way that would have been gone"
    await house.redis.hset(keys.of(contact.id, "f"), f"un:{contact.profile.addresses[1].id}", str(house.clock.now_ms()))
    assert await states(house, await checks_in(2003)) == {contact.id: ("s", "unreachable")}
    last = [one.detail for one in await facts_of(house.redis) if one.kind == "suppressed" and one.detail["nt"] == CHECK_IN]
    assert ["ro" in one for one in last] == [True, False], "no roll-out has a say in what does not go anyway"


async def test_a_dry_run_counts_the_share_as_planning_does(house: House) -> None:
    await families(house)
    await begin(house, rolled(4000, hold_out=2000))
    event = check_in(house)
    found = await Rehearsal(house.runtime).of(event)
    rehearsed = Counter((one.answer[0], one.reason) for one in found.lines if one.notification == CHECK_IN)
    await house.tell(event)
    assert rehearsed == Counter((await states(house, event)).values())
    assert set(rehearsed) == {("q", ""), ("s", "not_in_rollout"), ("s", "held_out")}


async def test_a_roll_out_of_another_route_or_brand_is_about_nobody_here(house: House) -> None:
    await families(house, 8)
    for number, match in enumerate([Match(origin="BRU"), Match(brands=("exr",)), Match(carrier="QQ"), Match(line="NS/IC")]):
        await Rollouts(house.redis, house.clock).start(replace(rolled(0, match=match), name=f"r{number}"))
    await begin(house, rolled(10_000, match=Match(origin="ams", destination="LHR", carrier="ZZ", brands=("zz",))))
    event = check_in(house)
    await house.tell(event)
    assert set((await states(house, event)).values()) == {("q", "")}
    enqueued = [fact for fact in await facts_of(house.redis) if fact.kind == "enqueued" and fact.detail["nt"] == CHECK_IN]
    assert {fact.detail["ro"] for fact in enqueued} == {"check-in"}


async def test_of_two_who_change_the_same_one_is_told_that_it_has_changed(house: House) -> None:
    book = await begin(house, rolled(1000))
    other = Rollouts(house.redis, house.clock)
    seen = await book.get("check-in")
    tries = [
        one.change(seen, replace(seen, share=share, who=f"p{share}"), "rollout_raised")
        for one, share in ((book, 2000), (other, 3000), (book, 4000), (other, 5000))
    ]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in answers) == 3
    (written,) = [one for one in answers if isinstance(one, Rollout)]
    assert (await other.get("check-in")) == written
    raised = [fact.detail["who"] for fact in await facts_of(house.redis) if fact.kind == "rollout_raised"]
    assert raised == [written.who]
    with pytest.raises(Conflict):
        await book.start(rolled(100))
    await other.end(written, who="ann", why="everybody now")
    with pytest.raises(NotFound):
        await book.get("check-in")
    with pytest.raises(Conflict):
        await book.end(written, who="bob", why="too late")


async def test_a_record_that_is_not_understood_is_passed_over_and_one_with_more_in_it_is_read(house: House) -> None:
    book = await begin(house, rolled(1000, stages=(Stage(1000, 5, 3),)))
    written = await book.get("check-in")
    raw = json.loads(await house.redis.hget(keys.ROLLOUTS, "check-in"))
    more = {**raw, "new": 1, "limits": {**raw["limits"], "blocked": 7}, "match": {**raw["match"], "months": [1]}}
    for name, record in (("later", {"f": 2, "rev": 1}), ("half", {"f": 1, "rev": 1}), ("more", more)):
        await house.redis.hset(keys.ROLLOUTS, name, json.dumps(record))
    await house.redis.hset(keys.ROLLOUTS, "cut", json.dumps(raw)[:20])
    assert await book.all() == [written, replace(written, name="more")]
    await house.runtime.worlds.now()
