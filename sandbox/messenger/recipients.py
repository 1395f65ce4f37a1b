"""Who ``recipient`` means; Meta, "Send a Message", 5 May 2026. Exactly one key; a PSID belongs to one Page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.clock import DAY_MS
from sandbox.messenger import world as pages
from sandbox.messenger.errors import PageError, invalid
from sandbox.messenger.reading import thing
from sandbox.store import Json
from sandbox.world import World

REPLY_MS, ONE_TIME_MS, NOTIFICATION_GAP_MS = 7 * DAY_MS, 365 * DAY_MS, 2 * DAY_MS
KINDS = ("id", "user_ref", "comment_id", "post_id", "one_time_notif_token", "notification_messages_token")
_CLOSED = ("phone_number", "name", "login_id", "player_id", "story_id", "poll_response_id", "follow_id")


@dataclass(frozen=True)
class Recipient:
    """``free``: written to outside the window, as the key (a comment, a token) allows; ``token``: what was used up."""

    kind: str
    address: str
    free: bool = False
    token: str = ""


def find(world: World, page: Json, value: Any) -> Recipient:
    """raises: 100 (not one key), 100/2018001 (nobody of this Page), 200/2018027 (by phone), and what a token may cost"""
    recipient = thing(value, "recipient")
    if "phone_number" in recipient:
        raise PageError(200, 2018027)
    kinds = [key for key in recipient if recipient[key] not in (None, "")]
    if len(kinds) != 1 or kinds[0] in _CLOSED or kinds[0] not in KINDS:
        raise invalid(f"Param recipient must have exactly one of: {', '.join(KINDS)}")
    kind, said = kinds[0], recipient[kinds[0]]
    if isinstance(said, (dict, list, bool)):
        raise invalid(f"Param recipient[{kind}] must be a string")
    return by_psid(world, page, str(said)) if kind == "id" else _by_token(world, page, kind, str(said))


def by_psid(world: World, page: Json, psid: str) -> Recipient:
    """raises: 100 (no number), 100/2018001"""
    if not psid.isdigit():
        raise invalid("Param recipient[id] must be a numeric string")
    found = pages.who(world, psid)
    if found is None or found[0] != page["id"]:
        raise PageError(100, 2018001)
    return Recipient("id", found[1])


def _by_token(world: World, page: Json, kind: str, token: str) -> Recipient:
    kept = pages.token_of(world, page["id"], kind, token)
    if kept is None:
        if kind in ("one_time_notif_token", "notification_messages_token"):
            raise invalid(f"Param recipient[{kind}] is invalid")
        raise PageError(100, 2018001)
    now, address = world.clock.now_ms(), str(kept["address"])
    if kind in ("comment_id", "post_id"):
        answered = (world.handsets.thread(page["id"], address)["last_in_ms"] or 0) > kept["at_ms"]
        if kept["used"] and not answered:
            raise PageError(10900)
        if now - kept["at_ms"] > REPLY_MS:
            raise PageError(10903)
    elif kind == "one_time_notif_token" and (kept["used"] or now - kept["at_ms"] > ONE_TIME_MS):
        raise invalid(f"Param recipient[{kind}] is invalid")
    elif kind == "notification_messages_token":
        if kept.get("stopped"):
            raise PageError(10, 1893015)
        if kept["used"] and now - kept.get("used_ms", 0) < NOTIFICATION_GAP_MS:
            raise PageError(4, 2018354)
    return Recipient(kind, address, free=kind != "user_ref" or not kept["used"], token=token)


def use(world: World, page: Json, recipient: Recipient) -> None:
    """The message went out: the token counts it."""
    if recipient.token:
        kept = pages.token_of(world, page["id"], recipient.kind, recipient.token) or {}
        pages.keep_token(world, page["id"], recipient.kind, recipient.token, recipient.address, used=kept.get("used", 0) + 1,
                         used_ms=world.clock.now_ms())
