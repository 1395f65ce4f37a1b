"""What a mass message is seen and held by: /v1/events/dry-run, /v1/crises, /v1/fuses, /v1/corrections, /v1/notices.

Who does something by a key is the key: two people need two keys where two must agree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.api.auth import guarded, reveals
from gateway.api.problems import Refused, problem
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

DRY_RUN = "/v1/events/dry-run"

Rehearse = Callable[..., Awaitable[dict[str, Any]]]
"""(content type, headers, body, key, reveal=) -> the answer; raises Refused"""


@dataclass(frozen=True, slots=True)
class BrakeDeps:
    rehearse: Rehearse


def add_routes(app: web.Application, deps: BrakeDeps | None, keys: ApiKeys) -> None:
    """deps: None where this process expands nothing; every request is then told so."""
    routes = Routes(deps)
    app.router.add_post(DRY_RUN, guarded(keys, Scope.EVENTS, routes.post_dry_run))


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
