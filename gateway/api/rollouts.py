"""/v1/rollouts: phased roll-outs, seen and steered. Scope admin; who does something by a key is the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.auth import guarded
from gateway.api.brakes import Line
from gateway.api.fields import Short, Word, body_of
from gateway.api.problems import Refused, problem
from gateway.api.views import iso
from gateway.directory import Directory
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.notifications.catalogue import Catalogue
from gateway.planning import rolling_start
from gateway.rules import rollout_moves
from gateway.rules.rollout import Limits, Match, Rollout, Stage
from gateway.store.apikeys import ApiKey, ApiKeys, Scope
from gateway.store.rollouts import Rollouts

PATH = "/v1/rollouts"

Percent = Annotated[float, Field(ge=0, le=100)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Names = Annotated[list[Word], Field(max_length=50)]


class StageBody(BaseModel):
    """hours, people: at least so long and so many people told before the next stage."""

    model_config = ConfigDict(extra="forbid")

    share: Percent
    hours: Annotated[float, Field(ge=0, le=24 * 90)]
    people: Annotated[int, Field(strict=True, ge=0, le=100_000_000)] = 0


class LimitsBody(BaseModel):
    """Percent of those who were told, above which it stops; `least`: told before either counts."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    failed: Percent = 5
    opted_out: Annotated[Percent, Field(alias="optedOut")] = 2
    least: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 20


class RolloutBody(BaseModel):
    """What is left out of notifications, brands, senders and the route is all of them. line: OPERATOR/LINE. share: of people, in
    percent; without it the first stage's. holdOut: percent who are never told, to compare with."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: Name
    notifications: Names = []
    brands: Names = []
    senders: Names = []
    origin: Annotated[Short | None, Field(alias="from")] = None
    destination: Annotated[Short | None, Field(alias="to")] = None
    carrier: Short | None = None
    line: Short | None = None
    share: Percent | None = None
    hold_out: Annotated[float, Field(ge=0, le=50, alias="holdOut")] = 0
    stages: Annotated[list[StageBody], Field(max_length=20)] = []
    limits: LimitsBody = LimitsBody()
    why: Line


class MoveBody(BaseModel):
    """share: percent, for raise and lower. revision: as it was seen; 409 where it has changed since."""

    model_config = ConfigDict(extra="forbid")

    share: Percent | None = None
    revision: Annotated[int, Field(strict=True, ge=1)] | None = None
    why: Line


Move = Literal["raise", "lower", "hold", "resume", "end"]


@dataclass(frozen=True, slots=True)
class RolloutDeps:
    book: Rollouts
    catalogue: Catalogue
    directory: Directory


def add_routes(app: web.Application, deps: RolloutDeps | None, keys: ApiKeys) -> None:
    """deps: None where this process plans nothing; every request is then told so."""
    routes = Routes(deps)
    app.router.add_get(PATH, guarded(keys, Scope.ADMIN, routes.get_all))
    app.router.add_post(PATH, guarded(keys, Scope.ADMIN, routes.post_start))
    app.router.add_get(PATH + "/{name}", guarded(keys, Scope.ADMIN, routes.get_one))
    app.router.add_post(PATH + "/{name}/{move}", guarded(keys, Scope.ADMIN, routes.post_move))


class Routes:
    def __init__(self, deps: RolloutDeps | None) -> None:
        self._deps = deps

    @property
    def _d(self) -> RolloutDeps:
        if self._deps is None:
            raise Refused(problem(503, "not_here", "This process does not do that: ask one with the role intake."))
        return self._deps

    async def get_all(self, request: web.Request, key: ApiKey) -> web.Response:
        return web.json_response({"rollouts": [shown(one) for one in await self._d.book.all()]})

    async def get_one(self, request: web.Request, key: ApiKey) -> web.Response:
        return web.json_response(shown(await self._d.book.get(request.match_info["name"])))

    async def post_start(self, request: web.Request, key: ApiKey) -> web.Response:
        body = await body_of(request, RolloutBody)
        match = Match(
            tuple(body.notifications), tuple(body.brands), tuple(body.senders), body.origin or "", body.destination or "",
            body.carrier or "", body.line or "",
        )  # fmt: skip
        limits = Limits(
            rolling_start.in_places(body.limits.failed), rolling_start.in_places(body.limits.opted_out), body.limits.least
        )
        stages = tuple(stage(one.share, round(one.hours * 3600_000), one.people) for one in body.stages)
        rollout = rolling_start.made(
            body.name, match, body.share, stages, self._d.catalogue, self._d.directory,
            hold_out=body.hold_out, limits=limits, who=key.name, why=body.why,
        )  # fmt: skip
        return web.json_response(shown(await self._d.book.start(rollout)), status=201)

    async def post_move(self, request: web.Request, key: ApiKey) -> web.Response:
        name, word = request.match_info["name"], request.match_info["move"]
        if word not in ("raise", "lower", "hold", "resume", "end"):
            raise NotFound("a roll-out is raised, lowered, held, resumed or ended")
        body = await body_of(request, MoveBody)
        seen = await self._d.book.get(name)
        if body.revision is not None and body.revision != seen.revision:
            raise Conflict(f"the roll-out {name} has changed since you looked")
        if (body.share is not None) != (word in ("raise", "lower")):
            raise BadInput([Problem("share", "is missing" if body.share is None else f"has no meaning for {word}")])
        share = rolling_start.in_places(body.share) if body.share is not None else 0
        after = await moved(self._d.book, seen, word, share, who=key.name, why=body.why)
        return web.json_response({**shown(after or seen), "ended": after is None})


async def moved(book: Rollouts, seen: Rollout, word: str, share: int, *, who: str, why: str) -> Rollout | None:
    """Do what a person said. None: it has ended. Raises Conflict, BadInput, StoreUnavailable."""
    match word:
        case "raise":
            return await book.change(seen, rollout_moves.raised(seen, share, who=who, why=why), "rollout_raised")
        case "lower":
            return await book.change(seen, rollout_moves.lowered(seen, share, who=who, why=why), "rollout_lowered")
        case "hold":
            return await book.change(seen, rollout_moves.held(seen, who=who, why=why), "rollout_held")
        case "resume":
            return await book.change(seen, rollout_moves.resumed(seen, who=who, why=why), "rollout_resumed")
    await book.end(seen, who=who, why=why)
    return None


def stage(share: float, least_ms: int, people: int) -> Stage:
    """share: in percent"""
    return Stage(rolling_start.in_places(share), least_ms, people)


def shown(one: Rollout) -> Mapping[str, Any]:
    """Shares in percent. The seed is not shown: with the installation's key it would tell who is in."""
    match = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(one.match).items() if value}
    following = one.next_stage
    return {
        "name": one.name,
        "about": {{"origin": "from", "destination": "to"}.get(name, name): value for name, value in match.items()},
        "share": one.share / 100,
        "holdOut": one.hold_out / 100,
        "state": one.state.value,
        "stages": [
            {"share": each.share / 100, "hours": each.least_ms / 3600_000, "people": each.least_people} for each in one.stages
        ],
        "next": following.share / 100 if following is not None else None,
        "limits": {"failed": one.limits.failed / 100, "optedOut": one.limits.opted_out / 100, "least": one.limits.least},
        "began": iso(one.began_ms),
        "since": iso(one.since_ms),
        "revision": one.revision,
        "who": one.who,
        "why": one.why,
    }
