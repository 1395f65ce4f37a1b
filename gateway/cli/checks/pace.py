"""How fast each sender sends: slowed by what the channel said, paused, and how much lies before it."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, note, ok, span, warn
from gateway.store.pace import paces
from gateway.store.senders import Senders

LONG_S = 120.0
"""More than this waits before a sender: planning keeps half a minute ahead, so something else made it so long."""


async def pace(case: Case) -> list[Finding]:
    """A slowed sender rises by itself; a paused one needs the mend that its code asks for."""
    check, redis = "pace", (await case.store()).redis
    ids, now = case.directory.ids, case.clock.now_ms()
    senders = Senders(redis, case.clock)
    states, speeds, waiting = await senders.states(ids), await senders.speeds(ids), await paces(redis, case.clock, ids)
    found: list[Finding] = []
    for sender in case.directory:
        state, speed, line = states[sender.id], speeds[sender.id], waiting[sender.id]
        per_second = speed.per_second(sender.per_second)
        if state.paused_until_ms > now:
            what = f"{sender.id} is paused for another {span(state.paused_until_ms - now)} ({state.why}), {line.waiting:,} wait"
            found += warn(check, what, "the channel said why: see the checks account, token and number")
        elif speed.share < 1:
            whole = span(max(speed.whole_ms - (now - case.clock.offset_ms), 0))
            rate = f"{speed.share:.0%} of its {sender.per_second:g} a second"
            what = f"{sender.id} sends at {rate}, as the channel refused for the rate; whole again in {whole}"
            found += note(check, what, "where it comes again and again, lower `per_second` of this sender")
        elif line.waiting / per_second > LONG_S:
            lasts = span(round(1000 * line.waiting / per_second))
            what = f"{line.waiting:,} messages wait before {sender.id}: {lasts} at its pace"
            found += warn(check, what, "does a process with the role `dispatch` run? Is much held back (check brakes)?")
    return found or ok(check, "every sender sends at its own rate, and little waits")
