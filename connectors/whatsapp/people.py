"""How WhatsApp names a person: a phone number, and since April 2026 a business-scoped user id (BSUID).

Source: Meta, "Business-scoped user IDs", June 2026. A BSUID is "CC." and up to 128 letters and digits, one for each
person and business portfolio; with "CC.ENT." it is a parent id, across enrolled portfolios. People who took a user
name may show no phone number at all, and some senders of webhooks put a BSUID where a phone number is expected: the
dot tells.
"""

from __future__ import annotations

import re

import phonenumbers

from connectors.meta.reading import maybe_text
from gateway.errors import BadInput, Problem
from gateway.model.contact import Identifier
from gateway.model.personal import Personal

PHONE = "phone"
USER_ID = "user_id"
PARENT_USER_ID = "parent_user_id"

_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_DIGITS = re.compile(r"\+?([0-9]{5,17})")
_ORDER = (USER_ID, PHONE, PARENT_USER_ID)


def identify(to: str, scope: str) -> Identifier:
    """An address as a source writes it: a phone number with + and country code, or a BSUID of the portfolio `scope`.

    Whether a number is in service is not asked, only whether it has a possible length for its country: ranges that
    numbering plans reserve for fiction are as welcome as new ones the library does not know.

    raises: BadInput, without the value
    """
    given = to.strip()
    user = _user_id(given, scope)
    if user is not None:
        return user
    if not given.startswith("+"):
        raise _bad("should be a phone number with + and country code, or a business-scoped user id such as GB.1234")
    if len(given) > 40 or any(char.isalpha() for char in given):
        raise _bad("should hold digits, with spaces, dashes, dots or brackets at most")
    try:
        number = phonenumbers.parse(given, None)
    except phonenumbers.NumberParseException:
        raise _bad("should begin with + and a country code that exists") from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if number.extension or reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise _bad("should have as many digits as numbers of its country have")
    return Identifier(PHONE, "", Personal(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)))


def named(*values: object) -> tuple[Identifier, ...]:
    """The identifiers among some fields of an answer or webhook, each once; the user id first, as it stays the longest.

    The scope of a user id is left "": a webhook does not name the portfolio, the caller knows its sender's.
    """
    found: dict[tuple[str, str], Identifier] = {}
    for value in values:
        identifier = _identifier(maybe_text(value).strip())
        if identifier is not None:
            found.setdefault((identifier.kind, identifier.value.reveal()), identifier)
    return tuple(sorted(found.values(), key=lambda identifier: _ORDER.index(identifier.kind)))


def _identifier(text: str) -> Identifier | None:
    digits = _DIGITS.fullmatch(text)
    if digits:
        return Identifier(PHONE, "", Personal(f"+{digits[1]}"))
    return _user_id(text, "")


def _user_id(text: str, scope: str) -> Identifier | None:
    match = _BSUID.fullmatch(text)
    if match is None:
        return None
    return Identifier(PARENT_USER_ID if match[1] else USER_ID, scope, Personal(text))


def _bad(message: str) -> BadInput:
    return BadInput([Problem("to", message)])
