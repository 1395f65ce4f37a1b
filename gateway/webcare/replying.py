"""What goes out with an agent's words: a file, taken up before they press send and checked then, so that nothing fails later.

A file is taken up sealed, under a name made of conversation, agent and key: taken up twice, it is one. A picture is drawn
anew: it leaves with its pixels and nothing else. The reply names it; only
then its bytes are laid where dispatch finds them, for as long as the words may still go. Where a channel cannot put words and
file into one message (no captions, too long for one, or the file is sound), words go first and the file behind them, in the same
lane. Each of the two has its own key, made of the one that the page sent: whatever dies in between, repeating it sends what is
missing and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from gateway.connector import ChannelFacts
from gateway.crashpoint import crash_point
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.model.conversation import Agent, Conversation, Entry, EntryKind
from gateway.model.ids import MessageId
from gateway.model.media import Kept, Look, MediaState
from gateway.model.personal import Personal
from gateway.rules.filetypes import look_of, safe_name, seconds_of, type_of
from gateway.rules.rights import may_answer
from gateway.store.conversation_commands import Beside, Command, Done
from gateway.webcare import canned_own, fields, words
from gateway.webcare.canned import for_page
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pictures import NoPicture, draw_anew
from gateway.webcare.scan import NotScanned
from gateway.webcare.views import contacts_of, given_name

LEFT_MS = 3600_000
"""How much longer than its message may go a file lies ready: a last attempt may still be under way."""


async def take_up(deps: WebcareDeps, agent: Agent, found: Conversation, key: str, data: bytes, told: str, name: str) -> Kept:
    """Keep a file for a reply, if its channel takes it. Repeatable by key. Raises BadInput with the limit, Conflict."""
    facts = deps.channels.get(found.sender)
    if deps.media is None or deps.documents is None or facts is None:
        raise BadInput([Problem("file", "no files can be sent here")])
    mime = type_of(data, told)
    why = unfit(facts, mime, len(data), deps.file_max)
    if why:
        raise BadInput([Problem("file", why)])
    if deps.fetching is not None and deps.fetching.scanner is not None:
        try:
            if not await deps.fetching.scanner.clean(data, mime):
                raise BadInput([Problem("file", "the scanner found something harmful in it")])
        except NotScanned:
            raise Conflict("the scanner does not answer: try again in a moment") from None
    width = height = 0
    if look_of(mime) is Look.PICTURE:
        try:
            drawn = await asyncio.to_thread(draw_anew, data)
        except NoPicture:
            raise BadInput([Problem("file", "cannot be read as a picture")]) from None
        # What goes out is what was drawn: an agent's phone writes into each photo where it was taken, and by whom.
        data, mime, width, height = drawn.data, drawn.mime, drawn.width, drawn.height
        if why := unfit(facts, mime, len(data), deps.file_max):
            raise BadInput([Problem("file", why)])
    kept = Kept(
        ref=deps.media.ref(found.contact, f"out:{found.id}:{agent.id}:{key}", 0),
        contact=found.contact,
        conversation=found.id,
        sender=found.sender,
        state=MediaState.OURS,
        at_ms=deps.clock.now_ms(),
        mime=mime,
        size=len(data),
        seconds=seconds_of(data, mime),
        width=width,
        height=height,
        filename=Personal(safe_name(name, mime, look_of(mime).value)),
    )
    try:
        taken = await deps.media.settle(kept, data)
    except OSError:
        raise Conflict("no room for the file here: your words are kept, an administrator should look at the disk") from None
    if not taken:
        raise NotFound("no such conversation any more")
    return kept


def unfit(facts: ChannelFacts, mime: str, size: int, most: int) -> str:
    """Why a file cannot go, "" where it can. The channel's facts decide, never the page."""
    if not size:
        return "is empty"
    limit = facts.file_mimes.get(mime)
    if limit is None:
        return f"{facts.name} takes pictures (JPEG, PNG), PDF, office documents, text and sound; this is none of these"
    limit = min(limit, most)
    return f"is larger than {limit // 1_000_000} MB, which is the most for this kind" if size > limit else ""


async def file_of(deps: WebcareDeps, found: Conversation, body: Mapping[str, Any]) -> Kept | None:
    """The file that a reply names. Raises BadInput for one that is not there, or was taken up for somebody else."""
    ref = body.get("file")
    if ref is None:
        return None
    kept = await deps.media.get(found.contact, ref) if deps.media is not None and isinstance(ref, str) else None
    facts = deps.channels.get(found.sender)
    if kept is None or kept.conversation != found.id or kept.state is not MediaState.OURS or facts is None:
        raise BadInput([Problem("file", "is not there any more: attach it again")])
    if why := unfit(facts, kept.mime, kept.size, deps.file_max):  # they may have written from another channel since
        raise BadInput([Problem("file", why)])
    return kept


async def reply(
    deps: WebcareDeps,
    command: Command,
    found: Conversation,
    text: Personal,
    kept: Kept | None,
    *,
    author: Personal,
    deadline_ms: int,
    quote: Personal | None = None,
    again: MessageId | str = "",
    template: Beside | None = None,
) -> Done:
    """Words, a file, or both, to the outbox: one message where the channel can, else two. Raises CommandRefused, BadInput."""

    async def send(command: Command, words: Personal, beside: Beside, again: MessageId | str) -> Done:
        return await deps.conversations.reply(
            command, words, author=author, deadline_ms=deadline_ms, quote=quote, again=again, beside=beside,
            enqueued=deps.enqueued,
        )  # fmt: skip

    if kept is None:
        return await send(command, text, template or Beside(), again)
    await _lay_ready(deps, kept, deadline_ms)
    beside = Beside(file={"ref": kept.ref, "mime": kept.mime, "filename": kept.filename.reveal()})
    if text.reveal() and not _captioned(deps.channels[found.sender], kept, text):
        await send(replace(command, key=words_key(command.key)), text, Beside(), "")
        crash_point("reply.words")
        text = Personal("")
    return await send(command, text, beside, again)


def words_key(key: str) -> str:
    """The key of the words that go before the file of the reply with this key."""
    return f"{key}.words"


def _captioned(facts: ChannelFacts, kept: Kept, text: Personal) -> bool:
    return facts.captions and look_of(kept.mime) is not Look.SOUND and len(text.reveal()) <= facts.caption_max


async def _lay_ready(deps: WebcareDeps, kept: Kept, deadline_ms: int) -> None:
    left_ms = deadline_ms - deps.clock.now_ms()
    if left_ms <= 0:
        return  # the reply is refused next, with whose the conversation is and why
    assert deps.media is not None
    assert deps.documents is not None
    data = await deps.media.read(kept)
    if data is None:
        raise BadInput([Problem("file", "is not there any more: attach it again")])
    await deps.documents.put(kept.contact, kept.ref, data, ttl_ms=left_ms + LEFT_MS)


async def keep_draft(deps: WebcareDeps, found: Conversation, agent: Agent, body: Mapping[str, Any]) -> None:
    """The owner's unsent words. Who reads along leaves none behind."""
    text = body.get("text")
    if not isinstance(text, str) or len(text) > deps.text_max(found.sender) * 2:
        raise BadInput([Problem("text", "should be what was written so far")])
    if deps.drafts is not None and (found.owner == agent.id or not text.strip()):
        await deps.drafts.keep(found, agent.id, Personal(fields.sayable(text)))


async def unsent(deps: WebcareDeps, found: Conversation, agent: Agent) -> list[dict[str, Any]]:
    """What colleagues left unsent: who, when, the words. Only for who may answer."""
    if deps.drafts is None or not may_answer(agent, found):
        return []
    drafts = await deps.drafts.of_others(found, agent.id)
    names = await deps.agents.many([one.agent for one in drafts])
    return [
        {"by": names[one.agent].first_name.reveal() if one.agent in names else "", "at": one.at_ms, "text": one.text.reveal()}
        for one in drafts
    ]


async def canned(deps: WebcareDeps, found: Conversation, agent: Agent) -> list[dict[str, Any]]:
    """What is said often, in their language and filled in for them."""
    contact = (await contacts_of(deps, [found]))[found.contact]
    language = found.language or (contact.facts.language if contact else "") or "en"
    first_name, name = given_name(contact, found.address), agent.first_name.reveal()
    own = await canned_own.for_page(deps, agent.id, language=language, first_name=first_name, name=name)
    return own + for_page(
        deps.canned, brand=found.brand, language=language, first_name=first_name, agent=name, locale=agent.locale
    )


async def offered(deps: WebcareDeps, found: Conversation) -> list[dict[str, Any]]:
    """The templates that may go to them now, for a page or a program."""
    if deps.templates is None:
        return []
    contact = await deps.contacts.get(found.contact)
    return [
        {**asdict(one), "title": words.notification(one.name.removeprefix("desk_"))}
        for one in await deps.templates.offered(found, contact)
    ]


async def template_of(deps: WebcareDeps, found: Conversation, wanted: object) -> tuple[Personal, Beside]:
    """The words and forms of a template that a reply names. Raises BadInput."""
    contact = await deps.contacts.get(found.contact)
    if deps.templates is None or not isinstance(wanted, dict):
        raise BadInput([Problem("template", "none can be sent here")])
    return await deps.templates.made(found, contact, wanted)


async def line_of(deps: WebcareDeps, found: Conversation, message: MessageId | str) -> Entry:
    """The line of a message of ours in this conversation. Raises NotFound."""
    for entry in await deps.conversations.thread(found):
        if entry.message == message and entry.kind is EntryKind.OUT:
            return entry
    raise NotFound("no such message in this conversation")


async def sent_before(deps: WebcareDeps, found: Conversation, message: MessageId | str) -> tuple[Entry, Kept | None]:
    """What a message of ours said, and the file that went with it. Raises NotFound; BadInput where the file is gone."""
    entry = await line_of(deps, found, message)
    return entry, await file_of(deps, found, {"file": entry.media["ref"]}) if entry.media else None
