"""A busy hour of docs/staffing.md through the real store: the router looks, reserves, binds and settles; nothing of it is played.

Time is turned to whatever happens next: somebody writes or gives up, an agent is done, a page beats, a second passes for who
waits beside a free slot. Agents open and answer what they are given at once, and finish it when their work is done, with two
chats at 1.7 times the pace of one. The hour begins as the one before ended: with as many in the house as have room.

Beside it the same people, with the same patience and the same work, go through the pure simulation (webcare_week.py), which asks
the router's decision without a store.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.insight.webcare_report import steps_of
from gateway.model.conversation import Agent, AgentId, ConversationState
from gateway.model.ids import ConversationId
from gateway.rules import staffing
from gateway.rules.measures import measure, total
from tests.integration.router_stage import House
from tests.support.core import facts_of
from tests.support.webcare_week import Person, Week, people

HOUSE = staffing.House(per_hour=25_000 / 105, agents=44, alone_s=1200)
BEFORE = 88
"""Who is in the house when the hour begins, about as many as the model has there: nobody waits yet, and no slot is free."""
WITHIN_S = 120
BEAT_MS = 30_000
"""Pages beat each 15 s; half as often is still seen, and half the work of this test."""


def hour() -> list[Person]:
    """Those of before, who do not give up, and as many as come in an hour."""
    before = [Person(0.0, 1e12, one.work_s) for one in people(HOUSE, BEFORE, seed=1)]
    return [*before, *people(HOUSE, round(HOUSE.per_hour), seed=3)]


class StoreHour:
    """The same hour on the store. Events are (time, number, what to do).

    most: slots of one agent that were taken at once, at most; beside: times at which the router's alarm was up
    """

    def __init__(self, house: House, come: list[Person]) -> None:
        self.house, self.come = house, come
        self.most = self.beside = 0
        self.all: list[ConversationId] = []
        self._agents: dict[AgentId, Agent] = {}
        self._person: dict[ConversationId, Person] = {}
        self._waiting: set[ConversationId] = set()
        self._left: dict[AgentId, dict[ConversationId, float]] = {}
        self._since: dict[AgentId, float] = {}
        self._turn: dict[AgentId, int] = {}
        self._events: list[tuple[float, int, Callable[[], Awaitable[None]]]] = []
        self._number = 0
        self._now = 0.0
        self._ticking = False
        self.began_ms = 0

    async def run(self) -> None:
        for n in range(HOUSE.agents):
            one = await self.house.agent(f"agent{n:02d}")
            self._agents[one.id], self._left[one.id], self._turn[one.id] = one, {}, 0
        self.began_ms = self.house.clock.now_ms()
        self._now = float(self.began_ms)
        self._at(self._now, self._beats)
        self._at(self._now + self.come[0].after_ms, self._comes)
        while self._events:
            self._now, _, what = heapq.heappop(self._events)
            # Work of ours takes time too: the clock is never turned back.
            self.house.clock.offset_ms += max(int(self._now) - self.house.clock.now_ms(), 0)
            await what()

    async def _comes(self) -> None:
        person = self.come[len(self.all)]
        conversation = await self.house.writes()
        self.all.append(conversation)
        self._person[conversation] = person
        self._waiting.add(conversation)
        self._at(self._now + person.patience_ms, lambda: self._gives_up(conversation))
        if len(self.all) < len(self.come):
            self._at(self._now + self.come[len(self.all)].after_ms, self._comes)
        await self._route()

    async def _gives_up(self, conversation: ConversationId) -> None:
        if conversation in self._waiting and await self.house.conversations.close(await self.house.get(conversation), "contact"):
            self._waiting.discard(conversation)

    async def _beats(self) -> None:
        for agent in self._agents:
            await self.house.book.beat(agent, touched=True)
        if self._waiting or any(self._left.values()) or len(self.all) < len(self.come):
            self._at(self._now + BEAT_MS, self._beats)

    async def _tick(self) -> None:
        self._ticking = False
        await self._route()

    async def _route(self) -> None:
        """The router's look; what it gave is opened and answered."""
        if not self._waiting or not self._free():
            return
        turn = await self.house.router.turn()
        for given in turn.given:
            conversation, agent = given.conversation.id, given.decision.agent
            one = await self.house.get(conversation)
            assert (one.owner, one.state) == (agent, ConversationState.ASSIGNED)
            self._waiting.remove(conversation)
            await self.house.opens(conversation, self._agents[agent])
            await self.house.answers(conversation, self._agents[agent])
            self._work(agent)
            self._left[agent][conversation] = self._person[conversation].work_s
            self._changed(agent)
        if turn.given:
            loads = await self.house.conversations.slots.loads(list(self._agents))
            self.most = max(self.most, *(one.live for one in loads.values()))
        self.beside += self.house.metrics.waiting_beside_free._value.get() > 0
        if self._waiting and self._free() and not self._ticking:
            self._ticking = True
            self._at(self._now + 1000, self._tick)

    async def _done(self, agent: AgentId, conversation: ConversationId, turn: int) -> None:
        if self._turn[agent] != turn:
            return  # another chat came or went since: it ends at another time
        self._work(agent)
        del self._left[agent][conversation]
        await self.house.conversations.finish(await self.house.command(conversation, self._agents[agent]), reason="other")
        self._changed(agent)
        await self._route()

    def _free(self) -> bool:
        return any(len(left) < HOUSE.slots for left in self._left.values())

    def _pace(self, agent: AgentId) -> float:
        return 1.0 if len(self._left[agent]) == 1 else HOUSE.two_at_once / 2

    def _work(self, agent: AgentId) -> None:
        done = (self._now - self._since.get(agent, self._now)) / 1000 * self._pace(agent)
        self._left[agent] = {one: left - done for one, left in self._left[agent].items()}
        self._since[agent] = self._now

    def _changed(self, agent: AgentId) -> None:
        self._turn[agent] += 1
        if self._left[agent]:
            conversation, left = min(self._left[agent].items(), key=lambda one: one[1])
            turn = self._turn[agent]
            self._at(self._now + max(left, 0.0) / self._pace(agent) * 1000, lambda: self._done(agent, conversation, turn))

    def _at(self, at_ms: float, what: Callable[[], Awaitable[None]]) -> None:
        self._number += 1
        heapq.heappush(self._events, (at_ms, self._number, what))


@pytest.mark.long
async def test_an_hour_on_the_store_loses_nobody_gives_nobody_a_third_and_is_as_quick_as_the_simulation(redis: Any) -> None:
    come = hour()
    pure = Week(HOUSE, come, within_s=WITHIN_S).run()
    seen = StoreHour(House(redis), come)
    await seen.run()
    house = seen.house
    assert (seen.most, seen.beside) == (2, 0)
    ended = await house.conversations.get_many(seen.all)
    assert [one.state for one in ended if one is not None] == [ConversationState.RESOLVED] * len(come)
    loads = await house.conversations.slots.loads(list(seen._agents))
    assert {one.live for one in loads.values()} == {0}
    assert await house.conversations.desk.queue("general") == []
    facts = sorted(await facts_of(redis), key=lambda one: one.order)
    now = house.clock.now_ms()
    rows = [SimpleNamespace(kind=one.kind, ids=" ".join(one.ids), at_ms=one.at_ms, detail=one.detail) for one in facts]
    measured = total(measure(steps_of(rows), since_ms=seen.began_ms, until_ms=now + 1, now_ms=now).values())
    assert measured.answered + sum(one is not None and one.resolved_by == "contact" for one in ended) == len(come)
    assert measured.service_level is not None
    assert 0.7 < pure.service_level < 0.9, "an hour in which people wait"
    assert abs(measured.service_level - pure.service_level) < 0.03
    assert abs(measured.answered - pure.answered) <= len(come) * 0.02
