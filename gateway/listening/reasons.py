"""Reads `reasons.yaml`: why people write, in two levels. Every problem is named with its place in the file."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import BadInput, Problem
from gateway.listening.lists import LANGUAGES
from gateway.model.webcare import Reason
from gateway.rules.phrases import parse

FILE = Path(__file__).resolve().parents[2] / "reasons.yaml"
"""What comes with the program: reasons of travellers, of who ordered something, of who is without power."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
GROUPS_MAX = 12
REASONS_MAX = 8
_CODE = r"^[a-z][a-z0-9_]{1,31}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Row(_Strict):
    code: Annotated[str, Field(pattern=_CODE)]
    label: dict[str, str]


class _ReasonRow(_Row):
    shortcut: Annotated[str, Field(pattern=r"^[a-z]{3}$")]
    words: dict[str, list[str]] = {}


class _GroupRow(_Row):
    reasons: Annotated[list[_ReasonRow], Field(min_length=1, max_length=REASONS_MAX)]


class _File(_Strict):
    owner: Annotated[str, Field(min_length=1)]
    groups: Annotated[list[_GroupRow], Field(min_length=1, max_length=GROUPS_MAX)]


def load(path: Path = FILE) -> tuple[Reason, ...]:
    """The groups, each followed by its reasons. A group is a Reason without parent, shortcut and words: nobody chooses it.

    raises: BadInput
    """
    try:
        raw: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = f"should be a YAML file of reasons; it cannot be read ({type(error).__name__})"
        raise BadInput([Problem(str(path), said)]) from None
    try:
        read = _File.model_validate(raw)
    except ValidationError as error:
        raise BadInput([_problem(path.name, one["loc"], one["msg"]) for one in error.errors(include_input=False)]) from None
    problems = _wrong(path.name, read)
    if problems:
        raise BadInput(problems)
    return tuple(_reasons(read))


def _reasons(read: _File) -> list[Reason]:
    found: list[Reason] = []
    for group in read.groups:
        found.append(Reason(group.code, "", group.label, ""))
        for row in group.reasons:
            words = {language: tuple(lines) for language, lines in row.words.items()}
            found.append(Reason(row.code, group.code, row.label, row.shortcut, words))
    return found


def _problem(name: str, place: tuple[int | str, ...], message: str) -> Problem:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return Problem(f"{name}{path}", message[:1].lower() + message[1:])


def _wrong(name: str, read: _File) -> list[Problem]:
    """What the shapes do not say: each code and shortcut once, a label in each language, phrases that are understood."""
    problems: list[Problem] = []
    rows = [row for group in read.groups for row in group.reasons]
    codes = Counter([group.code for group in read.groups] + [row.code for row in rows])
    shortcuts = Counter(row.shortcut for row in rows)
    problems += [Problem(f"{name}: {code}", "stands there more than once") for code, count in codes.items() if count > 1]
    problems += [
        Problem(f"{name}: shortcut {one}", "is given to more than one reason") for one, count in shortcuts.items() if count > 1
    ]
    entries: list[_Row] = [*read.groups, *rows]
    for entry in entries:
        missing = [language for language in LANGUAGES if not entry.label.get(language, "").strip()]
        if missing or set(entry.label) - set(LANGUAGES):
            problems.append(Problem(f"{name}: {entry.code}.label", f"should have exactly {', '.join(LANGUAGES)}"))
    for row in rows:
        for language, lines in row.words.items():
            where = f"{name}: {row.code}.words.{language}"
            if language not in LANGUAGES:
                problems.append(Problem(where, f"should be one of {', '.join(LANGUAGES)}"))
            for line in lines:
                try:
                    parse(row.code, re.sub(r"\s+", " ", line.strip()))
                except BadInput as error:
                    problems += [Problem(where, f"{one.field!r} {one.message}") for one in error.problems]
    return problems
