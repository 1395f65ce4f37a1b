"""How Messenger names a person: a page-scoped id (PSID), another one on every Page, unknown until they write.

Source: Meta, "Send a Message", 5 May 2026: a numeric string of 16 or 17 digits today, never to be handled as a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.meta.reading import maybe_text
from gateway.errors import BadInput, CannotRender, Problem
from gateway.model.contact import Identifier
from gateway.model.personal import Personal

PSID = "psid"

_PSID = re.compile(r"(?:psid:)?([0-9]{10,20})")
"""Sources may say what kind of id it is: psid:3141592653589793."""
_ID = re.compile(r"[0-9]{1,25}")
"""In webhooks and answers, where Meta vouches for it (the test button of its dashboard sends five digits)."""


def identify(to: str, scope: str) -> Identifier:
    """A PSID of the Page `scope`.

    raises: BadInput, without the value
    """
    given = _PSID.fullmatch(to.strip())
    if given is None:
        raise BadInput([Problem("to", "should be a page-scoped id: the 10 to 20 digits by which Messenger names a person")])
    if not scope:
        raise BadInput([Problem("to", "should stand with the Page it belongs to: another Page knows the person by another id")])
    return Identifier(PSID, scope, Personal(given[1]))


def named(page: str, value: object) -> tuple[Identifier, ...]:
    """The person in a field of an answer or webhook, or nobody. page: "" where it is not named; the caller knows it."""
    found = maybe_text(value).strip()
    return (Identifier(PSID, page, Personal(found)),) if _ID.fullmatch(found) else ()


def recipient(identifiers: Sequence[tuple[str, Personal]]) -> dict[str, str]:
    """The `recipient` of a request."""
    for kind, value in identifiers:
        if kind == PSID:
            return {"id": value.reveal()}
    raise CannotRender("the address has no page-scoped id")
