"""Reading parameters: the right kind, the allowed keys, the length; each refusal as Graph words it (code 100)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.messenger.errors import invalid, invalid_keys, too_long
from sandbox.store import Json

_WEB = re.compile(r"https?://[^\s/]+")


def thing(value: Any, path: str, allowed: tuple[str, ...] | None = None) -> Json:
    """An object (with none but these keys)."""
    if not isinstance(value, dict):
        raise invalid(f"Param {path} must be a JSON object")
    if allowed is not None and (unknown := [key for key in value if key not in allowed]):
        raise invalid_keys('", "'.join(unknown), path)
    return value


def text(value: Any, path: str, most: int) -> str:
    """A string of 1 to ``most`` characters."""
    if value is None or value == "":
        raise invalid(f"The parameter {path} is required")
    if not isinstance(value, str):
        raise invalid(f"Param {path} must be a string")
    if len(value) > most:
        raise too_long(path, most)
    return value


def maybe(value: Any, path: str, most: int) -> str | None:
    return None if value in (None, "") else text(value, path, most)


def url(value: Any, path: str) -> str:
    """An address on the web. Meta wants https with a valid certificate; here http is taken too."""
    if not isinstance(value, str) or not _WEB.match(value) or not urlsplit(value).hostname:
        raise invalid(f"Param {path} must be a valid URI")
    return value


def some(value: Any, path: str, least: int, most: int) -> list[Any]:
    """A list of ``least`` to ``most`` things."""
    if not isinstance(value, list):
        raise invalid(f"Param {path} must be an array")
    if not least <= len(value) <= most:
        raise invalid(f"Param {path} must have from {least} to {most} items - got {len(value)}")
    return value


def one_of(value: Any, path: str, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise invalid(f"Param {path} must be one of {{{', '.join(choices)}}} - got {str(value)[:40]!r}")
    return value


def truth(value: Any) -> bool:
    """A flag as JSON or as a form's word."""
    return value is True or str(value).lower() in ("true", "1")
