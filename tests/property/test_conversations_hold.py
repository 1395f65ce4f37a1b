"""Two agents, a person, and any order of what they do, also at once: never two owners, nothing under a stale epoch, and each
reply exactly one message. What happened is read back from the facts, which the same scripts write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.model.conversation import AgentId, ConversationState, InboundEntry
from gateway.model.ids import ContactId, ConversationId, SenderId, new_address_id, new_contact_id, partition_of
from gateway.model.personal import Personal
from gateway.store import keys
from gateway.store.conversations import Command, CommandRefused, Conversations, Done
from gateway.store.desk import Desk, place_of
from gateway.store.vault import KeyRing, Vault
from tests.support.server import StoreServer

AGENTS = (AgentId("g1"), AgentId("g2"))
SENDER = SenderId("zz-wa")


@dataclass(frozen=True)
class Step:
    """who 0, 1: an agent, 2: the person. behind: how many epochs old the agent's view is. key: small, so that keys repeat."""

    who: int
    what: str
    behind: int
    key: int


def _step(who: int, what: str, behind: int, key: int) -> Step:
    return Step(who, what, behind, key)


AGENT_STEP = st.builds(
    _step,
    st.integers(0, 1),
    st.sampled_from(["take", "take", "reply", "reply", "reply", "finish", "release", "note", "crash"]),
    st.sampled_from([0, 0, 0, 1]),
    st.integers(0, 5),
)
PERSON_STEP = st.builds(_step, st.just(2), st.sampled_from(["say", "thank", "stop"]), st.just(0), st.integers(0, 7))
BATCHES = st.lists(st.lists(st.one_of(AGENT_STEP, PERSON_STEP), min_size=1, max_size=4), min_size=1, max_size=14)


@dataclass
class Play:
    redis: Any
    store: Conversations
    clock: Clock
    contact: ContactId = field(default_factory=new_contact_id)
    conversation: ConversationId = field(default_factory=lambda: ConversationId(""))
    replies: dict[tuple[int, int], set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.address = new_address_id(self.contact)

    async def step(self, step: Step, epoch: int) -> None:
        try:
            if step.who == 2:
                await self.say(step)
            else:
                seen = epoch - step.behind
                await self.command(step, Command(self.conversation, AGENTS[step.who], seen, f"{step.what}{step.key}"))
        except CommandRefused:
            pass

    async def say(self, step: Step) -> None:
        text = {"say": "where is it?", "thank": "thanks", "stop": "STOP"}[step.what]
        item = InboundEntry(f"{step.what}{step.key}", "text", Personal(text), self.clock.now_ms())
        needs = step.what != "stop"
        self.conversation = await self.store.add_inbound(
            self.contact, "zz", self.address, SENDER, item=item, needs_person=needs
        )

    async def command(self, step: Step, command: Command) -> None:
        if step.what == "take":
            await self.store.take(command)
        elif step.what == "reply":
            done = await self.store.reply(
                command, Personal(f"words {step.key}"), author=Personal("Ann"), deadline_ms=self.clock.now_ms() + 3_600_000
            )
            assert isinstance(done, Done)
            assert done.repeated or done.epoch == command.epoch, "sent under a stale epoch"
            self.replies.setdefault((step.who, step.key), set()).add(str(done.message))
        elif step.what == "note":
            await self.store.note(command, Personal("note"))
        elif step.what == "finish":
            await self.store.finish(command)
        elif step.what == "release":
            await self.store.release(command)
        else:
            await self.crash(command)

    async def crash(self, command: Command) -> None:
        """Take, and die before the desk hears of it."""
        desk = self.store.desk
        self.store.desk = _Dead(self.redis, self.clock)
        try:
            await self.store.take(command)
        except ConnectionError:
            pass
        finally:
            self.store.desk = desk

    async def check(self, epoch_before: int) -> int:
        found = await self.store.get(self.conversation)
        assert found.epoch >= epoch_before
        assert (found.owner is not None) == (found.state in (ConversationState.ACTIVE, ConversationState.WAITING))
        await self.store.repair()
        places = [name for name in ("q:general", *(f"mine:{agent}" for agent in AGENTS)) if await self.stands_in(name)]
        place = place_of(found)
        assert places == ([place] if place.startswith(("q:", "mine:")) else [])
        assert (await self.redis.zscore("{desk}done", self.conversation) is None) == (not found.resolved)
        assert await self.redis.zcard(keys.beside(self.contact, "vd")) == 0
        return found.epoch

    async def stands_in(self, name: str) -> bool:
        return await self.redis.zscore(f"{{desk}}{name}", self.conversation) is not None

    async def check_facts(self) -> None:
        owner, epoch = "", 0
        for _, row in await self.redis.xrange(keys.beside(self.contact, "facts")):
            _, _, kind, _, detail = bytes(row[b"f"]).decode().split("|")
            said = dict(word.split("=", 1) for word in detail.split() if "=" in word)
            if kind == "assigned":
                assert owner == "", "two owners"
                owner, epoch = said["agent"], int(said["epoch"])
            elif kind in ("released", "resolved"):
                assert owner in (said.get("agent", ""), said.get("by", ""))
                owner = ""
            elif kind == "replied":
                assert (said["agent"], int(said["epoch"])) == (owner, epoch), "sent under a stale epoch"

    async def check_messages(self) -> None:
        for messages in self.replies.values():
            assert len(messages) == 1
        sent = {message for messages in self.replies.values() for message in messages}
        assert len(sent) == len(self.replies)
        queued = await self.redis.zrange(keys.lane_keys(partition_of(self.contact), SENDER)[0], 0, -1)
        assert {bytes(member).decode()[39:] for member in queued} == sent
        thread = await self.store.thread(await self.store.get(self.conversation))
        assert sorted(str(entry.message) for entry in thread if entry.message) == sorted(sent)


class _Dead(Desk):
    """Reads as any desk does, and dies where it would write."""

    async def settle_many(self, *what: object, **more: object) -> set[ConversationId]:
        raise ConnectionError("killed here")


async def _play(url: str, batches: list[list[Step]]) -> None:
    redis = Redis.from_url(url)
    try:
        await redis.flushall()
        clock = Clock()
        play = Play(redis, Conversations(redis, clock, Vault(KeyRing(KeyRing.generate()), redis)), clock)
        await play.say(Step(2, "say", 0, 99))
        epoch = 0
        for batch in batches:
            epoch = await play.check(epoch)
            await asyncio.gather(*(play.step(step, epoch) for step in batch if step.what != "crash"))
            for step in batch:
                if step.what == "crash":
                    await play.step(step, epoch)
        await play.check(epoch)
        await play.check_facts()
        await play.check_messages()
    except NotFound as error:
        raise AssertionError("the conversation is gone") from error
    finally:
        await redis.aclose()


@given(BATCHES)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_two_agents_and_a_person_do_at_once_every_promise_holds(
    store_server: StoreServer, batches: list[list[Step]]
) -> None:
    asyncio.run(_play(store_server.url, batches))
