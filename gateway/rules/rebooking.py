"""Which other flight or train a booking has, once its own was cancelled.

A source says it with the cancellation or later: for all bookings alike, or for some of them. The subject's state keeps what
it said as a list, `rebookings`, each entry with the orders it is for (`refs`: subject ids, never booking codes; none = everybody
else). An entry without refs is the whole truth and takes the place of all that was said before; entries with refs take the place
of what was said of these orders; an empty list takes everything back.

    {"offer": "proposed", "refs": ["j07..."], "subject": "j41...", "carrier": "ZZ", "number": "0526", "departure": "...", ...}

`offer` is "automatic" (they stand on it already) or "proposed" (theirs only once they have said yes). An offer's id names what is
offered and in which cancellation: the same flight offered again after the flight had been reinstated is another offer, for
people were told in between that it holds no more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

AUTOMATIC, PROPOSED = "automatic", "proposed"
Entry = Mapping[str, Any]
NONE: Entry = {"offer": "", "id": ""}


def laid_over(known: Sequence[Entry], new: Sequence[Entry]) -> list[dict[str, Any]]:
    """What is offered after an event that says `new`."""
    if not new or any(not one.get("refs") for one in new):
        return [dict(one) for one in new]
    said = {ref for one in new for ref in one["refs"]}
    kept = []
    for one in known:
        refs = [ref for ref in one.get("refs") or () if ref not in said]
        if refs or not one.get("refs"):
            kept.append({**one, "refs": refs})
    return [*kept, *(dict(one) for one in new)]


def offered(state: Mapping[str, Any], order: str) -> Entry | None:
    """What a cancelled subject's state offers the bookers of this order; its own entry before that for everybody."""
    if state.get("status") != "cancelled":
        return None
    entries: Sequence[Entry] = state.get("rebookings") or ()
    mine = next((one for one in entries if order and order in (one.get("refs") or ())), None)
    return mine or next((one for one in entries if not one.get("refs")), None)


def offer_id(entry: Entry, cancellation: int) -> str:
    """The same for the same offer in the same cancellation (counted by the subject), whoever it is for; 12 characters."""
    content = {name: value for name, value in entry.items() if name != "refs"}
    said = json.dumps([cancellation, content], sort_keys=True, default=str)
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def shown(state: Mapping[str, Any], cancellation: int, order: str) -> Entry:
    """`rebooking` as expressions see it for a reader of this order: `offer` and `id` are always there, "" where there is none."""
    found = offered(state, order)
    if found is None:
        return NONE
    said = {name: value for name, value in found.items() if name not in ("refs", "subject", "entity")}
    return {**said, "id": offer_id(found, cancellation)}


def offers(state: Mapping[str, Any], cancellation: int) -> list[str]:
    """One word for each order that has an offer, and one for everybody else: what changes when somebody is offered something."""
    return sorted(
        f"{offer_id(one, cancellation)}:{ref}"
        for one in state.get("rebookings") or ()
        for ref in (one.get("refs") or ("",))
    )
