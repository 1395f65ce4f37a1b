"""What an operator has beside us, in small: its customers' accounts, and the mail that it sends them.

Two ways by which a customer shows at the desk who they are meet here. As an OpenID Connect provider it lets whoever looks choose
whose account they sign in to; a real one would ask for a password. As the hook for codes it takes the signed POST and puts the
code into a mailbox that anybody may read: `/mail`. It shares no line with the gateway, so that a mistake about either protocol
shows. Codes of sign-ins are good once and for a minute; nothing is kept when it stops.

Its tokens are good at any hour: a demo's clock is turned.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from demo import people

CLIENT = "thuisfront"
"""What the accounts know the gateway as."""
CODE_S = 60.0
MAILS = 50
FOREVER_S = 4_102_444_800
"""The year 2100."""
STYLE = (
    ":root{color-scheme:light dark}body{font:1.0625rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}"
    "button{display:block;width:100%;margin:.5rem 0;padding:.875rem;font:inherit;border:1px solid;border-radius:.75rem}"
    "li{margin:.75rem 0}b{font-variant-numeric:tabular-nums;letter-spacing:.1em}"
)


@dataclass(frozen=True, slots=True)
class Account:
    """customer: the number that orders name; mailbox: where their mail goes, "" for whom none is known"""

    customer: str
    name: str
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    code: str
    language: str


@dataclass
class Accounts:
    """client: what the gateway is known as; back: the only address that browsers are sent back to; secret: of the signed hook"""

    people: Sequence[Account]
    client: str
    back: str
    secret: str
    issuer: str = ""
    signed_in_s: float | None = FOREVER_S
    """when it says that whoever chose an account signed in, None: it does not say; by a turned clock too, it is now"""
    mails: list[Mail] = field(default_factory=list)
    _key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "demo", "use": "sig", "alg": "ES256"}))
    _codes: dict[str, tuple[str, dict[str, str], float]] = field(default_factory=dict)
    """code -> whose, what was asked, when"""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.get_description)
        app.router.add_get("/keys", self.get_keys)
        app.router.add_get("/authorize", self.get_authorize)
        app.router.add_post("/authorize", self.post_authorize)
        app.router.add_post("/token", self.post_token)
        app.router.add_post("/codes", self.post_code)
        app.router.add_get("/mail", self.get_mail)
        return app

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[None]:
        """Served on this machine alone."""
        self.issuer = issuer_at(port)
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
            yield
        finally:
            await runner.cleanup()

    # accounts

    async def get_description(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }
        )

    async def get_keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [self._key.as_dict(private=False)]})

    async def get_authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        if asked.get("client_id") != self.client or asked.get("redirect_uri") != self.back:
            return _page("Not known", "<p>This is no sign-in that these accounts know of.</p>", 400)
        hidden = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(one)}">' for name, one in asked.items())
        buttons = "".join(f'<button name="who" value="{escape(one.customer)}">{escape(one.name)}</button>' for one in self.people)
        words = "<p>A real account would ask for a password. Whose account is it?</p>"
        return _page("Sign in to your account", f'{words}<form method="post" action="/authorize">{hidden}{buttons}</form>')

    async def post_authorize(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        known = any(one.customer == form.get("who") for one in self.people)
        if not known or form.get("client_id") != self.client or form.get("redirect_uri") != self.back:
            return _page("Not known", "<p>This is no sign-in that these accounts know of.</p>", 400)
        code = secrets.token_urlsafe(24)
        self._codes[code] = (form["who"], form, time.monotonic())
        answer = urlencode({"code": code, "state": form.get("state", ""), "iss": self.issuer})
        return web.Response(status=302, headers={"Location": f"{self.back}?{answer}"})

    async def post_token(self, request: web.Request) -> web.Response:
        """A code is good once, with the verifier that only whoever began has (RFC 7636)."""
        form = await request.post()
        who, asked, at = self._codes.pop(str(form.get("code", "")), ("", {}, 0.0))
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = asked.get("code_challenge") == challenge and form.get("redirect_uri") == self.back
        if not who or not fits or form.get("client_id") != self.client or time.monotonic() - at > CODE_S:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims: dict[str, object] = {
            "iss": self.issuer, "sub": who, "aud": self.client, "iat": 0, "exp": FOREVER_S, "nonce": asked.get("nonce", ""),
        }  # fmt: skip
        if self.signed_in_s is not None:
            claims["auth_time"] = self.signed_in_s
        token = jwt.encode({"alg": "ES256", "kid": "demo"}, claims, self._key)
        return web.json_response({"id_token": token, "access_token": secrets.token_urlsafe(16), "token_type": "Bearer"})

    # mail

    async def post_code(self, request: web.Request) -> web.Response:
        """The signed hook: 404 for a customer whose mail nobody knows."""
        raw = await request.read()
        if not self._signed(request, raw):
            return web.Response(status=401)
        data = json.loads(raw)["data"]
        account = next((one for one in self.people if one.customer == data["customer"]), None)
        if account is None or not account.mailbox:
            return web.Response(status=404)
        self.mails.insert(0, Mail(account.mailbox, data["code"], data["language"]))
        del self.mails[MAILS:]
        return web.Response(status=202)

    def _signed(self, request: web.Request, raw: bytes) -> bool:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        named = f"{request.headers.get('webhook-id')}.{request.headers.get('webhook-timestamp')}.".encode()
        wanted = "v1," + base64.b64encode(hmac.digest(key, named + raw, "sha256")).decode()
        given = request.headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(wanted, one) for one in given)

    async def get_mail(self, request: web.Request) -> web.Response:
        lines = "".join(f"<li>To {escape(one.to)}: your code is <b>{escape(one.code)}</b></li>" for one in self.mails)
        body = f"<ul>{lines}</ul>" if lines else "<p>No mail yet. Ask for a code on the page that the link in the chat opens.</p>"
        return _page("The customers' mail", body, refresh=True)


def webhook_secret() -> str:
    """What the hook is signed with."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def accounts_of(environment: Mapping[str, str]) -> Accounts:
    """Those of the story's customers. Of Finn no mail is known, as of somebody who never gave any."""
    known = [
        Account(one.customer, f"{one.given} {one.family}", "" if one is people.FINN else f"{one.name}@example.org")
        for one in people.EVERYBODY
        if one.customer
    ]
    return Accounts(known, CLIENT, f"{environment['GATEWAY_PUBLIC_URL']}/k/back", environment["GATEWAY_WEBHOOK_SECRET"])


def issuer_at(port: int | str) -> str:
    return f"http://127.0.0.1:{port}"


def _page(title: str, body: str, status: int = 200, *, refresh: bool = False) -> web.Response:
    again = '<meta http-equiv="refresh" content="3">' if refresh else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{again}'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
