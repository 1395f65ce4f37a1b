"""The words of a way in: tokens and codes made and recognised, booking codes and surnames as people type them. Pure.

A token (24 characters, for links) and a code (XXXX-XXXX, for people) are keyed hashes of the invitation's id: neither need be
kept to be told again. Each carries its own sign, so that what nobody made is told without asking the store.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator

from gateway.model.ids import SubjectId, from_digest, partition_of

Blind = Callable[..., str]
"""The vault's keyed hash: 32 characters of 0-9a-z without i, l, o, u"""

_TOKEN = re.compile(r"[0-9a-z]{24}")
_ANYWHERE = re.compile(r"(?<![0-9A-Za-z])([0-9A-Za-z]{4})[\s\-\u2010-\u2015_.]*(?=([0-9A-Za-z]{4})(?![0-9A-Za-z]))")
_SAID = re.compile(r"\bcode\b\W*((?:[0-9A-Za-z][\W_]*){8})(?![0-9A-Za-z])", re.IGNORECASE)
_READ_AS = str.maketrans("oilu", "011v")
"""Letters that our codes do not have, as what they were read for."""
_BOOKING = re.compile(r"[0-9A-Za-z][0-9A-Za-z\-_/.]{3,30}[0-9A-Za-z]")
_PARTICLES = frozenset(
    ("van", "de", "der", "den", "het", "t", "ten", "ter", "te", "op", "in", "von", "vom", "zu", "zur", "af", "da", "di", "do",
     "dos", "du", "des", "del", "della", "la", "le", "el", "al", "bin", "ibn", "st")
)  # fmt: skip


def invitation_id(blind: Blind, subject: SubjectId, *parts: str) -> str:
    """The id of an invitation to a subject that is made of these parts: asked for twice, it is one."""
    digest = hashlib.sha256(blind("invitation id", subject, *parts).encode()).digest()
    return from_digest("i", partition_of(subject), digest)


def token_of(blind: Blind, invitation: str) -> str:
    body = blind("invitation token", invitation)[:18]
    return body + blind("invitation sign", body)[:6]


def is_token(blind: Blind, text: str) -> bool:
    """Whether we made this token (it may be long over)."""
    return _TOKEN.fullmatch(text) is not None and text[18:] == blind("invitation sign", text[:18])[:6]


def looks_like_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def code_of(blind: Blind, invitation: str) -> str:
    """Eight characters, lower case, without the dash: seven and their sign."""
    body = blind("invitation code", invitation)[:7]
    return body + blind("invitation code sign", body)[0]


def shown(code: str) -> str:
    return f"{code[:4]}-{code[4:]}".upper()


def codes_in(blind: Blind, text: str) -> list[str]:
    """Every code that a text may hold, however it is spaced, cased and surrounded. Nearly always at most one."""
    found = [code for code in map(_read, _candidates(text)) if code[7] == blind("invitation code sign", code[:7])[0]]
    return list(dict.fromkeys(found))


def says_code(text: str) -> bool:
    """Whether somebody plainly meant to send a code of ours, be it a wrong one."""
    return re.search(r"(?<![0-9A-Za-z])[0-9A-Za-z]{4}-[0-9A-Za-z]{4}(?![0-9A-Za-z])", text) is not None and bool(
        re.search(r"\bcode\b", text, re.IGNORECASE)
    )


def _candidates(text: str) -> Iterator[str]:
    text = unicodedata.normalize("NFKC", text)
    for match in _SAID.finditer(text):
        yield re.sub(r"[\W_]", "", match.group(1))
    for match in _ANYWHERE.finditer(text):
        yield match.group(1) + match.group(2)
    yield from re.findall(r"(?<![0-9A-Za-z])[0-9A-Za-z]{8}(?![0-9A-Za-z])", text)


def _read(candidate: str) -> str:
    return candidate.lower().translate(_READ_AS)


# booking codes


def booking(code: str) -> str:
    """An order's number as it is compared: capital letters and digits, nothing between them."""
    return "".join(char for char in unicodedata.normalize("NFKC", code).upper() if char.isalnum())


def bookings_in(text: str, *, asked: bool) -> list[str]:
    """What may be an order's number in a text, normalised, at most six. asked: we asked for one.

    A word without a digit is a word, unless it stands alone or (asked) in capitals.
    """
    text = unicodedata.normalize("NFKC", text)
    alone = text.strip()
    found = [word for word in _BOOKING.findall(text) if _may_be_booking(word, alone=word == alone, asked=asked)]
    joined = booking(text)
    if 5 <= len(joined) <= 20 and any(char.isdigit() for char in joined):
        found.insert(0, joined)  # "ZX 42 99" as one
    return list(dict.fromkeys(booking(word) for word in found))[:6]


def _may_be_booking(word: str, *, alone: bool, asked: bool) -> bool:
    if any(char.isdigit() for char in word):
        return True
    return (alone and (asked or word.isupper())) or (asked and word.isupper())


# surnames


def _folded(text: str) -> list[str]:
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    plain = plain.replace("ø", "o").replace("ł", "l").replace("æ", "ae").replace("œ", "oe").replace("đ", "d")
    return [word for word in re.split(r"[\W\d_]+", plain) if word]


def may_be_surname(text: str) -> bool:
    """Whether a text can be an answer to "what is the surname": a few words, no question."""
    return 1 <= len(_folded(text)) <= 6 and len(text) <= 60 and "?" not in text


def same_surname(said: str, family: str, given: str = "") -> bool:
    """Whether what somebody typed is this surname; a given name may stand before it.

    Accents, case, dashes and particles do not matter. The name's own words must all be there: "Berg" is not "Berg-Jansen".
    """
    wanted = [word for word in _folded(family) if word not in _PARTICLES] or _folded(family)
    words = [word for word in _folded(said) if word not in _PARTICLES] or _folded(said)
    if not wanted or not words:
        return False
    if "".join(words) == "".join(wanted):
        return True
    before = words[: -len(wanted)]
    return words[-len(wanted) :] == wanted and all(word in _folded(given) for word in before)
