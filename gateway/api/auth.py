"""Who calls: the API key of a request, in `Authorization: Bearer` or `X-API-Key`, and what it may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.api.problems import Handler, Refused, answering, problem
from gateway.model.personal import Secret
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

KEY_MAX = 512

WithKey = Callable[[web.Request, ApiKey], Awaitable[web.StreamResponse]]


def guarded(keys: ApiKeys, scope: Scope, handler: WithKey, *, other: Scope | None = None) -> Handler:
    """A handler for whoever has a key with this scope or the other: 401 without a key of ours, 403 without a scope."""

    async def run(request: web.Request) -> web.StreamResponse:
        key = await _key_of(keys, request)
        if not key.may(scope) and not (other is not None and key.may(other)):
            needed = f"{other} or {scope}" if other is not None else scope
            raise Refused(problem(403, "scope", f"This key may not do this: it needs the scope {needed}."))
        return await handler(request, key)

    return answering(run)


async def _key_of(keys: ApiKeys, request: web.Request) -> ApiKey:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    given = given.strip() if kind.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()
    challenge = {"WWW-Authenticate": 'Bearer realm="thuisfront"'}
    if not given:
        detail = "A key is needed: `Authorization: Bearer KEY` or `X-API-Key: KEY`."
        raise Refused(problem(401, "no_key", detail, headers=challenge))
    key = await keys.check(Secret(given)) if len(given) <= KEY_MAX else None
    if key is None:
        challenge["WWW-Authenticate"] += ', error="invalid_token"'
        raise Refused(problem(401, "unknown_key", "This key is none of ours, or was ended.", headers=challenge))
    return key


def reveals(request: web.Request, key: ApiKey) -> bool:
    """Whether what identifies a person is asked for (`?reveal=true`) and may be shown; 403 when it may not."""
    if request.query.get("reveal", "").lower() not in ("true", "1", "yes"):
        return False
    if not key.may(Scope.MESSAGES_REVEAL):
        raise Refused(problem(403, "scope", f"This key may not do this: it needs the scope {Scope.MESSAGES_REVEAL}."))
    return True
