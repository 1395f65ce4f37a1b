"""A picture for a phone screen: the boxes of a layout, drawn with Pillow.

What is the same for every reader of a language (colours, logo, words) is drawn once and copied; values and the symbol are drawn
on the copy. A text of plain letters is set by Pillow, which takes two tenths of a millisecond; one that many people's cards have
(an airport, a gate) is kept as it was set. Whatever must be joined or turned (Arabic, Hebrew), or needs a second font, is set by
typst (shaping.py): slower, right, and in the same fonts as the page.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

from gateway.documents import symbols
from gateway.documents.layouts import LINE, Box, FieldsBox, FillBox, LogoBox, PictureLayout, RowsBox, SymbolBox, TextBox
from gateway.documents.lettering import Rectangle, Text, fitted, write
from gateway.documents.paper import Symbol
from gateway.documents.said import Card
from gateway.documents.shaping import Shaper
from gateway.documents.typefaces import Typefaces
from gateway.errors import CannotDraw
from gateway.notifications.brands import Look

LAYERS = 24
"""Pictures kept of what is the same for every reader: 3 MiB each, one for each brand, kind, language and set of known fields."""
LEAST_SCALE = 2
"""Pixels a module: below that the picture's own compression on the way eats it."""


@dataclass(frozen=True, slots=True)
class Fill:
    at: Rectangle
    colour: str
    radius: int = 0


@dataclass(frozen=True, slots=True)
class Logo:
    at: Rectangle
    file: str


Mark = Fill | Logo | Text


class Painter:
    """Draws cards. One for each thread: fonts and layers are not shared."""

    def __init__(self, faces: Typefaces, shaper: Shaper) -> None:
        self._faces = faces
        self._shaper = shaper
        self._layers: OrderedDict[tuple[object, ...], Image.Image] = OrderedDict()

    @property
    def layers(self) -> int:
        """How many are kept."""
        return len(self._layers)

    def picture(self, layout: PictureLayout, card: Card, look: Look) -> Image.Image:
        """RGB, of the layout's size. Raises CannotDraw where the symbol does not fit."""
        same, own, place = arranged(layout, card, look)
        canvas = self.layer(layout.size, look.colour(layout.ground), tuple(same)).copy()
        pen = ImageDraw.Draw(canvas)
        for mark in own:
            self._draw(canvas, pen, mark)
        if card.symbol is not None:
            if place is None:
                raise CannotDraw("layout", "the paper has a symbol and its layout no box for one")
            _place_symbol(canvas, card.symbol, place)
        return canvas

    def cut_words(self, layout: PictureLayout, card: Card, look: Look) -> list[str]:
        """Words of the layout that are too long for their place in this language."""
        same, _, _ = arranged(layout, card, look)
        texts = [mark for mark in same if isinstance(mark, Text) and self._faces.simple(mark.text)]
        return [mark.text for mark in texts if any(line.endswith("…") for line in fitted(mark, mark.at[2])[1])]

    def layer(self, size: tuple[int, int], ground: str, marks: tuple[Mark, ...]) -> Image.Image:
        """What is the same for all readers, drawn once: to be copied, not drawn on."""
        key = (size, ground, marks)
        found = self._layers.get(key)
        if found is None:
            found = Image.new("RGB", size, ground)
            pen = ImageDraw.Draw(found)
            for mark in marks:
                self._draw(found, pen, mark)
            self._layers[key] = found
            if len(self._layers) > LAYERS:
                self._layers.popitem(last=False)
        self._layers.move_to_end(key)
        return found

    def _draw(self, canvas: Image.Image, pen: ImageDraw.ImageDraw, mark: Mark) -> None:
        match mark:
            case Fill(at, colour, radius):
                left, top, width, height = at
                pen.rounded_rectangle((left, top, left + width - 1, top + height - 1), radius, fill=colour)
            case Logo(at, file):
                left, top, width, height = at
                logo = self._shaper.logo(file, width, height)
                canvas.paste(logo, (left + (width - logo.width) // 2, top + (height - logo.height) // 2), logo)
            case Text():
                if self._faces.simple(mark.text):
                    write(pen, mark)
                else:
                    mask = self._shaper.mask(
                        mark.text, *mark.at[2:], size=mark.size, least=mark.least, bold=mark.bold, align=mark.align,
                        lines=mark.lines,
                    )  # fmt: skip
                    canvas.paste(mark.colour, mark.at[:2], mask)


def arranged(layout: PictureLayout, card: Card, look: Look) -> tuple[list[Mark], list[Mark], Rectangle | None]:
    """(what is the same for all readers, what is this card's own, where the symbol goes)"""
    same: list[Mark] = []
    own: list[Mark] = []
    place: Rectangle | None = None
    for box in layout.boxes:
        if isinstance(box, SymbolBox):
            place = box.at
        for mark, is_same in _marks(box, card, look):
            (same if is_same else own).append(mark)
    return same, own, place


def _marks(box: Box, card: Card, look: Look) -> Iterator[tuple[Mark, bool]]:
    """What a box comes to, each with whether it is the same for all readers of a language."""
    match box:
        case FillBox():
            yield Fill(box.at, look.colour(box.fill), box.radius), True
        case LogoBox():
            if look.logo:
                yield Logo(box.at, look.logo), True
        case TextBox():
            yield from _text(box, card, look, None, 0, 0)
        case FieldsBox():
            yield from _fields(box, card, look)
        case RowsBox():
            yield from _rows(box, card, look)
        case SymbolBox():
            pass


def _text(
    box: TextBox, card: Card, look: Look, row: dict[str, str] | None, left: int, top: int
) -> Iterator[tuple[Mark, bool]]:
    text = card.say(box.text, row)
    if text:
        at = (left + box.at[0], top + box.at[1], box.at[2], box.at[3])
        many = card.of_many(box.text)
        mark = Text(text, at, box.size, box.least, box.bold, look.colour(box.colour), box.align, box.lines, many)
        yield mark, text == card.words.get(box.text[6:-1]) if box.text.startswith("{word.") else "{" not in box.text


def _fields(box: FieldsBox, card: Card, look: Look) -> Iterator[tuple[Mark, bool]]:
    left, top, width, height = box.at
    column = (width + box.gap) // box.columns
    place = 0
    for one in box.fields:
        text = card.say(one.text)
        if not text:
            continue
        if place % box.columns + one.wide > box.columns:
            place += box.columns - place % box.columns
        across, down = place % box.columns, place // box.columns
        place += one.wide
        if (down + 1) * box.each > height:
            return
        x, y, wide = left + across * column, top + down * box.each, column * one.wide - box.gap
        label = round(box.label_size * LINE)
        size = one.size or box.size
        yield Text(
            card.say(one.label), (x, y, wide, label), box.label_size, 12, False, look.colour("muted"), "left", 1
        ), True  # fmt: skip
        at = (x, y + label, wide, round(size * LINE))
        yield Text(text, at, size, min(box.least, size), box.bold, look.colour("ink"), "left", 1, card.of_many(one.text)), False


def _rows(box: RowsBox, card: Card, look: Look) -> Iterator[tuple[Mark, bool]]:
    rows = card.rows[box.rows]
    left, top, width, height = box.at
    room = height // box.each
    shown = rows if len(rows) <= room else rows[: room - 1]
    for number, row in enumerate(shown):
        for text in box.texts:
            for mark, _ in _text(text, card, look, row, left, top + number * box.each):
                yield mark, False
    if len(shown) < len(rows) and box.more:
        first = box.texts[0]
        more = first.model_copy(update={"text": box.more, "at": (0, first.at[1], width, first.at[3])})
        counted = {"more": str(len(rows) - len(shown))}
        for mark, _ in _text(more, card, look, counted, left, top + len(shown) * box.each):
            yield mark, False


def _place_symbol(canvas: Image.Image, symbol: Symbol, place: Rectangle) -> None:
    """Whole pixels a module, black on white with its quiet zone, in the middle of its box. Raises CannotDraw."""
    squares = symbols.modules(symbol)
    left, top, width, height = place
    wide, high = squares.width + 2 * squares.quiet, squares.height + 2 * squares.quiet
    scale = min(width // wide, height // high)
    if scale < LEAST_SCALE:
        raise CannotDraw("symbol", f"{squares.width} modules are too many for the layout's box")
    left, top = left + (width - wide * scale) // 2, top + (height - high * scale) // 2
    canvas.paste("white", (left, top, left + wide * scale, top + high * scale))
    canvas.paste(squares.picture(scale), (left + squares.quiet * scale, top + squares.quiet * scale))
