"""One conversation that an agent has, and the links that its customer is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.contact import Identifier, Proof
from gateway.model.conversation import AgentId, Conversation, InboundEntry
from gateway.model.identity import Act
from gateway.model.ids import AddressId, ContactId, ConversationId, SenderId
from gateway.model.personal import Personal, Secret
from gateway.rules.identity import Level, level
from gateway.store.contacts import Contacts
from gateway.store.conversations import Command, Conversations
from gateway.store.identity import Proved
from gateway.store.vault import KeyRing, Vault
from tests.support.core import facts_of

ANN, LEA = AgentId("g-ann"), AgentId("g-lea")
SENDER = SenderId("zz-wa")
CODE, WRONG = Secret("204816"), Secret("204817")


@dataclass
class Chat:
    """One conversation that Ann has, and her link."""

    store: Conversations
    contacts: Contacts
    clock: Clock
    contact: ContactId
    address: AddressId
    id: ConversationId
    said: int = 0

    async def now(self) -> Conversation:
        return await self.store.get(self.id)

    async def level(self) -> Level:
        one, facts = await self.now(), (await self.contacts.facts_of([self.contact]))[0]
        proof, at_ms = facts.proofs.get(self.address, (None, 0))
        return level(proof, at_ms, one.opened_ms, self.clock.now_ms(), shown=one.identity)

    async def asked(self, key: str = "ask", act: Act | None = None) -> str:
        _, token = await self.store.ask_identity(await self.command(key), act)
        return token.reveal()

    async def command(self, key: str, agent: AgentId = ANN) -> Command:
        return Command(self.id, agent, (await self.now()).epoch, key)

    async def tries(self, token: str, code: Secret) -> Proved:
        return await self.store.prove_code(await self.now(), token, code)

    async def sent(self, token: str, code: Secret = CODE) -> str:
        return (await self.store.code_sent(await self.now(), token, code)).word

    async def writes(self, text: str = "hello") -> None:
        self.said += 1
        item = InboundEntry(f"k{self.id}{self.said}", "text", Personal(text), self.clock.now_ms())
        await self.store.add_inbound(self.contact, "zz", self.address, SENDER, item=item)


async def chat_of(redis: Redis, number: str, *, vault: Vault | None = None, clock: Clock | None = None) -> Chat:
    clock, vault = clock or Clock(), vault or Vault(KeyRing(KeyRing.generate()), redis)
    contacts, store = Contacts(redis, clock, vault), Conversations(redis, clock, vault)
    contact, address = await contacts.reserve("whatsapp", Identifier("phone", "", Personal(number)))
    await contacts.set_proof(contact, address, Proof.INBOUND, clock.now_ms())
    item = InboundEntry("first", "text", Personal("where is my seat?"), clock.now_ms())
    found = await store.add_inbound(contact, "zz", address, SENDER, item=item)
    chat = Chat(store, contacts, clock, contact, address, found)
    await store.take(await chat.command("take"))
    return chat


async def kinds(redis: Any) -> list[str]:
    return [one.kind for one in await facts_of(redis) if one.kind.startswith("identity_")]
