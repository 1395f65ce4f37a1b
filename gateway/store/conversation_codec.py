"""Conversations, entries and mentions as the store holds them. Field names: lua/_conv.lua."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.model.conversation import (
    EDIT,
    WITHDRAWN,
    AgentId,
    Conversation,
    ConversationState,
    Entry,
    EntryKind,
    InboundEntry,
    Mention,
    OutsideEntry,
    Version,
)
from gateway.model.identity import NOTHING_SHOWN, Asking, Shown
from gateway.model.ids import AddressId, ContactId, ConversationId, MessageId, SenderId
from gateway.model.personal import Personal
from gateway.model.webcare import BOOST_S, Boost, Decision, Figures, Heard, LeftOut
from gateway.store.vault import Box

DAY_MS = 24 * 3600 * 1000


def parse_conversation(identifier: ConversationId, raw: Mapping[bytes, bytes]) -> Conversation | None:
    """cv:V as a value; None for an empty hash."""
    if not raw:
        return None
    f = {name.decode(): value.decode() for name, value in raw.items()}
    return Conversation(
        id=identifier,
        contact=ContactId(f["c"]),
        brand=f["b"],
        address=AddressId(f["a"]),
        sender=SenderId(f["s"]),
        state=ConversationState(f["st"]),
        owner=AgentId(f["o"]) if f["o"] else None,
        owner_since_ms=int(f["oat"]),
        epoch=int(f["ep"]),
        queue=f["q"],
        opened_ms=int(f["op"]),
        waiting_since_ms=int(f["w"]) if f["w"] else None,
        last_in_ms=int(f["li"]),
        last_out_ms=int(f["lo"]),
        inbound=int(f["n"]),
        revision=int(f["rev"]),
        resolved_ms=int(f["res"]) if f["res"] else None,
        resolved_by=f["by"],
        previous=ConversationId(f["pv"]) if f["pv"] else None,
        reopened=int(f["re"]),
        last_owner=AgentId(f["own"]) if f["own"] else None,
        elsewhere_since_ms=int(f["sw"]) if f.get("sw") else None,
        answered_ms=int(f.get("la") or 0),
        decided={name[2:]: value for name, value in f.items() if name.startswith("u:")},
        undelivered={
            name[3:]: value for name, value in f.items() if name.startswith("nd:") and f"u:{name[3:]}" not in f
        },
        queued_ms=int(f.get("qe") or 0),
        boost=f.get("bw", ""),
        boost_s=int(f.get("bs") or 0),
        sticky=AgentId(f["stk"]) if f.get("stk") else None,
        sticky_until_ms=int(f.get("stu") or 0),
        excluded={AgentId(name[2:]): int(value) for name, value in f.items() if name.startswith("x:")},
        returning_ms=int(f.get("rt") or 0),
        parked_until_ms=int(f.get("pu") or 0),
        parked_place_ms=int(f.get("pk") or 0),
        wrapup_until_ms=int(f.get("wu") or 0),
        offered_to=AgentId(f["ofa"]) if f.get("ofa") else None,
        offered_ms=int(f.get("ofm") or 0),
        transfers=int(f.get("tc") or 0),
        reason=f.get("rc", ""),
        complaint_due_ms=int(f.get("cm") or 0),
        safety=f.get("sf", ""),
        language=f.get("lg", ""),
        flooded_ms=int(f.get("ff") or 0),
        human=f.get("hu") == "1",
        assisted=f.get("au") == "1",
        consulted={AgentId(name[2:]): int(value) for name, value in f.items() if name.startswith("k:") and value},
        identity=_shown(f),
    )


def _shown(f: Mapping[str, str]) -> Shown:
    if not (f.get("iv") or f.get("ia") or f.get("ie")):
        return NOTHING_SHOWN
    return Shown(
        verified_ms=int(f.get("iv") or 0),
        heard_ms=int(f.get("ih") or 0),
        how=f.get("iw", ""),
        asking=Asking(f.get("ia", "")),
        asked_ms=int(f.get("ib") or 0),
        why=f.get("iy", ""),
        act=f.get("ic", ""),
        granted=f.get("ig", ""),
        granted_ms=int(f.get("iu") or 0),
        ended_ms=int(f.get("ie") or 0),
    )


def pack_heard(heard: Heard, at_ms: int, figures: Figures) -> list[str | int]:
    """The last arguments of lua/conv_inbound: what a message says of itself."""
    due = at_ms + figures.complaint_days * DAY_MS if heard.complaint else ""
    kind = heard.safety.value if heard.safety is not None else ""
    return [kind, BOOST_S[Boost.SAFETY], due, heard.language, heard.usual]


def about_entry(contact: str, key: str) -> str:
    """What an entry's sealed body is bound to."""
    return f"entry:{contact}:{key}"


def seal_inbound(box: Box, contact: ContactId, key: str, item: InboundEntry) -> bytes:
    body: dict[str, Any] = {"text": item.text.reveal()}
    if item.payload is not None:
        body["payload"] = item.payload
    if item.media is not None:
        body["media"] = dict(item.media)
    if item.channel_message_id is not None:
        body["channel_id"] = item.channel_message_id.reveal()
    if item.detail:
        body["detail"] = item.detail
    if item.more_media:
        body["more"] = [dict(one) for one in item.more_media]
    if item.answers is not None:
        body["answers"] = item.answers.reveal()
    if item.standby:
        body["standby"] = True
    if item.edits:
        body["edits"] = item.edits
    if item.family:
        body["family"] = item.family
    if item.hidden:
        body["hidden"] = list(item.hidden)
    return box.seal_json(body, about_entry(contact, key))


def seal_outside(box: Box, contact: ContactId, key: str, item: OutsideEntry) -> bytes:
    body: dict[str, Any] = {"text": item.text.reveal(), "program": item.program}
    if item.media is not None:
        body["media"] = dict(item.media)
    if item.channel_message_id is not None:
        body["channel_id"] = item.channel_message_id.reveal()
    if item.answers is not None:
        body["answers"] = item.answers.reveal()
    return box.seal_json(body, about_entry(contact, key))


def parse_entry(stream_id: bytes, raw: Mapping[bytes, bytes], box: Box, contact: ContactId) -> Entry:
    """One line of ct:V. Raises Sealed when its contact's key is not the one it was sealed with."""
    _, kind, at, author, message, origin, key, again, form = raw[b"h"].decode().split("|")
    body = box.open_json(raw[b"b"], about_entry(contact, key))
    channel_id, answers = body.get("channel_id"), body.get("answers")
    return Entry(
        id=stream_id.decode(),
        kind=EntryKind(kind),
        at_ms=int(at),
        author=author,
        message=message,
        origin=origin,
        key=key,
        again=again,
        form=form,
        text=Personal(body["text"]),
        payload=body.get("payload"),
        media=body.get("media"),
        channel_message_id=Personal(channel_id) if channel_id else None,
        detail=body.get("detail", ""),
        more_media=tuple(body.get("more", ())),
        answers=Personal(answers) if answers else None,
        standby=bool(body.get("standby")),
        program=body.get("program", ""),
        edits=int(body.get("edits", 0)),
        family=body.get("family", ""),
        hidden=tuple(body.get("hidden", ())),
        template=body.get("template"),
    )


def fold_edits(entries: Sequence[Entry]) -> list[Entry]:
    """Let each line say what its writer changed it into last, with what it said before; in the order of the lines.

    The number of an edit decides, never its order of arrival. Edits of a line that is not here stand for it.
    """
    edits: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.form == EDIT:
            edits.setdefault(entry.again, []).append(entry)
    for found in edits.values():
        found.sort(key=lambda one: one.edits)
    whole = {entry.key for entry in entries if entry.form != EDIT}
    folded = []
    for entry in entries:
        if entry.form != EDIT:
            folded.append(_changed(entry, [entry, *edits.get(entry.key, ())]))
        elif entry.again not in whole and entry is edits[entry.again][0]:
            folded.append(_changed(replace(entry, form="text"), edits[entry.again]))
    return _taken_back(folded)


def shown_at(entries: Sequence[Entry], place: str) -> str:
    """The id of the line in which what stands at a place is shown: an edit or a deletion in what it is about; "" not here."""
    found = next((one for one in entries if one.id == place), None)
    if found is None:
        return ""
    about: Entry | None = None
    if found.form == EDIT:
        same = [one for one in entries if one.key == found.again and one.form != EDIT]
        edits = sorted((one for one in entries if one.form == EDIT and one.again == found.again), key=lambda one: one.edits)
        about = [*same, *edits][0]
    elif _is_notice(found) and found.answers is not None:
        gone = found.answers.reveal()
        theirs = (one for one in entries if one.kind is EntryKind.IN and one is not found and one.channel_message_id is not None)
        about = next((one for one in theirs if one.channel_message_id and one.channel_message_id.reveal() == gone), None)
    return (about or found).id


def _taken_back(entries: Sequence[Entry]) -> list[Entry]:
    """Of what its writer deleted at the channel only the time is left, however often it was changed before.

    The notice itself is no line of its own, unless what it is about is not among these. Nobody deletes another's line.
    """
    about = {one.key: one.answers.reveal() for one in entries if _is_notice(one) and one.answers is not None}
    if not about:
        return list(entries)
    theirs = {
        one.key: one.channel_message_id.reveal()
        for one in entries
        if one.kind is EntryKind.IN and one.channel_message_id is not None and not _is_notice(one)
    }
    gone, here = set(about.values()), set(theirs.values())
    return [
        _bare(one) if theirs.get(one.key) in gone else one
        for one in entries
        if about.get(one.key) not in here
    ]


def _is_notice(one: Entry) -> bool:
    return one.kind is EntryKind.IN and one.detail == "revoke"


def _bare(one: Entry) -> Entry:
    return replace(
        one, text=Personal(""), media=None, more_media=(), versions=(), edited_ms=None, hidden=(), detail=WITHDRAWN
    )


def _changed(entry: Entry, steps: Sequence[Entry]) -> Entry:
    """A line after the steps that it went through, itself or an edit of it first."""
    last = steps[-1]
    if last is entry:
        return entry
    versions = tuple(Version(one.text, one.at_ms) for one in steps[:-1])
    return replace(entry, text=last.text, edits=last.edits, edited_ms=last.at_ms, versions=versions)


def about_mention(address: str, message: str) -> str:
    return f"mention:{address}:{message}"


def pack_mention(box: Box, address: AddressId, mention: Mention) -> bytes:
    head = "|".join((mention.message, mention.notification, mention.brand, mention.sender, str(mention.at_ms)))
    sealed = box.seal_json(mention.text.reveal(), about_mention(address, mention.message))
    return head.encode() + b"|" + sealed


def parse_mention(raw: bytes, box: Box, address: AddressId) -> Mention:
    message, notification, brand, sender, at, sealed = raw.split(b"|", 5)
    text = box.open_json(sealed, about_mention(address, message.decode()))
    return Mention(
        message=MessageId(message.decode()),
        notification=notification.decode(),
        brand=brand.decode(),
        sender=SenderId(sender.decode()),
        text=Personal(text),
        at_ms=int(at),
    )


def pack_decision(one: Decision) -> str:
    """Why an agent, as dr:V keeps it: ids and figures, no names and no texts."""
    value = {
        "f": 1, "conversation": one.conversation, "agent": one.agent, "at_ms": one.at_ms, "how": one.how, "queue": one.queue,
        "ring": one.ring, "candidates": one.candidates, "next_best": one.next_best, "version": one.version,
        "left_out": [{"agent": left.agent, "why": left.why} for left in one.left_out],
        "waited_ms": one.waited_ms, "boost": one.boost,
    }  # fmt: skip
    return json.dumps(value, separators=(",", ":"))


def parse_decision(raw: bytes) -> Decision:
    f = json.loads(raw)
    return Decision(
        conversation=ConversationId(f["conversation"]),
        agent=AgentId(f["agent"]),
        at_ms=int(f["at_ms"]),
        how=f["how"],
        queue=f["queue"],
        ring=int(f["ring"]),
        candidates=tuple(AgentId(one) for one in f["candidates"]),
        left_out=tuple(LeftOut(AgentId(one["agent"]), one["why"]) for one in f["left_out"]),
        next_best=AgentId(f["next_best"]) if f["next_best"] else None,
        version=f["version"],
        waited_ms=int(f["waited_ms"]),
        boost=Boost(f["boost"]) if f.get("boost") else None,
    )
