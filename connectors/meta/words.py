"""Small checks of what a rendered content says: lengths, sound Unicode."""

from __future__ import annotations

from gateway.errors import CannotRender
from gateway.model.personal import Personal


def sound(text: str, what: str) -> str:
    """A text that can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CannotRender(f"{what} holds half a character") from None
    return text


def filled(text: str, limit: int, what: str) -> str:
    """1..limit characters, not only spaces."""
    if not text or text.isspace():
        raise CannotRender(f"{what} is empty")
    if len(text) > limit:
        raise CannotRender(f"{what} has {len(text)} characters, at most {limit} are possible")
    return text if text.isascii() else sound(text, what)


def required(value: Personal, what: str) -> str:
    if not value:
        raise CannotRender(f"the id of {what} is missing")
    return sound(value.reveal(), what)
