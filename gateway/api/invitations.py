"""/v1/invitations: make a link that binds a chat to an order, see how far it came, revoke it."""

from __future__ import annotations

import re

import structlog
from aiohttp import web

from gateway.api.auth import guarded
from gateway.api.fields import body_of
from gateway.api.inviting import InvitationBody, Inviting, shown, with_links
from gateway.api.problems import Refused, problem
from gateway.errors import BadInput, Problem
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

PATH = "/v1/invitations"
_KEY = re.compile(r"[!-~]{1,200}")

log = structlog.get_logger()


def add_routes(app: web.Application, inviting: Inviting, keys: ApiKeys) -> None:
    async def post_invitation(request: web.Request, key: ApiKey) -> web.Response:
        """201, or 200 for the same request once more: it says the same links. They are told to nobody else."""
        asked = request.headers.get("Idempotency-Key", "")
        if asked and not _KEY.fullmatch(asked):
            raise BadInput([Problem("Idempotency-Key", "should be 1 to 200 printable characters, new for each intention")])
        body = await body_of(request, InvitationBody)
        if not key.speaks_for_brand(body.brand or inviting.default_brand):
            barred = [{"field": "brand", "message": "is none that this key speaks for"}]
            raise Refused(problem(403, "forbidden", "This key does not speak for this brand.", problems=barred))
        made, links, new = await inviting.make(body, key.name, request=asked)
        if new:
            log.info("invitation.made", invitation_id=made.id, key_name=key.name)
        answer = with_links(made, links, inviting.clock.now_ms())
        return web.json_response(answer, status=201 if new else 200, headers={"Cache-Control": "no-store"})

    async def get_invitation(request: web.Request, key: ApiKey) -> web.Response:
        found = await inviting.get(request.match_info["invitation"], key)
        return web.json_response(shown(found, inviting.clock.now_ms()))

    async def delete_invitation(request: web.Request, key: ApiKey) -> web.Response:
        await inviting.revoke(request.match_info["invitation"], key)
        return web.Response(status=204)

    one = PATH + "/{invitation}"
    app.router.add_post(PATH, guarded(keys, Scope.CONTACTS_WRITE, post_invitation))
    app.router.add_get(one, guarded(keys, Scope.CONTACTS_READ, get_invitation))
    app.router.add_delete(one, guarded(keys, Scope.CONTACTS_WRITE, delete_invitation))
