"""Reads the templates of every sender from its channel: at start, and every hour. Webhooks keep them current in between."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from gateway.clock import Clock
from gateway.directory import Directory
from gateway.notifications.remote import TemplateAdmin, TemplateRefused
from gateway.store.senders import Senders

log = structlog.get_logger()


async def sync_templates(
    directory: Directory, admins: Mapping[str, TemplateAdmin], senders: Senders, clock: Clock
) -> int:
    """How many templates were read, over all senders. One account that refuses keeps what is known of it."""
    count = 0
    for sender in directory:
        admin = admins.get(sender.channel)
        if admin is None:
            continue
        try:
            found = await admin.list_templates(sender)
        except TemplateRefused as error:
            log.warning("templates.not_read", sender=sender.id, code=error.code)
            continue
        now = clock.now_ms()
        await senders.replace_templates(
            sender.id,
            {
                (one.name, one.language): {
                    "state": one.status,
                    "category": one.category,
                    "quality": one.quality,
                    "reason": one.rejected_reason,
                    "at": now,
                }
                for one in found
            },
        )
        count += len(found)
    return count
