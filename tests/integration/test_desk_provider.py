"""Signing in by somebody else's provider: the way there and back against a real one in a process of its own; groups that come and
go; and a false one that tries everything."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.personal import Secret
from gateway.oidc import LEEWAY_S, OidcClient
from gateway.store.pending import Pending
from gateway.store.sessions import IDLE_MS
from gateway.store.tries import Tries
from gateway.store.vault import Vault
from gateway.webcare import lookout
from gateway.webcare.provider import BACK, Provider
from tests.support.door import Browser, Door, open_door
from tests.support.server import free_port
from tests.support.waiting import wait_until_sync

GROUPS = {"webcare": ("agent@zz",), "leads": ("supervisor@zz",)}
SECRET = Secret("between the two of us")
MINUTE = 60_000


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    """The address of a provider that others wrote, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_sync(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def door_with(redis: Redis, issuer: str) -> AsyncIterator[Door]:
    port = free_port()

    def provider(clock: Clock, vault: Vault) -> Provider:
        client = OidcClient(issuer, "desk", SECRET, clock, scopes="openid profile email")
        console = f"http://127.0.0.1:{port}"
        return Provider(client, GROUPS, "groups", console, Pending(redis, vault, "agent"), Tries(redis, vault))

    async with open_door(redis, port=port, provider=provider) as door:
        yield door


@pytest.fixture
async def door(redis: Redis, mock: str) -> AsyncIterator[Door]:
    async with door_with(redis, mock) as opened:
        yield opened


async def put_user(mock: str, subject: str, **claims: Any) -> None:
    async with aiohttp.ClientSession() as session, session.put(f"{mock}/users/{subject}", json=claims) as response:
        assert response.status == 204


async def say_yes(url: str, subject: str) -> str:
    """What a person does at their provider; where it sends the browser after that."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data={"sub": subject}, allow_redirects=False) as response,
    ):
        assert response.status == 302
        return response.headers["Location"]


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def go_there(browser: Browser, path: str = "/login/provider?next=/desk") -> str:
    status, _, onward = await browser.get(path)
    assert status == 303
    return onward


async def through(browser: Browser, subject: str, path: str = "/login/provider?next=/desk") -> tuple[int, str, str]:
    return await browser.get(path_of(await say_yes(await go_there(browser, path), subject)))


async def test_the_first_sign_in_makes_an_agent_with_the_rights_of_their_groups(door: Door, mock: str) -> None:
    await put_user(mock, "s1", name="Sanne de Wit", preferred_username="sanne@example.org", groups=["webcare", "cooks"])
    browser = door.browser()
    status, text, _ = await browser.get("/login")
    assert "/login/provider?next=/desk" in text
    status, text, _ = await through(browser, "s1")
    assert status == 200
    # A page of ours comes between, for our strict cookies do not travel on the way back from another site.
    assert 'http-equiv="refresh" content="0; url=/desk"' in text
    assert (await browser.get("/desk"))[0] == 200
    (agent,) = await door.deps.agents.all()
    assert (agent.display.reveal(), agent.name.reveal()) == ("Sanne de Wit", "sanne@example.org")
    assert (agent.rights, agent.provider) == (("agent@zz",), mock)
    kinds = [one["kind"] for one in await door.audit("agent_added", "signed_in")]
    assert kinds == ["agent_added", "signed_in"]
    # No password opens them, however it is guessed.
    assert await door.deps.agents.verified("sanne@example.org", Secret("")) is None
    await put_user(mock, "s1", name="Sanne de Wit", groups=["webcare", "leads"])
    await through(door.browser(), "s1")
    (agent,) = await door.deps.agents.all()
    assert agent.rights == ("agent@zz", "supervisor@zz")
    (changed,) = await door.audit("agent_rights")
    assert (changed["old"], changed["new"]) == ("agent@zz", "agent@zz,supervisor@zz")
    # Tokens, secrets and names stand nowhere in the open.
    for name in await door.redis.keys():
        dump = await door.redis.dump(name)
        assert b"Sanne" not in dump
        assert b"refresh" not in dump


async def test_whoever_is_in_none_of_the_groups_is_told_so_and_is_not_made(door: Door, mock: str) -> None:
    await put_user(mock, "c1", name="Cook", groups=["cooks"])
    status, text, _ = await through(door.browser(), "c1")
    assert status == 403
    assert "none of the groups" in text
    assert await door.deps.agents.all() == []
    assert [one["why"] for one in await door.audit("sign_in_failed")] == ["no_group"]


async def test_a_group_that_is_taken_away_ends_the_session_within_five_minutes(door: Door, mock: str) -> None:
    await put_user(mock, "s2", name="Sanne", groups=["webcare"])
    browser = door.browser()
    await through(browser, "s2")
    await browser.read_token()
    for _ in range(3):
        door.clock.offset_ms += 2 * MINUTE
        await lookout.look(door.deps)
    assert (await browser.post("/desk/seen"))[0] == 200
    await put_user(mock, "s2", name="Sanne", groups=["cooks"])
    door.clock.offset_ms += 2 * MINUTE
    await lookout.look(door.deps)
    assert (await browser.post("/desk/seen"))[0] == 401
    (agent,) = await door.deps.agents.all()
    assert agent.rights == ()
    assert [one["why"] for one in await door.audit("session_ended")] == ["no_group"]
    assert (await through(browser, "s2"))[0] == 403


@pytest.mark.long
async def test_a_provider_that_says_no_ends_the_session_and_changes_no_rights(door: Door, mock: str) -> None:
    await put_user(mock, "s3", name="Sanne", groups=["webcare"])
    browser = door.browser()
    await through(browser, "s3")
    await browser.read_token()
    async with aiohttp.ClientSession() as session, session.post(f"{mock}/users/s3/revoke-tokens") as response:
        assert response.status == 204
    door.clock.offset_ms += 2 * MINUTE
    await lookout.look(door.deps)
    assert (await browser.post("/desk/seen"))[0] == 401
    (agent,) = await door.deps.agents.all()
    assert agent.rights == ("agent@zz",)


async def test_an_answer_comes_once_to_the_browser_that_asked(door: Door, mock: str) -> None:
    await put_user(mock, "s4", name="Sanne", groups=["webcare"])
    browser, other = door.browser(), door.browser()
    back = path_of(await say_yes(await go_there(browser), "s4"))
    # Somebody else is made to follow it: it is refused, and spent.
    assert (await other.get(back))[0] == 403
    assert (await browser.get(back))[0] == 403
    back = path_of(await say_yes(await go_there(browser), "s4"))
    assert (await browser.get(back))[0] == 200
    assert (await browser.get(back))[0] == 403
    # The same code under a fresh state: the provider knows that it was used.
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(await go_there(browser)).query)["state"][0]
    assert (await browser.get(f"{BACK}?{urlencode({'code': code, 'state': state})}"))[0] == 403
    assert (await browser.get(f"{BACK}?code=x&state=y"))[0] == 403
    assert (await browser.get(BACK))[0] == 403


@pytest.mark.long
async def test_who_is_kept_out_here_stays_out_whatever_their_provider_says(door: Door, mock: str) -> None:
    await put_user(mock, "s5", name="Sanne", groups=["webcare"])
    await through(door.browser(), "s5")
    (agent,) = await door.deps.agents.all()
    await door.deps.agents.set_disabled(agent.id, True)
    status, text, _ = await through(door.browser(), "s5")
    assert status == 403
    assert "kept out" in text


async def test_a_locked_desk_is_opened_by_its_own_person_at_the_provider(door: Door, mock: str) -> None:
    began_s = door.clock.now_ms() // 1000
    later_s = began_s + IDLE_MS // 1000
    await put_user(mock, "s6", name="Sanne", groups=["webcare"])
    await put_user(mock, "t6", name="Tom", groups=["webcare"], auth_time=later_s)
    browser = door.browser()
    await through(browser, "s6")
    await browser.read_token()
    page = (await browser.get("/desk"))[1]
    assert ('href="/login/provider?unlock=1" target="_blank"' in page, "unlock-password" in page) == (True, False)
    door.clock.offset_ms += IDLE_MS
    assert (await browser.get("/desk/alive"))[0] == 423
    status, answer = await browser.post("/desk/unlock", {"password": "x"})
    assert (status, answer["locked"]) == (200, True)
    there = await go_there(browser, answer["next"])
    query = parse_qs(urlsplit(there).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    assert (await browser.get(path_of(await say_yes(there, "t6"))))[0] == 403
    assert (await browser.get("/desk/alive"))[0] == 423
    # A provider that let them through by an old session, or does not say, has not shown that it is they who sit there.
    for said in ({}, {"auth_time": began_s}, {"auth_time": str(later_s)}):
        await put_user(mock, "s6", name="Sanne", groups=["webcare"], **said)
        status, text, _ = await through(browser, "s6", answer["next"])
        assert (status, "did not ask anew" in text) == (403, True), said
        assert (await browser.get("/desk/alive"))[0] == 423
    assert {one["why"] for one in await door.audit("sign_in_failed")} == {"somebody_else", "not_fresh"}
    await put_user(mock, "s6", name="Sanne", groups=["webcare"], auth_time=later_s)
    assert (await through(browser, "s6", answer["next"]))[0] == 200
    assert (await browser.post("/desk/seen"))[0] == 200


@pytest.mark.long
async def test_signing_out_leads_to_the_providers_own_page(door: Door, mock: str) -> None:
    await put_user(mock, "s7", name="Sanne", groups=["webcare"])
    browser = door.browser()
    await through(browser, "s7")
    await browser.read_token()
    status, answer = await browser.post("/logout")
    assert status == 200
    assert answer["next"].startswith(f"{mock}/oauth2/end_session?client_id=desk&post_logout_redirect_uri=http")
    assert (await browser.get("/desk/alive"))[0] == 401


# a provider that is false, broken, or away


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Puppet:
    """A provider under the test's thumb. token: makes the ID token of the next answer."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}))
    claims: dict[str, Any] = field(default_factory=dict)
    token: Callable[[dict[str, Any]], str] | None = None
    userinfo: dict[str, Any] = field(default_factory=lambda: {"sub": "s", "groups": ["webcare"]})
    status: int = 200
    """of the token endpoint"""
    error: str = "server_error"
    forms: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    issuer: str = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.describe)
        app.router.add_get("/keys", self.keys)
        app.router.add_post("/token", self.answer)
        app.router.add_get("/userinfo", self.tell)
        return app

    async def describe(self, request: web.Request) -> web.Response:
        ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token", "userinfo")}
        return web.json_response({"issuer": self.issuer or self.url, "jwks_uri": f"{self.url}/keys", **ends})

    async def keys(self, request: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def tell(self, request: web.Request) -> web.Response:
        return web.json_response(self.userinfo)

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if self.status != 200:
            return web.json_response({"error": self.error}, status=self.status)
        made = (self.token or self.sign)(self.claims)
        return web.json_response({"access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "id_token": made})

    def sign(self, claims: dict[str, Any], *, key: Any = None, algorithm: str = "RS256", kid: str = "k1") -> str:
        return jwt.encode({"alg": algorithm, "kid": kid}, claims, key or self.key, algorithms=[algorithm])


@dataclass
class Trial:
    door: Door
    provider: Puppet

    async def back(self, browser: Browser | None = None, **changes: Any) -> int:
        """One sign-in whose ID token says what is right but for the changes; the status that the way back answers."""
        browser = browser or self.door.browser()
        query = parse_qs(urlsplit(await go_there(browser)).query)
        now_s = self.door.clock.now_ms() // 1000
        right = {"iss": self.provider.url, "aud": "desk", "sub": "s", "exp": now_s + 300, "iat": now_s}
        right["nonce"] = query["nonce"][0]
        self.provider.claims = {name: value for name, value in {**right, **changes}.items() if value is not None}
        return (await browser.get(f"{BACK}?{urlencode({'code': 'c', 'state': query['state'][0]})}"))[0]


@pytest.fixture
async def trial(redis: Redis) -> AsyncIterator[Trial]:
    provider = Puppet()
    async with TestServer(provider.app()) as server:
        provider.url = f"http://127.0.0.1:{server.port}"
        async with door_with(redis, provider.url) as door:
            yield Trial(door, provider)


async def test_a_token_is_believed_only_when_it_is_for_us_now_and_about_this_sign_in(trial: Trial) -> None:
    assert await trial.back() == 200
    form = trial.provider.forms[-1]
    assert len(form["code_verifier"]) >= 43
    assert "client_secret" not in form
    now_s = trial.door.clock.now_ms() // 1000
    wrong: list[dict[str, Any]] = [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": ["desk", "another"]}, {"aud": None},
        {"aud": ["desk", "another"], "azp": "another"}, {"azp": "another"}, {"iss": "https://elsewhere.example"}, {"iss": None},
        {"exp": now_s - LEEWAY_S - 2}, {"exp": None}, {"exp": "soon"}, {"iat": now_s + LEEWAY_S + 60}, {"iat": None},
        {"sub": None}, {"sub": ""}, {"sub": "somebody"},
    ]  # fmt: skip
    for one in wrong:
        assert await trial.back(**one) == 403, one
    for one in ({"aud": ["desk", "another"], "azp": "desk"}, {"exp": now_s - LEEWAY_S + 20}, {"iat": now_s + LEEWAY_S - 20}):
        assert await trial.back(**one) == 200, one
    assert len(await trial.door.audit("sign_in_failed")) == len(wrong)
    assert len(await trial.door.deps.agents.all()) == 1


async def test_a_token_is_believed_only_when_a_key_of_the_provider_signed_it(trial: Trial) -> None:
    provider = trial.provider
    other = RSAKey.generate_key(2048, {"kid": "k1"})
    public = provider.key.as_pem(private=False)

    def by_hand(claims: dict[str, Any], algorithm: str, secret: bytes) -> str:
        """By hand, as the library refuses to help with it."""
        text = ".".join(_text(json.dumps(one).encode()) for one in ({"alg": algorithm, "kid": "k1"}, claims))
        return f"{text}.{_text(hmac.digest(secret, text.encode(), 'sha256')) if secret else ''}"

    def changed(claims: dict[str, Any]) -> str:
        head, _, tail = provider.sign(claims).split(".")
        return f"{head}.{_text(json.dumps({**claims, 'admin': 1}).encode())}.{tail}"

    forged: list[Callable[[dict[str, Any]], str]] = [
        lambda claims: by_hand(claims, "none", b""), changed,
        lambda claims: provider.sign(claims, key=other),
        lambda claims: by_hand(claims, "HS256", public), lambda claims: by_hand(claims, "HS256", SECRET.reveal().encode()),
        lambda claims: "", lambda claims: "a.b.c", lambda claims: "x" * 5000,
    ]  # fmt: skip
    for one in forged:
        provider.token = one
        assert await trial.back() == 403
    provider.token = None
    assert await trial.back() == 200


@pytest.mark.long
async def test_a_new_key_of_the_provider_is_learned_and_an_old_one_no_longer_believed(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await trial.back() == 200
    monkeypatch.setattr("gateway.oidc.AGAIN_S", 0.0)
    old = trial.provider.key
    trial.provider.key = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
    trial.provider.token = lambda claims: trial.provider.sign(claims, kid="k2")
    assert await trial.back() == 200
    trial.provider.token = lambda claims: trial.provider.sign(claims, key=old)
    assert await trial.back() == 403


@pytest.mark.long
async def test_another_issuer_in_the_answer_is_refused_and_so_is_a_provider_that_names_itself_otherwise(trial: Trial) -> None:
    browser = trial.door.browser()
    state = parse_qs(urlsplit(await go_there(browser)).query)["state"][0]
    assert (await browser.get(f"{BACK}?code=c&state={state}&iss=https%3A%2F%2Felsewhere.example"))[0] == 403
    state = parse_qs(urlsplit(await go_there(browser)).query)["state"][0]
    assert (await browser.get(f"{BACK}?error=access_denied&state={state}"))[0] == 403
    trial.provider.issuer = "https://elsewhere.example"
    assert trial.door.deps.provider
    trial.door.deps.provider.client._known.document_s = float("-inf")
    assert (await browser.get("/login/provider"))[0] == 503


@pytest.mark.long
async def test_a_provider_that_is_away_locks_after_an_hour_and_ends_nothing(trial: Trial) -> None:
    browser = trial.door.browser()
    assert await trial.back(browser) == 200
    await browser.read_token()
    trial.provider.status = 503
    for _ in range(29):
        trial.door.clock.offset_ms += 2 * MINUTE
        await browser.post("/desk/seen")
        await lookout.look(trial.door.deps)
    assert (await browser.post("/desk/seen"))[0] == 200
    for _ in range(2):
        trial.door.clock.offset_ms += 2 * MINUTE
        await lookout.look(trial.door.deps)
    assert (await browser.post("/desk/seen"))[0] == 423
    # Wrong about us is not wrong about them.
    trial.provider.status, trial.provider.error = 401, "invalid_client"
    trial.door.clock.offset_ms += 2 * MINUTE
    await lookout.look(trial.door.deps)
    assert (await browser.post("/desk/seen"))[0] == 423
    trial.provider.status = 200
    assert await trial.back() == 200
    trial.provider.status, trial.provider.error = 400, "invalid_grant"
    trial.door.clock.offset_ms += 2 * MINUTE
    await lookout.look(trial.door.deps)
    assert (await browser.post("/desk/seen"))[0] == 401


@pytest.mark.long
async def test_several_processes_ask_the_provider_once(trial: Trial) -> None:
    browser = trial.door.browser()
    assert await trial.back(browser) == 200
    trial.door.clock.offset_ms += 2 * MINUTE
    asked = len(trial.provider.forms)
    found = await trial.door.deps.agents.sessions.all()
    assert [await trial.door.deps.agents.sessions.ask_now(found[0]) for _ in range(3)] == [True, False, False]
    await lookout.look(trial.door.deps)
    assert len(trial.provider.forms) == asked


async def test_where_a_look_is_too_short_for_all_whoever_was_not_asked_for_longest_comes_first(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "ASKS_A_LOOK", 1)  # a slow provider and many people: a look ends before all were asked
    for _ in range(2):
        assert await trial.back() == 200
    sessions = trial.door.deps.agents.sessions
    before = {one.id: int(one.asked) for one in await sessions.all()}
    for _ in range(2):
        trial.door.clock.offset_ms += 2 * MINUTE
        await lookout.look(trial.door.deps)
    assert [one.id for one in await sessions.all() if int(one.asked) - before[one.id] < MINUTE] == []


@pytest.mark.long
async def test_an_answer_that_is_about_nobody_sends_nobody_home(trial: Trial) -> None:
    browser = trial.door.browser()
    assert await trial.back(browser) == 200
    await browser.read_token()
    assert trial.door.deps.provider
    known, right = trial.door.deps.provider.client._known, trial.provider.userinfo
    trial.provider.userinfo = {}  # a page that says "back soon", with status 200
    trial.door.clock.offset_ms += 2 * MINUTE
    await lookout.look(trial.door.deps)
    assert (await browser.post("/desk/seen"))[0] == 200
    trial.provider.userinfo, trial.provider.issuer, known.document_s = right, "https://elsewhere.example", float("-inf")
    trial.door.clock.offset_ms += 2 * MINUTE
    await lookout.look(trial.door.deps)
    assert (await browser.post("/desk/seen"))[0] == 200


@pytest.mark.long
async def test_one_session_that_cannot_be_asked_about_keeps_no_other_one_in(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "ASKS_AT_ONCE", 1)
    first, second = trial.door.browser(), trial.door.browser()
    sessions = trial.door.deps.agents.sessions
    assert await trial.back(first) == 200
    poisoned = (await sessions.all())[0]
    assert await trial.back(second) == 200
    await second.read_token()
    await sessions._set(poisoned.id, ("tokens", "*", base64.b64encode(bytes(60)).decode()))
    real = sessions.ask_now

    async def ask_now(session: Any) -> bool:
        if session.id == poisoned.id:
            raise RuntimeError("something odd")
        return await real(session)

    await trial.door.deps.agents.set_rights(poisoned.agent, ("agent@zz",))
    trial.provider.userinfo = {"sub": "s", "groups": []}
    for odd in (False, True):
        if odd:
            monkeypatch.setattr(sessions, "ask_now", ask_now)
        trial.door.clock.offset_ms += 2 * MINUTE
        await lookout.look(trial.door.deps)
        assert (await second.post("/desk/seen"))[0] == 401
        if not odd:
            trial.provider.userinfo = {"sub": "s", "groups": ["webcare"]}
            second = trial.door.browser()
            assert await trial.back(second) == 200
            await second.read_token()
            trial.provider.userinfo = {"sub": "s", "groups": []}
