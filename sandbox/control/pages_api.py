"""Pages as JSON: their switches, who holds which thread, what staff write in Meta's inbox, what Meta tells by itself."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.control.problem import Problem, body_of, check
from sandbox.keys import WORLD
from sandbox.messenger import cdn, inbox, tells, webhooks
from sandbox.messenger import world as pages
from sandbox.messenger.pages import SWITCHES
from sandbox.store import Json
from sandbox.world import World

# Switches that are more than on or off: name -> what they may be
_CHOICES: dict[str, tuple[Any, ...]] = {"default_app": ("ours", "inbox", None),
                                        "legacy_stickers": (False, "legacy", "transition")}


def named(request: web.Request) -> Json:
    page = pages.page_of(request.app[WORLD], request.match_info["page_id"])
    if page is None:
        raise Problem(404, "no Page has this id or username")
    return page


def _address(world: World, who: Any) -> str:
    """raises: Problem 404"""
    handset = world.handsets.find(who) if isinstance(who, str) and who else None
    if handset is None:
        raise Problem(404, "no handset has this address, name or PSID")
    return str(handset["address"])


async def list_pages(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    return web.json_response({"pages": [webhooks.view(world, page) for page in pages.all_pages(world)]})


async def get_page(request: web.Request) -> web.Response:
    return web.json_response(webhooks.view(request.app[WORLD], named(request)))


async def put_page(request: web.Request) -> web.Response:
    """Turn switches. ``subscribed`` is the operator's own hand on the app's subscription."""
    world, page = request.app[WORLD], named(request)
    body = await body_of(request)
    for name, value in body.items():
        if name != "subscribed" and name not in SWITCHES:
            raise Problem(400, f"no switch is named {name!r}; there are: {', '.join([*SWITCHES, 'subscribed'])}")
        allowed = _CHOICES.get(name)
        if allowed is not None and not any(value is one or (isinstance(one, str) and value == one) for one in allowed):
            raise Problem(400, f"{name} must be one of: {', '.join(map(repr, allowed))}")
        kind = type(SWITCHES.get(name, True))
        if allowed is None and type(value) is not kind:
            raise Problem(400, f"{name} must be {'true or false' if kind is bool else 'a number'}")
    with world.store.tx():
        if body.get("subscribed") is False and page["subscribed"]:
            webhooks.cut_off(world, page)
        elif body.get("subscribed") and not page["subscribed"]:
            page["since_ms"] = world.clock.now_ms()
        page.update(body)
        pages.save_page(world, page)
        webhooks.publish(world, page["id"])
    return web.json_response(webhooks.view(world, page))


async def post_inbox(request: web.Request) -> web.Response:
    world, page = request.app[WORLD], named(request)
    body = check(await body_of(request), {"address": str, "text": str, "by": str}, ("address", "text"))
    if body.get("by") not in (None, *inbox.SPEAKERS):
        raise Problem(400, f"by must be one of: {', '.join(inbox.SPEAKERS)}")
    with world.store.tx():
        bubble = inbox.answer(world, page, _address(world, body["address"]), body["text"], body.get("by") or "inbox")
    return web.json_response({"bubble": bubble}, status=201)


async def get_thread(request: web.Request) -> web.Response:
    world, page = request.app[WORLD], named(request)
    return web.json_response(_thread(world, page, _address(world, request.match_info["address"])))


async def put_thread(request: web.Request) -> web.Response:
    world, page = request.app[WORLD], named(request)
    address = _address(world, request.match_info["address"])
    body = check(await body_of(request), {"holder": str, "metadata": str, "request": bool}, ("holder",))
    if not pages.known(world, page["id"], address):
        raise Problem(400, "this person never opened a chat with the Page")
    with world.store.tx():
        turn = inbox.request if body.get("request") else inbox.hold
        turn(world, page, address, body["holder"], body.get("metadata") or "")
    return web.json_response(_thread(world, page, address))


def _thread(world: World, page: Json, address: str) -> Json:
    last = world.handsets.thread(page["id"], address)["last_in_ms"]
    return {"address": address, "psid": pages.psids(world, address).get(page["id"]),
            "holder": pages.holder(world, page["id"], address) or "idle",
            "until_ms": pages.holds_until_ms(world, page["id"], address) or None,
            "window_until_ms": None if last is None else last + pages.WINDOW_MS}


async def post_tell(request: web.Request) -> web.Response:
    world, page = request.app[WORLD], named(request)
    body = await body_of(request)
    address = _address(world, body["address"]) if body.get("address") else None
    with world.store.tx():
        rows = tells.tell(world, page, body, address)
    return web.json_response({"webhooks": len(rows)}, status=201)


ROUTES = [
    web.get("/sandbox/pages", list_pages), web.get("/sandbox/pages/{page_id}", get_page),
    web.put("/sandbox/pages/{page_id}", put_page), web.post("/sandbox/pages/{page_id}/inbox", post_inbox),
    web.get("/sandbox/pages/{page_id}/threads/{address}", get_thread),
    web.put("/sandbox/pages/{page_id}/threads/{address}", put_thread),
    web.post("/sandbox/pages/{page_id}/tell", post_tell), *cdn.ROUTES]
