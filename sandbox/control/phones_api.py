"""Handsets as JSON: who there is, what they see, what they say, and the state of their phones."""

from __future__ import annotations

from aiohttp import web

from sandbox import delivery, identity, say
from sandbox.control.problem import Problem, body_of, check
from sandbox.ids import digits_of
from sandbox.keys import WORLD
from sandbox.messenger import links, saying
from sandbox.messenger import world as pages
from sandbox.store import Json

_STATE: dict[str, type | tuple[type, ...]] = {
    "online": bool, "read_receipts": bool, "blocked": bool, "blocked_business": bool, "on_whatsapp": bool, "username": str,
    "auto_read_ms": int, "identity_hash": str, "messenger": bool}
_SPEC: dict[str, type | tuple[type, ...]] = {
    **_STATE, "name": str, "address": str, "label": str, "language": str, "timezone": str, "user_id": str}
_NULLABLE = ("username", "auto_read_ms")


async def list_handsets(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    handsets = world.handsets
    return web.json_response({"cursor": world.hub.cursor, "now_ms": world.clock.now_ms(),
                              "handsets": [handsets.view(handset) for handset in handsets.all()],
                              "story": world.story.get()})


def named(request: web.Request) -> Json:
    handset = request.app[WORLD].handsets.find(request.match_info["address"])
    if handset is None:
        raise Problem(404, "no handset has this address, name or user id")
    return handset


async def get_handset(request: web.Request) -> web.Response:
    return web.json_response(request.app[WORLD].handsets.view(named(request)))


async def make_handset(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    spec = _aliased(check(await body_of(request), _SPEC, ("address",)))
    if not 7 <= len(digits_of(spec["address"])) <= 15:
        raise Problem(400, "the field 'address' must be a phone number of 7 to 15 digits")
    owner = world.handsets.by_user_id(spec["user_id"]) if spec.get("user_id") else None
    if owner is not None and owner["address"] != digits_of(spec["address"]):
        raise Problem(409, "this user_id belongs to another handset")
    with world.store.tx():
        handset = world.handsets.make(spec)
    return web.json_response(world.handsets.view(handset), status=201)


def _aliased(spec: Json) -> Json:
    spec = {key: value for key, value in spec.items() if value is not None or key in _NULLABLE}
    if "blocked_business" in spec:
        spec["blocked"] = spec.pop("blocked_business")
    return spec


async def change_state(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    handset = named(request)
    spec = _aliased(check(await body_of(request), _STATE))
    online = spec.pop("online", None)
    with world.store.tx():
        handset.update(spec)
        world.handsets.save(handset)
        if online is not None and online != handset["online"]:
            delivery.set_online(world, handset["address"], online)
    return web.json_response(world.handsets.view(world.handsets.get(handset["address"]) or handset))


async def change_number(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    handset = named(request)
    address = digits_of(check(await body_of(request), {"address": str}, ("address",))["address"])
    if not 7 <= len(address) <= 15:
        raise Problem(400, "the field 'address' must be a phone number of 7 to 15 digits")
    try:
        with world.store.tx():
            moved = identity.change_number(world, handset, address)
    except identity.Taken:
        raise Problem(409, "this number belongs to another handset") from None
    return web.json_response(world.handsets.view(moved))


async def open_chat(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    body = check(await body_of(request) if request.can_read_body else {}, {"phone_number_id": str, "page_id": str})
    handset = named(request)
    page = pages.page_of(world, body["page_id"]) if body.get("page_id") else None
    if body.get("page_id") and page is None:
        raise Problem(400, "page_id is none of this account's Pages")
    with world.store.tx():
        if page is not None:
            saying.ready(handset)
            pages.know(world, page["id"], handset["address"])
            world.handsets.publish_address(handset["address"], [], chats=(page["id"],))
        read = delivery.open_chat(world, handset, body.get("phone_number_id") if page is None else page["id"])
    return web.json_response({"read": read})


async def say_something(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    handset = named(request)
    body = await body_of(request)
    base = f"{request.scheme}://{request.host}"
    with world.store.tx():
        if "link" in body:
            answer = links.follow(world, handset, body["link"], base)
        elif saying.meant(world, body):
            answer = saying.say(world, handset, body, base)
        else:
            answer = {"bubble": say.say(world, handset, body, base)}
    return web.json_response(answer, status=201)


ROUTES = [
    web.get("/sandbox/handsets", list_handsets), web.post("/sandbox/handsets", make_handset),
    web.get("/sandbox/handsets/{address}", get_handset), web.post("/sandbox/handsets/{address}/say", say_something),
    web.patch("/sandbox/handsets/{address}/state", change_state),
    web.post("/sandbox/handsets/{address}/open", open_chat),
    web.post("/sandbox/handsets/{address}/change_number", change_number)]
