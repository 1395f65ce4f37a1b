"""Reads templates/ and checks that everything in it fits together; reports every problem in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from pydantic import BaseModel, ValidationError

from gateway.errors import BadInput, Problem
from gateway.model.event import EventType
from gateway.notifications import declare, yamlfile
from gateway.notifications.brands import Brand, Look
from gateway.notifications.expressions import Failure
from gateway.notifications.model import Notification
from gateway.notifications.moments import Moment, Moments
from gateway.notifications.moments import moment as make_moment
from gateway.notifications.moments_schema import MomentSchema
from gateway.notifications.places import Place, Places
from gateway.notifications.schema import BrandSchema, NotificationSchema, PlaceSchema, TextsSchema, WordingSchema
from gateway.notifications.texts import Texts
from gateway.notifications.wordings import Wording, Wordings

_LANGUAGE_FILE = re.compile(
    r"(?P<language>[a-z]{2,3}(_[A-Z]{2})?)(\.(?!v\d)(?P<brand>[a-z][a-z0-9]*))?(\.v(?P<version>\d{1,3}))?\.yaml"
)
_SPECIAL = frozenset({"wordings", "layouts", "logos"})
_Schema = TypeVar("_Schema", bound=BaseModel)


class Catalogue:
    """What `load` read: notifications, brands, places, wordings and moments."""

    def __init__(
        self,
        notifications: Mapping[str, Notification],
        brands: Mapping[str, Brand],
        places: Places,
        wordings: Wordings,
        moments: Moments | None = None,
    ) -> None:
        self._notifications = dict(notifications)
        self._by_event: dict[EventType, tuple[Notification, ...]] = {
            event: tuple(one for one in self._notifications.values() if one.event is event) for event in EventType
        }
        self.brands = brands
        self.places = places
        self.wordings = wordings
        self.moments = moments or Moments()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._notifications)

    def __iter__(self) -> Iterator[Notification]:
        return iter(self._notifications.values())

    def for_event(self, event: EventType) -> tuple[Notification, ...]:
        """Those that may apply to an event of this type; service messages belong to none."""
        return self._by_event[event]

    def get(self, name: str) -> Notification | None:
        return self._notifications.get(name)

    def ended_by(self, name: str) -> tuple[str, ...]:
        """The names of the notifications that this one makes pointless."""
        notification = self._notifications.get(name)
        return notification.ends if notification is not None else ()


def load(directory: Path, *, failed: Failure | None = None) -> Catalogue:
    """Read a templates directory.

    failed: told the notification and the class of error when a condition cannot be evaluated; default: a debug line
    raises: BadInput with every problem there is, each naming its file and field
    """
    problems: list[Problem] = []
    brands = _brands(directory / "brands.yaml", problems)
    places = _places(directory / "places.yaml", problems)
    wordings = _wordings(directory / "wordings", problems)
    moments = Moments(_moments(directory / "moments.yaml", problems), places)
    notifications: dict[str, Notification] = {}
    folders = sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []
    for folder in folders:
        if folder.name in _SPECIAL or folder.name.startswith((".", "_")):
            continue
        notification = _notification(folder, brands, places, failed or _log_failure, problems)
        if notification is not None:
            notifications[folder.name] = notification
    if not folders:
        wanted = "should be a directory with one folder a notification (GATEWAY_TEMPLATES_DIR; `templates` of where one stands)"
        problems.append(Problem(str(directory.resolve()), wanted))
    for one in notifications.values():
        for other in (*one.ends, *((one.substitute,) if one.substitute else ())):
            if not (directory / other / "notification.yaml").is_file():
                where = f"{one.name}/notification.yaml: ends or substitute"
                problems.append(Problem(where, f"no notification {other}"))
    if problems:
        raise BadInput(problems)
    return Catalogue(notifications, brands, places, wordings, moments)


def read_brands(directory: Path) -> dict[str, Brand]:
    """The brands alone, for who draws and sends nothing. Raises BadInput."""
    problems: list[Problem] = []
    brands = _brands(directory / "brands.yaml", problems)
    if problems:
        raise BadInput(problems)
    return brands


def read_places(directory: Path) -> Places:
    """The places alone. Raises BadInput."""
    problems: list[Problem] = []
    places = _places(directory / "places.yaml", problems)
    if problems:
        raise BadInput(problems)
    return places


def _log_failure(name: str, why: str) -> None:
    structlog.get_logger().debug("notification.condition_failed", notification=name, error=why)


def _checked(path: Path, where: str, schema: type[_Schema], problems: list[Problem]) -> _Schema | None:
    try:
        return schema.model_validate(yamlfile.read(path))
    except ValidationError as error:
        problems += _readable(where, error)
    except ValueError as error:
        problems.append(Problem(where, str(error)))
    return None


def _readable(where: str, error: ValidationError) -> list[Problem]:
    found = []
    for one in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in one["loc"])
        found.append(Problem(f"{where}: {field}" if field else where, one["msg"].removeprefix("Value error, ")))
    return found


def _notification(
    folder: Path, brands: Mapping[str, Brand], places: Places, failed: Failure, problems: list[Problem]
) -> Notification | None:
    where = f"{folder.name}/notification.yaml"
    declared = _checked(folder / "notification.yaml", where, NotificationSchema, problems)
    texts: list[Texts] = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name == "notification.yaml":
            continue
        here = f"{folder.name}/{path.name}"
        match = _LANGUAGE_FILE.fullmatch(path.name)
        if match is None:
            problems.append(Problem(here, "should be named <language>[.<brand>][.v<version>].yaml"))
            continue
        brand = match["brand"]
        if brand is not None and brand not in brands:
            problems.append(Problem(here, f"no brand {brand} in brands.yaml"))
        said = _checked(path, here, TextsSchema, problems)
        if said is not None and declared is not None:
            version = int(match["version"]) if match["version"] else declared.version
            if match["version"] and version >= declared.version:
                problems.append(Problem(here, f"an older version should be below {declared.version}"))
            texts.append(declare.texts(folder.name, declared, said, match["language"], brand, version, here))
    if declared is None:
        return None
    return declare.notification(folder.name, declared, tuple(texts), places, failed, where, problems)


def _brands(path: Path, problems: list[Problem]) -> dict[str, Brand]:
    brands = {}
    for name, found in _entries(path, BrandSchema, problems).items():
        if not _is_zone(found.timezone):
            problems.append(Problem(f"{path.name}: {name}.timezone", "should be an IANA zone such as Europe/Amsterdam"))
        if found.logo is not None and not (path.parent / found.logo).is_file():
            problems.append(Problem(f"{path.name}: {name}.logo", "no such file beside brands.yaml"))
        colours = found.colours.model_dump() if found.colours else {}
        look = Look(**colours, logo=found.logo or "")
        said = (found.name, found.language, found.timezone, found.support_url, found.unsigned_passes, found.rights_url or "")
        brands[name] = Brand(name, *said, look, found.logo_url)
    return brands


def _places(path: Path, problems: list[Problem]) -> dict[str, Place]:
    places = {}
    for code, found in _entries(path, PlaceSchema, problems).items():
        if found.timezone is not None and not _is_zone(found.timezone):
            problems.append(Problem(f"{path.name}: {code}.timezone", "should be an IANA zone such as Europe/Amsterdam"))
        places[code] = Place(found.names, found.timezone)
    return places


def _moments(path: Path, problems: list[Problem]) -> list[Moment]:
    entries = _entries(path, MomentSchema, problems).items()
    made = (make_moment(name, declared, f"{path.name}: {name}", problems) for name, declared in entries)
    return [one for one in made if one is not None]


def _wordings(folder: Path, problems: list[Problem]) -> Wordings:
    found = {}
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
        wording = _checked(path, f"wordings/{path.name}", WordingSchema, problems)
        if wording is not None:
            text = wording.text.strip()
            found[path.stem] = Wording(path.stem, wording.purpose, wording.language, wording.since, text)
    return Wordings(found)


def _entries(path: Path, schema: type[_Schema], problems: list[Problem]) -> dict[str, _Schema]:
    """A file of name -> schema; a missing file is an empty one."""
    if not path.exists():
        return {}
    entries = {}
    try:
        raw = yamlfile.read(path)
    except ValueError as error:
        problems.append(Problem(path.name, str(error)))
        return {}
    for name, value in raw.items():
        try:
            entries[str(name)] = schema.model_validate(value)
        except ValidationError as error:
            problems += _readable(f"{path.name}: {name}", error)
    return entries


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
