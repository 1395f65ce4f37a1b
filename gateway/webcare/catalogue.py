"""The words of the desk's pages, in the agent's language: console/words.yaml, one line a word, Dutch beside English.

A key names a word of the page (`{{ t("mine.title") }}` in a template, `t("page.live")` in a script). Words that the program says
elsewhere too (what became of a message, why something was refused) are English sentences in words.py and in the rules; the
page says them by `said`, and a sentence without Dutch is shown in English rather than not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from babel import Locale, UnknownLocaleError
from babel.dates import format_date

FILE = Path(__file__).parents[2] / "console" / "words.yaml"
LOCALES = ("en", "nl")
_BETWEEN = re.compile(r"(?<=[.?!]) ")
PAGE = "page."
"""Keys that a script of the page may ask for."""


@dataclass(frozen=True, slots=True)
class Words:
    """locale: en or nl; words: key -> text with {places}; sentences: English -> this language's"""

    locale: str
    words: Mapping[str, str]
    sentences: Mapping[str, str]
    patterns: Sequence[tuple[re.Pattern[str], str]] = ()
    """of the sentences those with {places}"""

    def t(self, key: str, **places: Any) -> str:
        """A word of the page. n=1 asks for `key.one` where there is one. Raises KeyError for a key that is not there."""
        text = self.words.get(f"{key}.one") if places.get("n") == 1 else None
        return (text or self.words[key]).format(**places)

    def said(self, sentence: str) -> str:
        """What the program says, in this language: a sentence, or several one after another. English where it has no other."""
        if not self.sentences or sentence in self.sentences:
            return self.sentences.get(sentence, sentence)
        return " ".join(self._one(one) for one in _BETWEEN.split(sentence))

    def _one(self, sentence: str) -> str:
        """With its full stop or without, as it was asked for."""
        bare = sentence.removesuffix(".")
        stop = "." if bare != sentence else ""
        for known in (bare, f"{bare}."):
            if known in self.sentences:
                return self.sentences[known].removesuffix(".") + stop
            for pattern, text in self.patterns:
                found = pattern.fullmatch(known)
                if found is not None:
                    return text.format(**found.groupdict()).removesuffix(".") + stop
        return sentence

    def age(self, ms: int) -> str:
        """How long: "45 s", "12 min", "3 h 05", "2 d". The page counts on in the same words (clock.js)."""
        seconds = max(ms, 0) // 1000
        minutes = seconds // 60
        if seconds < 60:
            return self.t("page.age.s", n=seconds)
        if minutes < 60:
            return self.t("page.age.min", n=minutes)
        if minutes < 48 * 60:
            return self.t("page.age.h", h=minutes // 60, m=f"{minutes % 60:02d}")
        return self.t("page.age.d", n=minutes // 1440)

    def date(self, ms: int) -> str:
        return format_date(datetime.fromtimestamp(ms / 1000, UTC), "d MMM y", locale=self.locale)

    def language(self, code: str) -> str:
        """A language's name; the code itself where nobody knows it."""
        try:
            return Locale.parse(code.replace("-", "_")).get_display_name(self.locale) or code
        except (UnknownLocaleError, ValueError):
            return code

    def for_page(self) -> dict[str, str]:
        """What the page's scripts say, by key without `page.`."""
        return {key.removeprefix(PAGE): text for key, text in self.words.items() if key.startswith(PAGE)}


@lru_cache(maxsize=1)
def _file() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=4)
def words_in(locale: str) -> Words:
    """The words in one of LOCALES; English for any other."""
    locale = locale if locale in LOCALES else LOCALES[0]
    file = _file()
    sentences = file["sentences"] if locale == "nl" else {}
    patterns = [(_pattern(key), text) for key, text in sentences.items() if "{" in key]
    return Words(locale, {key: both[locale] for key, both in file["words"].items()}, sentences, patterns)


def _pattern(sentence: str) -> re.Pattern[str]:
    """Of a sentence with {places}: what matches it, each place by its name."""
    pieces = re.split(r"\{(\w+)\}", sentence)
    return re.compile("".join(f"(?P<{piece}>.+)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)))


def locale_of(chosen: str, accepted: str) -> str:
    """chosen: the agent's own, "" none; accepted: what their browser asks for (Accept-Language, its order believed)."""
    if chosen in LOCALES:
        return chosen
    for one in accepted.split(","):
        language = one.strip().split(";")[0].split("-")[0].lower()
        if language in LOCALES:
            return language
    return LOCALES[0]
