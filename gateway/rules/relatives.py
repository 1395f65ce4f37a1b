"""What those at home may be told of a journey: what a board at the airport or station says, and nothing else. Pure.

A member of a family follows the legs of somebody else's journey. Most of what a leg's events bring is public (when it leaves, why
it is late, where it lands), but not all: offers name orders, data may name people, and what a source will send tomorrow nobody
knows. So this is a list of what is allowed, not of what is forbidden. It is used twice: templates are refused that read anything
else (notifications/lint.py), and what planning makes a member's message of holds nothing else (planning/at_home.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORD: frozenset[str] = frozenset()
"""A word or number by itself, with no parts."""
_PLACE = frozenset({"code", "name", "timezone"})
_TIMES = frozenset({"scheduled", "estimated", "actual"})

STATE: Mapping[str, frozenset[str]] = {
    "status": _WORD,
    "carrier": _WORD,
    "operator": _WORD,
    "line": _WORD,
    "number": _WORD,
    "from": _PLACE,
    "to": _PLACE,
    "diverted_to": _PLACE,
    "departure": _TIMES,
    "arrival": _TIMES,
    "delay_minutes": _WORD,
    "reason": frozenset({"code", "text"}),
}
"""Of a leg's state: field -> its parts. A text may be said in several languages."""
FACTS = frozenset({
    "delay_minutes", "arrival_delay_minutes", "worst_delay_minutes", "has_estimate", "departure_at", "arrival_at",
})  # fmt: skip
CONNECTION: Mapping[str, frozenset[str]] = {
    "risk": _WORD, "arrival": _WORD, "departure": _WORD, "place": _PLACE, "to": _PLACE,
}  # fmt: skip

PATHS = frozenset(
    {"changes", "now_ms", "event.type", "event.status", "event.occurred_at_ms", "brand.id", "brand.name", "brand.support_url"}
    | {"previous.status", "previous.diverted_to", *(f"facts.{name}" for name in FACTS)}
    | {f"{root}.{name}" for root, fields in (("state", STATE), ("connection", CONNECTION)) for name in fields}
    | {
        f"{root}.{name}.{part}"
        for root, fields in (("state", STATE), ("connection", CONNECTION)) for name, parts in fields.items() for part in parts
    }
)  # fmt: skip
"""What expressions of a family's notification may read."""


def public(values: Mapping[str, Any], fields: Mapping[str, frozenset[str]] = STATE) -> dict[str, Any]:
    """Of a leg's state, or what else `fields` describes, only what everybody may know."""
    found: dict[str, Any] = {}
    for name, parts in fields.items():
        value = values.get(name)
        if isinstance(value, Mapping):
            kept = {part: value[part] for part in parts if _is_plain(value.get(part))}
            if kept:
                found[name] = kept
        elif _is_plain(value):
            found[name] = value
    return found


def public_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name in FACTS and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    """A word, a number, or a text by language."""
    if isinstance(value, Mapping):
        return all(isinstance(text, str) for text in value.values())
    return isinstance(value, str | int | float)
