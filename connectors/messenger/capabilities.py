"""What a Page is able to do, found out by asking: it differs by region, review and setting, and nothing of it is assumed.

"Able" is said only of what was seen; what Meta does not tell stays open, and the first send shows it. Sources: Meta, "Send a
utility message", 13 Mar 2026 (available per Page); "Send a Message", 5 May 2026 (Human Agent is a reviewed feature);
"Conversation Routing", 24 Sep 2025; m.me links, 23 Mar 2026 (Get Started must be set).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from connectors.messenger.admin import TEMPLATE_SCOPE, MessengerAdmin
from gateway.connector import Sender
from gateway.model.account import Refused, Reviewed, Routing, Screen, Subscribers, TokenReport, Why
from gateway.model.capability import Capability, Finding, Findings

HUMAN_AGENT = "human_agent"
_ALLOWED = frozenset({"APPROVED", "ALLOWED", "GRANTED", "LIVE"})
_REFUSED = frozenset({"REJECTED", "DENIED", "REVOKED", "DECLINED", "EXPIRED"})

Verdict = tuple[bool | None, str]
"""Able or not, and why. None in the place of one: nobody answered, so that what was known before goes on counting."""


class MessengerProbe:
    """`CapabilityProbe` for Pages. open_admin: the door that speaks as a sender; it is closed again after each asking."""

    def __init__(
        self,
        open_admin: Callable[[Sender], MessengerAdmin],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._open_admin = open_admin
        self._now_ms = now_ms

    async def ask(self, sender: Sender) -> Findings:
        page = sender.account.get("page_id", "")
        admin = self._open_admin(sender)
        try:
            async with asyncio.TaskGroup() as group:
                asked_token = group.create_task(admin.token())
                asked_templates = group.create_task(admin.templates_approved(page))
                asked_reviewed = group.create_task(admin.reviewed(page))
                asked_routing = group.create_task(admin.routing(page))
                asked_apps = group.create_task(admin.subscribers(page))
                asked_screen = group.create_task(admin.screen(page))
                asked_page = group.create_task(admin.page(page))
        finally:
            await admin.close()
        apps, screen, named = asked_apps.result(), asked_screen.result(), asked_page.result()
        at_ms = self._now_ms()
        verdicts: dict[Capability, Verdict | None] = {
            Capability.TEMPLATES: templates(asked_token.result(), asked_templates.result()),
            Capability.PERSON_WINDOW: person_window(asked_reviewed.result()),
            Capability.IN_CONTROL: in_control(asked_routing.result(), apps),
            Capability.NO_MACHINE_ELSEWHERE: no_machine_elsewhere(asked_routing.result(), apps),
            Capability.WAY_IN: way_in(screen),
        }
        details: dict[str, str] = {}
        if not isinstance(named, Refused):
            details |= {"name": named.name, "username": named.username}
        if not isinstance(apps, Refused) and apps.others:
            details["other_apps"] = ", ".join(apps.others)
        if not isinstance(screen, Refused) and screen.european is not None:
            details["european"] = "yes" if screen.european else "no"
        found = {what: Finding(told[0], at_ms, told[1]) for what, told in verdicts.items() if told is not None}
        return Findings(found, {name: text for name, text in details.items() if text})


def templates(token: TokenReport | Refused, approved: int | Refused) -> Verdict | None:
    """Able where one is approved: until then that they may be listed proves only the permission, not the region."""
    if not isinstance(token, Refused) and token.valid and token.scopes and TEMPLATE_SCOPE not in token.scopes:
        return False, f"the token lacks {TEMPLATE_SCOPE}"
    if isinstance(approved, Refused):
        return (False, _words(approved)) if approved.why is Why.PERMISSION else _open(approved)
    if approved:
        # Counted among the first hundred only: see MessengerAdmin.templates_approved.
        return True, f"{approved} approved" if approved < 100 else "100 or more approved"
    return None, "templates may be listed and none is approved yet: the first one shows"


def person_window(reviewed: Reviewed | Refused) -> Verdict | None:
    """An app of the Page's own owner may need no review, so that a feature which is not listed proves nothing."""
    if isinstance(reviewed, Refused):
        return _open(reviewed)
    status = reviewed.features.get(HUMAN_AGENT)
    if status is None:
        return None, "the feature Human Agent is not on the channel's list: the first late answer shows"
    if status in _ALLOWED:
        return True, "the feature Human Agent is approved"
    able = False if status in _REFUSED or status == "PENDING" else None
    return able, f"the feature Human Agent: {status.lower()}"


def in_control(routing: Routing | Refused, apps: Subscribers | Refused) -> Verdict | None:
    if isinstance(routing, Refused):
        return _open(routing)
    if routing.routed is False:
        others = () if isinstance(apps, Refused) else apps.others
        if others:
            return None, f"no default app is chosen, and {', '.join(others)} may answer as well"
        return True, "no default app is chosen, and no other app is subscribed"
    if routing.default:
        return True, "new and idle threads are ours"
    if routing.default is False:
        return False, "another app is the default: new and idle threads are not ours"
    return None, f"the channel does not say whose new threads are{f' ({routing.why})' if routing.why else ''}"


def no_machine_elsewhere(routing: Routing | Refused, apps: Subscribers | Refused) -> Verdict | None:
    """Meta's own assistant is no subscribed app. Where it may hold threads it may be listed; a thread that it holds shows it."""
    if isinstance(apps, Refused):
        return _open(apps)
    machines = () if isinstance(routing, Refused) else routing.machines(apps)
    if machines:
        return False, f"{', '.join(machines)} may take people's chats"
    hint = "whether Meta's own assistant is switched on it does not say"
    if apps.others:
        return None, f"other apps hear what people write ({', '.join(apps.others)}); {hint}"
    return None, f"no other app hears what people write; {hint}"


def way_in(screen: Screen | Refused) -> Verdict | None:
    if isinstance(screen, Refused):
        return _open(screen)
    if screen.get_started is None:
        return False, "Get Started is not set: a newcomer's link does not bring its token"
    if screen.openers:
        return False, "opening questions take the place of Get Started: a newcomer's link may not bring its token"
    return True, "Get Started is set"


def _open(refused: Refused) -> Verdict | None:
    return None if refused.passing else (None, _words(refused))


def _words(refused: Refused) -> str:
    return f"the channel refuses to say: {refused.sentence}"
