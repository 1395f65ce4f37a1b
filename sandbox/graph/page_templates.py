"""Utility templates of a Page by API: create (or clone from the library), list, get, edit, delete, search the library.

Meta, Page edge "Message Templates", v26.0, and "Send a utility message", 13 March 2026.
"""

from __future__ import annotations

from typing import Any

from sandbox import review
from sandbox.errors import review_error
from sandbox.graph.call import Call, call, fields_of
from sandbox.graph.page_call import UTILITY, admit, page_call, params
from sandbox.graph.templates_api import cursor
from sandbox.messenger import library, pages, template_rules, templates
from sandbox.messenger import world as page_world
from sandbox.messenger.conversations import time_of
from sandbox.messenger.errors import PageError, invalid, no_permission
from sandbox.messenger.reading import one_of, text
from sandbox.store import Json
from sandbox.world import World

FIELDS = ("id", "name", "language", "status", "category", "components", "parameter_format")
KNOWN = (*FIELDS, "rejected_reason", "rejection_reasons", "specific_rejection_reasons", "creation_time", "last_updated_time",
         "language_count", "library_template_name", "sub_category")
_CREATE = ("name", "language", "category", "components", "parameter_format", "library_template_name",
           "library_template_body_inputs", "library_template_button_inputs", "allow_category_change")
TEMPLATES_MOST = 6_000
"""No limit of a Page is documented: that of a verified account of the other channel."""


def _allowed(page: Json) -> None:
    """raises: 10 with the region's refusal"""
    if not page["utility"]:
        raise no_permission(UTILITY)


@page_call("POST", "page", "message_templates", scope=UTILITY)
async def create(this: Call, page: Json) -> Json:
    """raises: 100 with 2018416, 2388051, 2388024; 10 where utility messages are not offered"""
    world, body = this.world, await params(this)
    _allowed(page)
    if unknown := [key for key in body if key not in _CREATE]:
        raise invalid(f"Unexpected key \"{unknown[0]}\" on param \"message_templates\"")
    name, language = text(body.get("name"), "name", 512), text(body.get("language"), "language", 8)
    if not template_rules.NAME.match(name):
        raise invalid("Param name must be lower-case letters, digits and underscores")
    if not template_rules.LANGUAGE.match(language):
        raise invalid("Param language must be a code such as en or en_GB")
    one_of(str(body.get("category") or "UTILITY").upper(), "category", ("UTILITY",))
    form = one_of(str(body.get("parameter_format") or "POSITIONAL").upper(), "parameter_format", ("POSITIONAL", "NAMED"))
    cloned = body.get("library_template_name")
    components = body.get("components") if cloned is None else library.components_of(
        str(cloned), language, body.get("library_template_button_inputs"))
    checked = template_rules.check(components, lambda handle: _handle_known(world, handle))
    _room(world, page["id"], name, language)
    with world.store.tx():
        made = templates.make(world, page["id"], name, language, {
            "category": "UTILITY", "parameter_format": form, "components": checked, "rejected_reason": "NONE",
            "library_template_name": cloned})
    return {key: made[key] for key in ("id", "status", "category")}


def _handle_known(world: World, handle: str) -> bool:
    return world.store.row("SELECT 1 FROM uploads WHERE handle = ?", handle) is not None


def _room(world: World, page_id: str, name: str, language: str) -> None:
    if world.store.row("SELECT 1 FROM templates WHERE waba_id = ? AND name = ? AND language = ?", page_id, name, language):
        raise review_error(2388024, "Content in this language already exists",
                           "There is already content in this language for this template.")
    if world.store.count("SELECT COUNT(*) FROM templates WHERE waba_id = ?", page_id) >= TEMPLATES_MOST:
        raise review_error(2388019, "Message template limit exceeded", "Delete templates to make room for new ones.")


def view(world: World, template: Json, names: list[str]) -> Json:
    """The asked fields (and always the id). raises: 100 for a field that is not"""
    reason = template.get("rejected_reason", "NONE")
    whole = {**template, "creation_time": time_of(template.get("made_ms", 0)),
             "last_updated_time": time_of(template.get("changed_ms", 0)),
             "rejection_reasons": [] if reason == "NONE" else [reason], "rejected_reason": None if reason == "NONE" else reason}
    if "language_count" in names:
        whole["language_count"] = world.store.count("SELECT COUNT(*) FROM templates WHERE waba_id = ? AND name = ?",
                                                    template["waba_id"], template["name"])
    for name in names:
        if name not in KNOWN:
            raise invalid(f"Tried accessing nonexisting field ({name}) on node type (MessengerBusinessTemplate)")
    return {name: whole[name] for name in dict.fromkeys((*names, "id")) if whole.get(name) not in (None, [])}


@page_call("GET", "page", "message_templates", scope=UTILITY)
async def list_all(this: Call, page: Json) -> Json:
    _allowed(page)
    query, names = this.request.query, fields_of(this.request, FIELDS)
    limit = query.get("limit", "25")
    if not limit.isdigit() or not 1 <= int(limit) <= 1_000:
        raise invalid("Param limit must be a number from 1 to 1000")
    found = [template for template in review.load_all(this.world, page["id"]) if _matches(template, query)]
    ids = [cursor(template["id"]) for template in found]
    after = query.get("after")
    if after and after not in ids:
        raise invalid("Param after is not a cursor of this list")
    start = ids.index(after) + 1 if after else 0
    chosen = found[start:start + int(limit)]
    answer: Json = {"data": [view(this.world, template, names) for template in chosen]}
    if chosen:
        answer["paging"] = {"cursors": {"before": cursor(chosen[0]["id"]), "after": cursor(chosen[-1]["id"])}}
        if start + len(chosen) < len(found):
            more = this.request.url.update_query(after=cursor(chosen[-1]["id"])).without_query_params("access_token")
            answer["paging"]["next"] = str(more)
    return answer


def _matches(template: Json, query: Any) -> bool:
    """``name`` matches whole or in part; ``content`` looks into the components' texts."""
    content = review.text_of(template["components"]).lower()
    return (query.get("name", "") in template["name"]
            and all(query.get(key) in (None, template[key]) for key in ("status", "language", "category"))
            and query.get("content", "").lower() in content
            and query.get("name_or_content", "").lower() in template["name"] + " " + content)


@page_call("DELETE", "page", "message_templates", scope=UTILITY)
async def delete(this: Call, page: Json) -> Json:
    """All languages of a name, or one by ``template_id`` (``hsm_id`` in older clients)."""
    body = await params(this)
    name = text(body.get("name"), "name", 512)
    one = body.get("template_id") or body.get("hsm_id")
    rows = this.world.store.rows("SELECT id FROM templates WHERE waba_id = ? AND name = ? AND (? IS NULL OR id = ?)",
                                 page["id"], name, one, None if one is None else str(one))
    if not rows:
        raise invalid("Template cannot be found.")
    with this.world.store.tx():
        for row in rows:
            this.world.jobs.drop(f"page_review:{row['id']}")
            this.world.store.run("DELETE FROM templates WHERE id = ?", row["id"])
    return {"success": True}


@page_call("GET", "page_template", scope=UTILITY)
async def get_one(this: Call, page: Json) -> Json:
    return view(this.world, this.node, fields_of(this.request, FIELDS))


@page_call("POST", "page_template", scope=UTILITY)
async def edit(this: Call, page: Json) -> Json:
    """New components; back to review. Approved ones cannot be edited (one production user's report). raises: 100"""
    body, template = await params(this), this.node
    _allowed(page)
    if template["status"] not in ("REJECTED", "PAUSED"):
        raise PageError(100, 2388039, "Only rejected or paused templates can be edited.")
    template["components"] = template_rules.check(body.get("components"), lambda handle: _handle_known(this.world, handle))
    template.update(status="PENDING", rejected_reason="NONE", changed_ms=this.world.clock.now_ms())
    with this.world.store.tx():
        review.store(this.world, template)
        templates.begin(this.world, template["id"])
    return {"success": True}


@call("GET", "message_template_library", scope=None)
async def search_library(this: Call) -> Json:
    """Meta's library; any Page's token (or the system user's) may look."""
    page_id = this.who.page_id or next((page["id"] for page in page_world.all_pages(this.world)), "")
    await admit(this, page_id, UTILITY)
    return {"data": library.search(this.request.query)}


def find(world: World, node_id: str) -> tuple[str, Json] | None:
    """A Page's template, or the library, as a node."""
    if node_id == "message_template_library":
        return "message_template_library", {}
    row = world.store.row("SELECT waba_id FROM templates WHERE id = ?", node_id)
    if row is None or pages.get(world.store, row["waba_id"]) is None:
        return None
    template = review.load(world, node_id)
    assert template is not None
    return "page_template", {**template, "page_id": template["waba_id"]}
