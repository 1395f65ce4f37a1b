"""What one process put off, another has in hand: playing the first one's part again must not take it away."""

from __future__ import annotations

from redis.asyncio import Redis

from gateway.dispatch.again import Again
from gateway.model.message import Priority
from gateway.store import keys
from gateway.store.outbox import Settlement
from tests.support.core import EVIDENCE_MS, LEASE_MS, Lanes


async def test_a_put_off_message_that_somebody_else_has_on_the_wire_is_left_to_them_when_the_store_restarts(redis: Redis) -> None:
    lanes = Lanes(redis)
    message = lanes.message()
    await lanes.put(message)
    one = Again(lanes.outbox, lease_ms=LEASE_MS)
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


async def test_what_was_only_put_off_is_not_leased_again_by_a_restart(redis: Redis) -> None:
    lanes = Lanes(redis)
    await lanes.put(lanes.message())
    one = Again(lanes.outbox, lease_ms=LEASE_MS)
    (first,) = await lanes.claim()
    one.claimed([first])
    off = Settlement(first, "l", first.attempt, at_ms=lanes.clock.now_ms() + 5_000, reason="stopped")
    one.settled([off])
    await lanes.outbox.settle([off])
    lanes.outbox.lineage.turns += 1
    await one.ready()
    assert await lanes.kinds(first.id) == ["enqueued", "claimed", "later"]


async def test_an_uncertain_send_stays_uncertain_whichever_of_two_processes_plays_first(redis: Redis) -> None:
    lanes = Lanes(redis)
    one, two = Again(lanes.outbox, lease_ms=LEASE_MS), Again(lanes.outbox, lease_ms=LEASE_MS)
    await redis.hset(keys.of(lanes.contact, "f"), "language", "en")
    await lanes.put(lanes.message("gate", told=False))
    before = {name: (max(await redis.pttl(name), 0), await redis.dump(name)) for name in await redis.keys()}
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
    await redis.flushall()  # a failover: as it was before either was claimed
    for name, (left_ms, value) in before.items():
        assert value is not None
        await redis.restore(name, left_ms, value)
    lanes.outbox.lineage.turns += 1
    await two.ready()
    await one.ready()
    assert await lanes.claim() == [], "it may have arrived: it waits for evidence"
    assert await lanes.state(passing.id) == "a"
