"""A client of an OpenID Connect provider: who somebody is, said by somebody else (OpenID Connect Core 1.0, Discovery 1.0).

Authorization code with PKCE (RFC 7636), state and nonce. What comes back is believed only when its signature is by a key that the
provider publishes, with an algorithm of two keys (no `none`, no shared secret), for this client, in time, and with our nonce.

A provider that says *no* (ProviderRefused) and one that says nothing (ProviderUnreachable) are two different things: the first is
about a person, the second about a line.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.clock import Clock
from gateway.errors import ProviderRefused, ProviderUnreachable
from gateway.model.personal import Secret

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
LEEWAY_S = 60
"""How far the provider's clock may be off."""
CALL_S = 5.0
LARGEST = 256 * 1024
KEEP_S = 3600.0
"""So long the provider's description and keys are believed; an unknown key has them read again."""
AGAIN_S = 10.0
"""No more often than this, whatever tokens come in."""
_A_NO = frozenset({"invalid_grant", "access_denied", "interaction_required", "login_required", "consent_required"})
"""What a token endpoint says about the person; all else is about us or about it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """url: where the browser goes; the rest is kept until it comes back, and never leaves us but for what stands in the url."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """claims: of the ID token and, for what it lacks, of the userinfo endpoint; tokens: what to ask with later

    signed_in_s: when they last showed the provider who they are, by the ID token alone (s since epoch); None where it is not said
    """

    subject: str
    claims: Mapping[str, Any]
    tokens: Mapping[str, str]
    signed_in_s: float | None = None

    def signed_in_since(self, at_s: float) -> bool:
        """Whether they showed anew who they are. A provider that does not say when has not said yes."""
        return self.signed_in_s is not None and self.signed_in_s >= at_s - LEEWAY_S


@dataclass(frozen=True, slots=True)
class Looked:
    """keys: that its tokens may be signed with; ahead_s: how far its clock is before ours, None where it sends no time

    says_when: whether its tokens say when somebody signed in (auth_time), None where it does not list what they say
    """

    keys: int
    ahead_s: float | None
    says_when: bool | None


@dataclass(slots=True)
class _Known:
    """What was read of the provider, and when (monotonic seconds)."""

    document: dict[str, Any] = field(default_factory=dict)
    document_s: float = float("-inf")
    keys: KeySet | None = None
    keys_s: float = float("-inf")


class OidcClient:
    def __init__(
        self, issuer: str, client_id: str, client_secret: Secret | None, clock: Clock, *, scopes: str = "openid"
    ) -> None:
        """issuer: its address exactly as its tokens write it; client_secret: None for a public client"""
        self.issuer = issuer
        self._client_id = client_id
        self._secret = client_secret
        self._clock = clock
        self._scopes = scopes
        self._known = _Known()
        self._reading = asyncio.Lock()
        self._ahead_s: float | None = None
        """how far its clock was before ours, by its last answer"""

    async def begin(self, back: str, *, anew: bool = False) -> Begun:
        """back: the address of ours that the provider sends the browser to. anew: asks for their password again

        With max_age a provider has to say when they signed in (Core 1.0, 2 and 3.1.2.1): what the browser carries, prompt=login
        included, may be taken out on the way, so only that time proves it.
        """
        verifier, state, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": back, "scope": self._scopes, "state": state,
            "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        if anew:
            query |= {"prompt": "login", "max_age": "0"}
        address = await self._endpoint("authorization_endpoint")
        return Begun(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", state, nonce, verifier)

    async def finish(self, code: str, begun: Begun, back: str) -> Identity:
        """Who came back. Raises ProviderRefused for what is not to be believed; ProviderUnreachable."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": begun.verifier}
        answer = await self._token(form, any_no=True)
        claims = await self._verified(str(answer.get("id_token", "")))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), begun.nonce.encode()):
            raise ProviderRefused("the ID token answers another sign-in than this one")
        subject = claims["sub"]
        at = claims.get("auth_time")
        signed_in_s = float(at) if isinstance(at, int | float) and _number(at) else None
        return Identity(subject, await self._with_userinfo(claims, subject, answer), _tokens(answer, subject, {}), signed_in_s)

    async def again(self, tokens: Mapping[str, str]) -> Identity:
        """Whether it is still so. tokens: of the last answer. Raises ProviderRefused: they are out; ProviderUnreachable."""
        subject = tokens.get("sub", "")
        answer: dict[str, Any] = {"access_token": tokens.get("access", "")}
        claims: dict[str, Any] = {}
        if tokens.get("refresh"):
            answer = await self._token({"grant_type": "refresh_token", "refresh_token": tokens["refresh"]}, any_no=False)
        if answer.get("id_token"):
            claims = await self._verified(str(answer["id_token"]))
            if claims["sub"] != subject:
                raise ProviderRefused("the provider speaks of somebody else now")
        found = await self._with_userinfo(claims, subject, answer)
        if not found:
            raise ProviderUnreachable("the provider has no way to say who somebody is later on")
        return Identity(subject, found, _tokens(answer, subject, tokens))

    async def goodbye(self, back: str) -> str:
        """Where the browser goes to sign out there too; "" where the provider has no such page, or does not answer."""
        try:
            address = (await self._description()).get("end_session_endpoint")
        except (ProviderRefused, ProviderUnreachable):
            return ""
        if not isinstance(address, str) or not self._ours(address):
            return ""
        query = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": back})
        return f"{address}{'&' if '?' in address else '?'}{query}"

    async def look(self) -> Looked:
        """Read its description and keys anew: for a doctor. Raises ProviderUnreachable, ProviderRefused."""
        keys = await self._keys(fresh=True)
        for name in ("authorization_endpoint", "token_endpoint"):
            await self._endpoint(name)
        claims = (await self._description()).get("claims_supported")
        return Looked(len(keys.keys), self._ahead_s, "auth_time" in claims if isinstance(claims, list) else None)

    # tokens

    async def _verified(self, token: str) -> dict[str, Any]:
        """The claims of an ID token. Raises ProviderRefused, saying what is wrong with it and nothing that it holds."""
        try:
            claims = await self._signed(token)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderRefused(f"the ID token is not to be believed ({type(error).__name__})") from None
        now_s = self._clock.now_ms() / 1000
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.issuer:
            raise ProviderRefused("the ID token is by another issuer")
        if self._client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != self._client_id):
            raise ProviderRefused("the ID token is for another client")
        if "azp" in claims and claims["azp"] != self._client_id:
            raise ProviderRefused("the ID token was asked for by another client")
        if not _number(claims.get("exp")) or claims["exp"] <= now_s - LEEWAY_S:
            raise ProviderRefused("the ID token is too old")
        if not _number(claims.get("iat")) or claims["iat"] > now_s + LEEWAY_S:
            raise ProviderRefused("the ID token is from the future")
        if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
            raise ProviderRefused("the ID token names nobody")
        return claims

    async def _signed(self, token: str) -> dict[str, Any]:
        """The claims, once the signature is right; keys are read again where the token's is not known: they may have rotated."""
        try:
            return jwt.decode(token, await self._keys(), algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            before = self._known.keys
            keys = await self._keys(fresh=True)
            if keys is before:
                raise
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims

    async def _with_userinfo(self, claims: dict[str, Any], subject: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What the ID token lacks is asked for: some providers tell groups there only, or only later on."""
        address, access = (await self._description()).get("userinfo_endpoint"), answer.get("access_token")
        if not isinstance(address, str) or not access:
            return claims
        status, more = await self._call("GET", address, headers={"Authorization": f"Bearer {access}"})
        if status in (401, 403):
            raise ProviderRefused("the provider does not answer for this person any more")
        if status != 200 or not isinstance(more.get("sub"), str):
            raise ProviderUnreachable(f"the userinfo endpoint answered {status}, and names nobody")
        if more.get("sub") != subject:
            raise ProviderRefused("the userinfo endpoint speaks of somebody else")
        return {**more, **claims}

    async def _token(self, form: dict[str, str], *, any_no: bool) -> dict[str, Any]:
        """any_no: every refusal is one of this sign-in, also where it is about us."""
        document = await self._description()
        headers = {}
        methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if self._secret is None or "client_secret_basic" not in methods:
            form = {**form, "client_id": self._client_id}
            if self._secret is not None:
                form["client_secret"] = self._secret.reveal()
        else:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret.reveal(), safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        status, answer = await self._call("POST", await self._endpoint("token_endpoint"), data=form, headers=headers)
        if status == 200:
            return answer
        if 400 <= status < 500 and (any_no or answer.get("error") in _A_NO):
            raise ProviderRefused(f"the provider refused ({_word(answer.get('error'))})")
        raise ProviderUnreachable(f"the token endpoint answered {status} ({_word(answer.get('error'))})")

    # what it says of itself

    async def _description(self) -> dict[str, Any]:
        async with self._reading:
            if time.monotonic() - self._known.document_s > KEEP_S:
                status, found = await self._call("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                if status != 200:
                    raise ProviderUnreachable(f"its description was answered {status}")
                if found.get("issuer") != self.issuer:
                    # A page that says "back soon" is no description either: about the line, not about a person.
                    mend = "GATEWAY_OIDC_ISSUER is written otherwise there"
                    raise ProviderUnreachable(f"its description names another issuer: {mend}")
                self._known.document, self._known.document_s = found, time.monotonic()
            return self._known.document

    async def _endpoint(self, name: str) -> str:
        address = (await self._description()).get(name)
        if not isinstance(address, str) or not self._ours(address):
            raise ProviderUnreachable(f"its description has no {name} that may be used")
        return address

    async def _keys(self, *, fresh: bool = False) -> KeySet:
        address = await self._endpoint("jwks_uri")
        async with self._reading:
            age = time.monotonic() - self._known.keys_s
            if self._known.keys is None or age > KEEP_S or (fresh and age > AGAIN_S):
                status, found = await self._call("GET", address)
                if status != 200:
                    raise ProviderUnreachable(f"its keys were answered {status}")
                listed = [key for key in found.get("keys", []) if key.get("kty") != "oct" and key.get("use", "sig") == "sig"]
                try:
                    self._known.keys = KeySet.import_key_set({"keys": listed})
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise ProviderUnreachable(f"its keys cannot be read ({type(error).__name__})") from None
                self._known.keys_s = time.monotonic()
            return self._known.keys

    def _ours(self, address: str) -> bool:
        """Encrypted, but for a provider on this very machine."""
        parts = urlsplit(address)
        return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(self.issuer) and is_loopback(address))

    async def _call(self, method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """One call: its status and its JSON object ({} for none)."""
        if not self._ours(address):
            raise ProviderUnreachable("an address of the provider is not encrypted")
        try:
            async with (
                asyncio.timeout(CALL_S),
                aiohttp.ClientSession() as session,
                session.request(method, address, allow_redirects=False, **more) as response,
            ):
                raw = await response.content.read(LARGEST + 1)
                while len(raw) <= LARGEST and not response.content.at_eof():
                    raw += await response.content.read(LARGEST + 1 - len(raw))
                status = response.status
                self._ahead_s = _ahead_s(response.headers.get("Date", ""), self._clock.now_ms() / 1000)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ProviderUnreachable(f"the provider does not answer ({type(error).__name__})") from None
        if len(raw) > LARGEST:
            raise ProviderUnreachable("the provider's answer is too large")
        return status, _object(raw)


def is_loopback(address: str) -> bool:
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")


def _tokens(answer: Mapping[str, Any], subject: str, before: Mapping[str, str]) -> dict[str, str]:
    """What to ask with next time. A provider that sends no new refresh token means the old one to stand."""
    return {
        "sub": subject,
        "access": str(answer.get("access_token") or before.get("access", "")),
        "refresh": str(answer.get("refresh_token") or before.get("refresh", "")),
    }


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _ahead_s(date: str, now_s: float) -> float | None:
    """How far the clock of an answer's Date (whole seconds) is before ours."""
    try:
        return parsedate_to_datetime(date).timestamp() - now_s
    except (ValueError, TypeError):
        return None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _word(value: Any) -> str:
    """A provider's own word for an error, where it is one: never a text that could hold somebody's name."""
    return value if isinstance(value, str) and len(value) <= 40 and value.replace("_", "").isalpha() else "no reason given"
