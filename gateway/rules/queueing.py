"""Which queue a conversation belongs in, by the table of its brand: the first row that matches decides, else the general queue.

A row matches by what is known: the message that they answer, their language, whether it is a complaint, and the reason, where
that is nearly sure. What is only likely sends nobody anywhere: it is shown to whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model.webcare import BrandPlan, DeskPlan, Reason, Route
from gateway.rules.routing import GENERAL, QUEUES

SURE = 0.9
"""As likely as this a reason must be to decide about a queue."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a conversation when it is queued. reasons: code -> how likely; what a rule of words found counts as sure.

    notification: the one that they answer, by name
    """

    notification: str | None = None
    language: str = ""
    complaint: bool = False
    reasons: Mapping[str, float] = field(default_factory=dict)


def queue_of(plan: BrandPlan, known: Known, reasons: Iterable[Reason] = (), *, first: str | None = None) -> str:
    """The queue, by name.

    first:   the queue of a crisis that is about this person, or AHEAD: it goes before every row
    reasons: all reasons there are; a row that names a group of them matches each
    """
    if first:
        return first
    sure = [code for code, p in known.reasons.items() if p >= SURE]
    groups = {one.code: one.parent for one in reasons}
    meant = {*sure, *(groups[code] for code in sure if code in groups)}
    return next((row.queue for row in plan.routes if _matches(row, known, meant)), GENERAL)


def _matches(row: Route, known: Known, meant: set[str]) -> bool:
    return (
        row.notification in (None, known.notification)
        and (row.language is None or row.language == known.language)
        and (row.reason is None or row.reason in meant)
        and row.complaint in (None, known.complaint)
    )


def queues_of(plan: DeskPlan) -> tuple[str, ...]:
    """The names of all queues that there always are, each once; the one that everybody has comes last."""
    named = [queue.name for brand in plan.brands.values() for queue in brand.queues]
    return tuple(dict.fromkeys([*(one for one in named if one not in QUEUES), *QUEUES]))
