"""Conversation Routing: which app holds a thread, and the calls that change it; Meta, "Conversation Routing", 24 September 2025.

Our own calls tell the other apps, not us: what comes back to us (the inbox takes, passes, asks) is the people's side.
"""

from __future__ import annotations

from typing import Any

from sandbox.clock import SECOND_MS
from sandbox.messenger import world as pages
from sandbox.messenger.errors import PageError, invalid
from sandbox.messenger.reading import maybe, one_of, text, thing
from sandbox.store import Json
from sandbox.world import World

METADATA_MOST = 1_000


def metadata(body: Json) -> None:
    maybe(body.get("metadata"), "metadata", METADATA_MOST)


def pass_on(world: World, page: Json, address: str, target_app_id: Any) -> None:
    """raises: 100/2018164 (no such app), 100/2534037 (not ours to pass)"""
    target = pages.holder_of_app(world, text(str(target_app_id or ""), "target_app_id", 40))
    if target is None or (target == "assistant" and not page["assistant"]):
        raise PageError(100, 2018164)
    _must_hold(world, page, address)
    pages.give(world, page["id"], address, target)


def take(world: World, page: Json, address: str) -> None:
    """Only with the switch "allow this app to take control", and only where a default app was chosen. raises: 10"""
    if pages.holder(world, page["id"], address) != "ours" and (not page["may_take"] or page["default_app"] is None):
        raise PageError(10, text="This app is not allowed to take thread control on this Page")
    pages.give(world, page["id"], address, "ours")


def ask(world: World, page: Json, address: str) -> None:
    """Means "asked": neither the inbox nor Meta's assistant ever answers it. raises: 100 when there is nobody to ask"""
    if pages.holder(world, page["id"], address) == "ours":
        raise invalid("The app already is the thread owner")
    pages.note(world, page["id"], address, asked_ms=world.clock.now_ms())


def release(world: World, page: Json, address: str) -> None:
    """raises: 100/2534037"""
    _must_hold(world, page, address)
    pages.give(world, page["id"], address, None)


def extend(world: World, page: Json, address: str, duration: Any) -> None:
    """``duration``: seconds from now, at most 7 days. raises: 100, 100/2534037"""
    if not str(duration).isdigit() or not 1 <= int(duration) * SECOND_MS <= pages.EXTENDED_MOST_MS:
        raise invalid("Param duration must be from 1 to 604800 seconds")
    if pages.holder(world, page["id"], address) != "ours":
        raise PageError(100, 2534037)
    pages.note(world, page["id"], address, until_ms=world.clock.now_ms() + int(duration) * SECOND_MS)


def owner(world: World, page: Json, address: str) -> Json:
    """The answer of ``thread_owner``; only the owner and the default app may ask. raises: 100/2534037"""
    holder = pages.holder(world, page["id"], address)
    if holder is None:
        return {"data": []}
    if holder != "ours" and page["default_app"] != "ours":
        raise PageError(100, 2534037)
    return {"data": [{"thread_owner": {"app_id": pages.app_id_of(world, holder),
                                       "expiration": pages.holds_until_ms(world, page["id"], address) // SECOND_MS}}]}


def check_inline(world: World, page: Json, value: Any) -> Json | None:
    """``thread_control`` of a send: {app_id, control_type}. raises: 100, 100/2018164"""
    if value is None:
        return None
    control = thing(value, "thread_control", ("app_id", "control_type", "metadata"))
    kind = one_of(str(control.get("control_type") or "").lower(), "thread_control[control_type]", ("pass", "release"))
    target = None if kind == "release" else pages.holder_of_app(world, str(control.get("app_id") or ""))
    if kind == "pass" and target is None:
        raise PageError(100, 2018164)
    return {"to": target}


def _must_hold(world: World, page: Json, address: str) -> None:
    if not pages.may_send(world, page, address):
        raise PageError(100, 2534037)
