"""Somebody who holds passes: a contact in a real store, papers of invented flights, and the pages that were kept of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.documents.paper import Paper, PaperKind, PaperLeg, Symbol, SymbolKind
from gateway.documents.wallets import Wallets
from gateway.http import listen, make_app
from gateway.model.contact import Address, Contact, Identifier, Profile, Traveller
from gateway.model.ids import ContactId, EventId, SubjectId, random_id
from gateway.model.pass_page import Answer, PassPage
from gateway.model.personal import Personal
from gateway.notifications.catalogue import load
from gateway.settings import read
from gateway.store import keys
from gateway.store.contacts import Contacts
from gateway.store.passes import Passes
from gateway.store.subjects import Subjects
from gateway.store.vault import KeyRing, Vault
from gateway.webhooks import pass_page
from gateway.webhooks.invite import Limit
from tests.support.core import ROOT
from tests.support.server import free_port

HOUR_MS = 3600_000
MARK = "Qwertzmark"
"""In every value of a paper that nobody may read before they proved who they are."""


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def boarding_pass(departs_ms: int, name: str = "Mila van der Berg", **more: Any) -> Paper:
    leg = PaperLeg(
        carrier="ZZ", number="1007", origin="AMS", origin_name=f"Amsterdam {MARK}", destination="LIS", destination_name="Lisbon",
        departs=iso(departs_ms), boards=iso(departs_ms - HOUR_MS // 2), arrives=iso(departs_ms + 3 * HOUR_MS), gate="D18",
        terminal="2", seat="12C", cabin="Economy", group="3", sequence="042",
    )  # fmt: skip
    made = Paper(
        kind=PaperKind.BOARDING_PASS, brand="zz", travellers=(f"{name} {MARK}",), reference=f"ZX7K2P{MARK}", legs=(leg,),
        symbols=(Symbol(SymbolKind.AZTEC, f"M1{MARK}".encode()),), as_of_ms=departs_ms - 6 * HOUR_MS,
        ends_ms=departs_ms + 7 * HOUR_MS,
    )  # fmt: skip
    return replace(made, **more)


@dataclass
class Holder:
    """One contact and the store of pages. `keep` keeps an issue, `say` hands in an answer by the device of that secret."""

    redis: Redis
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.ring = KeyRing(KeyRing.generate())
        self.vault = Vault(self.ring, self.redis)
        self.contacts = Contacts(self.redis, self.clock, self.vault)
        self.passes = Passes(self.redis, self.clock, self.vault)
        self.flight = SubjectId(random_id("j", 3))

    async def somebody(self, number: str = "+447700900123") -> Contact:
        known = Identifier("phone", "", Personal(number))
        contact, address = await self.contacts.reserve("whatsapp", known)
        traveller = Traveller("x" * 32, Personal("Mila"), Personal("van der Berg"), (address,))
        return await self.contacts.change(
            contact, lambda _: Profile(addresses=(Address(address, "whatsapp", (known,)),), travellers=(traveller,))
        )

    async def keep(
        self, contact: ContactId, item: str = "p1", event: str = "e1", at: int = 1, paper: Paper | None = None, **more: Any
    ) -> str:
        """at: when it was issued, in hours from long ago"""
        issued = paper or boarding_pass(self.clock.now_ms() + 5 * HOUR_MS)
        said: dict[str, Any] = {"name_proofs": ("van der Berg",), "digits": "0123", "language": "nl", **more}
        return await self.passes.keep(
            contact, said.pop("subject", self.flight), item, issued.dump(), event=EventId(event),
            occurred_at_ms=1_790_000_000_000 + at * HOUR_MS, ends_ms=said.pop("ends_ms", issued.ends_ms), **said,
        )  # fmt: skip

    async def page(self, token: str) -> PassPage:
        found = await self.passes.find(token)
        assert found is not None
        return found

    async def say(self, token: str, secret: str, answer: str, *, right: bool, beside: tuple[PassPage, ...] = ()) -> Answer:
        return (await self.passes.prove(await self.page(token), secret, answer, right=right, beside=beside))[0]

    async def all_at_once(self, token: str, answers: list[str]) -> list[Answer]:
        """Wrong ones, by as many devices, in one go."""
        page = await self.page(token)
        said = [self.passes.prove(page, f"device {place}", one, right=False) for place, one in enumerate(answers)]
        return [word for word, _ in await asyncio.gather(*said)]

    async def news(self, subject: SubjectId, name: str = "flight.status", **memory: Any) -> None:
        """What a flight or train is doing, as its events would have left it."""
        key = keys.of(subject, "j")
        await self.redis.hset(key, mapping={f"t:{name}": "1|0|0", f"s:{name}": self.vault.seal_about(subject, memory)})  # type: ignore[misc]
        await self.redis.pexpire(key, 30 * keys.DAY_MS)


@dataclass
class Site:
    """The public listener with these pages, and browsers that keep their cookies."""

    holder: Holder
    url: str
    session: aiohttp.ClientSession

    def browser(self, **headers: str) -> Browser:
        return Browser(self.url, aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.CookieJar(unsafe=True)))


@dataclass
class Shown:
    status: int
    text: str
    headers: Any
    url: str

    @property
    def key(self) -> str:
        return self.text.partition('name="key" value="')[2].partition('"')[0]


@dataclass
class Browser:
    base: str
    session: aiohttp.ClientSession

    async def get(self, path: str, method: str = "GET", **more: Any) -> Shown:
        async with self.session.request(method, self.base + path, **more) as answer:
            return Shown(answer.status, await answer.text(), answer.headers, str(answer.url))

    async def say(self, token: str, said: str, *, key: str | None = None, **more: Any) -> Shown:
        """Open the page and send its form."""
        known = key if key is not None else (await self.get(f"/d/{token}")).key
        return await self.get(f"/d/{token}", "POST", data={"said": said, "key": known}, **more)


@asynccontextmanager
async def site(
    redis: Redis, environment: dict[str, str] | None = None, *, plain: bool = True, **limits: Limit
) -> AsyncIterator[Site]:
    """environment: keys for wallets; plain: without TLS before it"""
    holder = Holder(redis)
    catalogue = load(ROOT / "templates")
    app = make_app(largest=4_000_000)
    deps = pass_page.Deps(
        passes=holder.passes,
        subjects=Subjects(redis, holder.clock, holder.vault),
        wallets=Wallets.open(read(environment or {}, None), catalogue, holder.vault.blind, holder.clock.now_ms),
        catalogue=catalogue,
        vault=holder.vault,
        clock=holder.clock,
        trusted_proxies=(),
        default_brand="zz",
        plain=plain,
    )
    pass_page.PassPages(deps, **limits).add_routes(app)
    port = free_port()
    runner = await listen(app, "127.0.0.1", port, "GATEWAY_PUBLIC_PORT")
    try:
        async with aiohttp.ClientSession() as session:
            yield Site(holder, f"http://127.0.0.1:{port}", session)
    finally:
        await runner.cleanup()
