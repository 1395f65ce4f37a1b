"""The outbox by itself: what is planned, what takes its place, in what order it is handed out, and to whom."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from gateway.model.ids import AddressId, new_address_id
from gateway.model.message import MessageState, Priority
from gateway.store import keys
from gateway.store.outbox import Pair, Plan, PlannedContact
from tests.support.core import HOUR_MS, LEASE_MS, SENDER, Lanes


@pytest.fixture
def lanes(redis: Redis) -> Lanes:
    return Lanes(redis)


# planned


async def test_the_same_message_planned_again_exists_and_is_handed_out_once(lanes: Lanes) -> None:
    message = lanes.message()
    assert (await lanes.put(message)).messages == ("queued",)
    assert (await lanes.put(message)).messages == ("exists",)
    assert [one.id for one in await lanes.claim()] == [message.id]
    assert await lanes.claim() == []
    assert (await lanes.put(message)).messages == ("exists",)


async def test_a_newer_version_takes_the_older_one_out_of_its_lane(lanes: Lanes) -> None:
    old, new = lanes.message(), lanes.message()
    await lanes.put(old, n=1)
    await lanes.put(new, n=2)
    assert (await lanes.state(old.id), (await lanes.record(old.id)).reason) == ("r", "replaced")
    assert [one.id for one in await lanes.claim()] == [new.id]
    assert await lanes.kinds(old.id) == ["enqueued", "replaced"]


async def test_an_older_version_that_is_planned_late_is_replaced_at_once(lanes: Lanes) -> None:
    old, new = lanes.message(), lanes.message()
    await lanes.put(new, n=2)
    assert (await lanes.put(old, n=1)).messages == ("replaced",)
    assert [one.id for one in await lanes.claim()] == [new.id]


async def test_versions_of_another_item_leave_each_other_alone(lanes: Lanes) -> None:
    first, second = lanes.message("pass", item="eva"), lanes.message("pass", item="tom")
    await lanes.put(first, n=1)
    await lanes.put(second, n=2)
    assert await lanes.state(first.id) == "q"
    assert await lanes.send() == first.id
    assert await lanes.send() == second.id


async def test_a_status_ends_what_it_makes_pointless_wherever_it_waits(lanes: Lanes) -> None:
    gate, night = lanes.message("gate"), lanes.message("check_in", due_ms=HOUR_MS // 2)
    await lanes.put(gate, n=1)
    await lanes.put(night, n=1)
    await lanes.put(lanes.message("cancelled"), n=2, ends=["gate", "check_in"])
    assert [await lanes.state(one.id) for one in (gate, night)] == ["e", "e"]
    assert [one.record.notification for one in await lanes.claim()] == ["cancelled"]
    assert (await lanes.put(lanes.message("gate"), n=1)).messages == ("ended",)
    assert (await lanes.put(lanes.message("gate"), n=3)).messages == ("queued",)


async def test_a_contact_who_hears_nothing_of_an_event_still_loses_what_it_ends(lanes: Lanes) -> None:
    gate = lanes.message("gate")
    await lanes.put(gate, n=1)
    assert (await lanes.put(n=2, ends=["gate"])).written
    assert await lanes.state(gate.id) == "e"
    assert await lanes.claim() == []
    assert await lanes.standing() == []


async def test_what_ended_of_one_item_is_ended_of_every_item(lanes: Lanes) -> None:
    passes = [lanes.message("pass", item=name) for name in ("eva", "tom")]
    for one in passes:
        await lanes.put(one, n=1)
    await lanes.put(n=2, ends=["pass"])
    assert [await lanes.state(one.id) for one in passes] == ["e", "e"]


async def test_a_suppressed_message_is_revived_once_and_a_queued_one_never_twice(lanes: Lanes) -> None:
    waiting = lanes.message(state=MessageState.SUPPRESSED, reason="no_proof")
    assert (await lanes.put(waiting)).messages == ("suppressed",)
    again = lanes.message(id=waiting.id, revive=True)
    assert (await lanes.put(again)).messages == ("queued",)
    assert (await lanes.put(again)).messages == ("exists",)
    assert await lanes.send() == waiting.id
    assert (await lanes.put(again)).messages == ("exists",)
    assert await lanes.claim() == []


async def test_a_revived_message_that_was_overtaken_by_newer_news_stays_unsent(lanes: Lanes) -> None:
    waiting = lanes.message(state=MessageState.SUPPRESSED, reason="no_proof")
    await lanes.put(waiting, n=1)
    await lanes.put(lanes.message(state=MessageState.SUPPRESSED, reason="no_proof"), n=2)
    assert (await lanes.put(lanes.message(id=waiting.id, revive=True), n=1)).messages == ("replaced",)
    assert await lanes.claim() == []


async def test_a_plan_made_under_older_consents_is_refused_whole(lanes: Lanes) -> None:
    await lanes.redis.hset(keys.of(lanes.contact, "f"), "cv", "1")
    message = lanes.message()
    result = await lanes.put(message, cv=0)
    assert (result.written, result.contacts) == (False, ("replan",))
    assert await lanes.outbox.record(message.id) is None
    assert (await lanes.put(message, cv=1)).messages == ("queued",)


async def test_one_contact_that_must_be_planned_again_keeps_all_of_its_batch_and_the_cursor_back(lanes: Lanes) -> None:
    other = lanes.somebody()
    message = lanes.message()
    await lanes.redis.hset(keys.of(other, "f"), "erasing", "1")
    contacts = (PlannedContact(lanes.contact, 0, (), (message,)), PlannedContact(other, 0))
    plan = Plan(lanes.partition, "e03batch", 1, "j03subject", contacts, fan="j03subject:1:e03batch", cursor="0.c", done=True)
    result = await lanes.outbox.put(plan)
    assert (result.written, result.contacts) == (False, ("ok", "erasing"))
    assert await lanes.outbox.record(message.id) is None
    assert await lanes.redis.hget(keys.part(lanes.partition, "fanc"), "e03batch") is None


async def test_a_moved_contact_is_named_with_where_it_went(lanes: Lanes) -> None:
    there = lanes.somebody()
    await lanes.redis.hset(keys.of(lanes.contact, "f"), "moved", there)
    assert (await lanes.put(lanes.message())).contacts == (f"moved:{there}",)


# in order


async def test_messages_of_a_lane_go_in_planned_order_one_at_a_time(lanes: Lanes) -> None:
    planned = await lanes.queue("one", "two", "three")
    sent = []
    while claimed := await lanes.claim():
        assert len(claimed) == 1
        assert await lanes.claim() == []
        await lanes.settle(claimed[0])
        sent.append(claimed[0].id)
    assert sent == planned
    assert await lanes.standing() == []


async def test_a_message_that_becomes_due_later_joins_in_planned_order(lanes: Lanes) -> None:
    (early,) = await lanes.queue("night", due_ms=60_000)
    (late,) = await lanes.queue("day")
    (latest,) = await lanes.queue("evening")
    assert await lanes.send() == late
    lanes.pass_ms(60_001)
    assert await lanes.send() == early
    assert await lanes.send() == latest


async def test_priorities_overtake_what_is_not_leased(lanes: Lanes) -> None:
    (first,) = await lanes.queue("first")
    leased = await lanes.one(Priority.NORMAL)
    (second,) = await lanes.queue("second")
    (urgent,) = await lanes.queue("urgent", priority=Priority.URGENT)
    (agent,) = await lanes.queue("agent", priority=Priority.AGENT)
    assert await lanes.claim() == []
    await lanes.settle(leased)
    assert [leased.id, await lanes.send(), await lanes.send(), await lanes.send()] == [first, agent, urgent, second]


async def test_the_earliest_deadline_goes_first_over_lanes(lanes: Lanes) -> None:
    made = []
    for life in (50, 10, 30, 20, 40):
        message = lanes.message(address=new_address_id(lanes.contact), life_ms=life * 60_000, told=False)
        made.append((life, message.id))
        await lanes.put(message)
    handed = [one.id for one in await lanes.claim(Priority.NORMAL, limit=3)]
    assert handed == [message for _, message in sorted(made)[:3]]


async def test_a_claim_repeated_with_its_id_is_the_same_batch(lanes: Lanes) -> None:
    for _ in range(3):
        await lanes.put(lanes.message(address=new_address_id(lanes.contact), told=False))
    want = lanes.want(limit=2, claim="again")
    first = await lanes.claim_wants([want])
    again = await lanes.claim_wants([want])
    assert [(one.id, one.fence) for one in again] == [(one.id, one.fence) for one in first]
    assert len(first) == 2
    assert len(await lanes.claim(Priority.NORMAL)) == 1


async def test_an_empty_claim_writes_nothing(lanes: Lanes) -> None:
    before = await lanes.redis.info("stats")
    writes = (await lanes.redis.info("persistence"))["rdb_changes_since_last_save"]
    for _ in range(5):
        assert await lanes.claim() == []
    assert (await lanes.redis.info("persistence"))["rdb_changes_since_last_save"] == writes
    assert before["total_commands_processed"] > 0


async def test_two_dispatchers_that_claim_at_once_never_get_the_same_message(lanes: Lanes) -> None:
    addresses = [new_address_id(lanes.contact) for _ in range(12)]
    planned: dict[AddressId, list[str]] = {address: [] for address in addresses}
    for number in range(36):
        message = lanes.message(address=addresses[number % 12], told=False)
        planned[addresses[number % 12]].append(message.id)
        await lanes.put(message)
    handed: dict[AddressId, list[str]] = {address: [] for address in addresses}

    async def dispatcher(name: str) -> None:
        idle = 0
        while idle < 3:
            claimed = await lanes.claim_wants([lanes.want(limit=5)], worker=name)
            idle = 0 if claimed else idle + 1
            for one in claimed:
                handed[one.address].append(one.id)
                assert await lanes.settle(one) == "settled"

    await asyncio.gather(*(dispatcher(name) for name in ("a", "b", "c")))
    assert handed == planned


# pair rate, expiry, records that are gone


async def test_the_pair_rate_lets_a_burst_through_and_then_one_an_interval(redis: Redis) -> None:
    lanes = Lanes(redis, Pair(6000, 3))
    await lanes.queue(*"abcde")
    for _ in range(3):
        await lanes.send()
    assert await lanes.claim() == []
    assert await lanes.standing() == ["d2"]
    lanes.pass_ms(6001)
    await lanes.send()
    assert await lanes.claim() == []


async def test_the_pair_rate_holds_agents_too_and_is_remembered_by_an_empty_lane(redis: Redis) -> None:
    lanes = Lanes(redis, Pair(6000, 2))
    await lanes.queue("a", "b")
    await lanes.send()
    await lanes.send()
    assert await lanes.standing() == ["d3"]
    await lanes.queue("agent", priority=Priority.AGENT)
    assert await lanes.claim() == []
    lanes.pass_ms(6001)
    await lanes.send()
    lanes.pass_ms(60_000)
    await lanes.claim()
    assert await lanes.standing() == []
    assert await lanes.redis.hkeys(keys.part(lanes.partition, f"lane:{SENDER}")) == [b"#seq"]


async def test_a_message_whose_record_is_gone_frees_its_lane(lanes: Lanes) -> None:
    first, second = await lanes.queue("gone", "next")
    await lanes.redis.delete(keys.of(first, "m"))
    assert await lanes.claim() == []
    assert await lanes.send() == second
    assert await lanes.standing() == []


async def test_a_message_past_its_deadline_is_handed_out_to_be_expired_and_holds_nobody(lanes: Lanes) -> None:
    (old,) = await lanes.queue("old", life_ms=1000)
    (young,) = await lanes.queue("young")
    lanes.pass_ms(2000)
    claimed = await lanes.one()
    assert claimed.id == old
    assert await lanes.settle(claimed, "x", attempt=0, state=MessageState.EXPIRED, reason="expired") == "settled"
    assert await lanes.state(old) == "x"
    assert await lanes.send() == young


async def test_a_lease_that_is_renewed_is_not_lost(lanes: Lanes) -> None:
    await lanes.queue("slow")
    claimed = await lanes.one()
    for _ in range(3):
        lanes.pass_ms(LEASE_MS - 1000)
        assert await lanes.outbox.renew([claimed], lease_ms=LEASE_MS) == [True]
        assert await lanes.claim() == []
    assert await lanes.settle(claimed) == "settled"
    assert await lanes.outbox.renew([claimed], lease_ms=LEASE_MS) == [False]


async def test_depth_counts_what_waits_in_lanes_and_what_is_not_due(lanes: Lanes) -> None:
    await lanes.queue("now", "too")
    await lanes.queue("then", due_ms=60_000)
    assert await lanes.outbox.depth([SENDER]) == 3
