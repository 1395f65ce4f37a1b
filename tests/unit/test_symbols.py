"""Barcodes: written, drawn, read back."""

from __future__ import annotations

import re
from random import Random

import pytest
import zxingcpp
from PIL import Image

from gateway.documents import symbols
from gateway.documents.paper import Symbol, SymbolKind
from gateway.errors import CannotDraw
from tests.support.drawn import BCBP, issued

KINDS = list(SymbolKind)


def on_white(squares: symbols.Modules, scale: int = 4) -> Image.Image:
    quiet = squares.quiet * scale
    canvas = Image.new("L", (squares.width * scale + 2 * quiet, squares.height * scale + 2 * quiet), 255)
    canvas.paste(squares.picture(scale), (quiet, quiet))
    return canvas


@pytest.mark.parametrize("kind", KINDS)
def test_text_and_an_issuers_bytes_are_read_back_as_they_were(kind: SymbolKind) -> None:
    for symbol in (Symbol(kind, BCBP.encode()), Symbol(kind, issued(300), binary=True), Symbol(kind, "Zoë €".encode())):
        assert symbols.read(on_white(symbols.modules(symbol)), kind) == [symbol.payload]


def test_an_issuers_bytes_carry_no_character_set() -> None:
    symbol = Symbol(SymbolKind.AZTEC, issued(300), binary=True)
    found = zxingcpp.read_barcodes(on_white(symbols.modules(symbol)))
    assert [one.symbology_identifier for one in found] == ["]z0"], "]z3 and above announce an ECI"


def test_the_error_correction_asked_for_is_the_one_that_is_drawn() -> None:
    for kind, least in ((SymbolKind.AZTEC, 23), (SymbolKind.PDF417, 25)):
        drawn = on_white(symbols.modules(Symbol(kind, BCBP.encode())))
        level = zxingcpp.read_barcodes(drawn)[0].ec_level
        assert int(level.rstrip("%")) >= least, kind
    assert zxingcpp.read_barcodes(on_white(symbols.modules(Symbol(SymbolKind.QR, BCBP.encode()))))[0].ec_level == "M"


def test_what_does_not_fit_is_refused_without_a_word_of_it() -> None:
    with pytest.raises(CannotDraw, match="5000 bytes do not fit into aztec") as found:
        symbols.modules(Symbol(SymbolKind.AZTEC, b"secret" + issued(4994), binary=True))
    assert found.value.why == "symbol"
    assert "secret" not in str(found.value)


def test_a_symbol_that_reads_as_another_one_never_leaves() -> None:
    drawn = on_white(symbols.modules(Symbol(SymbolKind.AZTEC, BCBP.encode())))
    symbols.check(drawn, Symbol(SymbolKind.AZTEC, BCBP.encode()))
    for wrong in (BCBP.replace("012C", "012D").encode(), b""):
        with pytest.raises(CannotDraw, match="does not read") as found:
            symbols.check(drawn, Symbol(SymbolKind.AZTEC, wrong))
        assert found.value.why == "unread"
    with pytest.raises(CannotDraw, match="does not read"):
        symbols.check(Image.new("RGB", (400, 400), "white"), Symbol(SymbolKind.QR, b"x"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_inline_symbol_is_one_path_with_its_quiet_zone_and_a_name(kind: SymbolKind) -> None:
    svg = symbols.symbol_svg(Symbol(kind, BCBP.encode()), 'Pass of "Eva" <&>')
    assert svg.count("<path") == 1
    assert 'role="img" aria-label="Pass of &quot;Eva&quot; &lt;&amp;&gt;"' in svg
    width, height = (int(one) for one in re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())  # type: ignore[union-attr]
    corners = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)", svg)
    quiet = symbols.QUIET[kind]
    assert min(int(x) for x, _, _, _ in corners) == min(int(y) for _, y, _, _ in corners) == quiet
    assert max(int(x) + int(length) for x, _, length, _ in corners) == width - quiet
    assert max(int(y) + int(high) for _, y, _, high in corners) == height - quiet
    assert len(svg) < 12_000


def test_an_inline_symbol_is_read_back_before_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = symbols.Modules.path
    monkeypatch.setattr(symbols.Modules, "path", lambda squares: whole(squares)[: len(whole(squares)) // 3])
    with pytest.raises(CannotDraw, match="does not read"):
        symbols.symbol_svg(Symbol(SymbolKind.AZTEC, BCBP.encode()), "Pass")


@pytest.mark.parametrize(("kind", "holds"), [(SymbolKind.AZTEC, 1330), (SymbolKind.PDF417, 1060), (SymbolKind.QR, 2320)])
def test_what_fits_is_drawn_and_what_does_not_is_known_before(kind: SymbolKind, holds: int) -> None:
    signed = Random(7).randbytes(3000)
    sure, largest, more = (Symbol(kind, signed[:size], binary=True) for size in (symbols.SURE_BYTES, holds, holds + 100))
    for one in (sure, largest):
        assert symbols.fits(one)
        assert symbols.read(on_white(symbols.modules(one), 2), kind) == [one.payload]
    assert not symbols.fits(more)
