"""Every Graph request: headers, faults, token, node, edge, answer; and its line in the log of requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import Any

from aiohttp import web

from sandbox import account
from sandbox.errors import GraphError, object_missing
from sandbox.graph import auth
from sandbox.graph.call import CALLS, FINDERS, MANAGEMENT, Call, read_body
from sandbox.graph.page_call import REFUSED, usage_headers
from sandbox.keys import WORLD
from sandbox.messenger import pages
from sandbox.messenger.errors import PageError
from sandbox.store import Json
from sandbox.webhooks import wire
from sandbox.world import World

log = logging.getLogger("sandbox")
HTML_502 = "<html><head><title>502 Bad Gateway</title></head><body>Sorry, something went wrong.</body></html>"


async def graph(request: web.Request) -> web.StreamResponse:
    """``/{version}/{node}`` and ``/{version}/{node}/{edge}``."""
    world = request.app[WORLD]
    entry: Json = {"method": request.method, "path": request.path, "query": _clean(dict(request.query)), "body": None,
                   "at_ms": world.clock.now_ms(), "status": None}
    try:
        response = await _faulty(world, request, entry)
        if response is None:
            entry["status"] = 0  # no answer leaves this server
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        entry["status"] = response.status
        return response
    finally:
        world.request_count += 1
        entry["n"] = world.request_count
        entry["body"] = _clean(entry["body"])
        world.requests.append(entry)


async def _faulty(world: World, request: web.Request, entry: Json) -> web.StreamResponse | None:
    """The faults of transport around one honest answer; None: the connection is to be dropped."""
    ending = request.path.rpartition("/")[2] if request.method == "POST" else ""
    on = {"messages": "messages", "media": "media", "message_attachments": "media"}.get(ending, "all")
    where = (request.match_info["node"], None)
    take = world.faults.take
    if (fault := take("slow", *where, on=on)) is not None:
        await asyncio.sleep(fault["ms"] / 1_000)
    hang = take("hang", *where, on=on)
    broken = take("http_500", *where, on=on)
    html = None if broken else take("html_502", *where, on=on)
    refused = next((fault for fault in (hang, broken, html) if fault is not None), None)
    lost = take("lost_answer", *where, on=on)
    response = None
    if refused is None or refused["accepted"]:
        response = await _answer(world, request, entry)
        if response.status >= 400:
            refused = lost = None  # an honest refusal stays one
    else:
        with contextlib.suppress(GraphError):
            entry["body"] = await read_body(request)  # the log shows what was asked for, also where nothing is done
    if hang is not None and refused is not None:
        await asyncio.sleep(hang["ms"] / 1_000)
        lost = hang
    if lost is not None:
        return None
    if refused is not None and broken is not None:
        of_page = pages.get(world.store, request.match_info["node"]) is not None
        return _finish(world, request, (PageError(2) if of_page else GraphError(131000)).body(world.ids.trace()), 500)
    if refused is not None and html is not None:
        return web.Response(status=502, text=HTML_502, content_type="text/html")
    assert response is not None
    return response


async def _answer(world: World, request: web.Request, entry: Json) -> web.StreamResponse:
    try:
        found = await _call(world, request, entry)
    except GraphError as error:
        request[REFUSED] = error
        return _finish(world, request, error.body(world.ids.trace()), error.http)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("graph.failed path=%s", request.path)
        return _finish(world, request, GraphError(1, http=500).body(world.ids.trace()), 500)
    if isinstance(found, web.StreamResponse):
        return found
    return _finish(world, request, found, 200)


async def _call(world: World, request: web.Request, entry: Json) -> web.StreamResponse | Json:
    version, node_id = request.match_info["version"], request.match_info["node"]
    edge = request.match_info.get("edge", "").rstrip("/")
    if (node_id, edge) == ("oauth", "access_token"):
        return dict(auth.issue(world, request))
    who = auth.caller(world, request)
    node_id = (who.page_id or node_id) if node_id == "me" else node_id
    kind, node = _find(world, node_id, request.method)
    known = CALLS.get((request.method, kind, edge))
    if known is None:
        if edge and not any(key[1:] == (kind, edge) for key in CALLS):
            raise GraphError(2500, message=f"Unknown path components: /{edge}", data=False)
        raise object_missing(node_id, request.method)
    scope, handler = known
    if scope is not None:
        auth.need(who, scope)
    if scope == MANAGEMENT and not world.limits.management(account.WABA_ID, an_hour=_an_hour(world)):
        raise GraphError(80007)
    call = Call(world, request, who, version, node_id, kind, node, log=entry)
    return await handler(call)


def _an_hour(world: World) -> int:
    """Management calls per app and WABA: 200, with an active WABA 5,000."""
    return 5_000 if world.account.doc()["mode"] == "live" else 200


def _find(world: World, node_id: str, method: str) -> tuple[str, Json]:
    for finder in FINDERS:
        found = finder(world, node_id)
        if found is not None:
            return found
    raise object_missing(node_id, method)


def _finish(world: World, request: web.Request, body: Any, status: int) -> web.Response:
    usage = {"call_count": 1, "total_cputime": 0, "total_time": 0}
    told = usage_headers(world, request) or {
        "x-app-usage": json.dumps(usage), "x-business-use-case-usage": json.dumps({"271828182845904": [
            {"type": "whatsapp", **usage, "estimated_time_to_regain_access": 0}]})}
    headers = {
        "x-fb-trace-id": world.ids.trace(), "x-fb-request-id": world.ids.trace(), "x-fb-rev": str(int(time.time())),
        "facebook-api-version": request.match_info["version"], **told,
        "Access-Control-Allow-Origin": "*", "Cache-Control": "private, no-cache, no-store, must-revalidate",
        "Pragma": "no-cache", "Expires": "Sat, 01 Jan 2000 00:00:00 GMT"}
    return web.Response(status=status, body=wire(body), headers=headers,
                        content_type="application/json", charset="UTF-8")


def _clean(value: Any) -> Any:
    """The same without what stands under a key that speaks of a token."""
    if isinstance(value, dict):
        return {key: "(removed)" if "token" in str(key) or "secret" in str(key) else _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value
