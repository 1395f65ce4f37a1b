"""Contexts for notifications, made the way intake makes them: from a sample event, through the subject's memory."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from gateway.intake.rebookings import with_rebookings
from gateway.model.event import EventType
from gateway.notifications.catalogue import Catalogue, load
from gateway.rules import changes, rebooking

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples" / "events"


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    return load(ROOT / "templates")


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def context(*events: dict[str, Any], brand: str = "zz", now: str | None = None, **more: Any) -> dict[str, Any]:
    """The context of the last of these events, after the ones before it. now: ISO; default: when it happened."""
    memory: dict[str, Any] = {}
    previous: dict[str, Any] = {}
    words: tuple[str, ...] = ()
    for event in events:
        type_ = event_type(event)
        previous = changes.state_of(memory)
        data = with_rebookings(type_, event["subject"], event["data"], lambda family, entity: f"{family} {entity}")
        memory, words = changes.step(type_, memory, data)
    last = events[-1]
    type_ = event_type(last)
    occurred_at_ms = ms(last["time"])
    known = changes.facts(type_, memory)
    return {
        "event": {
            "type": type_.value,
            "status": last["data"].get("status", ""),
            "occurred_at_ms": occurred_at_ms,
            "external_id": last["id"],
        },
        "data": last["data"],
        "state": changes.state_of(memory),
        "previous": previous,
        "changes": list(words),
        "facts": known,
        "connection": {"risk": ""},
        "rebooking": rebooking.shown(memory, known.get("offers", {}), "order ZX7K2P"),
        "person": {"given_name": "Eva", "family_name": "Jansen"},
        "order": None,
        "passenger": None,
        "brand": catalogue().brands[brand].context(),
        "now_ms": ms(now) if now else occurred_at_ms,
        "links": {"document": "doc-1", "page": "07token"},
        "paper": {},
        **more,
    }


def event_type(event: dict[str, Any]) -> EventType:
    return EventType(event["type"].removeprefix("org.example.").removesuffix(".v1"))


def changed(event: dict[str, Any], **data: Any) -> dict[str, Any]:
    """The same event with other data on top; a None takes a field away."""
    merged = {**event["data"], **data}
    return {**event, "data": {name: value for name, value in merged.items() if value is not None}}


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def applying(values: dict[str, Any], *, at_home: bool = False) -> set[str]:
    """at_home: those for a family's members; else those for who travels, or whose order it is."""
    return {one.name for one in catalogue() if one.at_home is at_home and one.applies(values) and one.is_for(values)}
