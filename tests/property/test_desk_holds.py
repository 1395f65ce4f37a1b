"""A team against its promises: agents, people, a router, the clock and processes that die, in any order and also at once.

Never two owners or two queues; never more live than capacity and over_cap; slots and reservations are at least what is live at
every moment, and exactly that after a sweep; age never falls; only moves of the table; whatever is queued is served when a slot
stays free.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.insight.desk_hooks import TYPES
from gateway.model.conversation import AgentId, Conversation, ConversationState, InboundEntry
from gateway.model.ids import AddressId, ContactId, ConversationId, SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.model.webcare import LIVE, OWNED, Assignment, Figures
from gateway.rules.moves import TABLE
from gateway.store import keys
from gateway.store.conversations import Command, CommandRefused, Conversations, Terms
from gateway.store.desk import Desk, place_of
from gateway.store.slots import Slots, conversations_in
from gateway.store.vault import KeyRing, Vault
from tests.support.core import facts_of
from tests.support.server import StoreServer

AGENTS = [AgentId("g1"), AgentId("g2"), AgentId("g3")]
SENDER = SenderId("zz-wa")
S = ConversationState
QUEUES = ("general", "second")
COMMANDS = (
    "take", "resume", "open", "reply", "park", "finish", "tag", "release", "transfer", "offer", "accept", "decline", "consult",
    "take_over", "force", "hand_back", "boost",
)  # fmt: skip
SYSTEM = (
    "give", "give", "give", "back", "not_opened", "unreachable", "rest", "ask", "undelivered", "write", "write", "thank", "new",
)  # fmt: skip
ENDS_A_WAIT = {"reply", "finish", "tag", "hand_back", "unreachable"}
ACTION = st.tuples(st.sampled_from(COMMANDS + SYSTEM), st.integers(0, 2), st.integers(0, 5))
Action = tuple[str, int, int]
STEPS = {(row.source, row.target) for row in TABLE}


class Died(Exception):
    """The process, at one of the places between two steps."""


class _Slots(Slots):
    dies = ""

    async def reserve(self, wanted: Any) -> Any:
        answers = await super().reserve(wanted)
        if self.dies == "reserved":
            raise Died
        return answers

    async def give_back(self, tokens: Any) -> None:
        if self.dies == "settled" and tokens:
            raise Died
        await super().give_back(tokens)


class _Desk(Desk):
    dies = ""

    async def settle_many(self, conversations: Any, *more: Any) -> Any:
        if self.dies == "bound" and conversations:
            raise Died
        known = await super().settle_many(conversations, *more)
        if self.dies == "settled" and conversations:
            raise Died
        return known


class DeskMachine(RuleBasedStateMachine):
    server: StoreServer

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.people: list[tuple[ContactId, AddressId]] = []
        self.known: list[ConversationId] = []
        self.count = 0

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(capacity=st.sampled_from([1, 2, 2]), over_cap=st.sampled_from([0, 0, 1]))
    def begin(self, capacity: int, over_cap: int) -> None:
        async def start() -> None:
            self.redis: Any = Redis.from_url(self.server.url)
            await self.redis.flushall()
            self.clock = Clock()
            self.figures = Figures(capacity=capacity, over_cap=over_cap)
            terms = Terms(lambda brand: self.figures, lambda: True)
            self.store = Conversations(self.redis, self.clock, Vault(KeyRing(KeyRing.generate()), self.redis), terms=terms)
            self.slots = self.store.slots = _Slots(self.redis, self.clock)
            self.desk = self.store.desk = _Desk(self.redis, self.clock, terms.figures)
            for _ in range(3):
                await self.write(None)

        self.do(start())

    def teardown(self) -> None:
        try:
            if hasattr(self, "store"):
                self.do(self.served_in_the_end())
        finally:
            if hasattr(self, "redis"):
                self.do(self.redis.aclose())
            self.loop.close()

    # what happens

    @rule(action=ACTION)
    def one_thing(self, action: Action) -> None:
        async def step() -> None:
            before = await self.all()
            await self.act(action)
            for one in await self.check(before, [action]):
                was = before.get(one.id)
                if was is not None and was.state is not one.state:
                    assert (was.state, one.state) in STEPS, (action, was.state, one.state)

        self.do(step())

    @rule(actions=st.lists(ACTION, min_size=2, max_size=5))
    def anything_at_once(self, actions: list[Action]) -> None:
        self.at_once(actions)

    def at_once(self, actions: list[Action]) -> None:
        async def step() -> None:
            before = await self.all()
            await asyncio.gather(*(self.act(one) for one in actions))
            await self.check(before, actions)

        self.do(step())

    @rule(
        what=st.lists(st.sampled_from(["take", "give", "new", "back", "accept"]), min_size=3, max_size=6), who=st.integers(0, 2)
    )  # fmt: skip
    def rush(self, what: list[str], who: int) -> None:
        """Everything at once for one agent."""
        self.at_once([(one, who, place) for place, one in enumerate(what)])

    @rule(
        what=st.sampled_from(["take", "give", "give", "accept", "resume", "take_over", "finish"]), who=st.integers(0, 2),
        which=st.integers(0, 5), where=st.sampled_from(["reserved", "bound", "settled"]),
    )  # fmt: skip
    def die(self, what: str, who: int, which: int, where: str) -> None:
        async def step() -> None:
            before = await self.all()
            self.slots.dies = self.desk.dies = where
            try:
                with contextlib.suppress(Died):
                    await self.act((what, who, which))
            finally:
                self.slots.dies = self.desk.dies = ""
            await self.check(before, [(what, who, which)])

        self.do(step())

    @rule(seconds=st.sampled_from([2, 61, 61, 130, 605]))
    def time_passes(self, seconds: int) -> None:
        async def step() -> None:
            before = await self.all()
            self.clock.offset_ms += seconds * 1000
            await self.store.repair()
            await self.check(before, [], repaired=True)

        self.do(step())

    # who does it

    async def act(self, action: Action) -> None:
        what, who, which = action
        agent, one = AGENTS[who], (await self.store.get_many([self.known[which % len(self.known)]]))[0]
        assert one is not None
        self.count += 1
        command = Command(one.id, agent, one.epoch, f"k{self.count}")
        with contextlib.suppress(CommandRefused):
            if what in ("write", "thank"):
                await self.write(which % len(self.people), "thanks" if what == "thank" else "where is it?")
            elif what == "new":
                if len(self.people) < 6:
                    await self.write(None)
            elif what in COMMANDS:
                await self.command(what, command, one)
            else:
                await self.system(what, agent, one)

    async def write(self, person: int | None, text: str = "where is it?") -> None:
        if person is None:
            contact = new_contact_id()
            self.people.append((contact, new_address_id(contact)))
            person = len(self.people) - 1
        contact, address = self.people[person]
        self.count += 1
        item = InboundEntry(f"w{self.count}", "text", Personal(text), self.clock.now_ms())
        one = await self.store.add_inbound(contact, "zz", address, SENDER, item=item)
        if one not in self.known:
            self.known.append(one)

    async def command(self, what: str, command: Command, one: Conversation) -> None:
        store, now_ms, note = self.store, self.clock.now_ms(), Personal("a note")
        other = AGENTS[(AGENTS.index(command.agent) + 1) % len(AGENTS)]
        if what == "reply":
            await store.reply(command, Personal("here"), author=Personal("Ann"), deadline_ms=now_ms + 3_600_000)
        elif what == "park":
            await store.park(command, now_ms + 60_000)
        elif what == "tag":
            await store.tag(command, "status")
        elif what in ("transfer", "force"):
            await store.pass_on(command, QUEUES[self.count % 2], note, force=what == "force")
        elif what == "offer":
            await store.offer(command, other, note)
        elif what == "consult":
            await store.note(command, note, asked=other, until_ms=now_ms + 60_000)
        elif what == "take_over":
            await store.take_over(command, note)
        elif what == "boost":
            await store.boost(command, 600)
        else:
            again = {"resume": store.take}.get(what) or getattr(store, what)
            await again(command)

    async def system(self, what: str, agent: AgentId, one: Conversation) -> None:
        if what == "give":
            await self.give([one], agent)
        elif what == "back":
            if one.owner is not None:
                await self.give([one], one.owner)
        elif what in ("not_opened", "unreachable"):
            await self.store.requeue(one, what, exclude_ms=1000)
        elif what == "rest":
            await self.store.rest(one)
        elif what == "ask":
            await self.store.ask_person(one, "asked", epoch=one.epoch)
        else:
            await self.store.undelivered(one)

    async def give(self, wanted: Sequence[Conversation], agent: AgentId) -> list[str]:
        figures = self.figures
        limits = (figures.capacity, figures.over_cap, figures.owned_max)
        return await self.store.give(
            [Assignment(one.id, agent, one.epoch, *limits, by_router=False, returning=one.owner == agent) for one in wanted]
        )

    # what must hold

    async def all(self) -> dict[ConversationId, Conversation]:
        return {one.id: one for one in await self.store.get_many(self.known) if one is not None}

    async def held(self, agent: AgentId) -> tuple[set[str], set[str]]:
        """(slots and reservations, slots alone)"""
        raw = await self.redis.hgetall(keys.slots(agent))
        return conversations_in(raw), {name.decode() for name in raw if not name.startswith(b"r:")}

    async def check(
        self, before: dict[ConversationId, Conversation], actions: Sequence[Action], *, repaired: bool = False
    ) -> list[Conversation]:
        now = await self.all()
        for one in now.values():
            assert (one.owner is not None) == (one.state in OWNED), one.state
            was = before.get(one.id)
            if was is None:
                continue
            assert one.epoch > was.epoch or one.owner == was.owner, "another owner under the same epoch"
            ended = any(what in ENDS_A_WAIT for what, _, _ in actions) or one.resolved or was.resolved or repaired
            if not ended and was.waiting_since_ms is not None and one.waiting_since_ms is not None:
                assert one.waiting_since_ms <= was.waiting_since_ms, "age fell"
        for agent in AGENTS:
            live = {str(one.id) for one in now.values() if one.owner == agent and one.state in LIVE}
            assert len(live) <= self.figures.capacity + self.figures.over_cap, "over capacity"
            taken, settled = await self.held(agent)
            assert live <= taken, "live without a slot"
            if repaired:
                assert settled == live, "a slot that nothing live has"
        if repaired:
            await self.in_one_list(now)
        await self.told(now)
        return list(now.values())

    async def told(self, now: dict[ConversationId, Conversation]) -> None:
        """Who follows the facts alone knows how each conversation stands."""
        facts = [fact for fact in await facts_of(self.redis) if fact.kind in TYPES and "o" in fact.detail]
        last = {fact.id_of("v"): fact.detail for fact in facts}
        for one in now.values():
            said = last[one.id]
            stands = {"q": one.queue, "st": one.state.value, "epoch": str(one.epoch), "o": one.owner or ""}
            assert {name: said[name] for name in stands} == stands, said

    async def in_one_list(self, now: dict[ConversationId, Conversation]) -> None:
        for one in now.values():
            lists = [f"q:{name}" for name in QUEUES] + [f"mine:{agent}" for agent in AGENTS]
            stands = [name for name in lists if await self.redis.zscore(f"{{desk}}{name}", one.id) is not None]
            place = place_of(one)
            assert stands == ([place] if place in lists else []), (one.state, stands)

    async def served_in_the_end(self) -> None:
        """What a crash left is swept, and a plain router serves everybody in their order as agents finish."""
        self.clock.offset_ms += 61_000
        await self.store.repair()
        assert await self.redis.zcard(keys.RESERVATIONS) == 0
        for agent in AGENTS:
            taken, settled = await self.held(agent)
            assert taken == settled
        for _ in range(40):
            for agent in AGENTS:
                await self.finish_all(agent)
            now = await self.all()
            queued = sorted((one for one in now.values() if one.state is S.QUEUED), key=lambda one: one.rank_ms)
            if not queued:
                return
            listed = [one for name in QUEUES for one in await self.store.desk.queue(name)]
            assert set(listed) == {one.id for one in queued}
            assert await self.give(queued[:1], AGENTS[0]) == ["given"], "queued beside a free slot, and not served"
        raise AssertionError("somebody is never served")

    async def finish_all(self, agent: AgentId) -> None:
        for one in await self.store.get_many(await self.store.desk.mine(agent)):
            assert one is not None
            for what in ("open", "finish", "tag"):
                found = await self.store.get(one.id)
                if found.owner != agent:
                    break
                self.count += 1
                command = Command(one.id, agent, found.epoch, f"end{self.count}")
                with contextlib.suppress(CommandRefused):
                    await self.command(what, command, found)


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    made = StoreServer({"appendfsync": "no"})
    yield made
    made.close()


def hold(server: StoreServer, examples: int, steps: int) -> None:
    DeskMachine.server = server
    run_state_machine_as_test(
        DeskMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=[Phase.explicit, Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def test_a_team_holds_its_promises_whatever_happens(server: StoreServer) -> None:
    hold(server, 6, 12)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_team_holds_its_promises_for_long(server: StoreServer) -> None:
    hold(server, 150, 25)
