"""What somebody will want to know a moment later, read in a round trip that is made anyway.

It may be as old as the step that it was read beside: for a claim that is read after the claim in the same round trip, which is
when it would have been asked for anyway. An answer is given once; whoever asks again asks the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Command = tuple[str | bytes | int | float, ...]


class Ahead:
    """wanted: commands that only read. On a cluster those of another server are read at the same time, not behind.

    at_ms: when they were thought of. What is read is younger, by however long the way and the replicas take.
    """

    def __init__(self, wanted: Sequence[Command], at_ms: int = 0) -> None:
        self.at_ms = at_ms
        self.wanted: tuple[Command, ...] = tuple(dict.fromkeys(wanted))
        self._answers: dict[Command, Any] = {}

    def keep(self, answers: Sequence[Any]) -> None:
        """One answer for each that was wanted. They are not wanted any more."""
        self._answers = {
            command: answer
            for command, answer in zip(self.wanted, answers, strict=True)
            if not isinstance(answer, Exception)
        }
        self.wanted = ()

    def take(self, commands: Sequence[Command]) -> list[Any] | None:
        """The answers to these, if all of them are here."""
        if not commands or any(command not in self._answers for command in commands):
            return None
        found = [self._answers[command] for command in commands]
        for command in commands:
            self._answers.pop(command, None)
        return found
