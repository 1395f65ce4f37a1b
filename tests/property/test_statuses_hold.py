"""Statuses from webhooks against the real script: in whatever order they come, doubled, before or after the answer to the send, a
message ends in the same state, and its status never goes back on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gateway.model.ids import MessageId
from gateway.model.message import DeliveryStatus, MessageRecord
from gateway.store import keys
from tests.support.core import SENDER, Lanes
from tests.support.server import StoreServer

SETTLE, FAILED = "settle", "failed"
news = st.lists(
    st.sampled_from([DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.PLAYED, FAILED]),
    max_size=6,
)


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    made = StoreServer({"appendfsync": "no"})
    yield made
    made.close()


async def heard(lanes: Lanes, order: list[DeliveryStatus | str]) -> MessageRecord:
    """A message that was sent, and what is then heard of it, in this order; SETTLE is our own answer to the send."""
    (message,) = await lanes.queue("delay")
    claimed = await lanes.one()
    was = DeliveryStatus.NONE
    for one in order:
        if one == SETTLE:
            await lanes.settle(claimed)
        else:
            status = one if isinstance(one, DeliveryStatus) else DeliveryStatus.NONE
            await lanes.evidence(message, status, failed=one == FAILED)
        record = await lanes.record(message)
        assert record.status >= was, "a status went back"
        was = record.status
    return await lanes.record(message)


async def both(url: str, first: list[DeliveryStatus | str], second: list[DeliveryStatus | str]) -> None:
    async with Redis.from_url(url) as redis:
        await redis.flushall()
        lanes = Lanes(redis)
        ends: set[tuple[str, DeliveryStatus]] = set()
        for order in (first, second, first + second):
            record = await heard(lanes, order)
            ends.add((record.state.value, record.status))
            assert await left(lanes, record.id) == (record.state.value == "f")
        assert len(ends) == 1, ends
        ((state, status),) = ends
        told = [one for one in first if isinstance(one, DeliveryStatus)]
        assert status == max(told, default=DeliveryStatus.NONE)
        assert state == ("f" if FAILED in first and status < DeliveryStatus.DELIVERED else "a")
        assert await lanes.outbox.depth([SENDER]) == 0


async def left(lanes: Lanes, message: MessageId) -> bool:
    """Whether it is among the dead letters."""
    return await lanes.redis.zscore(keys.part(lanes.partition, "dead"), message) is not None


@given(news, st.integers(0, 6), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_the_end_is_the_same_in_whatever_order_statuses_and_the_answer_come(
    server: StoreServer, statuses: list[DeliveryStatus | str], place: int, chance: object
) -> None:
    first = [*statuses[:place], SETTLE, *statuses[place:]]
    second = list(first)
    chance.shuffle(second)  # type: ignore[attr-defined]
    asyncio.run(both(server.url, first, second))
