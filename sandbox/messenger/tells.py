"""What a Page's app hears of that is no person's doing: policy, comments, roles, the dashboard's test, things unknown."""

from __future__ import annotations

import datetime as dt

from sandbox.control.problem import Problem
from sandbox.messenger import webhooks
from sandbox.store import Json
from sandbox.world import World

KINDS = ("policy", "comment", "app_roles", "test", "empty", "unknown")


def tell(world: World, page: Json, body: Json, address: str | None) -> list[int]:
    """Exactly one of KINDS; ``address``: whose event an unknown one is. raises: Problem 400"""
    asked = [key for key in KINDS if key in body]
    if len(asked) != 1:
        raise Problem(400, f"tell exactly one of {', '.join(KINDS)}")
    value = body[asked[0]]
    if asked[0] in ("policy", "comment", "unknown") and not isinstance(value, dict):
        raise Problem(400, f"{asked[0]} must be an object")
    match asked[0]:
        case "policy":
            key = "policy-enforcement" if value.get("old_key") else "policy_enforcement"
            event = {key: {"action": str(value.get("action", "warning")), "reason": str(value.get("reason", ""))}}
            return webhooks.tell(world, page, "messaging_policy_enforcement", None, event)
        case "comment":
            return webhooks.change(world, page, "feed", _comment(world, page, value))
        case "app_roles":
            return webhooks.tell(world, page, "messaging_handovers", None,
                                 {"app_roles": {world.config.app_id: ["primary_receiver"]}})
        case "test":  # the dashboard's button; the values are its own
            sample = {"sender": {"id": "12334"}, "recipient": {"id": "23245"}, "timestamp": "1527459824", "message": {
                "mid": "test_message_id", "text": "test_message", "commands": [{"name": "command123"}, {"name": "command456"}]}}
            return webhooks.bare(world, page, {"changes": [{"field": "messages", "value": sample}]}, entry_id="0", seconds=True)
        case "empty":
            return webhooks.bare(world, page, {})
        case _:
            if address is None:
                raise Problem(400, "unknown needs the address of the person whose event it is")
            return webhooks.tell(world, page, "messages", address, value or webhooks.UNKNOWN)


def _comment(world: World, page: Json, asked: Json) -> Json:
    """A comment under a post, as ``feed`` tells it."""
    post = str(asked.get("post_id") or world.ids.decimal(16))
    when = dt.datetime.fromtimestamp(world.clock.now_s(), dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
    whole_post = f"{page['id']}_{post}"
    return {
        "from": {"id": world.ids.decimal(16), "name": str(asked.get("name", "Traveller Example"))},
        "post": {"status_type": "mobile_status_update", "is_published": True, "updated_time": when,
                 "permalink_url": f"https://www.facebook.com/{page['id']}/posts/{post}", "promotion_status": "inactive",
                 "id": whole_post},
        "message": str(asked.get("text", "")), "post_id": whole_post, "comment_id": f"{post}_{world.ids.decimal(16)}",
        "created_time": world.clock.now_s(), "item": "comment", "parent_id": whole_post, "verb": "add"}
