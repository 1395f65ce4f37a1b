"""Canned answers: what agents say often, as data that somebody without Python keeps.

`canned/<name>.yaml`: `title` by language, `texts` by language with {first_name} and {agent} where they stand, `words` to find it
by, `brands` where it is for some alone. An agent types "/" and picks one; it stands in the box as their own words, to be changed
and sent by them. In the language of the customer where it has one, else in English, else in whichever it has.

A macro is one that says too what follows once it was sent: `then: finish` with a `reason`, or `then: park` for `minutes`. The
page shows what will follow, and the agent may take it off; it is done by the same commands as by hand, and refused like them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from gateway.errors import SettingsError

PLACES = frozenset({"first_name", "agent"})
_PLACE = re.compile(r"\{(\w*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]


class CannedSchema(BaseModel):
    """One file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: dict[Language, Annotated[str, StringConstraints(min_length=1, max_length=80)]] = Field(min_length=1)
    texts: dict[Language, Words] = Field(min_length=1)
    words: str = ""
    brands: list[str] = Field(default_factory=list)
    then: Literal["", "finish", "park"] = ""
    reason: Annotated[str, StringConstraints(pattern=r"^[\w.-]{0,64}$")] = ""
    minutes: Annotated[int, Field(ge=0, le=14 * 24 * 60)] = 0

    @model_validator(mode="after")
    def _follows(self) -> CannedSchema:
        if (self.then == "park") != bool(self.minutes):
            raise ValueError("park and minutes go together")
        if self.reason and self.then != "finish":
            raise ValueError("a reason is given with `then: finish`")
        return self


@dataclass(frozen=True, slots=True)
class Canned:
    """then: what follows once it was sent: finish (with `reason`, "" asks for it), park (for `minutes`), "" nothing"""

    name: str
    title: Mapping[str, str]
    texts: Mapping[str, str]
    words: str
    brands: frozenset[str]
    then: str = ""
    reason: str = ""
    minutes: int = 0

    def said(self, language: str, first_name: str, agent: str) -> tuple[str, str]:
        """(its language, its words for this customer); what is not known leaves no gap behind: ", ?" goes with its comma"""
        known = next((one for one in (language[:2], "en") if one in self.texts), next(iter(self.texts)))
        return known, fill(self.texts[known], first_name, agent)


def fill(text: str, first_name: str, agent: str) -> str:
    """{first_name} and {agent} filled in; what is not known leaves no gap behind. Other braces stay: somebody typed them."""
    if not first_name:
        text = re.sub(r",? ?\{first_name\}", "", text)
    return _PLACE.sub(lambda found: {"first_name": first_name, "agent": agent}.get(found[1], found[0]), text)


def places_of(text: str) -> list[str]:
    """The names between braces, whether there are such places or not."""
    return _PLACE.findall(text)


def load(folder: Path) -> tuple[Canned, ...]:
    """All of a folder, by name; none where there is no folder. Raises SettingsError with every problem of every file."""
    found, problems = [], []
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
        try:
            one = CannedSchema.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError):
            problems.append(f"{path.name}: is no YAML")
            continue
        except ValidationError as error:
            problems += [f"{path.name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            continue
        unknown = {place for text in one.texts.values() for place in _PLACE.findall(text)} - PLACES
        if unknown or not _NAME.fullmatch(path.stem):
            what = f"{{{sorted(unknown)[0]}}} is no place: {', '.join(sorted(PLACES))}" if unknown else "a name is a-z, 0-9 and _"
            problems.append(f"{path.name}: {what}")
            continue
        brands = frozenset(one.brands)
        found.append(Canned(path.stem, one.title, one.texts, one.words, brands, one.then, one.reason, one.minutes))
    if problems:
        raise SettingsError(problems)
    return tuple(found)


def for_page(
    canned: tuple[Canned, ...], *, brand: str, language: str, first_name: str, agent: str, locale: str
) -> list[dict[str, Any]]:
    """Those of a brand, filled in for one customer: name, title in the agent's language, text and its language, words."""
    rows = []
    for one in canned:
        if one.brands and brand not in one.brands:
            continue
        known, text = one.said(language, first_name, agent)
        title = one.title.get(locale) or one.title.get("en") or next(iter(one.title.values()))
        follows = {"then": one.then, "reason": one.reason, "minutes": one.minutes} if one.then else None
        rows.append({"name": one.name, "title": title, "text": text, "language": known, "words": one.words, "follows": follows})
    return rows
