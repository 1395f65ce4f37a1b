"""POST /v1/events: who calls, is it well formed, 202 once it is kept. A batch keeps its good events and names the
others.

An event sent again counts once: the same (source, id) with the same type, subject and data is answered 202 as before,
with other content 409. So whoever gets 429, 503 or no answer at all sends the same request again.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.api import problems
from gateway.api.auth import guarded
from gateway.intake.cloudevents import MAX_BATCH, Malformed, Refusal, split_request
from gateway.intake.taking import CODES, KEEP_S, OTHER, Deps, Taking
from gateway.model.event import BusinessEvent
from gateway.store.apikeys import ApiKey, Scope

__all__ = ["MAX_BODY", "Deps", "Door", "add_routes"]

PATH = "/v1/events"
MAX_BODY = 16 * 1024 * 1024
"""Of a whole request; the listener's own limit (client_max_size) should be no smaller."""
READ_S = 30.0
BUSY_RETRY_S = 5
TOO_MUCH = {
    "backlog": "So many messages wait already that more would come too late. Send the same events again later.",
    "memory": "The store is nearly full; what is left is for what was promised already. Send the same events again later.",
}
"""By what `Taking.too_much` says."""

_ORIGIN = re.compile(r"[A-Za-z0-9.*_-]{1,253}(:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Looked:
    """The events of one request: place and event of each good one, place and refusal of each other."""

    good: list[tuple[int, BusinessEvent]]
    refused: list[tuple[int, Refusal]]
    batch: bool


def add_routes(app: web.Application, deps: Deps) -> None:
    door = Door(deps)
    app.router.add_post(PATH, guarded(deps.keys, Scope.EVENTS, door.post_events))
    app.router.add_post(f"{PATH}/validate", guarded(deps.keys, Scope.EVENTS, door.post_validate))
    app.router.add_options(PATH, problems.answering(door.options_events))


class Door:
    def __init__(self, deps: Deps) -> None:
        self._d = deps
        self._taking = Taking(deps)

    async def post_events(self, request: web.Request, key: ApiKey) -> web.Response:
        deps = self._d
        if why := self._taking.too_much():
            deps.count("busy", 1)
            return problems.problem(429, why, TOO_MUCH[why], headers={"Retry-After": str(BUSY_RETRY_S)})
        looked = await self._look(request, key)
        answers = await self._taking.keep([event for _, event in looked.good])
        kept: list[dict[str, Any]] = []
        for (place, event), answer in zip(looked.good, answers, strict=True):
            if answer == "other":
                looked.refused.append((place, OTHER))
            else:
                kept.append({"index": place, "event": event.id, "subject": event.subject_id, "answer": answer})
        deps.count("refused", sum(1 for _, refusal in looked.refused if refusal is not OTHER))
        return _answer(kept, looked, good=202)

    async def post_validate(self, request: web.Request, key: ApiKey) -> web.Response:
        """The same checks; nothing is kept. Says what keeping each event would answer, and what it could tell."""
        looked = await self._look(request, key)
        async with asyncio.timeout(KEEP_S):
            known = await self._d.kept.known([event for _, event in looked.good])
        would: list[dict[str, Any]] = []
        for (place, event), answer in zip(looked.good, known, strict=True):
            if answer == "other":
                looked.refused.append((place, OTHER))
                continue
            names = [one.name for one in self._d.catalogue.for_event(event.type)]
            would.append(
                {
                    "index": place,
                    "event": event.id,
                    "subject": event.subject_id,
                    "answer": answer,
                    "type": event.type.value,
                    "notifications": names,
                }
            )
        return _answer(would, looked, good=200)

    async def options_events(self, request: web.Request) -> web.Response:
        """A sender asks whether it may push (CloudEvents webhook 1.0.2, section 4). Its events still need a key."""
        headers = {"Allow": "POST, OPTIONS"}
        origin = request.headers.get("WebHook-Request-Origin", "")
        if origin:
            if not _ORIGIN.fullmatch(origin):
                return problems.problem(400, "origin", "WebHook-Request-Origin should be a host name.")
            headers["WebHook-Allowed-Origin"] = origin
        if "WebHook-Request-Rate" in request.headers:
            headers["WebHook-Allowed-Rate"] = "*"
        return web.Response(headers=headers)

    # inside

    async def _look(self, request: web.Request, key: ApiKey) -> Looked:
        """Read and check a request. Raises Refused where it cannot be read as a whole."""
        raw = await _body(request)
        try:
            values, batch = split_request(request.headers.get("Content-Type", ""), request.headers, raw)
        except Malformed as error:
            self._d.count("refused", 1)
            raise problems.Refused(_refusal(error.refusal)) from None
        looked = Looked([], [], batch)
        for place, value in enumerate(values):
            found = self._taking.look(value, key)
            if isinstance(found, BusinessEvent):
                looked.good.append((place, found))
            else:
                looked.refused.append((place, found))
        return looked


async def _body(request: web.Request) -> bytes:
    too_large = problems.problem(
        413, "too_large", f"A request holds at most {MAX_BODY // 1024**2} MiB, {MAX_BATCH} events."
    )
    if (request.content_length or 0) > MAX_BODY:
        raise problems.Refused(too_large)
    try:
        async with asyncio.timeout(READ_S):
            raw = await request.read()
    except TimeoutError:
        raise problems.Refused(problems.problem(408, "too_slow", "The body did not come in time.")) from None
    if len(raw) > MAX_BODY:
        raise problems.Refused(too_large)
    return raw


def _refusal(refusal: Refusal) -> web.Response:
    code, detail = CODES[refusal.status]
    return problems.problem(refusal.status, code, detail, problems=problems.fields(refusal.problems))


def _answer(kept: list[dict[str, Any]], looked: Looked, *, good: int) -> web.Response:
    """One event: itself or its problem. A batch: all good, 207 for some, 422 for none."""
    if not looked.batch:
        if looked.refused:
            return _refusal(looked.refused[0][1])
        return web.json_response({name: value for name, value in kept[0].items() if name != "index"}, status=good)
    refused = [
        {
            "index": place,
            "status": refusal.status,
            "code": CODES[refusal.status][0],
            "problems": problems.fields(refusal.problems),
        }
        for place, refusal in sorted(looked.refused, key=lambda one: one[0])
    ]
    if refused and not kept:
        return problems.problem(422, "bad_batch", "No event of this batch was taken.", refused=refused)
    return web.json_response({"events": kept, "refused": refused}, status=207 if refused else good)
