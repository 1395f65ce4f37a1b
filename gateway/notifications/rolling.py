"""What may be rolled out in phases, and held out: only what somebody can do without.

`rollout: never` in a declaration forbids it. Without that line it depends on what the notification is: urgent news, documents,
cancellations, disruptions, what the law wants said, answers to somebody, and what makes other news pointless (`ends`: whoever
is not told it keeps the old news) are never part of a roll-out. `rollout: allowed` opens the last of these, none of the others.

What a notification tells is read from its condition: each change or status that it names, and does not rule out (`!(...)`, `!=`).
One that names none is true whatever happens, a cancellation too. Where in doubt it is no part of one.
"""

from __future__ import annotations

import re

from gateway.model.message import Priority
from gateway.notifications.model import Notification

# Conditions are read as text: to ask them of a made-up event would count its missing fields as failures.
NEVER_BY_ITSELF = "false"
"""The condition of what people or other parts begin."""
_NAMED = re.compile(r"""["'][^"']+["']""")
_RULED_OUT = re.compile(r"""!\s*\((?:[^()]|\([^()]*\))*\)|!=\s*["'][^"']*["']""")
_CANCELS = re.compile(r"""["'](?:\w+_)?(?:cancel|divert)\w*["']""")
_DISRUPTS = re.compile(
    r"""["'](?:delay\w*|rescheduled|early|on_time_again|reinstated|gate|platform|arrival_moved|outage_(?:started|updated)|delivery_failed
    |appointment_(?:moved|missed)|window_narrowed)["']|\b(?:worst_)?delay_minutes\b""",
    re.VERBOSE,
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
    told = _RULED_OUT.sub("", one.condition.source) if one.condition is not None else NEVER_BY_ITSELF
    if _CANCELS.search(told):
        return "it tells that something is cancelled"
    if one.priority is Priority.URGENT:
        return "it is urgent"
    if _DISRUPTS.search(told):
        return "it tells of a disruption"
    if told != NEVER_BY_ITSELF and not _NAMED.search(told):
        return "its `when` names no change, and so lets cancellations through"
    return ""
