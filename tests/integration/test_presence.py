"""Who is at the desk, as the store keeps it."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import BadInput
from gateway.model.conversation import AgentId
from gateway.model.webcare import AgentStatus
from gateway.store.presence import FORGOTTEN_MS, MISSED_WITHIN_MS, PresenceBook

G = AgentId("g1")


async def test_a_presence_from_the_first_beat_to_being_forgotten(redis: Redis) -> None:
    clock = Clock()
    book = PresenceBook(redis, clock)
    assert (await book.get(G)).status is AgentStatus.OFFLINE
    assert await book.here() == []
    await book.missed(G)  # of whom nothing is known, nothing is made
    assert await redis.exists("{desk}a:g1") == 0

    first = await book.beat(G)
    assert (first.status, first.touched_ms) == (AgentStatus.OFFLINE, 0)  # a page that is open is no choice
    chosen = await book.choose(G, AgentStatus.AVAILABLE)
    assert chosen.available(clock.now_ms())
    assert chosen.touched_ms == chosen.since_ms
    clock.offset_ms += 10_000
    again = await book.choose(G, AgentStatus.AVAILABLE)
    assert again.since_ms == chosen.since_ms, "the same choice again begins nothing anew"
    assert again.beat_ms > chosen.beat_ms
    assert (await book.beat(G, touched=True)).touched_ms >= again.touched_ms

    away = await book.choose(G, AgentStatus.BREAK, "lunch")
    assert (away.status, away.kind) == (AgentStatus.BREAK, "lunch")
    assert away.since_ms > chosen.since_ms
    assert (await book.missed(G)).status is AgentStatus.BREAK, "what somebody chose is not overwritten"
    with pytest.raises(BadInput):
        await book.choose(G, AgentStatus.BREAK, "nap")
    with pytest.raises(BadInput):
        await book.choose(G, AgentStatus.NOT_RESPONDING)

    await book.choose(G, AgentStatus.AVAILABLE)
    clock.offset_ms += FORGOTTEN_MS - 5000
    assert (await book.gone(G)).status is AgentStatus.AVAILABLE
    assert [one.agent for one in await book.here()] == [G]
    clock.offset_ms += 5000
    assert (await book.gone(G)).status is AgentStatus.OFFLINE
    assert await book.here() == []
    assert (await book.beat(G)).status is AgentStatus.OFFLINE, "nobody is available in the morning because of last night"


async def test_who_does_not_open_twice_in_an_hour_is_marked(redis: Redis) -> None:
    clock = Clock()
    book = PresenceBook(redis, clock)
    await book.choose(G, AgentStatus.AVAILABLE)
    once = await book.missed(G)
    assert (once.status, once.warned_ms) == (AgentStatus.NOT_RESPONDING, 0)
    assert (await book.beat(G, touched=True)).status is AgentStatus.NOT_RESPONDING, "only a choice ends it"
    assert (await book.choose(G, AgentStatus.AVAILABLE)).status is AgentStatus.AVAILABLE
    clock.offset_ms += MISSED_WITHIN_MS + 1000
    assert (await book.missed(G)).warned_ms == 0
    clock.offset_ms += MISSED_WITHIN_MS - 1000
    assert (await book.missed(G)).warned_ms > 0
