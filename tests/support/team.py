"""A team of webcare as values: conversations that wait and agents who are here, with the fields that a test is about."""

from __future__ import annotations

from typing import Any

from gateway.model.conversation import Agent, AgentId, Conversation, ConversationState
from gateway.model.ids import AddressId, ContactId, ConversationId, SenderId
from gateway.model.personal import Personal
from gateway.model.webcare import AgentStatus, BrandPlan, Calendar, DeskPlan, Figures, Load, Presence, Queue, Route
from gateway.rules.assign import Teammate

NOW = 1_764_000_000_000
"""A Monday, 16:00 UTC."""


def waiting(number: int = 1, *, waited_s: float = 0, **more: Any) -> Conversation:
    """A conversation that has waited for some seconds in the general queue of brand "nl"."""
    since = NOW - int(waited_s * 1000)
    fields: dict[str, Any] = {
        "id": ConversationId(f"v00{number:026d}"), "contact": ContactId(f"c00{number:026d}"), "brand": "nl",
        "address": AddressId(f"a00{number:026d}"), "sender": SenderId("s"), "state": ConversationState.QUEUED, "owner": None,
        "owner_since_ms": 0, "epoch": 0, "queue": "general", "opened_ms": since, "waiting_since_ms": since, "last_in_ms": since,
        "last_out_ms": 0, "inbound": 1, "revision": 1, "resolved_ms": None, "resolved_by": "", "previous": None, "reopened": 0,
        "last_owner": None, "queued_ms": since,
    }  # fmt: skip
    return Conversation(**{**fields, **more})


def mate(
    name: str = "g1", *, live: int = 0, owned: int | None = None, status: AgentStatus = AgentStatus.AVAILABLE,
    rights: tuple[str, ...] = ("reply",), beat_s: float = 1, given_s: float = 3600, free_s: float = 60,
    languages: tuple[str, ...] = (), skills: tuple[str, ...] = (),
) -> Teammate:  # fmt: skip
    """An agent who is here. *_s: how long ago."""
    ago = [NOW - int(seconds * 1000) for seconds in (3600, beat_s, given_s, free_s)]
    presence = Presence(AgentId(name), status, "", ago[0], ago[1], ago[1], ago[2], ago[3])
    agent = Agent(AgentId(name), Personal(name), Personal(name), rights)
    return Teammate(agent, presence, Load(live, live if owned is None else owned), frozenset(languages), frozenset(skills))


def plan(
    *queues: Queue, figures: Figures | None = None, calendars: tuple[Calendar, ...] = (), routes: tuple[Route, ...] = ()
) -> DeskPlan:
    """One brand, "nl", with these queues before the general one."""
    found = figures or Figures()
    every = (*queues, *(() if any(one.name == "general" for one in queues) else (Queue("general"),)))
    brand = BrandPlan("nl", every, routes, found)
    return DeskPlan({"nl": brand}, {one.name: one for one in calendars}, (), "v1", figures=found)
