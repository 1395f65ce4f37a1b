"""Whispers at the desk: a supervisor whispers to whoever has a conversation, and the customer never hears it.

Shown to the agent it was said to and to who may take the conversation over; to no colleague, and to no program but one that has
a supervisor's rights. It has no way out: it is no line of the thread, so nothing that sends, files or searches lines has it.
"""

from __future__ import annotations

from gateway.errors import BadInput, Problem
from gateway.model.agent import Agent, Permission
from gateway.model.conversation import Conversation
from gateway.model.personal import Personal
from gateway.store.conversations import Command, Done
from gateway.store.whispers import Whisper
from gateway.webcare.deps import WebcareDeps


async def whisper(deps: WebcareDeps, found: Conversation, command: Command, text: Personal) -> Done:
    """Raises BadInput where a program has it: it would show it to whomever it likes."""
    known = await deps.agents.many([found.owner]) if found.owner else {}
    owner = known.get(found.owner or "")
    if owner is not None and owner.program:
        raise BadInput([Problem("to", "another program answers this conversation: nobody there can be whispered to")])
    return await deps.conversations.whisper(command, text)


async def heard(deps: WebcareDeps, one: Conversation, agent: Agent | None) -> list[Whisper]:
    """Those that somebody may be shown, oldest first. agent None: a program with a key for everything, which is shown none."""
    if agent is None:
        return []
    steers = agent.may(Permission.FORCE, one.brand, one.queue)
    if not steers and (agent.program or one.owner != agent.id):
        return []
    return [said for said in await deps.conversations.whispers(one) if steers or said.to == agent.id]
