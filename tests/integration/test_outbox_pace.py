"""Tokens of a sender: who draws first when they are short, and that even the slowest sender serves everybody."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SenderId
from gateway.store.senders import Senders
from tests.support.waiting import wait_until

SENDER = SenderId("zz-wa")


@pytest.fixture
def senders(redis: Redis) -> Senders:
    return Senders(redis, Clock())


@pytest.mark.parametrize("priority", range(4))
@pytest.mark.parametrize("per_second", [0.5, 1.0, 1.4])
async def test_a_slow_sender_serves_every_priority_in_the_end(senders: Senders, per_second: float, priority: int) -> None:
    wants = [int(place == priority) for place in range(4)]

    async def drawn() -> bool:
        return sum((await senders.draw(SENDER, per_second, wants)).tokens) > 0

    assert await wait_until(drawn, timeout=5.0)


async def test_a_storm_of_bulk_leaves_room_for_what_is_more_urgent(senders: Senders) -> None:
    assert (await senders.draw(SENDER, 100, [0, 0, 0, 500])).tokens[3] == 70
    normal = (await senders.draw(SENDER, 100, [0, 0, 500, 0])).tokens[2]
    urgent = (await senders.draw(SENDER, 100, [0, 500, 0, 0])).tokens[1]
    agent = (await senders.draw(SENDER, 100, [500, 0, 0, 0])).tokens[0]
    assert normal >= 15
    assert urgent >= 10
    assert agent >= 5


async def test_whoever_draws_too_much_is_told_how_long_to_wait(senders: Senders) -> None:
    grant = await senders.draw(SENDER, 10, [100, 0, 0, 0])
    assert grant.tokens[0] == 10
    assert 0 < grant.wait_ms <= 100
