"""GET /v1/audit: who did what at the desk and at the brakes, newest first. Nothing here can change it."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.api.auth import guarded
from gateway.api.problems import Refused, problem
from gateway.api.views import iso
from gateway.errors import BadInput, Problem
from gateway.insight.past import Past
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

_PLACE = re.compile(r"\d{1,16}\.\d{1,3}\.\d{1,16}-\d{1,10}", re.ASCII)
_WORD = re.compile(r"[\w.@+ -]{1,80}")


def add_routes(app: web.Application, past: Past | None, keys: ApiKeys) -> None:
    """past: None where this process has no history; every request is then told so."""

    async def get_audit(request: web.Request, key: ApiKey) -> web.Response:
        if past is None:
            raise Refused(problem(503, "not_here", "This process does not do that: ask one with the role intake."))
        from gateway.insight.audit import AuditBook

        query = request.query
        wrong = [name for name in ("agent", "what", "about") if query.get(name) and not _WORD.fullmatch(query[name])]
        if query.get("before") and not _PLACE.fullmatch(query["before"]):
            wrong.append("before")
        if wrong:
            raise BadInput([Problem(name, "should be as an entry of the audit shows it") for name in wrong])
        found = await AuditBook(await past.database()).read(
            agent=query.get("agent", ""), what=query.get("what", ""), about=query.get("about", ""), before=query.get("before", "")
        )
        entries = [
            {"at": iso(one.at_ms), "what": one.what, "agent": one.agent or None, "about": list(one.about), "detail": one.detail}
            for one in found
        ]
        return web.json_response({"entries": entries, "next": found[-1].place if found else None})

    app.router.add_get("/v1/audit", guarded(keys, Scope.ADMIN, get_audit))
