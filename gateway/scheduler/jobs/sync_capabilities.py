"""Asks each sender's channel what it allows: at start, and every hour. What sends show is noted by dispatch in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from gateway.connector import CapabilityProbe, Sender
from gateway.directory import Directory
from gateway.store.senders import Senders

log = structlog.get_logger()

ASK_S = 20.0
"""For one sender; longer than a call may take, and short enough that one silent channel does not eat the job's lease."""
AT_ONCE = 4


async def sync_capabilities(
    directory: Directory, probes: Mapping[str, CapabilityProbe], senders: Senders, *, ask_s: float = ASK_S
) -> int:
    """How many senders were asked. One whose channel is silent keeps what is known of it."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(sender: Sender, probe: CapabilityProbe) -> bool:
        async with room:
            try:
                async with asyncio.timeout(ask_s):
                    findings = await probe.ask(sender)
            except TimeoutError:
                log.warning("capabilities.not_read", sender=sender.id)
                return False
            await senders.keep_findings(sender.id, findings)
            return True

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(one(sender, probes[sender.channel]), name=f"ask {sender.id}")
            for sender in directory
            if sender.channel in probes
        ]
    return sum(task.result() for task in tasks)
