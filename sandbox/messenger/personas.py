"""Personas: who speaks, shown above the bubble; Meta, "Personas", 22 April 2026. They are made and deleted, never changed."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from sandbox.messenger import attachments, cdn
from sandbox.messenger.errors import invalid
from sandbox.messenger.reading import text, url
from sandbox.store import Json, dump
from sandbox.world import World

NAME_MOST = 50


async def make(world: World, page_id: str, body: Json) -> str:
    """Fetch the picture and keep both. Returns the id. raises: 100, and what fetching a picture may cost"""
    name = text(body.get("name"), "name", NAME_MOST)
    picture = url(body.get("profile_picture_url"), "profile_picture_url")
    file = attachments.File("image", url=picture)
    await attachments.settle(world, page_id, file)
    persona_id = world.ids.decimal(15, "39")
    world.store.run("INSERT INTO personas VALUES (?, ?, ?, ?)", persona_id, page_id, world.clock.now_ms(),
                    dump({"name": name, "media_id": file.media_id}))
    return persona_id


def get(world: World, persona_id: str) -> Json | None:
    """{id, page_id, name, media_id}"""
    row = world.store.row("SELECT * FROM personas WHERE id = ?", persona_id)
    return None if row is None else _persona(row)


def of_page(world: World, page_id: str) -> list[Json]:
    return [_persona(row) for row in world.store.rows(
        "SELECT * FROM personas WHERE page_id = ? ORDER BY made_ms, rowid", page_id)]


def delete(world: World, persona_id: str) -> None:
    world.store.run("DELETE FROM personas WHERE id = ?", persona_id)


def speaker(world: World, page_id: str, persona_id: Any) -> Json | None:
    """``persona_id`` of a send as the bubble shows it, {name, picture}; None: the Page itself. raises: 100"""
    if persona_id in (None, ""):
        return None
    found = get(world, str(persona_id))
    if found is None or found["page_id"] != page_id:
        raise invalid("Param persona_id is not a persona of this Page")
    return {"name": found["name"], "picture": f"/sandbox/media/{found['media_id']}"}


def picture_url(world: World, persona: Json, base: str) -> str:
    return cdn.url_of(world, str(persona["media_id"]), base)


def _persona(row: sqlite3.Row) -> Json:
    return {**json.loads(row["doc"]), "id": row["id"], "page_id": row["page_id"]}
