"""What the desk's dialogs let an agent choose from: reasons, queues, colleagues; and why a conversation was given to whom.

Values for templates; what may really be done is asked again when it is (team.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.agent import Permission
from gateway.model.conversation import Agent, Conversation, EntryKind
from gateway.model.webcare import AgentStatus, Presence
from gateway.rules.reasons import ReasonRules, hides_proposals
from gateway.rules.routing import QUEUES
from gateway.webcare.catalogue import words_in
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.queue_titles import queue_title

HOWS = ("sticky", "idle", "returning", "taken", "accepted")
"""Of a decision, those that the page has words for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """value: what a command is given; short: letters by which it is found; here: a colleague who is available"""

    value: str
    name: str
    short: str = ""
    here: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    reasons: tuple[Choice, ...] = ()
    proposed: tuple[Choice, ...] = ()
    """of the reasons those that their words speak for, likeliest first; never chosen for anybody, and hidden in one of twenty"""
    queues: tuple[Choice, ...] = ()
    colleagues: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """One decision, with names. left_out: name and why"""

    at_ms: int
    agent: str
    how: str
    queue: str
    ring: int
    waited_ms: int
    candidates: int
    next_best: str
    left_out: tuple[tuple[str, str], ...]


async def proposed(deps: WebcareDeps, rules: ReasonRules, one: Conversation, locale: str) -> tuple[Choice, ...]:
    """What the first words of theirs that name a reason speak for, at most three."""
    if hides_proposals(one.id) or not rules.reasons:
        return ()
    known = {choice.value: choice for choice in reasons(deps, locale)}
    for entry in await deps.conversations.thread(one):
        found = rules.guess(entry.text.reveal()) if entry.kind is EntryKind.IN else []
        if found:
            return tuple(known[guess.reason] for guess in found if guess.reason in known)
    return ()


def reasons(deps: WebcareDeps, locale: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(reason.code, reason.label.get(locale) or reason.label.get("en") or reason.code, reason.shortcut)
        for reason in deps.plan.reasons
    )


async def choices(deps: WebcareDeps, rules: ReasonRules, agent: Agent, one: Conversation, locale: str) -> Choices:
    """rules: of the house's reasons"""
    names = dict.fromkeys([*(queue.name for queue in deps.plan.of(one.brand).queues), *QUEUES])
    queues = tuple(Choice(name, queue_title(deps.plan, one.brand, name, words_in(locale))) for name in names if name != one.queue)
    here: Sequence[Presence] = await deps.presence.here() if deps.presence is not None else ()
    now = deps.clock.now_ms()
    available = {found.agent for found in here if found.status is not AgentStatus.OFFLINE and found.reachable(now)}
    colleagues = [
        Choice(found.id, found.display.reveal(), here=found.id in available)
        for found in await deps.agents.all()
        if found.id != agent.id and not found.disabled and found.may(Permission.REPLY, one.brand)
    ]
    colleagues.sort(key=lambda found: (not found.here, found.name))
    return Choices(reasons(deps, locale), await proposed(deps, rules, one, locale), queues, tuple(colleagues))


async def why(deps: WebcareDeps, one: Conversation) -> list[Why]:
    """Who it was given to and why, the newest first."""
    decisions = await deps.conversations.decisions(one.id)
    every = {decision.agent for decision in decisions} | {left.agent for found in decisions for left in found.left_out}
    every |= {decision.next_best for decision in decisions if decision.next_best}
    known = {name: found.display.reveal() for name, found in (await deps.agents.many(every)).items()}
    shown = [
        Why(
            found.at_ms,
            known.get(found.agent, "–"),
            found.how,
            found.queue,
            found.ring,
            found.waited_ms,
            len(found.candidates),
            known.get(found.next_best, "") if found.next_best else "",
            tuple((known.get(left.agent, "–"), left.why) for left in found.left_out),
        )
        for found in decisions
    ]
    return sorted(shown, key=lambda found: -found.at_ms)
