"""What people write, press and react with: one item as a MessageEvent.

Source: Meta, webhook references of messages (27 Mar 2026), messaging_postbacks (26 Feb 2026), message_reactions, message_edits
and messaging_feedback. A quick reply is a message with a payload; every other button, Get Started and the menu among them, is
a postback.
"""

from __future__ import annotations

import re
from dataclasses import replace

from connectors.messenger.attachments import read_attachments
from connectors.messenger.item import Item, Json, personal
from connectors.meta.reading import Unreadable, maybe_int, maybe_listed, maybe_obj, maybe_text, obj, text, word
from gateway.connector import EditEvent, InboundKind, MessageEvent, UnknownEvent
from gateway.model.personal import Personal

_CONTACT_DATA = re.compile(r"[^\s@]+@[^\s@]+|\+?[0-9 ()./-]{5,}")
_EMOJI = {
    "smile": "😆",
    "angry": "😠",
    "sad": "😢",
    "wow": "😮",
    "love": "❤️",
    "like": "👍",
    "dislike": "👎",
}


def message(item: Item) -> MessageEvent:
    """raises: Unreadable, with a path below the item"""
    given = obj(item.body.get("message"), ".message")
    mid = text(given.get("mid"), ".message.mid")
    event = MessageEvent(
        account_id=item.page,
        channel_id=Personal(mid),
        identifiers=item.person(),
        at_ms=item.at_ms,
        kind=InboundKind.OTHER,
        text=Personal(""),
        answers=personal(maybe_obj(given.get("reply_to")).get("mid")),
        referral=_ref(given),
        standby=item.standby,
    )
    if given.get("is_deleted") is True:
        # The deleted message's own id: this event needs another one, or it would be taken for a repetition.
        gone = Personal(item.key("deleted", mid))
        return replace(event, channel_id=gone, answers=Personal(mid), detail="revoke", opens_window=False)
    return _read(event, given)


def _read(event: MessageEvent, given: Json) -> MessageEvent:
    words = maybe_text(given.get("text"))
    reply = maybe_text(maybe_obj(given.get("quick_reply")).get("payload"))
    if reply and not _CONTACT_DATA.fullmatch(reply):
        return replace(event, kind=InboundKind.BUTTON, text=Personal(words or reply), payload=reply)
    if reply:
        # Asked for by mail or phone number: what they gave is theirs, not a payload of ours.
        return replace(event, kind=InboundKind.TEXT, text=Personal(words or reply), detail="contact_data")
    attached = read_attachments(maybe_listed(given.get("attachments")), has_words=bool(words))
    shown = "\n".join(line for line in (words, *attached.lines) if line)
    if attached.media:
        return replace(
            event,
            kind=InboundKind.MEDIA,
            text=Personal(shown),
            media=attached.media[0],
            more_media=tuple(attached.media[1:]),
            detail="voice" if attached.media[0].voice else attached.detail,
        )
    if words:
        command = maybe_obj(next(iter(maybe_listed(given.get("commands"))), None)).get("name")
        return replace(event, kind=InboundKind.TEXT, text=Personal(shown), detail=f"command {word(command)}" if command else "")
    if attached.unseen or given.get("is_unsupported") is True:
        return replace(event, kind=InboundKind.UNSUPPORTED, text=Personal(shown), detail=attached.detail or "unsupported")
    if not attached.detail and not attached.lines:
        return replace(event, kind=InboundKind.UNSUPPORTED, detail="empty")
    return replace(event, kind=attached.kind, text=Personal(shown), detail=attached.detail)


def postback(item: Item) -> MessageEvent:
    """A pressed button. The program that did not send it (on standby) hears its title only."""
    given = obj(item.body.get("postback"), ".postback")
    payload = maybe_text(given.get("payload"))
    title = maybe_text(given.get("title"))
    if not payload and not title:
        raise Unreadable(".postback", "neither payload nor title")
    mid = maybe_text(given.get("mid")) or item.key("postback", str(item.at_ms), payload, title)
    return MessageEvent(
        account_id=item.page,
        channel_id=Personal(mid),
        identifiers=item.person(),
        at_ms=item.at_ms,
        kind=InboundKind.BUTTON,
        text=Personal(title or payload),
        payload=payload or None,
        referral=_ref(given),
        standby=item.standby,
    )


def reaction(item: Item) -> MessageEvent:
    """text "" takes a reaction back. Reacting opens the service window (Meta, "Send a Message", 5 May 2026)."""
    given = obj(item.body.get("reaction"), ".reaction")
    target = text(given.get("mid"), ".reaction.mid")
    taken_back = maybe_text(given.get("action")) == "unreact"
    name = maybe_text(given.get("reaction"))
    shown = "" if taken_back else maybe_text(given.get("emoji")) or _EMOJI.get(name) or word(name)
    return MessageEvent(
        account_id=item.page,
        channel_id=Personal(item.key("reaction", target, shown, str(item.at_ms))),
        identifiers=item.person(),
        at_ms=item.at_ms,
        kind=InboundKind.REACTION,
        text=Personal(shown),
        answers=Personal(target),
        opens_window=not taken_back,
        standby=item.standby,
    )


def edit(item: Item) -> EditEvent:
    given = obj(item.body.get("message_edit"), ".message_edit")
    return EditEvent(
        account_id=item.page,
        channel_id=Personal(text(given.get("mid"), ".message_edit.mid")),
        identifiers=item.person(),
        at_ms=item.at_ms,
        text=Personal(maybe_text(given.get("text"))),
        edits=maybe_int(given.get("num_edit")) or 1,
    )


def feedback(item: Item) -> MessageEvent:
    """Answers to a feedback form: marks, and words that a person should read. It does not open the window."""
    given = obj(item.body.get("messaging_feedback"), ".messaging_feedback")
    lines: list[str] = []
    for screen in maybe_listed(given.get("feedback_screens")):
        for answer in maybe_obj(maybe_obj(screen).get("questions")).values():
            found = maybe_obj(answer)
            lines.append(f"{word(found.get('type'))}: {maybe_text(found.get('payload'))}")
            lines.append(maybe_text(maybe_obj(found.get("follow_up")).get("payload")))
    shown = "\n".join(line for line in lines if line)
    return MessageEvent(
        account_id=item.page,
        channel_id=Personal(item.key("feedback", str(item.at_ms), shown)),
        identifiers=item.person(),
        at_ms=item.at_ms,
        kind=InboundKind.OTHER,
        text=Personal(shown),
        detail="feedback",
        opens_window=False,
        standby=item.standby,
    )


def response_feedback(item: Item) -> UnknownEvent:
    """Thumbs under a message of ours: counted."""
    given = obj(item.body.get("response_feedback"), ".response_feedback")
    verdict = word(maybe_text(given.get("feedback")).split(" ")[0].lower())
    return UnknownEvent(item.page, f"response_feedback.{verdict}", item.at_ms)


def _ref(given: Json) -> Personal | None:
    return personal(maybe_obj(given.get("referral")).get("ref"))
