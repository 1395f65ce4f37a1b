"""What nobody should have sent in a chat, covered before it is kept: payment cards, Dutch citizen numbers, passwords.

A number is covered when its form and its check digit say what it is; what only looks like one stays, because agents need order,
ticket and phone numbers. A card is told by its issuer's digits, its length and Luhn's check (ISO/IEC 7812-1). A BSN passes the
eleven test, but so does one in eleven of all nine-digit order numbers: it is covered only where the message names it. A password
is what follows its name and a colon, or its name and "is" where it does not read like a word.

What was covered is gone: the thread never holds it. The webhook as it came is sealed under the key of its day, and ends with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

COVER = "••••"


class Hidden(StrEnum):
    CARD = "card"
    BSN = "bsn"
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    CODE = "code"
    """one that was sent to show who they are: whether it is that one, the store knows (store/identity.py)"""


@dataclass(frozen=True, slots=True)
class Masked:
    """text: what may be kept; hidden: what was covered in it, each kind once, in the order of Hidden"""

    text: str
    hidden: tuple[Hidden, ...] = ()


# Digits in groups as people write them: at most one space, dot or hyphen between two.
_NUMBER = re.compile(r"(?<![\w+.-])\d(?:[ .\u00a0-]?\d){7,18}(?![\w-]|[.,]\d)")
_CARDS = re.compile(
    r"4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|(?:5[0678]|6[37])\d{14}"
)
# Looked for at every place, for numbers may stand beside it; digits of whatever script, as keyboards write them.
_SIX = re.compile(r"(?<![\w+])(?=(\d(?:[\s.\u2010-\u2015-]{0,2}\d){5})(?!\w))")
_BSN_NAMED = re.compile(r"\b(?:bsn|bsn-?nummer|burger ?service ?nummer|sofi-?nummer|citizen service number)\b", re.IGNORECASE)
_SECRET = re.compile(
    r"""(?P<name>\b(?:passwords?|passcode|pin(?:[ -]?code)?|cvc2?|cvv2?|security\ code|wachtwoord(?:en)?
        |beveiligingscode|passwort|kennwort|geheimzahl|prüfnummer|mot\ de\ passe|mdp|code\ secret|cryptogramme)\b)
        (?P<between>\s*(?:(?P<sign>[:=]|->)|\b(?:is|was|luidt|lautet|ist|est|c'est)\b\s*:?)\s*)
        (?P<quote>["'“„«]?)(?P<value>[^\s"'”»]{3,64})""",
    re.IGNORECASE | re.VERBOSE,
)


def mask(text: str) -> Masked:
    """Cover what must not be kept. Cheap where there is nothing: one pass for each kind."""
    hidden: set[Hidden] = set()

    def numbers(found: re.Match[str]) -> str:
        digits = _digits(found[0])
        kind = Hidden.CARD if is_card(digits) else Hidden.BSN if bsn_named and is_bsn(digits) else None
        if kind is None:
            return found[0]
        hidden.add(kind)
        return COVER

    def secrets(found: re.Match[str]) -> str:
        value = found["value"]
        if value == COVER or not (found["sign"] or found["quote"] or _reads_like_no_word(value)):
            return found[0]
        hidden.add(Hidden.PASSWORD)
        return f"{found['name']}{found['between']}{found['quote']}{COVER}"

    bsn_named = _BSN_NAMED.search(text) is not None
    steps: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = ((_NUMBER, numbers), (_SECRET, secrets))
    for pattern, cover in steps:
        text = pattern.sub(cover, text)
    return Masked(text, tuple(kind for kind in Hidden if kind in hidden))


def codes_in(text: str) -> dict[str, str]:
    """What may be a code of six digits, as it stands there: most are order numbers, which stay. digits -> as written"""
    return {_digits(found): found for found in _SIX.findall(text)}


def _digits(text: str) -> str:
    """Its digits, in ASCII."""
    return "".join(str(unicodedata.digit(one)) for one in text if one.isdecimal())


def is_card(digits: str) -> bool:
    """Whether these digits are a payment card's number: an issuer's beginning, its length, Luhn's check digit."""
    if _CARDS.fullmatch(digits) is None:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def is_bsn(digits: str) -> bool:
    """The eleven test: weights 9 to 2, and the last digit counts against it. Eight digits are written with a 0 in front."""
    if len(digits) not in (8, 9) or not int(digits):
        return False
    nine = digits.zfill(9)
    weighted = sum(int(digit) * weight for digit, weight in zip(nine, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
    return weighted % 11 == 0


def _reads_like_no_word(value: str) -> bool:
    """Letters alone, in one case, may be "password is wrong"."""
    letters = value.rstrip(".,!?")
    return not letters.isalpha() or not (letters.islower() or letters.isupper() or letters.istitle())
