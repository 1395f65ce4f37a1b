"""Why somebody writes, by their own words: the three likeliest reasons of `reasons.yaml`, each with how sure that is.

Until a model has learned from what agents chose, the operator's phrases are all there is, and they are read as what they are.
Where a message holds phrases of one reason only, that reason is taken as given (`SURE`): it may route. Where it holds phrases
of several ("my refund for the delayed train"), nobody knows which one they mean: the longer phrase is likelier, none is sure, and
all are merely proposed. Every language's phrases are tried, for people mix them.

At the desk the three are shown unselected, so that a tired agent does not just agree; and for one conversation in twenty not at
all, so that one can see what agents choose without them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.model.webcare import Reason
from gateway.rules.phrases import Phrase, Phrasebook, parse

SURE = 0.9
"""How sure a reason is whose phrases stand alone; what that is worth on the shipped lines is told in docs/reasons.md."""
LIKELY = 0.8
"""What several reasons share, by how much of the message each one explains."""
PROPOSALS = 3
HIDDEN_IN = 20
"""One conversation in so many is shown no proposals."""


@dataclass(frozen=True, slots=True)
class Guess:
    """reason: its code; p: how likely, 0..1"""

    reason: str
    p: float


class ReasonRules:
    def __init__(self, reasons: Iterable[Reason]) -> None:
        """Raises BadInput for a phrase that is not understood (listening.reasons checks them with their place in the file)."""
        self.reasons = tuple(reasons)
        self._order = {one.code: place for place, one in enumerate(self.reasons)}
        self._book = Phrasebook(_phrases(self.reasons))

    def guess(self, text: str) -> list[Guess]:
        """The likeliest reasons, at most three, the likeliest first; none where the message names none."""
        explained: dict[str, set[int]] = {}
        for hit in self._book.find(text):
            explained.setdefault(hit.phrase.kind, set()).update(range(hit.begin, hit.end))
        if len(explained) == 1:
            return [Guess(next(iter(explained)), SURE)]
        every = sum(len(words) for words in explained.values())
        ranked = sorted(explained.items(), key=lambda one: (-len(one[1]), self._order[one[0]]))
        return [Guess(code, round(LIKELY * len(words) / every, 2)) for code, words in ranked[:PROPOSALS]]

    def sure(self, text: str) -> str:
        """The reason that the message leaves no doubt of, "" where there is doubt."""
        best = self.guess(text)[:1]
        return best[0].reason if best and best[0].p >= SURE else ""


def _phrases(reasons: Sequence[Reason]) -> Iterable[Phrase]:
    return (parse(one.code, line) for one in reasons for lines in one.words.values() for line in lines)


def hides_proposals(conversation: str) -> bool:
    """Whether this conversation is one of the twentieth that shows none: the same answer for ever, from its id alone."""
    digest = hashlib.sha256(f"proposals:{conversation}".encode()).digest()
    return int.from_bytes(digest[:8]) % HIDDEN_IN == 0
