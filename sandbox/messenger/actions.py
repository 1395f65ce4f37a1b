"""``sender_action``: typing, seen, a reaction; Meta, "Sender Actions", 21 January 2026.

They open no window and fail outside it as messages do. Dots vanish after 20 s or with the next message.
"""

from __future__ import annotations

from typing import Any

from sandbox.messenger import personas, recipients, send
from sandbox.messenger import world as pages
from sandbox.messenger.errors import PageError, injected, invalid
from sandbox.messenger.reading import one_of, text, thing
from sandbox.store import Json
from sandbox.world import World

TYPING_MS = 20_000
ACTIONS = ("typing_on", "typing_off", "mark_seen", "react", "unreact")


def act(world: World, page: Json, body: Json) -> Json:
    """raises: PageError; returns the answer"""
    recipient = recipients.find(world, page, body.get("recipient"))
    fault = world.faults.take("code", page["id"], recipient.address)
    if fault is not None:
        raise injected(fault)
    if page["restricted"]:
        raise PageError(10, 1893063)
    action = one_of(str(body["sender_action"]).lower(), "sender_action", ACTIONS)
    persona = personas.speaker(world, page["id"], body.get("persona_id"))
    if persona is not None and action not in ("typing_on", "typing_off"):
        raise invalid("Param persona_id is for messages and typing")
    address = recipient.address
    send.reachable(world, page, address)
    send.windowed(world, page, address, pages.HUMAN_AGENT_MS if body.get("tag") == "HUMAN_AGENT" else pages.WINDOW_MS)
    answer: Json = {}
    with world.store.tx():
        answer["recipient_id"] = pages.know(world, page["id"], address)
        if action.startswith("typing"):
            pages.show_typing(world, page["id"], address, TYPING_MS if action == "typing_on" else 0, persona)
        elif action == "mark_seen":
            _seen(world, page["id"], address)
        else:
            answer["message_id"] = _react(world, page["id"], address, action, body.get("payload"))
    return answer


def _seen(world: World, page_id: str, address: str) -> None:
    """The whole thread is seen."""
    for row in world.store.rows("SELECT id FROM messages WHERE address = ? AND phone_number_id = ? AND kind = 'sent' AND "
                                "ticks <> 'read'", address, page_id):
        found = world.handsets.message(row["id"])
        if found is not None:
            world.handsets.change(found, ticks="read")


def _react(world: World, page_id: str, address: str, action: str, value: Any) -> str:
    """A reaction of the Page's on any message of the thread; a second one replaces the first. Since 2 December 2025."""
    payload = thing(value, "payload", ("message_id", "reaction"))
    mid = text(payload.get("message_id"), "payload[message_id]", 500)
    found = world.handsets.message(mid)
    if found is None or found["phone_number_id"] != page_id or found["address"] != address:
        raise invalid("Param payload[message_id] is not a message of this conversation")
    emoji = text(payload.get("reaction"), "payload[reaction]", 16) if action == "react" else None
    if emoji is not None and emoji.isascii():
        raise invalid("Param payload[reaction] must be one emoji")
    world.handsets.change(found, page_reaction=emoji)
    return mid
