"""What people say, as lists that the operator keeps: words that cannot wait, complaints, reasons. Read here, checked here.

The lists lie at the top level (`safety/`, `reasons.yaml`) because whoever answers people knows best how they write, and seldom
writes Python. They are read once, when a process starts: a mistake in one is named with its line and stops the start, for a
list that is half understood would be trusted all the same. What a message means by them is decided in `rules/` (phrases, safety,
complaints, reasons, language): pure, and fast enough to be asked of every message.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.errors import BadInput, Problem
from gateway.listening import complaints, reasons, safety
from gateway.model.webcare import Reason
from gateway.rules.complaints import ComplaintWords
from gateway.rules.listening import Listener
from gateway.rules.reasons import ReasonRules
from gateway.rules.safety import SafetyWords


@dataclass(frozen=True, slots=True)
class WordLists:
    """All lists of a house, understood. reasons: groups and reasons, as they stand in the file"""

    safety: SafetyWords
    complaints: ComplaintWords
    reasons: tuple[Reason, ...]

    @classmethod
    def load(cls, folder: Path | None = None) -> WordLists:
        """folder: the operator's own `safety/`, `complaints/` and `reasons.yaml`; what is not in it comes with the program.

        raises: BadInput naming each line of each list that is not understood
        """
        problems: list[Problem] = []
        words, complaining, why = None, None, None
        try:
            words = safety.load(_own(folder, safety.FOLDER))
        except BadInput as error:
            problems += error.problems
        try:
            complaining = complaints.load(_own(folder, complaints.FOLDER))
        except BadInput as error:
            problems += error.problems
        try:
            why = reasons.load(_own(folder, reasons.FILE))
        except BadInput as error:
            problems += error.problems
        if words is None or complaining is None or why is None:
            raise BadInput(problems)
        return cls(words, complaining, why)

    def listener(self) -> Listener:
        return Listener(self.safety, self.complaints, ReasonRules(self.reasons))


def _own(folder: Path | None, shipped: Path) -> Path:
    own = folder / shipped.name if folder is not None else shipped
    return own if own.exists() else shipped
