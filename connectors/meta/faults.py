"""The shape of an error as Meta sends it, in an answer or in a webhook, and its words made fit to be kept.

An answer holds `{"error": {...}}`, a webhook `errors: [{...}]`; both carry code, words and error_data, which can be
absent or even a string. Source: Meta, "Error codes", 11 Sep 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.meta.reading import maybe_int, maybe_obj, maybe_text

_DETAIL_MAX = 200

# Meta's words can repeat what we sent: a number, a user id, a token ("Malformed access token EAA..."), a link.
_PERSONAL = re.compile(
    r"""
    wamid\.\S+                                        # a message id holds the phone number in base64
    | \bm_[A-Za-z0-9_-]{12,}                          # a message id of a Page
    | https?://\S+
    | [^\s@<>"']+@[^\s@<>"']+\.[^\s@<>"']+            # mail
    | \b[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{4,}           # business-scoped user id
    | (?=[A-Za-z0-9_|+/=-]*[A-Z0-9])[A-Za-z0-9|+/=-]{24,}   # token or opaque id
    | \+?\d[\d\s().-]{5,}\d                           # phone number, or any long number
    | (?<!\w)'(?![a-z0-9_.\[\]-]{1,40}')[^']{1,200}'         # a quoted value that is no field name
    | (?<!\w)"(?![a-z0-9_.\[\]-]{1,40}")[^"]{1,200}"
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """code: the channel's, 0 possible; detail: its words, cut and without personal data."""

    code: int
    subcode: int = 0
    detail: str = ""


def scrub(words: str) -> str:
    """Words of the channel's without what may identify a person or open a door; at most 200 characters."""
    return " ".join(_PERSONAL.sub("…", words[:2000]).split())[:_DETAIL_MAX]


def read_fault(error: Any) -> Fault | None:
    """One error object; None when it has no code that can be read."""
    given = maybe_obj(error)
    code = maybe_int(given.get("code"))
    if code is None:
        return None
    data = given.get("error_data")
    details = data if isinstance(data, str) else maybe_text(maybe_obj(data).get("details"))
    words = details or maybe_text(given.get("message")) or maybe_text(given.get("title"))
    return Fault(code=code, subcode=maybe_int(given.get("error_subcode")) or 0, detail=scrub(words))
