"""Media by API: upload, look up, delete, download; and the resumable uploads that templates' examples come from."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import media
from sandbox.errors import GraphError, object_missing
from sandbox.graph import auth
from sandbox.graph.call import FINDERS, MESSAGING, Call, call
from sandbox.keys import WORLD
from sandbox.store import Json
from sandbox.world import World


@call("POST", "number", "media", scope=MESSAGING)
async def upload(this: Call) -> Json:
    """raises: 100 for a missing part, 131053 for a type or size that is not taken"""
    form: Any = await this.request.post() if this.request.content_type == "multipart/form-data" else {}
    this.log["body"] = {key: value if isinstance(value, str) else "(file)" for key, value in form.items()}
    if form.get("messaging_product") != "whatsapp":
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    if not isinstance(form.get("type"), str):
        raise GraphError(100, message="(#100) The parameter type is required.")
    file = form.get("file")
    if not isinstance(file, web.FileField):
        raise GraphError(100, message="(#100) The parameter file is required.")
    data = file.file.read()
    kind = "document" if media.TYPES.get(media.base_type(file.content_type), ("",))[0] == "document" else None
    if (why := media.misfit(file.content_type, len(data), kind)) is not None:
        raise GraphError(131053, why)
    if (fault := this.world.faults.take("media_refused", this.node_id)) is not None:
        raise GraphError(fault["code"])
    with this.world.store.tx():
        media_id = media.save(this.world, number_id=this.node_id, mime=file.content_type, filename=file.filename or None,
                              data=data, origin="upload")
        if this.world.faults.take("media_gone", this.node_id) is not None:
            media.drop(this.world, media_id)
    return {"id": media_id}


def _owned(this: Call) -> None:
    """``phone_number_id``, when given, must be the number the file belongs to."""
    asked = this.request.query.get("phone_number_id")
    if asked is not None and asked != this.node["phone_number_id"]:
        raise object_missing(this.node_id, this.request.method)


@call("GET", "media", scope=MESSAGING)
async def look_up(this: Call) -> Json:
    _owned(this)
    found = this.node
    with this.world.store.tx():
        url = media.url_of(this.world, this.node_id, this.base, "getMedia")
    return {"url": url, "mime_type": found["mime"], "sha256": found["sha256"], "file_size": found["size"],
            "id": this.node_id, "messaging_product": "whatsapp"}


@call("DELETE", "media", scope=MESSAGING)
async def delete(this: Call) -> Json:
    """The id is gone at once; phones keep what they have."""
    _owned(this)
    media.drop(this.world, this.node_id)
    return {"success": True}


async def download(request: web.Request) -> web.Response:
    """The short-lived url: 401 without the token, 404 once it is over."""
    world = request.app[WORLD]
    try:
        auth.caller(world, request)
    except GraphError as error:
        return web.json_response(error.body(world.ids.trace()), status=401)
    row = world.store.row(
        "SELECT m.data, m.mime FROM media_urls u JOIN media m ON m.id = u.media_id WHERE u.hash = ? AND u.media_id = ? "
        "AND u.expires_ms > ? AND m.expires_ms > ?", request.query.get("hash", ""), request.query.get("mid", ""),
        world.clock.now_ms(), world.clock.now_ms())
    if row is None:
        return web.Response(status=404, text="")
    return web.Response(body=row["data"], content_type=media.base_type(row["mime"]))


ROUTES = [web.get("/whatsapp_business/attachments/", download)]


# Resumable uploads: POST /{app-id}/uploads, then the bytes to /upload:<id>; the answer's handle goes into examples.

@call("POST", "app", "uploads", scope=None)
async def begin_upload(this: Call) -> Json:
    body = {**{key: value for key, value in this.request.query.items() if key != "access_token"}, **await this.read_object()}
    mime, length = body.get("file_type"), str(body.get("file_length", ""))
    if not isinstance(mime, str) or not length.isdigit() or int(length) == 0:
        raise GraphError(100, message="(#100) The parameters file_length and file_type are required.")
    if mime not in ("application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4"):
        raise GraphError(100, message=f"(#100) Param file_type: {mime[:80]} is not supported.")
    upload_id = "upload:" + this.world.ids.hex_lower(32)
    this.world.store.run("INSERT INTO uploads (id, mime, length) VALUES (?, ?, ?)", upload_id, mime, int(length))
    return {"id": upload_id}


def _upload(world: World, node_id: str) -> tuple[str, Json] | None:
    row = world.store.row("SELECT * FROM uploads WHERE id = ?", node_id)
    return None if row is None else ("upload", dict(row))


FINDERS.append(_upload)


@call("POST", "upload", scope=None)
async def put_upload(this: Call) -> Json:
    data = await this.request.read()
    offset = this.request.headers.get("file_offset", "0")
    if offset != "0" or len(data) != this.node["length"]:
        raise GraphError(100, message="(#100) The bytes do not fit the announced file_length.")
    handle = "4::" + this.world.ids.hex_lower(40)
    this.world.store.run("UPDATE uploads SET handle = ?, data = ? WHERE id = ?", handle, data, this.node_id)
    return {"h": handle}


@call("GET", "upload", scope=None)
async def upload_state(this: Call) -> Json:
    return {"id": this.node_id, "file_offset": len(this.node["data"] or b"")}
