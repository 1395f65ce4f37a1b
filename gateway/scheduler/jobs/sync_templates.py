"""Reads the templates of every sender from its channel: at start, and every hour. Webhooks keep them current in between.

A first reading that failed is tried each minute: until it succeeds the sender's messages wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from gateway.directory import Directory
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.drift import differing
from gateway.notifications.remote import TemplateAdmin, TemplateRefused
from gateway.store.senders import Senders

log = structlog.get_logger()


async def sync_templates(
    directory: Directory, admins: Mapping[str, TemplateAdmin], senders: Senders, catalogue: Catalogue, *, unread: bool = False
) -> int:
    """How many templates were read, over all senders. One account that refuses keeps what is known of it.

    unread: only senders whose templates were never read: until then nothing goes out as a template

    What a webhook said after a list was asked for is newer than the list, and stays.
    """
    count = 0
    for sender in directory:
        admin = admins.get(sender.channel)
        if admin is None or (unread and await senders.synced_ms(sender.id)):
            continue
        began_ms = await senders.store_ms()
        try:
            found = await admin.list_templates(sender)
        except TemplateRefused as error:
            log.warning("templates.not_read", sender=sender.id, code=error.code)
            continue
        ours = differing(catalogue, found, admin, sender.brand)
        await senders.replace_templates(
            sender.id,
            {
                (one.name, one.language): {
                    "state": one.status,
                    "category": one.category,
                    "quality": one.quality,
                    "reason": one.rejected_reason,
                    "edited": "1" if (one.name, one.language) in ours else "",
                    "becomes": one.becomes,
                }
                for one in found
            },
            since_ms=began_ms,
        )
        count += len(found)
    return count
