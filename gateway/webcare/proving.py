"""Who a customer is, at the desk: what is shown of it, what an agent may ask for, what a supervisor may say.

Agents ask, and see what came of it; they never see a code, an answer or the link, and cannot say themselves who somebody is. The
customer shows it on a page behind a link (webhooks/identity.py), by the ways that the operator set up. Where none is set up
nothing can be asked: the desk says so, and what is covered stays covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.assistant.lines import IDENTITY
from gateway.errors import BadInput, Problem
from gateway.model.agent import Agent, Permission
from gateway.model.contact import Contact
from gateway.model.conversation import Conversation
from gateway.model.identity import Act, Asking, Way
from gateway.rules.identity import Level, asking, customers_of, fresh, lasts, level, told_by_code
from gateway.rules.rights import may_answer
from gateway.store.conversation_commands import Command, CommandRefused, Done
from gateway.webcare import fields
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.windows import closing

NO_WAY = "no way to show who somebody is was set up here"
NOT_THEM = "nothing is known of them by which they could show it: no customer number"


@dataclass(frozen=True, slots=True)
class Standing:
    """Who somebody is, as the card shows it. how: a Way, "" not shown; since_ms: since when

    asking, asked_ms, why: how the last asking stands; act: for which it was
    granted:               an act that may be done now, until granted_ms
    can_ask:               this agent may send the link; bar: why nobody can: none (no way set up), unknown (nothing to ask for)
    may_set:               this agent may say it without a proof, with a reason
    """

    level: int = 0
    how: str = ""
    since_ms: int = 0
    asking: Asking = Asking.NONE
    asked_ms: int = 0
    why: str = ""
    act: str = ""
    granted: str = ""
    granted_ms: int = 0
    can_ask: bool = False
    bar: str = ""
    may_set: bool = False


def identity(deps: WebcareDeps, one: Conversation, contact: Contact | None) -> Level:
    """Who writes in this conversation, as far as was proved."""
    if contact is None:
        return Level.UNKNOWN
    proof, at_ms = contact.facts.proofs.get(one.address, (None, 0))
    return level(proof, at_ms, one.opened_ms, deps.clock.now_ms(), shown=one.identity)


def standing(deps: WebcareDeps, one: Conversation, contact: Contact | None, agent: Agent) -> Standing:
    """What the card says of it to this agent."""
    now, held, shown = deps.clock.now_ms(), identity(deps, one, contact), one.identity
    at_ms = contact.facts.proofs.get(one.address, (None, 0))[1] if contact is not None else 0
    how, since = "", 0
    if held >= Level.VERIFIED:
        here = lasts(shown, now)
        how, since = (shown.how, shown.verified_ms) if here else (Way.APP.value, at_ms)
    bar = "none" if deps.proving is None or not deps.proving.ways else "" if ways(deps, one, contact) else "unknown"
    act = fresh(shown, now) and held is Level.FRESH
    return Standing(
        level=int(held),
        how=how,
        since_ms=since,
        asking=asking(shown, now),
        asked_ms=shown.asked_ms,
        why=shown.why,
        act=shown.act,
        granted=shown.granted if act else "",
        granted_ms=shown.granted_ms if act else 0,
        can_ask=not bar and one.owner == agent.id and may_answer(agent, one),
        bar=bar,
        may_set=agent.may(Permission.REVEAL, one.brand, one.queue),
    )


def ways(deps: WebcareDeps, one: Conversation, contact: Contact | None) -> frozenset[Way]:
    """By which this very person can show it: a way needs something to hold what they show against."""
    if deps.proving is None or contact is None or not customers_of(contact, one.address):
        return frozenset()
    no_code = told_by_code(contact, one.address) is None
    return frozenset(way for way in deps.proving.ways if way is not Way.CODE or not no_code)


async def ask(
    deps: WebcareDeps, agent: Agent, found: Conversation, command: Command, body: Mapping[str, Any]
) -> Done:
    """Send the link as a line of the house. {"act"?}. Raises BadInput, CommandRefused (window_closed too)."""
    contact = await deps.contacts.get(found.contact)
    if deps.proving is None or deps.lines is None or not deps.proving.ways:
        raise BadInput([Problem("identity", NO_WAY)])
    if not ways(deps, found, contact):
        raise BadInput([Problem("identity", NOT_THEM)])
    if closing(deps, found, contact.facts, {}).window_ms is None:
        raise CommandRefused("window_closed", found.owner, found.owner_since_ms, found.state.value, found.epoch)
    done, token = await deps.conversations.ask_identity(command, act_of(body) if body.get("act") else None)
    # The same link under the same key, also where this is repeated: a process that died in between says it then.
    params = {"url": deps.proving.link(token.reveal())}
    await deps.lines.say(found.id, IDENTITY, params, key=f"{agent.id}:{command.key}", epoch=done.epoch, at_once=True)
    return done


def act_of(body: Mapping[str, Any]) -> Act:
    given = fields.word(body, "act", f"one of {', '.join(Act)}")
    if given not in list(Act):
        raise BadInput([Problem("act", f"should be one of {', '.join(Act)}")])
    return Act(given)
