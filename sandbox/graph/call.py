"""One call on its way through the dispatcher, and the registry of what can be called."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.errors import GraphError
from sandbox.graph.auth import Caller
from sandbox.store import Json
from sandbox.world import World

MESSAGING = "whatsapp_business_messaging"
MANAGEMENT = "whatsapp_business_management"


@dataclass
class Call:
    """``node``: the object addressed (its kind and document); ``version``: as it stood in the path, v25.0."""

    world: World
    request: web.Request
    who: Caller
    version: str
    node_id: str
    kind: str
    node: Json
    body: Any = None
    log: Json = field(default_factory=dict)

    @property
    def base(self) -> str:
        """This server's address as the client wrote it."""
        return f"{self.request.scheme}://{self.request.host}"

    async def read(self) -> Any:
        """The parameters: a JSON body, a form, or the query. raises: 100 for a body that is no JSON"""
        if self.body is None:
            self.body = await read_body(self.request)
            self.log["body"] = self.body
        return self.body

    async def read_object(self) -> Json:
        body = await self.read()
        if not isinstance(body, dict):
            raise GraphError(100, "The request body must be a JSON object.")
        return body


async def read_body(request: web.Request) -> Any:
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        return {key: json_or_text(value) for key, value in form.items() if isinstance(value, str)}
    raw = await request.read()
    if not raw:
        return {key: json_or_text(value) for key, value in request.query.items() if key != "access_token"}
    try:
        return json.loads(raw)
    except ValueError:
        raise GraphError(100, message="(#100) The request body is not valid JSON.") from None


def json_or_text(value: str) -> Any:
    if value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


Handler = Callable[[Call], Awaitable[web.StreamResponse | Json]]
# (method, kind of node, edge or "") -> (scope, handler)
CALLS: dict[tuple[str, str, str], tuple[str | None, Handler]] = {}
# Looks a node up: (world, id) -> (kind, document) or None; asked in order
Finder = Callable[[World, str], tuple[str, Json] | None]
FINDERS: list[Finder] = []


def call(method: str, kind: str, edge: str = "", *, scope: str | None = MANAGEMENT) -> Callable[[Handler], Handler]:
    """Register a handler. ``scope`` None: the handler looks for itself who may."""
    def keep(handler: Handler) -> Handler:
        CALLS[method, kind, edge] = (scope, handler)
        return handler

    return keep


def fields_of(request: web.Request, default: tuple[str, ...]) -> list[str]:
    """The asked fields, without the parts in braces."""
    asked = request.query.get("fields")
    if not asked:
        return list(default)
    depth, flat = 0, ""
    for char in asked:
        depth += (char in "{(") - (char in "})")
        if depth == 0 and char not in "})":
            flat += char
    return [name.strip().split(".")[0] for name in flat.split(",") if name.strip()]
