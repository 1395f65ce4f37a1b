"""A desk to play on: a real store, the real routes, and the hands that write as customers and as the channel would."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from aiohttp import web
from argon2 import PasswordHasher
from redis.asyncio import Redis

from connectors.messenger.facts import FACTS as PAGE_FACTS
from connectors.whatsapp.facts import FACTS
from gateway.assistant.saying import SystemLines
from gateway.clock import Clock
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.insight.past import Past
from gateway.model.capability import Capability, Finding, Findings
from gateway.model.contact import Address, ConsentEntry, Identifier, OrderLink, Proof, Subscription, Traveller
from gateway.model.conversation import WANTED, Agent, InboundEntry, OutsideEntry
from gateway.model.identity import Proving
from gateway.model.ids import AddressId, ContactId, ConversationId, MessageId, SenderId, message_id, partition_of
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.model.personal import Personal, Secret
from gateway.model.webcare import DeskPlan
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.catalogue import load as load_catalogue
from gateway.planning.result import World
from gateway.prices.tariffs import Tariffs
from gateway.rules.question import TemplateState
from gateway.store.agents import Agents
from gateway.store.contacts import Contacts, FactChange
from gateway.store.conversation_commands import Terms
from gateway.store.conversations import Command, Conversations
from gateway.store.documents import Documents
from gateway.store.drafts import Drafts
from gateway.store.floor import Floor
from gateway.store.media import Media
from gateway.store.outbox import ClaimWant, Outbox, Pair, Settlement
from gateway.store.presence import PresenceBook
from gateway.store.vault import KeyRing, Vault
from gateway.webcare import WebcareDeps, add_api_routes, add_console_routes, canned, run
from gateway.webcare.templates import DeskTemplates
from tests.support.hands import hands_of
from tests.support.server import StoreServer

T = TypeVar("T")
ROOT = Path(__file__).parents[2]

PASSWORD = "a long sentence to sign in with"
SENDER = SenderId("zz-wa")
PAGE_SENDER = SenderId("zz-me")
"""A Page: a channel that shows who speaks, lets a person answer for a week, and shares its threads with other programs."""
INBOX_APP = "263902037430900"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@functools.cache
def shipped() -> Catalogue:
    return load_catalogue(ROOT / "templates")


class Person:
    """A customer of the stage."""

    def __init__(self, contact: ContactId, address: AddressId, name: str, sender: SenderId) -> None:
        self.contact, self.address, self.name, self.sender = contact, address, name, sender
        self.conversation = ConversationId("")
        self.said = 0


class Stage:
    """Everything on one loop in its own thread: tests drive a browser, which blocks."""

    def __init__(
        self, terms: Terms | None = None, plan: DeskPlan | None = None, proving: Proving | None = None, *, history: bool = False
    ) -> None:
        """terms, plan: of a house in which the router gives; without them agents take what there is

        proving: by which ways customers can show who they are; history: what passed before is kept, by `keep_closed` and the like
        """
        self.history = history
        self.terms, self.plan, self.proving = terms, plan or DeskPlan.plain(), proving
        self.store = StoreServer()
        self._files = TemporaryDirectory(prefix="thuisfront-files-")
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
        self.conversations = Conversations(self.redis, self.clock, self.vault, pair=pair, terms=self.terms)
        self.agents = Agents(self.redis, self.clock, self.vault, hasher=QUICK)
        self.contacts = Contacts(self.redis, self.clock, self.vault)
        url = f"sqlite:///{self._files.name}/history.db"
        past = Past(url, self.vault, self.conversations) if self.history else None
        self.deps = WebcareDeps(
            self.conversations,
            self.agents,
            self.contacts,
            self.outbox,
            self.clock,
            {"zz": "Polderwind Air"},
            {SENDER: FACTS, PAGE_SENDER: PAGE_FACTS},
            findings=self._findings,
            media=Media(self.redis, self.clock, self.vault, Path(self._files.name)),
            documents=Documents(self.redis, self.vault),
            canned=canned.load(ROOT / "canned"),
            templates=DeskTemplates(self._world, Tariffs()),
            presence=PresenceBook(self.redis, self.clock),
            floor=Floor(self.redis),
            plan=self.plan,
            drafts=Drafts(self.redis, self.clock, self.vault),
            hands=hands_of(self.redis, self.clock, self.vault),
            proving=self.proving,
            past=past,
            lines=self._lines() if self.proving is not None else None,
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

    def _lines(self) -> SystemLines:
        brands, channels = {"zz": "Polderwind Air"}, {SENDER: FACTS, PAGE_SENDER: PAGE_FACTS}
        return SystemLines(self.conversations, self.contacts, self.clock, self.plan, brands, channels)

    async def _world(self) -> World:
        """The shipped templates, all approved at the one number."""
        sender = Sender(SENDER, "whatsapp", "zz", {}, "stage", Secret("none"))
        return World(
            shipped(), Directory([sender]), {"whatsapp": FACTS}, lambda *which: TemplateState.APPROVED, lambda address: True,
            lambda address: False, self.vault.blind, False, self.clock.now_ms(), "zz",
        )  # fmt: skip

    async def _findings(self, senders: Sequence[SenderId]) -> Mapping[SenderId, Findings]:
        """Every sender may do everything."""
        return {one: Findings({what: Finding(True, 0) for what in Capability}) for one in senders}

    async def _shut(self) -> None:
        self._role.cancel()
        await asyncio.gather(self._role, return_exceptions=True)
        await self._runner.cleanup()
        if self.deps.past is not None:
            await self.deps.past.close()
        await self.redis.aclose()

    def close(self) -> None:
        try:
            if self.port:
                self.call(self._shut())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self.store.close()
            self._files.cleanup()

    # who there is

    def agent(self, name: str, display: str, rights: tuple[str, ...] = ("reply",)) -> Agent:
        return self.call(self.agents.add_agent(name, display, Secret(PASSWORD), rights))

    def person(
        self, name: str, number: str, *, language: str = "en-GB", order: str = "", consent: bool = True, page: bool = False
    ) -> Person:
        """number: a phone number, or with `page` the id by which the Page knows them"""
        return self.call(self._person(name, number, language, order, consent, page))

    async def _person(self, name: str, number: str, language: str, order: str, consent: bool, page: bool) -> Person:
        kind, scope = ("psid", "141421356237301") if page else ("phone", "")
        identifier = Identifier(kind, scope, Personal(number))
        channel = "messenger" if page else "whatsapp"
        contact, address = await self.contacts.reserve(channel, identifier)
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
        known = Address(address, channel, (identifier,))
        traveller = Traveller("t1", Personal(name.split()[0]), None, (address,))
        await self.contacts.change(
            contact,
            lambda profile: replace(
                profile, addresses=(known,), travellers=(traveller,), orders=links, display_name=Personal(name)
            ),
        )
        await self.contacts.change_facts(contact, [FactChange("lang", language, now, "set")])
        if consent:
            entry = ConsentEntry("journey", channel, "zz", True, now - 5 * 86_400_000, "order")
            await self.contacts.set_consents(contact, [entry])
            await self.contacts.set_proof(contact, address, Proof.INBOUND, now)
        return Person(contact, address, name, PAGE_SENDER if page else SENDER)

    # what they and the channel do

    def says(
        self, person: Person, text: str, *, ago_ms: int = 0, answers: MessageId | None = None, kind: str = "text",
        payload: str | None = None, media: dict[str, str] | None = None, window_ago_ms: int | None = None,
        about: Personal | None = None, **more: Any,
    ) -> ConversationId:  # fmt: skip
        """about: the channel's id of what it answers; more: of InboundEntry"""
        person.said += 1
        at = self.clock.now_ms() - ago_ms
        opened = at if window_ago_ms is None else self.clock.now_ms() - window_ago_ms
        item = InboundEntry(
            f"{person.contact}:{person.said}", kind, Personal(text), at, payload=payload, media=media,
            channel_message_id=Personal(f"wamid.{person.said}"), origin=answers, answers=about, **more,
        )  # fmt: skip

        async def work() -> ConversationId:
            await self.contacts.open_window(person.contact, person.sender, person.address, opened)
            return await self.conversations.add_inbound(person.contact, "zz", person.address, person.sender, item=item)

        person.conversation = self.call(work())
        return person.conversation

    def changes(self, person: Person, said: int, text: str, *, edits: int = 1, ago_ms: int = 0) -> None:
        """They change what they said as their `said`th message."""
        item = InboundEntry(
            f"{person.contact}:{said}#{edits}", "text", Personal(text), self.clock.now_ms() - ago_ms,
            channel_message_id=Personal(f"wamid.{said}"), edit_of=f"{person.contact}:{said}", edits=edits,
        )  # fmt: skip
        self.call(self.conversations.add_inbound(person.contact, "zz", person.address, person.sender, item=item))

    def outside(self, person: Person, text: str, *, by_person: bool = True, ago_ms: int = 0) -> None:
        """Somebody answers them in the channel's own inbox, or another program does."""
        person.said += 1
        item = OutsideEntry(
            f"o{person.contact}:{person.said}", "text", Personal(text), self.clock.now_ms() - ago_ms, by_person,
            channel_message_id=Personal(f"wamid.o{person.said}"),
        )  # fmt: skip
        self.call(self.conversations.outside.add(person.contact, "zz", person.address, person.sender, item))

    def held(self, person: Person, program: str | None) -> None:
        """Another program takes their thread, or (None) lets go of it."""
        now = self.clock.now_ms()
        self.call(
            self.contacts.set_holder(
                person.contact, person.sender, person.address, program=program, until_ms=now + 86_400_000, at_ms=now
            )
        )

    def wanted(self, person: Person) -> None:
        async def work() -> None:
            found = await self.conversations.get(person.conversation)
            await self.conversations.outside.remark(found, "wanted", WANTED, self.clock.now_ms())

        self.call(work())

    def close_window(self, person: Person, *, in_ms: int, lasts_ms: int = FACTS.window_ms) -> None:
        """Let the person's last words be as old as it takes for the window to close in so long, margin and all.

        lasts_ms: the window's length; PAGE_FACTS.person_window_ms for the time in which a person may answer
        """
        opened = self.clock.now_ms() + in_ms + 60_000 - lasts_ms
        name = f"{{p:{person.contact[1:3]}}}f:{person.contact}"
        self.call(self.redis.hset(name, f"w:{person.sender}:{person.address}", opened))

    def told(self, person: Person, notification: str, text: str, *, ago_ms: int = 0) -> MessageId:
        """A proactive message that the channel took. Its record is that of a message that was delivered."""
        message = message_id("e00", notification, str(ago_ms), person.contact, 0)
        header = f"1|a|1|{person.sender}|{person.address}|2|1|0|1||||{person.contact}|3|0||{notification}|0|0|"

        async def work() -> None:
            await self.redis.set(f"{{p:{message[1:3]}}}m:{message}", header + "\n", px=86_400_000)
            at = self.clock.now_ms() - ago_ms
            await self.conversations.mention(
                person.contact, "zz", person.address, person.sender, message, notification, Personal(text), at
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
            want = ClaimWant(f"w{self.clock.now_ms()}", partition_of(person.contact), person.sender, Priority.AGENT, 10)
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
