"""A pass that waited for its person (a proof, a window, an address), planned once more: it says what its flight is doing by then.

They may have heard of another gate or time meanwhile, for such news names nobody and needs no proof. A pass that came behind it
with the gate of before would be the last word on their phone. Words, picture and "as of" are of one moment: that of this look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.documents.paper import Paper
from gateway.documents.wallet_now import paper_now
from gateway.model.event import EventType
from gateway.notifications.places import Places
from gateway.planning.result import EventResult
from gateway.rules.changes import facts, state_of
from gateway.store.subjects import Subjects

Document = Mapping[str, Any]


async def renewed(
    result: EventResult, document: Document | None, subjects: Subjects, places: Places, now_ms: int
) -> tuple[EventResult, Document | None]:
    """The result of a pass's event and its document as of now; those of everything else as they were. Raises StoreUnavailable."""
    if result.type is not EventType.FLIGHT_BOARDINGPASS:
        return result, document
    memory = (await subjects.read(result.subject, EventType.FLIGHT_STATUS.value)).memory
    state = state_of(memory)
    now = replace(result, state=state, facts=facts(result.type, memory))
    if document is None or not document.get("paper"):
        return now, document
    paper = paper_now(Paper.load(document["paper"]), [state], places=places, now_ms=now_ms)
    # None: it does not go, and what ends a pass ends this one.
    return now, {**document, "paper": paper.dump()} if paper is not None else document
