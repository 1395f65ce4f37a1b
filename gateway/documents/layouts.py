"""How documents look: templates/layouts/<kind>/, data beside the notifications that carry the documents.

    picture.yaml    boxes on a canvas: the picture for a phone screen (this module reads it, picture.py draws it)
    page.typ        the page as PDF, for a phone and for A4, in the language of typst (page.py)
    nl.yaml, ...    the words of a language: `gate: Gate`, `stamp: As of {as_of}. All times are local.`
    picture.zz.yaml, page.zz.typ, nl.zz.yaml    the same of one brand: instead of the layout, on top of the words

Why two: typst draws pages well, and a PNG in four times what the budget of a picture allows (docs/decisions/0011). What is
said is reckoned once (said.py) and both show it. A text names words as {word.gate} and values as {gate}; it is left out where
a value that it names is empty, so a layout needs no conditions. Values are put in last and never read again.

A picture's boxes lie where `at: [left, top, width, height]` says, in pixels. Sizes are of the font, in pixels. Text shrinks to
`least` and is then cut with "…": it never leaves its box, and a box never leaves the canvas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from gateway.documents.paper import PaperKind
from gateway.errors import BadInput, Problem
from gateway.notifications import yamlfile

NAMED = re.compile(r"\{([a-z_.]+)\}")
SYMBOL_SHARE = 0.58
"""Of the width: whole pixels a module lose some of it again, and 0.45 must be left."""
LINE = 1.25
"""The height of a line of text, in sizes of its font."""

Size = Annotated[int, Field(ge=10, le=160)]
Pixels = Annotated[int, Field(ge=0, le=2000)]
At = tuple[Pixels, Pixels, Pixels, Pixels]
Colour = Annotated[str, StringConstraints(pattern=r"^(ink|ground|accent|muted|line|white|#[0-9A-Fa-f]{6})$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FillBox(_Strict):
    """A coloured rectangle. radius: of its corners."""

    fill: Colour
    at: At
    radius: Pixels = 0


class LogoBox(_Strict):
    """The brand's logo, as large as fits."""

    logo: Literal[True]
    at: At


class SymbolBox(_Strict):
    """The barcode, black on white with its quiet zone, as large as whole pixels allow, in the middle."""

    symbol: Literal[True]
    at: At


class TextBox(_Strict):
    """Words and values. lines: at most so many; baselines keep their place when the text shrinks."""

    text: str
    at: At
    size: Size
    least: Size = 16
    bold: bool = False
    colour: Colour = "ink"
    align: Literal["left", "right", "center"] = "left"
    lines: Annotated[int, Field(ge=1, le=12)] = 1


class FieldOf(_Strict):
    """A label above its value. wide: columns that it takes."""

    label: str
    text: str
    wide: Annotated[int, Field(ge=1, le=6)] = 1
    size: Size | None = None


class FieldsBox(_Strict):
    """Labelled values side by side in columns, row after row, without gaps for those that are empty. each: a row's height."""

    fields: list[FieldOf]
    at: At
    columns: Annotated[int, Field(ge=1, le=6)]
    each: Pixels
    size: Size
    least: Size = 16
    label_size: Size = 18
    bold: bool = True
    gap: Pixels = 16


class RowsBox(_Strict):
    """The same texts for each of several (`legs`, `lines`), `each` pixels a row; `at` of a text is counted from its row.

    more: instead of the last row where there are further ones; {more} is their number
    """

    rows: Literal["legs", "further", "lines"]
    at: At
    each: Annotated[int, Field(ge=10)]
    texts: list[TextBox]
    more: str = ""


Box = FillBox | LogoBox | SymbolBox | TextBox | FieldsBox | RowsBox


class PictureLayout(_Strict):
    size: tuple[Annotated[int, Field(ge=638, le=1080)], Annotated[int, Field(ge=800, le=1600)]]
    ground: Colour = "ground"
    boxes: list[Box]

    @model_validator(mode="after")
    def _stays_on_the_canvas(self) -> PictureLayout:
        width, height = self.size
        if sum(isinstance(box, SymbolBox) for box in self.boxes) > 1:
            raise ValueError("one symbol a picture: a reader that sees two takes either")
        for number, box in enumerate(self.boxes):
            left, top, wide, high = box.at
            if left + wide > width or top + high > height:
                raise ValueError(f"boxes.{number} should lie on the canvas of {width} x {height}")
            if isinstance(box, SymbolBox) and min(wide, high) < SYMBOL_SHARE * width:
                raise ValueError(f"boxes.{number}: a symbol's box should be {SYMBOL_SHARE} of the picture's width, both ways")
            if isinstance(box, FieldsBox):
                self._holds_its_fields(number, box)
            texts = box.texts if isinstance(box, RowsBox) else [box] if isinstance(box, TextBox) else []
            for text in texts:
                room = box.at[2] if isinstance(box, RowsBox) else width
                if text.at[0] + text.at[2] > room or text.at[3] < round(text.size * text.lines * LINE):
                    wanted = f"text of size {text.size}, lines {text.lines}, should fit into {list(text.at)}"
                    raise ValueError(f"boxes.{number}: {wanted}")
                if isinstance(box, RowsBox) and (text.at[1] + text.at[3] > box.each or box.each > box.at[3]):
                    raise ValueError(f"boxes.{number}: a text should fit into its row of {box.each}, and the row into the box")
        return self

    @staticmethod
    def _holds_its_fields(number: int, box: FieldsBox) -> None:
        """A field as wide as its box, a row as high as its field: else texts would lie on others, or leave the canvas."""
        if box.each < 1 or box.at[3] < box.each:
            raise ValueError(f"boxes.{number}: a row of `each` should fit into the box")
        for one in box.fields:
            if one.wide > box.columns:
                raise ValueError(f"boxes.{number}: a field should be at most {box.columns} columns wide")
            if round(box.label_size * LINE) + round((one.size or box.size) * LINE) > box.each:
                raise ValueError(f"boxes.{number}: label and value should fit into `each`, {box.each}")

    def named(self) -> set[str]:
        """All names of words and values that its texts use."""
        texts: list[str] = []
        for box in self.boxes:
            if isinstance(box, TextBox):
                texts.append(box.text)
            elif isinstance(box, FieldsBox):
                texts += [part for one in box.fields for part in (one.label, one.text)]
            elif isinstance(box, RowsBox):
                texts += [box.more, *(one.text for one in box.texts)]
        return {name for text in texts for name in NAMED.findall(text)}


class Layouts:
    """What `load` read, by kind, brand and language."""

    def __init__(
        self,
        folder: Path,
        pictures: Mapping[tuple[str, str], PictureLayout],
        pages: Mapping[tuple[str, str], Path],
        words: Mapping[tuple[str, str, str], Mapping[str, str]],
    ) -> None:
        self.folder = folder
        self.pictures = pictures
        self.pages = pages
        self.all_words = words

    def picture(self, kind: PaperKind, brand: str) -> PictureLayout | None:
        return self.pictures.get((kind.value, brand)) or self.pictures.get((kind.value, ""))

    def page(self, kind: PaperKind, brand: str) -> Path | None:
        """The typst file."""
        return self.pages.get((kind.value, brand)) or self.pages.get((kind.value, ""))

    def words(self, kind: PaperKind, brand: str, language: str, fallback: str) -> tuple[str, Mapping[str, str]]:
        """(language, its words with the brand's own on top): of the language asked for, else the brand's, else English."""
        for one in (language, language.split("_")[0], fallback, fallback.split("_")[0], "en"):
            found = self.all_words.get((kind.value, one, ""))
            if found is not None:
                return one, {**found, **self.all_words.get((kind.value, one, brand), {})}
        return "en", {}


_WORDS = re.compile(r"(?P<language>[a-z]{2,3}(_[A-Z]{2})?)(\.(?P<brand>[a-z][a-z0-9]*))?")
_PICTURE = re.compile(r"picture(\.(?P<brand>[a-z][a-z0-9]*))?")
_PAGE = re.compile(r"page(\.(?P<brand>[a-z][a-z0-9]*))?")


def load(folder: Path) -> Layouts:
    """Read templates/layouts. A missing folder is one without layouts. Raises BadInput with every problem there is."""
    problems: list[Problem] = []
    pictures: dict[tuple[str, str], PictureLayout] = {}
    pages: dict[tuple[str, str], Path] = {}
    words: dict[tuple[str, str, str], Mapping[str, str]] = {}
    for kind in PaperKind:
        for path in sorted((folder / kind.value).glob("*.*")):
            where = f"layouts/{kind.value}/{path.name}"
            if path.suffix == ".typ" and (page := _PAGE.fullmatch(path.stem)) is not None:
                pages[kind.value, page["brand"] or ""] = path
            elif path.suffix == ".yaml" and (picture := _PICTURE.fullmatch(path.stem)) is not None:
                layout = _picture(path, where, problems)
                if layout is not None:
                    pictures[kind.value, picture["brand"] or ""] = layout
            elif path.suffix == ".yaml" and (said := _WORDS.fullmatch(path.stem)) is not None:
                words[kind.value, said["language"], said["brand"] or ""] = _words(path, where, problems)
    if problems:
        raise BadInput(problems)
    return Layouts(folder, pictures, pages, words)


def _picture(path: Path, where: str, problems: list[Problem]) -> PictureLayout | None:
    try:
        return PictureLayout.model_validate(yamlfile.read(path))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            field = ".".join(str(part) for part in one["loc"] if not str(part)[:1].isupper())
            problems.append(Problem(f"{where}: {field}" if field else where, one["msg"].removeprefix("Value error, ")))
    except ValueError as error:
        problems.append(Problem(where, str(error)))
    return None


def _words(path: Path, where: str, problems: list[Problem]) -> Mapping[str, str]:
    try:
        found = yamlfile.read(path)
    except ValueError as error:
        problems.append(Problem(where, str(error)))
        return {}
    for name, text in found.items():
        if not isinstance(text, str) or not re.fullmatch(r"[a-z_]+", str(name)):
            problems.append(Problem(f"{where}: {name}", "should be a name in small letters and a text"))
    return {str(name): text.strip() for name, text in found.items() if isinstance(text, str)}
