"""The webcare role: people answering people.

What flows through: a person's words arrive in a conversation (store.conversations.add_inbound, from the webhooks role); an agent
takes it at the desk, reads which message of ours is answered, and replies; the reply is a message in the same outbox as all else.

What may fail: somebody else was faster (a refusal that says who and when; the words stay in the draft), the service window closed
(refused, kept), the store is away (nothing was done), nobody knows whether a reply arrived (its agent is asked, it is never
resent alone). What is promised: one owner at a time; an agent's words are never lost and never sent twice.

Where the plan says `push`, the router gives conversations to whoever is here (router.py, with presence.py and told.py beside it).

`run` keeps open pages and the desk's lists up to date. `add_console_routes` and `add_api_routes` bring the routes.
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.rules.queueing import queues_of
from gateway.webcare import lookout
from gateway.webcare.api import add_api_routes
from gateway.webcare.console import add_console_routes
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.fetch import run_fetching
from gateway.webcare.live import being_cancelled

__all__ = ["WebcareDeps", "add_api_routes", "add_console_routes", "run"]

REPAIR_S = 1.0
EVERYTHING_EVERY = 60
"""Each so many repairs look at every unresolved conversation, also for what time alone does."""
RECOUNT_AT, RECOUNT_EVERY = 30, 3600
"""Each so many repairs the slots are counted again; the first time soon after the start, when a store may have come back."""
REPAIR_TIMEOUT_S = 30.0


async def run(deps: WebcareDeps) -> None:
    """Until cancelled: tell open pages what changed, and mend what a crash kept from the desk's lists."""
    async with asyncio.TaskGroup() as group:
        group.create_task(deps.live.run(deps.conversations.desk), name="desk.feed")
        group.create_task(_repair(deps), name="desk.repair")
        group.create_task(_fates(deps), name="desk.fates")
        if deps.fetching is not None:
            group.create_task(run_fetching(deps.fetching), name="desk.media")
        if deps.receipts is not None:
            group.create_task(deps.receipts.run(), name="desk.receipts")
        group.create_task(lookout.run(deps), name="desk.sessions")
        if deps.router is not None:
            group.create_task(deps.router.run(), name="desk.router")


async def _repair(deps: WebcareDeps) -> None:
    turn = 0
    while not being_cancelled():
        try:
            async with asyncio.timeout(REPAIR_TIMEOUT_S):
                told = await deps.conversations.repair(everything=turn % EVERYTHING_EVERY == 0)
                moved = sum([await deps.move_first(queue) for queue in queues_of(deps.plan)])
            if turn % RECOUNT_EVERY == RECOUNT_AT:
                await _recount(deps)
            if moved:
                structlog.get_logger().info("desk.moved_first", conversations=moved)
            if told:
                structlog.get_logger().info("desk.repaired", conversations=told, everything=turn % EVERYTHING_EVERY == 0)
            turn += 1
        except Exception as error:  # the top of a loop
            structlog.get_logger().warning("desk.repair_failed", error=type(error).__name__)
        await asyncio.sleep(REPAIR_S)


async def _recount(deps: WebcareDeps) -> None:
    """Slots agree with what is live; where they did not, somebody hears of it."""
    async with asyncio.timeout(REPAIR_TIMEOUT_S):
        mended = await deps.conversations.recount()
    if mended:
        deps.slots_mended(sum(mended.values()))
        structlog.get_logger().warning("desk.slots_mended", agents=sorted(mended), slots=sum(mended.values()))


async def _fates(deps: WebcareDeps) -> None:
    """Each second: which replies did not arrive. Their conversations say so to who has them, or had them last."""
    fates = deps.conversations.fates
    while not being_cancelled():
        try:
            async with asyncio.timeout(REPAIR_TIMEOUT_S):
                for conversation in await fates.look():
                    await deps.conversations.desk.touched(conversation)
        except Exception as error:  # the top of a loop
            structlog.get_logger().warning("desk.fates_failed", error=type(error).__name__)
        await asyncio.sleep(REPAIR_S)
