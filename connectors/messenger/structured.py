"""Attachments: files, and templates such as buttons, cards and receipts; quick replies. Pure; `CannotRender` names the limit.

Sources: Meta, button and generic template pages (Jan 2022 to 30 Jun 2026), quick replies (17 Jun 2026); the receipt's fields
as client libraries of May 2026 write them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.messenger import facts
from connectors.meta.words import filled, sound
from gateway.errors import CannotRender
from gateway.model.message import Button, ButtonKind, Card, Cards, Receipt, ReceiptLine
from gateway.model.personal import Personal

Json = dict[str, Any]

MEDIA = ("image", "audio", "video", "file")
_CURRENCY = re.compile(r"[A-Z]{3}")


def attachment(kind: str, payload: Json) -> Json:
    """The `message` that is one attachment."""
    return {"attachment": {"type": kind, "payload": payload}}


def media_attachment(kind: str, *, attachment_id: str = "", url: str = "", reusable: bool = False) -> Json:
    """One image, audio, video or file, by the id of its upload or by an https address that Meta fetches now.

    reusable: the answer then brings an attachment id for the fetched file
    """
    if kind not in MEDIA:
        raise CannotRender(f"an attachment is one of: {', '.join(MEDIA)}")
    if bool(attachment_id) == bool(url):
        raise CannotRender("an attachment has either the id of its upload or an address")
    if attachment_id:
        return attachment(kind, {"attachment_id": sound(attachment_id, "the uploaded document's id")})
    payload: Json = {"url": _https(Personal(url), "an attachment's address")}
    return attachment(kind, payload | ({"is_reusable": True} if reusable else {}))


def button_template(text: str, buttons: Sequence[Json]) -> Json:
    """Words with one to three buttons beneath them, which stay."""
    if not 1 <= len(buttons) <= facts.FACTS.buttons_max:
        raise CannotRender(f"a message has 1 to {facts.FACTS.buttons_max} buttons")
    words = filled(text, facts.BUTTON_TEXT_MAX, "the text above buttons")
    return attachment("template", {"template_type": "button", "text": words, "buttons": list(buttons)})


def quick_replies(text: str, buttons: Sequence[Button]) -> Json:
    """Words with up to 13 answers, which vanish with the next message: the words must say what can be answered."""
    if not 1 <= len(buttons) <= facts.QUICK_REPLIES_MAX:
        raise CannotRender(f"a message has 1 to {facts.QUICK_REPLIES_MAX} quick replies")
    _differ(buttons)
    replies = [
        {
            "content_type": "text",
            "title": filled(button.label, facts.QUICK_REPLY_TITLE_MAX, "a quick reply's label"),
            "payload": filled(button.payload, facts.PAYLOAD_MAX, "a quick reply's payload"),
        }
        for button in buttons
    ]
    return {"text": filled(text, facts.FACTS.text_max, "the text"), "quick_replies": replies}


def reply_buttons(buttons: Sequence[Button]) -> list[Json]:
    """Buttons that answer; refuses links among them, as WhatsApp must."""
    if any(button.kind is not ButtonKind.REPLY for button in buttons):
        raise CannotRender("a choice's buttons are reply buttons: a link is a message of its own")
    _differ(buttons)
    return [button_object(button) for button in buttons]


def button_object(button: Button) -> Json:
    title = filled(button.label, facts.FACTS.button_label_max, "a button's label")
    if button.kind is ButtonKind.URL:
        return {"type": "web_url", "title": title, "url": address(button.url + (button.url_suffix or ""), "a button's address")}
    return {"type": "postback", "title": title, "payload": filled(button.payload, facts.PAYLOAD_MAX, "a button's payload")}


def address(url: str, what: str) -> str:
    """A page that a tap opens."""
    filled(url, facts.URL_MAX, what)
    if not url.startswith(("https://", "http://")) or any(char.isspace() for char in url):
        raise CannotRender(f"{what} is an http or https URL without spaces")
    return url


def generic_template(content: Cards) -> Json:
    if not 1 <= len(content.cards) <= facts.CARDS_MAX:
        raise CannotRender(f"a message has 1 to {facts.CARDS_MAX} cards")
    return attachment("template", {"template_type": "generic", "elements": [_card(card) for card in content.cards]})


def _card(card: Card) -> Json:
    element: Json = {"title": filled(card.title.reveal(), facts.CARD_TITLE_MAX, "a card's title")}
    if card.subtitle:
        element["subtitle"] = filled(card.subtitle.reveal(), facts.CARD_SUBTITLE_MAX, "a card's second line")
    if card.image_url:
        element["image_url"] = _https(card.image_url, "a card's picture")
    if card.url:
        element["default_action"] = {"type": "web_url", "url": address(card.url.reveal(), "a card's page")}
    if card.buttons:
        if len(card.buttons) > facts.FACTS.buttons_max:
            raise CannotRender(f"a card has at most {facts.FACTS.buttons_max} buttons")
        _differ(card.buttons)
        element["buttons"] = [button_object(button) for button in card.buttons]
    if len(element) == 1:
        raise CannotRender("a card has more than a title: a second line, a picture, a page or a button")
    return element


def receipt_template(content: Receipt) -> Json:
    if not _CURRENCY.fullmatch(content.currency):
        raise CannotRender("a receipt's currency is three capital letters of ISO 4217")
    if len(content.lines) > facts.RECEIPT_LINES_MAX:
        raise CannotRender(f"a receipt has at most {facts.RECEIPT_LINES_MAX} lines")
    payload: Json = {
        "template_type": "receipt",
        "recipient_name": filled(content.recipient_name.reveal(), facts.URL_MAX, "a receipt's name"),
        "order_number": filled(content.order_number.reveal(), facts.URL_MAX, "a receipt's order number"),
        "currency": content.currency,
        "payment_method": filled(content.payment_method.reveal(), facts.URL_MAX, "a receipt's way of paying"),
        "summary": _summary(content),
    }
    if content.merchant_name:
        payload["merchant_name"] = sound(content.merchant_name, "a receipt's merchant")
    if content.order_url:
        payload["order_url"] = address(content.order_url.reveal(), "a receipt's page")
    if content.paid_at_ms is not None:
        payload["timestamp"] = str(content.paid_at_ms // 1000)
    if content.lines:
        payload["elements"] = [_line(line, content.currency) for line in content.lines]
    if content.adjustments:
        payload["adjustments"] = [
            {"name": filled(name, facts.CARD_TITLE_MAX, "an adjustment's name"), "amount": _amount(amount)}
            for name, amount in content.adjustments
        ]
    return attachment("template", payload)


def _summary(content: Receipt) -> Json:
    summary: Json = {"total_cost": _amount(content.total)}
    if content.subtotal is not None:
        summary["subtotal"] = _amount(content.subtotal)
    if content.tax is not None:
        summary["total_tax"] = _amount(content.tax)
    return summary


def _line(line: ReceiptLine, currency: str) -> Json:
    element: Json = {
        "title": filled(line.title.reveal(), facts.CARD_TITLE_MAX, "a receipt line's title"),
        "quantity": line.quantity,
        "price": _amount(line.price),
        "currency": currency,
    }
    if line.subtitle:
        element["subtitle"] = filled(line.subtitle.reveal(), facts.CARD_SUBTITLE_MAX, "a receipt line's second line")
    return element


def _amount(amount: Decimal) -> int | float:
    """JSON has no decimals: the shortest float that reads as this amount."""
    if not amount.is_finite():
        raise CannotRender("an amount is a number")
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _https(url: Personal, what: str) -> str:
    """Meta fetches it, and only over https with a valid certificate."""
    if not address(url.reveal(), what).startswith("https://"):
        raise CannotRender(f"{what} is an https URL")
    return url.reveal()


def _differ(buttons: Sequence[Button]) -> None:
    if len({button.label for button in buttons}) < len(buttons):
        raise CannotRender("the labels of a choice's buttons must differ")
    payloads = [button.payload for button in buttons if button.kind is ButtonKind.REPLY]
    if len(set(payloads)) < len(payloads):
        raise CannotRender("the payloads of a choice's buttons must differ")
