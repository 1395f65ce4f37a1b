"""Who is at the desk, as its pages say it: their beats, what they chose, and whom else a conversation's reader sees reading it.

A page says that it is open every 15 s, and whether somebody touched it since. Any page of a person counts. That two people look
at the same conversation is told by the pages of this process alone: it is a courtesy, and nothing leans on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model.agent import Agent
from gateway.model.conversation import Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.model.webcare import LIVE, AgentStatus, Presence
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.session import START_S

LOOKED_MS = 45_000
"""Whoever was seen reading that long ago reads no more."""
TYPED_MS = 8_000


@dataclass(frozen=True, slots=True)
class Top:
    """What stands in the page's first line. status: AgentStatus, "" where nobody keeps it; waiting: how many wait for them"""

    status: str
    kind: str
    since_ms: int
    live: int
    capacity: int
    waiting: int
    brands: tuple[tuple[str, str], ...]


async def heard(deps: WebcareDeps, agent: Agent, conversation: str, said: Mapping[str, Any]) -> None:
    """Something that a page said up its connection: beat, read or typing (box: reply or note)."""
    kind = said.get("t")
    if kind == "beat" and deps.presence is not None:
        await deps.presence.beat(agent.id, touched=said.get("touched") is True)
    elif kind in ("read", "typing") and conversation:
        deps.live.looks(conversation, agent.id, deps.clock.now_ms(), typing=kind == "typing")
        if kind == "typing" and said.get("box") == "reply" and deps.receipts is not None:
            await deps.receipts.typed(ConversationId(conversation), agent.id)


async def choose(deps: WebcareDeps, agent: Agent, status: str, kind: str = "") -> None:
    """What they chose. Raises BadInput for what nobody may choose."""
    if deps.presence is not None:
        chosen = AgentStatus(status) if status in AgentStatus._value2member_map_ else AgentStatus.NOT_RESPONDING
        await deps.presence.choose(agent.id, chosen, kind)
        deps.live.tell(frozenset(), {agent.id})


async def arrive(deps: WebcareDeps, agent: Agent, signed_in_ms: int) -> None:
    """The first page after signing in, so long ago: who was offline is available, unless they have chosen something since."""
    now = deps.clock.now_ms()
    if deps.presence is None or signed_in_ms > START_S * 1000 or not agent.may("reply"):
        return
    presence = await deps.presence.get(agent.id)
    if presence.status is AgentStatus.OFFLINE and presence.since_ms < now - signed_in_ms:
        await deps.presence.choose(agent.id, AgentStatus.AVAILABLE)


async def depart(deps: WebcareDeps, agent: Agent, *, elsewhere: bool) -> None:
    """Who signed out is given nothing more, from now on and not from the beat that does not come.

    elsewhere: they are signed in on another computer still
    """
    if deps.presence is not None and not elsewhere:
        await deps.presence.choose(agent.id, AgentStatus.OFFLINE)


def top(deps: WebcareDeps, agent: Agent, owned: Sequence[Conversation], presence: Presence) -> Top:
    """owned: what is theirs now"""
    brands = tuple((one, name) for one, name in sorted(deps.brands.items()) if agent.may("read", one))
    return Top(
        status=presence.status.value if deps.presence is not None else "",
        kind=presence.kind,
        since_ms=presence.since_ms,
        live=sum(1 for one in owned if one.state in LIVE),
        capacity=deps.plan.figures.capacity if deps.plan.push else 0,
        waiting=sum(1 for one in owned if one.waiting_since_ms is not None and one.state is not ConversationState.WRAPUP),
        brands=brands if len(brands) > 1 else (),
    )


async def readers(deps: WebcareDeps, conversation: str, agent: Agent) -> tuple[tuple[str, bool], ...]:
    """Who else has it open: first name, and whether they type."""
    seen = deps.live.lookers(conversation, deps.clock.now_ms(), LOOKED_MS, TYPED_MS)
    others = {who: typing for who, typing in seen.items() if who != agent.id}
    known = await deps.agents.many(list(others)) if others else {}
    return tuple(sorted((known[who].first_name.reveal(), typing) for who, typing in others.items() if who in known))
