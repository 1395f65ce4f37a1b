"""What came back, or what broke, as a `SendResult`. Pure; see `codes` for what each code means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.messenger.codes import rule_for
from connectors.messenger.people import named
from connectors.meta.answers import broken, object_of, retry_after_ms, without_fault
from connectors.meta.errors import apply_rule
from connectors.meta.faults import read_fault
from connectors.meta.reading import maybe_obj, maybe_text
from gateway.connector import Outcome, RawResponse, SendResult
from gateway.model.personal import Personal

_WORDS = ("message", "error_user_title", "error_user_msg")


def classify(outcome: RawResponse | BaseException) -> SendResult:
    """The verdict on one attempt. For a download, only the status of the RawResponse says whether it is the file."""
    if not isinstance(outcome, RawResponse):
        return broken(outcome)
    body = object_of(outcome.body)
    error = maybe_obj(body.get("error"))
    fault = read_fault(error)
    if fault is not None:
        words = " ".join(maybe_text(error.get(key)) for key in _WORDS)
        return apply_rule(
            rule_for(fault.code, fault.subcode, words), fault, retry_after_ms=retry_after_ms(outcome.headers)
        )
    if 200 <= outcome.status < 300:
        return _accepted(body)
    return without_fault(outcome)


def _accepted(body: Mapping[str, Any]) -> SendResult:
    """The id of a message, of an uploaded file, or of a persona; a sender action has none."""
    channel_id = next((found for key in ("message_id", "attachment_id", "id") if (found := maybe_text(body.get(key)))), "")
    # The Page whose id it is, the caller knows.
    person = named("", body.get("recipient_id"))
    if channel_id or person:
        return SendResult(Outcome.ACCEPTED, channel_id=Personal(channel_id) if channel_id else None, recipient=person)
    if body.get("success") is True:
        return SendResult(Outcome.ACCEPTED)
    if body.get("success") is False:
        return SendResult(Outcome.REJECTED, retries=0, detail="success: false")
    return SendResult(Outcome.UNCERTAIN, detail="accepted without an id")
