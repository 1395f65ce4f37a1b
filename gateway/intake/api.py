"""POST /v1/events: who calls, is it well formed, 202 once it is kept. A batch keeps its good events and names the
others.

An event sent again counts once: the same (source, id) with the same type, subject and data is answered 202 as before,
with other content 409. So whoever gets 429, 503 or no answer at all sends the same request again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.api import problems
from gateway.api.auth import guarded
from gateway.clock import Clock
from gateway.connector import Connector
from gateway.directory import Directory
from gateway.errors import Problem
from gateway.intake.checks import Checks
from gateway.intake.cloudevents import MAX_BATCH, Malformed, Refusal, parse, split_request
from gateway.model.event import BusinessEvent
from gateway.notifications.catalogue import Catalogue
from gateway.settings import Settings
from gateway.store.apikeys import ApiKey, ApiKeys, Scope
from gateway.store.events import Events
from gateway.store.kept import Kept
from gateway.store.vault import Vault
from gateway.wake import Wake

PATH = "/v1/events"
MAX_BODY = 16 * 1024 * 1024
"""Of a whole request; the listener's own limit (client_max_size) should be no smaller."""
READ_S = 30.0
KEEP_S = 10.0
BUSY_RETRY_S = 5

_ORIGIN = re.compile(r"[A-Za-z0-9.*_-]{1,253}(:\d{1,5})?")


def _uncounted(answer: str, how_many: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Deps:
    """connectors: by channel. depth: messages waiting in the outbox
    count: told each answer (new, same, other, refused, busy) and of how many events
    """

    events: Events
    kept: Kept
    keys: ApiKeys
    vault: Vault
    clock: Clock
    connectors: Mapping[str, Connector]
    directory: Directory
    catalogue: Catalogue
    settings: Settings
    wake: Wake
    depth: Callable[[], int]
    count: Callable[[str, int], None] = _uncounted


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
        self._checks = Checks(deps.connectors, deps.directory, deps.catalogue.wordings, deps.settings.brand)

    async def post_events(self, request: web.Request, key: ApiKey) -> web.Response:
        deps = self._d
        if deps.depth() > deps.settings.backlog_max:
            deps.count("busy", 1)
            detail = "So many messages wait already that more would come too late. Send the same events again later."
            return problems.problem(429, "backlog", detail, headers={"Retry-After": str(BUSY_RETRY_S)})
        looked = await self._look(request, key)
        answers = await self._keep([event for _, event in looked.good])
        kept: list[dict[str, Any]] = []
        for (place, event), answer in zip(looked.good, answers, strict=True):
            if answer == "other":
                looked.refused.append((place, OTHER))
            else:
                kept.append({"index": place, "event": event.id, "subject": event.subject_id, "answer": answer})
            deps.count(answer, 1)
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
        deps, now = self._d, self._d.clock.now_ms()
        try:
            values, batch = split_request(request.headers.get("Content-Type", ""), request.headers, raw)
        except Malformed as error:
            deps.count("refused", 1)
            raise problems.Refused(_refusal(error.refusal)) from None
        looked = Looked([], [], batch)
        ids = (deps.vault.event_id, deps.vault.subject_id)
        for place, value in enumerate(values):
            found = parse(value, ids=ids, now_ms=now, key=key.name)
            if isinstance(found, BusinessEvent):
                forbidden = self._checks.forbidden(found, key)
                wrong = [] if forbidden else self._checks.problems(found)
                if forbidden:
                    found = Refusal(403, tuple(forbidden))
                elif wrong:
                    found = Refusal(422, tuple(wrong))
            if isinstance(found, BusinessEvent):
                looked.good.append((place, found))
            else:
                looked.refused.append((place, found))
        return looked

    async def _keep(self, events: Sequence[BusinessEvent]) -> list[str]:
        """Keep them, on disk and where asked for on replicas. Raises StoreUnavailable, TimeoutError."""
        deps = self._d
        if not events:
            return []
        async with asyncio.timeout(KEEP_S):
            answers = await deps.events.append_once(events)
            kept = [event.id for event, answer in zip(events, answers, strict=True) if answer != "other"]
            deps.wake.now("expand")
            await deps.kept.wait_acks(kept, deps.settings.store_acks)
        return answers


OTHER = Refusal(
    409, (Problem("id", "was used by this source before, for an event with another type, subject or data"),)
)

_CODES = {
    400: ("malformed", "This cannot be read."),
    403: ("forbidden", "This key does not speak for this event."),
    409: ("other_content", "An event with this source and id was kept before, with other content."),
    413: ("too_large", "This is larger than is taken here."),
    415: ("media_type", "This is no CloudEvent in a form that is taken here."),
    422: ("bad_event", "Some fields are not as they should be."),
}


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
    code, detail = _CODES[refusal.status]
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
            "code": _CODES[refusal.status][0],
            "problems": problems.fields(refusal.problems),
        }
        for place, refusal in sorted(looked.refused, key=lambda one: one[0])
    ]
    if refused and not kept:
        return problems.problem(422, "bad_batch", "No event of this batch was taken.", refused=refused)
    return web.json_response({"events": kept, "refused": refused}, status=207 if refused else good)
