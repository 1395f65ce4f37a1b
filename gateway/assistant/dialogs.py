"""Dialogs: questions that are asked before a person comes, as data (`dialogs/*.yaml`), read and checked whole.

    about: Something was left behind on a train.
    brands: [exr]                      # none: every brand
    begins: {en: ["left/lost .. train"], nl: [...], de: [...], fr: [...]}      # phrases, as rules/phrases.py reads them
    steps:
      begin:
        say: {en: "What did you lose?", nl: ..., de: ..., fr: ...}
        card: What                     # under which name the answer stands on the card
        buttons:                       # up to three are buttons, up to ten a list
          bag: {label: {en: A bag, ...}, go: when}
      when: {say: {...}, card: When, go: done}      # no buttons: any words are the answer
      done: {say: {...}, end: person}  # person: they wait for one; done: nobody is needed, "did this help?"

`document: true` beside `go` takes a picture or file as the answer: an identity document, which is deleted a day after it came.
`person` leaves at any step, and so do two answers in a row that are not understood. What is refused: a text that is missing in a
language or is longer than a channel takes, a step that leads nowhere or that nothing leads to, and going round in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.assistant.lines import LANGUAGES
from gateway.errors import BadInput, Problem
from gateway.rules.phrases import Phrase, Phrasebook, parse

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FOLDER = Path(__file__).resolve().parents[2] / "dialogs"
"""What comes with the program."""
BEGIN, PERSON, DONE = "begin", "person", "done"
LABEL_MAX, TEXT_MAX, ROWS_MAX = 20, 800, 10

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _ButtonIn(_In):
    label: dict[str, str]
    go: Name


class _StepIn(_In):
    say: dict[str, str]
    card: Annotated[str, Field(max_length=40)] = ""
    buttons: Annotated[dict[Name, _ButtonIn], Field(max_length=ROWS_MAX)] = Field(default_factory=dict)
    go: Name | None = None
    document: bool = False
    end: Literal["person", "done"] | None = None


class _DialogIn(_In):
    about: str
    brands: list[str] = Field(default_factory=list)
    begins: dict[str, list[str]]
    steps: dict[Name, _StepIn]


@dataclass(frozen=True, slots=True)
class Choice:
    label: Mapping[str, str]
    go: str


@dataclass(frozen=True, slots=True)
class Step:
    """say: by language; card: the answer's name there, "" it is not kept; go: where any words lead; end: person, done, ""

    document: a picture or file of theirs is an answer too, and shows who they are: it is deleted a day after it came
    """

    say: Mapping[str, str]
    card: str = ""
    buttons: Mapping[str, Choice] = field(default_factory=dict)
    go: str = ""
    end: str = ""
    document: bool = False

    def nexts(self) -> list[str]:
        return [one.go for one in self.buttons.values()] + ([self.go] if self.go else [])


@dataclass(frozen=True, slots=True)
class Dialog:
    name: str
    about: str
    brands: frozenset[str]
    steps: Mapping[str, Step]


class Dialogs:
    """All dialogs of a house, and which words begin them."""

    def __init__(self, dialogs: Mapping[str, Dialog], phrases: list[Phrase]) -> None:
        self.named = dialogs
        self._book = Phrasebook(phrases)

    def begun(self, text: str, brand: str) -> Dialog | None:
        """The dialog that a message begins; None: none, or several as well."""
        found = {hit.phrase.kind for hit in self._book.find(text)}
        meant = [self.named[name] for name in found if not self.named[name].brands or brand in self.named[name].brands]
        return meant[0] if len(meant) == 1 else None


NONE = Dialogs({}, [])


def folder_of(words_dir: Path | None) -> Path:
    """Where a house's dialogs lie: its own folder, else those that come with the program. words_dir: GATEWAY_WORDS_DIR"""
    own = words_dir / "dialogs" if words_dir is not None else FOLDER
    return own if own.is_dir() else FOLDER


def load(folder: Path = FOLDER) -> Dialogs:
    """Every dialog of a folder. Raises BadInput with every problem, by file and place."""
    problems: list[Problem] = []
    dialogs: dict[str, Dialog] = {}
    phrases: list[Phrase] = []
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
        try:
            raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            problems.append(Problem(path.name, f"cannot be read ({type(error).__name__})"))
            continue
        dialog, begins, wrong = dialog_of(path.stem, raw)
        problems += wrong
        if dialog is not None:
            dialogs[path.stem] = dialog
            phrases += begins
    if problems:
        raise BadInput(problems)
    return Dialogs(dialogs, phrases)


def dialog_of(name: str, raw: Any) -> tuple[Dialog | None, list[Phrase], list[Problem]]:
    """(the dialog, what begins it, every problem); no dialog where there is a problem."""
    try:
        given = _DialogIn.model_validate(raw)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        return None, [], [Problem(".".join([name, *(str(one) for one in each["loc"])]), each["msg"]) for each in wrong]
    problems: list[Problem] = []
    phrases: list[Phrase] = []
    for language, listed in given.begins.items():
        for line in listed:
            try:
                phrases.append(parse(name, line))
            except BadInput as error:
                problems += [Problem(f"{name}.begins.{language}", one.message) for one in error.problems]
    if set(given.begins) != set(LANGUAGES):
        problems.append(Problem(f"{name}.begins", f"should have phrases in {', '.join(LANGUAGES)}"))
    steps = {
        place: Step(
            one.say, one.card, {key: Choice(each.label, each.go) for key, each in one.buttons.items()}, one.go or "",
            one.end or "", one.document,
        )
        for place, one in given.steps.items()
    }
    problems += [Problem(f"{name}.steps.{place}", what) for place, one in steps.items() for what in _texts(one)]
    problems += [Problem(f"{name}.steps.{place}", what) for place, what in _ways(steps)]
    dialog = Dialog(name, given.about, frozenset(given.brands), steps)
    return (None, [], problems) if problems else (dialog, phrases, [])


def _texts(step: Step) -> Iterator[str]:
    for what, texts, longest in (
        ("say", step.say, TEXT_MAX), *((f"buttons.{key}.label", one.label, LABEL_MAX) for key, one in step.buttons.items())
    ):  # fmt: skip
        if set(texts) != set(LANGUAGES):
            yield f"{what}: should be there in {', '.join(LANGUAGES)}"
        for language, text in texts.items():
            if not text.strip() or len(text) > longest:
                yield f"{what}.{language}: should have 1 to {longest} characters; it has {len(text)}"
    for language in LANGUAGES:
        labels = [one.label.get(language, "").casefold() for one in step.buttons.values()]
        if len(set(labels)) < len(labels):
            yield f"buttons: two have the same label in {language}"


def _ways(steps: Mapping[str, Step]) -> Iterator[tuple[str, str]]:
    """What is wrong with where steps lead."""
    if BEGIN not in steps:
        yield BEGIN, "should be there: it is where a dialog begins"
        return
    for place, step in steps.items():
        if sum((bool(step.buttons), bool(step.go), bool(step.end))) != 1:
            yield place, "should have buttons, or go (any words lead there), or end: one of these"
        if step.document and not step.go:
            yield place, "asks for a document and should have go: where it leads"
        for missing in sorted(set(step.nexts()) - set(steps)):
            yield place, f"leads to {missing!r}, which is no step"
    seen: set[str] = set()
    around: set[str] = set()

    def walk(place: str, before: tuple[str, ...]) -> None:
        if place in before:
            around.add(place)
        elif place in steps and place not in seen:
            for following in steps[place].nexts():
                walk(following, (*before, place))
            seen.add(place)

    walk(BEGIN, ())
    for place in sorted(around):
        yield place, "comes back to itself: a dialog goes on to an end"
    for place in sorted(set(steps) - seen - around):
        yield place, "is reached by nothing"
