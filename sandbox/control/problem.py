"""Refusals of the control API: problem JSON (RFC 9457), and reading its bodies."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.store import Json


class Problem(Exception):
    """An answer with this status; ``detail`` says what is wrong and what would be right."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@web.middleware
async def answer_problems(request: web.Request, handler: Any) -> web.StreamResponse:
    """Problems as JSON; and no page of another origin may steer the sandbox."""
    try:
        origin = request.headers.get("Origin")
        if (request.path.startswith("/sandbox/") and request.method != "GET" and origin is not None
                and origin.partition("://")[2] != request.host):
            raise Problem(403, "requests from another origin are refused")
        response: web.StreamResponse = await handler(request)
        return response
    except Problem as problem:
        body = {"type": "about:blank", "title": _TITLES.get(problem.status, "Error"), "status": problem.status,
                "detail": problem.detail}
        return web.Response(status=problem.status, text=json.dumps(body), content_type="application/problem+json")


_TITLES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


async def body_of(request: web.Request) -> Json:
    """The JSON object of a request. raises: Problem 400"""
    try:
        body = await request.json()
    except ValueError:
        raise Problem(400, "the body must be JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, "the body must be a JSON object")
    return body


def check(body: Json, kinds: dict[str, type | tuple[type, ...]], required: tuple[str, ...] = ()) -> Json:
    """Only known fields, of the right types; None is taken as 'not set'. raises: Problem 400"""
    for key in required:
        if body.get(key) is None:
            raise Problem(400, f"the field {key!r} is missing")
    for key, value in body.items():
        if key not in kinds:
            raise Problem(400, f"no field is named {key!r}; there are: {', '.join(kinds)}")
        kind = kinds[key]
        allowed = kind if isinstance(kind, tuple) else (kind,)
        if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and bool not in allowed)):
            raise Problem(400, f"the field {key!r} must be {' or '.join(k.__name__ for k in allowed)}")
    return body
