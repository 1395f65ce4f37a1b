"""Who calls: the system-user token, a Page's token, or the app itself (``APPID|SECRET``); with which scopes."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass

from aiohttp import web

from sandbox.errors import GraphError
from sandbox.messenger import pages
from sandbox.world import World

PAGE_TOKEN = "sandbox-page-token-"  # noqa: S105 - the beginning of a Page's token, its id follows


@dataclass(frozen=True)
class Caller:
    """``is_app``: an app token, which may only manage the app itself. ``page_id``: a Page's token, for this Page alone."""

    is_app: bool
    scopes: tuple[str, ...]
    page_id: str | None = None


def token_of(request: web.Request) -> str | None:
    """The token in the query goes before the one in the header."""
    if request.query.get("access_token"):
        return request.query["access_token"]
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() in ("bearer", "oauth") and token.strip():
        return token.strip()
    return None


def caller(world: World, request: web.Request) -> Caller:
    """raises: 104 no token, 190 a token nobody issued, 190/463 expired"""
    token = token_of(request)
    if not token:
        raise GraphError(104)
    if same(token, f"{world.config.app_id}|{world.config.app_secret}"):
        return Caller(True, ())
    page_id = page_of_token(world, token)
    if page_id is None and not same(token, world.config.token):
        raise GraphError(190)
    account = world.account.doc()
    if account["switches"]["token_expired"] or world.faults.take("token_expired") is not None:
        raise expired(world)
    scopes = [scope for scope in account["scopes"] if page_id is None or scope.startswith("pages_")]
    if (fault := world.faults.take("scope_missing")) is not None and fault["scope"] in scopes:
        scopes.remove(fault["scope"])
    return Caller(False, tuple(scopes), page_id)


def page_of_token(world: World, token: str) -> str | None:
    """The id of the Page whose token this is."""
    page = pages.get(world.store, token.removeprefix(PAGE_TOKEN)) if token.startswith(PAGE_TOKEN) else None
    return page["id"] if page is not None and same(token, PAGE_TOKEN + page["id"]) else None


def issue(world: World, request: web.Request) -> dict[str, str]:
    """``oauth/access_token`` with the app's id and secret: the app's token. raises: 101 for a wrong id, 1 for a wrong secret"""
    query = request.query
    if query.get("client_id") != world.config.app_id:
        raise GraphError(101, message="Error validating application. Cannot get application info due to a system error.",
                         http=400, data=False)
    if not same(query.get("client_secret", ""), world.config.app_secret):
        raise GraphError(1, message="Error validating client secret.", data=False)
    if query.get("grant_type", "client_credentials") != "client_credentials":
        raise GraphError(100, message="(#100) Only grant_type client_credentials is supported here.", data=False)
    return {"access_token": f"{world.config.app_id}|{world.config.app_secret}", "token_type": "bearer"}


def expired(world: World) -> GraphError:
    now = dt.datetime.fromtimestamp(world.clock.now_s(), dt.UTC)
    day = "%A, %d-%b-%y %H:%M:%S UTC"
    ended = now - dt.timedelta(hours=1)
    return GraphError(190, message=f"Error validating access token: Session has expired on {ended:{day}}. The current time "
                                   f"is {now:{day}}.", subcode=463)


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def need(who: Caller, scope: str) -> None:
    """raises: 200 when messaging is not granted, 10 for the other scopes"""
    if who.is_app or scope not in who.scopes:
        raise GraphError(200 if scope == "whatsapp_business_messaging" else 10)
