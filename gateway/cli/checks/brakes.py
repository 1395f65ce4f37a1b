"""What keeps messages back because somebody said so: a restore that still holds everything, stops, crises."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, note, ok, span, warn
from gateway.store.brakes import BrakeBook
from gateway.store.hold import ALL, HELD, Hold
from gateway.store.incidents import PREFIX as CRISIS
from gateway.store.incidents import Incidents
from gateway.store.senders import Stop


async def brakes(case: Case) -> list[Finding]:
    """What is stopped, by whom and why: none of it is a fault, and each is forgotten easily."""
    redis, now = (await case.store()).redis, case.clock.now_ms()
    stops = [one for one in await BrakeBook(redis, case.clock).stops() if not one.scope.startswith(CRISIS)]
    # Hold.standing would take away a mark that holds nothing any more: a doctor changes nothing.
    held = HELD in await Hold(redis).note() and any(one.scope == ALL for one in stops)
    found: list[Finding] = []
    if held:
        what = "the store was brought back from a backup, and nobody is written to, by people neither"
        mend = "see what `restore` said must be done first, then `python main.py resume all`: docs/backup.md"
        found += warn("brakes", what, mend)
    for one in stops:
        if not (held and one.scope == ALL):
            found += note("brakes", _stop(one, now), f"`python main.py resume {one.scope}` lifts it")
    for crisis in await Incidents(redis, case.clock).all():
        asked = f"; {crisis.asked.who} asked to lift it" if crisis.asked is not None else ""
        what = f"crisis about {crisis.said}, for {span(now - crisis.at_ms)}, by {crisis.who}: {crisis.why}{asked}"
        found += note("brakes", what, f'`python main.py crisis "{crisis.said}" --lift --why ...`, by two people')
    return found or ok("brakes", "nothing is stopped, no crisis, no restore that holds")


def _stop(one: Stop, now: int) -> str:
    lasts = f", for another {span(one.until_ms - now)}" if one.until_ms else ""
    return f"{one.scope} is stopped for {span(max(now - one.at_ms, 0))}{lasts}, by {one.who}: {one.why}"
