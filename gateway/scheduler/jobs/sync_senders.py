"""Reads each sender's quality and tier from its channel: at start, and every hour. Webhooks keep them current in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from gateway.connector import Sender
from gateway.directory import Directory
from gateway.model.account import NumberReport, Refused
from gateway.store.senders import Senders

log = structlog.get_logger()


async def sync_senders(
    directory: Directory, number_of: Callable[[Sender], Awaitable[NumberReport | Refused]], senders: Senders
) -> int:
    """How many senders were read. One that refuses keeps what is known of it."""
    count = 0
    for sender in directory:
        if "phone_number_id" not in sender.account:
            continue
        report = await number_of(sender)
        if isinstance(report, Refused):
            log.warning("sender.not_read", sender=sender.id)
            continue
        values: dict[str, str | int] = {"quality": report.quality}
        if report.tier is not None:
            values["tier"] = report.tier
        await senders.set_state(sender.id, values)
        count += 1
    return count
