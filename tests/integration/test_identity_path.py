"""The page behind a link, over HTTP: the code by the operator's mail, the account at their provider, a stub of both beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from demo.accounts import Account, Accounts
from gateway.clock import Clock
from gateway.insight.hooks import Signer
from gateway.model.contact import Traveller
from gateway.model.personal import Personal, Secret
from gateway.oidc import OidcClient
from gateway.rules.identity import ASK_MS, Level
from gateway.store.pending import Pending
from gateway.store.vault import KeyRing, Vault
from gateway.webhooks.identity import BACK, Deps, IdentityPages, Login
from gateway.webhooks.identity_code import CodeHook
from gateway.webhooks.invite import Limit
from tests.integration.identity_stage import Chat, chat_of, kinds
from tests.support.server import free_port

SECRET = "whsec_" + base64.b64encode(b"between-the-gateway-and-mail").decode()
PEOPLE = (Account("C-1", "Mila Berg", "mila@example.org"), Account("C-2", "Tom Vale"))


@dataclass
class Stage:
    chat: Chat
    accounts: Accounts
    url: str
    http: aiohttp.ClientSession
    jars: list[aiohttp.ClientSession] = field(default_factory=list)

    def browser(self) -> aiohttp.ClientSession:
        jar = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.jars.append(jar)
        return jar

    async def code(self) -> str:
        """What stands in the mailbox, as the customer reads it."""
        async with self.http.get(f"{self.accounts.issuer}/mail") as response:
            found = re.findall(r"<b>(\d{6})</b>", await response.text())
        return found[0] if found else ""

    async def signs_in(self, browser: aiohttp.ClientSession, token: str, who: str) -> tuple[int, str]:
        back = await self.at_provider(browser, token, who)
        async with browser.get(back) as response:
            return response.status, await response.text()

    async def at_provider(self, browser: aiohttp.ClientSession, token: str, who: str) -> str:
        """Where they are sent back to, once they have chosen an account."""
        async with browser.get(f"{self.url}/k/{token}/login", allow_redirects=False) as response:
            assert response.status == 303
            there = response.headers["Location"]
        async with browser.get(there) as response:
            page = await response.text()
        form = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', page))
        form["who"] = who
        async with browser.post(f"{self.accounts.issuer}/authorize", data=form, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return response.headers["Location"]


async def request(stage: Stage, method: str, path: str, **more: Any) -> tuple[int, str]:
    async with stage.http.request(method, stage.url + path, **more) as response:
        return response.status, await response.text()


@asynccontextmanager
async def staged(redis: Redis, number: str, customer: str = "C-1") -> AsyncIterator[Stage]:
    clock, vault = Clock(), Vault(KeyRing(KeyRing.generate()), redis)
    chat = await chat_of(redis, number, vault=vault, clock=clock)
    person = Traveller(chat.contacts.customer_hash("", customer), None, None, (chat.address,), Personal(customer))
    await chat.contacts.change(chat.contact, lambda profile: replace(profile, travellers=(person,)))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    accounts = Accounts(PEOPLE, "gateway", url + BACK, SECRET)
    provider = TestServer(accounts.app())
    await provider.start_server()
    accounts.issuer = str(provider.make_url("")).rstrip("/")
    async with aiohttp.ClientSession() as http:
        client = OidcClient(accounts.issuer, "gateway", None, clock)
        brands: Any = SimpleNamespace(brands={"zz": SimpleNamespace(name="Polderwind Air", support_url="https://zz.example")})
        pages = IdentityPages(
            Deps(
                chat.store, chat.contacts, brands, clock, url,
                CodeHook(http, Secret(f"{accounts.issuer}/codes"), Signer(Secret(SECRET)), clock),
                Login(client, "sub", Pending(redis, vault, "customer")),
            ),
            Limit(1000),
        )  # fmt: skip
        app = web.Application()
        pages.add_routes(app)
        server = TestServer(app, port=port)
        await server.start_server()
        stage = Stage(chat, accounts, url, http)
        yield stage
        for jar in stage.jars:
            await jar.close()
        await server.close()
    await provider.close()


@pytest.fixture
async def stage(redis: Redis) -> AsyncIterator[Stage]:
    async with staged(redis, "+447700900120") as opened:
        yield opened


def _arabic(text: str) -> str:
    """As a telephone with an Arabic keyboard writes it."""
    return text.translate({ord("0") + n: 0x0660 + n for n in range(10)})


async def test_a_code_goes_to_their_mail_and_is_typed_into_the_page(stage: Stage, redis: Redis) -> None:
    token = await stage.chat.asked()
    for _ in range(2):  # a chat that shows what is behind a link changes nothing
        status, text = await request(stage, "GET", f"/k/{token}", headers={"Accept-Language": "nl"})
        assert (status, 'lang="nl"' in text, "Polderwind Air" in text) == (200, True, True)
        assert "C-1" not in text
    assert stage.accounts.mails == []
    status, text = await request(stage, "POST", f"/k/{token}/send?lang=en")
    assert (status, 'name="code"' in text) == (200, True)
    code = await stage.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    _, text = await request(stage, "POST", f"/k/{token}/code?lang=fr", data={"code": wrong})
    assert "essayer encore 4 fois" in text
    _, text = await request(stage, "POST", f"/k/{token}/code?lang=en", data={"code": "my code"})
    assert ("A code has 6 digits" in text, "You can try" in text) == (True, False), "it costs no try, and is said"
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):  # no form of ours
        assert (await request(stage, "POST", f"/k/{token}/code", data=b"--x\r\n", headers={"Content-Type": kind}))[0] == 200
    _, text = await request(stage, "POST", f"/k/{token}/code?lang=de", data={"code": _arabic(f"{code[:3]} {code[3:]}")})
    assert "wir wissen, dass Sie es sind" in text
    assert await stage.chat.level() is Level.VERIFIED
    _, text = await request(stage, "POST", f"/k/{token}/send?lang=en")
    assert "we know that it is you" in text
    assert len(stage.accounts.mails) == 1, "a used link sends nothing"
    assert await kinds(redis) == ["identity_asked", "identity_verified"]
    stage.chat.clock.offset_ms += 2 * ASK_MS
    status, text = await request(stage, "GET", "/k/" + await stage.chat.asked("newer"))
    assert status == 200
    assert (await request(stage, "GET", f"/k/{token[:-1]}0"))[0] == 404
    assert (await request(stage, "GET", "/k/back?state=x&code=y"))[0] == 404


async def test_five_wrong_codes_on_the_page_are_a_pause_that_says_how_long(stage: Stage) -> None:
    token = await stage.chat.asked()
    await request(stage, "POST", f"/k/{token}/send")
    right = await stage.code()
    for n in range(5):
        wrong = f"{(int(right) + 1 + n) % 10**6:06}"
        status, text = await request(stage, "POST", f"/k/{token}/code?lang=en", data={"code": wrong})
    assert (status, "30 minutes" in text, 'name="code"' in text) == (429, True, False)
    assert (await request(stage, "POST", f"/k/{token}/code", data={"code": right}))[0] == 429
    assert await stage.chat.level() is Level.RECOGNISED


async def test_their_own_account_shows_it_and_somebody_elses_does_not(stage: Stage) -> None:
    token = await stage.chat.asked()
    _, text = await stage.signs_in(stage.browser(), token, "C-2")
    assert "account of somebody else" in text
    assert (await stage.chat.now()).identity.why == "other_person"
    _, text = await stage.signs_in(stage.browser(), token, "C-1")
    assert "we know that it is you" in text
    assert (await stage.chat.now()).identity.how == "login"


async def test_who_signed_in_before_the_link_was_sent_has_not_shown_who_sits_there_now(stage: Stage) -> None:
    token = await stage.chat.asked()
    for said in (None, stage.chat.clock.now_ms() / 1000 - 3600):
        stage.accounts.signed_in_s = said
        status, text = await stage.signs_in(stage.browser(), token, "C-1")
        assert (status, "did not ask anew" in text) == (200, True)
        assert await stage.chat.level() is Level.RECOGNISED
    stage.accounts.signed_in_s = stage.chat.clock.now_ms() / 1000
    _, text = await stage.signs_in(stage.browser(), token, "C-1")
    assert "we know that it is you" in text


async def test_a_login_belongs_to_its_browser_is_taken_once_and_bears_no_forgery(stage: Stage) -> None:
    token = await stage.chat.asked()
    mine, another = stage.browser(), stage.browser()
    back = await stage.at_provider(mine, token, "C-1")
    async with another.get(back) as response:
        assert response.status == 404, "sent on to another browser"
    async with mine.get(back) as response:
        assert response.status == 404, "and by that used up"
    back = await stage.at_provider(mine, token, "C-1")
    async with mine.get(back.replace("code=", "code=x")) as response:
        assert "Signing in does not work now" in await response.text()
    back = await stage.at_provider(mine, token, "C-1")
    issuer = parse_qs(urlsplit(back).query)["iss"][0].replace(":", "%3A").replace("/", "%2F")
    async with mine.get(back.replace(issuer, "https%3A%2F%2Fother.example")) as response:
        assert "Signing in does not work now" in await response.text()
    back = await stage.at_provider(mine, token, "C-1")
    await stage.chat.asked("newer")  # the agent asked anew while they were there
    async with mine.get(back) as response:
        assert response.status == 410
    assert await stage.chat.level() is Level.RECOGNISED


async def test_whom_no_second_address_is_known_of_is_told_so_and_the_desk_too(redis: Redis) -> None:
    async with staged(redis, "+447700900121", "C-2") as stage:
        token = await stage.chat.asked()
        _, text = await request(stage, "POST", f"/k/{token}/send?lang=en")
        assert "We know no other address of you" in text
        assert (await stage.chat.now()).identity.why == "no_address"
        stage.accounts.secret = "whsec_" + base64.b64encode(b"another-secret-of-somebody").decode()
        _, text = await request(stage, "POST", f"/k/{token}/send?lang=en")
        assert "could not be sent" in text, "a hook that does not believe us sends nothing"
        assert (await stage.chat.now()).identity.why == "unreachable"
        assert stage.accounts.mails == []


async def test_whoever_was_erased_has_no_page_any_more(stage: Stage) -> None:
    token = await stage.chat.asked()
    await stage.chat.store.erase(stage.chat.contact)
    assert (await request(stage, "GET", f"/k/{token}"))[0] == 404
    assert (await request(stage, "POST", f"/k/{token}/send"))[0] == 404
    assert stage.accounts.mails == []
