"""The words of a text, as a blind index keeps them: found by whoever knows the word and the key, and read by nobody.

Words are runs of letters and digits, without case and accents, so that "Vertraagd?" is found by "vertraagd" and "José" by "jose";
nothing else is done to them in any language. Each becomes a keyed hash under its brand: the same word of two brands has nothing
in common, and without the index key no list of words can be tried. What it gives away all the same is written in
docs/decisions/0013-webcare.md.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.store.vault import Vault

SHORTEST, LONGEST = 2, 40
MOST = 400
"""Words of one line: a longer text is found by its first ones."""
TOKEN = 12
"""Letters of a token: 60 bits, so that two words of a brand hardly ever share one."""
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The different words of a text, in their order."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).casefold())
    folded = "".join(letter for letter in plain if not unicodedata.combining(letter))
    found = (word for word in _WORD.findall(folded) if SHORTEST <= len(word) <= LONGEST)
    return list(dict.fromkeys(found))[:MOST]


def token_of(vault: Vault, brand: str, word: str) -> str:
    return vault.blind("word", brand, word)[:TOKEN]
