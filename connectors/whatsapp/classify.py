"""What came back, or what broke, as a `SendResult`. Pure; one table serves this and the failures webhooks tell.

The code decides first, the HTTP status second, the words never. Where no readable answer came although bytes left us
(a lost connection, a 5xx without an error body, a 200 nobody can read), the message may be on its way: UNCERTAIN. A
proxy in front of Meta answers such a 5xx as well when the request had passed it already. Source: Meta, "Error codes",
11 Sep 2026 (its HTTP statuses of 14 Nov 2025; throttles come as 400, 429 is taken too).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.meta.errors import WHATSAPP, judge
from connectors.meta.faults import Fault, read_fault, scrub
from connectors.meta.graph import NotSent, TransportError
from connectors.meta.reading import maybe_int, maybe_listed, maybe_obj, maybe_text
from connectors.whatsapp.people import named
from gateway.connector import Outcome, RawResponse, Scope, SendResult
from gateway.errors import BadInput, CannotRender
from gateway.model.personal import Personal

_RETRY_AFTER_MAX_S = 24 * 60 * 60


def classify(outcome: RawResponse | BaseException) -> SendResult:
    """The verdict on one attempt. For a download, only the status of the RawResponse says whether it is the file."""
    if isinstance(outcome, RawResponse):
        return _answered(outcome)
    if isinstance(outcome, NotSent):
        return SendResult(Outcome.RETRY, detail=str(outcome))
    if isinstance(outcome, CannotRender | BadInput):
        return SendResult(Outcome.REJECTED, retries=0, detail=scrub(str(outcome)))
    if isinstance(outcome, TransportError):
        return SendResult(Outcome.UNCERTAIN, detail=str(outcome))
    # Whatever else broke on the way (a time-out of the caller's, a cancellation), we cannot say that nothing left.
    return SendResult(Outcome.UNCERTAIN, detail=type(outcome).__name__)


def classify_errors(errors: Any) -> SendResult:
    """The `errors` of a failed status. Without a readable one: an unknown code 0."""
    for error in maybe_listed(errors):
        fault = read_fault(error)
        if fault is not None:
            return judge(fault, WHATSAPP)
    return SendResult(Outcome.RETRY, retries=2, detail="failed without a reason")


def _answered(response: RawResponse) -> SendResult:
    body = _object(response.body)
    fault = read_fault(body.get("error"))
    if fault is not None:
        return _refused(response, fault)
    if 200 <= response.status < 300:
        return _accepted(body)
    after_ms = _retry_after_ms(response.headers)
    if response.status == 429:
        return SendResult(Outcome.THROTTLED, scope=Scope.SENDER, retry_after_ms=after_ms, detail="HTTP 429")
    if response.status == 401:
        return SendResult(Outcome.SENDER_PAUSED, scope=Scope.SENDER, detail="HTTP 401")
    if 300 <= response.status < 500:
        # Refused before it was looked at: a proxy, a wrong base URL. Not a double, and not worth many tries.
        return SendResult(Outcome.RETRY, retries=2, retry_after_ms=after_ms, detail=f"HTTP {response.status}")
    return SendResult(Outcome.UNCERTAIN, detail=f"HTTP {response.status} without a readable body")


def _refused(response: RawResponse, fault: Fault) -> SendResult:
    if WHATSAPP.rule(fault.code, fault.subcode) is None and response.status in (401, 429):
        # A code nobody knows, with a status that leaves no doubt.
        paused = response.status == 401
        return SendResult(
            Outcome.SENDER_PAUSED if paused else Outcome.THROTTLED,
            code=fault.code,
            subcode=fault.subcode,
            detail=fault.detail,
            retry_after_ms=None if paused else _retry_after_ms(response.headers),
            scope=Scope.SENDER,
        )
    return judge(fault, WHATSAPP, retry_after_ms=_retry_after_ms(response.headers))


def _accepted(body: Mapping[str, Any]) -> SendResult:
    messages = maybe_listed(body.get("messages"))
    message = maybe_obj(messages[0]) if messages else {}
    # A message, or the id of an uploaded file.
    channel_id = maybe_text(message.get("id")) or maybe_text(body.get("id"))
    if channel_id:
        contacts = maybe_listed(body.get("contacts"))
        contact = maybe_obj(contacts[0]) if contacts else {}
        status = maybe_text(message.get("message_status"))
        return SendResult(
            Outcome.ACCEPTED,
            channel_id=Personal(channel_id),
            # `input` is what we wrote; wa_id may differ from it (Brazil, Mexico), and only that is the person's.
            recipient=named(contact.get("user_id"), contact.get("wa_id"), contact.get("parent_user_id")),
            held=status in ("held_for_quality_assessment", "paused"),
            template_problem=status == "paused",
        )
    if body.get("success") is True:
        return SendResult(Outcome.ACCEPTED)
    if body.get("success") is False:
        return SendResult(Outcome.REJECTED, retries=0, detail="success: false")
    return SendResult(Outcome.UNCERTAIN, detail="accepted without an id")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return maybe_obj(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """What the answer says about waiting: Retry-After in seconds, or minutes in x-business-use-case-usage."""
    seconds = maybe_int(headers.get("retry-after"))
    if seconds is not None and seconds >= 0:
        return min(seconds, _RETRY_AFTER_MAX_S) * 1000
    waits: list[int] = []
    for entries in _object(headers.get("x-business-use-case-usage", "").encode("utf-8", "replace")).values():
        for entry in maybe_listed(entries):
            minutes = maybe_int(maybe_obj(entry).get("estimated_time_to_regain_access"))
            if minutes is not None and minutes > 0:
                waits.append(minutes)
    return min(max(waits) * 60, _RETRY_AFTER_MAX_S) * 1000 if waits else None
