"""The ``messages`` and ``message_attachments`` edges of a Page."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.graph.call import Call
from sandbox.graph.page_call import page_call, params
from sandbox.messenger import actions, attachments, message, send
from sandbox.messenger.attachments import Bytes
from sandbox.messenger.errors import invalid
from sandbox.messenger.reading import one_of, thing
from sandbox.store import Json


async def _upload(this: Call) -> Bytes | None:
    """The part ``filedata`` of a multipart request."""
    if this.request.content_type != "multipart/form-data":
        return None
    form: Any = await this.request.post()
    part = form.get("filedata")
    if not isinstance(part, web.FileField):
        return None
    return Bytes(part.content_type, part.file.read(), part.filename or None)


@page_call("POST", "page", "messages")
async def post_messages(this: Call, page: Json) -> Json:
    """A message or an action; an upload and a url are fetched before it is answered."""
    world, body = this.world, await params(this)
    if body.get("sender_action") and body.get("message") is None:
        return actions.act(world, page, body)
    checked = send.check(world, page, body, await _upload(this))
    for file in checked.draft.files:
        await attachments.settle(world, page["id"], file)
    with world.store.tx():
        answer, rows = send.accept(world, page, checked, this.base)
    for row in rows:
        await world.webhooks.settled(row, world.config.webhook_timeout_s)
    return answer


@page_call("POST", "page", "message_attachments")
async def keep_attachment(this: Call, page: Json) -> Json:
    """A file for later sends, by url or as ``filedata``; its id lives 90 days. raises: 100 with its subcodes"""
    world, body = this.world, await params(this)
    one_of(body.get("platform") or "messenger", "platform", ("messenger", "instagram"))
    path = "message[attachment]"
    attachment = thing(thing(body.get("message"), "message", ("attachment",)).get("attachment"), path, ("type", "payload"))
    kind = one_of(attachment.get("type"), f"{path}[type]", attachments.KINDS)
    payload = thing(attachment.get("payload") if attachment.get("payload") is not None else {}, f"{path}[payload]")
    if payload.get("attachment_id") is not None:
        raise invalid(f"Param {path}[payload] must have url or an uploaded file")
    file = message.file_of(world, page, kind, payload, path, await _upload(this))
    file.reusable = True  # that is what this edge is for, whatever is_reusable says
    await attachments.settle(world, page["id"], file)
    return {"attachment_id": file.media_id}
