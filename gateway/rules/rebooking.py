"""Which other flight or train a booking has, once its own was cancelled.

A source says it with the cancellation or later: for all bookings alike, or for some of them. The subject's state keeps what
it said as a list, `rebookings`, each entry with the orders it is for (`refs`: subject ids, never booking codes; none = everybody
else). An entry without refs is the whole truth and takes the place of all that was said before; entries with refs take the place
of what was said of these orders; an empty list takes everything back.

    {"offer": "proposed", "refs": ["j07..."], "subject": "j41...", "carrier": "ZZ", "number": "0526", "departure": "...", ...}

`offer` is "automatic" (they stand on it already) or "proposed" (theirs only once they have said yes). An offer's id names what is
offered and when it began to be: the same flight offered again after another one, or after the cancelled one had been reinstated,
is another offer, for people were told in between that it holds no more.
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


def shown(state: Mapping[str, Any], ids: Mapping[str, str], order: str) -> Entry:
    """`rebooking` as expressions see it for a reader of this order: `offer` and `id` are always there, "" where there is none.

    ids: the subject's, as `numbered` made them
    """
    found = offered(state, order)
    if found is None:
        return NONE
    said = {name: value for name, value in found.items() if name not in ("refs", "subject", "entity")}
    return {**said, "id": id_of(ids, order)}


def id_of(ids: Mapping[str, str], order: str) -> str:
    return ids.get(order) or ids.get("") or ""


def numbered(entries: Sequence[Entry], before: Mapping[str, str], count: int) -> dict[str, str]:
    """The id of what each order is offered now ("": everybody else): what is offered, and when it began to be.

    before: the ids until now, {} where nothing was offered; count: of offerings so far. What an order was offered already keeps
    its id, whether by an entry of its own or by everybody's; whatever is new to it gets the next number.
    """
    wanted = {ref: _print(one) for one in entries for ref in (one.get("refs") or ("",))}
    found = {}
    for ref, offer in wanted.items():
        known = before.get(ref) or before.get("") or ""
        found[ref] = known if known.startswith(f"{offer}.") else f"{offer}.{count + 1}"
    for ref, known in before.items():
        if ref not in wanted and "" in wanted and known.startswith(f"{wanted['']}."):
            found[ref] = known
    return found


def _print(entry: Entry) -> str:
    content = {name: value for name, value in entry.items() if name != "refs"}
    return hashlib.blake2b(json.dumps(content, sort_keys=True, default=str).encode(), digest_size=6).hexdigest()
