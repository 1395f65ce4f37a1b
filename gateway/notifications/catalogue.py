"""Reads templates/ and checks that everything in it fits together; reports every problem in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from gateway.errors import BadInput, Problem
from gateway.model.event import EventType
from gateway.notifications import declare, entries
from gateway.notifications.brands import Brand
from gateway.notifications.expressions import Failure
from gateway.notifications.model import Notification
from gateway.notifications.moments import Moment, Moments
from gateway.notifications.moments import moment as make_moment
from gateway.notifications.moments_schema import MomentSchema
from gateway.notifications.places import Places
from gateway.notifications.schema import NotificationSchema, TextsSchema, WordingSchema
from gateway.notifications.sources import Sources
from gateway.notifications.texts import Texts
from gateway.notifications.wordings import Wording, Wordings

_LANGUAGE_FILE = re.compile(
    r"(?P<language>[a-z]{2,3}(_[A-Z]{2})?)(\.(?!v\d)(?P<brand>[a-z][a-z0-9]*))?(\.v(?P<version>\d{1,3}))?\.yaml"
)
NOWHERE = "https://public-url-not-set.invalid"
_SPECIAL = frozenset({"wordings", "layouts", "logos"})


class Catalogue:
    """What `load` read: notifications, brands, places, sources, wordings and moments."""

    def __init__(
        self,
        notifications: Mapping[str, Notification],
        brands: Mapping[str, Brand],
        places: Places,
        wordings: Wordings,
        moments: Moments | None = None,
        sources: Sources | None = None,
    ) -> None:
        self._notifications = dict(notifications)
        self._by_event: dict[EventType, tuple[Notification, ...]] = {
            event: tuple(one for one in self._notifications.values() if one.event is event) for event in EventType
        }
        self.brands = brands
        self.places = places
        self.wordings = wordings
        self.moments = moments or Moments()
        self.sources = sources or {}

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

    def in_its_place(self, one: Notification) -> list[Notification]:
        """A notification, then whose templates are sent while none of its own can be: its substitute, that one's, and so on."""
        found = [one]
        while (other := self.get(found[-1].substitute or "")) is not None and other not in found:
            found.append(other)
        return found

    def ended_by(self, name: str) -> tuple[str, ...]:
        """The names of the notifications that this one makes pointless."""
        notification = self._notifications.get(name)
        return notification.ends if notification is not None else ()


def load(directory: Path, *, public: str = "", failed: Failure | None = None) -> Catalogue:
    """Read a templates directory.

    public: where people reach our own pages (GATEWAY_PUBLIC_URL), which buttons lead to; "" where nobody said
    failed: told the notification and the class of error when a condition cannot be evaluated; default: a debug line
    raises: BadInput with every problem there is, each naming its file and field
    """
    problems: list[Problem] = []
    brands = entries.brands(directory / "brands.yaml", problems)
    places = entries.places(directory / "places.yaml", problems)
    sources = entries.sources(directory / "sources.yaml", problems)
    wordings = _wordings(directory / "wordings", problems)
    moments = Moments(_moments(directory / "moments.yaml", problems), places)
    notifications: dict[str, Notification] = {}
    folders = sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []
    for folder in folders:
        if folder.name in _SPECIAL or folder.name.startswith((".", "_")):
            continue
        notification = _notification(folder, brands, places, failed or _log_failure, problems, public or NOWHERE)
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
    return Catalogue(notifications, brands, places, wordings, moments, sources)


def _log_failure(name: str, why: str) -> None:
    structlog.get_logger().debug("notification.condition_failed", notification=name, error=why)


def _notification(
    folder: Path, brands: Mapping[str, Brand], places: Places, failed: Failure, problems: list[Problem], public: str
) -> Notification | None:
    where = f"{folder.name}/notification.yaml"
    declared = entries.checked(folder / "notification.yaml", where, NotificationSchema, problems)
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
        said = entries.checked(path, here, TextsSchema, problems)
        if said is not None and declared is not None:
            version = int(match["version"]) if match["version"] else declared.version
            if match["version"] and version >= declared.version:
                problems.append(Problem(here, f"an older version should be below {declared.version}"))
            texts.append(declare.texts(folder.name, declared, said, match["language"], brand, version, here))
    if declared is None:
        return None
    return declare.notification(folder.name, declared, tuple(texts), places, failed, where, problems, public)


def _moments(path: Path, problems: list[Problem]) -> list[Moment]:
    found = entries.entries(path, MomentSchema, problems).items()
    made = (make_moment(name, declared, f"{path.name}: {name}", problems) for name, declared in found)
    return [one for one in made if one is not None]


def _wordings(folder: Path, problems: list[Problem]) -> Wordings:
    found = {}
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
        wording = entries.checked(path, f"wordings/{path.name}", WordingSchema, problems)
        if wording is not None:
            text = wording.text.strip()
            found[path.stem] = Wording(path.stem, wording.purpose, wording.language, wording.since, text)
    return Wordings(found)
