"""A paper as it is now: gate, platform and times of its flights and trains laid over what was printed.

What is taken into a wallet or calendar stays there, and nobody strikes out what was so before. So it is made of what is known in
the moment in which it is taken; the page alone shows both. Nothing is reckoned: where a flight leaves at another time, the
boarding time and the arrival that were printed are left out until somebody says new ones. Of a flight or train that is cancelled
nothing can be taken along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.documents.paper import Paper, PaperKind, PaperLeg, placeless
from gateway.documents.wallet_cards import moment
from gateway.notifications.places import Places, zone_of
from gateway.rules.states import BEFORE_DEPARTURE
from gateway.rules.stretches import seen_from
from gateway.rules.travel import platform_of

AFTER_ARRIVAL_MS = 4 * 3600_000


def paper_now(paper: Paper, states: Sequence[Mapping[str, Any]], *, places: Places, now_ms: int) -> Paper | None:
    """states: per leg what its flight or train is doing, {} or none at all where nobody has said. None: a leg is cancelled."""
    known = [*states, *({} for _ in paper.legs)][: len(paper.legs)]
    if any(state.get("status") == "cancelled" for state in known):
        return None
    if not any(known):
        return paper
    trains = paper.kind is PaperKind.RAIL_TICKET
    legs = tuple(
        _now(leg, seen_on(leg, state) if trains else state, trains, places) if state else leg
        for leg, state in zip(paper.legs, known, strict=True)
    )
    lands = [when for leg in legs if (when := moment(leg.arrives)) is not None]
    last_ms = max((int(when.timestamp() * 1000) + AFTER_ARRIVAL_MS for when in lands), default=0)
    return replace(paper, legs=legs, as_of_ms=now_ms, ends_ms=max(paper.ends_ms, last_ms) if paper.ends_ms else 0)


def seen_on(leg: PaperLeg, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """A train's state as it is for who boards and leaves it where the ticket says: its news may speak of other stations."""
    ends = (("from", "departure", leg.origin, leg.departs), ("to", "arrival", leg.destination, leg.arrives))
    stretch: dict[str, Any] = {}
    for place, time, code, at in ends:
        if code and at:
            stretch |= {place: {"code": code}, time: {"scheduled": at}}
    return seen_from(state, stretch) or state


def _now(leg: PaperLeg, state: Mapping[str, Any], trains: bool, places: Places) -> PaperLeg:
    waits = state.get("status") in BEFORE_DEPARTURE
    departs = _there(_best(state, "departure"), leg.departs, zone_of(leg.origin, places))
    arrives = _there(_best(state, "arrival"), leg.arrives, zone_of(leg.destination, places))
    moved = bool(departs) and moment(departs) != moment(leg.departs)
    gate = str((platform_of(state) if trains else state.get("gate")) or "") if waits else ""
    return replace(
        leg,
        gate=gate or leg.gate,
        terminal=str(state.get("terminal") or leg.terminal),
        departs=departs or leg.departs,
        boards="" if moved else leg.boards,
        arrives=arrives or ("" if moved else leg.arrives),
    )


def _best(state: Mapping[str, Any], end: str) -> str:
    times = state.get(end)
    if not isinstance(times, Mapping):
        return ""
    return str(times.get("actual") or times.get("estimated") or times.get("scheduled") or "")


def _there(text: str, printed: str, zone: str | None) -> str:
    """On the clock of its place: sources of flights speak UTC. Where the place is not known, on that of what was printed."""
    when, was = moment(text), None if placeless(printed) else moment(printed)
    if when is None:
        return ""
    there = _on(when, zone, was)
    return there.isoformat() if there is not when or not placeless(text) else there.isoformat().replace("+00:00", "Z")


def _on(when: datetime, zone: str | None, was: datetime | None) -> datetime:
    if zone is not None:
        try:
            return when.astimezone(ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError):
            pass
    return when.astimezone(was.tzinfo) if was is not None else when
