"""Webcare measured: the folded facts of conversations as steps for rules/measures.py, for the API and the report.

Read from some days before the time that is asked for, as what was resolved then may have begun before, and to three days after
it, as it may have been opened again. Only kinds, times and ids of ours are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from gateway.insight.tables import facts_table as facts
from gateway.rules.measures import REOPEN_MS, T_MS, Hours, Key, Measures, Step, always, measure

BEFORE_MS = 8 * 24 * 3600_000
LONGEST_MS = 35 * 24 * 3600_000
"""Of a time that can be asked for at once."""
_KINDS = ("opened", "queued", "reopened", "inbound", "replied", "outside", "transferred", "resolved")
_PLACES = frozenset({"opened", "enters", "reopened"})
"""Steps that begin a wait, which counts where it began; of others the queue that they name is where it went."""
_OURS = frozenset({"inbox", "person"})
"""Who outside the desk is one of our people."""


def read(
    connection: Connection, *, since_ms: int, until_ms: int, now_ms: int, t_ms: int = T_MS, hours: Hours = always
) -> dict[Key, Measures]:
    """Per brand, queue and half hour of [since, until). `History.database.count` is to run it: it reads much.

    hours: when the queues are open (`DeskPlan.calendar`): waits run no longer than that
    """
    query = (
        sql.select(facts.c.kind, facts.c.ids, facts.c.at_ms, facts.c.detail)
        .where(facts.c.kind.in_(_KINDS), facts.c.at_ms >= since_ms - BEFORE_MS, facts.c.at_ms < until_ms + REOPEN_MS)
        .order_by(facts.c.at_ms, facts.c.partition, facts.c.stream_id)
    )
    steps = steps_of(connection.execute(query))
    return measure(steps, since_ms=since_ms, until_ms=until_ms, now_ms=now_ms, t_ms=t_ms, hours=hours)


def steps_of(rows: Iterable[Any]) -> Iterator[Step]:
    """Pure: what these facts, in their order, mean for the measures."""
    for row in rows:
        conversation = next((one for one in row.ids.split() if one.startswith("v")), "")
        kind = _kind(row.kind, row.detail)
        if not conversation or not kind:
            continue
        wait = row.detail.get("wait", "")
        yield Step(
            at_ms=row.at_ms,
            conversation=conversation,
            kind=kind,
            brand=row.detail.get("brand", "") if kind in _PLACES else "",
            queue=row.detail.get("q", "") if kind in _PLACES else "",
            wait_ms=int(wait) if wait.isascii() and wait.isdigit() else None,
            by=row.detail.get("by", ""),
        )


def _kind(kind: str, detail: Any) -> str:
    if kind == "opened":
        return "enters" if detail.get("st") == "queued" else "opened"
    if kind == "outside":
        return "replied" if detail.get("by") in _OURS else ""
    if kind == "reopened" and detail.get("st", "queued") not in ("queued", "active"):
        return ""
    return {"queued": "enters", "inbound": "wrote"}.get(kind, kind)
