"""The fields of a command's body, read and checked. Each raises BadInput that names its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.errors import BadInput, Problem
from gateway.model.ids import MessageId, is_id
from gateway.model.personal import Personal

NOTE_MAX = 4000
_UNSAYABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_KEY = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_WORD = re.compile(r"[\w.-]{1,64}", re.ASCII)


def key_of(key: str | None) -> str:
    """The Idempotency-Key header."""
    if key is None or not _KEY.fullmatch(key):
        raise BadInput([Problem("Idempotency-Key", "should be 1 to 64 letters, digits or . : - _, new for each intention")])
    return key


def whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadInput([Problem(name, "should be a whole number, as the conversation shows it")])
    return value


def seen(body: Mapping[str, Any]) -> int | None:
    """How often the contact had written when this was decided, where that was said."""
    return whole(body, "inbound") if body.get("inbound") is not None else None


def between(body: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadInput([Problem(name, f"should be a whole number from {least} to {most}")])
    return value


def sayable(text: str) -> str:
    """Without what nobody typed and no channel carries: control characters, and halves of a letter that was cut in two."""
    return _UNSAYABLE.sub("", text)


def words(body: Mapping[str, Any], most: int, name: str = "text", *, empty: bool = False) -> Personal:
    """empty: there may be none"""
    value = body.get(name)
    if empty and (value is None or value == ""):
        return Personal("")
    value = sayable(value) if isinstance(value, str) else ""
    if not value.strip():
        raise BadInput([Problem(name, "should not be empty")])
    if len(value) > most:
        raise BadInput([Problem(name, f"should be at most {most} characters; it has {len(value)}")])
    return Personal(value.strip())


def word(body: Mapping[str, Any], name: str, what: str) -> str:
    """what: of which it is one, for whoever reads the refusal"""
    value = body.get(name)
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise BadInput([Problem(name, f"should be {what}")])
    return value


def message(body: Mapping[str, Any], name: str = "message") -> MessageId:
    value = body.get(name)
    if not isinstance(value, str) or not is_id(value, "m"):
        raise BadInput([Problem(name, "should be the id of a message of ours in this conversation")])
    return MessageId(value)
