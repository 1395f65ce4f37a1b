"""Nested ``fields`` of a Graph query: ``id,messages.limit(2){id,from}``."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.messenger.errors import invalid


@dataclass
class Field:
    """``limit``: from ``.limit(n)``, None when not said; ``inner``: what stands in braces."""

    name: str
    limit: int | None = None
    inner: list[Field] = field(default_factory=list)


def parse(asked: str, depth: int = 0) -> list[Field]:
    """raises: 100 for brackets that do not match or go too deep"""
    if depth > 4:
        raise invalid("Syntax error: fields are nested too deeply")
    return [_one(part, depth) for part in _split(asked)]


def _split(asked: str) -> list[str]:
    parts, level, start = [], 0, 0
    for place, char in enumerate(asked):
        level += (char in "{(") - (char in "})")
        if level < 0:
            raise invalid('Syntax error "Unexpected end of brackets" in fields')
        if char == "," and level == 0:
            parts.append(asked[start:place])
            start = place + 1
    if level:
        raise invalid('Syntax error "Expected end of string" in fields')
    return [part.strip() for part in [*parts, asked[start:]] if part.strip()]


def _one(part: str, depth: int) -> Field:
    head, brace, rest = part.partition("{")
    found = Field(head.split(".", 1)[0].strip())
    for modifier in head.split(".")[1:]:
        if modifier.startswith("limit(") and modifier.rstrip(") ")[6:].isdigit():
            found.limit = int(modifier.rstrip(") ")[6:])
    if brace:
        found.inner = parse(rest.rstrip()[:-1], depth + 1)
    return found
