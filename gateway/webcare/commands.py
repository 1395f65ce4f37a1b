"""What an agent may do to a conversation, checked and done: the same for the desk's page and for the API.

An agent's words are never lost and never sent twice: they are refused before anything is written, or are in the outbox as one
message; repeated with the same key they are that same message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.crashpoint import crash_point
from gateway.errors import BadInput, NotFound, Problem
from gateway.model.conversation import Agent, Conversation, EntryKind
from gateway.model.ids import ConversationId, MessageId, is_id
from gateway.model.personal import Personal
from gateway.rules.rights import Reading, may_answer, reading
from gateway.rules.window import SERVER_MARGIN_MS, open_until
from gateway.store.conversations import Command, Done
from gateway.webcare import replying
from gateway.webcare.deps import WebcareDeps

COMMANDS = ("take", "reply", "note", "finish", "release", "again", "leave")
NOTE_MAX = 4000
_KEY = re.compile(r"[\w.:-]{1,64}", re.ASCII)


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
    body:   epoch for all but note; text for reply and note (a reply may have a file); message for again and leave; inbound for
            finish
    raises: BadInput, NotFound, CommandRefused
    """
    found = await readable(deps, agent, identifier)
    if what not in COMMANDS:
        raise NotFound("no such command")
    if what != "note" and not may_answer(agent, found):
        raise BadInput([Problem("rights", "you may read this conversation, not answer it")])
    command = Command(found.id, agent.id, 0 if what == "note" else _whole(body, "epoch"), key_of(key))
    done = await _do(deps, agent, found, what, command, body)
    crash_point("command.done")
    return done, await deps.conversations.get(found.id)


async def _do(
    deps: WebcareDeps, agent: Agent, found: Conversation, what: str, command: Command, body: Mapping[str, Any]
) -> Done:
    store = deps.conversations
    if what == "take":
        return await store.take(command)
    if what == "note":
        return await store.note(command, _text(body, NOTE_MAX))
    if what == "finish":
        seen = body.get("inbound")
        return await store.finish(command, inbound_seen=_whole(body, "inbound") if seen is not None else None)
    if what == "release":
        return await store.release(command)
    if what == "leave":
        return await store.leave(command, _message(body))
    again: MessageId | str = _message(body) if what == "again" else ""
    if again:
        entry, file = await replying.sent_before(deps, found, again)
        text = entry.text
    else:
        file = await replying.file_of(deps, found, body)
        text = _text(body, deps.text_max(found.sender), empty=file is not None)
    return await replying.reply(
        deps,
        command,
        found,
        text,
        file,
        author=agent.first_name,
        deadline_ms=await _deadline_ms(deps, found),
        quote=await _quoted(deps, found, body),
        again=again,
    )


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


async def _quoted(deps: WebcareDeps, found: Conversation, body: Mapping[str, Any]) -> Personal | None:
    """The channel's id of the line that is quoted; None when none was named or it has none."""
    line = body.get("quote")
    if line is None:
        return None
    for entry in await deps.conversations.thread(found):
        if entry.id == line and entry.kind is EntryKind.IN:
            return entry.channel_message_id
    raise BadInput([Problem("quote", "should be the id of a line of theirs in this conversation")])


def key_of(key: str | None) -> str:
    """The Idempotency-Key of a command. Raises BadInput."""
    if key is None or not _KEY.fullmatch(key):
        raise BadInput([Problem("Idempotency-Key", "should be 1 to 64 letters, digits or . : - _, new for each intention")])
    return key


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadInput([Problem(name, "should be a whole number, as the conversation shows it")])
    return value


def _text(body: Mapping[str, Any], most: int, *, empty: bool = False) -> Personal:
    """empty: there may be none"""
    value = body.get("text")
    if empty and (value is None or value == ""):
        return Personal("")
    if not isinstance(value, str) or not value.strip():
        raise BadInput([Problem("text", "should not be empty")])
    if len(value) > most:
        raise BadInput([Problem("text", f"should be at most {most} characters; it has {len(value)}")])
    return Personal(value.strip())


def _message(body: Mapping[str, Any]) -> MessageId:
    value = body.get("message")
    if not isinstance(value, str) or not is_id(value, "m"):
        raise BadInput([Problem("message", "should be the id of a message of ours in this conversation")])
    return MessageId(value)
