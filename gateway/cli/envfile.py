"""Writes settings into `.env`: keeps every other line, its order and its comments; nobody else may read the file (0600)."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from gateway.errors import GatewayError

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./|-]*")
_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Z][A-Z0-9_]*)\s*=")
_HIDDEN = re.compile(r"SECRET|TOKEN|KEY")


def read(path: Path) -> dict[str, str]:
    """What the file says, as the settings read it. {} without a file."""
    if not path.is_file():
        return {}
    return {name: value or "" for name, value in dotenv_values(path).items()}


def merged(text: str, values: Mapping[str, str]) -> str:
    """The file's text with these values. A name's last line takes the value (it is the one that counts), others are added.

    raises: GatewayError for a value that no line can hold
    """
    lines = text.removesuffix("\n").split("\n") if text else []  # not splitlines: a form feed ends no line of this file
    left = dict(values)
    for place in range(len(lines) - 1, -1, -1):
        found = _LINE.match(lines[place])
        if found and found["name"] in left:
            lines[place] = f"{found['name']}={_quoted(found['name'], left.pop(found['name']))}"
    if left and lines and lines[-1].strip():
        lines.append("")
    lines += [f"{name}={_quoted(name, value)}" for name, value in left.items()]
    return "\n".join(lines) + "\n"


def write(path: Path, values: Mapping[str, str]) -> None:
    """Put the values into the file at once or not at all; 0600 afterwards. raises: GatewayError"""
    path = path.resolve()  # a link keeps pointing at the file
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        fresh = merged(text, values)
        descriptor, name = tempfile.mkstemp(prefix=".env.", dir=path.parent)  # made 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        mend = "mend its rights, or write the lines yourself"
        raise GatewayError(f"{path} cannot be written ({error.strerror}): {mend}") from error


def shown(name: str, value: str) -> str:
    """The line for people; a secret's value is left to them."""
    return f"{name}=<what you typed>" if _HIDDEN.search(name) else f"{name}={value}"


def _quoted(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if not value.isprintable() or any(mark in value for mark in ("\\", "'", "${")):
        what = "a control character, a backslash, a quote or ${ cannot stand in .env"
        raise GatewayError(f"{name}: {what}; set it in the environment")
    return f"'{value}'"
