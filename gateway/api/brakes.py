"""What a mass message is seen and held by: /v1/events/dry-run, /v1/crises, /v1/fuses, /v1/corrections, /v1/notices.

Who does something by a key is the key: two people need two keys where two must agree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.api.auth import guarded, reveals
from gateway.api.fields import Moment, Short, Word, body_of, printable
from gateway.api.problems import Refused, problem
from gateway.api.views import iso
from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.insight.naming import find_subject
from gateway.model.ids import EventId, SubjectId, is_id
from gateway.planning.underway import underway
from gateway.store.apikeys import ApiKey, ApiKeys, Scope
from gateway.store.brakes import BrakeBook
from gateway.store.events import Events
from gateway.store.fanout import FanOuts
from gateway.store.fuses import Fuses, Held
from gateway.store.incidents import Crisis, Incidents, people_of
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault

DRY_RUN = "/v1/events/dry-run"
CRISES = "/v1/crises"
FUSES = "/v1/fuses"
CORRECTIONS = "/v1/corrections"
NOTICES = "/v1/notices"

Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
Queue = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$")]


class CrisisBody(BaseModel):
    """subject: our id, kind and name (flight:...), or a name that only one thing has. why: shown to everybody who wonders."""

    model_config = ConfigDict(extra="forbid")

    subject: Short
    why: Line
    queue: Queue = "crisis"


class ReleaseBody(BaseModel):
    """people: tell only so many more; without it, all."""

    model_config = ConfigDict(extra="forbid")

    why: Line
    people: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None


Words = dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], Annotated[str, Field(max_length=2000)]]


class CorrectionBody(BaseModel):
    """event: our id; notification: which of its notifications was wrong, where it had several. dryRun: count only."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    event: Annotated[str, Field(pattern=r"^e\d\d[0-9a-z]{16}$")]
    notification: Word | None = None
    words: Words
    why: Line
    dry_run: Annotated[bool, Field(strict=True, alias="dryRun")] = False


class NoticeBody(BaseModel):
    """subjects: flight:..., trip:..., outage:..., order:..., area:SERVICE/COUNTRY/POSTCODE, or ids. until: of no use after it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    subjects: Annotated[list[Short], Field(min_length=1, max_length=50)]
    words: Words
    purpose: Literal["journey", "service"] = "journey"
    until: Moment | None = None
    why: Line
    dry_run: Annotated[bool, Field(strict=True, alias="dryRun")] = False


class WhyBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    why: Line


Rehearse = Callable[..., Awaitable[dict[str, Any]]]
"""(content type, headers, body, key, reveal=) -> the answer; raises Refused"""


@dataclass(frozen=True, slots=True)
class BrakeDeps:
    """second: above how many people a release takes two keys; correct, notice: do it for whoever the key is"""

    rehearse: Rehearse
    correct: Callable[[CorrectionBody, str], Awaitable[dict[str, Any]]]
    notice: Callable[[NoticeBody, str], Awaitable[dict[str, Any]]]
    incidents: Incidents
    subjects: Subjects
    fuses: Fuses
    events: Events
    fans: FanOuts
    second: int
    book: BrakeBook
    vault: Vault
    clock: Clock


def add_routes(app: web.Application, deps: BrakeDeps | None, keys: ApiKeys) -> None:
    """deps: None where this process expands nothing; every request is then told so."""
    routes = Routes(deps)
    app.router.add_post(DRY_RUN, guarded(keys, Scope.EVENTS, routes.post_dry_run))
    app.router.add_get("/v1/events/{event}", guarded(keys, Scope.EVENTS, routes.get_event))
    app.router.add_get(FUSES, guarded(keys, Scope.ADMIN, routes.get_fuses))
    app.router.add_post(FUSES + "/{event}/release", guarded(keys, Scope.ADMIN, routes.post_release))
    app.router.add_post(FUSES + "/{event}/discard", guarded(keys, Scope.ADMIN, routes.post_discard))
    app.router.add_post(CORRECTIONS, guarded(keys, Scope.ADMIN, routes.post_correction))
    app.router.add_post(NOTICES, guarded(keys, Scope.ADMIN, routes.post_notice))
    app.router.add_get(CRISES, guarded(keys, Scope.ADMIN, routes.get_crises))
    app.router.add_post(CRISES, guarded(keys, Scope.ADMIN, routes.post_crisis))
    app.router.add_post(CRISES + "/{subject}/lift", guarded(keys, Scope.ADMIN, routes.post_lift))


class Routes:
    def __init__(self, deps: BrakeDeps | None) -> None:
        self._deps = deps

    @property
    def _d(self) -> BrakeDeps:
        if self._deps is None:
            raise Refused(problem(503, "not_here", "This process does not do that: ask one with the role intake."))
        return self._deps

    async def post_dry_run(self, request: web.Request, key: ApiKey) -> web.Response:
        headers: Mapping[str, str] = request.headers
        reveal = reveals(request, key)
        raw = await request.read()
        answer = await self._d.rehearse(headers.get("Content-Type", ""), headers, raw, key, reveal=reveal)
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    # what people say to many

    async def post_correction(self, request: web.Request, key: ApiKey) -> web.Response:
        return web.json_response(await self._d.correct(await body_of(request, CorrectionBody), key.name))

    async def post_notice(self, request: web.Request, key: ApiKey) -> web.Response:
        return web.json_response(await self._d.notice(await body_of(request, NoticeBody), key.name))

    # how far

    async def get_event(self, request: web.Request, key: ApiKey) -> web.Response:
        deps, event = self._d, _event(request, "this event is not under way: it is closed, or was never kept here")
        found = await underway(deps.events, deps.subjects, deps.fans, deps.clock, event)
        if found is None:
            raise NotFound("this event is not under way: it is closed, or was never kept here")
        left = found.seconds_left
        return web.json_response(
            {
                "event": event,
                "state": found.state,
                "people": found.people,
                "done": found.done,
                "per_second": round(found.per_second, 1),
                "seconds_left": round(left) if left is not None else None,
            }
        )

    # fuses

    async def get_fuses(self, request: web.Request, key: ApiKey) -> web.Response:
        return web.json_response({"fuses": [_held(one) for one in await self._d.fuses.all()]})

    async def post_release(self, request: web.Request, key: ApiKey) -> web.Response:
        """200 released; 202 asked, where another key confirms."""
        deps, event = self._d, _event(request)
        body = await body_of(request, ReleaseBody)
        released, held = await deps.fuses.release(event, who=key.name, why=body.why, part=body.people, second=deps.second)
        if released:
            await deps.events.reopen(event)
        return web.json_response({**_held(held), "released": released}, status=200 if released else 202)

    async def post_discard(self, request: web.Request, key: ApiKey) -> web.Response:
        deps, event = self._d, _event(request)
        body = await body_of(request, WhyBody)
        held = await deps.fuses.discard(event, who=key.name, why=body.why)
        await deps.events.reopen(event)
        return web.json_response(_held(held))

    # crises

    async def get_crises(self, request: web.Request, key: ApiKey) -> web.Response:
        return web.json_response({"crises": [_crisis(one) for one in await self._d.incidents.all()]})

    async def post_crisis(self, request: web.Request, key: ApiKey) -> web.Response:
        deps = self._d
        body = await body_of(request, CrisisBody)
        subject = await find_subject(body.subject.strip(), deps.vault, deps.book)
        people = await people_of(deps.subjects, subject)
        crisis = Crisis(subject, people, body.subject.strip(), body.queue, key.name, body.why, deps.clock.now_ms())
        await deps.incidents.begin(crisis)
        return web.json_response(_crisis(crisis), status=201)

    async def post_lift(self, request: web.Request, key: ApiKey) -> web.Response:
        """The first key asks (202), another one confirms (200)."""
        subject = request.match_info["subject"]
        if not is_id(subject, "j"):
            raise NotFound("there is no crisis about it")
        body = await body_of(request, WhyBody)
        lifted, crisis = await self._d.incidents.lift(SubjectId(subject), who=key.name, why=body.why)
        return web.json_response({**_crisis(crisis), "lifted": lifted}, status=200 if lifted else 202)


def _event(request: web.Request, otherwise: str = "no such event is held") -> EventId:
    event = request.match_info["event"]
    if not is_id(event, "e"):
        raise NotFound(otherwise)
    return EventId(event)


def _held(one: Held) -> dict[str, Any]:
    asked = one.asked
    return {
        "event": one.event,
        "subject": one.subject,
        "notifications": list(one.notifications),
        "people": one.people,
        "told": one.reached,
        "why": one.why,
        "limit": one.limit,
        "state": one.state,
        "since": iso(one.at_ms),
        "by": one.by or None,
        "asked": {"who": asked.who, "why": asked.why, "at": iso(asked.at_ms), "people": one.asked_part} if asked else None,
    }


def _crisis(one: Crisis) -> dict[str, Any]:
    asked = one.asked
    return {
        "subject": one.subject,
        "said": one.said,
        "queue": one.queue,
        "since": iso(one.at_ms),
        "who": one.who,
        "why": one.why,
        "asked": {"who": asked.who, "why": asked.why, "at": iso(asked.at_ms)} if asked else None,
    }
