"""GET /v1/webcare/measures: how people were answered by people, per brand and queue, or per half hour too. No personal data."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.api.auth import guarded
from gateway.api.fields import aware, instant_of
from gateway.api.people import People
from gateway.api.problems import Refused, problem
from gateway.api.views import iso
from gateway.errors import BadInput, Problem
from gateway.rules.measures import GOAL, HAND_OVER_GOAL, T_MS, VERSION, Key, Measures, by_queue, half_hours, total
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

PATH = "/v1/webcare/measures"
DAY_MS = 24 * 3600_000


def add_routes(app: web.Application, people: People, keys: ApiKeys) -> None:
    """Every request is told where this process has no history (people.past)."""
    routes = Routes(people)
    app.router.add_get(PATH, guarded(keys, Scope.MESSAGES_READ, routes.get_measures))


class Routes:
    def __init__(self, people: People) -> None:
        self._people = people

    async def get_measures(self, request: web.Request, key: ApiKey) -> web.Response:
        """?from=...&to=... (RFC 3339; default: the last day), ?brand=, ?queue=, ?by=queue (default) or half_hour."""
        if self._people.past is None:
            raise Refused(problem(503, "not_here", "This process does not do that: ask one with the role intake."))
        from gateway.insight.webcare_report import LONGEST_MS, read

        now = self._people.clock.now_ms()
        query = request.query
        until = _time(query, "to", now)
        since = _time(query, "from", until - DAY_MS)
        problems = []
        if since >= until:
            problems.append(Problem("from", "should be before `to`"))
        elif until - since > LONGEST_MS:
            problems.append(Problem("from", f"should be at most {LONGEST_MS // DAY_MS} days before `to`"))
        if query.get("by", "queue") not in ("queue", "half_hour"):
            problems.append(Problem("by", "should be queue or half_hour"))
        if problems:
            raise BadInput(problems)
        database = await self._people.past.database()
        hours = self._people.plan.calendar
        found = await database.count(lambda connection: read(connection, since_ms=since, until_ms=until, now_ms=now, hours=hours))
        chosen: dict[Key, Measures] = {
            name: one
            for name, one in found.items()
            if query.get("brand", name[0]) == name[0] and query.get("queue", name[1]) == name[1] and key.speaks_for_brand(name[0])
        }
        if query.get("by", "queue") == "queue":
            rows = [{"brand": brand, "queue": queue, **as_json(one)} for (brand, queue), one in by_queue(chosen).items()]
        else:
            rows = [
                {"brand": brand, "queue": queue, "from": iso(at), **as_json(one)}
                for (brand, queue, at), one in half_hours(chosen)
            ]
        return web.json_response(
            {
                "definition": VERSION,
                "from": iso(since),
                "to": iso(until),
                "within_s": T_MS // 1000,
                "goals": {"service_level": GOAL, "hand_over_rate": HAND_OVER_GOAL},
                "all": as_json(total(chosen.values())),
                "rows": rows,
            }
        )


def as_json(one: Measures) -> dict[str, Any]:
    """Times in seconds; a share of nothing is null."""
    return {
        "began": one.began,
        "answered": one.answered,
        "within": one.within,
        "abandoned": one.abandoned,
        "waiting": one.waiting,
        "service_level": one.service_level,
        "asa_s": None if one.asa_ms is None else one.asa_ms / 1000,
        "longest_s": one.longest_ms / 1000,
        "resolved": one.resolved,
        "hand_over_rate": one.hand_over_rate,
        "reopen_rate": one.reopen_rate,
        "resolved_by_automation": one.automated,
    }


def _time(query: Any, name: str, otherwise: int) -> int:
    text = query.get(name, "")
    if not text:
        return otherwise
    try:
        return instant_of(aware(text))
    except ValueError as error:
        raise BadInput([Problem(name, str(error))]) from error
