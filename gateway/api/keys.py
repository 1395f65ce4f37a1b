"""/v1/keys: make, list and end API keys. A key is shown once, in the answer that made it."""

from __future__ import annotations

from typing import Annotated

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.api import views
from gateway.api.auth import guarded
from gateway.api.fields import body_of
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

PATH = "/v1/keys"

log = structlog.get_logger()


class KeyBody(BaseModel):
    """sources: "/ops/*" all below, "/ops/flights" that one. Empty sources, types or brands: all of them.

    rights: of scope desk, agent@brand/queue and the like
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=41)]
    scopes: Annotated[list[str], Field(max_length=10)]
    sources: Annotated[list[str], Field(default_factory=list, max_length=50)]
    types: Annotated[list[str], Field(default_factory=list, max_length=20)]
    brands: Annotated[list[str], Field(default_factory=list, max_length=50)]
    rights: Annotated[list[str], Field(default_factory=list, max_length=50)]


def add_routes(app: web.Application, keys: ApiKeys) -> None:
    async def post_key(request: web.Request, key: ApiKey) -> web.Response:
        body = await body_of(request, KeyBody)
        made = await keys.make(
            body.name, body.scopes, sources=body.sources, types=body.types, brands=body.brands, rights=body.rights
        )
        log.info("key.made", key_name=body.name, by=key.name)
        return web.json_response(
            {"name": body.name, "key": made.reveal()}, status=201, headers={"Cache-Control": "no-store"}
        )

    async def get_keys(request: web.Request, key: ApiKey) -> web.Response:
        return web.json_response({"keys": [_shown(one) for one in await keys.all()]})

    async def delete_key(request: web.Request, key: ApiKey) -> web.Response:
        await keys.end(request.match_info["name"])
        log.info("key.ended", key_name=request.match_info["name"], by=key.name)
        return web.Response(status=204)

    app.router.add_get(PATH, guarded(keys, Scope.ADMIN, get_keys))
    app.router.add_post(PATH, guarded(keys, Scope.ADMIN, post_key))
    app.router.add_delete(PATH + "/{name}", guarded(keys, Scope.ADMIN, delete_key))


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "sources": list(key.sources),
        "types": list(key.types),
        "brands": list(key.brands),
        "rights": list(key.rights),
        "made_at": views.iso(key.made_ms),
    }
