"""A page as PDF: a layout in the language of typst, given what is said as data.

The data arrives as JSON and is never markup. Fonts are embedded and subset, texts can be selected, title and language are set,
the structure is tagged (PDF/UA-1, which typst itself checks). The same paper makes the same bytes: no time of making is in it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdfium2
import typst

from gateway.documents import symbols
from gateway.documents.forms import Form, Made
from gateway.documents.paper import Paper, PaperKind, Symbol, SymbolKind
from gateway.documents.said import Card
from gateway.documents.shaping import Shaper
from gateway.errors import CannotDraw
from gateway.notifications.brands import Brand

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands where a file says when it was made."""
_READ_AT = (1.5, 3.0)
"""Pixels a point when a page is shown for reading back: most symbols read from the first, and a fine one needs the second."""


def for_print(paper: Paper) -> Paper:
    """A boarding pass on paper carries its string as PDF417, which the readers at gates take from paper (IATA 792)."""
    if paper.kind is not PaperKind.BOARDING_PASS:
        return paper
    flat = (
        replace(one, kind=SymbolKind.PDF417) if one.kind is SymbolKind.AZTEC and not one.binary else one for one in paper.symbols
    )
    return replace(paper, symbols=tuple(flat))


def page(layout: Path, shaper: Shaper, form: Form, paper: Paper, cards: list[Card], language: str, brand: Brand) -> Made:
    """The PDF, each of its symbols read back from the page as it is shown. Raises CannotDraw."""
    data = given(shaper, form, paper, cards, language, brand)
    try:
        done = shaper.compiler.compile(
            input=str(layout), format="pdf", sys_inputs={"data": json.dumps(data)}, pdf_standards=["ua-1"], timestamp=WHEN
        )
    except typst.TypstError as error:  # its trace may quote the data; its message is about the layout
        raise CannotDraw("layout", f"{layout.parent.name}/{layout.name} cannot be set") from error
    assert isinstance(done, bytes), "a PDF is one file"
    pages = _read_back(done, [card.symbol for card in cards if card.symbol is not None])
    return Made(done, "application/pdf", pages, (), sum(card.boxes for card in cards), sum(card.lost for card in cards))


def given(shaper: Shaper, form: Form, paper: Paper, cards: list[Card], language: str, brand: Brand) -> dict[str, Any]:
    """What a layout reads as `data` (templates/layouts/common.typ)."""
    return {
        "form": form.value, "language": language.split("_")[0], "families": shaper.families,
        "title": cards[0].say("{word.document_title}") or cards[0].say("{word.title}") or brand.name,
        "brand": {
            "name": brand.name, "logo": f"/{brand.look.logo}" if brand.look.logo else "",
            **{name: brand.look.colour(name) for name in ("ink", "ground", "accent", "muted", "line")},
        },
        "cards": [_card(card, paper) for card in cards],
    }  # fmt: skip


def _card(card: Card, paper: Paper) -> dict[str, Any]:
    symbol: dict[str, Any] | None = None
    if card.symbol is not None:
        squares = symbols.modules(card.symbol)
        symbol = {"svg": squares.svg(), "width": squares.width, "height": squares.height}
    return {
        "values": card.values, "rows": card.rows, "words": {name: card.say(text) for name, text in card.words.items()},
        "notes": card.notes, "symbol": symbol, "lost": card.lost,
    }  # fmt: skip


def _read_back(data: bytes, wanted: list[Symbol]) -> int:
    """How many pages; raises CannotDraw unless each symbol reads from one of them, and no further one does."""
    document = pypdfium2.PdfDocument(data)
    try:
        for scale in _READ_AT if wanted else ():
            if _found(document, scale, {one.kind for one in wanted}) == sorted((one.kind, one.payload) for one in wanted):
                break
        else:
            if wanted:
                raise CannotDraw("unread", "a finished page's symbols do not read as their payloads")
        return len(document)
    finally:
        document.close()


def _found(document: pypdfium2.PdfDocument, scale: float, kinds: set[SymbolKind]) -> list[tuple[SymbolKind, bytes]]:
    found = []
    for number in range(len(document)):
        picture = document[number].render(scale=scale, grayscale=True).to_pil()
        found += [(kind, payload) for kind in kinds for payload in symbols.read(picture, kind)]
    return sorted(found)
