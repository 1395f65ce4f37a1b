"""What the fold says of each fact to the log and to the counters. The hot path writes neither."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

from gateway.insight.kinds import line_of, name_of
from gateway.insight.unreached import ENDS, reason_of
from gateway.metrics import Metrics
from gateway.rules.verdict import Reason
from gateway.store.facts import Fact

_ID_FIELDS = {
    "m": "message_id",
    "c": "contact_id",
    "j": "subject_id",
    "e": "event_id",
    "v": "conversation_id",
    "a": "address_id",
    "d": "page_id",
}
_DETAIL_FIELDS = {
    "nt": "notification",
    "pu": "purpose",
    "s": "sender",
    "p": "priority",
    "dl": "deadline_ms",
    "due": "due_ms",
    "n": "sequence",
    "by": "by",
    "ch": "channel",
    "b": "brand",
    "mk": "country",
    "cat": "category",
    "cur": "currency",
    "ex": "expected_millionths",
}
_WAITS = frozenset({"retry", "held", "later"})
_PLAIN = re.compile(r"[a-z][a-z_]*")
_REMEMBERED = 50_000
_REASONS = frozenset(reason.value for reason in Reason)


def fields_of(fact: Fact) -> tuple[str, dict[str, Any]]:
    """(event, fields) of a fact's log line."""
    line, role = line_of(fact)
    fields: dict[str, Any] = {"role": role} if role else {}
    fields["partition"] = fact.partition
    for one in fact.ids:
        fields.setdefault(_ID_FIELDS.get(one[:1], "id"), one)
    more = []
    for key, value in fact.detail.items():
        name = _DETAIL_FIELDS.get(key, key)
        if key == "at":
            name = "again_at_ms" if fact.kind in _WAITS else "channel_at_ms"
        if _PLAIN.fullmatch(name) and name not in fields and name not in ("event", "level", "timestamp"):
            fields[name] = int(value) if value.isascii() and value.isdigit() and len(value) < 16 else value
        else:
            more.append(f"{key}={value}")
    if more:
        fields["detail"] = " ".join(more)
    fields["at_ms"] = fact.at_ms
    return line, fields


class Counting:
    """Counts facts. Times between two facts of a message are taken from the last 50,000 messages seen here."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._due: OrderedDict[str, int] = OrderedDict()
        self._accepted: OrderedDict[str, int] = OrderedDict()

    def count(self, fact: Fact) -> None:
        metrics, message = self._metrics, fact.id_of("m")
        metrics.facts.labels(name_of(fact) or "other").inc()
        match fact.kind:
            case "enqueued":
                notification = fact.detail.get("nt", "") or "none"
                metrics.planned.labels(metrics.bounded("notification", notification)).inc()
                due = fact.detail.get("due", "")
                _remember(self._due, message, int(due) if due.isdigit() else fact.at_ms)
                if fact.detail.get("why") == "settling":
                    metrics.settling.inc()
            case "accepted":
                _observe(metrics.to_accepted, self._due.pop(message, None), fact.at_ms)
                _remember(self._accepted, message, fact.at_ms)
            case "delivered":
                _observe(metrics.to_delivered, self._accepted.pop(message, None), fact.at_ms)
            case "unreached":
                metrics.unreached.labels(_reason(fact)).inc()
            case "family_left":
                metrics.family_left.labels(metrics.bounded("family_left", fact.detail.get("why", "") or "none")).inc()
            case "family_asked":
                metrics.family_asked.labels(metrics.bounded("family_asked", fact.detail.get("by", "") or "none")).inc()
            case "gap":
                metrics.gaps.inc()
            case kind if kind in ENDS or kind in ("replaced", "ended"):
                metrics.ended.labels(kind, _reason(fact)).inc()
                self._due.pop(message, None)


def _reason(fact: Fact) -> str:
    reason = reason_of(fact) or fact.kind
    return reason if reason in _REASONS else "other"


def _remember(times: OrderedDict[str, int], message: str, at_ms: int) -> None:
    times[message] = at_ms
    while len(times) > _REMEMBERED:
        times.popitem(last=False)


def _observe(histogram: Any, since_ms: int | None, at_ms: int) -> None:
    if since_ms is not None:
        histogram.observe(max(at_ms - since_ms, 0) / 1000)
