"""What is played again after a failover: not what another process has in hand by now, and everything that is on the wire."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from gateway.dispatch.again import Again
from gateway.model.message import MessageState, Priority
from gateway.store import keys
from gateway.store.outbox import Claimed, Settlement
from tests.support.core import EVIDENCE_MS, LEASE_MS, Lanes


def again(lanes: Lanes) -> Again:
    return Again(lanes.outbox, lease_ms=LEASE_MS, evidence_ms=lambda: EVIDENCE_MS)


async def test_a_put_off_message_that_somebody_else_has_on_the_wire_is_left_to_them_when_the_store_restarts(redis: Redis) -> None:
    lanes = Lanes(redis)
    message = lanes.message()
    await lanes.put(message)
    one = again(lanes)
    (first,) = await lanes.claim()
    one.claimed([first])
    off = Settlement(first, "l", first.attempt, at_ms=lanes.clock.now_ms() + 5_000, reason="stopped")
    one.settled([off])
    assert await lanes.outbox.settle([off]) == ["settled"]
    assert await lanes.standing() == [], "nothing of the lane is left that would count on"
    lanes.pass_ms(6_000)
    (second,) = await lanes.claim()
    assert (second.id, second.fence > first.fence) == (first.id, True)
    lanes.outbox.lineage.turns += 1  # as the first connection to a server that was started again does
    await one.ready()
    assert await lanes.claim() == [], "it is on the wire: handed out again it would be sent twice"


@pytest.mark.single_server("copies all that a server has, and brings it back")
async def test_what_was_only_put_off_is_not_leased_again_by_a_restart(redis: Redis) -> None:
    lanes = Lanes(redis)
    await lanes.put(lanes.message())
    one = again(lanes)
    (first,) = await lanes.claim()
    one.claimed([first])
    off = Settlement(first, "l", first.attempt, at_ms=lanes.clock.now_ms() + 5_000, reason="stopped")
    one.settled([off])
    await lanes.outbox.settle([off])
    lanes.outbox.lineage.turns += 1
    await one.ready()
    assert await lanes.kinds(first.id) == ["enqueued", "claimed", "later"]


Copy = dict[bytes | str, tuple[int, bytes | None]]


async def copy_of(redis: Redis) -> Copy:
    return {name: (max(await redis.pttl(name), 0), await redis.dump(name)) for name in await redis.keys()}


async def go_back(redis: Redis, copy: Copy) -> None:
    """A failover: the store is as it was."""
    await redis.flushall()
    for name, (left_ms, value) in copy.items():
        assert value is not None
        await redis.restore(name, left_ms, value)


@pytest.mark.single_server("copies all that a server has, and brings it back")
async def test_an_uncertain_send_stays_uncertain_whichever_of_two_processes_plays_first(redis: Redis) -> None:
    lanes = Lanes(redis)
    one, two = again(lanes), again(lanes)
    await redis.hset(keys.of(lanes.contact, "f"), "language", "en")
    await lanes.put(lanes.message("gate", told=False))
    before = await copy_of(redis)
    (unsure,) = await lanes.claim(Priority.NORMAL)
    one.claimed([unsure])
    lost = Settlement(unsure, "u", unsure.attempt, at_ms=EVIDENCE_MS, reason="timeout")
    one.settled([lost])
    await lanes.outbox.settle([lost])
    await lanes.put(lanes.message("cancelled", told=False, priority=Priority.URGENT))
    (passing,) = await lanes.claim(Priority.URGENT)
    two.claimed([passing])
    sent = Settlement(passing, "a", passing.attempt)
    two.settled([sent])
    assert await lanes.outbox.settle([sent]) == ["settled"]
    await go_back(redis, before)  # to before either was claimed
    lanes.outbox.lineage.turns += 1
    await two.ready()
    await one.ready()
    assert await lanes.claim() == [], "it may have arrived: it waits for evidence"
    assert await lanes.state(passing.id) == "a"


# an urgent message is on the wire, its answer is still out


async def with_an_urgent_one_on_the_wire(lanes: Lanes) -> tuple[Again, Copy, Claimed, Claimed]:
    """(its process, the store before anything was claimed, a normal one whose lease ran out, the urgent one that passed it)"""
    one = again(lanes)
    await lanes.redis.hset(keys.of(lanes.contact, "f"), "language", "en")
    await lanes.put(lanes.message("gate", told=False))
    before = await copy_of(lanes.redis)
    (slow,) = await lanes.claim(Priority.NORMAL)
    one.claimed([slow])
    lanes.pass_ms(LEASE_MS + 1)
    await lanes.put(lanes.message("cancelled", told=False, priority=Priority.URGENT))
    assert await lanes.claim(Priority.NORMAL) == [], "it may have left, and waits for evidence"
    (urgent,) = await lanes.claim(Priority.URGENT)
    one.claimed([urgent])
    return one, before, slow, urgent


@pytest.mark.single_server("copies all that a server has, and brings it back")
async def test_an_urgent_message_on_the_wire_is_leased_again_and_settled_by_its_answer(redis: Redis) -> None:
    lanes = Lanes(redis)
    await redis.hset(keys.of(lanes.contact, "f"), "language", "en")
    (behind,) = await lanes.queue("gate")
    (urgent_id,) = await lanes.queue("cancelled", priority=Priority.URGENT)
    before = await copy_of(redis)
    one = again(lanes)
    (urgent,) = await lanes.claim(Priority.URGENT)
    one.claimed([urgent])
    await go_back(redis, before)
    lanes.outbox.lineage.turns += 1
    await one.ready()
    assert await lanes.claim() == [], "it is on the wire, and holds what is behind it"
    assert await lanes.outbox.renew([urgent], lease_ms=LEASE_MS) == [True]
    assert await lanes.settle(urgent) == "settled"
    assert await lanes.kinds(urgent_id) == ["enqueued", "reclaimed", "accepted"]
    assert await lanes.send() == behind


@pytest.mark.single_server("copies all that a server has, and brings it back")
async def test_an_urgent_message_on_the_wire_is_not_handed_out_for_an_older_one_that_is_played_first(redis: Redis) -> None:
    lanes = Lanes(redis)
    one, before, slow, urgent = await with_an_urgent_one_on_the_wire(lanes)
    await go_back(redis, before)
    lanes.outbox.lineage.turns += 1
    await one.ready()
    lanes.pass_ms(LEASE_MS + 1)  # both POSTs are still unanswered
    assert await lanes.claim() == [], "each may have left: neither goes out again without evidence"
    assert await lanes.settle(urgent) == "evidence"
    lanes.pass_ms(EVIDENCE_MS + 1)
    second = await lanes.one()
    assert (second.id, second.resend) == (slow.id, True)
    assert await lanes.state(urgent.id) == "a"


@pytest.mark.single_server("copies all that a server has, and brings it back")
async def test_an_urgent_message_on_the_wire_that_another_process_knows_nothing_of_is_not_sent_by_it(redis: Redis) -> None:
    lanes = Lanes(redis)
    one, before, slow, urgent = await with_an_urgent_one_on_the_wire(lanes)
    await go_back(redis, before)
    (theirs,) = await lanes.claim()  # another process claims before ours has played
    assert theirs.id == slow.id
    lanes.outbox.lineage.turns += 1
    await one.ready()
    assert await lanes.settle(theirs) == "settled", "what they have in hand stays theirs"
    assert await lanes.claim() == [], "handed out now it would be sent twice, with nobody in doubt"
    assert await lanes.settle(urgent) == "evidence"
    assert await lanes.kinds(urgent.id) == ["uncertain", "accepted"]


@pytest.mark.single_server("copies all that a server has, and brings it back")
async def test_what_was_unsure_beside_another_lease_is_not_played_twice(redis: Redis) -> None:
    lanes = Lanes(redis)
    one, before, _, urgent = await with_an_urgent_one_on_the_wire(lanes)
    await go_back(redis, before)
    for _ in range(2):
        lanes.outbox.lineage.turns += 1
        await one.ready()
    assert await lanes.kinds(urgent.id) == ["uncertain"]
    lanes.pass_ms(EVIDENCE_MS + 1)
    second = await lanes.one(Priority.URGENT)
    assert (second.id, second.attempt, second.resend) == (urgent.id, 2, True)


@pytest.mark.single_server("copies all that a server has, and brings it back")
async def test_what_was_ended_unsent_is_decided_on_again_and_nobody_is_in_doubt_of_it(redis: Redis) -> None:
    lanes = Lanes(redis)
    one = again(lanes)
    await redis.hset(keys.of(lanes.contact, "f"), "language", "en")
    await lanes.put(lanes.message("gate", told=False))
    before = await copy_of(redis)
    (first,) = await lanes.claim(Priority.NORMAL)
    one.claimed([first])
    ended = Settlement(first, "x", 0, reason="no_consent", state=MessageState.SUPPRESSED)
    one.settled([ended])
    assert await lanes.outbox.settle([ended]) == ["settled"]
    await go_back(redis, before)
    await lanes.put(lanes.message("cancelled", told=False, priority=Priority.URGENT))
    (theirs,) = await lanes.claim(Priority.URGENT)  # another process, before ours has played
    lanes.outbox.lineage.turns += 1
    await one.ready()
    assert await lanes.settle(theirs) == "settled"
    (second,) = await lanes.claim(Priority.NORMAL)
    assert (second.id, second.attempt, second.resend) == (first.id, 1, False)
