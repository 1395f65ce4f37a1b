"""What people write: one item of `value.messages` as an inbound event.

Source: Meta, "Webhooks", 11 Sep 2026; "Unsupported messages", Mar 2026; "Edit messages", Jun 2026; "Business-scoped
user IDs", June 2026. A type we do not know is still somebody's message: it becomes OTHER and its type is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.meta.items import key_of
from connectors.meta.reading import Unreadable, listed, maybe_listed, maybe_obj, maybe_text, obj, stamp_ms, text, word
from connectors.whatsapp.people import named
from gateway.connector import IdentityEvent, InboundKind, MediaRef, MessageEvent, UnknownEvent
from gateway.model.contact import Identifier
from gateway.model.personal import Personal

Json = Mapping[str, Any]

_MEDIA = ("image", "video", "document", "audio", "sticker")


def message_event(
    account_id: str, message: Json, contacts: Sequence[Any]
) -> MessageEvent | IdentityEvent | UnknownEvent:
    """One message. contacts: the webhook's contact blocks, of which at most the writer's own is used.

    raises: Unreadable, with a path below the message
    """
    kind = maybe_text(message.get("type"))
    at_ms = stamp_ms(message.get("timestamp"), ".timestamp")
    message_id = text(message.get("id"), ".id")
    if kind == "request_welcome":
        # A chat was opened, nothing was said.
        return UnknownEvent(account_id, "messages.request_welcome", at_ms)
    contact = _own_contact(message, contacts)
    identifiers = named(
        message.get("from_user_id"),
        message.get("from"),
        message.get("from_parent_user_id"),
        contact.get("user_id"),
        contact.get("wa_id"),
        contact.get("parent_user_id"),
    )
    if not identifiers:
        raise Unreadable(".from", "no phone number and no user id")
    if kind == "system":
        return _identity(account_id, message, identifiers, at_ms, message_id)
    context = maybe_obj(message.get("context"))
    event = MessageEvent(
        account_id=account_id,
        channel_id=Personal(message_id),
        identifiers=identifiers,
        at_ms=at_ms,
        kind=InboundKind.OTHER,
        text=Personal(""),
        answers=_personal(context.get("id")),
        profile_name=_personal(maybe_obj(contact.get("profile")).get("name")),
        detail=_forwarded(context),
        referral=_referral(message.get("referral") or context.get("referred_product")),
        group=bool(message.get("group_id")),
    )
    reader = _READERS.get(kind)
    if kind in _MEDIA:
        return _media(event, message, kind)
    return reader(event, message) if reader else replace(event, detail=word(kind))


def _own_contact(message: Json, contacts: Sequence[Any]) -> Json:
    """The contact block that shares an id with the message; a block that merely stands beside it is somebody else's."""
    ids = {maybe_text(message.get("from_user_id")), maybe_text(message.get("from"))} - {""}
    for contact in contacts:
        found = maybe_obj(contact)
        if ids & {maybe_text(found.get("user_id")), maybe_text(found.get("wa_id"))}:
            return found
    return {}


def _personal(value: Any) -> Personal | None:
    found = maybe_text(value)
    return Personal(found) if found else None


def _forwarded(context: Json) -> str:
    if context.get("frequently_forwarded") is True:
        return "frequently_forwarded"
    return "forwarded" if context.get("forwarded") is True else ""


def _referral(value: Any) -> Personal | None:
    found = maybe_obj(value)
    return Personal(json.dumps(found, sort_keys=True)) if found else None


def _text(event: MessageEvent, message: Json) -> MessageEvent:
    body = text(obj(message.get("text"), ".text").get("body"), ".text.body")
    return replace(event, kind=InboundKind.TEXT, text=Personal(body))


def _button(event: MessageEvent, message: Json) -> MessageEvent:
    """A quick reply of a template; the label comes back as payload when none was sent."""
    button = obj(message.get("button"), ".button")
    label = maybe_text(button.get("text"))
    payload = maybe_text(button.get("payload")) or label
    if not payload:
        raise Unreadable(".button", "neither payload nor text")
    return replace(event, kind=InboundKind.BUTTON, text=Personal(label or payload), payload=payload)


def _interactive(event: MessageEvent, message: Json) -> MessageEvent:
    answer = obj(message.get("interactive"), ".interactive")
    kind = maybe_text(answer.get("type"))
    value = maybe_obj(answer.get(kind))
    if kind in ("button_reply", "list_reply"):
        payload = text(value.get("id"), f".interactive.{kind}.id")
        label = maybe_text(value.get("title")) or payload
        return replace(event, kind=InboundKind.BUTTON, text=Personal(label), payload=payload)
    if kind == "nfm_reply":
        # The form's answers come once and here only: shown as they are, and not as payload, as they are personal.
        answers = maybe_text(value.get("response_json")) or maybe_text(value.get("body"))
        return replace(event, text=Personal(answers), detail="flow")
    return replace(event, text=Personal(maybe_text(value.get("response"))), detail=word(kind))


def _media(event: MessageEvent, message: Json, kind: str) -> MessageEvent:
    value = maybe_obj(message.get(kind))
    if not value and message.get("errors"):
        return _unsupported(event, message)
    media = MediaRef(
        channel_media_id=Personal(text(value.get("id"), f".{kind}.id")),
        mime=maybe_text(value.get("mime_type")) or "application/octet-stream",
        filename=_personal(value.get("filename")),
        sha256=maybe_text(value.get("sha256")),
        voice=value.get("voice") is True,
    )
    return replace(
        event,
        kind=InboundKind.MEDIA,
        text=Personal(maybe_text(value.get("caption"))),
        media=media,
        detail="voice" if media.voice else kind,
    )


def _location(event: MessageEvent, message: Json) -> MessageEvent:
    place = obj(message.get("location"), ".location")
    numbers = [place.get("latitude"), place.get("longitude")]
    if not all(isinstance(number, int | float | str) and not isinstance(number, bool) for number in numbers):
        raise Unreadable(".location", "no latitude and longitude")
    words = [maybe_text(place.get(key)) for key in ("name", "address")]
    lines = [", ".join(part for part in words if part), f"{numbers[0]}, {numbers[1]}"]
    return replace(event, kind=InboundKind.LOCATION, text=Personal("\n".join(line for line in lines if line)))


def _contacts(event: MessageEvent, message: Json) -> MessageEvent:
    """Cards of people, or (detail contact_request) the writer's own number, given when asked. A number on a card binds
    nobody: it is text, not an identifier."""
    lines: list[str] = []
    cards = [maybe_obj(card) for card in listed(message.get("contacts"), ".contacts")]
    for card in cards:
        phones = [maybe_text(maybe_obj(phone).get("phone")) for phone in maybe_listed(card.get("phones"))]
        name = maybe_text(maybe_obj(card.get("name")).get("formatted_name"))
        lines.append(" ".join(part for part in (name, *phones) if part))
    asked = any(card.get("origin") == "contact_request" for card in cards)
    return replace(
        event,
        kind=InboundKind.CONTACTS,
        text=Personal("\n".join(line for line in lines if line)),
        detail="contact_request" if asked else event.detail,
    )


def _reaction(event: MessageEvent, message: Json) -> MessageEvent:
    """text "" takes a reaction back. Whether a reaction opens the window is not documented; observers say it does."""
    reaction = obj(message.get("reaction"), ".reaction")
    target = text(reaction.get("message_id"), ".reaction.message_id")
    emoji = maybe_text(reaction.get("emoji"))
    return replace(event, kind=InboundKind.REACTION, text=Personal(emoji), answers=Personal(target))


def _order(event: MessageEvent, message: Json) -> MessageEvent:
    order = obj(message.get("order"), ".order")
    lines = [maybe_text(order.get("text"))]
    for entry in maybe_listed(order.get("product_items")):
        item = maybe_obj(entry)
        lines.append(f"{maybe_text(item.get('quantity'))} x {maybe_text(item.get('product_retailer_id'))}")
    return replace(event, text=Personal("\n".join(line for line in lines if line)), detail="order")


def _unsupported(event: MessageEvent, message: Json) -> MessageEvent:
    """They wrote, but WhatsApp does not show us what: its type where told, "unavailable" where the text is lost."""
    errors = [maybe_obj(error) for error in maybe_listed(message.get("errors"))]
    code = maybe_text(errors[0].get("code")) if errors else ""
    kind = maybe_obj(message.get("unsupported")).get("type")
    detail = "unavailable" if code == "131060" else word(kind or code)
    return replace(event, kind=InboundKind.UNSUPPORTED, detail=detail)


def _edit(event: MessageEvent, message: Json) -> MessageEvent:
    """The corrected text of an earlier message (numbers that are also in use on a handset only)."""
    edit = obj(message.get("edit"), ".edit")
    original = text(edit.get("original_message_id"), ".edit.original_message_id")
    new = maybe_obj(edit.get("message"))
    kind = maybe_text(new.get("type"))
    value = maybe_obj(new.get(kind))
    body = maybe_text(value.get("body")) or maybe_text(value.get("caption"))
    return replace(event, text=Personal(body), answers=Personal(original), detail="edit", opens_window=False)


def _revoke(event: MessageEvent, message: Json) -> MessageEvent:
    """They deleted an earlier message (numbers that are also in use on a handset only)."""
    original = text(obj(message.get("revoke"), ".revoke").get("original_message_id"), ".revoke.original_message_id")
    return replace(event, answers=Personal(original), detail="revoke", opens_window=False)


def _identity(
    account_id: str, message: Json, previous: tuple[Identifier, ...], at_ms: int, message_id: str
) -> IdentityEvent | UnknownEvent:
    """WhatsApp itself says that a number or user id changed: the one evidence on which identifiers are merged."""
    system = obj(message.get("system"), ".system")
    kind = maybe_text(system.get("type"))
    if kind == "customer_identity_changed":
        return IdentityEvent(account_id, previous, previous, at_ms, key_of(message_id), identity_changed=True)
    if kind not in ("user_changed_number", "user_changed_user_id"):
        return UnknownEvent(account_id, f"messages.system.{word(kind)}", at_ms)
    current = named(system.get("user_id"), system.get("wa_id"), system.get("parent_user_id"))
    if not current:
        raise Unreadable(".system", "no new phone number or user id")
    return IdentityEvent(account_id, previous, current, at_ms, key_of(message_id))


_READERS: dict[str, Callable[[MessageEvent, Json], MessageEvent]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "order": _order,
    "unsupported": _unsupported,
    "edit": _edit,
    "revoke": _revoke,
}
