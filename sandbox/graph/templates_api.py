"""Templates by API: create, list, get, edit, delete."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from sandbox import review, template_rules
from sandbox.clock import DAY_MS
from sandbox.errors import GraphError, review_error
from sandbox.graph.call import MANAGEMENT, Call, call, fields_of
from sandbox.store import Json, dump
from sandbox.template_rules import bad
from sandbox.world import World

FIELDS = ("name", "parameter_format", "components", "language", "status", "category", "id")
KNOWN = (*FIELDS, "quality_score", "rejected_reason", "correct_category", "previous_category", "message_send_ttl_seconds",
         "sub_category", "cta_url_link_tracking_opted_out", "library_template_name",
         "degrees_of_freedom_spec")
TEMPLATES_MOST, EDITS_A_MONTH, NAME_LOCKED_MS = 6_000, 10, 30 * DAY_MS
_CREATE = ("name", "language", "category", "components", "parameter_format", "message_send_ttl_seconds",
           "allow_category_change", "cta_url_link_tracking_opted_out", "sub_category")


def view(template: Json, fields: list[str]) -> Json:
    """The asked fields (and always the id). raises: 100 for a field that is not"""
    for name in fields:
        if name not in KNOWN:
            raise GraphError(100, message=f"(#100) Tried accessing nonexisting field ({name}) on node type "
                                          "(WhatsAppBusinessHSM)", data=False)
    shown: Json = {}
    for name in fields:
        if name == "quality_score":
            shown[name] = {"score": template.get("quality", "UNKNOWN"), "date": template.get("quality_ms", 0) // 1_000}
        elif name in template and template[name] is not None:
            shown[name] = template[name]
    shown["id"] = template["id"]
    return shown


@call("POST", "waba", "message_templates")
async def create(this: Call) -> Json:
    body = await this.read_object()
    world = this.world
    for key in body:
        if key not in _CREATE:
            raise bad(f'Unexpected key "{key}" on param "message_templates".')
    name, language = body.get("name"), body.get("language")
    if not isinstance(name, str) or not template_rules.NAME.match(name):
        raise bad("name must be 1 to 512 lower-case letters, digits and underscores.")
    if not isinstance(language, str) or not template_rules.LANGUAGE.match(language):
        raise bad("language must be a code such as en or en_GB.")
    category = str(body.get("category", "")).upper()
    if category not in review.CATEGORIES:
        raise bad(f"category must be one of: {', '.join(review.CATEGORIES)}.")
    form = str(body.get("parameter_format") or "POSITIONAL").upper()
    if form not in ("POSITIONAL", "NAMED"):
        raise bad("parameter_format must be POSITIONAL or NAMED.")
    template_rules.check_ttl(category, body.get("message_send_ttl_seconds"))
    components = template_rules.check_components(body.get("components"), category, form == "NAMED",
                                                 lambda handle: _handle_known(world, handle))
    with world.store.tx():
        _check_room(world, this.node_id, name, language)
        template: Json = {"category": category, "parameter_format": form, "components": components, "rejected_reason": "NONE",
                          "message_send_ttl_seconds": body.get("message_send_ttl_seconds"), "quality": "UNKNOWN"}
        _categorise(world, template, body.get("allow_category_change", True) is not False)
        template_id = world.ids.decimal(16, "11899988")
        world.store.run("INSERT INTO templates VALUES (?, ?, ?, ?, 'PENDING', ?, ?)", template_id, this.node_id, name,
                        language, world.clock.now_ms(), dump(template))
        review.begin(world, {**template, "id": template_id})
    return {"id": template_id, "status": "PENDING", "category": template["category"]}


def _handle_known(world: World, handle: str) -> bool:
    return world.store.row("SELECT 1 FROM uploads WHERE handle = ?", handle) is not None


def _categorise(world: World, template: Json, may_change: bool) -> None:
    """Utility that is promotion becomes marketing, or is rejected in review when no change was allowed."""
    if template["category"] != "UTILITY" or not world.account.switch("recategorise"):
        return
    if review.looks_promotional(template["components"]):
        if may_change:
            template["category"] = "MARKETING"
        else:
            template["refuse_as"] = "INCORRECT_CATEGORY"


def _check_room(world: World, waba_id: str, name: str, language: str) -> None:
    if not world.limits.management(waba_id, an_hour=world.config.creations_an_hour, what="template"):
        raise GraphError(80007)
    if world.store.count("SELECT COUNT(*) FROM templates WHERE waba_id = ?", waba_id) >= _most(world):
        raise review_error(2388019, "Message template limit exceeded", "Delete templates to make room for new ones.")
    row = world.store.row("SELECT id, status FROM templates WHERE waba_id = ? AND name = ? AND language = ?",
                          waba_id, name, language)
    locked = world.store.get(f"locked:{name}", {}).get(language, 0)
    if (row is not None and row["status"] == "PENDING_DELETION") or locked > world.clock.now_ms():
        raise review_error(2388023, "Message template language is being deleted",
                           "New content cannot be added while the existing content is being deleted. Try again in 4 weeks "
                           "or choose another name.")
    if row is not None:
        raise review_error(2388024, "Content in this language already exists",
                           "There is already content in this language for this template. You can create a new template and "
                           "try again.")


def _most(world: World) -> int:
    return TEMPLATES_MOST if world.account.doc()["mode"] == "live" else 250


def cursor(template_id: str) -> str:
    return base64.urlsafe_b64encode(f"t:{template_id}".encode()).decode().rstrip("=")


@call("GET", "waba", "message_templates")
async def list_all(this: Call) -> Json:
    query = this.request.query
    fields = fields_of(this.request, FIELDS)
    limit = query.get("limit", "25")
    if not limit.isdigit() or not 1 <= int(limit) <= 1_000:
        raise bad("limit must be a number from 1 to 1000.")
    every = review.load_all(this.world, this.node_id)
    asked = [key for key in ("name", "status", "category", "language", "quality_score") if key in query]
    found = [template for template in every
             if all(_matches(template, key, query[key]) for key in asked)
             and query.get("name_or_content", "").lower() in (template["name"] + review.text_of(template["components"])).lower()]
    ids = [cursor(template["id"]) for template in found]
    start = 0
    if query.get("after"):
        if query["after"] not in ids:
            raise bad("after is not a cursor of this list.")
        start = ids.index(query["after"]) + 1
    page = found[start:start + int(limit)]
    answer: Json = {"data": [view(template, fields) for template in page]}
    if page:
        answer["paging"] = {"cursors": {"before": cursor(page[0]["id"]), "after": cursor(page[-1]["id"])}}
        if start + len(page) < len(found):
            more = {**{key: value for key, value in query.items() if key != "access_token"}, "after": cursor(page[-1]["id"])}
            answer["paging"]["next"] = f"{this.base}{this.request.path}?{urlencode(more)}"
    if "summary" in query:
        whole = {"total_count": len(found), "message_template_count": len(every), "message_template_limit": _most(this.world),
                 "are_translations_complete": False}
        answer["summary"] = {name: whole[name] for name in query["summary"].split(",") if name in whole}
    return answer


def _matches(template: Json, key: str, asked: str) -> bool:
    value = template.get("quality", "UNKNOWN") if key == "quality_score" else template[key]
    choices: Any = asked
    if asked.startswith("["):
        try:
            choices = json.loads(asked)
        except ValueError:
            raise bad(f"{key} is not a valid array.") from None
    else:
        choices = asked.split(",")
    if key == "name":
        return any(str(choice) in value for choice in choices)
    return value in choices


@call("GET", "template")
async def get_one(this: Call) -> Json:
    return view(this.node, fields_of(this.request, FIELDS))


@call("POST", "template")
async def edit(this: Call) -> Json:
    """Components as a whole, the category, the ttl; back to review. raises: 100/2388039, and 100 for too many edits"""
    body = await this.read_object()
    world, template = this.world, this.node
    for key in body:
        if key not in ("components", "category", "message_send_ttl_seconds", "parameter_format"):
            raise bad(f'Unexpected key "{key}" on param "message_template".')
    if template["status"] not in ("APPROVED", "REJECTED", "PAUSED"):
        raise review_error(2388039, "Template cannot be edited", "Only approved, rejected or paused templates can be edited.")
    category = str(body.get("category") or template["category"]).upper()
    if category not in review.CATEGORIES or (template["status"] == "APPROVED" and category != template["category"]):
        raise bad("The category of an approved template cannot be changed.")
    now = world.clock.now_ms()
    edits = [at for at in template.get("edits", []) if at > now - 30 * DAY_MS]
    if template["status"] == "APPROVED" and (len(edits) >= EDITS_A_MONTH or any(at > now - DAY_MS for at in edits)):
        raise review_error(2388039, "Template edit limit", "An approved template can be edited once a day, 10 times in 30 days.")
    named = template.get("parameter_format") == "NAMED"
    if "components" in body:
        template["components"] = template_rules.check_components(
            body["components"], category, named, lambda handle: _handle_known(world, handle))
    template_rules.check_ttl(category, body.get("message_send_ttl_seconds"))
    if body.get("message_send_ttl_seconds") is not None:
        template["message_send_ttl_seconds"] = body["message_send_ttl_seconds"]
    template.update(category=category, status="PENDING", edits=[*edits, now], refuse_as=None)
    with world.store.tx():
        _categorise(world, template, True)
        review.store(world, template)
        if "components" in body:
            review.announce_edit(world, template)
        review.begin(world, template)
    return {"success": True}


@call("DELETE", "waba", "message_templates", scope=MANAGEMENT)
async def delete(this: Call) -> Json:
    """All languages of a name, or one by ``hsm_id`` and ``name``; an approved name is locked for 30 days."""
    world, query = this.world, this.request.query
    name, one = query.get("name"), query.get("hsm_id")
    if not name:
        raise GraphError(100, message="(#100) The parameter name is required.")
    rows = world.store.rows("SELECT id, language, status FROM templates WHERE waba_id = ? AND name = ? AND (? IS NULL OR "
                            "id = ?)", this.node_id, name, one, one)
    if not rows:
        raise review_error(2593002, "Message template not found", "No such message template exists.")
    with world.store.tx():
        locked = world.store.get(f"locked:{name}", {})
        for row in rows:
            waiting = world.store.count("SELECT COUNT(*) FROM messages WHERE kind = 'received' AND ticks IN ('pending', 'sent') "
                                        "AND json_extract(private, '$.template_id') = ?", row["id"])
            if row["status"] in ("APPROVED", "PAUSED", "DISABLED"):
                locked[row["language"]] = world.clock.now_ms() + NAME_LOCKED_MS
            if waiting:
                review.decide(world, row["id"], {"decision": "PENDING_DELETION"})
            else:
                world.store.run("DELETE FROM templates WHERE id = ?", row["id"])
        world.store.put(f"locked:{name}", locked)
    return {"success": True}
