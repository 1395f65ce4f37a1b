"""How webcare is organised: that its file is understood, and speaks of brands that exist and of hours that come."""

from __future__ import annotations

from gateway import desk_plan
from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, fail, names, note, ok, warn
from gateway.errors import BadInput, SettingsError
from gateway.listening import WordLists
from gateway.model.webcare import EXTERNAL, DeskPlan
from gateway.rules.calendars import next_opening
from gateway.settings import Settings


async def webcare(case: Case) -> list[Finding]:
    """Conversations find their queue, and the queue its hours."""
    check = "webcare"
    try:
        lists = WordLists.load(case.settings.words_dir)
    except BadInput as error:
        mend = "mend this line of the lists (docs/safety.md, docs/reasons.md; `webcare lint` looks at them alone)"
        return fail(check, "; ".join(f"{one.field} {one.message}" for one in error.problems[:5]), mend)
    try:
        plan = desk_plan.read(case.settings, lists.reasons)
    except SettingsError as error:
        found: list[Finding] = []
        for one in error.problems:
            found += fail(check, one, "mend this place of the file that GATEWAY_WEBCARE names (docs/webcare.md)")
        return found
    spoken = {sender.brand for sender in case.directory}
    silent = [name for name in plan.brands if name not in spoken]
    if silent and spoken:
        mend = f"write the brand as its sender does ({names(sorted(spoken))}), or take it out"
        return warn(check, f"queues of a brand for which no sender speaks: {names(silent)}", mend)
    shut = [name for name, one in plan.calendars.items() if next_opening(one, case.clock.now_ms()) is None]
    if shut:
        return warn(check, f"opens no more: the calendar {names(shut)}", "give it hours, or let its queues name another")
    if found := _unheard(check, case.settings, plan):
        return found
    if not plan.push:
        return note(check, "routing is `pull`: agents take conversations, the router gives none")
    count = sum(len(one.queues) for one in plan.brands.values())
    return ok(check, f"{count} queues of {names(list(plan.brands))}" if count else "one queue a brand, always open")


def _unheard(check: str, settings: Settings, plan: DeskPlan) -> list[Finding]:
    """That the program that answers a queue does not hear when somebody writes."""
    theirs = [f"{brand}/{one.name}" for brand, its in plan.brands.items() for one in its.queues if one.desk == EXTERNAL]
    if not theirs:
        return []
    if not settings.webhook_targets:
        return note(check, f"another program answers {names(theirs)} and is told nothing: GATEWAY_WEBHOOK_TARGETS is empty")
    if settings.webhook_types and "message.received" not in settings.webhook_types:
        what = f"another program answers {names(theirs)} and does not hear when somebody writes"
        return warn(check, what, "name message.received in GATEWAY_WEBHOOK_TYPES, or no types at all")
    return []
