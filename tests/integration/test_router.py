"""The router on a real store: who writes is given within a second to the right one, and why can be read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.desk_plan import plan_of
from gateway.model.conversation import ConversationState
from gateway.model.webcare import AgentStatus
from gateway.store.leases import Leases
from gateway.webcare.router import LEASE
from tests.integration.router_stage import House
from tests.support.waiting import wait_until

PLAN = plan_of(
    {
        "calendars": {"never": {"timezone": "UTC", "week": {}}},
        "brands": {
            "zz": {"queues": [{"name": "rail", "required": ["rail"]}, {"name": "shut", "calendar": "never"}]},
        },
    },
    "plan",
)


@pytest.fixture
async def house(redis: Any) -> House:
    return House(redis, PLAN)


async def test_who_writes_is_given_within_a_second_and_why_is_kept(house: House) -> None:
    ann, tom = await house.agent("ann"), await house.agent("tom", status=AgentStatus.BREAK)
    running = asyncio.create_task(house.router.run())
    try:
        await wait_until(lambda: house.router._leading)
        conversation = await house.writes()

        async def given() -> bool:
            return (await house.get(conversation)).state is ConversationState.ASSIGNED

        await wait_until(given, timeout=1)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await house.owner(conversation) == ann.id
    (decision,) = await house.conversations.decisions(conversation)
    assert (decision.agent, decision.how, decision.queue, decision.version) == (ann.id, "idle", "general", PLAN.version)
    assert {one.agent: one.why for one in decision.left_out} == {tom.id: "break"}
    assert await Leases(house.redis).holder(LEASE) is None, "who stops lets the next one route at once"


async def test_a_burst_fills_slots_by_rank_and_nobody_twice_within_the_gap(house: House) -> None:
    ann, tom = await house.agent("ann"), await house.agent("tom")
    first = [await house.writes() for _ in range(6)]
    turn = await house.router.turn()
    assert [one.conversation.id for one in turn.given] == first[:2]
    assert len(turn.full) == 4
    await house.router.turn()
    assert await house.owner(first[2]) is None, "both were given one a moment ago"
    await house.pass_s(3, ann.id, tom.id)
    await house.router.turn()
    loads = await house.conversations.slots.loads([ann.id, tom.id])
    assert [loads[one.id].live for one in (ann, tom)] == [2, 2]
    await house.pass_s(3, ann.id, tom.id)
    assert (await house.router.turn()).given == ()
    note = (await house.floor.notes(house.clock.now_ms())).queues["zz/general"]
    assert (note.waiting, note.opens_ms, note.wait_s) == (2, 0, None)


async def test_two_routers_that_look_at_once_give_each_conversation_once(house: House) -> None:
    ann, tom = await house.agent("ann"), await house.agent("tom")
    waiting = [await house.writes() for _ in range(8)]
    other = house.another_router()
    for _ in range(3):
        await asyncio.gather(house.router.turn(), other.turn())
        await house.pass_s(3, ann.id, tom.id)
    owners = [await house.owner(one) for one in waiting]
    assert sorted(owners, key=str) == sorted([None] * 4 + [ann.id, ann.id, tom.id, tom.id], key=str)


async def test_nobody_with_the_skill_is_visible_at_once_and_goes_to_the_general_queue_after_two_minutes(house: House) -> None:
    ann = await house.agent("ann")
    conversation = await house.writes(queue="rail")
    await house.router.turn()
    assert (await house.floor.notes(house.clock.now_ms())).impossible == {conversation: "skills"}
    await house.pass_s(119, ann.id)
    await house.router.turn()
    assert (await house.get(conversation)).queue == "rail"
    await house.pass_s(1, ann.id)
    await house.router.turn()
    assert (await house.get(conversation)).queue == "general"
    await house.router.turn()
    assert await house.owner(conversation) == ann.id
    assert (await house.floor.notes(house.clock.now_ms())).impossible == {}


async def test_two_minutes_without_anybody_begin_when_the_last_one_left_and_not_when_they_came(house: House) -> None:
    ann, eve = await house.agent("ann"), await house.agent("eve", status=AgentStatus.BREAK)
    await house.agents.change(eve.id, skills=["rail"])
    conversation = await house.writes(queue="rail")
    for _ in range(3):  # a lunch with the computer shut
        await house.pass_s(500, ann.id)
        await house.router.turn()
    assert (await house.get(conversation)).queue == "rail"
    await house.book.choose(eve.id, AgentStatus.OFFLINE)
    await house.pass_s(10, ann.id)
    await house.router.turn()
    assert (await house.get(conversation)).queue == "rail", "nobody could for a moment, whatever it waited before"
    await house.pass_s(110, ann.id)
    await house.router.turn()
    await house.book.choose(eve.id, AgentStatus.BREAK)
    await house.router.turn()  # somebody could for a moment: it begins anew
    await house.book.choose(eve.id, AgentStatus.OFFLINE)
    await house.router.turn()
    other = house.another_router()
    await house.pass_s(100, ann.id)
    await house.router.turn()
    assert (await house.get(conversation)).queue == "rail"
    await other._leads()
    await house.pass_s(20, ann.id)
    await other.turn()
    assert (await house.get(conversation)).queue == "general", "who routes next knows since when"


async def test_nobody_is_sent_to_a_general_queue_that_is_closed(redis: Any) -> None:
    hours = {"never": {"timezone": "UTC", "week": {}}}
    queues = [{"name": "rail", "required": ["rail"]}, {"name": "general", "calendar": "never"}]
    house = House(redis, plan_of({"calendars": hours, "brands": {"zz": {"queues": queues}}}, "plan"))
    ann, eve = await house.agent("ann"), await house.agent("eve", status=AgentStatus.OFFLINE)
    await house.agents.change(eve.id, skills=["rail"])
    conversation = await house.writes(queue="rail")
    for _ in range(3):
        await house.router.turn()
        await house.pass_s(100, ann.id, eve.id)
    assert (await house.get(conversation)).queue == "rail"
    await house.book.choose(eve.id, AgentStatus.AVAILABLE)
    await house.router.turn()
    assert await house.owner(conversation) == eve.id


async def test_closed_is_said_once_and_full_only_after_a_moment_and_when_it_gets_worse(house: House) -> None:
    shut, open_ = await house.writes(queue="shut"), await house.writes()
    await house.router.turn()
    closed = {"opens_ms": 0, "timezone": "UTC"}
    assert [(one, line, dict(params)) for one, line, params, _ in house.said] == [(shut, "closed", closed)]
    await house.pass_s(11)
    await house.router.turn()
    await house.another_router().turn()  # who routes next remembers what was told
    assert [(one, line, dict(params)) for one, line, params, _ in house.said[1:]] == [(open_, "full", {"minutes": -1})]
    await house.pass_s(12 * 3600)
    await house.router.turn()
    assert [(one, line) for one, line, _, _ in house.said[2:]] == [(shut, "closed")]
    assert len({key for *_, key in house.said}) == 3
    assert (await house.get(shut)).state is ConversationState.QUEUED


async def test_who_waited_three_seconds_beside_a_free_agent_is_an_alarm(house: House) -> None:
    ann = await house.agent("ann")
    await house.writes()

    async def refuses(wanted: Any) -> list[str]:
        return ["moved"] * len(wanted)

    house.conversations.give = refuses  # type: ignore[method-assign]
    gauge = house.metrics.waiting_beside_free._value
    await house.router.turn()
    await house.pass_s(1.5, ann.id)
    await house.router.turn()
    assert gauge.get() == 0
    await house.pass_s(1.6, ann.id)
    await house.router.turn()
    assert gauge.get() == 1
    del house.conversations.give
    await house.router.turn()
    await house.router.turn()
    assert gauge.get() == 0


async def test_under_pull_nobody_is_given_anything(redis: Any) -> None:
    house = House(redis, plan_of({"routing": "pull"}, "plan"))
    await house.agent("ann")
    conversation = await house.writes()
    await house.router.run()
    assert await house.owner(conversation) is None


async def test_who_comes_back_gets_their_last_agent_as_long_as_that_is_said_to_hold(redis: Any) -> None:
    house = House(redis, plan_of({"figures": {"sticky_h": 2, "reopen_h": 4}}, "plan"))
    ann = await house.agent("ann")
    conversation = await house.writes()
    await house.router.turn()
    await house.opens(conversation, ann)
    await house.conversations.finish(await house.command(conversation, ann), reason="other")
    tom = await house.agent("tom")
    await house.pass_s(3600, ann.id, tom.id)
    await house.writes_again(conversation, "and my bag?")
    turn = await house.router.turn()
    assert [(one.decision.agent, one.decision.how) for one in turn.given] == [(ann.id, "sticky")], "though tom is idle for longer"
    await house.opens(conversation, ann)
    await house.conversations.finish(await house.command(conversation, ann), reason="other")
    await house.pass_s(2 * 3600 + 1, ann.id, tom.id)
    assert await house.writes_again(conversation, "and my coat?") == conversation
    assert [one.decision.how for one in (await house.router.turn()).given] == ["idle"]
    one = await house.get(conversation)
    assert one.owner is not None
    await house.opens(conversation, await house.agents.get(one.owner))
    await house.conversations.finish(await house.command(conversation, await house.agents.get(one.owner)), reason="other")
    await house.pass_s(4 * 3600 + 1, ann.id, tom.id)
    assert await house.writes_again(conversation, "hello") != conversation
