"""Barcodes: bytes to modules, modules to an inline SVG, and every finished drawing back to bytes.

What is encoded is never trusted: `check` reads the finished output, as a gate would, and compares it with the payload byte
for byte. The library that writes symbols ignores an unknown keyword in silence, so the error correction asked for is tested too.

Quiet zones: ISO/IEC 24778 (Aztec needs none; readers on phones like two modules), 15438 (PDF417: two), 18004 (QR: four).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from itertools import groupby

import zxingcpp
from PIL import Image, ImageDraw

from gateway.documents.paper import Symbol, SymbolKind
from gateway.errors import CannotDraw

QUIET = {SymbolKind.AZTEC: 2, SymbolKind.PDF417: 2, SymbolKind.QR: 4}
"""White modules on each side."""

_FORMAT = {
    SymbolKind.AZTEC: zxingcpp.BarcodeFormat.Aztec,
    SymbolKind.PDF417: zxingcpp.BarcodeFormat.PDF417,
    SymbolKind.QR: zxingcpp.BarcodeFormat.QRCode,
}
# Aztec and QR in steps of 7 to 30 % that a wish is rounded to; PDF417 by level 0-8: 4 leaves a quarter of a pass to be scratched.
_CORRECTION = {SymbolKind.AZTEC: "23%", SymbolKind.PDF417: "4", SymbolKind.QR: "M"}
FLAT_COLUMNS = 13
"""Of codewords in a PDF417, at most: 290 modules, which a ticket's picture has room for. A fuller one grows in height."""
SURE_BYTES = 1000
"""A symbol of any kind holds so many, whatever they are: PDF417 1,070, Aztec 1,331 at worst, QR 2,329, as was tried."""
_FLAT_WIDTH = 17 * (FLAT_COLUMNS + 4) + 1
_RUN = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z")


@dataclass(frozen=True, slots=True)
class Modules:
    """The squares of a symbol without its quiet zone. cells: 0 dark, 255 light, row by row from the top."""

    kind: SymbolKind
    width: int
    height: int
    cells: bytes

    @property
    def quiet(self) -> int:
        return QUIET[self.kind]

    def picture(self, scale: int) -> Image.Image:
        """Grey values, `scale` whole pixels a module, without the quiet zone."""
        one = Image.frombuffer("L", (self.width, self.height), self.cells, "raw", "L", 0, 1)
        return one.resize((self.width * scale, self.height * scale), Image.Resampling.NEAREST)

    def path(self) -> str:
        """An SVG path of one rectangle for each run of dark modules; the quiet zone is added to the coordinates.

        Equal rows below each other, of which PDF417 has three a piece, are one rectangle high.
        """
        lines = [self.cells[start : start + self.width] for start in range(0, len(self.cells), self.width)]
        parts: list[str] = []
        top = self.quiet
        for line, same in groupby(lines):
            high = len(list(same))
            for run in re.finditer(b"\x00+", line):
                length = run.end() - run.start()
                parts.append(f"M{run.start() + self.quiet} {top}h{length}v{high}h-{length}z")
            top += high
        return "".join(parts)

    def svg(self, label: str = "") -> str:
        """A drawing of one path on white, with the quiet zone; label: for screen readers, "" = who embeds it says it."""
        width, height = self.width + 2 * self.quiet, self.height + 2 * self.quiet
        named = f' role="img" aria-label="{escape(label)}"' if label else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"{named} shape-rendering="crispEdges">'
            f'<rect width="{width}" height="{height}" fill="#fff"/><path fill="#000" d="{self.path()}"/></svg>'
        )


def modules(symbol: Symbol) -> Modules:
    """The symbol's squares. Text of ASCII is packed as text, all else as bytes without a character set (no ECI).

    Raises CannotDraw when it does not fit into a symbol of its kind.
    """
    as_text = not symbol.binary and symbol.payload.isascii()
    content: str | bytes = symbol.payload.decode("ascii") if as_text else symbol.payload
    try:
        drawn = zxingcpp.create_barcode(content, _FORMAT[symbol.kind], ec_level=_CORRECTION[symbol.kind])
        squares = drawn.to_image(scale=1, add_quiet_zones=False)
        if symbol.kind is SymbolKind.PDF417 and squares.shape[1] > _FLAT_WIDTH:
            drawn = zxingcpp.create_barcode(
                content, _FORMAT[symbol.kind], ec_level=_CORRECTION[symbol.kind], columns=FLAT_COLUMNS
            )
            squares = drawn.to_image(scale=1, add_quiet_zones=False)
    except (ValueError, RuntimeError) as error:  # its words may quote the payload: they are left out
        raise CannotDraw("symbol", f"{len(symbol.payload)} bytes do not fit into {symbol.kind.value}") from error
    height, width = squares.shape
    return Modules(symbol.kind, width, height, bytes(memoryview(squares)))  # type: ignore[arg-type]  # a buffer, unsaid


def fits(symbol: Symbol) -> bool:
    """Whether a symbol of its kind can hold it, no wider than a picture has room for; a millisecond where that is not sure."""
    if len(symbol.payload) <= SURE_BYTES:
        return True
    try:
        return modules(symbol).width <= _FLAT_WIDTH
    except CannotDraw:
        return False


def read(picture: Image.Image, kind: SymbolKind, *, patient: bool = False) -> list[bytes]:
    """The payloads of all symbols of a kind in an upright picture; patient: also shrunk, turned and inverted ones."""
    grey = picture if picture.mode == "L" else picture.convert("L")
    found = zxingcpp.read_barcodes(
        grey, formats=zxingcpp.BarcodeFormats(_FORMAT[kind]), try_rotate=patient, try_downscale=patient, try_invert=patient
    )  # fmt: skip
    return [one.bytes for one in found]


def check(picture: Image.Image, *symbols: Symbol) -> None:
    """That a finished picture holds exactly these symbols, byte for byte. Raises CannotDraw."""
    for kind in {one.kind for one in symbols}:
        wanted = sorted(one.payload for one in symbols if one.kind is kind)
        if sorted(read(picture, kind)) != wanted and sorted(read(picture, kind, patient=True)) != wanted:
            raise CannotDraw("unread", f"a finished {kind.value} symbol does not read as its payload")


def symbol_svg(symbol: Symbol, label: str) -> str:
    """A small inline SVG for a web page: white ground with its quiet zone, one path, a name for screen readers.

    It has a viewBox and no size: the page's style sheet says how large. Read back from the very text that is returned.
    label: plain text, escaped here. Raises CannotDraw.
    """
    squares = modules(symbol)
    svg = squares.svg(label)
    check(_drawn(svg, squares.width + 2 * squares.quiet, squares.height + 2 * squares.quiet), symbol)
    return svg


def _drawn(svg: str, width: int, height: int) -> Image.Image:
    """The path of an SVG of ours as a picture, `width` x `height` modules of four pixels."""
    scale = 4
    canvas = Image.new("L", (width * scale, height * scale), 255)
    pen = ImageDraw.Draw(canvas)
    for x, y, length, high in _RUN.findall(svg[svg.rindex(' d="') :]):
        left, top = int(x) * scale, int(y) * scale
        pen.rectangle((left, top, left + int(length) * scale - 1, top + int(high) * scale - 1), fill=0)
    return canvas
