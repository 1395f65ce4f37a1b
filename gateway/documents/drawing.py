"""From a paper to a finished, read-back document; pure, and slow: tens of milliseconds. The event loop uses maker.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway.documents import layouts, symbols
from gateway.documents.forms import Form, Made
from gateway.documents.page import for_print, page
from gateway.documents.paper import Paper
from gateway.documents.picture import Painter
from gateway.documents.pngfile import Encoder, shown
from gateway.documents.said import Card, Speaker
from gateway.documents.shaping import Shaper
from gateway.documents.typefaces import Typefaces
from gateway.errors import CannotDraw
from gateway.notifications.brands import Brand
from gateway.notifications.entries import read_brands, read_places


class Drawing:
    """Everything that drawing needs, read once. One for each thread or process.

    templates: the directory of templates; fonts: a folder of further fonts, or None
    raises:    BadInput when the layouts, brands or places do not load; ValueError when a font does not
    """

    def __init__(self, templates: Path, fonts: Path | None = None) -> None:
        self._brands = {one.id: _drawable(one, templates) for one in read_brands(templates).values()}
        self._places = read_places(templates)
        self.layouts = layouts.load(templates / "layouts")
        self._faces = Typefaces(fonts)
        self.shaper = Shaper(self._faces, templates.resolve())
        self.painter = Painter(self._faces, self.shaper)
        self._encoder = Encoder()

    def draw(self, paper: Paper, form: Form, language: str) -> Made:
        """The document in a language, or in the brand's or English where its words are missing. Raises CannotDraw."""
        speaker = self.speaker(paper, language)
        brand, spoken = speaker.brand, speaker.language
        if form is Form.PICTURE:
            return self._pictures(paper, speaker.cards(paper), brand)
        layout = self.layouts.page(paper.kind, brand.id)
        if layout is None:
            raise CannotDraw("layout", f"no layout for {paper.kind.value} as {form.value}")
        shown = for_print(paper) if form is Form.PRINT else paper
        return page(layout.resolve(), self.shaper, form, shown, _drawable_ones(speaker.cards(shown)), spoken, brand)

    def cut_words(self, paper: Paper, language: str) -> list[str]:
        """Words of a picture's layout that do not fit into their boxes in a language."""
        speaker = self.speaker(paper, language)
        layout = self.layouts.picture(paper.kind, speaker.brand.id)
        return self.painter.cut_words(layout, speaker.cards(paper)[0], speaker.brand.look) if layout is not None else []

    def speaker(self, paper: Paper, language: str) -> Speaker:
        """Who says papers of its brand in a language, as near to the one asked for as there are words."""
        brand = self._brands.get(paper.brand) or Brand(paper.brand, paper.brand, "en", "UTC", "")
        spoken, words = self.layouts.words(paper.kind, brand.id, language, brand.language)
        return Speaker(brand, spoken, words, self._places, self._faces)

    def _pictures(self, paper: Paper, cards: list[Card], brand: Brand) -> Made:
        layout = self.layouts.picture(paper.kind, brand.id)
        if layout is None:
            raise CannotDraw("layout", f"no layout for {paper.kind.value} as {Form.PICTURE.value}")
        place = next(((x, y, x + wide, y + high) for x, y, wide, high in _symbols(layout)), None)
        files = []
        for card in cards:
            data = self._encoder.encode(self.painter.picture(layout, card, brand.look))
            if card.symbol is not None and place is not None:  # without a place for it no picture would have been painted
                # Off the file and where it was put, quiet zone and all: the rest takes as long to search, and has none.
                symbols.check(shown(data, place), card.symbol)
            files.append(data)
        return Made(files[0], "image/png", len(files), tuple(files[1:]), sum(card.boxes for card in cards))


def _drawable_ones(cards: list[Card]) -> list[Card]:
    """Of several codes one that cannot be drawn must not hide the others. Raises CannotDraw where none can."""
    problems = []
    for card in cards if len(cards) > 1 else ():
        try:
            symbols.modules(card.symbol) if card.symbol is not None else None
        except CannotDraw as error:
            problems.append(error)
            card.symbol, card.lost = None, True
    if problems and len(problems) == len(cards):
        raise problems[0]
    return cards


def _symbols(layout: layouts.PictureLayout) -> Iterator[layouts.At]:
    """Where a symbol goes."""
    return (box.at for box in layout.boxes if isinstance(box, layouts.SymbolBox))


def _drawable(brand: Brand, templates: Path) -> Brand:
    """A brand whose logo is not there has none: `templates lint` says so, and nobody waits for a ticket because of it."""
    if brand.look.logo and not (templates / brand.look.logo).is_file():
        return replace(brand, look=replace(brand.look, logo=""))
    return brand
