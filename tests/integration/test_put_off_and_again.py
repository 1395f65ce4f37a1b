"""What one process put off, another has in hand: playing the first one's part again must not take it away."""

from __future__ import annotations

from redis.asyncio import Redis

from gateway.dispatch.again import Again
from gateway.store.outbox import Settlement
from tests.support.core import LEASE_MS, Lanes


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
