"""What people agreed to: consent wordings by id, each the very text that stood at the box they ticked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """since: the day it was first shown, ISO 8601"""

    id: str
    purpose: str
    language: str
    since: str
    text: str


class Wordings:
    """All wordings there ever were: an old one stays, because consents refer to it."""

    def __init__(self, wordings: Mapping[str, Wording]) -> None:
        self._wordings = dict(wordings)

    def known(self, wording_id: str) -> bool:
        return wording_id in self._wordings

    def get(self, wording_id: str) -> Wording | None:
        return self._wordings.get(wording_id)

    def __iter__(self) -> Iterator[Wording]:
        return iter(self._wordings.values())

    def __len__(self) -> int:
        return len(self._wordings)
