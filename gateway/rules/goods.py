"""What is news about an order to somebody who was told the last news: bookings, parcels, contracts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway.rules.states import State, instant_ms
from gateway.rules.words import Change

DELIVERY_MS = 30 * 60_000

_OF_A_PARCEL = frozenset(
    (
        Change.PARTLY_SHIPPED,
        Change.SHIPPED,
        Change.READY_FOR_PICKUP,
        Change.OUT_FOR_DELIVERY,
        Change.DELIVERED,
        Change.DELIVERY_FAILED,
    )
)
_STATUSES = {
    change.value: change
    for change in (
        *_OF_A_PARCEL,
        Change.CREATED,
        Change.PAYMENT_DUE,
        Change.CONFIRMED,
        Change.PROCESSING,
        Change.PROBLEM,
        Change.RETURNED,
        Change.REFUNDED,
        Change.CANCELLED,
    )
}
_CONTENTS = ("itinerary", "items", "total", "currency", "service")
_NOT_YET = ("created", "payment_due", None)


def tell(before: Mapping[str, Any], told: Mapping[str, Any], state: State) -> tuple[list[Change], dict[str, Any]]:
    """The changes, and what has been told after them.

    told: steps (word -> tracking numbers, or amounts of refunds, it was told of), contents (field -> its print), delivery (ms)
    """
    after = dict(told)
    changes = _step(after, state, was=before.get("status"))
    changes += _contents(after, state, confirmed_now=Change.CONFIRMED in changes)
    changes += _delivery(after, state, told_now=bool(_OF_A_PARCEL & set(changes)))
    return changes, after


def _step(told: dict[str, Any], state: State, *, was: Any) -> list[Change]:
    """What the status is news of. was: the status before"""
    change = _STATUSES.get(str(state.get("status")))
    if change is None:
        return []
    if change is Change.PROCESSING and was == Change.PAYMENT_DUE.value:
        # Many shops have no other word for "paid": whoever was asked to pay must hear that it is settled.
        return [*_once(told, Change.CONFIRMED, state), *_once(told, change, state)]
    return _once(told, change, state)


def _once(told: dict[str, Any], change: Change, state: State) -> list[Change]:
    """Each step once, and once more for another parcel or another amount paid back: shops go back and forth between statuses."""
    steps: dict[str, list[str]] = dict(told.get("steps", {}))
    parcel = str((state.get("shipment") or {}).get("tracking_number", "")) if change in _OF_A_PARCEL else ""
    if change is Change.REFUNDED and (amount := (state.get("refund") or {}).get("amount")):
        parcel = f"{Decimal(amount).normalize():f}"
    known = steps.get(change.value)
    if known is not None and (not parcel or not known or parcel in known):
        # Told before, of this parcel or before the parcel had a number.
        if parcel and not known:
            told["steps"] = {**steps, change.value: [parcel]}
        return []
    words = [change]
    if change is Change.PAYMENT_DUE:
        steps.pop(Change.CONFIRMED.value, None)  # who is told that it is not paid hears that it is
    if change is Change.CANCELLED:
        steps = {}  # whatever comes after it is new
    elif Change.CANCELLED.value in steps and change not in (Change.RETURNED, Change.REFUNDED):
        # Money or goods coming back after a cancellation do not bring the order back; anything else does.
        del steps[Change.CANCELLED.value]
        words.insert(0, Change.REINSTATED)
    told["steps"] = {**steps, change.value: [*(known or []), parcel] if parcel else []}
    return words


def _contents(told: dict[str, Any], state: State, confirmed_now: bool) -> list[Change]:
    known: dict[str, str] = told.get("contents", {})
    told["contents"] = contents = {name: _print(state[name]) for name in _CONTENTS if name in state}
    if confirmed_now or state.get("status") in (*_NOT_YET, "cancelled"):
        return []
    # A field that only now becomes known does not make it another order.
    return [Change.CHANGED] if any(contents.get(name) != print_ for name, print_ in known.items()) else []


def _print(value: Any) -> str:
    """Enough of a field to see that it differs."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


def _delivery(told: dict[str, Any], state: State, told_now: bool) -> list[Change]:
    shipment = state.get("shipment") or {}
    expected = instant_ms(shipment.get("expected_from")) or instant_ms(shipment.get("expected_to"))
    known = told.get("delivery")
    if expected is None or (known is not None and abs(expected - known) < DELIVERY_MS):
        return []
    told["delivery"] = expected
    over = state.get("status") in ("delivered", "ready_for_pickup", "returned", "refunded", "cancelled")
    return [] if known is None or told_now or over else [Change.DELIVERY_MOVED]
