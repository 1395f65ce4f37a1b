"""A house with agents at the desk and the router beside them, on a store that is real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argon2 import PasswordHasher
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.metrics import Metrics
from gateway.model.conversation import Agent, AgentId, Conversation, InboundEntry
from gateway.model.ids import ConversationId, SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal, Secret
from gateway.model.webcare import AgentStatus, DeskPlan
from gateway.store.agents import Agents
from gateway.store.conversation_crisis import FirstInRank
from gateway.store.conversations import Command, Conversations, Terms
from gateway.store.floor import Floor
from gateway.store.incidents import Incidents
from gateway.store.leases import Leases
from gateway.store.presence import PresenceBook
from gateway.store.queue_told import QueueTold
from gateway.store.vault import KeyRing, Vault
from gateway.webcare.router import Router, make_router

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SENDER = SenderId("zz-wa")


class House:
    """said: what automation was asked to say: conversation, line, params, key."""

    def __init__(self, redis: Redis, plan: DeskPlan | None = None) -> None:
        self.redis: Any = redis
        self.clock = Clock()
        self.plan = plan or DeskPlan.plain()
        vault = Vault(KeyRing(KeyRing.generate()), redis)
        self.conversations = Conversations(
            redis, self.clock, vault, terms=Terms(lambda brand: self.plan.of(brand).figures, lambda: self.plan.push)
        )
        self.agents = Agents(redis, self.clock, vault, hasher=QUICK)
        self.book = PresenceBook(redis, self.clock)
        self.floor = Floor(redis)
        self.metrics = Metrics()
        self.incidents = Incidents(redis, self.clock)
        self.said: list[tuple[ConversationId, str, Mapping[str, str | int], str]] = []
        self.router = self.another_router()

    def another_router(self) -> Router:
        move = FirstInRank(self.redis, self.clock, self.conversations, self.incidents)
        return make_router(
            self.conversations, self.agents, self.book, self.floor, Leases(self.redis), self.incidents.first_queues,
            move.to_queue, self._say, QueueTold(self.redis), self.plan, self.clock, self.metrics,
        )  # fmt: skip

    async def _say(self, one: Conversation, line: str, params: Mapping[str, str | int], key: str) -> None:
        self.said.append((one.id, line, params, key))

    async def agent(self, name: str, *rights: str, status: AgentStatus = AgentStatus.AVAILABLE) -> Agent:
        """Somebody who signed in and chose a status."""
        found = await self.agents.add_agent(name, name.title(), Secret("a sentence does well"), rights or ("agent",))
        await self.book.choose(found.id, status)
        return found

    async def writes(self, text: str = "where is it?", *, queue: str = "general", **more: Any) -> ConversationId:
        contact = new_contact_id()
        item = InboundEntry("wamid.1", "text", Personal(text), self.clock.now_ms())
        return await self.conversations.add_inbound(
            contact, "zz", new_address_id(contact), SENDER, item=item, queue=queue, **more
        )

    async def writes_again(self, conversation: ConversationId, text: str = "are you there?") -> ConversationId:
        one = await self.get(conversation)
        item = InboundEntry(f"wamid.{one.inbound + 1}", "text", Personal(text), self.clock.now_ms())
        return await self.conversations.add_inbound(one.contact, "zz", one.address, SENDER, item=item)

    async def command(self, conversation: ConversationId, agent: Agent) -> Command:
        one = await self.get(conversation)
        return Command(conversation, agent.id, one.epoch, f"k{one.revision}")

    async def opens(self, conversation: ConversationId, agent: Agent) -> None:
        await self.conversations.open(await self.command(conversation, agent))

    async def answers(self, conversation: ConversationId, agent: Agent) -> None:
        await self.conversations.reply(
            await self.command(conversation, agent), Personal("here"), author=agent.first_name,
            deadline_ms=self.clock.now_ms() + 3_600_000,
        )  # fmt: skip

    async def get(self, conversation: ConversationId) -> Conversation:
        return await self.conversations.get(conversation)

    async def owner(self, conversation: ConversationId) -> AgentId | None:
        return (await self.get(conversation)).owner

    async def pass_s(self, seconds: float, *beating: AgentId) -> None:
        """Time passes; these keep a page open."""
        self.clock.offset_ms += int(seconds * 1000)
        for one in beating:
            await self.book.beat(one)
