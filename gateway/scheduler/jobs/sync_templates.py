"""Reads the templates of every sender from its channel: at start, and every hour. Webhooks keep them current in between.

A first reading that failed is tried each minute: until it succeeds the sender's messages wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from gateway.connector import Sender
from gateway.directory import Directory
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.drift import differing
from gateway.notifications.remote import TemplateAdmin, TemplateRefused
from gateway.store.senders import Senders

AT_ONCE = 8

log = structlog.get_logger()


async def sync_templates(
    directory: Directory, admins: Mapping[str, TemplateAdmin], senders: Senders, catalogue: Catalogue, *, unread: bool = False
) -> int:
    """How many templates were read, over all senders. One account that refuses keeps what is known of it, and one that does not
    answer keeps no other waiting.

    unread: only senders whose templates were never read: until then nothing goes out as a template

    What a webhook said after a list was asked for is newer than the list, and stays.
    """
    wanted = [(sender, admins[sender.channel]) for sender in directory if sender.channel in admins]
    if unread:
        wanted = [(sender, admin) for sender, admin in wanted if not await senders.synced_ms(sender.id)]
    at_once = asyncio.Semaphore(AT_ONCE)

    async def read(sender: Sender, admin: TemplateAdmin) -> int:
        async with at_once:
            return await _read(sender, admin, senders, catalogue)

    async with asyncio.TaskGroup() as group:
        readings = [group.create_task(read(sender, admin)) for sender, admin in wanted]
    return sum(one.result() for one in readings)


async def _read(sender: Sender, admin: TemplateAdmin, senders: Senders, catalogue: Catalogue) -> int:
    began_ms = await senders.store_ms()
    try:
        found = await admin.list_templates(sender)
    except TemplateRefused as error:
        log.warning("templates.not_read", sender=sender.id, code=error.code)
        return 0
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
    return len(found)
