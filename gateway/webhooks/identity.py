"""The page behind a link by which a customer shows who they are, on the public listener.

    GET, HEAD /k/T      what is asked and why, with a warning; a form for the code once one is out. It changes nothing
    POST /k/T/send      a code, by the operator's own mail or SMS, to an address that the chat does not know (identity_code.py)
    POST /k/T/code      the code
    GET  /k/T/login     to the customer's own account at their provider (OpenID Connect, code flow with PKCE)
    GET  /k/back        where the provider sends them back to

The token is all that a browser needs to show, and it opens nothing by itself: it says which conversation a code or a login is
for. A login belongs to the browser that began it, by a cookie, and its answer is taken once. The account has to be that of a
customer whom this address is of, and they have to have signed in for this: what a browser still carries from before, of whoever
used it last, proves nothing, so the provider has to say when it was (auth_time). What is right, how often, and until when, is
decided by one script (store/identity.py).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from gateway.api.inviting import CUSTOMERS
from gateway.clock import Clock
from gateway.errors import NotFound, ProviderRefused, ProviderUnreachable, Sealed, StoreError
from gateway.http import caller
from gateway.model.contact import Contact
from gateway.model.conversation import Conversation
from gateway.model.identity import PATH
from gateway.model.personal import Secret
from gateway.notifications.catalogue import Catalogue
from gateway.oidc import Begun, OidcClient
from gateway.rules.identity import ASK_MS, customers_of, told_by_code
from gateway.rules.masking import codes_in
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.identity import Proved
from gateway.store.pending import KEEP_MS, Pending
from gateway.webhooks import identity_page
from gateway.webhooks.identity_code import CodeHook, Outcome
from gateway.webhooks.invite import HEADERS, Limit
from gateway.webhooks.invite_page import LANGUAGES, language_of

TOKEN = r"{token:\d\d[0-9a-z]{32}}"  # noqa: S105 - a pattern
BACK = PATH + "back"
COOKIE = "who"
TYPED_MAX = 40
_POLICY = HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
_HEADERS = {**HEADERS, "Content-Security-Policy": _POLICY}


@dataclass(frozen=True, slots=True)
class Login:
    """claim: the one that is the customer number; pending: what was begun and waits for them to come back"""

    client: OidcClient
    claim: str
    pending: Pending


@dataclass(frozen=True, slots=True)
class Deps:
    """codes, login: the ways that are set up; public_url: how browsers reach this listener"""

    conversations: Conversations
    contacts: Contacts
    catalogue: Catalogue
    clock: Clock
    public_url: str
    codes: CodeHook | None
    login: Login | None
    trusted_proxies: Sequence[str] = ()
    default_brand: str = ""


@dataclass(frozen=True, slots=True)
class _Page:
    """One request for one link. state: new, sent, done or gone (store/identity.py)"""

    token: str
    one: Conversation
    contact: Contact
    state: str
    language: str

    @property
    def here(self) -> str:
        return PATH + self.token


class IdentityPages:
    def __init__(self, deps: Deps, limit: Limit | None = None) -> None:
        self._d = deps
        self._limit = limit or Limit()

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(BACK, self._guarded(self.get_back))
        app.router.add_get(PATH + TOKEN, self._guarded(self.get_page), allow_head=True)
        app.router.add_get(PATH + TOKEN + "/login", self._guarded(self.get_login), allow_head=False)
        app.router.add_post(PATH + TOKEN + "/send", self._guarded(self.post_send))
        app.router.add_post(PATH + TOKEN + "/code", self._guarded(self.post_code))

    def _guarded(self, handler: Any) -> Any:
        """The top of a request: a limit by where it comes from, and no word about the inside."""

        async def run(request: web.Request) -> web.StreamResponse:
            if not self._limit.allows(caller(request, self._d.trusted_proxies), time.monotonic(), "identity"):
                return web.Response(status=429, text="Too many requests.", headers={**_HEADERS, "Retry-After": "60"})
            try:
                found: web.StreamResponse = await handler(request)
            except (StoreError, OSError, TimeoutError):
                return web.Response(status=503, text="Please try again.", headers={**_HEADERS, "Retry-After": "2"})
            return found

        return run

    # pages

    async def get_page(self, request: web.Request) -> web.StreamResponse:
        page = await self._page(request)
        return self._gone(request) if page is None else self._show(page)

    async def post_send(self, request: web.Request) -> web.StreamResponse:
        """Have a new code sent. Only the newest one counts."""
        page = await self._page(request)
        if page is None or page.state in ("done", "gone"):
            return self._gone(request) if page is None else self._show(page)
        customer = told_by_code(page.contact, page.one.address)
        if self._d.codes is None or customer is None:
            return self._show(page, "no_address")
        code = Secret(f"{secrets.randbelow(1_000_000):06}")
        found = await self._d.conversations.code_sent(page.one, page.token, code)
        if found.word != "sent":
            return self._answered(page, found)
        until_ms = self._d.clock.now_ms() + ASK_MS
        outcome = await self._d.codes.send(
            customer, code, language=page.language, brand=page.one.brand, until_ms=until_ms
        )
        if outcome is not Outcome.SENT:
            await self._d.conversations.code_unsent(page.one, page.token, code, outcome.value)
            return self._show(page, outcome.value)
        return self._go(f"{page.here}?lang={page.language}")

    async def post_code(self, request: web.Request) -> web.StreamResponse:
        page = await self._page(request)
        if page is None or page.state in ("done", "gone"):
            return self._gone(request) if page is None else self._show(page)
        found = codes_in(await _typed(request))
        if len(found) != 1:  # no code of ours: it costs no try
            return self._answered(page, Proved("no_code") if page.state == "new" else Proved("typo"))
        return self._answered(page, await self._d.conversations.prove_code(page.one, page.token, Secret(next(iter(found)))))

    # signing in

    async def get_login(self, request: web.Request) -> web.StreamResponse:
        page = await self._page(request)
        if page is None or page.state in ("done", "gone") or self._d.login is None:
            return self._gone(request) if page is None else self._show(page)
        try:
            # Whoever sits at the browser now, and not whoever used it last.
            begun = await self._d.login.client.begin(self._back, anew=True)
        except (ProviderUnreachable, ProviderRefused):
            return self._show(page, "away")
        browser = secrets.token_urlsafe(24)
        kept = {"nonce": begun.nonce, "verifier": begun.verifier, "token": page.token, "language": page.language}
        kept["asked_ms"] = str(self._d.clock.now_ms())
        await self._d.login.pending.keep(begun.state, {**kept, "browser": _hash(browser)})
        response = self._go(begun.url)
        # Lax, as it must come along when the provider sends the browser back.
        secure = self._d.public_url.startswith("https://")
        response.set_cookie(COOKIE, browser, max_age=KEEP_MS // 1000, httponly=True, samesite="Lax", secure=secure, path=BACK)
        return response

    async def get_back(self, request: web.Request) -> web.StreamResponse:
        """?code=&state=, or ?error=&state=."""
        login = self._d.login
        kept = await login.pending.take(request.query.get("state", "")) if login is not None else None
        if login is None or kept is None or not hmac.compare_digest(_hash(request.cookies.get(COOKIE, "")), kept["browser"]):
            return self._gone(request)
        page = await self._page(request, kept["token"], kept["language"])
        if page is None or page.state in ("done", "gone"):
            return self._gone(request) if page is None else self._show(page)
        code = request.query.get("code", "")
        if not code or request.query.get("iss", login.client.issuer) != login.client.issuer:  # RFC 9207
            return self._show(page, "away")
        begun = Begun("", request.query["state"], kept["nonce"], kept["verifier"])
        try:
            identity = await login.client.finish(code, begun, self._back)
        except (ProviderUnreachable, ProviderRefused) as error:
            structlog.get_logger().warning("identity.login_failed", conversation=page.one.id, error=type(error).__name__)
            return self._show(page, "away")
        # Begun by a version that did not keep when: as if it were now, which a sign-in of a minute ago still answers.
        if not identity.signed_in_since(int(kept.get("asked_ms") or self._d.clock.now_ms()) / 1000):
            structlog.get_logger().warning("identity.login_not_fresh", conversation=page.one.id)
            return self._show(page, "not_fresh")
        theirs = self._is_theirs(page, identity.claims)
        found = await self._d.conversations.prove_login(page.one, page.token, theirs=theirs)
        if found.word == "wrong":
            return self._show(page, "other")
        return self._answered(page, found)

    def _is_theirs(self, page: _Page, claims: Mapping[str, Any]) -> bool:
        """Whether the account is that of a customer whom this address is of."""
        assert self._d.login is not None
        named = claims.get(self._d.login.claim)
        if not isinstance(named, str | int) or isinstance(named, bool) or not str(named):
            return False
        account = self._d.contacts.customer_hash(CUSTOMERS, str(named))
        return any(one.customer == account for one in customers_of(page.contact, page.one.address))

    # inside

    @property
    def _back(self) -> str:
        return self._d.public_url.rstrip("/") + BACK

    async def _page(self, request: web.Request, token: str = "", language: str = "") -> _Page | None:
        """None: no such link, or nobody is there any more."""
        token = token or request.match_info["token"]
        one = await self._d.conversations.behind(token)
        if one is None:
            return None
        try:
            contact = await self._d.contacts.get(one.contact)
        except (NotFound, Sealed):
            return None
        asked = language or request.query.get("lang", "")
        spoken = asked if asked in LANGUAGES else language_of(one.language or contact.facts.language or _accepted(request))
        return _Page(token, one, contact, await self._d.conversations.link_state(one, token), spoken)

    def _answered(self, page: _Page, found: Proved) -> web.Response:
        """What came of it: a finished page by a way that a reload does not repeat."""
        if found.word in ("verified", "done"):
            return self._go(f"{page.here}?lang={page.language}")
        if found.word == "gone":
            return self._show(page, state="gone")
        return self._show(page, found.word, left=found.left, minutes=max(1, -(-found.wait_ms // 60_000)))

    def _show(self, page: _Page, said: str = "", *, state: str = "", **places: int) -> web.Response:
        brand, support = self._brand(page.one.brand)
        state = state or page.state
        if state in ("done", "gone"):
            text = identity_page.closing(page.language, brand, support, page.here, state)
            return self._html(text, 200 if state == "done" else 410)
        customer = told_by_code(page.contact, page.one.address)
        code = self._d.codes is not None and customer is not None
        sent = state == "sent" and said not in ("no_code", "no_address", "unreachable")
        text = identity_page.asking(
            page.language, brand, support, page.here, login=self._d.login is not None, code=code, sent=sent, said=said, **places
        )  # fmt: skip
        return self._html(text, 429 if said == "paused" else 200)

    def _gone(self, request: web.Request) -> web.Response:
        brand, support = self._brand(self._d.default_brand)
        return self._html(identity_page.closing(language_of(_accepted(request)), brand, support, "", "gone"), 404)

    def _brand(self, name: str) -> tuple[str, str]:
        brand = self._d.catalogue.brands.get(name)
        return (brand.name, brand.support_url) if brand is not None else ("", "")

    def _html(self, text: str, status: int) -> web.Response:
        return web.Response(status=status, text=text, content_type="text/html", headers=_HEADERS)

    def _go(self, where: str) -> web.Response:
        return web.Response(status=303, headers={**_HEADERS, "Location": where})


async def _typed(request: web.Request) -> str:
    """What stands in the form's only field; nothing where it is no form."""
    try:
        return str((await request.post()).get("code", ""))[:TYPED_MAX]
    except ValueError:  # aiohttp's word for a body that is none of what its type says
        return ""


def _accepted(request: web.Request) -> str:
    return request.headers.get("Accept-Language", "")


def _hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
