"""What each open tab was sent: numbered patches, kept for as long as it may come back and ask for what it missed.

A tab names itself with a random word and says the last number that it has. Where its log still holds everything after that
number, it is sent again, as it was; else it is told that its view is too old, and is sent a whole one. The log is a convenience
of one process: a tab that comes back to another, or too late, or that was too slow to be kept, loses a moment and nothing else.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

PATCHES_KEPT = 64
BYTES_KEPT = 256 * 1024
TABS_KEPT = 1_000
KEPT_S = 120.0
_NAME = re.compile(r"[\w-]{16,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sent:
    """A patch. text: as it goes over the line"""

    number: int
    text: str


@dataclass(slots=True)
class Tab:
    """One tab of one agent on one view. shown, lines: versions of its parts and of the lines of its thread.

    rights: by which its log was drawn: who has others now is not sent it again
    holder: grows with every connection; a loop that sees another number than its own lets go
    """

    agent: str
    conversation: str
    rights: tuple[str, ...] = ()
    shown: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    number: int = 0
    holder: int = 0
    used_s: float = 0.0
    log: deque[Sent] = field(default_factory=deque)
    _bytes: int = 0

    def add(self, text: Callable[[int], str]) -> Sent:
        """The next patch. text: what it says, by its number"""
        self.number += 1
        sent = Sent(self.number, text(self.number))
        self.log.append(sent)
        self._bytes += len(sent.text)
        while len(self.log) > PATCHES_KEPT or (self._bytes > BYTES_KEPT and len(self.log) > 1):
            self._bytes -= len(self.log.popleft().text)
        return sent

    def turn(self, rights: tuple[str, ...]) -> None:
        """Its agent has other rights: what was drawn before is sent nobody again."""
        if rights != self.rights:
            self.rights = rights
            self.log.clear()
            self._bytes = 0

    def after(self, number: int) -> Sequence[Sent] | None:
        """What was sent after a number; None where some of it is not kept any more, or the number is none of ours."""
        if number > self.number or number < self.number - len(self.log):
            return None
        return [one for one in self.log if one.number > number]


class Tabs:
    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._tabs: OrderedDict[str, Tab] = OrderedDict()
        self._now_s = now_s

    def attach(
        self, name: str, agent: str, conversation: str, last: int, shown: dict[str, str], rights: tuple[str, ...] = ()
    ) -> tuple[Tab, Sequence[Sent] | None]:
        """The tab of a connection, now this connection's, and what it missed; None = too old, a new one that shows `shown`.

        A name that is none of ours, or another agent's, gets a tab of its own.
        """
        self._sweep()
        found = self._tabs.get(name)
        if found is not None and (found.agent, found.conversation, found.rights) == (agent, conversation, rights):
            missed = found.after(last)
            if missed is not None:
                found.holder += 1
                self.touch(name, found)
                return found, missed
        fresh = Tab(agent, conversation, rights, dict(shown), holder=found.holder + 1 if found else 1)
        if _NAME.fullmatch(name) and (found is None or found.agent == agent):
            if found is not None:
                found.holder += 1
            self.touch(name, fresh)
        return fresh, None

    def touch(self, name: str, tab: Tab) -> None:
        """It is in use: the time for which it is kept begins anew."""
        tab.used_s = self._now_s()
        if _NAME.fullmatch(name):
            self._tabs[name] = tab
            self._tabs.move_to_end(name)

    def drop(self, name: str, tab: Tab) -> None:
        """It could not keep up: when it comes back it is sent everything."""
        if self._tabs.get(name) is tab:
            del self._tabs[name]

    def __len__(self) -> int:
        return len(self._tabs)

    def _sweep(self) -> None:
        oldest = self._now_s() - KEPT_S
        while self._tabs:
            name, tab = next(iter(self._tabs.items()))
            if tab.used_s > oldest and len(self._tabs) < TABS_KEPT:
                return
            del self._tabs[name]


def number_of(text: Any) -> int:
    """A number as a page says it; -1 for anything else."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 12 else -1
