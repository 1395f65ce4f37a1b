"""One outgoing message body, checked like Meta checks it and turned into what will stand on the phone.

Unknown keys, wrong types and lengths are refused at once (100, 131008, 131009, 131051); what Meta finds out only while
sending (a link that is gone, a file of the wrong type) goes into the draft and becomes a failed status.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox import media
from sandbox.errors import GraphError, invalid, missing, too_long, unexpected_key
from sandbox.store import Json
from sandbox.world import World

ENVELOPE = ("messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data",
            "recipient_identity_key_hash", "category")
UNSUPPORTED = ("pin",)
OPAQUE_MOST, BODY_MOST, CAPTION_MOST = 512, 4_096, 1_024
CONTACTS_MOST = 257


@dataclass
class Draft:
    """``links``: [{link, kind}] to fetch before sending; ``fail``: what the webhook will say instead of sent."""

    type: str
    bubble: Json
    links: list[Json] = field(default_factory=list)
    fail: tuple[int, str | None] | None = None
    category: str = "service"
    is_template: bool = False
    held: bool = False
    ttl_ms: int = 30 * 86_400_000
    private: Json = field(default_factory=dict)


def only(thing: Any, allowed: tuple[str, ...], param: str) -> Json:
    """An object with none but these keys. raises: 100 for an unknown key, 131009 for no object"""
    if not isinstance(thing, dict):
        raise invalid(f"Parameter '{param}' must be a JSON object")
    for key in thing:
        if key not in allowed:
            raise unexpected_key(key, param)
    return thing


def text(thing: Json, key: str, path: str, most: int, *, required: bool = True) -> str | None:
    """A non-empty string of at most ``most`` characters. ``path``: as in text['body']"""
    value = thing.get(key)
    if value is None or value == "":
        if required:
            raise missing(path)
        return None
    if not isinstance(value, str):
        raise GraphError(100, message=f"(#100) Param {path} must be a string.")
    if len(value) > most:
        raise too_long(path, most)
    return value


def files(world: World, number: Json, kind: str, thing: Json, draft: Draft, param: str) -> Json:
    """A media object's id or link -> the bubble's header. Problems of the file itself go to the draft."""
    file_id, link = thing.get("id"), thing.get("link")
    if (file_id is None) == (link is None):
        if file_id is None:
            raise missing(f"{param}.id or {param}.link")
        raise invalid(f"Only one of '{param}.id' and '{param}.link' may be given")
    shown = "image" if kind in ("image", "sticker") else "document"
    header: Json = {"type": shown, "url": None, "filename": thing.get("filename"), "mime": None}
    if link is not None:
        if not isinstance(link, str) or not re.match(r"https?://[^\s/]+", link):
            raise GraphError(100, message=f"(#100) Param {param}['link'] is not a valid URI.")
        draft.links.append({"link": link, "kind": kind})
        header["link"] = link
        return header
    found = media.get(world, str(file_id), number["id"]) if isinstance(file_id, (str, int)) else None
    if found is None:
        raise GraphError(100, message=f"(#100) Param {param}['id'] is not a valid whatsapp business account media "
                                      "attachment ID")
    why = media.misfit(found["mime"], found["size"], kind)
    if why is not None:
        draft.fail = (131053, why)
    header.update(url=f"/sandbox/media/{file_id}", mime=found["mime"], filename=thing.get("filename") or found["filename"])
    return header


def _text(world: World, number: Json, thing: Any) -> Draft:
    text_object = only(thing, ("body", "preview_url"), "text")
    if not isinstance(text_object.get("preview_url", False), bool):
        raise invalid("Parameter 'text.preview_url' must be a boolean")
    return Draft("text", {"body": text(text_object, "body", "text['body']", BODY_MOST)})


_MEDIA_KEYS = {"image": ("id", "link", "caption"), "video": ("id", "link", "caption"), "sticker": ("id", "link"),
               "document": ("id", "link", "caption", "filename"), "audio": ("id", "link", "voice")}


def _media(kind: str) -> Callable[[World, Json, Any], Draft]:
    def read(world: World, number: Json, thing: Any) -> Draft:
        media_object = only(thing, _MEDIA_KEYS[kind], kind)
        caption = text(media_object, "caption", f"{kind}['caption']", CAPTION_MOST, required=False)
        text(media_object, "filename", f"{kind}['filename']", 240, required=False)
        draft = Draft(kind, {"body": caption or ""})
        draft.bubble["header"] = files(world, number, kind, media_object, draft, kind)
        if media_object.get("voice") is True:
            mime = draft.bubble["header"]["mime"]
            if mime is not None and media.base_type(mime) != "audio/ogg":
                draft.fail = (131053, "A voice message must be OGG with the OPUS codec, mono.")
            draft.private["voice"] = True
        return draft

    return read


def location_text(thing: Any, param: str) -> Json:
    """A location object -> the bubble's header."""
    place = only(thing, ("latitude", "longitude", "name", "address"), param)
    numbers = {}
    for key, most in (("latitude", 90), ("longitude", 180)):
        if place.get(key) is None:
            raise missing(f"{param}.{key}")
        try:
            numbers[key] = float(place[key])
        except (TypeError, ValueError):
            raise invalid(f"Parameter '{param}.{key}' must be a number") from None
        if not abs(numbers[key]) <= most:
            raise invalid(f"Parameter '{param}.{key}' must be between -{most} and {most}")
    name = text(place, "name", f"{param}['name']", 1_000, required=False)
    address = text(place, "address", f"{param}['address']", 1_000, required=False)
    label = "\n".join(part for part in (name, address) if part) or f"{numbers['latitude']:g}, {numbers['longitude']:g}"
    return {"type": "location", "text": label, **numbers,
            "url": f"https://www.openstreetmap.org/?mlat={numbers['latitude']:g}&mlon={numbers['longitude']:g}"}


def _location(world: World, number: Json, thing: Any) -> Draft:
    return Draft("location", {"header": location_text(thing, "location")})


_CONTACT = ("name", "phones", "emails", "urls", "addresses", "org", "birthday")
_NAME_PARTS = ("first_name", "last_name", "middle_name", "prefix", "suffix")
_LISTS = {"phones": ("phone", "type", "wa_id"), "emails": ("email", "type"), "urls": ("url", "type"),
          "addresses": ("street", "city", "state", "zip", "country", "country_code", "type")}


def _contacts(world: World, number: Json, thing: Any) -> Draft:
    if not isinstance(thing, list) or not thing:
        raise missing("contacts")
    if len(thing) > CONTACTS_MOST:
        raise invalid(f"At most {CONTACTS_MOST} contacts can be sent in one message")
    lines = []
    for entry in thing:
        card = only(entry, _CONTACT, "contacts")
        name = only(card.get("name") or {}, ("formatted_name", *_NAME_PARTS), "contacts.name")
        lines.append(str(text(name, "formatted_name", "contacts.name.formatted_name", 1_000)))
        if not any(name.get(part) for part in _NAME_PARTS):
            raise invalid("contacts.name needs formatted_name and at least one of: " + ", ".join(_NAME_PARTS))
        only(card.get("org") or {}, ("company", "department", "title"), "contacts.org")
        for key, allowed in _LISTS.items():
            items = card.get(key) or []
            if not isinstance(items, list):
                raise invalid(f"Parameter 'contacts.{key}' must be an array")
            for item in items:
                only(item, allowed, f"contacts.{key}")
        if card.get("birthday") and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(card["birthday"])):
            raise invalid("Parameter 'contacts.birthday' must be YYYY-MM-DD")
        lines += [str(phone["phone"]) for phone in card.get("phones") or [] if phone.get("phone")]
    return Draft("contacts", {"body": "\n".join(lines)})


def _reaction(world: World, number: Json, thing: Any) -> Draft:
    """Only a ``sent`` status comes; a target that is gone, old or itself a reaction fails by webhook."""
    reaction = only(thing, ("message_id", "emoji"), "reaction")
    target = text(reaction, "message_id", "reaction['message_id']", 1_000)
    emoji = reaction.get("emoji")
    if not isinstance(emoji, str):
        raise missing("reaction.emoji")
    if len(emoji) > 16 or (emoji.isascii() and emoji != ""):
        raise invalid("Parameter 'reaction.emoji' must be one emoji, or empty to remove it")
    draft = Draft("reaction", {"body": emoji, "reply_to": target})
    draft.private.update(only_sent=True, target=target, free=True)
    return draft


def check_envelope(body: Any) -> Json:
    """What every message must have. raises: GraphError"""
    if not isinstance(body, dict):
        raise GraphError(100, "The request body must be a JSON object.")
    if body.get("messaging_product") is None:
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    if body["messaging_product"] != "whatsapp":
        raise GraphError(100, message="(#100) Param messaging_product must be one of {WHATSAPP} - got "
                                      f"{str(body['messaging_product'])[:40]!r}.")
    if body.get("recipient_type", "individual") not in ("individual", "group"):
        raise GraphError(100, message="(#100) Param recipient_type must be one of {INDIVIDUAL, GROUP}.")
    opaque = body.get("biz_opaque_callback_data")
    if opaque is not None:
        text(body, "biz_opaque_callback_data", "biz_opaque_callback_data", OPAQUE_MOST, required=False)
    context = body.get("context")
    if context is not None:
        text(only(context, ("message_id",), "context"), "message_id", "context.message_id", 1_000)
    if body.get("to") in (None, "") and body.get("recipient") in (None, ""):
        raise missing("to")
    return body


def check_keys(body: Json, kind: str) -> None:
    for key in body:
        if key not in ENVELOPE and key != kind:
            raise unexpected_key(key, "message")


READERS: dict[str, Callable[[World, Json, Any], Draft]] = {
    "text": _text, "location": _location, "contacts": _contacts, "reaction": _reaction,
    **{kind: _media(kind) for kind in _MEDIA_KEYS}}
