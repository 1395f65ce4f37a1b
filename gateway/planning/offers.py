"""What a pass or ticket of a journey offers below itself, kept beside its words: whose journey those at home would follow.

The button comes back with the message's own id: not every channel says which message a pressed button belongs to, and a contact
may get the passes of several travellers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.model.ids import MessageId
from gateway.planning.rebooked import led_back
from gateway.planning.result import Reader

OFFERED = "home_front"
BUTTON = "/family"


def for_body(readers: Sequence[Reader], message: MessageId, body: Mapping[str, Any]) -> dict[str, Any]:
    """Whose family the button makes; {} for a message without it, or about nobody's order."""
    link = readers[0].link if readers else None
    buttons = body.get("buttons") or []
    if link is None or not any((one.get("payload") or "").endswith(BUTTON) for one in buttons):
        return {}
    led = [led_back([one], message)[0] if (one.get("payload") or "").endswith(BUTTON) else one for one in buttons]
    return {OFFERED: {"order": link.order, "traveller": link.traveller}, "buttons": led}
