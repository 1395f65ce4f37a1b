"""A file that shows who somebody is, a passport or an identity card, is kept for a day and no longer.

Whoever has the conversation marks it; from then on it has an end of its own (store/media.py), which no later reading moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import BadInput, NotFound, Problem
from gateway.model.conversation import Conversation
from gateway.model.media import HELD, MediaState
from gateway.webcare import fields
from gateway.webcare.deps import WebcareDeps

THEIRS = HELD - {MediaState.OURS}
"""What is still being fetched is not marked: its end would be overwritten by whoever fetches it."""


async def mark(deps: WebcareDeps, one: Conversation, body: Mapping[str, Any]) -> None:
    """{"file", "on"}: it is deleted a day after it came, or is not after all. Raises BadInput, NotFound. Repeatable."""
    ref, wanted = fields.word(body, "file", "the id of a file of this conversation"), body.get("on")
    if not isinstance(wanted, bool):
        raise BadInput([Problem("on", "should be true or false")])
    kept = await deps.media.get(one.contact, ref) if deps.media is not None else None
    if deps.media is None or kept is None or kept.conversation != one.id or kept.state not in THEIRS:
        raise NotFound("no such file")
    await deps.media.mark(kept, private=wanted)
    await deps.conversations.desk.touched(one.id)
