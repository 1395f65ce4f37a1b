"""What a message about an appointment asks, kept beside its words: the answer to it is about the window that it showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.ids import MessageId
from gateway.notifications.model import Notification
from gateway.planning.rebooked import led_back
from gateway.planning.result import EventResult

ASKS = "appointment"


def for_body(notification: Notification, result: EventResult, message: MessageId, body: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer needs to know of the message that it answers; {} for a message that asks nothing of this kind."""
    if notification.asks != ASKS:
        return {}
    asked = {"subject": result.subject, "window": dict(result.state.get("window") or {})}
    return {ASKS: asked, "buttons": led_back(body["buttons"], message)}
