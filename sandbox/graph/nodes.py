"""What an id in the path means: a phone number, a WABA, the app, a template, a file; a Page and what is a Page's."""

from __future__ import annotations

import json

from sandbox import media
from sandbox.graph import page_account, page_people, page_templates
from sandbox.graph.call import FINDERS
from sandbox.store import Json
from sandbox.world import World


def _account(world: World, node_id: str) -> tuple[str, Json] | None:
    if (number := world.account.number(node_id)) is not None:
        return "number", number
    if (waba := world.account.waba(node_id)) is not None:
        return "waba", waba
    if node_id in (world.config.app_id, "app"):
        return "app", {"id": world.config.app_id}
    return None


def _template(world: World, node_id: str) -> tuple[str, Json] | None:
    row = world.store.row("SELECT * FROM templates WHERE id = ?", node_id)
    return None if row is None else ("template", {**json.loads(row["doc"]), "id": row["id"], "waba_id": row["waba_id"],
                                                  "name": row["name"], "language": row["language"], "status": row["status"]})


def _media(world: World, node_id: str) -> tuple[str, Json] | None:
    found = media.get(world, node_id)
    return None if found is None else ("media", found)


def _special(world: World, node_id: str) -> tuple[str, Json] | None:
    return ("debug_token", {}) if node_id == "debug_token" else None


FINDERS += [_account, page_account.find, page_templates.find, _template, _media, page_people.find, _special]
