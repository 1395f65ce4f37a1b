"""Copies what was resolved from the store to the history, and again where it changed since.

It walks the desk's list of what was resolved, from an hour before the time at which it last came to the end (a crash may have
kept something from the list for a while), and once a day all that the list still holds, which is eight days. A conversation
whose revision and last line are known is not read again. Whoever is being erased is left out; one whose erasure began
meanwhile is taken out again before anything else is done, so that nothing of them stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clock import Clock
from gateway.insight.closed import Closed
from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId
from gateway.store.conversation_records import Records

PAGE = 200
OVERLAP_MS = 3600_000
DAY_MS = 24 * 3600_000
MARK, WHOLE = "closed", "closed.whole"


async def keep_closed(records: Records, closed: Closed, clock: Clock) -> int:
    """Bring the history up to date; how many conversations were copied. Repeatable, also beside itself."""
    now = clock.now_ms()
    whole = now - await closed.mark(WHOLE) >= DAY_MS
    since = 0 if whole else await closed.mark(MARK) - OVERLAP_MS
    copied, skip = 0, 0
    while True:
        page = [one for one, _ in await records.resolved(max(since, 0), limit=PAGE, skip=skip)]
        copied += await _copy(page, records, closed)
        if len(page) < PAGE:
            break
        skip += PAGE
    await closed.set_mark(MARK, now)
    if whole:
        await closed.set_mark(WHOLE, now)
    return copied


async def _copy(page: Sequence[ConversationId], records: Records, closed: Closed) -> int:
    known, present = await closed.known(page), await records.revisions(page)
    changed = [
        one for one, now in zip(page, present, strict=True) if now[0] and known.get(one) != now
    ]
    if not changed:
        return 0
    read = {one: record for one, record in zip(changed, await records.read(changed), strict=True) if record is not None}
    states: dict[ConversationId, Conversation] = {one: record.conversation(one) for one, record in read.items()}
    contacts = sorted({state.contact for state in states.values()})
    erased = await records.gone(contacts)
    kept = await closed.keep(
        {one: record for one, record in read.items() if states[one].resolved and states[one].contact not in erased}
    )
    for contact in await records.gone(contacts):
        await closed.erase(contact)
    return kept
