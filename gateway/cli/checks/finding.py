"""What a check says: one sentence on what it saw, one on the mend."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    """worth knowing; nothing to mend, or it could not be looked at because of another fault"""
    WARN = "warn"
    """works now, and will not for long or not for everybody"""
    FAIL = "fail"
    """something that should happen does not"""


@dataclass(frozen=True, slots=True)
class Finding:
    """check: its name, for --only; what: what is so; mend: what to do, "" where there is nothing to do.

    No secret and no person's number, id or name in it: findings are pasted into tickets.
    """

    level: Level
    check: str
    what: str
    mend: str = ""


class NotSeen(Exception):
    """A check cannot look because of a fault that another one tells. because: for people; see: that check's name."""

    def __init__(self, because: str, see: str) -> None:
        super().__init__(because)
        self.because = because
        self.see = see


def ok(check: str, what: str) -> list[Finding]:
    return [Finding(Level.OK, check, what)]


def note(check: str, what: str, mend: str = "") -> list[Finding]:
    return [Finding(Level.NOTE, check, what, mend)]


def warn(check: str, what: str, mend: str) -> list[Finding]:
    return [Finding(Level.WARN, check, what, mend)]


def fail(check: str, what: str, mend: str) -> list[Finding]:
    return [Finding(Level.FAIL, check, what, mend)]


def names(found: list[str], most: int = 6) -> str:
    """A list that fits on a line."""
    rest = len(found) - most
    return ", ".join(found[:most]) + (f" and {rest} more" if rest > 0 else "")


def span(ms: int) -> str:
    """A duration as people say it: 40 s, 12 min, 5 h, 3 days."""
    seconds = ms // 1000
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86_400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} days"
