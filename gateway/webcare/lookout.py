"""Looks around among the sessions, every few seconds: whose desk was locked is on a break.

Each process does this; what it finds is noted in the session by one script, so it is acted upon once. A process that dies in
between leaves a lock that was noted and a presence that was not changed: who does not beat is not given anything either.
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.model.agent import AgentId
from gateway.model.webcare import AgentStatus
from gateway.store.sessions import Session
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.live import being_cancelled

LOOK_S = 5.0
LOOK_TIMEOUT_S = 30.0


async def run(deps: WebcareDeps) -> None:
    """Until cancelled."""
    while not being_cancelled():
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await look(deps)
        except Exception as error:  # the top of a loop
            structlog.get_logger().warning("desk.sessions_failed", error=type(error).__name__)
        if not being_cancelled():  # a cancellation may be lost inside a client's clean-up
            await asyncio.sleep(LOOK_S)


async def look(deps: WebcareDeps) -> None:
    """One look at every session."""
    found = await deps.agents.sessions.all()
    for session in found:
        if await deps.agents.sessions.note_lock(session):
            await _on_break(deps, session.agent, found)


async def _on_break(deps: WebcareDeps, agent: AgentId, sessions: list[Session]) -> None:
    """Their presence becomes a break, unless they sit at another desk, unlocked."""
    if deps.presence is None or any(one.agent == agent and not one.locked for one in sessions):
        return
    if (await deps.presence.get(agent)).status is not AgentStatus.OFFLINE:
        await deps.presence.choose(agent, AgentStatus.BREAK)
