"""Pages as PDF: what a reader, a screen reader and a gate get of them."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import lru_cache

import pypdf
import pypdfium2
import pytest
from PIL import Image

from gateway.documents import symbols
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form
from gateway.documents.paper import Paper, PaperLine, Symbol, SymbolKind
from gateway.errors import CannotDraw
from tests.support.drawn import BCBP, LEG, PASS, TEMPLATES
from tests.support.papers import RAIL, RECEIPT, SHOW

PAPERS = {"pass": PASS, "rail": RAIL, "show": SHOW, "receipt": RECEIPT}


@lru_cache(maxsize=1)
def drawing() -> Drawing:
    return Drawing(TEMPLATES)


HARDEST = "".join(chr(32 + place * 37 % 95) for place in range(600)).encode()
"""As long as a boarding pass's string may be (intake/schemas.py), and of characters that no symbol packs well."""


def page(paper: Paper, form: Form = Form.PAGE, language: str = "nl") -> bytes:
    return drawing().draw(paper, form, language).data


def shown(data: bytes, number: int = 0, scale: float = 2.5) -> Image.Image:
    return pypdfium2.PdfDocument(io.BytesIO(data))[number].render(scale=scale).to_pil()


def text_of(data: bytes) -> str:
    return "\n".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(data)).pages)


@pytest.mark.parametrize("kind", PAPERS)
@pytest.mark.parametrize("form", [Form.PAGE, Form.PRINT])
def test_a_page_is_tagged_titled_in_a_language_and_has_nothing_that_runs(kind: str, form: Form) -> None:
    data = page(PAPERS[kind], form, "de")
    found = pypdf.PdfReader(io.BytesIO(data))
    root = found.trailer["/Root"]
    assert root["/Lang"] == "de"
    assert root["/MarkInfo"]["/Marked"].value
    assert "/StructTreeRoot" in root
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data(), "says of itself that it is PDF/UA"
    assert found.metadata is not None
    assert found.metadata.title
    assert not {"Jansen", "ZX7K2P", "TR-55310"} & set(found.metadata.title.split())
    for word in (b"/JavaScript", b"/JS", b"/Launch", b"/URI", b"/EmbeddedFile"):
        assert word not in data
    width = float(found.pages[0].mediabox.width) / 72 * 25.4
    assert round(width) == (210 if form is Form.PRINT else 105)
    assert len(data) / len(found.pages) < 45 * 1024


def test_all_fonts_are_in_the_file_and_only_the_letters_it_needs() -> None:
    for one in pypdf.PdfReader(io.BytesIO(page(PASS))).pages:
        for font in one["/Resources"]["/Font"].values():
            descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
            assert font["/BaseFont"][7:8] == "+", "the mark of a subset"


def test_the_texts_can_be_selected_and_the_symbol_has_words_for_who_cannot_see_it() -> None:
    data = page(PASS, language="en")
    said = text_of(data)
    for words in ("Eva Jansen", "AMS", "LHR", "D18", "16:25", "12C", "ZZ 1007", "ZX7K2P", "The gate may change. As of 16:05."):
        assert words in said
    figures = [one for one in elements(pypdf.PdfReader(io.BytesIO(data))) if "/Alt" in one]
    assert "Barcode for security and the gate" in [one["/Alt"] for one in figures]


def test_a_pass_is_square_on_a_phone_and_flat_on_paper() -> None:
    for form, kind in ((Form.PAGE, SymbolKind.AZTEC), (Form.PRINT, SymbolKind.PDF417)):
        data = page(PASS, form)
        assert symbols.read(shown(data), kind) == [BCBP.encode()]
        longest = replace(PASS, symbols=(Symbol(SymbolKind.AZTEC, HARDEST),))
        assert symbols.read(shown(page(longest, form)), kind) == [HARDEST]
        assert b"/Subtype /Image" not in data.replace(b"/Subtype/Image", b"/Subtype /Image"), "the symbol is drawn, not a picture"


def test_a_flat_code_is_no_wider_than_a_phones_page() -> None:
    paper = replace(PASS, symbols=(replace(PASS.symbols[0], kind=SymbolKind.PDF417),))
    assert symbols.read(shown(page(paper)), SymbolKind.PDF417) == [BCBP.encode()]


def test_a_train_ticket_carries_the_issuers_bytes_each_on_a_page_of_its_own_on_paper_too() -> None:
    for form in (Form.PAGE, Form.PRINT):
        data = page(RAIL, form)
        for number, symbol in enumerate(RAIL.symbols):
            assert symbols.read(shown(data, number, 3.5), SymbolKind.AZTEC) == [symbol.payload]


def test_one_code_that_cannot_be_drawn_hides_no_other_one() -> None:
    whole = Symbol(SymbolKind.QR, b"TR-55310-1", about="Eva Jansen")
    over = Symbol(SymbolKind.QR, b"x" * 4000, about="Tom de Wit")
    made = drawing().draw(replace(RAIL, symbols=(whole, over)), Form.PAGE, "de")
    shown = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made.data)).pages]
    assert (made.lost, len(shown)) == (1, 2)
    assert ["nicht darstellen" in text for text in shown] == [False, True]
    assert "Tom de Wit" in shown[1]
    with pytest.raises(CannotDraw):
        drawing().draw(replace(RAIL, symbols=(over, over)), Form.PAGE, "de")


def test_a_receipt_of_many_lines_goes_on_on_the_next_page() -> None:
    lines = tuple(PaperLine(f"Thing {number}", number, "1.10") for number in range(1, 91))
    made = drawing().draw(replace(RECEIPT, lines=lines, total="4504.50"), Form.PRINT, "nl")
    assert made.pages > 1
    said = text_of(made.data)
    assert "Thing 1" in said
    assert "Thing 90" in said
    assert "€ 4.504,50" in said.replace("\xa0", " ")


@pytest.mark.parametrize("name", ["#$*_<&\\[x] @y", "محمد بن عبد الله", "W" * 100, "Ελένη Жанна דוד", "Maximiliana " * 8])
def test_no_name_leaves_the_page_and_markup_is_just_its_letters(name: str) -> None:
    leg = replace(LEG, origin_name=name, seat=name[:30], gate=name[:30], cabin=name[:60], group=name[:30])
    for form in (Form.PAGE, Form.PRINT):
        data = page(replace(PASS, travellers=(name,), legs=(leg,), reference=name[:60], notes=(name,)), form)
        drawn = shown(data, scale=1.0).convert("RGB")
        header = drawn.height // 8
        edge = 6 if form is Form.PAGE else 20
        for left, right in ((0, edge), (drawn.width - edge, drawn.width)):
            assert drawn.crop((left, header, right, drawn.height)).getcolors(1) is not None, "the margin is empty"
        if name.isascii():
            assert name.split()[0][:12] in text_of(data).replace("\u200b", "").replace("\n", "")


def test_the_same_paper_makes_the_same_file() -> None:
    assert page(PASS) == Drawing(TEMPLATES).draw(PASS, Form.PAGE, "nl").data


def test_a_page_whose_code_does_not_read_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = symbols.Modules.path
    monkeypatch.setattr(symbols.Modules, "path", lambda squares: whole(squares)[: whole(squares).rindex("M") // 2])
    with pytest.raises(CannotDraw, match="do not read"):
        page(PASS)


def elements(found: pypdf.PdfReader) -> list[dict[str, object]]:
    """Every element of the structure."""
    todo, seen = [found.trailer["/Root"]["/StructTreeRoot"]], []
    while todo:
        one = todo.pop()
        if isinstance(one, pypdf.generic.IndirectObject):
            one = one.get_object()
        if isinstance(one, list):
            todo += one
        elif isinstance(one, dict):
            seen.append(one)
            if "/K" in one:
                todo.append(one["/K"])
    return seen
