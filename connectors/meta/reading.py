"""Values out of JSON that nobody has vouched for: each accessor is total, or raises `Unreadable` with a path.

Strings lose what no store or later encoder can hold: halves of surrogate pairs and NUL become U+FFFD.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 32
"""Meta's deepest webhook has about twelve levels."""

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_S_BEFORE_MS = 10**11
"""Below this a timestamp counts seconds (the year 5138), above it milliseconds (since 1973)."""


class Unreadable(ValueError):
    """where: a JSON path below the caller's; why: what is wrong, without the value."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


def load(raw: bytes, *, max_bytes: int) -> Any:
    """Parse a body. Of a key given twice the last counts. Raises Unreadable."""
    if len(raw) > max_bytes:
        raise Unreadable("$", f"longer than {max_bytes} bytes")
    try:
        return json.loads(raw)
    except RecursionError:
        raise Unreadable("$", "nested too deeply") from None
    except ValueError:
        # Broken JSON, broken UTF-8, or a number with thousands of digits.
        raise Unreadable("$", "not JSON") from None


def check_depth(value: Any, where: str) -> None:
    """Refuse what is nested deeper than anything Meta sends, before code that recurses meets it."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return
        level = below
    raise Unreadable(where, "nested too deeply")


def dump(value: Any) -> bytes:
    """The item as JSON again, to be kept; empty when it is too deep for that."""
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except (RecursionError, ValueError):
        return b""


def obj(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(where, "not an object")
    return value


def maybe_obj(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: Any, where: str) -> list[Any]:
    """A list; missing or null counts as empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(where, "not a list")
    return value


def maybe_listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def maybe_text(value: Any) -> str:
    """A string, or a whole number as its digits (ids come as both); "" for anything else."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return ""


def text(value: Any, where: str) -> str:
    found = maybe_text(value)
    if not found:
        raise Unreadable(where, "missing or not a text")
    return found


def word(value: Any) -> str:
    """A word of the channel's own vocabulary, safe in a log or a metric; "?" for what does not look like one."""
    found = maybe_text(value)
    return found if _WORD.fullmatch(found) else "?"


def maybe_int(value: Any) -> int | None:
    """A whole number, also when written as a text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value.strip()):
        return int(value.strip())
    return None


def maybe_stamp_ms(value: Any) -> int | None:
    """A time in s or ms since 1970, as number or text, in ms; None when it is no time."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}\.[0-9]{1,9}", value.strip()):
        value = float(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value * 1000) if 0 < value < _S_BEFORE_MS else int(value)
    number = maybe_int(value)
    if number is None or not 0 < number < _S_BEFORE_MS * 1000:
        return None
    return number * 1000 if number < _S_BEFORE_MS else number


def stamp_ms(value: Any, where: str) -> int:
    found = maybe_stamp_ms(value)
    if found is None:
        raise Unreadable(where, "not a time in seconds or milliseconds")
    return found


def _clean(value: str) -> str:
    if value.isascii():
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\x00", "\ufffd")
