"""What a person says on the phone becomes a bubble there and a signed inbound webhook."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from sandbox import delivery, media
from sandbox.content import location_text
from sandbox.control.problem import Problem
from sandbox.errors import GraphError
from sandbox.store import Json
from sandbox.values import message_value
from sandbox.world import World

WHAT = ("text", "button", "image", "document", "audio", "video", "sticker", "location", "contacts", "reaction",
        "unsupported", "marketing")
BESIDE = ("reply_to", "phone_number_id", "referral", "forwarded")


def say(world: World, handset: Json, body: Json, base: str) -> Json:
    """Say one thing; returns the bubble. ``base``: this server's address, for urls of media.

    ``phone_number_id`` may be left out when it is clear from reply_to, the button's bubble or the last thread.
    raises: Problem 400 (what is wrong), 409 (the phone is off)
    """
    kinds = [key for key in WHAT if key in body]
    unknown = [key for key in body if key not in WHAT + BESIDE]
    if len(kinds) != 1 or unknown:
        raise Problem(400, f"say exactly one of {', '.join(WHAT)}; beside it: {', '.join(BESIDE)}")
    if not handset["online"]:
        raise Problem(409, "the phone is off")
    kind = kinds[0]
    if kind == "marketing":
        return _prefer(world, handset, body)
    message, bubble = _SAYERS[kind](world, handset, body, base)
    number = _number(world, handset, body)
    reply_to = body.get("reply_to") or bubble.get("reply_to")
    if reply_to is not None and kind != "reaction":
        quoted = world.handsets.message(str(reply_to))
        if quoted is None or quoted["address"] != handset["address"] or quoted["kind"] == "unsent":
            raise Problem(400, "reply_to names no message of this phone")
        author = number["digits"] if quoted["kind"] == "received" else handset["address"]
        message["context"] = {"from": author, "id": quoted["id"]}
        bubble["reply_to"] = quoted["id"]
    if body.get("forwarded"):
        message["context"] = {"frequently_forwarded" if body["forwarded"] == "frequently" else "forwarded": True}
    if isinstance(body.get("referral"), dict):
        message["referral"] = body["referral"]
    said = deliver(world, handset, number, message, bubble, entry="referral" in message)
    if any(card.get("origin") == "contact_request" for card in message.get("contacts", [])):
        world.handsets.mark(number["id"], handset["address"], last_exchange_ms=world.clock.now_ms())  # known from now on
    return said


def deliver(world: World, handset: Json, number: Json, message: Json, bubble: Json, *, entry: bool = False) -> Json:
    """Give an inbound message its id and author, open the window, show it and send the webhook."""
    now = world.clock.now_ms()
    visible = world.handsets.phone_visible(number["id"], handset)
    message_id = world.ids.from_user(handset["address"] if visible else None)
    head: Json = {"from": handset["address"]} if visible else {}
    head.update(from_user_id=handset["user_id"], id=message_id, timestamp=str(world.clock.now_s()))
    world.limits.pass_through(number["id"], number["throughput"], inbound=True)
    world.handsets.mark(number["id"], handset["address"], last_in_ms=now)
    if visible:
        world.handsets.mark(number["id"], handset["address"], last_exchange_ms=now)
    if entry:
        world.handsets.mark(number["id"], handset["address"], entry_ms=now, entry_until_ms=None)
    world.handsets.add(message_id=message_id, number_id=number["id"], address=handset["address"], kind="sent",
                       ticks="delivered", bubble=bubble, private={})
    delivery.open_chat(world, handset, number["id"])
    value = message_value(number, handset, {**head, **message}, visible=visible)
    if handset["address"] not in number.get("blocked", []):
        world.emit("messages", number["waba_id"], value, number=number, address=handset["address"])
    added = world.handsets.message(message_id)
    assert added is not None
    return world.handsets.shown(number["id"], handset["address"], added["bubble"])


def _number(world: World, handset: Json, body: Json) -> Json:
    """The business number spoken to."""
    asked = body.get("phone_number_id")
    refer = body.get("reply_to") or (body.get("button") or body.get("reaction") or {})
    about = refer.get("bubble") or refer.get("message_id") if isinstance(refer, dict) else refer
    if asked is None and about is not None and (quoted := world.handsets.message(str(about))) is not None:
        asked = quoted["phone_number_id"]
    if asked is None:
        row = world.store.row("SELECT phone_number_id FROM messages WHERE address = ? AND kind <> 'unsent' "
                              "AND phone_number_id IN (SELECT id FROM numbers) ORDER BY at_ms DESC LIMIT 1",
                              handset["address"])
        numbers = world.account.numbers()
        asked = row["phone_number_id"] if row is not None else numbers[0]["id"] if len(numbers) else None
    number = world.account.number(str(asked))
    if number is None:
        raise Problem(400, "phone_number_id is none of this account's numbers")
    return number


def _text(world: World, handset: Json, body: Json, base: str) -> tuple[Json, Json]:
    text = body["text"].get("body") if isinstance(body["text"], dict) else body["text"]
    if not isinstance(text, str) or not text or len(text) > 65_536:
        raise Problem(400, "text must be 1 to 65536 characters")
    return {"type": "text", "text": {"body": text}}, {"type": "text", "body": text}


def _button(world: World, handset: Json, body: Json, base: str) -> tuple[Json, Json]:
    """A tap on a template's quick reply, an interactive button or a list row (its index counted over all sections)."""
    asked = body["button"]
    if not isinstance(asked, dict) or not isinstance(asked.get("bubble"), str):
        raise Problem(400, 'button must be {"bubble": id, "index": n}')
    source = world.handsets.message(asked["bubble"])
    if source is None or source["kind"] != "received" or source["address"] != handset["address"]:
        raise Problem(400, "button.bubble names no message on this phone")
    if source["ticks"] == "failed":
        raise Problem(400, "this message never arrived on the phone")
    bubble = source["bubble"]
    if bubble["list"] is not None:
        rows = [row for section in bubble["list"]["sections"] for row in section["rows"]]
        row = _pick(rows, asked)
        reply = {key: row[key] for key in ("id", "title", "description") if key in row}
        return ({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": reply}},
                {"type": "interactive", "body": row["title"], "reply_to": source["id"]})
    button = _pick(bubble["buttons"], asked)
    shown = {"type": "text", "body": button["text"], "reply_to": source["id"]}
    if button["type"] == "quick_reply":
        return {"type": "button", "button": {"payload": button["payload"], "text": button["text"]}}, shown
    if button["type"] != "reply" or button.get("id") == "send_location":
        raise Problem(400, "a tap on this button says nothing to the business")
    if button.get("id") == "request_contact_info":
        card = {"origin": "contact_request", "phones": [
            {"phone": "+" + handset["address"], "wa_id": handset["address"], "type": "CELL"}]}
        return {"type": "contacts", "contacts": [card]}, {"type": "contacts", "body": "+" + handset["address"]}
    return ({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {
        "id": button.get("id", button["text"]), "title": button["text"]}}}, {**shown, "type": "interactive"})


def _pick(choices: list[Json], asked: Json) -> Json:
    for choice in choices:
        if choice["index"] == asked.get("index") or (asked.get("id") is not None and choice.get("id") == asked["id"]):
            return choice
    raise Problem(400, f"this bubble has no choice {asked.get('index')!r}; there are {len(choices)}")


def _file(kind: str) -> Any:
    def read(world: World, handset: Json, body: Json, base: str) -> tuple[Json, Json]:
        """{"data": base64 | "text": "...", "mime", "filename"?, "caption"?, "voice"?, "animated"?}"""
        asked = body[kind]
        if not isinstance(asked, dict) or not isinstance(asked.get("mime"), str):
            raise Problem(400, f'{kind} must be {{"mime": type, "data": base64, "caption"?, "filename"?}}')
        try:
            data = base64.b64decode(asked.get("data", ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise Problem(400, f"{kind}.data must be base64") from None
        if (why := media.misfit(asked["mime"], len(data), kind)) is not None:
            raise Problem(400, why)
        number = _number(world, handset, body)
        media_id = media.save(world, number_id=number["id"], mime=asked["mime"], filename=asked.get("filename"), data=data,
                              origin="inbound")
        content: Json = {key: asked[key] for key in ("caption", "filename") if asked.get(key) and (
            key == "filename") == (kind == "document" and key == "filename")}
        content.update(media.webhook_object(world, media_id, base))
        if kind == "audio":
            content["voice"] = bool(asked.get("voice", False))
        if kind == "sticker":
            content["animated"] = bool(asked.get("animated", False))
        header = {"type": "image" if kind in ("image", "sticker") else "document", "url": f"/sandbox/media/{media_id}",
                  "filename": asked.get("filename"), "mime": asked["mime"]}
        return {"type": kind, kind: content}, {"type": kind, "header": header, "body": asked.get("caption") or ""}

    return read


def _location(world: World, handset: Json, body: Json, base: str) -> tuple[Json, Json]:
    try:
        asked = body["location"]
        if isinstance(asked, dict):
            asked = {key: value for key, value in asked.items() if key != "url"}
        header = location_text(asked, "location")
    except GraphError as error:
        raise Problem(400, str(error.details or error.message)) from None
    place = {"latitude": header["latitude"], "longitude": header["longitude"]}
    place.update({key: body["location"][key] for key in ("name", "address", "url") if body["location"].get(key)})
    return {"type": "location", "location": place}, {"type": "location", "header": header}


def _contacts(world: World, handset: Json, body: Json, base: str) -> tuple[Json, Json]:
    cards = body["contacts"]
    if not isinstance(cards, list) or not all(isinstance(card, dict) for card in cards) or not cards:
        raise Problem(400, "contacts must be an array of cards")
    names = [str(card.get("name", {}).get("formatted_name", "")) for card in cards]
    return {"type": "contacts", "contacts": cards}, {"type": "contacts", "body": "\n".join(names)}


def _reaction(world: World, handset: Json, body: Json, base: str) -> tuple[Json, Json]:
    asked = body["reaction"]
    target_id = asked.get("bubble") or asked.get("message_id") if isinstance(asked, dict) else None
    target = world.handsets.message(str(target_id))
    if target is None or target["address"] != handset["address"] or target["kind"] == "unsent":
        raise Problem(400, 'reaction must be {"bubble": id, "emoji": "👍"}, of a message on this phone')
    emoji = asked.get("emoji") or None
    world.handsets.change(target, reaction=emoji)
    reaction: Json = {"message_id": target["id"]}
    if emoji is not None:
        reaction["emoji"] = emoji
    return ({"type": "reaction", "reaction": reaction},
            {"type": "reaction", "body": emoji or "", "reply_to": target["id"]})


def _unsupported(world: World, handset: Json, body: Json, base: str) -> tuple[Json, Json]:
    """A message of a kind the Cloud API does not pass on, such as poll_creation or edit."""
    error = {"code": 131051, "title": "Message type unknown", "message": "Message type unknown",
             "error_data": {"details": "Message type is currently not supported."}}
    message: Json = {"type": "unsupported", "errors": [error]}
    if isinstance(body["unsupported"], str):
        message["unsupported"] = {"type": body["unsupported"]}
    return message, {"type": "system", "body": f"({body['unsupported']})"}


def _prefer(world: World, handset: Json, body: Json) -> Json:
    """The person's own switch in the app: {"marketing": "stop"} or "resume"; no bubble for the business, a webhook."""
    value = body["marketing"]
    if value not in ("stop", "resume"):
        raise Problem(400, "marketing must be 'stop' or 'resume'")
    number = _number(world, handset, body)
    stopped = set(handset["marketing_stopped"]) - {number["id"]}
    handset["marketing_stopped"] = sorted(stopped | {number["id"]} if value == "stop" else stopped)
    world.handsets.save(handset)
    visible = world.handsets.phone_visible(number["id"], handset)
    who: Json = {"wa_id": handset["address"]} if visible else {}
    preference = {**who, "user_id": handset["user_id"], "detail": f"User requested to {value} marketing messages",
                  "category": "marketing_messages", "value": value, "timestamp": world.clock.now_s()}
    base_value = message_value(number, handset, {}, visible=visible)
    change = {key: base_value[key] for key in ("messaging_product", "metadata", "contacts")}
    world.emit("user_preferences", number["waba_id"], {**change, "user_preferences": [preference]}, number=number,
               address=handset["address"])
    return {"id": world.ids.hex_lower(16), "kind": "sent", "type": "system", "body": json.dumps({"marketing": value}),
            "at_ms": world.clock.now_ms(), "phone_number_id": number["id"]}


_SAYERS: dict[str, Any] = {
    "text": _text, "button": _button, "location": _location, "contacts": _contacts, "reaction": _reaction,
    "unsupported": _unsupported, **{kind: _file(kind) for kind in ("image", "document", "audio", "video", "sticker")}}
