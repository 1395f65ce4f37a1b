"""What a cancellation comes to for one reader: which other flight or train is theirs, and what their answer would be about.

Notifications see it as `rebooking`: the offer that is meant for the reader's order, with `offer` "" where there is none. A
notification of `item: rebooking` is told once an offer: its message is named by the offer and not by the event that brought it,
so that an event that repeats an offer, or brings one for other bookings, tells nobody twice. Whoever reads for two orders with
two offers gets both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.model.ids import MessageId
from gateway.notifications.model import Notification
from gateway.planning import connecting
from gateway.planning.result import EventResult, Reader
from gateway.rules import rebooking

ITEM = "rebooking"
OF_A_STATE = (ITEM, connecting.ITEM)
"""Items that a subject's state gives its readers: who comes later is told of them too."""


def of_reader(result: EventResult, reader: Reader) -> Mapping[str, Any]:
    """`rebooking` as expressions see it."""
    order = reader.link.order if reader.link else ""
    return rebooking.shown(result.state, result.facts.get("offers") or {}, order)


def groups(notification: Notification, result: EventResult, readers: Sequence[Reader]) -> list[Sequence[Reader]]:
    """Readers who are told the same: all of them, or those of one offer, or of one connection."""
    if notification.item not in OF_A_STATE:
        return [readers]
    found: dict[str, list[Reader]] = {}
    for one in readers:
        if notification.item == connecting.ITEM:
            for about in one.connections:
                found.setdefault(str(about["id"]), []).append(replace(one, connection=about))
        else:
            found.setdefault(str(of_reader(result, one).get("id", "")), []).append(one)
    return list(found.values())


def item_of(result: EventResult, reader: Reader) -> tuple[str, str]:
    """(what stands for the event in the message's id, the item) of an `item: rebooking`."""
    offer = of_reader(result, reader)["id"]
    order = reader.link.order if reader.link else ""
    return f"offer:{result.subject}:{offer}", order[:16]


def for_body(
    notification: Notification, result: EventResult, readers: Sequence[Reader], message: MessageId, body: Mapping[str, Any]
) -> dict[str, Any]:
    """What an answer needs to know of the message that it answers; {} for a message that asks nothing of this kind.

    Its buttons come back with the message's own id: not every channel says which message a pressed button belongs to.
    """
    orders = list(dict.fromkeys(one.link.order for one in readers if one.link))
    if notification.asks != ITEM or not orders:
        return {}
    offer = of_reader(result, readers[0])["id"]
    asks = {"subject": result.subject, "type": result.type.value, "orders": orders, "offer": offer}
    return {"asks": asks, "buttons": led_back(body["buttons"], message)}


def led_back(buttons: Sequence[Mapping[str, Any]], message: str) -> list[dict[str, Any]]:
    """The same buttons, each coming back with the id of the message that it stood under, or with what else it has to bring."""
    return [
        {**button, "payload": f"{button['payload']}/{message}"} if button["payload"] else dict(button) for button in buttons
    ]
