"""What Meta's reviewers do with a template, and what happens to it later; each decision sends its webhook."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from sandbox.clock import DAY_MS, HOUR_MS
from sandbox.store import Json, dump
from sandbox.world import World

EVENTS = ("APPROVED", "REJECTED", "PENDING", "PAUSED", "DISABLED", "FLAGGED", "REINSTATED", "IN_APPEAL", "ARCHIVED",
          "UNARCHIVED", "PENDING_DELETION")
REASONS = ("NONE", "ABUSIVE_CONTENT", "INCORRECT_CATEGORY", "INVALID_FORMAT", "PROMOTIONAL", "SCAM", "TAG_CONTENT_MISMATCH")
QUALITIES = ("GREEN", "YELLOW", "RED", "UNKNOWN")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
PAUSES = (("FIRST_PAUSE", 3 * HOUR_MS), ("SECOND_PAUSE", 6 * HOUR_MS))
_PROMOTION = re.compile(
    r"\b(discounts?|sale|special offer|% off|coupon|promo(tion)?|black friday|aanbieding|korting|uitverkoop|"
    r"rabatt|angebot|soldes|promotion|r[ée]duction)\b", re.IGNORECASE)
_COLUMNS = ("id", "waba_id", "name", "language", "status")
_ADJACENT = re.compile(r"\}\}\s*\{\{")


class BadDecision(Exception):
    """A decision Meta does not know; the text says which there are."""


def load(world: World, template_id: str) -> Json | None:
    row = world.store.row("SELECT * FROM templates WHERE id = ?", template_id)
    return None if row is None else {**json.loads(row["doc"]), **{key: row[key] for key in _COLUMNS}}


def load_all(world: World, account_id: str) -> list[Json]:
    """An account's templates, newest first, to be looked at and not changed: lists are asked for far more often than anything
    in them changes, so what was read of a row once is shared."""
    rows = world.store.rows("SELECT * FROM templates WHERE waba_id = ? ORDER BY made_ms DESC, id DESC", account_id)
    return [{**_parsed(row["doc"]), **{key: row[key] for key in _COLUMNS}} for row in rows]


@lru_cache(maxsize=4096)
def _parsed(doc: str) -> Json:
    parsed: Json = json.loads(doc)
    return parsed


def store(world: World, template: Json) -> None:
    doc = {key: value for key, value in template.items() if key not in ("id", "waba_id", "name", "language", "status")}
    world.store.run("UPDATE templates SET status = ?, doc = ? WHERE id = ?", template["status"], dump(doc), template["id"])


def text_of(components: list[Json]) -> str:
    return "\n".join(str(part.get("text", "")) for part in components)


def looks_promotional(components: list[Json]) -> bool:
    return _PROMOTION.search(text_of(components)) is not None


def begin(world: World, template: Json) -> None:
    """Send a template to review; the verdict comes after the account's review time."""
    account = world.account.doc()
    world.jobs.drop(f"review:{template['id']}")
    if account["review"] != "hold":
        wait_ms = world.config.review_ms if account["review_ms"] is None else account["review_ms"]
        world.jobs.add(wait_ms, "review", f"review:{template['id']}", {"id": template["id"]})


def wire_jobs(world: World) -> None:
    world.jobs.register("review", lambda job: verdict(world, job["id"]))
    world.jobs.register("recategorise", lambda job: decide(world, job["id"], {"category": job["category"]}))
    world.jobs.register("unpause", lambda job: unpause(world, job["id"]))


def verdict(world: World, template_id: str) -> None:
    """The reviewers' own judgement, unless the account says to approve or reject everything."""
    template = load(world, template_id)
    if template is None or template["status"] != "PENDING":
        return
    how = world.account.doc()["review"]
    if how == "reject":
        decide(world, template_id, {"decision": "REJECTED", "reason": "ABUSIVE_CONTENT"})
    elif how == "rules" and _ADJACENT.search(text_of(template["components"])):
        decide(world, template_id, {"decision": "REJECTED", "reason": "INVALID_FORMAT"})
    elif how == "rules" and template.get("refuse_as"):
        decide(world, template_id, {"decision": "REJECTED", "reason": template["refuse_as"]})
    else:
        decide(world, template_id, {"decision": "APPROVED"})


def decide(world: World, template_id: str, asked: Json) -> Json | None:
    """Apply a decision, a new category, a new quality, or other words by somebody else's hands. raises: BadDecision"""
    template = load(world, template_id)
    if template is None:
        return None
    decision, category, quality = asked.get("decision"), asked.get("category"), asked.get("quality")
    for value, known in ((decision, EVENTS), (category, CATEGORIES), (quality, QUALITIES), (asked.get("reason"), REASONS)):
        if value is not None and value not in known:
            raise BadDecision(f"{value!r} is none of: {', '.join(known)}")
    if asked.get("held") is not None:
        template["held"] = asked["held"]
        store(world, template)
    if category is not None and category != template["category"]:
        if asked.get("notice"):
            _announce(world, template, category)
        else:
            _recategorise(world, template, category)
    if asked.get("components") is not None:
        template["components"] = components_of(asked["components"])
        store(world, template)
        announce_edit(world, template)
    if quality is not None and quality != template.get("quality", "UNKNOWN"):
        _grade(world, template, quality)
    if decision is not None:
        _change(world, template, decision, asked.get("reason"))
    return {key: template[key] for key in ("id", "name", "language", "status", "category")}


def _names(template: Json) -> Json:
    return {"message_template_id": int(template["id"]), "message_template_name": template["name"],
            "message_template_language": template["language"]}


def _emit(world: World, field: str, template: Json, value: Json) -> None:
    world.emit(field, template["waba_id"], value, timed=True)


def components_of(given: Any) -> list[Json]:
    """Components as somebody changes them past us, in the channel's own pages: with a body that has words. raises: BadDecision"""
    parts = [part for part in given if isinstance(part, dict)] if isinstance(given, list) else []
    bodies = [part for part in parts if str(part.get("type", "")).upper() == "BODY" and part.get("text")]
    if len(bodies) != 1 or len(parts) != len(given):
        raise BadDecision("components must be a list of objects, one of them a BODY with a text")
    return [{**part, "type": str(part.get("type", "")).upper()} for part in parts]


def announce_edit(world: World, template: Json) -> None:
    """The words were changed; a webhook tells the new ones."""
    parts = {str(part.get("type", "")).upper(): part for part in template["components"]}
    value: Json = {**_names(template), "message_template_element": parts["BODY"].get("text", "")}
    for kind, key in (("HEADER", "message_template_title"), ("FOOTER", "message_template_footer")):
        if parts.get(kind, {}).get("text"):
            value[key] = parts[kind]["text"]
    if buttons := parts.get("BUTTONS", {}).get("buttons"):
        value["message_template_buttons"] = [
            {"message_template_button_type": one.get("type"), "message_template_button_text": one.get("text")} for one in buttons
        ]
    _emit(world, "message_template_components_update", template, value)


def _announce(world: World, template: Json, category: str) -> None:
    """A day's notice; then the category changes."""
    template["correct_category"] = category
    store(world, template)
    _emit(world, "template_category_update", template,
          {**_names(template), "correct_category": category, "new_category": template["category"]})
    world.jobs.add(DAY_MS, "recategorise", f"recategorise:{template['id']}", {"id": template["id"], "category": category})


def _recategorise(world: World, template: Json, category: str) -> None:
    old = template["category"]
    template.update(category=category, previous_category=old, correct_category=None)
    store(world, template)
    _emit(world, "template_category_update", template,
          {**_names(template), "previous_category": old, "new_category": category})


def _grade(world: World, template: Json, quality: str) -> None:
    old = template.get("quality", "UNKNOWN")
    template.update(quality=quality, quality_ms=world.clock.now_ms())
    store(world, template)
    _emit(world, "message_template_quality_update", template,
          {"previous_quality_score": old, "new_quality_score": quality, **_names(template)})


def _change(world: World, template: Json, decision: str, reason: str | None) -> None:
    value: Json = {"event": decision, **_names(template), "reason": "NONE",
                   "message_template_category": template["category"]}
    template["status"] = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "FLAGGED": template["status"]}.get(
        decision, decision)
    template["rejected_reason"] = "NONE"
    if decision == "REJECTED":
        template["rejected_reason"] = value["reason"] = reason or "ABUSIVE_CONTENT"
        if reason == "INVALID_FORMAT":
            value["rejection_info"] = {"reason": "Two variables stand next to each other without text between them.",
                                       "recommendation": "Put words between the variables."}
    elif decision == "PAUSED":
        _pause(world, template, value)
    elif decision == "PENDING_DELETION":
        value["reason"] = None
    if template["status"] == "DISABLED":
        value["event"] = "DISABLED"
        value["disable_info"] = {"disable_date": str(world.clock.now_s())}
    store(world, template)
    _emit(world, "message_template_status_update", template, value)


def _pause(world: World, template: Json, value: Json) -> None:
    """3 hours, then 6, the third time for good."""
    count = template.get("pauses", 0)
    template["pauses"] = count + 1
    if count >= len(PAUSES):
        template["status"] = "DISABLED"
        return
    title, length_ms = PAUSES[count]
    hours = length_ms // HOUR_MS
    value["other_info"] = {"title": title,
                           "description": f"The template is paused for {hours} hours because of low quality."}
    world.jobs.add(length_ms, "unpause", f"unpause:{template['id']}", {"id": template["id"]})


def unpause(world: World, template_id: str) -> None:
    template = load(world, template_id)
    if template is None or template["status"] != "PAUSED":
        return
    template["status"] = "APPROVED"
    store(world, template)
    value: dict[str, Any] = {
        "event": "APPROVED", **_names(template), "reason": "NONE", "message_template_category": template["category"],
        "other_info": {"title": "UNPAUSED", "description": "The template can be sent again."}}
    _emit(world, "message_template_status_update", template, value)
