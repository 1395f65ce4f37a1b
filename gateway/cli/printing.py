"""How commands show data: JSON for programs, columns for people. No colours, so NO_COLOR has nothing to take away."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateway import settings


def as_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def typed(words: str) -> str:
    """A command to type next, on the settings that this one was given: without them it would look into another store."""
    file = settings.file_given()
    return f"python main.py --env-file {shlex.quote(str(file))} {words}" if file else f"python main.py {words}"


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with two blanks between columns; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [list(head), *cells]) for place in range(len(head))]
    right = [bool(rows) and all(isinstance(row[place], int) for row in rows) for place in range(len(head))]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join(line(row) for row in [list(head), *cells])


def when(at_ms: int) -> str:
    """A time of this machine's zone; "-" for none."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S}" if at_ms else "-"


def iso(at_ms: int) -> str | None:
    """For programs, UTC; None for no time."""
    if not at_ms:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def counted(number: int, one: str, many: str = "") -> str:
    """3 messages, 1 message."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
