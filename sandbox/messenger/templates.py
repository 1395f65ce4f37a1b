"""A Page's utility templates and their review; rows stand beside the numbers' templates, with the Page for the WABA.

Identity is (page, name, language); each language is reviewed for itself, within the account's review time.
"""

from __future__ import annotations

from sandbox import review
from sandbox.messenger import template_rules, webhooks
from sandbox.messenger import world as pages
from sandbox.store import Json, dump
from sandbox.world import World

STATUSES = ("PENDING", "APPROVED", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "LIMIT_EXCEEDED", "ARCHIVED",
            "PENDING_DELETION", "DELETED")


def wire_jobs(world: World) -> None:
    world.jobs.register("page_review", lambda job: judge(world, job["id"]))


def of_page(world: World, template_id: str) -> Json | None:
    """The template with its Page's id under ``waba_id``; None when it is none of a Page's."""
    found = review.load(world, template_id)
    return found if found is not None and pages.page_of(world, found["waba_id"]) is not None else None


def make(world: World, page_id: str, name: str, language: str, template: Json) -> Json:
    template_id = world.ids.decimal(15, "1045951")
    now = world.clock.now_ms()
    world.store.run("INSERT INTO templates VALUES (?, ?, ?, ?, 'PENDING', ?, ?)", template_id, page_id, name, language, now,
                    dump({**template, "made_ms": now, "changed_ms": now}))
    begin(world, template_id)
    made = review.load(world, template_id)
    assert made is not None
    return made


def begin(world: World, template_id: str) -> None:
    """Send it to review; at once where the review takes no time."""
    account = world.account.doc()
    wait_ms = world.config.review_ms if account["review_ms"] is None else account["review_ms"]
    world.jobs.drop(f"page_review:{template_id}")
    if account["review"] == "hold":
        return
    if wait_ms == 0:
        judge(world, template_id)
    else:
        world.jobs.add(wait_ms, "page_review", f"page_review:{template_id}", {"id": template_id})


def judge(world: World, template_id: str) -> None:
    """The reviewers' own judgement, unless the account says to approve or reject everything."""
    template = of_page(world, template_id)
    if template is None or template["status"] != "PENDING":
        return
    how = world.account.doc()["review"]
    why = "ABUSIVE_CONTENT" if how == "reject" else None if how == "approve" else template_rules.verdict(
        template["components"], template.get("parameter_format") == "NAMED")
    change(world, template, "REJECTED" if why else "APPROVED", why)


def decide(world: World, template_id: str, asked: Json) -> Json | None:
    """A decision by hand: {decision, reason}, or other words by somebody else: {components}, of which no webhook of a Page tells.

    None: no template of a Page. raises: review.BadDecision
    """
    template = of_page(world, template_id)
    if template is None:
        return None
    decision, reason = asked.get("decision"), asked.get("reason")
    if asked.get("components") is not None:
        template["components"] = review.components_of(asked["components"])
        template["changed_ms"] = world.clock.now_ms()
        review.store(world, template)
        if decision is None:
            return _shown(template)
    if decision not in STATUSES:
        raise review.BadDecision(f"{decision!r} is none of: {', '.join(STATUSES)}")
    if reason is not None and reason not in template_rules.REASONS:
        raise review.BadDecision(f"{reason!r} is none of: {', '.join(template_rules.REASONS)}")
    change(world, template, decision, reason)
    return _shown(template)


def _shown(template: Json) -> Json:
    return {key: template[key] for key in ("id", "name", "language", "status", "category")}


def change(world: World, template: Json, status: str, reason: str | None) -> None:
    """The new status, and its webhook."""
    rejected = (reason or "INCORRECT_PARAMS") if status == "REJECTED" else "NONE"
    template.update(status=status, rejected_reason=rejected, changed_ms=world.clock.now_ms())
    review.store(world, template)
    page = pages.page_of(world, template["waba_id"])
    assert page is not None
    webhooks.change(world, page, "message_template_status_update", {
        "event": status, "message_template_id": int(template["id"]), "message_template_name": template["name"],
        "message_template_language": template["language"], "reason": rejected})
