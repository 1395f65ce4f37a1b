"""Which of an event's notifications tell a value that went back and forth, and until when they wait (rules/flaps.py).

The values of the last minutes lie in the subject's memory under told/settling, by the name that notifications watch, and are
written in the same step as the event's result: whoever takes the event up again, plans a newcomer, or rehearses it, goes by the
same wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.notifications.expressions import Scope
from gateway.notifications.model import Notification
from gateway.planning.result import EventResult, Reader, World, scope_for
from gateway.rules.changes import Memory, facts
from gateway.rules.flaps import Settling, print_of, told
from gateway.store.outbox import told_field

SETTLING = "settling"
"""The reason of a message that waits; the key of its book-keeping in the memory and in the sealed body."""
WATCHED = "watched"
"""In the sealed body: the print of the value that it tells."""


def settle(result: EventResult, before: Mapping[str, Any], memory: Memory, world: World) -> tuple[EventResult, Memory]:
    """The result with what its notifications wait for, and the memory after it.

    before: the subject's memory until now, {} where nothing was known; memory: as the event left it
    """
    watching = [one for name in result.notifications if (one := world.catalogue.get(name)) is not None and one.watch.window_ms]
    if not watching:
        return result, memory
    scope = scope_for(result, Reader(None, None), world, world.default_brand, {})
    earlier = _scope_before(result, before, world) if before else None
    known = dict(memory.get("told", {}).get(SETTLING, {}))
    by_topic: dict[str, Settling] = {}
    for one in watching:
        topic = one.watch.name
        if topic not in by_topic:
            known[topic], by_topic[topic] = told(
                known.get(topic),
                before=print_of(one.watched(earlier)) if earlier is not None else "",
                value=print_of(one.watched(scope)),
                now_ms=world.now_ms,
                window_ms=one.watch.window_ms,
            )
    memory = {**memory, "told": {**memory.get("told", {}), SETTLING: known}}
    return replace(result, settling={one.name: by_topic[one.watch.name] for one in watching}), memory


def _scope_before(result: EventResult, before: Mapping[str, Any], world: World) -> Scope:
    then = replace(result, event=f"before {result.event}", state=result.previous, facts=facts(result.type, before))
    return scope_for(then, Reader(None, None), world, world.default_brand, {})


def beside(notification: Notification, result: EventResult, item: str, world: World) -> tuple[str, ...]:
    """The told fields of the other notifications that speak of the same value."""
    if notification.name not in result.settling:
        return ()
    return tuple(
        told_field(result.subject, other.name, item)
        for other in world.catalogue.for_event(result.type)
        if other is not notification and other.watch.name == notification.watch.name and other.replaces
    )


def for_body(settling: Settling | None) -> dict[str, str]:
    """What stands in the sealed body: the value, and where it flaps what those go by who were handed nothing."""
    if settling is None:
        return {}
    return {WATCHED: settling.value} | ({SETTLING: settling.base} if settling.until_ms else {})
