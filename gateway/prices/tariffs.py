"""The prices and budgets in force, read again when their files change: a budget is raised without starting anything anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.errors import SettingsError
from gateway.prices import read
from gateway.prices.budgets import Budget
from gateway.prices.model import Book

LOOK_S = 2.0

log = structlog.get_logger()

_Seen = tuple[tuple[str, int, int], ...]


class Tariffs:
    """folder: None = no prices and no budgets, for ever."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.book = Book()
        self.budgets: tuple[Budget, ...] = ()
        self._seen: _Seen = ()
        self._looked_s = 0.0

    @classmethod
    def open(cls, folder: Path) -> Tariffs:
        """Raises SettingsError with every problem of every file."""
        made = cls(folder)
        made._seen = made._look()
        made.book, made.budgets = read.load(folder)
        return made

    def _look(self) -> _Seen:
        found = []
        for path in read.files(self._folder) if self._folder is not None else []:
            try:
                at = path.stat()
            except OSError:  # taken away between two looks
                continue
            found.append((path.name, at.st_mtime_ns, at.st_size))
        return tuple(found)

    async def refresh(self, now_s: Callable[[], float] | None = None) -> bool:
        """Read again what has changed, at most every two seconds; whether anything did. A bad file is refused and logged."""
        if self._folder is None:
            return False
        at_s = (now_s or asyncio.get_running_loop().time)()
        if self._looked_s and at_s - self._looked_s < LOOK_S:
            return False
        self._looked_s = at_s
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self.book, self.budgets = await asyncio.to_thread(read.load, self._folder)
        except SettingsError as error:
            log.warning("prices.refused", problems=len(error.problems), first=error.problems[0], mend="python main.py cost check")
            return False
        log.info("prices.read", channels=len(self.book.channels), budgets=len(self.budgets))
        return True
