"""What an answer of the Graph API says before any channel's words for it: its object, its waits, or that none came.

Where no readable answer came although bytes left us (a lost connection, a 5xx without an error body), the message may be on
its way: UNCERTAIN. A proxy in front of Meta answers such a 5xx as well when the request had passed it already. Source:
Meta, "Error codes", 11 Sep 2026 (HTTP statuses of 14 Nov 2025; throttles come as 400, 429 is taken too).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.meta.faults import scrub
from connectors.meta.graph import NotSent, TransportError
from connectors.meta.reading import maybe_int, maybe_listed, maybe_obj
from gateway.connector import Outcome, RawResponse, Scope, SendResult
from gateway.errors import BadInput, CannotRender

_RETRY_AFTER_MAX_S = 24 * 60 * 60


def broken(error: BaseException) -> SendResult:
    """What an attempt that brought no answer means."""
    if isinstance(error, NotSent):
        return SendResult(Outcome.RETRY, detail=str(error))
    if isinstance(error, CannotRender | BadInput):
        return SendResult(Outcome.REJECTED, retries=0, detail=scrub(str(error)))
    if isinstance(error, TransportError):
        return SendResult(Outcome.UNCERTAIN, detail=str(error))
    # Whatever else broke on the way (a time-out of the caller's, a cancellation), we cannot say that nothing left.
    return SendResult(Outcome.UNCERTAIN, detail=type(error).__name__)


def without_fault(response: RawResponse) -> SendResult:
    """An answer outside 2xx that holds no error of Meta's: of a proxy, or of Meta's own edge."""
    after_ms = retry_after_ms(response.headers)
    if response.status == 429:
        return SendResult(Outcome.THROTTLED, scope=Scope.SENDER, retry_after_ms=after_ms, detail="HTTP 429")
    if response.status == 401:
        return SendResult(Outcome.SENDER_PAUSED, scope=Scope.SENDER, detail="HTTP 401")
    if 300 <= response.status < 500:
        # Refused before it was looked at: a proxy, a wrong base URL. Not a double, and not worth many tries.
        return SendResult(Outcome.RETRY, retries=2, retry_after_ms=after_ms, detail=f"HTTP {response.status}")
    return SendResult(Outcome.UNCERTAIN, detail=f"HTTP {response.status} without a readable body")


def object_of(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body; {} for anything else."""
    try:
        return maybe_obj(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """What the answer says about waiting: Retry-After in seconds, or minutes in x-business-use-case-usage."""
    seconds = maybe_int(headers.get("retry-after"))
    if seconds is not None and seconds >= 0:
        return min(seconds, _RETRY_AFTER_MAX_S) * 1000
    waits: list[int] = []
    for entries in object_of(headers.get("x-business-use-case-usage", "").encode("utf-8", "replace")).values():
        for entry in maybe_listed(entries):
            minutes = maybe_int(maybe_obj(entry).get("estimated_time_to_regain_access"))
            if minutes is not None and minutes > 0:
                waits.append(minutes)
    return min(max(waits) * 60, _RETRY_AFTER_MAX_S) * 1000 if waits else None
