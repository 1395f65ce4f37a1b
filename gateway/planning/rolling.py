"""Where a message stands in the roll-outs, as planning asks it: see rules/rollout.py."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.contact import Contact
from gateway.notifications.model import Notification
from gateway.notifications.rolling import why_never
from gateway.planning.result import EventResult, Reader, World
from gateway.rules import rollout
from gateway.rules.rollout import Standing


def standing(
    notification: Notification, contact: Contact, result: EventResult, readers: Sequence[Reader], world: World, *,
    brand: str, sender: str,
) -> Standing | None:  # fmt: skip
    """None: no roll-out is about this message, or it may be no part of one, whatever a roll-out says."""
    matched = rollout.matching(
        world.rollouts, notification=notification.name, brand=brand, sender=sender, state=result.state
    )
    if not matched or why_never(notification):
        return None
    bookings = {one.link.order for one in readers if one.link is not None}
    whose: list[str] = [*sorted(bookings)] or [contact.id]
    # Several travellers at one address share one message: it goes as soon as one of their bookings is in.
    return rollout.decide(matched, lambda seed: min(rollout.place_of(world.blind("rollout", seed, one)) for one in whose))
