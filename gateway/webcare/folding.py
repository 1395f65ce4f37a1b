"""A flood as the page shows it: the first of its lines as always, those beyond in one line that unfolds (rules/flood.py).

Programs that read a conversation by the API are given every line: they have views of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from gateway.rules.flood import beyond
from gateway.webcare.lines import Line, Said


def folded(lines: Sequence[Line]) -> list[Line]:
    """The thread, each unbroken row of lines that are too many in one. Files stay: what was sent is to be seen."""
    theirs = [line for line in lines if line.kind == "in"]
    many = {line.id for line, too_many in zip(theirs, beyond([line.at_ms for line in theirs]), strict=True) if too_many}
    found: list[Line] = []
    for too_many, grouped in groupby(lines, key=lambda line: line.id in many):
        row = list(grouped)
        found += [_one(row)] if too_many else row
    return found


def _one(row: Sequence[Line]) -> Line:
    """Named by its first line: more of them change it and add none."""
    first = row[0]
    return replace(
        first,
        id=f"x-{first.id}",
        text="",
        form="text",
        label="",
        quote=None,
        key="",
        files=tuple(file for line in row for file in line.files),
        sent_files=tuple(name for line in row for name in line.sent_files),
        versions=(),
        edited_ms=None,
        quotable=False,
        hidden=(),
        folded=tuple(Said(line.text or line.label, line.at_ms) for line in row),
    )
