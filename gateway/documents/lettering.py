"""Texts of plain letters on a picture, in their boxes whatever their length: fitted, set and drawn with Pillow.

Setting a text takes FreeType two tenths of a millisecond, putting one that is set on a picture a quarter of that. So a text that
many people's cards have (an airport, a gate, a time) is kept as it was set. One that may name a person is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from gateway.documents.layouts import LINE
from gateway.documents.typefaces import BOLD, REGULAR

ASCENT = 0.93
"""From the top of a line to its baseline, in sizes of the font."""
TEXTS = 1024
"""Texts kept as they were set: some 10 kB each."""

_ANCHORS = {"left": "ls", "right": "rs", "center": "ms"}

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Text:
    """of_many: it names no person, order or seat, so what it looks like may be kept"""

    text: str
    at: Rectangle
    size: int
    least: int
    bold: bool
    colour: str
    align: str
    lines: int
    of_many: bool = False


def write(pen: ImageDraw.ImageDraw, mark: Text) -> None:
    left, top, width, _ = mark.at
    if mark.of_many:
        for across, down, shape in _set(mark.text, width, mark.size, mark.least, mark.bold, mark.align, mark.lines):
            pen.bitmap((left + across, top + down), shape, fill=mark.colour)
        return
    font, lines = _lines(mark, width)
    for across, down, line in lines:
        pen.text((left + across, top + down), line, font=font, fill=mark.colour, anchor=_ANCHORS[mark.align])


@lru_cache(maxsize=TEXTS)
def _set(
    text: str, width: int, size: int, least: int, bold: bool, align: str, lines: int
) -> tuple[tuple[int, int, Image.Image], ...]:  # fmt: skip
    """(left, top, where the letters cover) of each line, counted from its box's corner."""
    font, placed = _lines(Text(text, (0, 0, width, 0), size, least, bold, "", align, lines), width)
    made = []
    for across, down, line in placed:
        left, top, right, bottom = (int(edge) for edge in font.getbbox(line, anchor=_ANCHORS[align]))
        shape = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(shape).text((-left, -top), line, font=font, fill=255, anchor=_ANCHORS[align])
        made.append((across + left, down + top, shape))
    return tuple(made)


def _lines(mark: Text, width: int) -> tuple[ImageFont.FreeTypeFont, list[tuple[int, int, str]]]:
    """The font that it fits in, and each line with the place of its anchor, counted from its box's corner."""
    size, lines = fitted(mark, width)
    across = {"left": 0, "right": width, "center": width // 2}[mark.align]
    baseline = round(mark.size * ASCENT)
    return _font(size, mark.bold), [(across, baseline + round(n * size * LINE), line) for n, line in enumerate(lines)]


def fitted(mark: Text, width: int) -> tuple[int, list[str]]:
    """(size, lines) that fit: shrunk down to `least`, then cut."""
    size = mark.size
    while True:
        font = _font(size, mark.bold)
        lines = [mark.text] if mark.lines == 1 else _wrapped(mark.text, font, width)
        longest = max(font.getlength(line) for line in lines)
        if longest <= width and len(lines) <= mark.lines:
            return size, lines
        if size <= mark.least:
            break
        # One line shrinks in proportion at once; several by steps, since they break anew.
        size = max(mark.least, min(size - 1, int(size * width / longest)) if mark.lines == 1 else size - 2)
    kept = lines[: mark.lines]
    if len(lines) > mark.lines:
        kept[-1] += "…"
    return size, [_cut(line, font, width) for line in kept]


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _cut(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    least, most = 0, len(text)
    while least < most:
        middle = (least + most + 1) // 2
        if font.getlength(text[:middle].rstrip() + "…") <= width:
            least = middle
        else:
            most = middle - 1
    return text[:least].rstrip() + "…"


@lru_cache(maxsize=128)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(BOLD if bold else REGULAR), size, layout_engine=ImageFont.Layout.BASIC)
