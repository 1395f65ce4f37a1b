"""A conversation's thread as the desk shows it: theirs, ours, what others said, notes, and the proactive messages in between."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.model.contact import Contact
from gateway.model.conversation import (
    AUTOMATION,
    INBOX,
    PROGRAM,
    WANTED,
    WITHDRAWN,
    Agent,
    Conversation,
    Entry,
    EntryKind,
    Mention,
)
from gateway.model.identity import PATH
from gateway.model.ids import ConversationId, MessageId
from gateway.model.message import MessageRecord
from gateway.rules.identity import Datum, cover, shows
from gateway.rules.masking import COVER
from gateway.rules.rights import may_answer
from gateway.store.outbox import parse_record
from gateway.webcare import whispering, words
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.files import Shown, shown
from gateway.webcare.proving import identity
from gateway.webcare.replying import words_key
from gateway.webcare.views import codes, first_name, short, shown_to
from gateway.webcare.windows import closing

_PROOF_LINK = re.compile(rf"(?<={re.escape(PATH)})\d\d[0-9a-z]{{32}}")


@dataclass(frozen=True, slots=True)
class Quote:
    """What a line answers: a notification's name or whose words, and its first words."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a line said before it was changed."""

    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a thread. id: unique on the page.

    kind:      in, out, outside (said to them by other hands than ours), note, news (a proactive message),
               whisper (a supervisor's)
    files:     names or kinds of what came with it
    versions:  what it said before it was changed, oldest first
    standby:   another program held the thread when they wrote it
    speaks_as: the name that they were shown for it
    quotable:  a reply may quote it
    family:    the journeys whose traveller's family wrote it
    hidden:    kinds of what was covered in its text before it was kept: card, bsn, password
    folded:    the lines that this one stands for, oldest first (folding.py)
    """

    id: str
    kind: str
    at_ms: int
    who: str
    text: str
    form: str = "text"
    title: str = ""
    label: str = ""
    quote: Quote | None = None
    fate: words.Fate | None = None
    message: str = ""
    decided: str = ""
    key: str = ""
    files: tuple[Shown, ...] = ()
    sent_files: tuple[str, ...] = ()
    """names of files that nothing more is known of: an older line, or another program's"""
    versions: tuple[Said, ...] = ()
    edited_ms: int | None = None
    standby: bool = False
    speaks_as: str = ""
    quotable: bool = False
    family: str = ""
    hidden: tuple[str, ...] = ()
    folded: tuple[Said, ...] = ()
    elsewhere: tuple[tuple[ConversationId, str], ...] = ()
    """where else the same person can be answered now: their other conversations, each with its channel"""
    half: str = ""
    """what became of the other half of a reply that went as two messages, where this one did not go well: "words.arrived" """


@dataclass(frozen=True, slots=True)
class _Thread:
    """What drawing one line may look at."""

    conversation: Conversation
    name: str
    channel: str
    shows_speaker: bool
    records: Mapping[str, MessageRecord | None]
    authors: Mapping[str, Agent]
    ours: Mapping[str, Quote]
    """by our message"""
    by_channel_id: Mapping[str, Quote]
    """by the channel's id, which is compared and never shown"""
    files: Mapping[str, tuple[Shown, ...]]
    """by the line's place"""
    covered: Sequence[str] = ()
    """what is covered in words that no person wrote"""


async def thread(deps: WebcareDeps, one: Conversation, contact: Contact | None, agent: Agent | None = None) -> list[Line]:
    """Theirs, ours, notes, and the proactive messages in between, by time.

    agent: who looks, None for a program. Codes in the proactive messages are covered for whom they are not meant: what people
    say themselves stays as they said it.
    """
    seen = shows(shown_to(agent, one, identity(deps, one, contact)), Datum.CODE)
    covered = () if seen else codes(contact)
    entries = await deps.conversations.thread(one)
    mentions = await deps.conversations.mentions(one)
    messages = [MessageId(entry.message) for entry in entries if entry.message] + [item.message for item in mentions]
    records: dict[str, MessageRecord | None] = {}
    for message, raw in zip(messages, await deps.outbox.raw_records(messages), strict=True):
        records[message] = parse_record(message, raw)[0] if raw is not None else None
    nobody = ("", AUTOMATION, INBOX, PROGRAM)
    channel, name = deps.channel(one.sender), first_name(contact, one.address)
    quotes: dict[str, Quote] = {
        item.message: Quote(words.notification(item.notification), short(cover(item.text.reveal(), covered), 120))
        for item in mentions
    }
    quotes |= {
        str(entry.message): Quote("Our answer", short(house_text(entry, covered), 120)) for entry in entries if entry.message
    }
    drawn = _Thread(
        conversation=one,
        name=name,
        channel=channel,
        shows_speaker=deps.shows_speaker(one.sender),
        records=records,
        authors=await deps.agents.many(entry.author for entry in entries if entry.author not in nobody),
        ours=quotes,
        by_channel_id={
            entry.channel_message_id.reveal(): Quote(
                name if entry.kind is EntryKind.IN else _outsider(entry, channel), short(house_text(entry, covered), 120)
            )
            for entry in entries
            if entry.channel_message_id is not None
        },
        files=await shown(deps, one, entries),
        covered=covered,
    )
    lines = [_news(item, records.get(item.message), channel, covered) for item in mentions]
    lines += [_line(entry, drawn) for entry in entries]
    lines += await _whispered(deps, one, agent)
    if any(_may_go_elsewhere(line) for line in lines) and agent is not None:
        others = await _elsewhere(deps, one, contact, agent)
        lines = [replace(line, elsewhere=others) if _may_go_elsewhere(line) else line for line in lines]
    return sorted(_halved(lines), key=lambda line: line.at_ms)


async def _whispered(deps: WebcareDeps, one: Conversation, agent: Agent | None) -> list[Line]:
    found = await whispering.heard(deps, one, agent)
    known = await deps.agents.many(said.by for said in found) if found else {}
    return [
        Line(
            f"w-{said.by}-{said.key}", "whisper", said.at_ms,
            known[said.by].display.reveal() if said.by in known else "A colleague", said.text.reveal(),
        )
        for said in found
    ]  # fmt: skip


def _halved(lines: Sequence[Line]) -> list[Line]:
    """Where words and file went as two messages and one did not go well, that one says what became of the other."""
    ours = {line.key: line for line in lines if line.kind == "out" and line.key}
    told = {}
    for key, file in ours.items():
        said = ours.get(words_key(key))
        if said is not None:
            told[file.id], told[said.id] = f"words.{_half(said)}", f"file.{_half(file)}"
    return [replace(line, half=told[line.id]) if line.id in told and line.fate and line.fate.ask else line for line in lines]


def _half(line: Line) -> str:
    fate = line.fate
    if fate is None or fate.word == "uncertain":
        return "unsure"
    if fate.ask:
        return "failed"
    if fate.tone == "good":
        return "arrived"
    return "waits" if fate.word in ("waiting to be sent", "will be tried again", "no answer yet") else "went"


def _may_go_elsewhere(line: Line) -> bool:
    return line.fate is not None and words.ELSEWHERE in line.fate.ways and not line.decided


async def _elsewhere(
    deps: WebcareDeps, one: Conversation, contact: Contact | None, agent: Agent
) -> tuple[tuple[ConversationId, str], ...]:
    """Open conversations of the same person with the brand by another address, whose window is open."""
    persons = await deps.person_windows()
    facts = contact.facts if contact is not None else None
    return tuple(
        (other.id, words.CHANNELS.get(deps.channel(other.sender), deps.channel(other.sender)))
        for other in await deps.conversations.get_many(await deps.conversations.of_contact(one.contact))
        if other is not None and other.brand == one.brand and other.address != one.address and not other.resolved
        and may_answer(agent, other) and closing(deps, other, facts, persons).last_ms
    )  # fmt: skip


def house_text(entry: Entry, covered: Sequence[str]) -> str:
    """A line's words, with what is to be covered covered where the house filled them in: what people wrote stays as it is.

    A link by which somebody shows who they are is for them alone, at whatever level.
    """
    text = entry.text.reveal()
    if entry.kind is not EntryKind.OUT or not (entry.author == AUTOMATION or entry.template is not None):
        return text
    return cover(_PROOF_LINK.sub(COVER, text), covered)


def _news(item: Mention, record: MessageRecord | None, channel: str, covered: Sequence[str]) -> Line:
    found = words.fate(record, channel)
    return Line(
        id=f"n-{item.message}",
        kind="news",
        at_ms=item.at_ms,
        who="Automatic message",
        title=words.notification(item.notification),
        text=cover(item.text.reveal(), covered),
        fate=words.Fate(found.word, found.tone, found.detail),
        message=item.message,
    )


def _line(entry: Entry, drawn: _Thread) -> Line:
    if entry.kind is EntryKind.IN:
        return _theirs(entry, drawn)
    if entry.author in (INBOX, PROGRAM):
        return Line(
            f"e-{entry.id}", "outside", entry.at_ms, _outsider(entry, drawn.channel), entry.text.reveal(), form=entry.form,
            label=words.FORMS.get(entry.form, ""), quote=_quote(entry, drawn), sent_files=_names(entry),
        )  # fmt: skip
    author = drawn.authors.get(entry.author)
    who = "Automatic answer" if entry.author == AUTOMATION else (author.display.reveal() if author else "A colleague")
    if entry.kind is EntryKind.NOTE:
        remark = entry.form == WANTED
        text = "Another program asks for this conversation." if remark else entry.text.reveal()
        who = words.CHANNELS.get(drawn.channel, drawn.channel) if remark else who
        return Line(f"e-{entry.id}", "note", entry.at_ms, who, text, form=entry.form, key=entry.key)
    message = str(entry.message)
    return Line(
        f"e-{entry.id}",
        "out",
        entry.at_ms,
        who,
        house_text(entry, drawn.covered),
        label="sent again, as its agent decided" if entry.again else "",
        fate=words.fate(drawn.records.get(message), drawn.channel),
        message=message,
        decided=drawn.conversation.decided.get(message, ""),
        key=entry.key,
        files=drawn.files.get(entry.id, ()),
        sent_files=() if entry.id in drawn.files else _names(entry),
        speaks_as=author.first_name.reveal() if author and drawn.shows_speaker else "",
    )


def _theirs(entry: Entry, drawn: _Thread) -> Line:
    label = words.FORMS.get(entry.form, "") or ("pressed a button" if entry.form == "button" else "")
    if entry.form == "reaction" and not entry.text.reveal():
        label = "took back a reaction"
    if entry.detail == WITHDRAWN:
        label = "withdrawn"
    return Line(
        f"e-{entry.id}",
        "in",
        entry.at_ms,
        drawn.name,
        entry.text.reveal(),
        form=entry.form,
        label=label,
        quote=_quote(entry, drawn),
        files=drawn.files.get(entry.id, ()),
        sent_files=() if entry.id in drawn.files else _names(entry),
        versions=tuple(Said(one.text.reveal(), one.at_ms) for one in entry.versions),
        edited_ms=entry.edited_ms,
        standby=entry.standby,
        quotable=entry.channel_message_id is not None and entry.form != "reaction",
        family=entry.family,
        hidden=entry.hidden,
    )


def _quote(entry: Entry, drawn: _Thread) -> Quote | None:
    if entry.origin:
        return drawn.ours.get(str(entry.origin)) or Quote("An earlier message", "")
    if entry.answers is not None:
        return drawn.by_channel_id.get(entry.answers.reveal()) or Quote("An earlier message", "")
    return None


def _outsider(entry: Entry, channel: str) -> str:
    where = words.CHANNELS.get(channel, channel or "the channel")
    return f"Somebody in {where}'s own inbox" if entry.author == INBOX else "Another program"


def _names(entry: Entry) -> tuple[str, ...]:
    found: Sequence[Mapping[str, str]] = [one for one in (entry.media, *entry.more_media) if one]
    return tuple(one.get("filename") or one.get("mime") or "a file" for one in found)
