"""A team's commands on the real store: every move of a conversation, who may make it, and what is refused with what it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import ResponseError

from gateway.clock import Clock
from gateway.errors import BadInput, NotFound
from gateway.model.agent import Agent
from gateway.model.conversation import AgentId, Conversation, ConversationState, InboundEntry, OutsideEntry
from gateway.model.ids import ContactId, ConversationId, SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.model.webcare import LIVE, Assignment, Boost, Figures, Heard
from gateway.store import keys, scripts
from gateway.store.agents import Agents
from gateway.store.contacts import Contacts
from gateway.store.conversations import Command, CommandRefused, Conversations, Done, Terms
from gateway.store.floor import Floor
from gateway.store.outbox import Outbox
from gateway.store.presence import PresenceBook
from gateway.store.vault import KeyRing, Vault
from gateway.webcare import commands
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.lists import ListReader
from gateway.webcare.views import marks

SENDER = SenderId("zz-wa")
S = ConversationState
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def person(identifier: str, *rights: str) -> Agent:
    return Agent(AgentId(identifier), Personal(identifier), Personal(identifier.title()), rights or ("agent",))


ANN, TOM, SUE = person("g1"), person("g2"), person("g3", "supervisor")
SALES = person("g4", "agent@zz/sales")


class _Team(Agents):
    """Who they are is all that commands ask."""

    def __init__(self) -> None:
        pass

    async def get(self, agent: AgentId) -> Agent:
        return {one.id: one for one in (ANN, TOM, SUE, SALES)}[agent]


class World:
    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.clock = Clock()
        vault = self.vault = Vault(KeyRing(KeyRing.generate()), redis)
        self.push = True
        self.store = Conversations(redis, self.clock, vault, terms=Terms(lambda brand: Figures(), lambda: self.push))
        self.opened: list[ConversationId] = []
        contacts = Contacts(redis, self.clock, vault)
        self.deps = WebcareDeps(
            self.store, _Team(), contacts, Outbox(redis, self.clock, {}), self.clock, {"zz": "Polderwind Air"}, {},
            opened=self.hear,
        )  # fmt: skip
        self.contact: ContactId = new_contact_id()
        self.address = new_address_id(self.contact)
        self.count = 0

    async def hear(self, found: Conversation) -> None:
        self.opened.append(found.id)

    async def says(
        self, text: str = "where is it?", *, other: bool = False, needs: bool = True, **more: Any
    ) -> ConversationId:
        """other: somebody who never wrote before"""
        if other:
            self.contact = new_contact_id()
            self.address = new_address_id(self.contact)
        self.count += 1
        item = InboundEntry(f"wamid.{self.count}", "text", Personal(text), self.clock.now_ms())
        return await self.store.add_inbound(self.contact, "zz", self.address, SENDER, item=item, needs_person=needs, **more)

    async def answered_in_the_inbox(self) -> None:
        self.count += 1
        said = OutsideEntry(f"o{self.count}", "text", Personal("On platform 7."), self.clock.now_ms(), True)
        await self.store.outside.add(self.contact, "zz", self.address, SENDER, said)

    async def complains(self) -> dict[str, int]:
        return dict((await Contacts(self.redis, self.clock, self.vault).facts_of([self.contact]))[0].complaints)

    async def do(self, who: Agent, what: str, one: ConversationId, body: Mapping[str, Any] | None = None, **more: Any) -> Done:
        found = await self.store.get(one)
        self.count += 1
        key = more.pop("key", f"k{self.count}")
        return (await commands.run(self.deps, who, one, what, key, {"epoch": found.epoch, **(body or {}), **more}))[0]

    async def refused(self, who: Agent, what: str, one: ConversationId, **more: Any) -> CommandRefused:
        with pytest.raises(CommandRefused) as refusal:
            await self.do(who, what, one, **more)
        return refusal.value

    async def state(self, one: ConversationId) -> ConversationState:
        return (await self.store.get(one)).state

    async def slots(self, who: Agent) -> set[str]:
        return {name.decode() for name in await self.redis.hgetall(keys.slots(who.id))}

    async def replied(self, one: ConversationId, who: Agent = ANN) -> None:
        found = await self.store.get(one)
        self.count += 1
        command = Command(one, who.id, found.epoch, f"r{self.count}")
        later = self.clock.now_ms() + DAY
        await self.store.reply(command, Personal("Here it is"), author=Personal("Ann"), deadline_ms=later)

    async def waiting(self) -> ConversationId:
        """One of Ann's that she answered, and whose contact is silent."""
        one = await self.says(other=True)
        await self.do(ANN, "take", one)
        await self.replied(one)
        self.clock.offset_ms += 11 * MINUTE
        await self.store.repair()
        assert await self.state(one) is S.WAITING
        return one

    async def facts(self, kind: str) -> list[dict[str, str]]:
        rows = await self.redis.xrange(keys.beside(self.contact, "facts"))
        parts = [bytes(row[b"f"]).decode().split("|") for _, row in rows]
        return [dict(word.split("=", 1) for word in part[4].split()) for part in parts if part[2] == kind]


@pytest.fixture
async def world(redis: Any) -> World:
    return World(redis)


async def test_nobody_takes_a_third_and_a_finished_one_leaves_room(world: World) -> None:
    first, second, third = [await world.says(other=True) for _ in range(3)]
    await world.do(ANN, "take", first)
    await world.do(ANN, "take", second)
    assert (await world.refused(ANN, "take", third)).code == "full"
    await world.do(ANN, "finish", first, reason="status")
    await world.do(ANN, "take", third)
    assert await world.slots(ANN) == {second, third}


async def test_what_was_given_is_opened_by_its_owner_once_and_the_channel_may_hear_of_it(world: World) -> None:
    one = await world.says()
    await world.do(SUE, "take", one)
    assert world.opened == [one]
    await world.do(SUE, "force", one, note="Ann knows this")
    await world.redis.hset(keys.presence(ANN.id), mapping={"st": "available", "b": world.clock.now_ms()})
    await world.redis.pexpire(keys.presence(ANN.id), keys.KEEP_MS)
    epoch = (await world.store.get(one)).epoch

    assert await world.store.give([Assignment(one, ANN.id, epoch, 2)]) == ["given"]
    assert (await world.refused(TOM, "open", one)).owner == ANN.id
    await world.do(ANN, "open", one)
    assert await world.state(one) is S.ACTIVE
    await world.do(ANN, "open", one)
    assert len(await world.facts("taken_up")) == 1


async def test_a_finished_one_is_in_wrap_up_until_its_reason_is_given_or_due(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(ANN, "finish", one)
    assert await world.state(one) is S.WRAPUP
    assert await world.slots(ANN) == {one}
    await world.do(ANN, "tag", one, reason="status")
    assert (await world.store.get(one)).reason == "status"
    assert await world.state(one) is S.RESOLVED
    assert await world.slots(ANN) == set()

    other = await world.says(other=True)
    await world.do(ANN, "take", other)
    await world.do(ANN, "finish", other)
    world.clock.offset_ms += MINUTE - 1000
    await world.store.repair()
    assert await world.state(other) is S.WRAPUP
    world.clock.offset_ms += 2000
    await world.store.repair()
    found = await world.store.get(other)
    assert (found.state, found.reason, found.resolved_by) == (S.RESOLVED, "none", ANN.id)


async def test_a_reason_that_was_chosen_during_the_chat_leaves_no_wrap_up(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(ANN, "tag", one, reason="refund")
    await world.do(ANN, "finish", one)
    assert await world.state(one) is S.RESOLVED
    assert (await world.facts("resolved"))[0]["reason"] == "refund"


async def test_words_in_wrap_up_are_answered_by_the_same_agent_and_thanks_change_nothing(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(ANN, "finish", one)
    await world.says("thanks")
    assert await world.state(one) is S.WRAPUP
    await world.says("but where is the other one?")
    found = await world.store.get(one)
    assert (found.state, found.owner, found.reopened) == (S.ACTIVE, ANN.id, 1)
    assert await world.slots(ANN) == {one}


async def test_who_writes_again_waits_for_their_own_agent_and_then_goes_to_the_queue_with_their_age(world: World) -> None:
    back = await world.waiting()
    contact, address = world.contact, world.address
    for _ in range(2):
        await world.do(ANN, "take", await world.says(other=True))
    world.contact, world.address = contact, address
    await world.says("and now?")
    found = await world.store.get(back)
    assert (found.state, found.owner) == (S.WAITING, ANN.id)
    assert found.returning_ms > 0
    assert found.waiting_since_ms is not None
    assert (await world.refused(ANN, "resume", back)).code == "full"
    world.clock.offset_ms += 121_000
    await world.store.repair()
    late = await world.store.get(back)
    assert (late.state, late.owner, late.waiting_since_ms) == (S.QUEUED, None, found.waiting_since_ms)
    assert (await world.facts("requeued"))[0]["why"] == "not_back"


async def test_who_comes_back_to_an_agent_with_room_keeps_the_epoch_and_the_agents_draft(world: World) -> None:
    one = await world.waiting()
    await world.says("and now?")
    epoch = (await world.store.get(one)).epoch
    await world.do(ANN, "resume", one)
    found = await world.store.get(one)
    assert (found.state, found.epoch, found.returning_ms) == (S.ACTIVE, epoch, 0)
    assert await world.slots(ANN) == {one}


async def test_an_answer_to_who_writes_again_needs_no_slot_and_ends_the_wait(world: World) -> None:
    one = await world.waiting()
    await world.says("and now?")
    await world.replied(one)
    found = await world.store.get(one)
    assert (found.state, found.returning_ms, found.waiting_since_ms) == (S.WAITING, 0, None)
    assert await world.slots(ANN) == set()


async def test_parked_until_a_time_or_until_they_write(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    with pytest.raises(BadInput):
        await world.do(ANN, "park", one, until=world.clock.now_ms() - 1)
    await world.do(ANN, "park", one, until=world.clock.now_ms() + 30 * MINUTE)
    assert await world.state(one) is S.PARKED
    assert await world.slots(ANN) == set()
    await world.store.repair()
    assert (await world.store.get(one)).returning_ms == 0
    world.clock.offset_ms += 31 * MINUTE
    await world.store.repair()
    assert (await world.store.get(one)).returning_ms > 0
    await world.do(ANN, "resume", one)
    assert await world.state(one) is S.ACTIVE
    await world.do(ANN, "park", one, until=world.clock.now_ms() + 30 * MINUTE)
    await world.says("I have it")
    assert (await world.store.get(one)).returning_ms > 0


async def test_five_are_parked_at_most(world: World) -> None:
    for _ in range(5):
        one = await world.says(other=True)
        await world.do(ANN, "take", one)
        await world.do(ANN, "park", one, until=world.clock.now_ms() + MINUTE * 60)
    sixth = await world.says(other=True)
    await world.do(ANN, "take", sixth)
    assert (await world.refused(ANN, "park", sixth, until=world.clock.now_ms() + MINUTE)).code == "parked_full"
    await world.do(ANN, "resume", one)
    await world.do(ANN, "release", one, note="Not for me")
    world.clock.offset_ms += 2 * MINUTE
    until, epoch = world.clock.now_ms() + MINUTE, (await world.store.get(sixth)).epoch
    first = await world.do(ANN, "park", sixth, until=until, key="p")
    await world.do(ANN, "resume", sixth)
    await world.do(TOM, "take", one)
    await world.do(TOM, "offer", one, to=ANN.id, note="Yours?")
    await world.do(ANN, "accept", one)
    await world.do(ANN, "park", one, until=until)
    assert await world.do(ANN, "park", sixth, until=until, epoch=epoch, key="p") == replace(first, repeated=True)


async def test_two_who_park_at_once_make_no_six(world: World) -> None:
    for _ in range(4):
        one = await world.says(other=True)
        await world.do(ANN, "take", one)
        await world.do(ANN, "park", one, until=world.clock.now_ms() + MINUTE * 60)
    both = [await world.says(other=True) for _ in range(2)]
    for one in both:
        await world.do(ANN, "take", one)
    until, mine, both_looked = world.clock.now_ms() + MINUTE, world.store.desk.mine, asyncio.Barrier(2)

    async def at_once(agent: AgentId) -> list[ConversationId]:
        found = await mine(agent)
        await both_looked.wait()
        return found

    world.store.desk.mine = at_once  # type: ignore[method-assign]
    ends = await asyncio.gather(*(world.do(ANN, "park", one, until=until) for one in both), return_exceptions=True)
    assert [one.code for one in ends if isinstance(one, CommandRefused)] == ["parked_full"]
    assert sorted([await world.state(one) for one in both]) == [S.ACTIVE, S.PARKED]


async def test_what_is_overdue_and_does_not_move_keeps_nobody_from_being_looked_at(world: World) -> None:
    given = await world.says(other=True)
    await world.store.give([Assignment(given, ANN.id, 1, 2, by_router=False)])
    done = await world.says(other=True)
    await world.do(ANN, "take", done)
    await world.do(ANN, "finish", done)
    await world.redis.zadd(keys.DESK_DUE, {given: 1}, nx=True)  # as a version before wrote it
    world.clock.offset_ms += 2 * MINUTE
    every, desk = world.store.desk.due, world.store.desk
    desk.due = lambda now_ms, limit=1: every(now_ms, limit)  # type: ignore[method-assign]
    for _ in range(2):
        await world.store.repair()
    assert [await world.state(one) for one in (given, done)] == [S.ASSIGNED, S.RESOLVED]
    assert await world.redis.zcard(keys.DESK_DUE) == 0


async def test_finished_from_waiting_with_full_hands_it_is_resolved_without_a_reason(world: World) -> None:
    one = await world.waiting()
    for _ in range(2):
        await world.do(ANN, "take", await world.says(other=True))
    await world.do(ANN, "finish", one)
    found = await world.store.get(one)
    assert (found.state, found.reason) == (S.RESOLVED, "none")
    other = await world.store.get(one)
    assert other.owner is None


async def test_finished_from_waiting_with_a_hand_free_it_has_its_wrap_up(world: World) -> None:
    one = await world.waiting()
    await world.do(ANN, "finish", one)
    assert await world.state(one) is S.WRAPUP
    assert await world.slots(ANN) == {one}


async def test_a_transfer_needs_a_note_keeps_the_age_and_ends_after_two(world: World) -> None:
    one = await world.says()
    since = (await world.store.get(one)).waiting_since_ms
    for _ in range(2):
        await world.do(ANN, "take", one)
        with pytest.raises(BadInput):
            await world.do(ANN, "transfer", one, queue="general")
        await world.do(ANN, "transfer", one, queue="general", note="Please look")
        found = await world.store.get(one)
        assert (found.state, found.owner, found.waiting_since_ms) == (S.QUEUED, None, since)
        assert ANN.id in found.excluded
    await world.do(ANN, "take", one)
    assert (await world.refused(ANN, "transfer", one, queue="general", note="Again")).code == "hops"
    with pytest.raises(BadInput):
        await world.do(ANN, "transfer", one, queue="nowhere", note="Please look")


async def test_a_colleague_who_is_asked_has_it_when_they_accept_and_not_before(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(ANN, "offer", one, to=TOM.id, note="You know this train")
    assert (await world.store.get(one)).owner == ANN.id
    await world.replied(one)
    assert (await world.refused(SUE, "accept", one)).code == "not_offered"
    await world.do(TOM, "accept", one)
    found = await world.store.get(one)
    assert (found.state, found.owner, found.transfers, found.offered_to) == (S.ACTIVE, TOM.id, 1, None)
    assert (await world.slots(ANN), await world.slots(TOM)) == (set(), {one})
    assert (await world.refused(ANN, "finish", one)).code == "owner_changed"


async def test_a_colleague_may_decline_and_the_owner_may_ask_no_more(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    for who in (TOM, ANN):
        await world.do(ANN, "offer", one, to=TOM.id, note="You know this train")
        await world.do(who, "decline", one)
        found = await world.store.get(one)
        assert (found.owner, found.offered_to) == (ANN.id, None)
    assert (await world.refused(TOM, "accept", one)).code == "not_offered"


async def test_a_colleague_with_full_hands_cannot_accept(world: World) -> None:
    for _ in range(2):
        await world.do(TOM, "take", await world.says(other=True))
    one = await world.says(other=True)
    await world.do(ANN, "take", one)
    await world.do(ANN, "offer", one, to=TOM.id, note="Please")
    assert (await world.refused(TOM, "accept", one)).code == "full"
    assert (await world.store.get(one)).owner == ANN.id


async def test_a_colleague_is_asked_by_a_note_answers_by_a_note_and_owns_nothing(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    until = world.clock.now_ms() + 5 * MINUTE
    await world.do(ANN, "consult", one, to=TOM.id, note="Is this seat free?", until=until)
    (asked,) = await world.store.consultations(TOM.id)
    assert (asked.owner, asked.consulted) == (ANN.id, {TOM.id: until})
    lists = ListReader(world.deps)
    (row,) = (await lists.own(TOM)).mine
    assert (row.id, row.marks, row.until_ms, (await lists.own(SUE)).mine) == (one, ("asked",), until, ())
    await world.do(TOM, "note", one, text="Yes, it is")
    assert (await world.store.get(one)).consulted == {}
    assert await world.store.desk.asked(TOM.id) == [one]
    assert (await lists.own(TOM)).mine == ()
    assert await world.store.desk.asked(TOM.id) == await world.store.consultations(TOM.id) == []
    lines = [entry.text.reveal() for entry in await world.store.thread(await world.store.get(one))]
    assert lines[1:] == ["Is this seat free?", "Yes, it is"]


async def test_who_is_asked_from_another_queue_reads_it_until_they_have_answered(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    until = world.clock.now_ms() + 5 * MINUTE
    await world.do(ANN, "consult", one, to=SALES.id, note="May they change the name?", until=until)
    assert [row.id for row in (await ListReader(world.deps).own(SALES)).mine] == [one]
    with pytest.raises(BadInput, match="not answer it"):
        await world.do(SALES, "reply", one, text="Yes")
    await world.do(SALES, "note", one, text="Not by more than three letters")
    with pytest.raises(NotFound):
        await commands.readable(world.deps, SALES, one)


async def test_a_supervisor_takes_over_with_a_note_and_the_former_owner_is_refused(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    stale = (await world.store.get(one)).epoch
    with pytest.raises(BadInput):
        await world.do(TOM, "take_over", one, note="Mine now")
    with pytest.raises(BadInput):
        await world.do(SUE, "take_over", one)
    await world.do(SUE, "take_over", one, note="A complaint of the minister")
    found = await world.store.get(one)
    assert (found.owner, found.last_owner) == (SUE.id, SUE.id)
    assert (await world.slots(ANN), await world.slots(SUE)) == (set(), {one})
    assert (await world.refused(ANN, "finish", one, epoch=stale)).owner == SUE.id


async def test_a_supervisor_puts_back_what_somebody_else_has(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(SUE, "force", one, note="Ann went home")
    assert await world.state(one) is S.QUEUED
    assert (await world.facts("transferred"))[0]["by"] == SUE.id


async def test_handed_back_to_automation_nobody_waits_until_they_write(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.says("and nobody has read this")
    assert (await world.refused(ANN, "hand_back", one, inbound=1)).code == "they_wrote"
    await world.do(ANN, "hand_back", one, inbound=2)
    found = await world.store.get(one)
    assert (found.state, found.owner, found.waiting_since_ms) == (S.AUTOMATED, None, None)
    assert await world.store.ask_person(found, "asked", epoch=found.epoch - 1) is False
    assert await world.store.ask_person(found, "asked", epoch=found.epoch) is True
    assert await world.state(one) is S.QUEUED


async def test_who_writes_after_it_was_finished_waits_before_others_and_for_the_agent_they_know(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(ANN, "finish", one, reason="status")
    await world.says("and the other one?")
    found = await world.store.get(one)
    assert (found.state, found.sticky, found.boost, found.reopened) == (S.QUEUED, ANN.id, Boost.REOPENED, 1)
    other = await world.says(other=True)
    assert await world.store.desk.queue("general") == [one, other]
    assert found.rank_ms == (found.waiting_since_ms or 0) - 600_000


async def test_words_that_did_not_arrive_bring_a_finished_one_back_to_its_agent(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(ANN, "finish", one, reason="status")
    assert await world.store.undelivered(await world.store.get(one))
    found = await world.store.get(one)
    assert (found.state, found.sticky, found.boost) == (S.QUEUED, ANN.id, Boost.UNDELIVERED)
    assert (found.reason, found.reopened) == ("", 1)
    assert not await world.store.undelivered(found)
    await world.do(ANN, "take", one)
    await world.do(ANN, "finish", one, reason="status")
    world.clock.offset_ms += 73 * 60 * MINUTE
    assert await world.store.undelivered(await world.store.get(one))
    assert (await world.store.get(one)).sticky is None, "so long after it was done they are nobody's"


async def test_what_was_passed_on_twice_may_be_again_once_it_was_done_and_opened_anew(world: World) -> None:
    one = await world.says()
    for who in (ANN, TOM):
        await world.do(who, "take", one)
        await world.do(who, "transfer", one, queue="general", note="Yours")
    await world.do(SUE, "take_over", one, note="Mine")
    assert (await world.refused(SUE, "transfer", one, queue="general", note="Yours")).code == "hops"
    await world.do(SUE, "finish", one, reason="status")
    await world.says("and the other one?")
    assert (await world.store.get(one)).transfers == 0


async def test_who_was_asked_to_have_it_is_asked_no_more_once_it_is_finished(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.do(ANN, "offer", one, to=TOM.id, note="Yours?")
    await world.do(ANN, "finish", one)
    found = await world.store.get(one)
    assert (found.state, found.offered_to) == (S.WRAPUP, None)


async def test_a_supervisor_who_takes_over_what_is_theirs_changes_no_owner(world: World) -> None:
    one = await world.says()
    await world.do(SUE, "take", one)
    await world.do(SUE, "take_over", one, note="Mine")
    assert (await world.store.get(one)).epoch == 2
    assert await world.facts("transferred") == []
    await world.do(SUE, "park", one, until=world.clock.now_ms() + MINUTE)
    await world.do(SUE, "take_over", one, note="Mine")
    found = await world.store.get(one)
    assert (found.state, found.epoch, found.parked_until_ms) == (S.ACTIVE, 2, 0)


async def test_what_was_answered_in_the_inbox_stays_where_it_is_marked_as_answered(world: World) -> None:
    one = await world.says()
    before = await world.store.get(one)
    await world.answered_in_the_inbox()
    found = await world.store.get(one)
    assert (found.state, found.waiting_since_ms, found.rank_ms) == (S.QUEUED, before.waiting_since_ms, before.rank_ms)
    assert "answered" in marks(found)
    assert await world.store.desk.queue("general") == [one]
    await world.store.give([Assignment(one, ANN.id, 1, 2, by_router=False)])
    await world.answered_in_the_inbox()
    found = await world.store.get(one)
    assert (found.state, found.waiting_since_ms) == (S.ASSIGNED, before.waiting_since_ms)
    assert await world.store.requeue(found, "unreachable"), "its agent is gone: somebody else looks"
    await world.says("and which coach?")
    assert "answered" not in marks(await world.store.get(one))
    assert (await world.store.get(one)).waiting_since_ms == before.waiting_since_ms


async def test_what_was_answered_in_the_inbox_and_nobody_took_is_done_after_a_day_of_silence(world: World) -> None:
    one, other = await world.says(other=True), await world.says(other=True)
    await world.answered_in_the_inbox()
    world.clock.offset_ms += DAY + MINUTE
    await world.store.repair()
    found = await world.store.get(other)
    assert (found.state, found.resolved_by) == (S.RESOLVED, "silence")
    assert await world.state(one) is S.QUEUED, "who was not answered waits on"


async def test_what_automation_was_about_to_say_is_too_late_once_a_person_answered_in_the_inbox(world: World) -> None:
    one = await world.says(needs=False)
    await world.answered_in_the_inbox()
    assert await world.state(one) is S.AUTOMATED
    assert not await world.store.ask_person(await world.store.get(one), "asked", epoch=1)


async def test_marks_and_boosts(world: World) -> None:
    first, second = await world.says(other=True), await world.says(other=True)
    with pytest.raises(BadInput):
        await world.do(ANN, "boost", second, seconds=600)
    await world.do(SUE, "boost", second, seconds=600)
    assert await world.store.desk.queue("general") == [second, first]
    await world.do(SUE, "boost", second, seconds=0)
    assert await world.store.desk.queue("general") == [first, second]
    await world.do(TOM, "complaint", first, on=True)
    due = (await world.store.get(first)).complaint_due_ms
    assert abs(due - world.clock.now_ms() - 14 * DAY) < MINUTE
    for never in (0, world.clock.now_ms() - MINUTE, world.clock.now_ms() + 400 * DAY):
        with pytest.raises(BadInput):
            await world.do(TOM, "complaint", first, on=True, due=never)
    assert (await world.store.get(first)).complaint_due_ms == due
    await world.do(TOM, "complaint", first, on=False)
    assert (await world.store.get(first)).complaint_due_ms == 0


async def test_offers_rest_until_the_last_complaint_is_due_whichever_mark_is_taken_away(world: World) -> None:
    first = await world.says(heard=Heard(complaint=True))
    late = (await world.store.get(first)).complaint_due_ms
    world.address = new_address_id(world.contact)  # the same person at another address
    second = await world.says()
    soon = world.clock.now_ms() + DAY
    await world.do(ANN, "complaint", second, on=True, due=soon)
    assert await world.complains() == {"zz": late}
    await world.do(ANN, "complaint", second, on=False)
    assert await world.complains() == {"zz": late}
    await world.do(ANN, "complaint", second, on=True, due=soon)
    await world.do(ANN, "complaint", first, on=False)
    assert await world.complains() == {"zz": soon}
    await world.do(ANN, "complaint", second, on=False)
    assert await world.complains() == {}


async def test_a_complaint_that_a_version_before_marked_goes_on_keeping_offers_away(world: World) -> None:
    before = world.clock.now_ms() + 3 * DAY
    await world.redis.hset(keys.of(world.contact, "f"), "cx:zz", before)
    one = await world.says()
    await world.do(ANN, "complaint", one, on=True, due=world.clock.now_ms() + DAY)
    await world.do(ANN, "complaint", one, on=False)
    assert await world.complains() == {"zz": before}


async def test_an_agent_who_took_a_complaint_mark_away_is_not_overruled_by_the_words(world: World) -> None:
    one = await world.says(heard=Heard(complaint=True))
    await world.do(ANN, "take", one)
    await world.do(ANN, "complaint", one, on=False)
    await world.says(heard=Heard(complaint=True))
    assert (await world.store.get(one)).complaint_due_ms == 0
    await world.do(ANN, "finish", one, reason="status")
    await world.says(heard=Heard(complaint=True))
    assert (await world.store.get(one)).complaint_due_ms > 0, "opened anew, it is heard anew"


async def test_what_a_blocked_address_writes_is_kept_and_queued_no_more_unless_it_cannot_wait(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    with pytest.raises(BadInput):
        await world.do(ANN, "block", one, hours=25)
    await world.do(ANN, "block", one, hours=24)
    await world.do(ANN, "finish", one, reason="abuse")
    await world.says("!!!")
    found = await world.store.get(one)
    assert (found.state, found.inbound) == (S.RESOLVED, 2)
    await world.do(SUE, "block", one, hours=0)
    await world.says("sorry, where is my train?")
    assert await world.state(one) is S.QUEUED


async def test_a_callback_and_an_incident_are_refused_with_the_present_state(world: World) -> None:
    one = await world.says()
    for what in ("callback", "incident"):
        refusal = await world.refused(ANN, what, one)
        assert (refusal.code, refusal.state) == ("not_available", "queued")


async def test_each_command_twice_with_one_key_is_done_once_and_answered_alike(world: World) -> None:
    one = await world.says()
    steps: list[tuple[Agent, str, dict[str, Any]]] = [
        (ANN, "take", {}), (ANN, "tag", {"reason": "status"}), (ANN, "park", {"until": world.clock.now_ms() + MINUTE}),
        (ANN, "resume", {}), (ANN, "offer", {"to": TOM.id, "note": "Please"}), (TOM, "accept", {}),
        (TOM, "transfer", {"queue": "general", "note": "Not mine"}), (SUE, "take_over", {"note": "Mine"}),
        (SUE, "hand_back", {}),
    ]  # fmt: skip
    for place, (who, what, body) in enumerate(steps):
        epoch = (await world.store.get(one)).epoch
        first = await world.do(who, what, one, body, key=f"once-{place}", epoch=epoch)
        before = await world.store.get(one)
        again = await world.do(who, what, one, body, key=f"once-{place}", epoch=epoch)
        assert again == replace(first, repeated=True), what
        assert await world.store.get(one) == before, what
    assert (await world.slots(ANN), await world.slots(TOM), await world.slots(SUE)) == (set(), set(), set())
    assert await world.redis.zcard(keys.RESERVATIONS) == 0


async def test_two_who_take_at_once_are_one_owner_and_one_slot(world: World) -> None:
    one = await world.says()
    epoch = (await world.store.get(one)).epoch
    said = await asyncio.gather(
        *(world.do(who, "take", one, epoch=epoch) for who in (ANN, TOM, SUE)), return_exceptions=True
    )
    assert sum(isinstance(one, Done) for one in said) == 1
    owner = (await world.store.get(one)).owner
    for who in (ANN, TOM, SUE):
        assert await world.slots(who) == ({one} if who.id == owner else set())


async def test_without_limits_finishing_is_all_and_who_writes_again_is_at_once_with_their_agent(world: World) -> None:
    one = await world.waiting()
    world.push = False
    await world.says("and now?")
    assert await world.state(one) is S.ACTIVE
    await world.do(ANN, "finish", one)
    assert await world.state(one) is S.RESOLVED


async def test_slots_that_are_wrong_are_mended_by_the_count_and_told(world: World) -> None:
    one, gone = await world.says(other=True), await world.says(other=True)
    await world.do(ANN, "take", one)
    assert await world.store.recount() == {}
    await world.redis.delete(keys.slots(ANN.id))
    await world.redis.hset(keys.slots(TOM.id), mapping={gone: "l", one: "l"})
    await world.redis.hset(keys.AGENTS, mapping={TOM.id: "{}"})
    assert await world.store.recount() == {ANN.id: 1, TOM.id: 2}
    assert (await world.slots(ANN), await world.slots(TOM)) == ({one}, set())
    assert await world.store.recount() == {}
    told = [bytes(row[b"f"]).decode() for _, row in await world.redis.xrange(keys.part(0, "facts"))]
    assert sum("slots_differ" in one for one in told) == 2


async def test_a_conversation_that_moves_while_it_is_counted_is_left_alone(world: World) -> None:
    one = await world.says()
    await world.do(ANN, "take", one)
    await world.redis.hset("{desk}at", one, "999|mine:g1")
    await world.redis.delete(keys.slots(ANN.id))
    assert await world.store.recount() == {}


async def test_a_script_that_would_make_something_live_without_a_slot_is_refused_by_the_store_itself(world: World) -> None:
    one = await world.says()
    includes = scripts.source("conv_open").split("--]]", 1)[1].split("local conv = conv_read", 1)[0]
    script = includes + "return conv_write(KEYS[1], KEYS[2], KEYS[3], ARGV[1], conv_read(KEYS[1]), {st = ARGV[2]})"
    names = [keys.of(one, "cv"), keys.beside(one, "vd"), keys.beside(one, "vo")]
    for state in sorted(LIVE):
        with pytest.raises(ResponseError, match="a live state without a slot"):
            await world.redis.eval(script, 3, *names, str(one), state.value)
    assert await world.state(one) is S.QUEUED


async def test_finishing_and_giving_back_twice_with_one_key_are_done_once_whatever_the_state_is_by_then(world: World) -> None:
    one = await world.waiting()
    first = await world.do(ANN, "finish", one, key="f")
    assert await world.do(ANN, "finish", one, key="f", epoch=first.epoch) == replace(first, repeated=True)
    assert await world.state(one) is S.WRAPUP
    other = await world.says(other=True)
    await world.do(ANN, "take", other)
    epoch = (await world.store.get(other)).epoch
    with pytest.raises(BadInput):
        await world.do(ANN, "release", other)
    first = await world.do(ANN, "release", other, key="r", epoch=epoch, note="Not for me")
    assert await world.do(ANN, "release", other, key="r", epoch=epoch, note="Not for me") == replace(first, repeated=True)
    assert (await world.refused(ANN, "release", other, key="s", epoch=epoch)).code == "owner_changed"


async def test_a_right_that_is_taken_away_takes_also_the_row_of_what_somebody_was_offered(world: World) -> None:
    one = await world.says("I am at the gate")
    await PresenceBook(world.redis, world.clock).beat(TOM.id, touched=True)
    await world.do(TOM, "take", one)
    await world.do(TOM, "offer", one, to=ANN.id, note="Yours?")
    lists = ListReader(replace(world.deps, floor=Floor(world.redis)))
    assert [row.id for row in (await lists.own(ANN)).mine] == [one]
    moved = replace(ANN, rights=("agent@yy",))
    assert (await lists.own(moved)).mine == ()
