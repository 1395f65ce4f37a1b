"""/v1/contacts/{contact}/touches and /timeline: what other programs tell of calls, mail and visits, and all that passed.

A touch is told once: `external_id` is what its source calls it, and the same again changes nothing. Words of people are shown
only to who may see them (`reveal`, scope messages:reveal).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.auth import guarded, reveals
from gateway.api.fields import Brand, Moment, Short, Word, body_of
from gateway.api.people import People
from gateway.api.problems import Refused, problem
from gateway.api.views import iso
from gateway.errors import BadInput, NotFound, Problem
from gateway.insight.past import FOREVER_MS, Past
from gateway.model.personal import Personal
from gateway.model.touch import BeenThrough, Counted, TimelineItem, Touch, TouchChannel
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

PATH = "/v1/contacts/{contact}"
MOST = 100
AHEAD_MS = 24 * 3600_000
"""A touch may be booked as of a little later than now: clocks differ, and counters write down a whole day."""

log = structlog.get_logger()


class TouchBody(BaseModel):
    """direction: in = they came to us; agent: who of the operator's people it was, as colleagues call them."""

    model_config = ConfigDict(extra="forbid")

    external_id: Short
    channel: TouchChannel
    direction: Literal["in", "out"]
    at: Moment
    brand: Brand | None = None
    subject: Annotated[str, Field(max_length=200)] = ""
    summary: Annotated[str, Field(max_length=4000)] = ""
    reason: Word | None = None
    agent: Annotated[str, Field(max_length=100)] = ""


class TouchesBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    touches: Annotated[list[TouchBody], Field(min_length=1, max_length=MOST)]


def add_routes(app: web.Application, people: People, past: Past | None, keys: ApiKeys) -> None:
    """past: None where this process has no history; every request is then told so."""
    routes = Routes(people, past)
    app.router.add_post(f"{PATH}/touches", guarded(keys, Scope.CONTACTS_WRITE, routes.post_touches))
    app.router.add_get(f"{PATH}/timeline", guarded(keys, Scope.CONTACTS_READ, routes.get_timeline))


class Routes:
    def __init__(self, people: People, past: Past | None) -> None:
        self._people = people
        self._given = past

    @property
    def _past(self) -> Past:
        if self._given is None:
            raise Refused(problem(503, "not_here", "This process does not do that: ask one with the role intake."))
        return self._given

    async def post_touches(self, request: web.Request, key: ApiKey) -> web.Response:
        """Per touch: added, known (told before), or differs (told before with other content; what was kept stays)."""
        body = await body_of(request, TouchesBody)
        contact = await self._people.get(request.match_info["contact"])
        latest = self._people.clock.now_ms() + AHEAD_MS
        brands = [one.brand or self._people.default_brand for one in body.touches]
        problems = [
            Problem(f"touches[{place}].at", "should not lie in the future")
            for place, one in enumerate(body.touches)
            if one.at > latest
        ]
        if problems:
            raise BadInput(problems)
        barred = [
            {"field": f"touches[{place}].brand", "message": "is none that this key speaks for"}
            for place, brand in enumerate(brands)
            if not key.speaks_for_brand(brand)
        ]
        if barred:
            raise Refused(problem(403, "forbidden", "This key does not speak for these brands.", problems=barred))
        told = [
            Touch(
                contact=contact.id,
                brand=brand,
                channel=one.channel,
                inward=one.direction == "in",
                at_ms=one.at,
                external=Personal(one.external_id),
                subject=Personal(one.subject),
                summary=Personal(one.summary),
                agent=Personal(one.agent),
                reason=one.reason or "",
            )
            for one, brand in zip(body.touches, brands, strict=True)
        ]
        answers = await self._past.add_touches(contact.id, told)
        try:
            await self._people.get(contact.id)
        except NotFound:  # erased meanwhile: what came too late for that goes too
            await self._past.erase(contact.id)
            raise
        return web.json_response({"answers": [one.value for one in answers]})

    async def get_timeline(self, request: web.Request, key: ApiKey) -> web.Response:
        """Newest first; ?before=<next of the last page>. The first page says what they have been through in twelve months."""
        reveal = reveals(request, key)
        before = request.query.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) < 18):
            raise BadInput([Problem("before", "should be `next` of the page before")])
        contact = await self._people.get(request.match_info["contact"])
        brands = key.brands or None
        items = await self._past.timeline(contact.id, brands=brands, before_ms=int(before) if before else FOREVER_MS)
        answer: dict[str, Any] = {
            "items": [item_json(one, reveal=reveal) for one in items],
            "next": str(items[-1].at_ms) if items else None,
        }
        if not before:
            been = await self._past.been_through(contact.id, self._people.clock.now_ms(), brands=brands)
            answer["been_through"] = been_json(been)
        if reveal:
            log.info("contact.revealed", contact_id=contact.id, key_name=key.name)
        return web.json_response(answer)


def item_json(one: TimelineItem, *, reveal: bool) -> dict[str, Any]:
    """What a kind of item does not have is null."""

    def words(text: Personal | None) -> str | None:
        return None if text is None else text.reveal() if reveal else "…"

    return {
        "at": iso(one.at_ms),
        "kind": one.kind,
        "id": one.id,
        "brand": one.brand or None,
        "direction": "in" if one.inward else "out",
        "state": one.state or None,
        "reason": one.reason or None,
        "agent": one.agent or None,
        "queue": one.queue or None,
        "notification": one.notification or None,
        "transfers": one.transfers,
        "reopened": one.reopened,
        "complaint": one.complaint,
        "subject": words(one.subject),
        "summary": words(one.summary),
        "by": words(one.by),
    }


def been_json(been: BeenThrough) -> dict[str, Any]:
    def counted(one: Counted) -> dict[str, Any]:
        return {"count": one.count, "last": iso(one.last_ms)}

    return {
        "delays": counted(been.delays),
        "cancellations": counted(been.cancellations),
        "failed_deliveries": counted(been.failed_deliveries),
        "undelivered_messages": counted(been.undelivered),
        "reopened": counted(been.reopened),
        "complaints": counted(been.complaints),
    }
