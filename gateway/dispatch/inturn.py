"""What is said in turn ("you may miss it", "it fits again"): only the last of it, and only where the phone says the other.

Each waits by itself: for the morning, a brake, a way back to the channel. Whichever leg of the journey moved, a later one of the
row takes the place of an earlier one that still waits, and is not said either where the earlier ones never left us: who was never
told that they may miss their flight needs not hear that they will catch it. What may have left counts as said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.ids import MessageId
from gateway.model.message import MessageRecord, MessageState
from gateway.planning.connecting import IN_TURN
from gateway.rules.verdict import Reason
from gateway.store.outbox import Outbox


async def in_turn(outbox: Outbox, body: Mapping[str, Any]) -> Reason | None:
    """Why this one is not said, None where it is. One read for what is said in turn, none for others. Raises StoreUnavailable."""
    turn = body.get(IN_TURN)
    if not turn:
        return None
    place, ids = int(turn["place"]), [MessageId(one) for one in turn["ids"]]
    found = {record.id: record for record in await outbox.headers(ids)}
    if any(one in found for one in ids[place + 1 :]):
        return Reason.REPLACED
    said = next((number for number in reversed(range(place)) if ids[number] in found and _left_us(found[ids[number]])), None)
    if said is None:  # nothing was: the first of a row and its like is news, its opposite is not
        return Reason.ALREADY_KNOWN if place % 2 else None
    return Reason.ALREADY_KNOWN if said % 2 == place % 2 else None


def _left_us(record: MessageRecord) -> bool:
    return record.state is MessageState.ACCEPTED or record.attempt > 0
