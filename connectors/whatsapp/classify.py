"""What came back, or what broke, as a `SendResult`. Pure; one table serves this and the failures webhooks tell.

The code decides first, the HTTP status second, the words never. Where no readable answer came although bytes left us
(a lost connection, a 5xx without an error body, a 200 nobody can read), the message may be on its way: UNCERTAIN. A
proxy in front of Meta answers such a 5xx as well when the request had passed it already. Source: Meta, "Error codes",
11 Sep 2026 (its HTTP statuses of 14 Nov 2025; throttles come as 400, 429 is taken too).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.meta.answers import broken, object_of, retry_after_ms, without_fault
from connectors.meta.errors import WHATSAPP, judge
from connectors.meta.faults import Fault, read_fault
from connectors.meta.reading import maybe_listed, maybe_obj, maybe_text
from connectors.whatsapp.people import named
from gateway.connector import Outcome, RawResponse, Scope, SendResult
from gateway.model.personal import Personal


def classify(outcome: RawResponse | BaseException) -> SendResult:
    """The verdict on one attempt. For a download, only the status of the RawResponse says whether it is the file."""
    if isinstance(outcome, RawResponse):
        return _answered(outcome)
    return broken(outcome)


def classify_errors(errors: Any) -> SendResult:
    """The `errors` of a failed status. Without a readable one: an unknown code 0."""
    for error in maybe_listed(errors):
        fault = read_fault(error)
        if fault is not None:
            return judge(fault, WHATSAPP)
    return SendResult(Outcome.RETRY, retries=2, detail="failed without a reason")


def _answered(response: RawResponse) -> SendResult:
    body = object_of(response.body)
    fault = read_fault(body.get("error"))
    if fault is not None:
        return _refused(response, fault)
    if 200 <= response.status < 300:
        return _accepted(body)
    return without_fault(response)


def _refused(response: RawResponse, fault: Fault) -> SendResult:
    if WHATSAPP.rule(fault.code, fault.subcode) is None and response.status in (401, 429):
        # A code nobody knows, with a status that leaves no doubt.
        paused = response.status == 401
        return SendResult(
            Outcome.SENDER_PAUSED if paused else Outcome.THROTTLED,
            code=fault.code,
            subcode=fault.subcode,
            detail=fault.detail,
            retry_after_ms=None if paused else retry_after_ms(response.headers),
            scope=Scope.SENDER,
        )
    return judge(fault, WHATSAPP, retry_after_ms=retry_after_ms(response.headers))


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
