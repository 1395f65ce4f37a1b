"""What agents do with conversations beside answering them: open, park, finish, pass on, ask a colleague, mark, block.

Each is a row of TEAM: the permission that it asks for beside reading, whether it names an epoch, and what does it. Whose the
conversation is, and whether its state has such a move, the store decides in one step with the change (store/agent_commands.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.assistant.lines import BACK
from gateway.errors import BadInput, NotFound, Problem
from gateway.model.agent import Agent, Permission
from gateway.model.conversation import AgentId, Conversation, ConversationState
from gateway.model.personal import Personal
from gateway.rules.moves import Refused, Who, move
from gateway.rules.queueing import Known, complaints_of
from gateway.rules.rights import may_answer
from gateway.rules.routing import AHEAD, QUEUES
from gateway.store.conversations import Command, CommandRefused, Done
from gateway.webcare import fields, private, proving, whispering
from gateway.webcare.deps import WebcareDeps

PARK_MS = 14 * 24 * 3600 * 1000
"""How long something may be parked at most."""
CONSULT_MS = 24 * 3600 * 1000
COMPLAINT_MAX_MS = 365 * 24 * 3600 * 1000
"""How far ahead a complaint may be due at most."""
BOOST_S = 3600
BLOCK_H = 24
FORCED_BLOCK_H = 30 * 24
"""How long an agent, and a supervisor, may block an address."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One command as it came."""

    deps: WebcareDeps
    agent: Agent
    found: Conversation
    command: Command
    body: Mapping[str, Any]

    def may_force(self) -> bool:
        return self.agent.may(Permission.FORCE, self.found.brand, self.found.queue)


async def _open(one: Asked) -> Done:
    done = await one.deps.conversations.open(one.command)
    if not done.repeated:
        await opened(one.deps, one.found)
    return done


async def opened(deps: WebcareDeps, found: Conversation) -> None:
    """Its owner looks at it: the channel may tell its contact so. What fails there is no failure of the command."""
    try:
        await deps.opened(found)
    except Exception as error:  # the top of what is beside the command
        structlog.get_logger().warning("desk.opened_untold", conversation=found.id, error=type(error).__name__)


async def _park(one: Asked) -> Done:
    now_ms = one.deps.clock.now_ms()
    until = fields.whole(one.body, "until")
    if not now_ms < until <= now_ms + PARK_MS:
        raise BadInput([Problem("until", "should be a time from now to 14 days from now, in ms since 1970")])
    return await one.deps.conversations.park(one.command, until, inbound_seen=fields.seen(one.body))


async def _resume(one: Asked) -> Done:
    return await one.deps.conversations.take(one.command)


async def _finish(one: Asked) -> Done:
    reason = _reason(one) if one.body.get("reason") else ""
    return await one.deps.conversations.finish(one.command, inbound_seen=fields.seen(one.body), reason=reason)


async def _tag(one: Asked) -> Done:
    return await one.deps.conversations.tag(one.command, _reason(one))


async def _release(one: Asked) -> Done:
    """What was opened goes back with a note for whoever has it next. Repeated, it is nobody's by then: its key answers."""
    opened = one.found.owner == one.agent.id and one.found.state is not ConversationState.ASSIGNED
    if one.body.get("note") or (opened and one.deps.conversations.terms.push()):
        return await one.deps.conversations.pass_on(one.command, one.found.queue, _note(one))
    return await one.deps.conversations.release(one.command)


async def _transfer(one: Asked) -> Done:
    return await one.deps.conversations.pass_on(one.command, _queue(one), _note(one))


async def _force(one: Asked) -> Done:
    queue = _queue(one) if one.body.get("queue") else one.found.queue
    return await one.deps.conversations.pass_on(one.command, queue, _note(one), force=True)


async def _take_over(one: Asked) -> Done:
    return await one.deps.conversations.take_over(one.command, _note(one))


async def _offer(one: Asked) -> Done:
    colleague = await _colleague(one, Permission.REPLY)
    return await one.deps.conversations.offer(one.command, colleague, _note(one))


async def _accept(one: Asked) -> Done:
    return await one.deps.conversations.accept(one.command)


async def _decline(one: Asked) -> Done:
    return await one.deps.conversations.decline(one.command, _note(one) if one.body.get("note") else None)


async def _consult(one: Asked) -> Done:
    colleague = await _colleague(one, Permission.READ)
    now_ms = one.deps.clock.now_ms()
    until = fields.whole(one.body, "until")
    if not now_ms < until <= now_ms + CONSULT_MS:
        raise BadInput([Problem("until", "should be a time within a day from now, in ms since 1970")])
    return await one.deps.conversations.note(one.command, _note(one), asked=colleague, until_ms=until)


async def _hand_back(one: Asked) -> Done:
    done = await one.deps.conversations.hand_back(one.command, inbound_seen=fields.seen(one.body))
    if one.deps.lines is not None:  # the same key for ever: said once, also where this is repeated
        await one.deps.lines.say(one.found.id, BACK, key=f"{one.agent.id}:{one.command.key}", epoch=done.epoch)
    return done


async def _complaint(one: Asked) -> Done:
    wanted = one.body.get("on")
    if not isinstance(wanted, bool):
        raise BadInput([Problem("on", "should be true or false")])
    now_ms = one.deps.clock.now_ms()
    usual = one.deps.plan.of(one.found.brand).figures.complaint_days * 24 * 3600 * 1000
    due = now_ms + usual
    if one.body.get("due") is not None:  # offers rest until then: a date in the past would end that at once, a far one never
        due = fields.between(one.body, "due", now_ms, now_ms + COMPLAINT_MAX_MS)
    known = Known(language=one.found.language, reasons={one.found.reason: 1.0} if one.found.reason else {})
    queue = complaints_of(one.deps.plan.of(one.found.brand), known, one.deps.plan.reasons)
    ahead = (AHEAD, *(await one.deps.first_queues())) if queue else ()
    return await one.deps.conversations.complain(one.command, due if wanted else 0, queue=queue, ahead=ahead)


async def _boost(one: Asked) -> Done:
    return await one.deps.conversations.boost(one.command, fields.between(one.body, "seconds", 0, BOOST_S))


async def _block(one: Asked) -> Done:
    hours = fields.between(one.body, "hours", 0, FORCED_BLOCK_H if one.may_force() else BLOCK_H)
    return await one.deps.conversations.block(one.command, hours * 3600 * 1000)


async def _identify(one: Asked) -> Done:
    return await proving.ask(one.deps, one.agent, one.found, one.command, one.body)


async def _verify(one: Asked) -> Done:
    return await one.deps.conversations.set_identity(one.command, _note(one))


async def _unverify(one: Asked) -> Done:
    return await one.deps.conversations.unset_identity(one.command, _note(one))


async def _act(one: Asked) -> Done:
    return await one.deps.conversations.use_identity(one.command, proving.act_of(one.body))


async def _private(one: Asked) -> Done:
    """Of a file, and not of the conversation: nothing of that changes."""
    await private.mark(one.deps, one.found, one.body)
    return Done(one.found.revision, one.found.epoch, "", "", False)


async def _whisper(one: Asked) -> Done:
    return await whispering.whisper(one.deps, one.found, one.command, _note(one))


async def _not_yet(one: Asked, target: ConversationState) -> Done:
    refused = move(one.found.state, target, Who.CONTACT)
    code = refused.code if isinstance(refused, Refused) else "moved"
    found = one.found
    raise CommandRefused(code, found.owner, found.owner_since_ms, found.state.value, found.epoch)


async def _callback(one: Asked) -> Done:
    return await _not_yet(one, ConversationState.CALLBACK)


async def _incident(one: Asked) -> Done:
    return await _not_yet(one, ConversationState.INCIDENT)


@dataclass(frozen=True, slots=True)
class Row:
    """permission: beside reading; REPLY is asked of who may answer there, also because it is theirs or offered to them."""

    do: Callable[[Asked], Awaitable[Done]]
    permission: Permission = Permission.REPLY
    epoch: bool = True


TEAM: Mapping[str, Row] = {
    "open": Row(_open),
    "park": Row(_park),
    "resume": Row(_resume),
    "finish": Row(_finish),
    "tag": Row(_tag),
    "release": Row(_release),
    "transfer": Row(_transfer, Permission.TRANSFER),
    "offer": Row(_offer, Permission.TRANSFER),
    "accept": Row(_accept),
    "decline": Row(_decline),
    "consult": Row(_consult, Permission.CONSULT, epoch=False),
    "hand_back": Row(_hand_back),
    "take_over": Row(_take_over, Permission.FORCE),
    "force": Row(_force, Permission.FORCE),
    "whisper": Row(_whisper, Permission.FORCE),
    "complaint": Row(_complaint),
    "boost": Row(_boost, Permission.FORCE),
    "block": Row(_block),
    "identify": Row(_identify),
    "verify": Row(_verify, Permission.REVEAL),
    "unverify": Row(_unverify, Permission.REVEAL),
    "act": Row(_act),
    "private": Row(_private, epoch=False),
    "callback": Row(_callback),
    "incident": Row(_incident),
}


def allowed(row: Row, agent: Agent, found: Conversation) -> bool:
    """Whether somebody may at all; whose it is at the moment, the store asks."""
    if row.permission in (Permission.FORCE, Permission.REVEAL):
        return agent.may(row.permission, found.brand, found.queue)
    theirs = agent.id in (found.owner, found.offered_to)
    return may_answer(agent, found) and agent.may(row.permission, found.brand, None if theirs else found.queue)


def _note(one: Asked) -> Personal:
    return fields.words(one.body, fields.NOTE_MAX, "note")


def _reason(one: Asked) -> str:
    """One of the house's reasons; any word where it has none."""
    given = fields.word(one.body, "reason", "the code of a reason")
    known = {reason.code for reason in one.deps.plan.reasons}
    if known and given not in known:
        raise BadInput([Problem("reason", "should be the code of a reason: see reasons.yaml")])
    return given


def _queue(one: Asked) -> str:
    given = fields.word(one.body, "queue", "the name of a queue")
    known = {queue.name for queue in one.deps.plan.of(one.found.brand).queues} | set(QUEUES)
    if given not in known:
        raise BadInput([Problem("queue", f"should be one of {', '.join(sorted(known))}")])
    return given


async def _colleague(one: Asked, permission: Permission) -> AgentId:
    """Somebody else who may do that for this brand."""
    given = AgentId(fields.word(one.body, "to", "the id of a colleague"))
    try:
        colleague = await one.deps.agents.get(given)
    except NotFound:
        colleague = None
    if colleague is None or colleague.disabled or given == one.agent.id or not colleague.may(permission, one.found.brand):
        raise BadInput([Problem("to", "should be the id of a colleague who may do this for the brand")])
    return given
