"""Which language a message is in: nl, en, de or fr, and "" where nobody could say.

Two kinds of evidence are added up, in the manner of naive Bayes. Common words say most: "waar", "ich", "où". What is no common
word still has its letters in threes ("sch", "ijn", "eau"), whose frequencies come from the same words. Names, numbers and codes
are in no language, and a message of nothing else has none. An answer is given only where the best language is clearly ahead of
the second: a wrong one sends somebody to a colleague who cannot read them, no answer leaves all as it is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import cache

from gateway.rules.language_words import WORDS
from gateway.rules.phrases import STOP, tokens

LANGUAGES = tuple(WORDS)
AHEAD = 2.0
"""By how much (natural logarithm) the best must be ahead of the second: about seven to one."""
_WORD = 3.0
"""What a common word counts that only one language has."""
_LETTERS = 0.5
"""What a word's letters count, beside a word that is known."""
_RARE = 0.5
_COURTESIES = frozenset({"ok", "okay", "oke", "super", "hi", "hallo", "hello", "sos", "help", "stop", "info"})
"""Said alone they are said in every language."""


def language_of(text: str) -> str:
    """nl, en, de, fr, or "" where the message does not say."""
    scores = scores_of(text)
    if not scores:
        return ""
    first, second = sorted(scores.items(), key=lambda one: -one[1])[:2]
    return first[0] if first[1] - second[1] >= AHEAD else ""


def scores_of(text: str) -> Mapping[str, float]:
    """Language -> how well the message fits, in logarithms: only differences mean something. Empty where there are no words."""
    words = [word for word in tokens(text) if word != STOP and not any(char.isdigit() for char in word)]
    if not words or (len(words) == 1 and words[0] in _COURTESIES):
        return {}
    weights, letters = _weights(), _letters()
    scores = dict.fromkeys(LANGUAGES, 0.0)
    for word in words:
        known = weights.get(word, {})
        for language in LANGUAGES:
            scores[language] += known.get(language, 0.0)
            if len(word) > 2:
                scores[language] += _LETTERS * sum(letters[language].get(three, letters[language][""]) for three in _threes(word))
    return scores


def _threes(word: str) -> list[str]:
    marked = f" {word} "
    return [marked[at : at + 3] for at in range(len(marked) - 2)]


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    """Common word -> language -> what it says for it; less where other languages have the word too."""
    lists = {language: frozenset(text.split()) for language, text in WORDS.items()}
    shared = Counter(word for words in lists.values() for word in words)
    return {
        word: {language: _WORD / shared[word] for language, words in lists.items() if word in words} for word in shared
    }


@cache
def _letters() -> Mapping[str, Mapping[str, float]]:
    """Language -> three letters -> logarithm of how frequent they are, "" for those that its words do not have."""
    found: dict[str, Mapping[str, float]] = {}
    kinds = {three for text in WORDS.values() for word in text.split() for three in _threes("".join(tokens(word)))}
    for language, text in WORDS.items():
        counted = Counter(three for word in set(text.split()) for three in _threes("".join(tokens(word))))
        every = sum(counted.values()) + _RARE * (len(kinds) + 1)
        found[language] = {three: math.log((count + _RARE) / every) for three, count in counted.items()} | {
            "": math.log(_RARE / every)
        }
    return found
