"""Our content as the body of POST /{page-id}/messages. Pure; `CannotRender` names the limit, never the text.

Source: Meta, "Send a Message", 5 May 2026. Three kinds of writing: an answer or news inside the service window, what a person
wrote beyond it, and an approved template at any time. Lengths are counted in characters (code points), as for WhatsApp.
"""

from __future__ import annotations

import math
from typing import Any, assert_never

from connectors.messenger import facts
from connectors.messenger.people import recipient
from connectors.messenger.structured import (
    address,
    button_object,
    button_template,
    generic_template,
    media_attachment,
    quick_replies,
    receipt_template,
    reply_buttons,
)
from connectors.messenger.utility import clean_parameter as clean_parameter
from connectors.messenger.utility import template_object
from connectors.meta.words import filled, required, sound
from gateway.errors import CannotRender
from gateway.model.message import (
    Button,
    ButtonKind,
    Cards,
    Choice,
    ChoiceList,
    Document,
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
    """The whole JSON body. Sender actions are no messages: they bring no id of their own and no echo back."""
    body: Json = {"recipient": recipient(message.recipient)}
    content = message.content
    match content:
        case Reaction():
            return body | _reaction(content)
        case MarkRead():
            return body | _mark_read(content) | (_speaker(message) if content.typing else {})
        case Text():
            said: Json = {"text": filled(content.body.reveal(), facts.FACTS.text_max, "the text")}
        case Template():
            said = {"template": template_object(content)}
        case Media():
            said = _media(content)
        case Choice():
            said = _choice(content)
        case ChoiceList():
            said = _choice_list(content)
        case Link():
            said = _link(content)
        case Location():
            said = {"text": filled(_place(content), facts.FACTS.text_max, "the text")}
        case Cards():
            said = generic_template(content)
        case Receipt():
            said = receipt_template(content)
        case _:
            assert_never(content)
    body |= _kind(message)
    said["metadata"] = filled(message.opaque, facts.FACTS.opaque_max, "the opaque data")
    body["message"] = said
    if message.reply_to:
        body["reply_to"] = {"mid": sound(message.reply_to.reveal(), "the quoted message's id")}
    return body | _speaker(message)


def attachment_type(document: Document) -> str:
    """image, audio or file, as an upload or a send names it."""
    if document.mime in facts.IMAGE_MIMES:
        return "image"
    if document.mime in facts.AUDIO_MIMES:
        return "audio"
    if document.mime not in facts.DOCUMENT_MIMES:
        raise CannotRender("images are JPEG or PNG, documents PDF, plain text or an office format")
    return "file"


def _kind(message: OutboundMessage) -> Json:
    """Why we may write. HUMAN_AGENT is for what a person wrote and nothing else: Meta restricts Pages that stamp it on machines'
    words. Every other tag ended on 27 Apr 2026, so none is ever written.
    """
    if isinstance(message.content, Template):
        return {"messaging_type": "UTILITY"}
    if message.by_person:
        return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    return {"messaging_type": "RESPONSE" if message.answering else "UPDATE"}


def _speaker(message: OutboundMessage) -> Json:
    """Outside a person's own words the Page speaks, unless the message names who does."""
    return {"persona_id": sound(message.speaker.reveal(), "the speaker's id")} if message.speaker else {}


def _media(content: Media) -> Json:
    if content.caption:
        raise CannotRender("a file has no caption on this channel: its words are a message of their own")
    kind = attachment_type(content.document)
    if not content.media_id:
        raise CannotRender("the document has not been uploaded")
    return media_attachment(kind, attachment_id=content.media_id.reveal())


def _choice(content: Choice) -> Json:
    """Buttons stay, so they are the first choice; words too long for them have quick replies, which go with the next message."""
    if content.header_document is not None:
        raise CannotRender("a choice has no document on this channel: send the file as a message of its own")
    if not 1 <= len(content.buttons) <= facts.FACTS.buttons_max:
        raise CannotRender(f"a choice has 1 to {facts.FACTS.buttons_max} buttons")
    words = _words(content.header, content.body, content.footer)
    buttons = reply_buttons(content.buttons)
    if len(words) <= facts.BUTTON_TEXT_MAX:
        return button_template(words, buttons)
    return quick_replies(words, content.buttons)


def _choice_list(content: ChoiceList) -> Json:
    """Quick replies, with what each row says of itself written out above them.

    Not a carousel of cards, though cards could hold the descriptions: cards have no room for the words that ask, which would
    become a second message; ten of them are ten swipes; and when the quick replies are gone the list can still be read.
    """
    rows = [row for _, section in content.sections for row in section]
    if not rows or not all(part for _, part in content.sections):
        raise CannotRender("a list has at least one section, each with a row")
    lines = [_words(content.header, content.body, None)]
    for title, section in content.sections:
        described = [row for row in section if row.description]
        if described or title:
            lines.append("\n".join([*([title] if title else []), *(_row(row) for row in section)]))
    if content.footer:
        lines.append(content.footer.reveal())
    return quick_replies("\n\n".join(lines), [Button(ButtonKind.REPLY, row.title, payload=row.payload) for row in rows])


def _row(row: ListRow) -> str:
    return f"• {row.title}: {row.description}" if row.description else f"• {row.title}"


def _link(content: Link) -> Json:
    """A button while the words are short enough for one, else the address itself at their end."""
    words = _words(content.header, content.body, content.footer)
    url = address(content.url.reveal(), "the link's address")
    button = button_object(Button(ButtonKind.URL, content.label, url=url))
    if len(words) <= facts.BUTTON_TEXT_MAX:
        return button_template(words, [button])
    return {"text": filled(f"{words}\n\n{url}", facts.FACTS.text_max, "the text")}


def _words(header: Personal | None, body: Personal, footer: Personal | None) -> str:
    """There is one field for words: header and footer are paragraphs of it."""
    filled(body.reveal(), facts.FACTS.text_max, "the text")
    return "\n\n".join(part.reveal() for part in (header, body, footer) if part)


def _place(content: Location) -> str:
    """Messenger has no message for a place since 2019: its name, and a link to a map that needs no account and no key."""
    if not (math.isfinite(content.latitude) and abs(content.latitude) <= 90):
        raise CannotRender("a latitude lies between -90 and 90")
    if not (math.isfinite(content.longitude) and abs(content.longitude) <= 180):
        raise CannotRender("a longitude lies between -180 and 180")
    spot = f"{content.latitude:.6f}", f"{content.longitude:.6f}"
    link = "https://www.openstreetmap.org/?mlat={}&mlon={}#map=17/{}/{}".format(*spot, *spot)
    return "\n".join(part for part in (content.name, content.address, link) if part)


def _reaction(content: Reaction) -> Json:
    target = required(content.channel_message_id, "the message reacted to")
    if not content.emoji:
        return {"sender_action": "unreact", "payload": {"message_id": target}}
    emoji = sound(content.emoji, "the emoji")
    if len(emoji) > 32:  # the longest families with skin tones have fewer
        raise CannotRender("a reaction is one emoji")
    return {"sender_action": "react", "payload": {"message_id": target, "reaction": emoji}}


def _mark_read(content: MarkRead) -> Json:
    """The whole thread is marked: Messenger has no receipt for one message. Typing shows for 20 s, and is a call of its own."""
    required(content.channel_message_id, "the message read")
    return {"sender_action": "typing_on" if content.typing else "mark_seen"}
