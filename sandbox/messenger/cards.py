"""Structured messages: ``attachment.type = template`` and what each ``template_type`` must be.

Catalogue of 30 June 2026 with its limits; receipt, feedback and notification requests by older pages and the SDK. Texts of
``generic`` and ``image_grid`` end at 80 characters, of ``button`` at 640. What the catalogue no longer lists is refused,
the airline templates unless the Page's switch lets them through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.messenger import airline, attachments, buttons
from sandbox.messenger.attachments import File
from sandbox.messenger.draft import Draft
from sandbox.messenger.errors import PageError, invalid, too_long
from sandbox.messenger.reading import maybe, one_of, some, text, thing, truth, url
from sandbox.store import Json
from sandbox.world import World

PATH = "message[attachment][payload]"
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_SCORES = {"csat": ("one_to_five", "five_stars", "five_emojis"), "nps": ("zero_to_ten",), "ces": ("one_to_seven",)}


def read(world: World, page: Json, payload: Json) -> Draft:
    """raises: 100 "Invalid template type" for what is not in the catalogue (utility templates too: they stand elsewhere)"""
    kind = payload.get("template_type")
    if isinstance(kind, str) and kind.startswith("airline_") and kind in airline.READERS and page["airline_templates"]:
        return airline.READERS[kind](payload)
    if not isinstance(kind, str) or kind not in _READERS:
        raise invalid("Invalid template type")
    return _READERS[kind](world, page, payload)


def _generic(world: World, page: Json, payload: Json) -> Draft:
    thing(payload, PATH, ("template_type", "elements", "sharable", "image_aspect_ratio"))
    if payload.get("image_aspect_ratio") is not None:
        one_of(payload["image_aspect_ratio"], f"{PATH}[image_aspect_ratio]", ("horizontal", "square"))
    elements: list[Json] = []
    index = 0
    for place, one in enumerate(some(payload.get("elements"), f"{PATH}[elements]", 1, 10)):
        elements.append(_element(one, f"{PATH}[elements][{place}]", index))
        index += len(elements[-1]["buttons"])
    return Draft("generic", {"elements": elements, "body": elements[0]["title"]})


def _element(value: Any, path: str, index: int) -> Json:
    element = thing(value, path, ("title", "subtitle", "image_url", "default_action", "buttons"))
    card: Json = {"title": text(element.get("title"), f"{path}[title]", 80),
                  "subtitle": maybe(element.get("subtitle"), f"{path}[subtitle]", 80), "image_url": None, "url": None,
                  "buttons": []}
    if element.get("image_url"):
        card["image_url"] = url(element["image_url"], f"{path}[image_url]")
    if element.get("default_action") is not None:
        action = thing(element["default_action"], f"{path}[default_action]")
        if "title" in action:
            raise invalid(f"Param {path}[default_action] may not have a title")
        one_of(action.get("type"), f"{path}[default_action][type]", ("web_url",))
        card["url"] = buttons.web_url(action, f"{path}[default_action]")
    if element.get("buttons") is not None:
        card["buttons"] = buttons.read_all(element["buttons"], f"{path}[buttons]", 1, 3, index)
    if not (card["subtitle"] or card["image_url"] or card["url"] or card["buttons"]):
        raise invalid(f"Param {path} must have at least one of subtitle, image_url, default_action, buttons")
    return card


def _button(world: World, page: Json, payload: Json) -> Draft:
    thing(payload, PATH, ("template_type", "text", "buttons", "sharable"))
    return Draft("button", {"body": text(payload.get("text"), f"{PATH}[text]", 640),
                            "buttons": buttons.read_all(payload.get("buttons"), f"{PATH}[buttons]", 1, 3)})


def _media(world: World, page: Json, payload: Json) -> Draft:
    """Only a kept attachment or a url of Facebook's; video not where the European rules hold."""
    thing(payload, PATH, ("template_type", "elements", "sharable"))
    path = f"{PATH}[elements][0]"
    element = thing(some(payload.get("elements"), f"{PATH}[elements]", 1, 1)[0], path,
                    ("media_type", "attachment_id", "url", "buttons"))
    kind = one_of(element.get("media_type"), f"{path}[media_type]", ("image", "video"))
    if (element.get("attachment_id") is None) == (element.get("url") is None):
        raise invalid(f"Param {path} must have either attachment_id or url")
    if kind == "video" and page["european"]:
        raise PageError(10, 2018336)
    draft = Draft("media", {"body": "", "buttons": []})
    if element.get("attachment_id") is not None:
        row = attachments.of_id(world, page["id"], element["attachment_id"], kind)
        draft.files.append(File(kind, media_id=row["id"]))
    else:
        link = url(element["url"], f"{path}[url]")
        if not re.match(r"https://([a-z-]+\.)?facebook\.com/", link):
            raise invalid(f"Param {path}[url] must be a Facebook URL")
        draft.bubble["attachment"] = {"type": kind, "url": link, "mime": None, "filename": None}
    if element.get("buttons") is not None:
        draft.bubble["buttons"] = buttons.read_all(element["buttons"], f"{path}[buttons]", 1, 3)
    return draft


def _image_grid(world: World, page: Json, payload: Json) -> Draft:
    thing(payload, PATH, ("template_type", "elements"))
    path = f"{PATH}[elements][0]"
    element = thing(some(payload.get("elements"), f"{PATH}[elements]", 1, 1)[0], path, ("title", "subtitle", "images", "buttons"))
    title, heroes = maybe(element.get("title"), f"{path}[title]", 45), 0
    maybe(element.get("subtitle"), f"{path}[subtitle]", 80)
    shown: list[Json] = []
    for place, one in enumerate(some(element.get("images"), f"{path}[images]", 2, 6)):
        where = f"{path}[images][{place}]"
        image = thing(one, where, ("url", "is_hero_image", "action"))
        url(image.get("url"), f"{where}[url]")
        heroes += truth(image.get("is_hero_image"))
        if image.get("action") is not None:
            action = thing(image["action"], f"{where}[action]")
            shown.append(buttons.read_one({"title": title or "Image", **action}, f"{where}[action]", len(shown),
                                          ("web_url", "postback")))
    if heroes > 1:
        raise invalid(f"Param {path}[images] may have one hero image at most")
    if element.get("buttons") is not None:
        shown += buttons.read_all(element["buttons"], f"{path}[buttons]", 1, 3, len(shown), ("web_url", "postback"))
    return Draft("image_grid", {"body": title or "", "image_grid": payload, "buttons": shown})


def _number(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise invalid(f"Param {path} must be a number")


_RECEIPT = ("template_type", "recipient_name", "merchant_name", "order_number", "currency", "payment_method", "order_url",
            "timestamp", "elements", "address", "summary", "adjustments", "sharable")


def _receipt(world: World, page: Json, payload: Json) -> Draft:
    """``order_number`` must be unique by Meta's words; a second one is not refused here, for a lawful resend would be."""
    thing(payload, PATH, _RECEIPT)
    for name in ("recipient_name", "order_number", "payment_method"):
        text(payload.get(name), f"{PATH}[{name}]", 1_000)
    if not _CURRENCY.match(text(payload.get("currency"), f"{PATH}[currency]", 3)):
        raise invalid(f"Param {PATH}[currency] must be a code of ISO 4217")
    if payload.get("order_url"):
        url(payload["order_url"], f"{PATH}[order_url]")
    if payload.get("timestamp") is not None and not str(payload["timestamp"]).isdigit():
        raise invalid(f"Param {PATH}[timestamp] must be seconds since the epoch")
    for place, one in enumerate(some(payload.get("elements") or [], f"{PATH}[elements]", 0, 100)):
        where = f"{PATH}[elements][{place}]"
        element = thing(one, where, ("title", "subtitle", "quantity", "price", "currency", "image_url"))
        text(element.get("title"), f"{where}[title]", 1_000)
        _number(element.get("price"), f"{where}[price]")
    if payload.get("address") is not None:
        address = thing(payload["address"], f"{PATH}[address]",
                        ("street_1", "street_2", "city", "postal_code", "state", "country"))
        for name in ("street_1", "city", "postal_code", "state", "country"):
            text(address.get(name), f"{PATH}[address][{name}]", 1_000)
    summary = thing(payload.get("summary"), f"{PATH}[summary]", ("subtotal", "shipping_cost", "total_tax", "total_cost"))
    _number(summary.get("total_cost"), f"{PATH}[summary][total_cost]")
    for place, one in enumerate(some(payload.get("adjustments") or [], f"{PATH}[adjustments]", 0, 100)):
        thing(one, f"{PATH}[adjustments][{place}]", ("name", "amount"))
    return Draft("receipt", {"body": f"{payload['order_number']}", "receipt": payload})


def _coupon(world: World, page: Json, payload: Json) -> Draft:
    thing(payload, PATH, ("template_type", "title", "subtitle", "coupon_code", "coupon_url", "coupon_url_button_title",
                          "coupon_pre_message", "image_url", "payload"))
    title = text(payload.get("title"), f"{PATH}[title]", 80)
    if not payload.get("coupon_code") and not payload.get("coupon_url"):
        raise invalid(f"Param {PATH} must have coupon_code or coupon_url")
    for name in ("coupon_url", "image_url"):
        if payload.get(name):
            url(payload[name], f"{PATH}[{name}]")
    maybe(payload.get("coupon_url_button_title"), f"{PATH}[coupon_url_button_title]", buttons.TITLE_MOST)
    shown: list[Json] = []
    if payload.get("payload"):
        shown = [{"index": 0, "type": "postback", "text": payload.get("coupon_url_button_title") or "Show code",
                  "payload": text(payload["payload"], f"{PATH}[payload]", buttons.PAYLOAD_MOST)}]
    return Draft("coupon", {"body": title, "coupon": {"subtitle": "Terms may apply", **payload}, "buttons": shown})


def _feedback(world: World, page: Json, payload: Json) -> Draft:
    thing(payload, PATH, ("template_type", "title", "subtitle", "button_title", "feedback_screens", "business_privacy",
                          "expires_in_days"))
    url(thing(payload.get("business_privacy"), f"{PATH}[business_privacy]").get("url"), f"{PATH}[business_privacy][url]")
    days = payload.get("expires_in_days", 1)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 7:
        raise invalid(f"Param {PATH}[expires_in_days] must be from 1 to 7")
    screen = thing(some(payload.get("feedback_screens"), f"{PATH}[feedback_screens]", 1, 1)[0], f"{PATH}[feedback_screens][0]")
    ids: set[str] = set()
    for place, one in enumerate(some(screen.get("questions"), f"{PATH}[feedback_screens][0][questions]", 1, 2)):
        where = f"{PATH}[feedback_screens][0][questions][{place}]"
        question = thing(one, where, ("id", "type", "title", "score_label", "score_option", "follow_up"))
        ids.add(text(question.get("id"), f"{where}[id]", 80))
        kind = one_of(question.get("type"), f"{where}[type]", tuple(_SCORES))
        if question.get("score_option") is not None:
            one_of(question["score_option"], f"{where}[score_option]", _SCORES[kind])
        if question.get("follow_up") is not None:
            one_of(thing(question["follow_up"], f"{where}[follow_up]").get("type"), f"{where}[follow_up][type]", ("free_form",))
    if len(ids) != len(screen["questions"]):
        raise invalid(f"Param {PATH}[feedback_screens][0][questions] must have unique ids")
    card: Json = {"title": maybe(payload.get("title"), f"{PATH}[title]", 80) or "How did we do?",
                  "subtitle": maybe(payload.get("subtitle"), f"{PATH}[subtitle]", 80), "image_url": None, "url": None,
                  "buttons": []}
    draft = Draft("generic", {"body": card["title"], "elements": [card]})
    draft.private["feedback"] = screen["questions"]
    return draft


def _asks(kind: str, keys: tuple[str, ...]) -> Callable[[World, Json, Json], Draft]:
    """Requests to be allowed to write later: a title of 65 and a payload that comes back with the token."""
    def read(world: World, page: Json, payload: Json) -> Draft:
        thing(payload, PATH, ("template_type", "title", "payload", *keys))
        default = "Updates and promotions" if kind == "notification_messages" else None
        title = text(payload.get("title") or default, f"{PATH}[title]", 65)
        draft = Draft("generic", {"body": title, "elements": [
            {"title": title, "subtitle": None, "image_url": payload.get("image_url"), "url": None, "buttons": []}]})
        draft.private["asks"] = {"kind": kind, "payload": text(payload.get("payload"), f"{PATH}[payload]", 1_000),
                                 "title": title}
        return draft

    return read


def _product(world: World, page: Json, payload: Json) -> Draft:
    """The account has no catalogue: no product is ours. raises: 100/2018320, 100/2018328"""
    for place, one in enumerate(some(payload.get("elements"), f"{PATH}[elements]", 1, 10)):
        product_id = thing(one, f"{PATH}[elements][{place}]", ("id",)).get("id")
        if not isinstance(product_id, str) or not product_id.isdigit():
            raise PageError(100, 2018328)
        if len(product_id) > 40:
            raise too_long(f"{PATH}[elements][{place}][id]", 40)
    raise PageError(100, 2018320)


_READERS: dict[str, Callable[[World, Json, Json], Draft]] = {
    "generic": _generic, "button": _button, "media": _media, "image_grid": _image_grid, "receipt": _receipt,
    "coupon": _coupon, "customer_feedback": _feedback, "product": _product, "one_time_notif_req": _asks("one_time_notif_req", ()),
    "notification_messages": _asks("notification_messages", (
        "image_url", "notification_messages_timezone", "notification_messages_cta_text", "notification_messages_reoptin"))}
