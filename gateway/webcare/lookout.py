"""Looks around among the sessions, every few seconds: whose desk was locked is on a break; who left their groups is out.

Each process does this; what it finds is noted in the session by one script, so it is acted upon once. A process that dies in
between leaves a lock that was noted and a presence that was not changed: who does not beat is not given anything either.

A provider is asked about each session it opened every two minutes. *No* ends the session, and takes their rights where their
groups are gone. No answer is no *no*: a provider that is down must not send a whole team home in the middle of a
disruption. Sessions go on for an hour (`grace_s`), and are locked after that until it answers. A process that dies while asking
leaves the next question to the next two minutes: a group that was taken away counts within five in any case.
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.errors import ProviderRefused, ProviderUnreachable, Sealed
from gateway.model.agent import AgentId
from gateway.model.audit import Audited
from gateway.model.webcare import AgentStatus
from gateway.store.sessions import PROVIDER, Session
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.live import being_cancelled
from gateway.webcare.provider import Provider

LOOK_S = 5.0
LOOK_TIMEOUT_S = 60.0
ASK_EVERY_MS = 120_000
ASKS_AT_ONCE = 8
ASKS_A_LOOK = 24
"""Three rounds of calls, each bounded, fit into a look."""


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
    if deps.provider is not None:
        now_ms, room = deps.clock.now_ms(), asyncio.Semaphore(ASKS_AT_ONCE)
        due = [one for one in found if one.how == PROVIDER and now_ms - int(one.asked or 0) >= ASK_EVERY_MS]
        # In the order of the list a slow provider would be asked about the first ones for ever, and never about the last.
        due.sort(key=lambda one: int(one.asked or 0))
        async with asyncio.TaskGroup() as group:
            for session in due[:ASKS_A_LOOK]:
                group.create_task(_ask(deps, deps.provider, session, room))


async def _ask(deps: WebcareDeps, provider: Provider, session: Session, room: asyncio.Semaphore) -> None:
    """Ask the provider about one session, if nobody else does, and do what follows."""
    async with room:
        try:
            if await deps.agents.sessions.ask_now(session):
                await _asked(deps, provider, session)
        except Exception as error:  # the top of a task: one session's trouble does not take the others' turn away
            structlog.get_logger().warning("desk.provider_not_asked", error=type(error).__name__)


async def _asked(deps: WebcareDeps, provider: Provider, session: Session) -> None:
    sessions = deps.agents.sessions
    try:
        identity = await provider.client.again(sessions.tokens(session))
    except ProviderRefused:
        await sessions.end(session, PROVIDER, "refused")
        return
    except (ProviderUnreachable, Sealed) as error:
        why = str(error) if isinstance(error, ProviderUnreachable) else "what it is asked with cannot be read"
        structlog.get_logger().warning("desk.provider_unreachable", why=why)
        if not session.locked and deps.clock.now_ms() - session.confirmed_ms > provider.grace_s * 1000:
            await sessions.lock(session)
        return
    await _as_they_say(deps, provider.rights(identity.claims), session)
    await sessions.confirm(session.id, identity.tokens)


async def _as_they_say(deps: WebcareDeps, rights: tuple[str, ...], session: Session) -> None:
    """Give them the rights of their groups; none: they are out."""
    before = (await deps.agents.get(session.agent)).rights
    if before != rights:
        await deps.agents.set_rights(session.agent, rights)
        old, new = ",".join(before) or "none", ",".join(rights) or "none"
        await deps.agents.audit(Audited.AGENT_RIGHTS, PROVIDER, target=session.agent, old=old, new=new)
    if not rights:
        await deps.agents.sessions.end(session, PROVIDER, "no_group")


async def _on_break(deps: WebcareDeps, agent: AgentId, sessions: list[Session]) -> None:
    """Their presence becomes a break, unless they sit at another desk, unlocked."""
    if deps.presence is None or any(one.agent == agent and not one.locked for one in sessions):
        return
    if (await deps.presence.get(agent)).status is not AgentStatus.OFFLINE:
        await deps.presence.choose(agent, AgentStatus.BREAK)
