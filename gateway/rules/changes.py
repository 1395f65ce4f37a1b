"""The memory that turns states into changes.

Feeds send state, often the whole of it again and again; a message to a person needs a change. So each subject keeps
what is known of it and, under "told", what its followers were last told. Every step is pure: memory and one event's
data go in, the new memory and the changes come out, and the same data twice never gives a change the second time.

    memory = {"status": "delayed", "gate": "D18", "departure": {...}, ..., "told": {"gate": "D18", "departure":
    1795344000000}}

Only events that are not older than the last may be stepped: the caller orders them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway.model.event import EventType
from gateway.rules import appointments, goods, moments, outages, travel
from gateway.rules.states import State, instant_ms, item_of, merge, normalise
from gateway.rules.words import Change

__all__ = ["Change", "Memory", "compare", "facts", "item_of", "merge", "normalise", "state_of", "step"]

Memory = dict[str, Any]

_Tell = Callable[[Mapping[str, Any], Mapping[str, Any], State], tuple[list[Change], dict[str, Any]]]
_TELL: dict[EventType, _Tell] = {
    EventType.FLIGHT_STATUS: travel.tell,
    EventType.TRIP_STATUS: travel.tell,
    EventType.ORDER_STATUS: goods.tell,
    EventType.OUTAGE_STATUS: outages.tell,
    EventType.APPOINTMENT_STATUS: appointments.tell,
}


def step(type_: EventType, memory: Mapping[str, Any] | None, data: Mapping[str, Any]) -> tuple[Memory, tuple[str, ...]]:
    """One event's data applied to a subject's memory: (memory after it, changes as words of `Change`).

    memory: None or {} when nothing was known; JSON all through. Neither argument is changed.
    data:   validated JSON of the type's schema
    A document event leaves the state alone and counts only whether this item was seen, and with the same content.
    """
    known = dict(memory or {})
    if type_ in (EventType.ORDER_DOCUMENT, EventType.FLIGHT_BOARDINGPASS):
        return _document(type_, known, data)
    state = merge(state_of(known), normalise(type_, data))
    changes, told = _tell(type_, known, state)
    return {**state, "told": told}, changes


def compare(type_: EventType, previous: Mapping[str, Any], state: Mapping[str, Any]) -> tuple[str, ...]:
    """What is new in a state for those who were told what the previous memory says. `state` is merged over it
    already."""
    return _tell(type_, previous, state)[0]


def state_of(memory: Mapping[str, Any]) -> State:
    """The state alone, without the book-keeping: for texts, CEL and people."""
    return {name: value for name, value in memory.items() if name != "told"}


def facts(type_: EventType, memory: Mapping[str, Any]) -> dict[str, Any]:
    """Values that texts and conditions need and that no single field holds. Every key of a type is always there.

    flight, trip: delay_minutes and arrival_delay_minutes (0 = on time or unknown, negative = early),
                  worst_delay_minutes (the
                  longest delay told since it was last on time: who was told 45 must hear of 10), has_estimate,
                  departure_at, arrival_at (actual, else estimated, else scheduled; as written, "" = unknown), platform,
                  platform_changed, offers (order -> id of what it is offered instead, while it is cancelled)
    order:        item_count, has_tracking
    outage:       minutes_down (0 until restored), updates_told
    appointment:  old_from, old_to (the window that was told before this one; as written, "" = none), has_window
    """
    told = memory.get("told", {})
    if type_ in (EventType.FLIGHT_STATUS, EventType.TRIP_STATUS, EventType.FLIGHT_BOARDINGPASS):
        platform = memory.get("platform") or {}
        return {
            "delay_minutes": _delay_minutes(memory),
            "arrival_delay_minutes": _minutes(travel.delay_ms(memory, "arrival") or 0),
            "worst_delay_minutes": told.get("worst_minutes", 0),
            "has_estimate": "estimated" in (memory.get(travel.main_end(memory)) or {}),
            "departure_at": _best_time(memory, "departure"),
            "arrival_at": _best_time(memory, "arrival"),
            "platform": travel.platform_of(memory) or "",
            "platform_changed": platform.get("actual") not in (None, platform.get("planned")),
            "offers": told.get("offers", {}) if memory.get("status") == "cancelled" else {},
        }
    if type_ in (EventType.ORDER_STATUS, EventType.ORDER_DOCUMENT):
        items = memory.get("items") or []
        return {
            "item_count": sum(int(item.get("quantity", 1)) for item in items),
            "has_tracking": bool((memory.get("shipment") or {}).get("tracking_url")),
        }
    if type_ is EventType.APPOINTMENT_STATUS:
        return {
            "old_from": told.get("old_from", ""),
            "old_to": told.get("old_to", ""),
            "has_window": appointments.window_ms(memory.get("window") or {}) is not None,
        }
    started, restored = instant_ms(memory.get("started_at")), instant_ms(memory.get("restored_at"))
    down_ms = max(0, restored - started) if started is not None and restored is not None else 0
    return {"minutes_down": down_ms // 60_000, "updates_told": told.get("updates", 0)}


def _tell(
    type_: EventType, known: Mapping[str, Any], state: Mapping[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    before = state_of(known)
    words: list[str] = []
    old = known.get("told", {})
    if "told" not in known or old.get(moments.UNSPOKEN):
        old = {name: value for name, value in old.items() if name != moments.UNSPOKEN}
        words.append(Change.FIRST.value)
    elif before.get("status") != state.get("status"):
        words.append(Change.STATUS_CHANGED.value)
    changes, told = _TELL[type_](before, old, dict(state))
    return (*words, *(change.value for change in changes)), told


def _document(type_: EventType, known: Memory, data: Mapping[str, Any]) -> tuple[Memory, tuple[str, ...]]:
    # Hashes on both sides: ticket numbers and names have no business in a subject's memory.
    content = {name: value for name, value in data.items() if name not in ("recipients", "audience", "version")}
    key, print_now = _hash(item_of(type_, data)), _hash(json.dumps(content, sort_keys=True, default=str))
    documents = dict(known.get("documents", {}))
    before = documents.get(key)
    documents[key] = print_now
    memory = {**known, "documents": documents}
    if before == print_now:
        return memory, ()
    first = Change.FIRST if before is None else Change.DOCUMENT_REISSUED
    return memory, (first.value, Change.DOCUMENT_READY.value)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _delay_minutes(memory: Mapping[str, Any]) -> int:
    delay = travel.delay_ms(memory, travel.main_end(memory))
    return int(memory.get("delay_minutes", 0)) if delay is None else _minutes(delay)


def _minutes(delay_ms: int) -> int:
    """Whole minutes, towards zero: 4:59 late is 4 minutes late, 4:59 early 4 minutes early."""
    return int(delay_ms / 60_000)


def _best_time(memory: Mapping[str, Any], end: str) -> str:
    times = memory.get(end) or {}
    return str(times.get("actual") or times.get("estimated") or times.get("scheduled") or "")
