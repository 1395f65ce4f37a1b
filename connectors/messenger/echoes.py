"""What left the Page: our own messages coming back, and words by other hands.

Source: Meta, webhook reference of message_echoes, 18 Mar 2026. `metadata` is what we gave the message; it comes back only here,
which makes the echo the evidence of a send whose answer was lost. `app_id` says which program wrote; the Page's inbox has one
of its own, and an echo without any was written in one of Meta's own windows.
"""

from __future__ import annotations

from connectors.messenger import facts
from connectors.messenger.attachments import read_attachments
from connectors.messenger.item import Item, personal
from connectors.meta.reading import maybe_listed, maybe_obj, maybe_text, obj, text
from gateway.connector import EchoEvent, InboundKind, StatusEvent
from gateway.model.message import DeliveryStatus, parse_opaque
from gateway.model.personal import Personal


def echo(item: Item, app_id: str) -> StatusEvent | EchoEvent:
    """Ours by its metadata, or by our app_id where the metadata did not come back: then it says no more than "sent"."""
    given = obj(item.body.get("message"), ".message")
    mid = Personal(text(given.get("mid"), ".message.mid"))
    opaque = maybe_text(given.get("metadata"))
    ours = 0 < len(opaque) <= facts.FACTS.opaque_max and parse_opaque(opaque) is not None
    program = maybe_text(given.get("app_id"))
    if ours or (program and program == app_id):
        return StatusEvent(
            account_id=item.page,
            channel_id=mid,
            status=DeliveryStatus.SENT,
            failed=False,
            at_ms=item.at_ms,
            opaque=opaque if ours else None,
            identifiers=item.person(),
        )
    words = maybe_text(given.get("text"))
    attached = read_attachments(maybe_listed(given.get("attachments")), has_words=bool(words))
    shown = "\n".join(line for line in (words, *attached.lines) if line)
    kind = InboundKind.MEDIA if attached.media else InboundKind.TEXT if shown else attached.kind
    return EchoEvent(
        account_id=item.page,
        channel_id=mid,
        identifiers=item.person(),
        at_ms=item.at_ms,
        text=Personal(shown),
        kind=kind,
        program=program,
        person=not program or program in facts.PAGE_INBOX_APPS,
        answers=personal(maybe_obj(given.get("reply_to")).get("mid")),
        media=attached.media[0] if attached.media else None,
    )
