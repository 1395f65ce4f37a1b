"""Signing in by the provider: the way there, the way back, and opening a locked desk.

What was begun is kept under its state and taken once, so an answer that comes twice is refused the second time; and it belongs
to the browser that began it, by a cookie, so that nobody is signed in as somebody else by following a link. The way back comes
from another site, on which our strict cookies do not travel: it ends on a page of ours, which goes on from there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from aiohttp import web

from gateway.errors import ProviderRefused, ProviderUnreachable
from gateway.model.agent import Agent
from gateway.model.audit import Audited
from gateway.oidc import Begun, Identity
from gateway.store.pending import KEEP_MS
from gateway.store.sessions import PROVIDER
from gateway.store.tries import Throttled
from gateway.webcare import session
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pages import Pages
from gateway.webcare.provider import BACK, Provider, name_of
from gateway.webcare.session import SECURITY_HEADERS
from gateway.webcare.signing import Add, Signing, inside, language_of, wait

COOKIE = "desk-provider"
BEGUN_AT_ONCE = 120
"""Sign-ins that may be begun from one place in a quarter of an hour."""
AWAY = "Your organisation's sign-in does not answer. Please try again in a moment."
NOT_BELIEVED = "Your organisation's sign-in gave an answer that we cannot accept. Please try again."
NO_RIGHTS = "You are known, and in none of the groups that may use the desk. Ask whoever manages it."
NOT_FRESH = (
    "Your organisation's sign-in did not ask anew who you are, or does not say when it did. The desk stays locked and keeps your "
    "words; sign out and in again if this goes on."
)
KEPT_OUT = "You are kept out of the desk. Ask whoever manages it."
TOO_OLD = "This sign-in was begun too long ago, in another browser, or used before. Please try again."


class Providing:
    def __init__(self, deps: WebcareDeps, pages: Pages, signing: Signing, provider: Provider) -> None:
        self._deps = deps
        self._pages = pages
        self._signing = signing
        self._provider = provider

    def add_routes(self, add: Add) -> None:
        add("GET", "/login/provider", self.get_there)
        add("GET", BACK, self.get_back)

    async def get_there(self, request: web.Request) -> web.StreamResponse:
        """?next=/desk; ?unlock=1 opens the locked desk of this session, once they have shown anew that it is they."""
        kept = {"after": inside(request.query.get("next", "/desk"))}
        if request.query.get("unlock"):
            who = await session.asker(self._deps, request, alive=False)
            if who is None or who.session.how != PROVIDER:
                return self._signing.login_page(request)
            kept |= {"unlock": who.session.id, "agent": who.agent.id, "asked_ms": str(self._deps.clock.now_ms())}
        try:
            await self._provider.tries.count("begun", session.place_of(self._deps, request), BEGUN_AT_ONCE)
            begun = await self._provider.client.begin(self._provider.back, anew="unlock" in kept)
        except (ProviderUnreachable, ProviderRefused):
            return self._signing.login_page(request, AWAY, 503)
        except Throttled as error:
            return self._signing.login_page(request, wait(error), 429)
        browser = secrets.token_urlsafe(24)
        kept |= {"nonce": begun.nonce, "verifier": begun.verifier, "browser": _hash(browser)}
        await self._provider.pending.keep(begun.state, kept)
        response = web.Response(status=303, headers={**SECURITY_HEADERS, "Location": begun.url})
        # Lax, as it must come along when the provider sends the browser back.
        session.set_cookie(
            self._deps, request, response, COOKIE, browser, max_age_s=KEEP_MS // 1000, samesite="Lax"
        )
        return response

    async def get_back(self, request: web.Request) -> web.StreamResponse:
        """?code=&state=, or ?error=&state=."""
        kept = await self._provider.pending.take(request.query.get("state", ""))
        browser = request.cookies.get(COOKIE, "")
        if kept is None or not hmac.compare_digest(_hash(browser), kept["browser"]):
            return self._signing.login_page(request, TOO_OLD, 403)
        if request.query.get("iss", self._provider.client.issuer) != self._provider.client.issuer:  # RFC 9207
            return await self._refused(request, "other_issuer")
        code = request.query.get("code", "")
        if not code:
            return await self._refused(request, "no_code")
        begun = Begun("", request.query["state"], kept["nonce"], kept["verifier"])
        try:
            identity = await self._provider.client.finish(code, begun, self._provider.back)
        except ProviderUnreachable:
            return self._signing.login_page(request, AWAY, 503)
        except ProviderRefused:
            return await self._refused(request, "not_believed")
        return await self._let_in(request, identity, kept)

    async def _let_in(self, request: web.Request, identity: Identity, kept: dict[str, str]) -> web.StreamResponse:
        agents, place = self._deps.agents, session.place_of(self._deps, request)
        rights = self._provider.rights(identity.claims)
        agent, before = await self._known(identity, rights)
        if agent is None:
            return await self._refused(request, "no_group", NO_RIGHTS)
        if before is not None and before.rights != rights:
            await agents.audit(Audited.AGENT_RIGHTS, PROVIDER, target=agent.id, old=_list(before.rights), new=_list(rights))
        if not rights or agent.disabled:
            why, said = ("disabled", KEPT_OUT) if agent.disabled else ("no_group", NO_RIGHTS)
            return await self._refused(request, why, said, agent.id)
        if "unlock" in kept:
            # Begun by a version that did not keep when: as if it were now, which a sign-in of a minute ago still answers.
            asked_ms = int(kept.get("asked_ms") or self._deps.clock.now_ms())
            if not identity.signed_in_since(asked_ms / 1000):
                return await self._refused(request, "not_fresh", NOT_FRESH, agent.id)
            if agent.id != kept["agent"] or not await agents.sessions.unlocked(kept["unlock"], agent.id, place):
                return await self._refused(request, "somebody_else", agent=agent.id)
            await agents.sessions.confirm(kept["unlock"], identity.tokens)
            return self._page("unlocked.html", language_of(request, agent.locale))
        signed = await agents.sessions.open(agent, place, how=PROVIDER, second=True, tokens=identity.tokens)
        response = self._page("onward.html", language_of(request, agent.locale), after=kept["after"])
        self._signing.let_in(request, response, signed)
        return response

    async def _known(self, identity: Identity, rights: tuple[str, ...]) -> tuple[Agent | None, Agent | None]:
        """(the agent as they are now, as they were before); made at the first sign-in of somebody who may."""
        issuer = self._provider.client.issuer
        name, display = name_of(identity.claims)
        agents = self._deps.agents
        before = await agents.by_provider(issuer, identity.subject)
        if before is None:
            if not rights:
                return None, None
            agent = await agents.add_by_provider(issuer, identity.subject, name, display, rights)
            await agents.audit(Audited.AGENT_ADDED, PROVIDER, target=agent.id, new=_list(rights))
            return agent, None
        return await agents.renew(before.id, name, display, rights), before

    async def _refused(self, request: web.Request, why: str, said: str = NOT_BELIEVED, agent: str = "") -> web.Response:
        place = session.place_of(self._deps, request)
        await self._deps.agents.audit(Audited.SIGN_IN_FAILED, agent, place=place, how=PROVIDER, why=why)
        return self._signing.login_page(request, said, 403)

    def _page(self, template: str, locale: str, **context: str) -> web.Response:
        html = self._pages.draw(template, locale, **context)
        response = web.Response(text=html, content_type="text/html", headers=SECURITY_HEADERS)
        response.del_cookie(COOKIE, path="/")
        return response


def _hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


def _list(rights: tuple[str, ...]) -> str:
    return ",".join(rights) or "none"
