"""Whether somebody complains: for certain ("I want to file a complaint", a lawyer, an ombudsman), or perhaps.

A complaint is a mark with a due date, somebody who answers for it and a queue of its own; while it is open nobody is asked how
they liked us and nobody is offered anything. So the mark is set by itself only where the words leave no doubt. Where they are
merely angry the desk proposes it, and the agent decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gateway.rules.phrases import Phrase, Phrasebook


class Complaint(StrEnum):
    CERTAIN = "certain"
    PROPOSED = "proposed"


class ComplaintWords:
    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._book = Phrasebook(phrases)

    def __len__(self) -> int:
        """How many lines the lists have."""
        return len(self._book.phrases)

    def find(self, text: str) -> Complaint | None:
        """Certain before proposed; None where the message does not complain."""
        found = {hit.phrase.kind for hit in self._book.find(text)}
        return next((one for one in Complaint if one.value in found), None)
