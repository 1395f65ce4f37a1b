"""What stands on the card of why somebody writes and who is at it: the assistant's guess, a complaint's date, who was asked.

Of what is unknown nothing is said; a guess is called one. Codes in it are covered as everywhere (rules/identity.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.conversation import Conversation
from gateway.rules.identity import cover
from gateway.webcare.deps import WebcareDeps


@dataclass(frozen=True, slots=True)
class About:
    """guess: what the assistant took them to mean; answers: what it asked, and what they said

    complaint_due_ms: until when a complaint is to be answered, 0 it is none; complaint_owner: who has complaints to see to
    asked:            colleagues who were asked and have not answered: first name, until when
    """

    guess: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    complaint_due_ms: int = 0
    complaint_owner: str = ""
    asked: tuple[tuple[str, int], ...] = ()


async def about(deps: WebcareDeps, one: Conversation, covered: Sequence[str]) -> About:
    """covered: codes that this agent may not see"""
    guess = ""
    answers: tuple[tuple[str, str], ...] = ()
    if deps.memories is not None:
        memory = await deps.memories.get(one.address, one.brand)
        if memory.conversation == one.id:  # what was learnt in an earlier one says nothing of this
            guess = cover(memory.guess, covered)
            answers = tuple((label, cover(said, covered)) for label, said in memory.answers)
    known = await deps.agents.many(list(one.consulted)) if one.consulted else {}
    return About(
        guess=guess,
        answers=answers,
        complaint_due_ms=one.complaint_due_ms,
        complaint_owner=deps.plan.of(one.brand).complaint_owner if one.complaint_due_ms else "",
        asked=tuple((known[who].first_name.reveal(), until) for who, until in one.consulted.items() if who in known),
    )
