"""What may be rolled out in phases, and held out: only what somebody can do without.

`rollout: never` in a declaration forbids it. Without that line it depends on what the notification is: urgent news, documents,
cancellations, what the law wants said, answers to somebody, and what makes other news pointless (`ends`: whoever is not told it
keeps the old news) are never part of a roll-out. `rollout: allowed` opens the last of these, and none of the others.
"""

from __future__ import annotations

import re

from gateway.model.message import Priority
from gateway.notifications.model import Notification

# Conditions are read as text: to ask them of a made-up event would count its missing fields as failures.
_CANCELS = re.compile(
    r"""(?<!!\()["'](?:\w+_)?(?:cancelled|diverted)["']\s+in\s+changes|status\s*==\s*["'](?:cancelled|diverted)["']"""
)


def why_never(one: Notification) -> str:
    """Why it can be no part of a roll-out, in words; "" where it can."""
    never = why_by_nature(one)
    if never:
        return never
    if one.rollout == "never":
        return "its declaration says `rollout: never`"
    if one.ends and one.rollout != "allowed":
        return "it ends other news, which whoever is not told would keep"
    return ""


def why_by_nature(one: Notification) -> str:
    """The same, of what no declaration changes."""
    if one.kind != "notification":
        return "it answers somebody"
    if one.document is not None:
        return "it brings a document"
    if one.legal != "none":
        return "the law wants it said"
    if one.condition is not None and _CANCELS.search(one.condition.source):
        return "it tells that something is cancelled"
    if one.priority is Priority.URGENT:
        return "it is urgent"
    return ""
