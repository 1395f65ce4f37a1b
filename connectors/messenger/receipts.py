"""What arrived and what was read.

Source: Meta, webhook references of message_deliveries and message_reads. A watermark stands for everything until then; a
delivery may also name messages, and those are told at once by their ids.
"""

from __future__ import annotations

from connectors.messenger.item import Item
from connectors.meta.reading import Unreadable, maybe_listed, maybe_stamp_ms, maybe_text, obj
from gateway.connector import InboundEvent, ReceiptEvent, StatusEvent
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal


def delivery(item: Item) -> list[InboundEvent]:
    given = obj(item.body.get("delivery"), ".delivery")
    mids = [mid for value in maybe_listed(given.get("mids")) if (mid := maybe_text(value))]
    events: list[InboundEvent] = [
        StatusEvent(
            account_id=item.page,
            channel_id=Personal(mid),
            status=DeliveryStatus.DELIVERED,
            failed=False,
            at_ms=item.at_ms,
            identifiers=item.person(),
        )
        for mid in mids
    ]
    until_ms = maybe_stamp_ms(given.get("watermark"))
    if until_ms is not None:
        events.append(_receipt(item, DeliveryStatus.DELIVERED, until_ms))
    elif not events:
        raise Unreadable(".delivery", "neither mids nor a watermark")
    return events


def read(item: Item) -> ReceiptEvent:
    until_ms = maybe_stamp_ms(obj(item.body.get("read"), ".read").get("watermark"))
    if until_ms is None:
        raise Unreadable(".read.watermark", "not a time in seconds or milliseconds")
    return _receipt(item, DeliveryStatus.READ, until_ms)


def _receipt(item: Item, status: DeliveryStatus, until_ms: int) -> ReceiptEvent:
    key = item.key("receipt", str(int(status)), str(until_ms))
    return ReceiptEvent(item.page, item.person(), status, until_ms, item.at_ms, key)
