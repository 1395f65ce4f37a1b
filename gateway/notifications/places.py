"""Airports and stations: their names in each language and their clocks, from templates/places.yaml.

Our own name wins over the event's, because a source seldom knows that London is Londen in Dutch; a place we do not know
keeps the name of the event, and without one its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """names: language -> name; timezone: IANA name, or None where only the name is known.

    connection_minutes: what a change takes there, None = as usual
    """

    names: Mapping[str, str]
    timezone: str | None = None
    connection_minutes: int | None = None


Places = Mapping[str, Place]


def name_of(value: Any, language: str, places: Places) -> str | None:
    """The name of {"code": ..., "name": ...} or of a bare code; None when there is neither."""
    code, given = _code_and_name(value)
    known = places.get(code)
    if known is not None:
        name = known.names.get(language) or known.names.get(language.split("_")[0])
        if name:
            return name
    return given or code or None


def zone_of(value: Any, places: Places) -> str | None:
    """The clock of a place: what the event says, else ours; a text that names a zone is that zone."""
    if isinstance(value, str) and "/" in value:
        return value
    if isinstance(value, Mapping) and value.get("timezone"):
        return str(value["timezone"])
    known = places.get(_code_and_name(value)[0])
    return known.timezone if known is not None else None


def _code_and_name(value: Any) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return str(value.get("code") or ""), str(value.get("name") or "")
    return (value, "") if isinstance(value, str) else ("", "")
