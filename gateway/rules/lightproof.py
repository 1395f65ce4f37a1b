"""The light proof: a surname, or the last four digits of a phone number, against what a travel page was kept with. Pure.

It keeps a forwarded link from being an open pass. It is no password: a name is known to many, so the page counts wrong answers,
and the token before it is what nobody guesses.

A name is compared as its forms, short texts of a-z. Two names are the same where they share a form:

    van der Berg      vanderberg, berg             particles may be left out; capitals, accents, dashes, blanks do not matter
    Berg-Jansen       bergjansen, berg, jansen     either half of a double name, from three letters on
    VANDERBERG        vanderberg, derberg, berg    as airlines print it, its particles glued to it
    Müller, Sørensen  muller + mueller, sorensen   an umlaut as one letter or as two, as passports spell it
    Παπαδόπουλος      papadopoulos, papadopoylos   Greek and Cyrillic as they are typed in Latin, by ISO 843 and ICAO Doc 9303

Said may be more than the surname: "Mila van der Berg", "Berg, Mila". Names in other scripts are compared as they are.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import product

LONGEST = 80
_WORDS = 8
_PARTICLES = frozenset(
    ("van", "de", "der", "den", "het", "t", "ten", "ter", "te", "op", "in", "von", "vom", "zu", "zur", "af", "da", "di", "do",
     "dos", "du", "des", "del", "della", "la", "le", "el", "al", "bin", "ibn", "st")
)  # fmt: skip
_GLUED = re.compile(r"(?:van(?:de[rn]?|het)?|de[rn]?|von(?:de[rm]?)?|te[rn])(?=.{4})")
_TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "drs", "ir", "prof", "mevr", "mw", "dhr", "hr", "fr", "herr", "frau"))
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ß": "ss"})
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def _table(letters: str, latin: str) -> dict[str, str]:
    return dict(zip(letters, latin.split(), strict=True))


_GREEK = _table("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o")
_CYRILLIC = _table(
    "абвгдеёжзийклмнопрстуфхцчшщъыэюяіїєґ", "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch ie y e iu ia i i ie g"
) | {"ь": ""}
_LETTERS = str.maketrans({**_GREEK, **_CYRILLIC})
_AS_TYPED = (("ou", "oy"), ("iu", "yu"), ("ia", "ya"), ("kh", "h"), ("ch", "h"), ("ie", "ye"))
"""What the tables above write and people type in another way, or the other way round."""


def opens(said: str, names: Sequence[str], digits: str) -> bool:
    """Whether an answer is one of the surnames or the last four digits. Compares all of them, whichever was right.

    digits: "" = there is no number to go by. An empty answer is never right.
    """
    numbers = _digits(said)
    right = bool(digits) and len(numbers) >= 4 and hmac.compare_digest(numbers[-4:].encode(), digits.encode())
    spoken = [one.encode() for one in forms_said(said)]
    for form in forms(names):
        for one in spoken:
            right |= hmac.compare_digest(form.encode(), one)
    return right


def canonical(said: str) -> str:
    """An answer brought into one form: sent twice, with other capitals, marks or dots, it is one try. "" where nothing was said.

    Where its words and its comma stand is part of it: letters that are parted anew name other people, and are another try.
    """
    numbers = _digits(said)
    if len(numbers) >= 4:
        return numbers
    parts = [min((" ".join(words) for words in _readings(part)), default="") for part in said[:LONGEST].partition(",")[::2]]
    return ",".join(part for part in parts if part)


def forms(names: Iterable[str]) -> set[str]:
    """Everything that these surnames may be said as."""
    found: set[str] = set()
    for name in names:
        for words in _readings(name):
            own = [word for word in words if word not in _PARTICLES] or words
            found |= {"".join(words), "".join(own)}
            found |= {word for word in own if len(word) >= 3}
            if len(words) == 1:
                found |= set(_unglued(words[0]))
    return {form for form in found if form}


def forms_said(said: str) -> set[str]:
    """What an answer may mean: all of it, or its end; with a comma what stands before that. A title in it does not count."""
    found: set[str] = set()
    surname, _, behind = said.partition(",")
    for words in _readings(surname if any(_readings(surname)) else behind):
        words = [word for word in words if word not in _TITLES] or words
        if len(words) > _WORDS:  # a list of names is many tries in one
            continue
        for begin in range(len(words)):
            end = words[begin:]
            found |= {"".join(end), "".join(word for word in end if word not in _PARTICLES)}
    return {form for form in found if form}


def _unglued(word: str) -> list[str]:
    found = []
    match = _GLUED.match(word)
    while match is not None:
        word = word[match.end() :]
        found.append(word)
        match = _GLUED.match(word)
    return found


def _digits(said: str) -> str:
    """The digits of an answer that is nothing but a number, as people write numbers."""
    text = unicodedata.normalize("NFKC", said)
    if re.search(r"[^\W\d_]", text):
        return ""
    return "".join(str(unicodedata.digit(char)) for char in text if char.isdigit())


def _readings(name: str) -> list[list[str]]:
    """A name's words in each way it may be spelt in Latin letters."""
    spelt = dict.fromkeys(tuple(re.split(r"[\W\d_]+", one)) for one in _latin(name))
    return [[word for word in words if word] for words in spelt]


def _latin(name: str) -> list[str]:
    text = re.sub(r"['’ʼ`´.]", "", unicodedata.normalize("NFKC", name[:LONGEST]).casefold())
    foreign = any(char in _GREEK or char in _CYRILLIC for char in _stripped(text))
    found = [_stripped(text.translate(_PLAIN)), _stripped(text.translate(_TWO_LETTERS).translate(_PLAIN))]
    if foreign:
        latin = _stripped(text).replace("ου", "ou").translate(_LETTERS)
        found = [latin, *_typed(latin)]
    return list(dict.fromkeys(found))


def _typed(latin: str) -> list[str]:
    """The spellings of one transliteration: each pair of letters in either way, all of a kind at once."""
    ways = [(pair, False) if pair[0] not in latin else (pair, True) for pair in _AS_TYPED]
    choices = [(False, True) if there else (False,) for _, there in ways]
    found = []
    for chosen in product(*choices):
        text = latin
        for (pair, _), other in zip(ways, chosen, strict=True):
            text = text.replace(*pair) if other else text
        found.append(text)
    return found


def _stripped(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
