"""Whether somebody knows already what a value has settled at after it went back and forth (rules/flaps.py).

What counts is what their phone says: the value of the last message about it that the channel took for them. Where that cannot be
known for certain (a send without an answer, one that failed later, a record that is gone) they are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import Sealed
from gateway.model.message import MessageRecord, MessageState
from gateway.planning.settling import SETTLING, WATCHED
from gateway.store.outbox import Outbox
from gateway.store.vault import Box


async def already_known(outbox: Outbox, record: MessageRecord, body: Mapping[str, Any], box: Box) -> bool:
    """One read or two for what flaps, none for anything else. Raises StoreUnavailable."""
    if SETTLING not in body:
        return False
    handed = await outbox.handed_before(record)
    if handed is None:
        return False
    if not handed:  # nothing yet: they go by what it was before any of it was news
        return bool(body[SETTLING] == body[WATCHED])
    found = await outbox.record(handed)
    if found is None or found[0].state is not MessageState.ACCEPTED:
        return False
    try:
        said = box.open_json(found[1], handed)
    except (Sealed, ValueError):
        return False
    return bool(said.get(WATCHED) == body[WATCHED])
