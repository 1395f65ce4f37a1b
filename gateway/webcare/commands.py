"""What an agent may do to a conversation, checked and done: the same for the desk's page and for the API.

An agent's words are never lost and never sent twice: they are refused before anything is written, or are in the outbox as one
message; repeated with the same key they are that same message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.assistant.lines import HUMAN
from gateway.crashpoint import crash_point
from gateway.errors import BadInput, NotFound, Problem
from gateway.model.conversation import Agent, Conversation, EntryKind
from gateway.model.ids import ConversationId, MessageId
from gateway.model.personal import Personal
from gateway.rules.rights import Reading, may_answer, reading
from gateway.rules.window import SERVER_MARGIN_MS, open_until
from gateway.store.conversations import Command, Done
from gateway.webcare import fields, replying
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.team import TEAM, Asked, allowed, opened

ANSWERS = ("take", "reply", "note", "again", "leave")
COMMANDS = (*ANSWERS, *TEAM)
TEMPLATE_LIFE_MS = 24 * 3600_000
"""How long a template may wait for its turn: what an agent wanted to say today is not said tomorrow night."""


async def readable(deps: WebcareDeps, agent: Agent, identifier: str) -> Conversation:
    """A conversation that this agent may read. Raises NotFound for one that they may not too: it does not exist for them."""
    found = await deps.conversations.get(ConversationId(identifier))
    if reading(agent, found) is Reading.NO:
        raise NotFound("no such conversation")
    return found


async def run(
    deps: WebcareDeps, agent: Agent, identifier: str, what: str, key: str | None, body: Mapping[str, Any]
) -> tuple[Done, Conversation]:
    """Do one command and say how the conversation stands after it.

    key:    the Idempotency-Key header
    body:   epoch for all but note and consult; text for reply and note (a reply may have a file, and `instead`: the message of
            ours that did not arrive and in whose place it goes); message for again and leave; of others see team.py
    raises: BadInput, NotFound, CommandRefused
    """
    found = await readable(deps, agent, identifier)
    if what not in COMMANDS:
        raise NotFound("no such command")
    row = TEAM.get(what)
    if row is not None and not allowed(row, agent, found):
        raise BadInput([Problem("rights", "you may read this conversation, not do this with it")])
    if row is None and what != "note" and not may_answer(agent, found):
        raise BadInput([Problem("rights", "you may read this conversation, not answer it")])
    unseen = what == "note" or (row is not None and not row.epoch)
    command = Command(found.id, agent.id, 0 if unseen else fields.whole(body, "epoch"), fields.key_of(key), agent.program)
    if row is not None:
        done = await row.do(Asked(deps, agent, found, command, body))
    else:
        done = await _do(deps, agent, found, what, command, body)
    crash_point("command.done")
    return done, await deps.conversations.get(found.id)


async def _do(
    deps: WebcareDeps, agent: Agent, found: Conversation, what: str, command: Command, body: Mapping[str, Any]
) -> Done:
    store = deps.conversations
    if what == "take":
        done = await store.take(command)
        if not done.repeated:
            await opened(deps, found)
        return done
    if what == "note":
        return await store.note(command, fields.words(body, fields.NOTE_MAX))
    if what == "leave":
        return await store.leave(command, fields.message(body))
    again: MessageId | str = fields.message(body) if what == "again" else await _instead(deps, found, body)
    if what == "again":
        entry, file = await replying.sent_before(deps, found, MessageId(again))
        text, wanted = entry.text, entry.template
    elif (wanted := body.get("template")) is not None:
        file = None
    else:
        file = await replying.file_of(deps, found, body)
        text = fields.words(body, deps.text_max(found.sender), empty=file is not None)
    deadline_ms, template = await _deadline_ms(deps, found), None
    if wanted is not None:
        text, template = await replying.template_of(deps, found, wanted)
        deadline_ms = deps.clock.now_ms() + TEMPLATE_LIFE_MS
    if deps.lines is not None and found.assisted and found.owner == agent.id:
        # Before their own words; dropped where it changed hands meanwhile, as these are then.
        ushered = {"name": agent.first_name.reveal()}
        await deps.lines.say(found.id, HUMAN, ushered, key=f"{agent.id}:{command.epoch}", epoch=command.epoch)
    done = await replying.reply(
        deps,
        command,
        found,
        text,
        file,
        author=agent.first_name,
        deadline_ms=deadline_ms,
        quote=await _quoted(deps, found, body),
        again=again,
        template=template,
    )
    if deps.drafts is not None and what == "reply" and wanted is None:
        await deps.drafts.sent(found, text)
    return done


async def _deadline_ms(deps: WebcareDeps, found: Conversation) -> int:
    """When a person's words will no longer be taken: the end of their window less the margin; 0 when it was never open."""
    facts = (await deps.contacts.facts_of([found.contact]))[0]
    if facts.moved_to is not None:
        facts = (await deps.contacts.facts_of([facts.moved_to]))[0]
    opened = facts.window_opened_at(found.sender, found.address)
    if opened is None:
        return 0
    lasts_ms = max(deps.window_ms(found.sender), (await deps.person_windows()).get(found.sender, 0))
    return open_until(min(opened, deps.clock.now_ms()), lasts_ms) - SERVER_MARGIN_MS


async def _instead(deps: WebcareDeps, found: Conversation, body: Mapping[str, Any]) -> MessageId | str:
    """The message of ours in whose place this one goes, "" none. Raises BadInput, NotFound."""
    if body.get("instead") is None:
        return ""
    message = fields.message(body, "instead")
    await replying.line_of(deps, found, message)
    return message


async def _quoted(deps: WebcareDeps, found: Conversation, body: Mapping[str, Any]) -> Personal | None:
    """The channel's id of the line that is quoted; None when none was named or it has none."""
    line = body.get("quote")
    if line is None:
        return None
    for entry in await deps.conversations.thread(found):
        if entry.id == line and entry.kind is EntryKind.IN:
            return entry.channel_message_id
    raise BadInput([Problem("quote", "should be the id of a line of theirs in this conversation")])
