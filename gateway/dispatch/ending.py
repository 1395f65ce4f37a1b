"""How a message ends: what delivering hands to the worker, which settles it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.message import MessageState
from gateway.rules.verdict import Reason
from gateway.rules.ways import ANOTHER_WAY
from gateway.store.mentions import Mentioned
from gateway.store.outbox import Claimed, Settlement

_STATES = {Reason.EXPIRED: MessageState.EXPIRED, Reason.REPLACED: MessageState.REPLACED, Reason.ENDED: MessageState.ENDED}


@dataclass(frozen=True, slots=True)
class Delivered:
    """How to settle a message, and what the desk may show of it to whoever reads the answer (None: nothing went out)."""

    settlement: Settlement
    mention: Mentioned | None = None


def finished(
    claimed: Claimed,
    reason: Reason,
    detail: str = "",
    *,
    stub: bytes = b"",
    sent: bool = False,
    body: Mapping[str, Any] | None = None,
) -> Settlement:
    """It ends here. sent: an attempt was made (its pair token stays spent). body: where it is known, another way may follow."""
    state = _STATES.get(reason, MessageState.DEAD if sent else MessageState.SUPPRESSED)
    attempt = claimed.attempt if sent else 0
    legs = (body or {}).get("legs") or []
    goes_on = bool(legs) and reason in ANOTHER_WAY
    follows = legs[0]["id"] if goes_on else (body or {}).get("file")
    if follows:
        detail = f"{detail} next={follows}".strip()
    return Settlement(
        claimed, "x", attempt, reason=reason.value, state=state, detail=detail, stub=stub, another_way=goes_on
    )
