"""Texts that must be joined, turned or set in several fonts, and logos: made into masks and pictures by typst.

typst finds the size itself: it shrinks the text until it fits its box, down to `least`, and then cuts it with "…", at its end and
not at its right edge, where an Arabic name begins. The page is as large as the box, so nothing can leave it.
"""

from __future__ import annotations

import io
import json
from functools import lru_cache
from pathlib import Path

import typst
from PIL import Image

from gateway.documents.typefaces import FAMILY, Typefaces
from gateway.errors import CannotDraw

_TEXT = b"""
#let d = json(bytes(sys.inputs.data))
#set page(width: d.width * 1pt, height: d.height * 1pt, margin: 0pt, fill: none)
#set text(font: d.families, size: d.size * 1pt, weight: if d.bold { "bold" } else { "regular" }, lang: "en",
  top-edge: 0.93em, bottom-edge: -0.24em, hyphenate: false)
#set par(leading: 0.08em)
#let side = if d.align == "right" { right } else if d.align == "center" { center } else { left }
#context {
  let size = d.size
  let said = d.text
  let set-in(size, said) = block(width: d.width * 1pt, align(side, text(size: size * 1pt, said)))
  let fits(size, said) = {
    let wide = measure(text(size: size * 1pt, said)).width
    (wide <= d.width * 1pt or d.lines > 1) and measure(set-in(size, said)).height <= d.height * 1pt
  }
  while size > d.least and not fits(size, said) { size -= 1 }
  if not fits(size, said) {
    let parts = said.clusters()
    let (least, most) = (0, parts.len())
    while least < most {
      let middle = calc.quo(least + most + 1, 2)
      if fits(size, parts.slice(0, middle).join() + "\\u{2026}") { least = middle } else { most = middle - 1 }
    }
    said = parts.slice(0, least).join() + "\\u{2026}"
  }
  // The baseline keeps its place when one line shrinks.
  let top = if d.lines == 1 { (d.size - size) * 0.93pt } else { 0pt }
  box(width: d.width * 1pt, height: d.height * 1pt, clip: true, inset: (top: top), set-in(size, said))
}
"""
_LOGO = b"""
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(sys.inputs.file, width: float(sys.inputs.width) * 1pt, height: float(sys.inputs.height) * 1pt, fit: "contain")
"""


class Shaper:
    """One for each thread: a compiler of typst is not shared. root: where logos lie; fonts: the same as of the page."""

    def __init__(self, faces: Typefaces, root: Path) -> None:
        self._fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(one) for one in faces.folders]
        )
        self.families = [FAMILY, *sorted({*self._fonts.families()} - {FAMILY})]
        # No package is ever fetched: there is no folder of packages, and what would be put there cannot be.
        nowhere = root / "no-packages"
        self.compiler = typst.Compiler(root=root, font_paths=self._fonts, package_path=nowhere, package_cache_path=nowhere)
        self.mask = lru_cache(maxsize=256)(self._mask)
        self.logo = lru_cache(maxsize=32)(self._logo)

    def _mask(
        self, text: str, width: int, height: int, *, size: int, least: int, bold: bool, align: str, lines: int
    ) -> Image.Image:  # fmt: skip
        """Where the text covers a box of so many pixels: grey values."""
        data = {"text": text, "width": width, "height": height, "size": size, "least": least, "bold": bold, "align": align,
                "lines": lines, "families": self.families}  # fmt: skip
        return self._rendered(_TEXT, {"data": json.dumps(data)}).getchannel("A")

    def _logo(self, file: str, width: int, height: int) -> Image.Image:
        """RGBA, as large as fits."""
        return self._rendered(_LOGO, {"file": f"/{file}", "width": str(width), "height": str(height)})

    def _rendered(self, source: bytes, inputs: dict[str, str]) -> Image.Image:
        try:
            done = self.compiler.compile(input=source, format="png", ppi=72, sys_inputs=inputs)
        except typst.TypstError as error:  # its trace quotes the source, which holds the data
            raise CannotDraw("layout", "a text or a logo cannot be set") from error
        assert isinstance(done, bytes), "one page was asked for"
        return Image.open(io.BytesIO(done)).convert("RGBA")
