"""What every call about a Page has in common: whose token, which permission, the proof, the count; and its usage headers.

Meta, "Messenger Platform rate limits", 23 March 2026, and "Securing Graph API Calls" for the proof.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.errors import GraphError
from sandbox.graph import auth
from sandbox.graph.call import Call, Handler, call, json_or_text
from sandbox.messenger import pages
from sandbox.messenger.errors import GRAPH, PageError, no_permission
from sandbox.messenger.faces import no_object
from sandbox.store import Json
from sandbox.world import World

MESSAGING, METADATA, UTILITY = "pages_messaging", "pages_manage_metadata", "pages_utility_messaging"
_SECRET_PARAMS = ("access_token", "appsecret_proof")
# notes of a request for its answer's headers
PAGE_ID = web.RequestKey("page_id", str)
REFUSED = web.RequestKey("refused", GraphError)
PageHandler = Callable[[Call, Json], Awaitable[web.StreamResponse | Json]]


def page_call(method: str, kind: str, edge: str = "", *, scope: str | None = MESSAGING) -> Callable[[PageHandler], PageHandler]:
    """Register a handler that gets the Page beside the call. ``kind``: "page", or a node of a Page's ("persona" ...),
    whose document has ``page_id``."""
    def keep(handler: PageHandler) -> PageHandler:
        async def checked(this: Call) -> web.StreamResponse | Json:
            page = await admit(this, this.node["id"] if kind == "page" else this.node["page_id"], scope)
            return await handler(this, page)

        found: Handler = checked
        call(method, kind, edge, scope=None)(found)
        return handler

    return keep


async def admit(this: Call, page_id: str, scope: str | None) -> Json:
    """The Page, if the caller may ask about it. raises: 190, 10, 100/33 (another Page's token), 100 (proof), 80006"""
    world, page = this.world, pages.get(this.world.store, page_id)
    if page is None or (this.who.page_id is not None and this.who.page_id != page_id):
        raise no_object(this.node_id, this.request.method.lower())
    if this.who.is_app:
        raise PageError(190, text="This method must be called with a Page Access Token", http=400)
    this.request[PAGE_ID] = page_id
    await _check_proof(this, page)
    if scope is not None and scope not in this.who.scopes:
        raise no_permission(scope)
    if not world.usage.count(page_id, page["engaged"]):
        raise PageError(80006, regain_min=world.usage.regain_min(page_id))
    return page


async def _check_proof(this: Call, page: Json) -> None:
    """The HMAC-SHA256 of the token with the app's secret. raises: 100 when it is wrong, or missing where it must be"""
    given = this.request.query.get("appsecret_proof")
    if given is None and this.request.method != "GET":
        body = await this.read()
        given = body.get("appsecret_proof") if isinstance(body, dict) else None
    if given is None:
        if page["require_proof"]:
            raise PageError(100, text="API calls from the server require an appsecret_proof argument", kind=GRAPH, bare=True)
        return
    token = auth.token_of(this.request) or ""
    wanted = hmac.new(this.world.config.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    if not auth.same(str(given), wanted):
        raise PageError(100, text="Invalid appsecret_proof provided in the API argument", kind=GRAPH, bare=True)


async def params(this: Call) -> Json:
    """Parameters from the query and the body together, the body's first."""
    query = {key: json_or_text(value) for key, value in this.request.query.items()}
    return {key: value for key, value in {**query, **await this.read_object()}.items() if key not in _SECRET_PARAMS}


def usage_headers(world: World, request: web.Request) -> dict[str, str] | None:
    """How much of the day's calls a Page has used, in percent, and the minutes until more go; None: not about a Page."""
    page = pages.get(world.store, request[PAGE_ID]) if PAGE_ID in request else None
    if page is None:
        return None
    refused = request.get(REFUSED)
    regain = refused.regain_min if isinstance(refused, PageError) else None
    percent = world.usage.percent(page["id"], page["engaged"])
    if regain is not None:
        percent = max(percent, 101)
    app = 100 if isinstance(refused, PageError) and refused.code == 4 else min(percent, 99)
    spent = {"total_cputime": percent // 2, "total_time": percent // 2}
    return {
        "x-app-usage": json.dumps({"call_count": app, **spent}),
        "x-business-use-case-usage": json.dumps({page["id"]: [
            {"type": "messenger", "call_count": percent, **spent, "estimated_time_to_regain_access": regain or 0}]})}
