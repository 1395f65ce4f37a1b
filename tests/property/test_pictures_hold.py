"""Whatever an issuer writes into a paper, either a document comes of it whose code reads, or CannotDraw says why not."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.documents import symbols
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form
from gateway.documents.paper import Paper, PaperKind, PaperLeg, PaperLine, Symbol, SymbolKind, clean
from gateway.errors import CannotDraw
from tests.support.drawn import TEMPLATES

# Every plane and category that a source may send; a surrogate is no text.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(lambda text: clean(text, 60))
SHORT = TEXTS.map(lambda text: text[:12])
TIMES = st.sampled_from(
    ["", "2026-11-22T16:55:00+01:00", "2026-02-29T00:00:00Z", "later", "2026-11-22", "9999-12-31T23:59:59-02:00"]
)
LEGS = st.builds(
    PaperLeg, carrier=SHORT, number=SHORT, origin=SHORT, origin_name=TEXTS, destination=SHORT, destination_name=TEXTS,
    departs=TIMES, boards=TIMES, arrives=TIMES, gate=SHORT, terminal=SHORT, coach=SHORT, seat=SHORT, cabin=TEXTS,
    group=SHORT, sequence=SHORT,
)  # fmt: skip
SYMBOLS = st.builds(Symbol, st.sampled_from(SymbolKind), st.binary(min_size=1, max_size=400), st.booleans(), TEXTS)
LINES = st.builds(PaperLine, TEXTS, st.integers(-1, 10**9), st.sampled_from(["", "1", "12.50", "-0", "NaN", "1e99", "x"]))
PAPERS = st.builds(
    Paper, kind=st.sampled_from(PaperKind), brand=st.sampled_from(["zz", "exr", "nobody"]),
    travellers=st.lists(TEXTS, max_size=4).map(tuple), reference=SHORT, ticket_number=SHORT, title=TEXTS,
    legs=st.lists(LEGS, max_size=4).map(tuple), symbols=st.lists(SYMBOLS, max_size=3).map(tuple), starts_at=TIMES, doors_at=TIMES,
    venue=TEXTS, place=TEXTS, lines=st.lists(LINES, max_size=12).map(tuple), total=st.sampled_from(["", "12.50", "x"]),
    currency=st.sampled_from(["", "EUR", "JPY", "???"]), baggage=SHORT, frequent_flyer=SHORT,
    notes=st.lists(TEXTS, max_size=2).map(tuple), as_of_ms=st.sampled_from([0, 1_795_359_900_000, 10**17]),
)  # fmt: skip


@lru_cache(maxsize=1)
def drawing() -> Drawing:
    return Drawing(TEMPLATES)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(PAPERS, st.sampled_from(["nl", "en", "de", "fr", "xx"]), st.sampled_from(Form))
def test_any_paper_becomes_a_document_that_reads_or_says_why_not(paper: Paper, language: str, form: Form) -> None:
    try:
        made = drawing().draw(paper, form, language)
    except CannotDraw as error:
        if error.why != "symbol":
            raise
        return
    if form is Form.PICTURE:
        assert made.pages == max(1, len(paper.symbols))
        for symbol, data in zip(paper.symbols, (made.data, *made.rest), strict=False):
            assert symbol.payload in symbols.read(Image.open(io.BytesIO(data)), symbol.kind, patient=True)
    else:
        assert made.data.startswith(b"%PDF-")


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(TEXTS)
def test_a_name_of_any_script_is_shown_on_the_page_it_is_on_and_moves_no_code(name: str) -> None:
    paper = Paper(PaperKind.EVENT_TICKET, "zz", (name,), title=name, symbols=(Symbol(SymbolKind.QR, b"EV-1"),))
    bare = Image.open(io.BytesIO(drawing().draw(replace(paper, travellers=("x",), title="x"), Form.PICTURE, "nl").data))
    shown = Image.open(io.BytesIO(drawing().draw(paper, Form.PICTURE, "nl").data))
    lower = (0, shown.height // 2, shown.width, shown.height)
    assert shown.crop(lower) == bare.crop(lower)
