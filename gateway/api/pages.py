"""/v1/contacts/{id}/pages: the pages of somebody's passes and tickets, and letting one be opened on another device."""

from __future__ import annotations

import structlog
from aiohttp import web

from gateway.api import views
from gateway.api.auth import guarded
from gateway.api.people import People
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

PATH = "/v1/contacts/{contact}/pages"

log = structlog.get_logger()


def add_routes(app: web.Application, people: People, keys: ApiKeys) -> None:
    async def get_pages(request: web.Request, key: ApiKey) -> web.Response:
        contact = await people.get(request.match_info["contact"])
        now_ms = people.clock.now_ms()
        return web.json_response({"pages": [views.page_json(one, now_ms) for one in await people.passes.of_contact(contact.id)]})

    async def delete_device(request: web.Request, key: ApiKey) -> web.Response:
        contact, page = await people.get(request.match_info["contact"]), request.match_info["page"]
        undone = await people.unbind(contact, page, by="api")
        log.info("contact.page_unbound", contact_id=contact.id, page_id=page, key_name=key.name)
        return web.json_response({"answer": "unbound" if undone else "same"})

    app.router.add_get(PATH, guarded(keys, Scope.CONTACTS_READ, get_pages))
    app.router.add_delete(PATH + "/{page}/device", guarded(keys, Scope.CONTACTS_WRITE, delete_device))
