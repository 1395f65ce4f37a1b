"""Phrases: what somebody who is no programmer writes down of what people say, and where a message says it.

A line is words in their order. It is held against a message word by word, so that nothing in a line can make it slow:

    heart attack          these words beside each other; capitals, accents, apostrophes and commas do not matter
    suffocat*             a word that begins so
    help/sos me           one of several words
    a (very) sick         a word in brackets may be missing
    stuck .. lift         up to three other words may stand between, in one sentence; up to eight with ...
    - heart attack burger what is not meant: whatever is found inside these words, or shares some of them, does not count

People write in a hurry: a listed word of six letters or more is also found with one slip in it (a letter too many, missing,
wrong, or two exchanged; the first letter holds), and a word drawn out ("heeelp") as what it is. All lists are looked up in one
pass; what a word may be is asked of three tables, so the cost grows with the message, not with the lists.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.errors import BadInput, Problem

GAPS = {"..": 3, "...": 8}
"""How many other words may stand between two."""
SLIP_FROM = 6
"""From how many letters on a listed word may have one slip in it."""
TOKENS_MAX = 400
"""So many words of a message are read, its first: nobody calls for help in the fifth hundred."""
STOP = "."
"""What stands between two sentences; no phrase reaches over it."""

_ELIDED = re.compile(r"(?<!\w)(?:[cdjlmnst]|qu)['’‘`´ʼ](?=[^\W\d_]{2})")
"""French: what a vowel swallowed says nothing by itself, and many leave it out. "can't" and "m'n" are no such words."""
_APOSTROPHES = re.compile(r"(?<=\w)['’‘`´ʼ](?=\w)")
_SPOKEN = {"🆘": " sos ", "\n": " . ", "…": " . "}
_VOWELS = frozenset("aeiouyh")
_TOKEN = re.compile(r"[^\W_]+|[.!?;]+")
_DRAWN = re.compile(r"(\w)\1{2,}")
_ALLOWED = re.compile(r"[\w*/()'’.\- ]+")


@dataclass(frozen=True, slots=True)
class Part:
    """One word's place: any of these words ("begin*" a beginning); it may be missing; so many others may come before it."""

    words: tuple[str, ...]
    optional: bool = False
    gap: int = 0


@dataclass(frozen=True, slots=True)
class Phrase:
    """kind: what it means; not_meant: what it covers does not count; line: as it was written"""

    kind: str
    parts: tuple[Part, ...]
    not_meant: bool = False
    line: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase in a message, from word number `begin` to before `end`."""

    phrase: Phrase
    begin: int
    end: int


def tokens(text: str) -> list[str]:
    """A message as words without capitals, accents and apostrophes, with STOP between sentences."""
    for sign, spoken in _SPOKEN.items():
        text = text.replace(sign, spoken)
    text = _APOSTROPHES.sub("", _ELIDED.sub("", text.casefold()))
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    found = [STOP if one[0] in ".!?;" else one for one in _TOKEN.findall(plain)]
    return found[:TOKENS_MAX]


@lru_cache(maxsize=16_384)
def parse(kind: str, line: str) -> Phrase:
    """A line as a phrase. Raises BadInput saying what of it is not understood."""
    not_meant = line.startswith("- ")
    body = line[2:] if not_meant else line
    if not _ALLOWED.fullmatch(body):
        raise BadInput([Problem(line, "holds a sign that means nothing here: words, * / ( ) and .. are understood")])
    parts: list[Part] = []
    gap = 0
    for raw in body.split():
        if raw in GAPS:
            gap = GAPS[raw]
            continue
        optional = raw.startswith("(") and raw.endswith(")")
        words = tuple(_word(line, one) for one in raw.strip("()").split("/"))
        parts.append(Part(words, optional, gap))
        gap = 0
    if not parts or gap or parts[0].optional or parts[0].gap:
        raise BadInput([Problem(line, "should begin with a word that must be there, and not end in ..")])
    return Phrase(kind, tuple(parts), not_meant, line)


def _word(line: str, raw: str) -> str:
    beginning = raw.endswith("*")
    folded = _folded(raw.rstrip("*"))
    if len(folded) != 1 or (beginning and len(folded[0]) < 4):
        raise BadInput([Problem(line, f"{raw!r} should be one word (a beginning with * has four letters or more)")])
    return folded[0] + ("*" if beginning else "")


@lru_cache(maxsize=16_384)
def _folded(word: str) -> tuple[str, ...]:
    """The words of a list come again and again."""
    return tuple(one for one in tokens(word) if one != STOP)


class Phrasebook:
    """Many phrases, looked up together."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self.phrases = tuple(phrases)
        words = {word for phrase in self.phrases for part in phrase.parts for word in part.words}
        self._exact = frozenset(word for word in words if not word.endswith("*"))
        self._beginnings = frozenset(word[:-1] for word in words if word.endswith("*"))
        self._lengths = tuple(sorted({len(word) for word in self._beginnings}))
        self._slips: dict[str, tuple[str, ...]] = {}
        for word in self._exact:
            if len(word) >= SLIP_FROM:
                for shorter in _without_one(word):
                    self._slips[shorter] = (*self._slips.get(shorter, ()), word)
        self._by_first: dict[str, tuple[Phrase, ...]] = {}
        for phrase in self.phrases:
            for word in phrase.parts[0].words:
                self._by_first[word] = (*self._by_first.get(word, ()), phrase)

    def find(self, text: str) -> list[Hit]:
        """Every phrase that the message says and means, in the order of their places."""
        said = tokens(text)
        known: dict[str, frozenset[str]] = {}
        for token in said:
            if token not in known:
                known[token] = self._meanings(token)
        meanings = [known[token] for token in said]
        hits = [
            Hit(phrase, begin, end)
            for begin, meant in enumerate(meanings)
            for word in meant
            for phrase in self._by_first.get(word, ())
            if (end := _end(phrase.parts, said, meanings, begin)) is not None
        ]
        not_meant = [(hit.begin, hit.end) for hit in hits if hit.phrase.not_meant]
        return [
            hit
            for hit in hits
            if not hit.phrase.not_meant and not any(hit.begin < end and begin < hit.end for begin, end in not_meant)
        ]

    def _meanings(self, token: str) -> frozenset[str]:
        """The listed words that this word of a message may be."""
        found: set[str] = set()
        forms = {token}
        if _DRAWN.search(token):
            forms = {_DRAWN.sub(r"\1", token), _DRAWN.sub(r"\1\1", token)}
        for form in forms:
            if form in self._exact:
                found.add(form)
            for length in self._lengths:
                if length > len(form):
                    break
                if form[:length] in self._beginnings:
                    found.add(f"{form[:length]}*")
        if not found and token[0] in "cdjlmnst" and token[1:2] in _VOWELS and len(token) >= SLIP_FROM:
            found = {token[1:]} & self._exact  # "lascenseur": the apostrophe was left out
        if not found and len(token) >= SLIP_FROM - 1 and token.isalpha():
            found = {
                word
                for shorter in _without_one(token)
                for word in self._slips.get(shorter, ())
                if word[0] == token[0] and _one_slip(word, token)
            }
        return frozenset(found)


def _end(parts: Sequence[Part], said: Sequence[str], meanings: Sequence[frozenset[str]], begin: int) -> int | None:
    """Where a phrase that begins at a word ends, None where it is not said. The places it may have reached move on together."""
    places = {begin + 1}
    for part in parts[1:]:
        onwards: set[int] = set(places) if part.optional else set()
        for place in places:
            for at in range(place, min(place + part.gap + 1, len(said))):
                if said[at] == STOP:
                    break
                if any(word in meanings[at] for word in part.words):
                    onwards.add(at + 1)
        if not onwards:
            return None
        places = onwards
    return max(places)


def _without_one(word: str) -> set[str]:
    """The word itself, and each of the words that it is without one letter."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _one_slip(one: str, other: str) -> bool:
    """Whether a letter too many, missing or wrong, or two exchanged, makes one word the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    begin = 0
    while begin < min(len(one), len(other)) and one[begin] == other[begin]:
        begin += 1
    rest, rest_other = one[begin:], other[begin:]
    exchanged = rest[:2] == rest_other[:2][::-1] and rest[2:] == rest_other[2:]
    return exchanged or rest[1:] == rest_other[1:] or rest[1:] == rest_other or rest == rest_other[1:]
