"""What is wrong in a body, as paths and what should stand there: `data.recipients[0].addresses[0].to`. Never a value.

A name that the caller chose (a key of a map) is a value too: only names of our own schemas and language tags are shown.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, WithJsonSchema

from gateway.errors import BadInput, Problem


def _moment_ms(value: object) -> object:
    """An RFC 3339 time with its offset as ms since the epoch."""
    if not isinstance(value, str):
        raise ValueError("should be a time with its offset, such as 2026-11-22T10:55:00+01:00")
    return instant_of(aware(value))


def aware(value: str) -> str:
    """A time with its offset, of a year that can be meant. Raises ValueError saying what it should be."""
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("should be a time with its offset, such as 2026-11-22T10:55:00+01:00") from None
    if parsed.tzinfo is None:
        raise ValueError("needs its offset from UTC, such as +01:00 or Z")
    if not 1990 <= parsed.year <= 2200:
        raise ValueError("should lie between the years 1990 and 2200")
    return value


def instant_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("should be an IANA time zone such as Europe/Amsterdam") from None
    return value


def printable(value: str) -> str:
    if not value.strip() or any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in value):
        raise ValueError("should hold something to read, on one line")
    return value


Time = Annotated[str, AfterValidator(aware)]
Zone = Annotated[str, AfterValidator(zone)]
Short = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Brand = Word
Moment = Annotated[int, BeforeValidator(_moment_ms), WithJsonSchema({"type": "string", "format": "date-time"})]
"""Written as an RFC 3339 time, read as ms since the epoch."""

MOST = 50
"""How many problems of one body are told: whoever has more mends these first."""

BODY_MAX = 256 * 1024

Model = TypeVar("Model", bound=BaseModel)

_OURS = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_LANGUAGE = re.compile(r"[a-z]{2}([-_][A-Z]{2})?")


def path_of(loc: Sequence[int | str], names: frozenset[str], prefix: str = "") -> str:
    """A place in a JSON body. names: of our own schemas; anything else becomes `*`."""
    path = prefix
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            shown = step if step in names or _LANGUAGE.fullmatch(step) else "*"
            path += f".{shown}" if path else shown
    return path


def problems_of(error: ValidationError, names: frozenset[str], prefix: str = "") -> list[Problem]:
    """Every problem pydantic found, in words without the input, at most `MOST`."""
    found = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:MOST]:
        message = one["msg"].removeprefix("Value error, ")
        match one["type"]:
            case "missing":
                message = "is missing"
            case "extra_forbidden":
                message = "is no field that is known here"
            case "string_pattern_mismatch":
                message = f"should {message.removeprefix('String should ')}"
        message = message.removeprefix("Input ").removeprefix("String ").removeprefix("List ")
        found.append(Problem(path_of(one["loc"], names, prefix) or prefix or "body", message))
    return found


def names_of(model: type[BaseModel]) -> frozenset[str]:
    """Every field name of a model and of what it is made of, as callers write them."""
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}) if _OURS.fullmatch(name))


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


async def body_of(request: web.Request, model: type[Model]) -> Model:
    """The body of a request as its model. Raises BadInput naming every field that is wrong."""
    if (request.content_length or 0) > BODY_MAX:
        raise BadInput([Problem("body", f"should be at most {BODY_MAX // 1024} KiB")])
    try:
        value = json.loads(await request.read() or b"{}", object_pairs_hook=no_duplicates)
    except (ValueError, RecursionError):
        raise BadInput([Problem("body", "should be a JSON object in which no name stands twice")]) from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise BadInput(problems_of(error, names_of(model))) from None
