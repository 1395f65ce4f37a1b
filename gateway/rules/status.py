"""Which delivery status may follow which.

Statuses arrive late, twice and shuffled, and `delivered` may be left out when the chat was open (`read` implies it). So
the rank decides, never the order of arrival, and whatever the order the end is the same.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.message import DeliveryStatus


class Advance(NamedTuple):
    """changed: False when this status told nothing new and nobody need hear of it."""

    status: DeliveryStatus
    failed: bool
    changed: bool


def advance(current: DeliveryStatus, failed: bool, new: DeliveryStatus, new_failed: bool) -> Advance:
    """Where a message stands after one more status.

    A failure counts only while the message is not known to be on the phone: `failed` may follow `sent`, `delivered`
    after `failed` wins, and `failed` after `delivered` is a note that changes nothing.
    """
    status = max(current, new)
    still_failed = (failed or new_failed) and status < DeliveryStatus.DELIVERED
    return Advance(status, still_failed, (status, still_failed) != (current, failed))
