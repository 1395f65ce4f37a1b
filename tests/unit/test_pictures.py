"""Pictures for a phone screen: what they are as files, and what stands on them."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw

from gateway.documents import layouts, symbols
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form
from gateway.documents.paper import Paper, Symbol, SymbolKind
from gateway.documents.said import Speaker
from gateway.documents.typefaces import Typefaces
from gateway.errors import CannotDraw
from gateway.notifications.entries import read_brands, read_places
from tests.support.drawn import BCBP, LEG, PASS, TEMPLATES, issued
from tests.support.papers import RAIL, RECEIPT, SHOW


@lru_cache(maxsize=1)
def drawing() -> Drawing:
    return Drawing(TEMPLATES)


def picture(paper: Paper, language: str = "nl") -> Image.Image:
    return Image.open(io.BytesIO(drawing().draw(paper, Form.PICTURE, language).data))


@pytest.mark.parametrize("language", ["nl", "en", "de", "fr"])
def test_a_boarding_pass_is_a_picture_that_a_chat_takes_and_a_gate_reads(language: str) -> None:
    made = drawing().draw(PASS, Form.PICTURE, language)
    assert (made.mime, made.pages, made.rest, made.boxes) == ("image/png", 1, (), 0)
    assert 20 * 1024 < len(made.data) < 150 * 1024
    assert made.data[24:26] == b"\x08\x02", "8 bits, RGB: no palette, no alpha"
    shown = Image.open(io.BytesIO(made.data))
    shown.verify()
    assert 638 <= shown.width <= 1080
    assert 0.66 < shown.width / shown.height < 0.72
    assert symbols.read(picture(PASS, language), SymbolKind.AZTEC, patient=True) == [BCBP.encode()]


def test_a_code_is_large_black_on_white_and_low() -> None:
    shown = picture(PASS).convert("L")
    left, top, right, bottom = place_of_symbol(shown)
    assert (right - left) >= 0.45 * shown.width
    assert top > 0.5 * shown.height
    module = (right - left) / symbols.modules(PASS.symbols[0]).width
    assert module == int(module) >= 4, "whole pixels"
    quiet = 2 * int(module)
    around = shown.crop((left - quiet, top - quiet, right + quiet, bottom + quiet))
    assert {value for _, value in around.getcolors() or ()} == {0, 255}, "nothing but black and white, its margin too"


def test_a_code_reads_after_a_chat_has_recompressed_and_shrunk_it() -> None:
    for paper in (PASS, RAIL, SHOW):
        for symbol, data in zip(paper.symbols, files(paper), strict=True):
            shown = Image.open(io.BytesIO(data))
            for width in (shown.width, shown.width // 2):
                small = shown.resize((width, shown.height * width // shown.width), Image.Resampling.BILINEAR)
                sent = io.BytesIO()
                small.save(sent, "JPEG", quality=30)
                assert symbols.read(Image.open(sent), symbol.kind, patient=True) == [symbol.payload], (paper.kind, width)


def test_a_picture_is_not_handed_out_when_its_code_was_drawn_over(monkeypatch: pytest.MonkeyPatch) -> None:
    painted = drawing().painter.picture

    def spoiled(*given: Any) -> Image.Image:
        canvas = painted(*given)
        left, top, right, bottom = place_of_symbol(canvas.convert("L"))
        ImageDraw.Draw(canvas).rectangle((left, top, right, (top + bottom) // 2), fill="white")
        return canvas

    monkeypatch.setattr(drawing().painter, "picture", spoiled)
    with pytest.raises(CannotDraw) as found:
        drawing().draw(PASS, Form.PICTURE, "nl")
    assert found.value.why == "unread"


def test_each_traveller_of_a_train_ticket_has_a_picture_with_their_own_large_code() -> None:
    made = drawing().draw(RAIL, Form.PICTURE, "nl")
    assert made.pages == 2 == 1 + len(made.rest)
    for symbol, data in zip(RAIL.symbols, (made.data, *made.rest), strict=True):
        shown = Image.open(io.BytesIO(data))
        assert symbols.read(shown, SymbolKind.AZTEC, patient=True) == [symbol.payload]
        left, _, right, _ = place_of_symbol(shown.convert("L"))
        assert right - left >= 0.6 * shown.width


@pytest.mark.parametrize("language", ["nl", "en", "de", "fr"])
def test_every_kind_of_document_is_drawn_in_every_language(language: str) -> None:
    for paper in (RAIL, SHOW, RECEIPT):
        assert len(files(paper, language)) == max(1, len(paper.symbols))


NAMES = [
    "Ελένη Παπαδοπούλου", "Жанна Александровна", "محمد بن عبد الله الحسيني", "דוד בן גוריון", "王小明", "Eva \U0001f600",
    "#$*_<&\\[x] {gate} {word.gate}", "W" * 100, "Maximiliana " * 8, "محمد " * 20, "\u200d", "e\u0301\u0323",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leaves_its_place_however_long_and_in_whatever_script(name: str) -> None:
    """Beside the boxes of its texts a picture is the one without a name, to the pixel."""
    long = name * (60 // len(name) + 1) if len(name) < 3 else name
    leg = replace(LEG, origin_name=long, seat=long[:30], cabin=long[:60], gate=long[:30], group=long[:30])
    full = picture(replace(PASS, travellers=(long,), legs=(leg,), reference=long[:60]))
    plain = replace(leg, origin_name="x", seat="x", cabin="x", gate="x", group="x")
    bare = picture(replace(PASS, travellers=("x",), legs=(plain,), reference="x"))
    changed = ImageChops.difference(full, bare)
    pen = ImageDraw.Draw(changed)
    layout = layouts.load(TEMPLATES / "layouts").picture(PASS.kind, PASS.brand)
    assert layout is not None
    for box in layout.boxes:
        if isinstance(box, layouts.TextBox | layouts.FieldsBox):
            left, top, width, height = box.at
            pen.rectangle((left, top, left + width - 1, top + height - 1), fill="black")
    assert changed.getbbox() is None


def test_markup_and_names_of_values_in_a_name_are_just_its_letters() -> None:
    card = speaker().cards(replace(PASS, travellers=("{gate} {word.gate} $x",)))[0]
    assert card.say("{word.gate}: {traveller}, {gate}") == "Gate: {gate} {word.gate} $x, D18"


def test_what_is_not_known_leaves_its_label_out_and_no_gap() -> None:
    card = speaker().cards(replace(PASS, legs=(replace(LEG, gate="", group=""),), as_of_ms=0))[0]
    assert card.say("{gate}") == card.say("{word.stamp}") == card.say("{nobody}") == ""
    third_column = (480, 336, 680, 432)
    assert picture(PASS).crop(third_column).getcolors(1) is None, "something stands there"
    assert picture(replace(PASS, legs=(replace(LEG, gate=""),))).crop(third_column).getcolors(1) is not None


def test_times_are_told_on_the_clock_of_their_place() -> None:
    values = speaker().cards(PASS)[0].values
    assert (values["departs"], values["arrives"], values["as_of"]) == ("16:55", "17:15", "16:05")


def test_what_is_kept_for_the_next_picture_names_nobody() -> None:
    fresh = Drawing(TEMPLATES)
    for traveller, seat in (("Eva Jansen", "12C"), ("Tom de Wit", "7A"), ("محمد", "1B")):
        later = PASS.as_of_ms + 60_000 * len(seat)
        paper = replace(PASS, travellers=(traveller,), legs=(replace(LEG, seat=seat),), as_of_ms=later)
        fresh.draw(paper, Form.PICTURE, "nl")
    assert fresh.painter.layers == 1, "one flight's travellers share what they have in common, and nothing else is in it"
    card = speaker().cards(PASS)[0]
    assert card.of_many("{gate} {word.stamp}"), "texts kept as they were set"
    for name in ("traveller", "reference", "ticket_number", "frequent_flyer", "seat", "sequence", "place", "title", "notes"):
        assert not card.of_many(f"{{gate}} {{{name}}}")


def test_one_pass_is_the_same_picture_each_time() -> None:
    assert drawing().draw(PASS, Form.PICTURE, "nl").data == Drawing(TEMPLATES).draw(PASS, Form.PICTURE, "nl").data


def test_a_code_too_fine_for_a_screen_is_refused() -> None:
    huge = Symbol(SymbolKind.PDF417, issued(900), binary=True)
    with pytest.raises(CannotDraw, match="too many") as found:
        files(replace(PASS, symbols=(huge,)))
    assert found.value.why == "symbol"


def test_a_picture_whose_code_does_not_read_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    fill = symbols.Modules.picture

    def scratched(squares: symbols.Modules, scale: int) -> Image.Image:
        drawn = fill(squares, scale)
        ImageDraw.Draw(drawn).rectangle((0, 0, drawn.width, drawn.height // 2), fill=255)
        return drawn

    monkeypatch.setattr(symbols.Modules, "picture", scratched)
    with pytest.raises(CannotDraw, match="does not read"):
        files(PASS)


def files(paper: Paper, language: str = "nl") -> list[bytes]:
    made = drawing().draw(paper, Form.PICTURE, language)
    return [made.data, *made.rest]


def speaker() -> Speaker:
    words = layouts.load(TEMPLATES / "layouts").words(PASS.kind, "zz", "nl", "nl")[1]
    return Speaker(read_brands(TEMPLATES)["zz"], "nl", words, read_places(TEMPLATES), Typefaces())


def place_of_symbol(grey: Image.Image) -> tuple[int, int, int, int]:
    """The corners of what is black in the middle of the lower half: texts there are dark grey."""
    top = grey.height * 2 // 5
    black = grey.crop((0, top, grey.width, grey.height)).point(lambda value: 255 if value == 0 else 0)
    box = black.getbbox()
    assert box is not None
    return box[0], box[1] + top, box[2], box[3] + top


@pytest.mark.parametrize("kind", [SymbolKind.AZTEC, SymbolKind.QR])
def test_a_code_of_any_length_that_carriers_use_is_large_enough(kind: SymbolKind) -> None:
    for layout in layouts.load(TEMPLATES / "layouts").pictures.values():
        (box,) = (one for one in layout.boxes if isinstance(one, layouts.SymbolBox))
        for length in range(60, 600, 20):
            squares = symbols.modules(Symbol(kind, (bytes(range(256)) * 3)[:length], binary=True))
            scale = min(box.at[2] // (squares.width + 2 * squares.quiet), box.at[3] // (squares.height + 2 * squares.quiet))
            assert scale >= 3
            assert squares.width * scale >= 0.45 * layout.size[0], (kind, length, box.at)


@pytest.mark.parametrize("paper", [SHOW, RAIL], ids=["event", "train"])
def test_a_flat_code_of_a_ticket_is_as_wide_as_the_card(paper: Paper) -> None:
    for length in (60, 300, 600, 1060):
        flat = Symbol(SymbolKind.PDF417, (b"Ab1/XY7 " * 140)[:length])
        assert symbols.read(picture(replace(paper, symbols=(flat,))), SymbolKind.PDF417) == [flat.payload]


@pytest.mark.parametrize("paper", [PASS, RAIL, SHOW, RECEIPT], ids=["pass", "train", "event", "receipt"])
def test_what_the_issuer_says_must_be_known_stands_on_every_picture(paper: Paper) -> None:
    words = ("Print this ticket: gates do not read it from a screen.",)
    said, silent = (picture(replace(paper, notes=notes)) for notes in (words, ()))
    changed = ImageChops.difference(said.convert("RGB"), silent.convert("RGB")).getbbox()
    assert changed is not None
    assert changed[1] >= 1030, "below the code and its stamp"
    assert changed[2] - changed[0] > 300
