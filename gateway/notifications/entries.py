"""Files of templates/ that list things by name: brands, places. Read without what sending needs, for who only draws or shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ValidationError

from gateway.errors import BadInput, Problem
from gateway.notifications import yamlfile
from gateway.notifications.brands import Brand, Look
from gateway.notifications.places import Place, Places
from gateway.notifications.schema import BrandSchema, PlaceSchema, SourceSchema

_Schema = TypeVar("_Schema", bound=BaseModel)


def read_brands(directory: Path) -> dict[str, Brand]:
    """The brands alone, for who draws and sends nothing. Raises BadInput."""
    problems: list[Problem] = []
    found = brands(directory / "brands.yaml", problems)
    if problems:
        raise BadInput(problems)
    return found


def read_places(directory: Path) -> Places:
    """The places alone. Raises BadInput."""
    problems: list[Problem] = []
    found = places(directory / "places.yaml", problems)
    if problems:
        raise BadInput(problems)
    return found


def brands(path: Path, problems: list[Problem]) -> dict[str, Brand]:
    made = {}
    for name, found in entries(path, BrandSchema, problems).items():
        if not is_zone(found.timezone):
            problems.append(Problem(f"{path.name}: {name}.timezone", "should be an IANA zone such as Europe/Amsterdam"))
        colours = found.colours.model_dump() if found.colours else {}
        look = Look(**colours, logo=found.logo or "")
        said = (found.name, found.language, found.timezone, found.support_url, found.unsigned_passes, found.rights_url or "")
        made[name] = Brand(name, *said, look, found.logo_url)
    return made


def places(path: Path, problems: list[Problem]) -> dict[str, Place]:
    made = {}
    for code, found in entries(path, PlaceSchema, problems).items():
        if found.timezone is not None and not is_zone(found.timezone):
            problems.append(Problem(f"{path.name}: {code}.timezone", "should be an IANA zone such as Europe/Amsterdam"))
        made[code] = Place(found.names, found.timezone, found.connection_minutes)
    return made


def sources(path: Path, problems: list[Problem]) -> dict[str, Mapping[str, str]]:
    return {name: found.names for name, found in entries(path, SourceSchema, problems).items()}


def checked(path: Path, where: str, schema: type[_Schema], problems: list[Problem]) -> _Schema | None:
    try:
        return schema.model_validate(yamlfile.read(path))
    except ValidationError as error:
        problems += readable(where, error)
    except ValueError as error:
        problems.append(Problem(where, str(error)))
    return None


def readable(where: str, error: ValidationError) -> list[Problem]:
    found = []
    for one in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in one["loc"])
        found.append(Problem(f"{where}: {field}" if field else where, one["msg"].removeprefix("Value error, ")))
    return found


def entries(path: Path, schema: type[_Schema], problems: list[Problem]) -> dict[str, _Schema]:
    """A file of name -> schema; a missing file is an empty one."""
    if not path.exists():
        return {}
    made = {}
    try:
        raw = yamlfile.read(path)
    except ValueError as error:
        problems.append(Problem(path.name, str(error)))
        return {}
    for name, value in raw.items():
        try:
            made[str(name)] = schema.model_validate(value)
        except ValidationError as error:
            problems += readable(f"{path.name}: {name}", error)
    return made


def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
