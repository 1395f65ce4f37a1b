"""Whether a text asks how a journey stands, and nothing else: where it is now, whether it left, when it lands, how late it is.

Those at home ask in their own words, misspelt, in a hurry, without a question mark; the newest state is the answer to all of it.
But an answer by itself to somebody who wanted something else is worse than a minute's wait, so precision goes before recall:

    every word must be known     a word that asking_words.py does not list (a name, a suitcase, a refund, a curse) makes it a text
                                 for a person; so does a sentence too many, a number, a picture in place of a word
    the words must be a question  their parts, in their order, must make one of the sentences below. "They have landed" is none
                                 without its question mark, "have they landed" is one with or without
    in one language              of nl, en, de, fr

A slip of the pen is forgiven where the word is long enough and near to one listed word only, and is no real word by itself. What
only this journey knows (its number, its places) is handed in: "is ZZ 1007 in Dublin yet". Pure, and no guess: a text is parted
into phrases in every way that the lists allow, and each way is held against the patterns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateway.rules.asking_words import LANGUAGES, REAL, table

LONGEST = 160
WORDS_MAX = 24
WAYS_MAX = 400
"""In how many ways a text is parted before it is left to a person."""

Words = tuple[str, ...]

# A question's parts; S is whom or what it is about, P a place of the journey, V what it does. "My train" is the asker's own.
_THEY = "(?:p|(?:d*n+|[dD]*m+)(?:[oc]?(?:d*n+|[dD]*m+))*(?:iN)?)"
_S = f"(?:q|{_THEY})"
_P = "(?:i?d*N)?"
_V = "[lg]+"
_TAIL = "(?:cb?(?:[lg]+|u|j))?"
_OPEN = (  # with or without a question mark, at any place of the sentence
    f"w[bhf]+{_S}[bh]*(?:u|f|{_V})?{_P}",  # where is it (now, flying)
    f"w[lgk]{_S}r?{_P}",
    f"wE?{_S}[bhf]+u?",  # (do you know) where they are
    f"{_S}[bh]+w(?:R|{_S})?",  # il est où
    f"F{_S}u?",
    f"K[bh]+(?:{_S}|R)j?",  # how late is it
    f"t[bhE]*{_S}[bh]*{_V}[bh]*r?{_P}",  # when does she land
    f"t{_V}{_S}(?:{_V})?{_P}",  # wanneer landt ze
    f"t[kf]{_S}{_P}r{_P}",  # wann kommt er an
    f"tf{_S}{_P}",
    f"t[bhE]+{_THEY}[bh]*R",  # when will they be there; "what time is it there" is none
    f"t{_THEY}R[bh]+",
    f"{_S}[bh]*{_V}{_P}t{_P}",  # ils arrivent quand
    f"tb+d*{_V}(?:o{_S})?{_P}",  # when is the landing
    f"(?:xb+|[ab])?d*e(?:o?{_S})?{_P}",  # what is the ETA of flight ...
    f"(?:d*n+|(?:xb+|a+)?d*)z(?:o?{_S})?{_P}",  # the status of ...
    f"a+d*[vj](?:o?{_S})?{_P}",  # any news, is there a delay
    f"d*v(?:o{_S}){_P}",
    "Gd*n+(?:o[dD]*m+)?g?",  # how is the flight doing
    f"{_S}[bh]+[pq][bh]*(?:{_V}|u|j){_P}",  # l'avion a-t-il décollé
    f"C{_S}[bhf]*(?:{_V}|u|j)[bh]*{_P}",  # (do you know) whether they left
)
_FIRST = (  # the verb comes first, else it tells
    f"E?[bh]+{_S}[bh]*j?{_V}[bh]*r?{_P}{_TAIL}",  # is ze al geland
    f"E{_S}[bhf]*(?:{_V}|u|j){_P}{_TAIL}",  # est-ce que l'avion a atterri
    f"[bh]+{_S}[bh]*(?:u|j|iN){_P}{_TAIL}",
    f"k{_S}{_P}r{_P}",
    f"f{_S}(?:r|u)?{_P}",
    f"[bh]+{_S}b+f{_P}",
)
_FIRST_TOO = (f"{_V}{_S}{_P}",)  # "landen ze al"; in English ("leave it") an order
_MARKED = (  # only the question mark makes them ask
    f"{_S}[bhf]*(?:{_V}|u|j|f){_P}{_TAIL}",
    f"{_S}b+iN",
    f"{_S}kr",
    f"{_V}{_P}",
    f"u{_P}",
    "j",
    "d*n+",
    f"a*d*v(?:o?{_S})?",
    f"Q+d*[jv](?:o?{_S})?",
)
_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Names:
    """What only this journey knows. vehicles: its numbers ("ZZ 1007", "1007"); places: names and codes of where it goes."""

    vehicles: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def asks(text: str, names: Names | None = None) -> bool:
    """Whether a text asks how the journey stands and says nothing else. A text that is too long, or empty, does not."""
    return asked_in(text, names) is not None


def asked_in(text: str, names: Names | None = None) -> str | None:
    """The language in which a text asks how the journey stands; None where it does not, or says anything else."""
    if not text.strip() or len(text) > LONGEST:
        return None
    spoken = _without_smileys(text)
    if spoken is None:
        return None
    known = _listed(names or Names())
    return next((language for language in LANGUAGES if _asks(spoken, language, known)), None)


def _asks(text: str, language: str, names: Mapping[Words, str]) -> bool:
    """Every sentence asks, or is a courtesy; one at least asks."""
    asked = False
    for sentence, end in _sentences(text):
        words = _words(sentence, language)
        if not words:
            continue
        found = _sentence(words, language, "?" in end, names)
        if found is None:
            return False
        asked = asked or found
    return asked


def _sentence(words: Words, language: str, marked: bool, names: Mapping[Words, str]) -> bool | None:
    """True: it asks; False: a courtesy; None: something else."""
    if len(words) > WORDS_MAX:
        return None
    courtesy = False
    for number, parts in enumerate(_ways(words, language, names)):
        if number >= WAYS_MAX:
            return None
        if _question(language == _ENGLISH, marked).fullmatch(parts):
            return True
        courtesy = courtesy or _courtesy().fullmatch(parts) is not None
    return False if courtesy else None


def _ways(words: Words, language: str, names: Mapping[Words, str]) -> Iterator[str]:
    """The parts of a sentence, a sign each, in every way that phrases can be told apart; longer phrases first."""
    listed, longest = _table(language)
    longest = max(longest, max((len(one) for one in names), default=0))

    def onward(place: int) -> Iterator[str]:
        if place == len(words):
            yield ""
            return
        for size in range(min(longest, len(words) - place), 0, -1):
            phrase = words[place : place + size]
            letters = listed.get(phrase) or names.get(phrase, "")
            if not letters and size == 1:
                letters = _slip(phrase[0], language)
            if letters:
                for rest in onward(place + size):
                    yield letters + rest

    return onward(0)


def _slip(word: str, language: str) -> str:
    """The parts of the one listed word that a misspelt word must be; "" where none is near, or several."""
    if len(word) < 5 or word in _real(language):
        return ""
    listed, _ = _table(language)
    found = {
        letters
        for phrase, letters in listed.items()
        if len(phrase) == 1 and len(phrase[0]) >= 5 and phrase[0][0] == word[0] and _near(word, phrase[0])
    }
    return found.pop() if len(found) == 1 else ""


def _near(word: str, listed: str) -> bool:
    """At most one letter too many, too few, wrong or changed with its neighbour; two in long words."""
    most = 2 if min(len(word), len(listed)) >= 9 else 1
    if abs(len(word) - len(listed)) > most:
        return False
    before: list[int] = []
    row = list(range(len(listed) + 1))
    for i, one in enumerate(word, 1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(listed, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one != other))
            if i > 1 and j > 1 and one == listed[j - 2] and word[i - 2] == other:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1] <= most


# texts


_ENDS = re.compile(r"([.!?;\n\u2026\u061f\uff1f\uff01]+)")
_SMILEYS = re.compile(r"(?<!\w)(?:[:;=]['\-]?[)(DPpdO3/*|]+|<3+|[xX]D)(?!\w)")
_BENIGN = frozenset(
    "✈🛫🛬🛩🚆🚄🚅🚂🚉🚝🙏🙂😊😀😃😄😁😅😉😘🥰😍❤💕💖💛💙💚🧡💜👋🤔👀😬😟😢🥺🤗👍"
    "🌍🌎🌏📍⏰⌚🕐🕑🕒❓❔⁉‼😇🏠👌🤞💐🎈☺🙋♀♂🤷⏳⌛🗺📱"
)
"""Pictures that add nothing. Any other may stand for a word."""
_RUN = re.compile(r"(.)\1{2,}")


def _without_smileys(text: str) -> str | None:
    """None: there is a picture in it that may stand for a word."""
    left = []
    for char in _SMILEYS.sub(" ", text):
        kind = unicodedata.category(char)
        if char in _BENIGN:
            left.append(" ")
        elif kind in ("So", "Sm", "Sc"):
            return None
        elif kind not in ("Sk", "Cf", "Mn") or char == "\u0301" or char == "\u0308":
            left.append(char)
    return unicodedata.normalize("NFC", "".join(left))


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    """(words, how they end)"""
    parts = [*_ENDS.split(text), ""]
    return zip(parts[::2], parts[1::2], strict=False)


def _words(sentence: str, language: str) -> Words:
    if language == "de":
        sentence = _polite(sentence)
    return plain(sentence)


def plain(text: str) -> Words:
    """Words in lower case without accents; apostrophes, dashes and all other signs part them."""
    letters = []
    for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()):
        kind = unicodedata.category(char)
        if kind[0] in "LN":
            letters.append(char)
        elif kind[0] != "M":
            letters.append(" ")
    return tuple(_RUN.sub(r"\1", word) for word in "".join(letters).split())


def _polite(sentence: str) -> str:
    """German: "Sie" with a capital is the one who is asked, but at the beginning of a sentence, or where all is in capitals."""
    if sentence.isupper():
        return sentence
    first, _, rest = sentence.lstrip().partition(" ")
    return f"{first} " + re.sub(r"\bSie\b", "siehoeflich", rest)


# lists and patterns, made once


@lru_cache(maxsize=8)
def _table(language: str) -> tuple[Mapping[Words, str], int]:
    """Phrase -> its signs, and of how many words the longest is."""
    found = {phrase: _signs(letters) for phrase, letters in table(language).items()}
    return found, max(len(phrase) for phrase in found)


@lru_cache(maxsize=8)
def _real(language: str) -> frozenset[str]:
    return frozenset(REAL[language].split())


@lru_cache(maxsize=1)
def _alphabet() -> Mapping[str, str]:
    """A sign for each set of parts that one word may be: "pd" is one that is either."""
    sets = {one for language in LANGUAGES for letters in table(language).values() for one in _sets(letters)}
    return {one: chr(0xE000 + place) for place, one in enumerate(sorted(sets | {"n", "N"}))}


def _sets(letters: str) -> list[str]:
    """"p|d" is one word that may be either, "wb" two words in one."""
    return [letters.replace("|", "")] if "|" in letters else list(letters)


def _signs(letters: str) -> str:
    return "".join(_alphabet()[one] for one in _sets(letters))


def _listed(names: Names) -> dict[Words, str]:
    found: dict[Words, str] = {}
    for letter, listed in (("n", names.vehicles), ("N", names.places)):
        for name in listed:
            if words := plain(name):
                found[words] = _signs(letter)
    return found


@lru_cache(maxsize=4)
def _question(english: bool, marked: bool) -> re.Pattern[str]:
    """One question after another. marked: the sentence ends in a question mark"""
    first = (*_FIRST, *(() if english else _FIRST_TOO))
    polite, left_out = f"{_any_of('.')}*", f"{_any_of('.y')}*"
    one = f"{left_out}(?:{_either((*_OPEN, *first, *_MARKED) if marked else _OPEN)})"
    if not marked:
        one = f"(?:{one}|{polite}(?:{_either(first)}))"
    return re.compile(f"(?:{polite}{_part('c')}?{one})+")


def _either(patterns: Iterable[str]) -> str:
    """Patterns of letters as one of signs."""
    return "|".join(re.sub(r"\[([A-Za-z]+)\]|([A-Za-z])", lambda found: _part(found[1] or found[2]), one) for one in patterns)


def _part(letters: str) -> str:
    """A word that is one of these, with what may be left out behind it."""
    return f"(?:{_any_of(letters)}{_any_of('.y')}*)"


def _any_of(letters: str) -> str:
    return f"[{''.join(sign for one, sign in _alphabet().items() if set(letters) & set(one))}]"


@lru_cache(maxsize=1)
def _courtesy() -> re.Pattern[str]:
    return re.compile(f"{_any_of('.')}*")
