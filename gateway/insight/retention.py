"""What is kept for how long, and taken away afterwards: what was said, what is plain about it, in the history and in the store.

Said: the lines of closed conversations and the words that find them, and what other programs told in words (`text_days`).
Plain: which conversation there was, with whom, about what (`fact_months`, as the facts). Files have their own time
(store/media.py), facts and audit are dropped by the fold. The store drops a closed conversation whole after 90 days; where texts
are to go earlier, they go from it too, in the order of their closing, and a mark says how far that came: whatever dies, the next
round goes on there.
"""

from __future__ import annotations

from gateway.clock import Clock
from gateway.insight.closed import Closed
from gateway.store.conversation_records import Records

DAY_MS = 24 * 3600_000
MONTH_MS = 2_629_746_000
"""A twelfth of a mean year."""
STORE_DAYS = 90
"""So long the store keeps a closed conversation by itself (conversation_upkeep.KEEP_RESOLVED_MS)."""
MARK = "texts"
PAGE = 500
STEPS = 400
"""Of the history's rows in one round, each a transaction of its own: the rest waits an hour."""


async def forget_old(records: Records, closed: Closed, clock: Clock, *, text_days: int, fact_months: int) -> int:
    """One round; how many rows went. Repeatable."""
    now = clock.now_ms()
    texts, headers = now - text_days * DAY_MS, now - fact_months * MONTH_MS
    if text_days < STORE_DAYS:
        await _from_the_store(records, closed, texts)
    gone = 0
    for _ in range(STEPS):
        some = await closed.forget(texts_before_ms=texts, headers_before_ms=headers)
        gone += some
        if not some:
            break
    return gone


async def _from_the_store(records: Records, closed: Closed, before_ms: int) -> None:
    while True:
        page = await closed.resolved(since_ms=await closed.mark(MARK), before_ms=before_ms, limit=PAGE)
        await records.drop_lines([one for one, _ in page])
        if page:
            await closed.set_mark(MARK, page[-1][1])
        if len(page) < PAGE:
            return
