"""A desk to play on: a real store, the real routes, and the hands that write as customers and as the channel would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import web
from argon2 import PasswordHasher
from redis.asyncio import Redis

from connectors.whatsapp.facts import FACTS
from gateway.clock import Clock
from gateway.model.contact import ConsentEntry, Identifier, OrderLink, Proof, Subscription, Traveller
from gateway.model.conversation import Agent, InboundEntry
from gateway.model.ids import AddressId, ContactId, ConversationId, MessageId, SenderId, message_id, partition_of
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.model.personal import Personal, Secret
from gateway.store.agents import Agents
from gateway.store.contacts import Contacts, FactChange
from gateway.store.conversations import Command, Conversations
from gateway.store.outbox import ClaimWant, Outbox, Pair, Settlement
from gateway.store.vault import KeyRing, Vault
from gateway.webcare import WebcareDeps, add_api_routes, add_console_routes, run
from tests.support.server import StoreServer

T = TypeVar("T")

PASSWORD = "a long sentence to sign in with"
SENDER = SenderId("zz-wa")
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Person:
    """A customer of the stage."""

    def __init__(self, contact: ContactId, address: AddressId, name: str) -> None:
        self.contact, self.address, self.name = contact, address, name
        self.conversation = ConversationId("")
        self.said = 0


class Stage:
    """Everything on one loop in its own thread: tests drive a browser, which blocks."""

    def __init__(self) -> None:
        self.store = StoreServer()
        self.clock = Clock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = 0
        try:
            self.url = self.call(self._open())
        except BaseException:
            self.close()
            raise

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> str:
        self.redis: Any = Redis.from_url(self.store.url)
        self.vault = Vault(KeyRing(KeyRing.generate()), self.redis)
        pair: dict[str, Pair] = {SENDER: Pair(FACTS.pair_interval_ms, FACTS.pair_burst)}
        self.outbox = Outbox(self.redis, self.clock, pair)
        self.conversations = Conversations(self.redis, self.clock, self.vault, pair=pair)
        self.agents = Agents(self.redis, self.clock, self.vault, hasher=QUICK)
        self.contacts = Contacts(self.redis, self.clock, self.vault)
        self.deps = WebcareDeps(
            self.conversations,
            self.agents,
            self.contacts,
            self.outbox,
            self.clock,
            {"zz": "Polderwind Air"},
            {SENDER: FACTS},
        )
        app = web.Application()
        add_console_routes(app, self.deps)
        add_api_routes(app, self.deps)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._role = asyncio.create_task(run(self.deps))
        self.port = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{self.port}"

    async def _shut(self) -> None:
        self._role.cancel()
        await asyncio.gather(self._role, return_exceptions=True)
        await self._runner.cleanup()
        await self.redis.aclose()

    def close(self) -> None:
        try:
            if self.port:
                self.call(self._shut())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self.store.close()

    # who there is

    def agent(self, name: str, display: str, rights: tuple[str, ...] = ("reply",)) -> Agent:
        return self.call(self.agents.add_agent(name, display, Secret(PASSWORD), rights))

    def person(self, name: str, number: str, *, language: str = "en-GB", order: str = "", consent: bool = True) -> Person:
        return self.call(self._person(name, number, language, order, consent))

    async def _person(self, name: str, number: str, language: str, order: str, consent: bool) -> Person:
        identifier = Identifier("phone", "", Personal(number))
        contact, address = await self.contacts.reserve("whatsapp", identifier)
        now = self.clock.now_ms()
        links: tuple[OrderLink, ...] = ()
        if order:
            subject = self.vault.subject_id("order", order)
            flight = self.vault.subject_id("flight", "ZZ1007")
            links = (
                OrderLink(
                    subject, Personal(order), "flight", "zz", "shop", "t1", "booker", None, (flight,), now + 3 * 86_400_000
                ),
            )
            await self.contacts.subscribe(Subscription(contact, flight, (), now + 3 * 86_400_000))
        traveller = Traveller("t1", Personal(name.split()[0]), None, (address,))
        await self.contacts.change(
            contact,
            lambda profile: replace(profile, travellers=(traveller,), orders=links, display_name=Personal(name)),
        )
        await self.contacts.change_facts(contact, [FactChange("lang", language, now, "set")])
        if consent:
            entry = ConsentEntry("journey", "whatsapp", "zz", True, now - 5 * 86_400_000, "order")
            await self.contacts.set_consents(contact, [entry])
            await self.contacts.set_proof(contact, address, Proof.INBOUND, now)
        return Person(contact, address, name)

    # what they and the channel do

    def says(
        self, person: Person, text: str, *, ago_ms: int = 0, answers: MessageId | None = None, kind: str = "text",
        payload: str | None = None, media: dict[str, str] | None = None, window_ago_ms: int | None = None,
    ) -> ConversationId:  # fmt: skip
        person.said += 1
        at = self.clock.now_ms() - ago_ms
        opened = at if window_ago_ms is None else self.clock.now_ms() - window_ago_ms
        item = InboundEntry(
            f"{person.contact}:{person.said}", kind, Personal(text), at, payload=payload, media=media,
            channel_message_id=Personal(f"wamid.{person.said}"), origin=answers,
        )  # fmt: skip

        async def work() -> ConversationId:
            await self.contacts.open_window(person.contact, SENDER, person.address, opened)
            return await self.conversations.add_inbound(person.contact, "zz", person.address, SENDER, item=item)

        person.conversation = self.call(work())
        return person.conversation

    def close_window(self, person: Person, *, in_ms: int) -> None:
        """Let the person's last words be as old as it takes for the window to close in so long, margin and all."""
        opened = self.clock.now_ms() + in_ms + 60_000 - FACTS.window_ms
        self.call(self.redis.hset(f"{{p:{person.contact[1:3]}}}f:{person.contact}", f"w:{SENDER}:{person.address}", opened))

    def told(self, person: Person, notification: str, text: str, *, ago_ms: int = 0) -> MessageId:
        """A proactive message that the channel took. Its record is that of a message that was delivered."""
        message = message_id("e00", notification, str(ago_ms), person.contact, 0)
        header = f"1|a|1|{SENDER}|{person.address}|2|1|0|1||||{person.contact}|3|0||{notification}|0|0|"

        async def work() -> None:
            await self.redis.set(f"{{p:{message[1:3]}}}m:{message}", header + "\n", px=86_400_000)
            at = self.clock.now_ms() - ago_ms
            await self.conversations.mention(
                person.contact, "zz", person.address, SENDER, message, notification, Personal(text), at
            )

        self.call(work())
        return message

    def note(self, agent: Agent, person: Person, text: str) -> None:
        command = Command(person.conversation, agent.id, 0, f"note-{text[:8].strip()}".replace(" ", "-"))
        self.call(self.conversations.note(command, Personal(text)))

    # the outbox, as dispatch would

    def messages(self, person: Person) -> list[MessageId]:
        async def work() -> list[MessageId]:
            found = await self.conversations.thread(await self.conversations.get(person.conversation))
            return [MessageId(entry.message) for entry in found if entry.message]

        return self.call(work())

    def dispatch(self, person: Person, outcome: str = "a", *, reason: str = "", state: MessageState = MessageState.DEAD) -> int:
        """Claim and settle what waits for a person; how many. outcome: as Settlement says."""

        async def work() -> int:
            want = ClaimWant(f"w{self.clock.now_ms()}", partition_of(person.contact), SENDER, Priority.AGENT, 10)
            claimed = await self.outbox.claim([want], worker="w1", lease_ms=10_000, evidence_ms=30_000, clock_ok=True)
            await self.outbox.settle(
                [Settlement(one, outcome, one.attempt, reason=reason, state=state, ttl_ms=86_400_000) for one in claimed]
            )
            return len(claimed)

        return self.call(work())

    def status(self, message: MessageId, status: DeliveryStatus, *, failed: bool = False) -> None:
        async def work() -> None:
            found = await self.outbox.record(message)
            assert found is not None
            await self.outbox.evidence(
                found[0], attempt=1, status=status, failed=failed, at_ms=self.clock.now_ms(), ttl_ms=86_400_000
            )

        self.call(work())
