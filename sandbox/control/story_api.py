"""The stream the page listens to, the story, and what is pushed from outside: reasons and messages not sent."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from sandbox.control.problem import Problem, body_of, check
from sandbox.ids import digits_of
from sandbox.keys import WORLD
from sandbox.store import Json
from sandbox.story import ACTIONS
from sandbox.stream import Event

PING_S = 15.0
LONGEST_POLL_S = 60.0


async def stream(request: web.Request) -> web.StreamResponse:
    """Server-Sent Events after ``Last-Event-ID``, else after ``since``, else from now on."""
    world = request.app[WORLD]
    since = request.headers.get("Last-Event-ID") or request.query.get("since") or str(world.hub.cursor)
    if not since.isdigit():
        raise Problem(400, "since must be a cursor")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store",
                                           "X-Accel-Buffering": "no"})
    await response.prepare(request)
    with world.hub.listen() as queue:
        missed = world.hub.after(int(since))
        await response.write(b"retry: 1000\n\n")
        for event in missed:
            await response.write(_frame(event))
        while not world.stopping.is_set():
            try:
                async with asyncio.timeout(PING_S):
                    event = await queue.get()
            except TimeoutError:
                await response.write(b": ping\n\n")
                continue
            if event.name == "stop":
                break
            await response.write(_frame(event))
    return response


def _frame(event: Event) -> bytes:
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.cursor}\nevent: {event.name}\ndata: {data}\n\n".encode()


_STORY: dict[str, type | tuple[type, ...]] = {
    "title": str, "steps": list, "position": int, "state": str, "speed": (int, float), "note": str}


async def put_story(request: web.Request) -> web.Response:
    story = check(await body_of(request), _STORY, ("title", "steps", "position", "state"))
    if story["state"] not in ("playing", "paused", "ended"):
        raise Problem(400, "state must be playing, paused or ended")
    steps = [{"title": str(step.get("title", "")), "caption": str(step.get("caption", ""))}
             for step in story["steps"] if isinstance(step, dict)]
    if len(steps) != len(story["steps"]):
        raise Problem(400, 'steps must be objects {"title", "caption"}')
    whole = {"speed": 1.0, "note": None, **story, "steps": steps}
    request.app[WORLD].story.put(whole)
    return web.json_response(whole)


async def delete_story(request: web.Request) -> web.Response:
    request.app[WORLD].story.put(None)
    return web.json_response({"success": True})


async def press(request: web.Request) -> web.Response:
    action = check(await body_of(request), {"action": str, "speed": (int, float)}, ("action",))
    if action["action"] not in ACTIONS:
        raise Problem(400, f"action must be one of: {', '.join(ACTIONS)}")
    if action["action"] == "speed" and not 0 < (action.get("speed") or 0) <= 100:
        raise Problem(400, "speed must be above 0 and at most 100")
    return web.json_response({"n": request.app[WORLD].story.press(action)})


async def pressed(request: web.Request) -> web.Response:
    try:
        since, wait_s = int(request.query.get("since", "0")), float(request.query.get("wait", "20"))
    except ValueError:
        raise Problem(400, "since and wait must be numbers") from None
    return web.json_response(await request.app[WORLD].story.pressed(since, max(0.0, min(wait_s, LONGEST_POLL_S))))


def _why(why: Json) -> Json:
    check(why, {"text": str, "details": list, "trace": str}, ("text",))
    return {"text": why["text"], "details": [str(line) for line in why.get("details") or []], "trace": why.get("trace")}


async def put_why(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    body = check(await body_of(request), {"opaque": str, "why": dict}, ("opaque", "why"))
    with world.store.tx():
        attached = world.handsets.explain(body["opaque"].split(".", 1)[0], _why(body["why"]))
    return web.json_response({"attached": attached})


_UNSENT: dict[str, type | tuple[type, ...]] = {
    "id": str, "address": str, "phone_number_id": str, "page_id": str, "at_ms": int, "body": str, "reason": str, "why": dict,
    "template": dict}


async def put_unsent(request: web.Request) -> web.Response:
    """A message that was not sent, shown as a pale bubble on the phone it would have come to."""
    world = request.app[WORLD]
    body = check(await body_of(request), _UNSENT, ("id", "address", "body", "reason"))
    sender_id = body.get("page_id") or body.get("phone_number_id")
    if not sender_id:
        raise Problem(400, "the field 'phone_number_id' is missing, or 'page_id' in its place")
    if (old := world.handsets.message(body["id"])) is not None and old["kind"] != "unsent":
        raise Problem(409, "this id belongs to a message that was sent")
    address = digits_of(body["address"])
    if not 7 <= len(address) <= 15:
        raise Problem(400, "the field 'address' must be a phone number of 7 to 15 digits")
    with world.store.tx():
        world.handsets.ensure(address)
        bubble: Json = {"body": body["body"], "reason": body["reason"], "type": "text", "template": body.get("template")}
        if body.get("template"):
            bubble["type"] = "template"
        if body.get("why") is not None:
            bubble["why"] = _why(body["why"])
        world.handsets.add(message_id=body["id"], number_id=sender_id, address=address, kind="unsent",
                           ticks="unsent", bubble=bubble, private={}, at_ms=body.get("at_ms"))
    return web.json_response({"id": body["id"]})


async def delete_unsent(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    message = world.handsets.message(request.match_info["id"])
    if message is None or not world.handsets.remove(message["id"]):
        raise Problem(404, "no unsent message has this id")
    world.hub.publish("reset", {"reason": "unsent_gone"})
    return web.json_response({"success": True})


async def get_media(request: web.Request) -> web.Response:
    """A bubble's file for the page, also after its id has expired."""
    row = request.app[WORLD].store.row("SELECT * FROM media WHERE id = ?", request.match_info["id"])
    if row is None:
        raise Problem(404, "no file has this id")
    headers = {"Content-Type": row["mime"], "X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600",
               "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    if row["filename"]:
        name = row["filename"].encode("ascii", "replace").decode().replace('"', "'").replace("\n", " ")
        headers["Content-Disposition"] = f'inline; filename="{name}"'
    return web.Response(body=row["data"], headers=headers)


ROUTES = [
    web.get("/sandbox/stream", stream), web.put("/sandbox/story", put_story), web.delete("/sandbox/story", delete_story),
    web.post("/sandbox/story/control", press), web.get("/sandbox/story/control", pressed),
    web.put("/sandbox/why", put_why), web.put("/sandbox/unsent", put_unsent),
    web.delete("/sandbox/unsent/{id}", delete_unsent), web.get("/sandbox/media/{id}", get_media)]
