"""The country that a message is billed by, read from how the person is known there. Only the country leaves this module."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import phonenumbers

from gateway.model.contact import Identifier

COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)

_OF_AN_ID = re.compile(r"([A-Z]{2})\.")
"""A user id may begin with the country of its number (Meta, business-scoped user ids: "CC." and letters and digits, 2026)."""


def country_of(identifiers: Iterable[Identifier]) -> str:
    """ISO 3166-1 code in two capital letters, of the phone number if it is known; "" where nothing tells."""
    told = ""
    for one in identifiers:
        text = one.value.reveal()
        if one.kind == "phone":
            # Calling codes that several countries share are told apart by the next three digits (+1 809, +7 701).
            return _of_prefix(text[:5] if text[:2] in ("+1", "+7") else text[:4])
        found = _OF_AN_ID.match(text)
        if found is not None and found[1] in COUNTRIES:
            told = found[1]
    return told


@lru_cache(maxsize=4096)
def _of_prefix(prefix: str) -> str:
    """The country of a number's first digits: to look at the whole number would cost a tenth of a millisecond a message."""
    digits = prefix.lstrip("+")
    for length in (1, 2, 3):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length])) if digits[:length].isdigit() else None
        if regions:
            main = str(regions[0])
            if len(regions) == 1 or length > 1:
                return main if main in COUNTRIES else ""
            whole = phonenumbers.PhoneNumber(country_code=int(digits[:1]), national_number=int(digits[1:].ljust(10, "2")))
            return str(phonenumbers.region_code_for_number(whole) or main)
    return ""
