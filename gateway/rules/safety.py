"""Words that cannot wait: danger, somebody ill, who may harm themselves, who was left behind, a child alone.

Whoever writes them goes before everybody else, at any hour, and a person reads them. Missing one is the worst mistake of this
house; a harmless line taken for one costs somebody a look. So the lists of all languages are tried on every message, and a
message of several kinds counts as the gravest. A list is no judge: what it misses waits its turn, which is why nothing is ever
answered by it, only sooner read.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.model.webcare import Safety
from gateway.rules.phrases import Hit, Phrase, Phrasebook

GRAVEST = (Safety.MEDICAL, Safety.SELF_HARM, Safety.DANGER, Safety.MINOR_ALONE, Safety.LEFT_BEHIND)
"""Which of several kinds is named, where a message holds more than one."""


class SafetyWords:
    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._book = Phrasebook(phrases)

    def __len__(self) -> int:
        """How many lines the lists have."""
        return len(self._book.phrases)

    def find(self, text: str) -> Safety | None:
        """The gravest kind that a message speaks of, None where it speaks of none."""
        found = {hit.phrase.kind for hit in self.why(text)}
        return next((kind for kind in GRAVEST if kind.value in found), None)

    def why(self, text: str) -> list[Hit]:
        """Which lines of the lists it is by: for whoever keeps them."""
        return self._book.find(text)


NOTHING_LISTED = SafetyWords(())
"""For a house, or a test, that listens to nothing."""
