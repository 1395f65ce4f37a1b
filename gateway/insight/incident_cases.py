"""Facts about messages, made into cases: what each said, when we knew it, when the channel took it, how it ended.

Taken in the order of time, any number of times the same. Lateness is what people felt: from the moment at which we knew (the
event was kept, or later: they subscribed, agreed or proved who they are, or the night or schedule that it waited for was over)
until the channel took it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.insight.unreached import reason_of
from gateway.store.facts import Fact

TOLD = frozenset({"accepted", "sent", "delivered", "read", "played"})
OVER = frozenset({"suppressed", "expired", "dead", "failed", "replaced", "ended"})
HELD = frozenset({"held", "later", "retry"})
ON_PURPOSE = frozenset({"night", "schedule"})
OWN = frozenset({"subscribed", "consent", "proof"})
KINDS = (
    "enqueued", *sorted(TOLD), *sorted(OVER), *sorted(HELD), *sorted(OWN), "uncertain", "double", "unreached", "event", "gap",
)  # fmt: skip


@dataclass(slots=True)
class Case:
    """One message. Times in ms, 0 for never. knew_ms: from when on lateness counts. over: how it ended, "" while it did not."""

    message: str
    contact: str = ""
    event: str = ""
    notification: str = ""
    sender: str = ""
    planned_ms: int = 0
    due_ms: int = 0
    knew_ms: int = 0
    accepted_ms: int = 0
    delivered_ms: int = 0
    over: str = ""
    over_ms: int = 0
    reason: str = ""
    held: bool = False
    stopped: bool = False
    uncertain: bool = False
    doubled: bool = False
    unreached: bool = False

    @property
    def outcome(self) -> str:
        """told, waiting, or how it ended."""
        return self.over or ("told" if self.accepted_ms else "waiting")

    @property
    def late_ms(self) -> int | None:
        """None for a message that the channel did not take."""
        return max(self.accepted_ms - self.knew_ms, 0) if self.accepted_ms and self.knew_ms else None

    def touches(self, since_ms: int, until_ms: int) -> bool:
        return any(since_ms <= at < until_ms for at in (self.planned_ms, self.due_ms, self.accepted_ms, self.over_ms))


class Tally:
    """Facts, in the order of time, made into cases."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.kept: dict[str, int] = {}
        self.gaps: list[int] = []
        self._own: dict[str, list[int]] = {}

    def take(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if fact.kind in ("event", "gap") or fact.kind in OWN:
                self.note([fact])
            elif fact.id_of("m"):
                self._message(fact)

    def note(self, facts: Iterable[Fact]) -> None:
        """What is about no message: when an event was kept, when somebody agreed."""
        for fact in facts:
            if fact.kind == "event":
                self.kept.setdefault(fact.id_of("e"), fact.at_ms)
            elif fact.kind == "gap":
                self.gaps.append(fact.at_ms)
            elif fact.id_of("c"):
                self._own.setdefault(fact.id_of("c"), []).append(fact.at_ms)

    def begin(self, facts: Iterable[Fact]) -> None:
        """Earlier facts of messages that are known: only how they began."""
        for fact in facts:
            case = self.cases.get(fact.id_of("m"))
            if case is not None and not case.notification and fact.kind in ("enqueued", "suppressed"):
                self._planned(case, fact)

    def _case(self, fact: Fact) -> Case:
        case = self.cases.setdefault(fact.id_of("m"), Case(fact.id_of("m")))
        case.contact = case.contact or fact.id_of("c")
        case.event = case.event or fact.id_of("e")
        return case

    @staticmethod
    def _planned(case: Case, fact: Fact) -> None:
        case.notification = fact.detail.get("nt", "") or case.notification
        case.sender = fact.detail.get("s", "") or case.sender
        case.planned_ms = case.planned_ms or fact.at_ms
        due = number(fact.detail.get("due", ""))
        case.due_ms = case.due_ms or (due if fact.detail.get("why", "") in ON_PURPOSE else 0) or fact.at_ms

    def _message(self, fact: Fact) -> None:
        case, kind = self._case(fact), fact.kind
        if kind == "enqueued":
            self._planned(case, fact)
            case.over, case.reason, case.over_ms = "", "", 0  # replayed: it has not ended after all
        elif kind in TOLD:
            case.accepted_ms = case.accepted_ms or fact.at_ms
            if kind in ("delivered", "read", "played"):
                case.delivered_ms = case.delivered_ms or fact.at_ms
            case.sender = case.sender or fact.detail.get("s", "")
            if case.over != "failed":
                case.over, case.reason, case.over_ms = "", "", 0
        elif kind in HELD:
            why = fact.detail.get("why", "")
            case.held = case.held or why not in ON_PURPOSE
            case.stopped = case.stopped or why == "stopped"
            if why in ON_PURPOSE:
                case.due_ms = max(case.due_ms, number(fact.detail.get("at", "")))
        elif kind in OVER:
            if not case.planned_ms:
                self._planned(case, fact)
            case.over, case.reason, case.over_ms = kind, reason_of(fact) or kind, fact.at_ms
            case.stopped = case.stopped or case.reason == "stopped"
        else:
            case.uncertain |= kind == "uncertain"
            case.doubled |= kind == "double"
            case.unreached |= kind == "unreached"

    def settle(self) -> None:
        """When we knew what each message says, now that everything was read."""
        for case in self.cases.values():
            known = min(self.kept.get(case.event, case.planned_ms), case.planned_ms or math.inf)
            own = [at for at in self._own.get(case.contact, ()) if known < at <= case.planned_ms]
            purpose = case.due_ms if case.due_ms > case.planned_ms else 0
            case.knew_ms = int(max(known, max(own, default=0), purpose)) if case.planned_ms else 0


def number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
