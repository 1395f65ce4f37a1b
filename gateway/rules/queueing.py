"""Which queue a conversation belongs in, by the table of its brand: the first row that matches decides, else the general queue.

A row matches by what is known: the message that they answer, their language, whether it is a complaint, and the reason, where
that is nearly sure. What is only likely sends nobody anywhere: it is shown to whoever reads it. Who stands in a queue stays
there, but for a complaint: what is known as one later waits in the complaints' queue from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

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
    meant = _meant(known, reasons)
    return next((row.queue for row in plan.routes if _matches(row, known, meant)), GENERAL)


def complaints_of(plan: BrandPlan, known: Known, reasons: Iterable[Reason] = ()) -> str:
    """The queue in which it waits because it is a complaint; "" where the table has none for it, or something else decides."""
    known = replace(known, complaint=True)
    row = next((row for row in plan.routes if _matches(row, known, _meant(known, reasons))), None)
    return row.queue if row is not None and row.complaint else ""


def _meant(known: Known, reasons: Iterable[Reason]) -> set[str]:
    """The reasons that are nearly sure, with the groups that they belong to."""
    sure = [code for code, p in known.reasons.items() if p >= SURE]
    groups = {one.code: one.parent for one in reasons}
    return {*sure, *(groups[code] for code in sure if code in groups)}


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
