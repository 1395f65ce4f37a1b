"""Our content as the body of POST /{phone-number-id}/messages. Pure; `CannotRender` names the limit, never the text.

Source: Meta, "Service messages", 11 Sep 2026, and the pages on interactive and template messages of autumn 2026.
Lengths are counted in characters (code points): Meta does not say how it counts, and refusing here what Meta might
take would make a dead letter out of a message that could have been sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, assert_never

from connectors.meta.words import filled, required, sound
from connectors.whatsapp import facts
from connectors.whatsapp.people import PARENT_USER_ID, PHONE, USER_ID
from connectors.whatsapp.template_message import template_object
from connectors.whatsapp.words import header_media
from gateway.errors import CannotRender
from gateway.model.message import (
    Button,
    ButtonKind,
    Cards,
    Choice,
    ChoiceList,
    Link,
    ListRow,
    Location,
    MarkRead,
    Media,
    OutboundMessage,
    Reaction,
    Receipt,
    Template,
    Text,
)
from gateway.model.personal import Personal

Json = dict[str, Any]


def message_body(message: OutboundMessage) -> Json:
    """The whole JSON body. A read receipt is no message: it has no recipient and brings no status back."""
    content = message.content
    if isinstance(content, MarkRead):
        return _mark_read(content)
    body: Json = {"messaging_product": "whatsapp", "recipient_type": "individual", **_recipient(message.recipient)}
    match content:
        case Text():
            body |= _typed("text", _text(content))
        case Template():
            body |= _typed("template", template_object(content))
        case Media():
            body |= _media(content)
        case Choice():
            body |= _typed("interactive", _choice(content))
        case ChoiceList():
            body |= _typed("interactive", _choice_list(content))
        case Link():
            body |= _typed("interactive", _link(content))
        case Location():
            body |= _typed("location", _location(content))
        case Cards() | Receipt():
            raise CannotRender("this channel has no cards and no receipts: say it in words, or send a document")
        case Reaction():
            body |= _typed("reaction", _reaction(content))
        case _:
            assert_never(content)
    if message.reply_to and not isinstance(content, Reaction):
        body["context"] = {"message_id": sound(message.reply_to.reveal(), "the quoted message's id")}
    body["biz_opaque_callback_data"] = filled(message.opaque, facts.FACTS.opaque_max, "the opaque data")
    return body


def _typed(kind: str, value: Json) -> Json:
    return {"type": kind, kind: value}


def _recipient(identifiers: tuple[tuple[str, Personal], ...]) -> Json:
    """A phone number if we know one, as it keeps the number visible to us and works with every kind of template."""
    known = {kind: value.reveal() for kind, value in reversed(identifiers)}
    if phone := known.get(PHONE):
        # Without the + Meta would put the business's own country code in front.
        return {"to": phone if phone.startswith("+") else f"+{phone}"}
    user = known.get(USER_ID) or known.get(PARENT_USER_ID)
    if not user:
        raise CannotRender("the address has neither a phone number nor a user id")
    return {"recipient": user}


def _text(content: Text) -> Json:
    body: Json = {"body": filled(content.body.reveal(), facts.FACTS.text_max, "the text")}
    if content.preview_url:
        body["preview_url"] = True
    return body


def _media(content: Media) -> Json:
    document = content.document
    if document.mime in facts.AUDIO_MIMES:
        if content.caption:
            raise CannotRender("sound has no caption: its words are a message of their own")
        if not content.media_id:
            raise CannotRender("the document has not been uploaded")
        return _typed("audio", {"id": content.media_id.reveal()})
    media = header_media(document, content.media_id)
    kind = str(media["type"])
    value: Json = media[kind]
    if content.caption:
        value["caption"] = filled(content.caption.reveal(), facts.FACTS.caption_max, "the caption")
    return _typed(kind, value)


def _choice(content: Choice) -> Json:
    buttons = content.buttons
    if not 1 <= len(buttons) <= facts.FACTS.buttons_max:
        raise CannotRender(f"a choice has 1 to {facts.FACTS.buttons_max} buttons")
    if len({button.label for button in buttons}) < len(buttons):
        raise CannotRender("the labels of a choice's buttons must differ")
    if len({button.payload for button in buttons}) < len(buttons):
        raise CannotRender("the payloads of a choice's buttons must differ")
    value: Json = {"type": "button"}
    if content.header_document is not None:
        if content.header:
            raise CannotRender("a choice has one header: a text, an image or a document")
        value["header"] = header_media(content.header_document, content.media_id)
    value |= _frame(content.header, content.body, content.footer, facts.BODY_MAX)
    value["action"] = {"buttons": [_reply_button(button) for button in buttons]}
    return value


def _reply_button(button: Button) -> Json:
    if button.kind is not ButtonKind.REPLY:
        raise CannotRender("a choice's buttons are reply buttons: a link is a message of its own")
    payload = filled(button.payload, facts.BUTTON_ID_MAX, "a button's payload")
    if payload != payload.strip():
        raise CannotRender("a button's payload neither begins nor ends with a space")
    title = filled(button.label, facts.FACTS.button_label_max, "a button's label")
    return {"type": "reply", "reply": {"id": payload, "title": title}}


def _choice_list(content: ChoiceList) -> Json:
    rows = [row for _, section in content.sections for row in section]
    if not 1 <= len(content.sections) <= facts.LIST_SECTIONS_MAX or not all(part for _, part in content.sections):
        raise CannotRender(f"a list has 1 to {facts.LIST_SECTIONS_MAX} sections, each with a row")
    if len(rows) > facts.LIST_ROWS_MAX:
        raise CannotRender(f"a list has at most {facts.LIST_ROWS_MAX} rows in all its sections together")
    if len({row.payload for row in rows}) < len(rows):
        raise CannotRender("the payloads of a list's rows must differ")
    sections: list[Json] = []
    for title, section in content.sections:
        value: Json = {"rows": [_row(row) for row in section]}
        if title or len(content.sections) > 1:
            value["title"] = filled(title, facts.SECTION_TITLE_MAX, "a section's title")
        sections.append(value)
    return {
        "type": "list",
        **_frame(content.header, content.body, content.footer, facts.LIST_BODY_MAX),
        "action": {"button": filled(content.button, facts.LIST_BUTTON_MAX, "the list's button"), "sections": sections},
    }


def _row(row: ListRow) -> Json:
    value = {
        "id": filled(row.payload, facts.ROW_ID_MAX, "a row's payload"),
        "title": filled(row.title, facts.ROW_TITLE_MAX, "a row's title"),
    }
    if row.description:
        value["description"] = filled(row.description, facts.ROW_DESCRIPTION_MAX, "a row's description")
    return value


def _link(content: Link) -> Json:
    url = filled(content.url.reveal(), facts.URL_MAX, "the link's address")
    if not url.startswith(("https://", "http://")) or any(char.isspace() for char in url):
        raise CannotRender("the link's address is an http or https URL without spaces")
    label = filled(content.label, facts.LINK_LABEL_MAX, "the link's label")
    return {
        "type": "cta_url",
        **_frame(content.header, content.body, content.footer, facts.BODY_MAX),
        "action": {"name": "cta_url", "parameters": {"display_text": label, "url": url}},
    }


def _frame(header: Personal | None, body: Personal, footer: Personal | None, body_max: int) -> Json:
    value: Json = {}
    if header:
        value["header"] = {"type": "text", "text": filled(header.reveal(), facts.HEADER_MAX, "the header")}
    value["body"] = {"text": filled(body.reveal(), body_max, "the text")}
    if footer:
        value["footer"] = {"text": filled(footer.reveal(), facts.FOOTER_MAX, "the footer")}
    return value


def _location(content: Location) -> Json:
    if not (math.isfinite(content.latitude) and abs(content.latitude) <= 90):
        raise CannotRender("a latitude lies between -90 and 90")
    if not (math.isfinite(content.longitude) and abs(content.longitude) <= 180):
        raise CannotRender("a longitude lies between -180 and 180")
    value: Json = {"latitude": content.latitude, "longitude": content.longitude}
    for key, words in (("name", content.name), ("address", content.address)):
        if words:
            value[key] = sound(words, f"the place's {key}")
    return value


def _reaction(content: Reaction) -> Json:
    emoji = sound(content.emoji, "the emoji")
    if len(emoji) > 32:  # the longest families with skin tones have fewer
        raise CannotRender("a reaction is one emoji")
    return {"message_id": required(content.channel_message_id, "the message reacted to"), "emoji": emoji}


def _mark_read(content: MarkRead) -> Json:
    body: Json = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": required(content.channel_message_id, "the message read"),
    }
    if content.typing:
        body["typing_indicator"] = {"type": "text"}
    return body


def account_id(account: Mapping[str, str], key: str) -> str:
    """One of a sender's own ids, decimal as all of Meta's are, so that it can stand in a path."""
    value = account.get(key, "")
    if not (value.isascii() and value.isdigit()):
        raise CannotRender(f"the sender's {key} is missing or not a number")
    return value
