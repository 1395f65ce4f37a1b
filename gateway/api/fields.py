"""What is wrong in a body, as paths and what should stand there: `data.recipients[0].addresses[0].to`. Never a value.

A name that the caller chose (a key of a map) is a value too: only names of our own schemas and language tags are shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.errors import BadInput, Problem

MOST = 50
"""How many problems of one body are told: whoever has more mends these first."""

BODY_MAX = 256 * 1024

Model = TypeVar("Model", bound=BaseModel)

_OURS = re.compile(r"[A-Za-z][A-Za-z0-9]{0,40}")
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
