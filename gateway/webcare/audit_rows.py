"""Entries of the audit as rows for people: names for ids, old and new apart, and of the rest what a reader can use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.ids import is_id

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start
    from gateway.insight.audit import Entry

NAMING = frozenset({"target", "person", "asked"})
"""Words of an entry that hold an agent's id."""
APART = frozenset({"agent", "who", "by", "place", "old", "new"})
"""Words that have a column of their own."""


@dataclass(frozen=True, slots=True)
class Row:
    """who: a name, or the word that stands there; who_id: what the filter takes; more: (word, value), names for ids"""

    at_ms: int
    who: str
    who_id: str
    what: str
    conversation: str
    ids: tuple[str, ...]
    place: str
    old: str
    new: str
    more: tuple[tuple[str, str], ...]


def rows(entries: Iterable[Entry], names: Mapping[str, str]) -> list[Row]:
    return [_row(one, names) for one in entries]


def _row(one: Entry, names: Mapping[str, str]) -> Row:
    talks = [about for about in one.about if is_id(about, "v")]
    return Row(
        one.at_ms, names.get(one.agent, one.agent), one.agent, one.what, talks[0] if talks else "",
        tuple(about for about in one.about if about not in talks[:1]), one.detail.get("place", ""), one.detail.get("old", ""),
        one.detail.get("new", ""), tuple((word, _value(word, value, names)) for word, value in _rest(one.detail)),
    )  # fmt: skip


def _rest(detail: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Whom it was done to first."""
    found = [(word, value) for word, value in detail.items() if word not in APART and value]
    return sorted(found, key=lambda pair: pair[0] != "target")


def _value(word: str, value: str, names: Mapping[str, str]) -> str:
    return names.get(value, value) if word in NAMING else value
