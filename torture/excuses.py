"""What excuses something that is wrong at a handset: only what somebody other than the house has seen.

A message that the house gave up is excused by the world, which knows which attempts it refused or left without an answer, and by
who was killed or stood still while it was on its way; and never too many of them. What a process sends as it wakes is excused by
the fire, which knows who stood still and when.
"""

from __future__ import annotations

from torture.case import Case, Message
from torture.handsets import Bubble
from torture.seen import Pause

OFTEN = 3
"""A message is sent again at least twice before it is given up, unless its notification says that it never is."""
GIVEN_UP_SHARE, GIVEN_UP_FEW = 0.02, 3
"""More than so many of all that were planned, and more than a few: whatever the world did, a house gives up too easily."""
THAW_MS = 2_000
"""What stood between the last look at a lease and the wire when its process froze leaves so soon after it goes on."""
KNOWN_MS = 3_000
"""So long after an event was applied every process goes by it: they look each second, and end the plan that they are making."""
NEVER_AGAIN, TOO_OFTEN = ("uncertain_dropped", "uncertain_ask"), "retries_exhausted"


def given_up(case: Case, message: Message, reason: str) -> str:
    """What is wrong with giving it up; "" where it is excused."""
    case.given_up += 1
    refused = [(attempt, status) for attempt, status in case.answers[message.id] if status != 200]
    if reason == TOO_OFTEN:
        return "" if len(refused) >= OFTEN else f"given up after {len(refused)} refusals of the world"
    needed = 1 if not message.event or message.notification in case.seen.drops else OFTEN
    troubled = {attempt for attempt, _ in refused} | _interrupted(case, message)
    if len(troubled) >= needed:
        return ""
    return f"{reason} after {len(troubled)} attempts of which it could not be known whether they arrived, {needed} are needed"


def too_many(case: Case) -> str:
    most = max(GIVEN_UP_FEW, int(GIVEN_UP_SHARE * len(case.messages)))
    if case.given_up <= most:
        return ""
    return f"{case.given_up} of {len(case.messages)} messages were given up, of which {most} may be"


def _interrupted(case: Case, message: Message) -> set[int]:
    """The attempts during which somebody was killed or stood still."""
    found, attempt, began_ms = set(), 0, 0
    for step in message.steps:
        if step.kind == "claimed":
            began_ms = step.at_ms
        elif step.kind == "uncertain" and began_ms:
            attempt = int(step.detail.get("attempt", "0") or 0)
            killed = any(began_ms <= one.at_ms <= step.at_ms for one in case.seen.kills)
            stood = any(one.from_ms <= step.at_ms and began_ms <= one.until_ms for one in case.seen.pauses)
            if killed or stood:
                found.add(attempt)
    return found


def welcomed(case: Case, bubble: Bubble, newer: Bubble) -> bool:
    """Whether it tells somebody who had just begun to follow what was known before and still holds, behind the newest news.

    The newest news reached them by its own way while they were being told. What any newer event had replaced or ended, whoever it
    was told, would be wrong: it held no more when it was planned.
    """
    message, other = case.messages.get(bubble.message), case.messages.get(newer.message)
    told = case.told_of(bubble)
    if message is None or other is None or told is None or told.event not in case.applied:
        return False
    since_ms = case.followers.get(told.subject, {}).get(message.contact, 0)
    knew_before = case.applied[told.event].at_ms < since_ms <= message.planned_ms
    over = case.takes_out(other.notification, message.notification)
    return knew_before and not over and not case.over_by(told, message.notification, message.planned_ms - KNOWN_MS)


def thawed(case: Case, bubble: Bubble) -> Pause | None:
    """The pause in which this message's process stood still just before its bytes left.

    It had been claimed as often before as this attempt says, and arrived just after. What was claimed later is its own fault.
    """
    message = case.messages.get(bubble.message)
    if message is None:
        return None
    for pause in case.seen.pauses:
        before = sum(1 for one in message.steps if one.kind == "claimed" and one.at_ms <= pause.from_ms)
        if 0 < bubble.attempt <= before and pause.until_ms <= bubble.at_ms <= pause.until_ms + THAW_MS:
            return pause
    return None
