"""Who is not to be written to any more: people who said STOP, and everybody while an operator's brake holds.

A person's STOP is in force from the fact that their consent was withdrawn: nothing is planned after it, and nothing is handed
over but what was on its way. That the fact comes at all, and when, is looked at from outside: the webhook that brought it was
answered 200 at a moment that the balancer knows. An operator's stop counts from the moment in which it stood in the store.
"""

from __future__ import annotations

from torture.case import Case
from torture.excuses import thawed
from torture.handsets import Bubble

ON_ITS_WAY_MS = 3_000
"""What is read before a POST is a second old at most; the rest is the way to the handset on a machine that burns."""
BRAKE_MS = 4_000
"""A stop works within two seconds, in every process; the rest is the way to the handset."""


def count_silences(case: Case) -> None:
    """Fills case.silent: the handset of somebody -> since when they are not to be written to."""
    for one in case.seen.silences:
        withdrawn = [
            step.at_ms for step in case.withdrawals if case.seen.homes.get(step.contact) == one.home and step.at_ms >= one.said_ms
        ]
        if not one.answered_ms:
            case.verdict.lost.append(f"the STOP that {one.home} said was never answered 200")
        elif not withdrawn:
            case.verdict.unstopped.append(f"{one.home} said STOP, its webhook was answered 200, and no consent was withdrawn")
        else:
            case.silent[one.home] = min(withdrawn)
            case.verdict.stopped_after_ms.append(min(withdrawn) - one.answered_ms)


def count_unstopped(case: Case) -> None:
    for message in case.messages.values():
        since_ms = case.silent.get(case.seen.homes.get(message.contact, ""))
        planned = message.steps[0]
        if since_ms is not None and message.event in case.by_event and planned.kind == "enqueued" and planned.at_ms > since_ms:
            late_ms = planned.at_ms - since_ms
            case.verdict.unstopped.append(f"{case.name(message)} was planned {late_ms} ms after its person's STOP")
    for bubble in case.seen.bubbles:
        if case.told_of(bubble) is None:
            continue  # an agent's words, and the word that a STOP was heard
        since_ms = case.silent.get(f"{bubble.channel}:{bubble.address}")
        if since_ms is not None and bubble.at_ms > since_ms + ON_ITS_WAY_MS:
            _found(case, bubble, f"{bubble.at_ms - since_ms} ms after its person's STOP")
        for brake in case.seen.brakes:
            if brake.from_ms + BRAKE_MS < bubble.at_ms < brake.until_ms:
                _found(case, bubble, f"{bubble.at_ms - brake.from_ms} ms after everything was stopped")


def _found(case: Case, bubble: Bubble, when: str) -> None:
    line = f"{case.name(case.messages[bubble.message])} attempt {bubble.attempt} was handed over {when}"
    if thawed(case, bubble) is None:
        case.verdict.unstopped.append(line)
    else:
        case.verdict.thawed.append(line)
