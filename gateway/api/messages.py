"""/v1/messages: where a message is, and why. Text and address only for a key that may, when it asks."""

from __future__ import annotations

import structlog
from aiohttp import web

from gateway.api import views
from gateway.api.auth import guarded, reveals
from gateway.api.people import People
from gateway.errors import BadInput, NotFound, Problem, Sealed
from gateway.model.ids import MessageId, is_id
from gateway.store.apikeys import ApiKey, ApiKeys, Scope
from gateway.store.outbox import open_message

PATH = "/v1/messages"

log = structlog.get_logger()


def add_routes(app: web.Application, people: People, keys: ApiKeys) -> None:
    routes = Routes(people)
    app.router.add_get(PATH, guarded(keys, Scope.MESSAGES_READ, routes.get_messages))
    app.router.add_get(PATH + "/{message}", guarded(keys, Scope.MESSAGES_READ, routes.get_message))


class Routes:
    def __init__(self, people: People) -> None:
        self._people = people

    async def get_message(self, request: web.Request, key: ApiKey) -> web.Response:
        reveal = reveals(request, key)
        given = request.match_info["message"]
        found = await self._people.outbox.record(MessageId(given)) if is_id(given, "m") else None
        if found is None:
            raise NotFound("no such message, or it is forgotten: messages are kept until 8 days after their end")
        record, sealed = found
        if not reveal:
            return web.json_response(views.message_json(record))
        log.info("message.revealed", message_id=record.id, key_name=key.name)
        contact = await self._people.get(record.contact)
        box = await self._people.vault.contact_box(contact.id)
        try:
            body = open_message(box, record, sealed)
        except (Sealed, ValueError):  # its text was destroyed with what it was sealed with
            body = {}
        address = next((one for one in contact.profile.addresses if one.id == record.address), None)
        return web.json_response(views.message_json(record, body=body, address=address))

    async def get_messages(self, request: web.Request, key: ApiKey) -> web.Response:
        """The last message of each thing a contact was or is to be told, newest first."""
        given = request.query.get("contact", "")
        if not is_id(given, "c"):
            raise BadInput(
                [Problem("contact", "should be an id of ours such as c07...; POST /v1/contacts/search finds it")]
            )
        contact = await self._people.get(given)
        found = await self._people.messages(contact.id)
        return web.json_response({"messages": [views.message_json(record) for record, _ in found]})
