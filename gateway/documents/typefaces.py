"""Which characters can be shown, and by whom: the fonts that we ship, and those of a folder of the operator's.

A picture and a page must look the same on every machine, so fonts of the system are never used. DejaVu Sans shows Latin, Greek,
Cyrillic, Arabic and Hebrew; for Chinese, Japanese, Korean, Thai or emoji an operator puts font files (TTF, OTF, TTC) into
GATEWAY_FONTS_DIR. A character that no font has is shown as an empty box, and counted: a reader then sees that something stood
there, where a missing character would make another name.

Which characters a font has, it says in its `cmap` table (ISO/IEC 14496-22, formats 4 and 12).
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

SHIPPED = Path(__file__).parent / "fonts"
REGULAR, BOLD = SHIPPED / "DejaVuSans.ttf", SHIPPED / "DejaVuSans-Bold.ttf"
FAMILY = "DejaVu Sans"
BOX = "\u25a1"
_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_MARKS = ("Cf", "Mn", "Me")
"""Joiners, variation selectors, accents: nothing of their own to be seen."""
_SIMPLE = frozenset(("L", "EN", "ES", "ET", "CS", "ON", "WS"))
"""Bidirectional classes of characters that stand in a line one after the other, from the left."""


class Typefaces:
    """All fonts in reach, and what they can show. extra: a folder of further fonts, or None."""

    def __init__(self, extra: Path | None = None) -> None:
        further = sorted(one for one in extra.iterdir() if one.suffix.lower() in _SUFFIXES) if extra is not None else []
        self.folders = [SHIPPED, *([extra] if extra is not None else [])]
        regular, bold = characters(REGULAR), characters(BOLD)
        self._both = regular & bold
        self._any = regular.union(*(characters(one) for one in further))

    def showable(self, text: str) -> tuple[str, int]:
        """The text with a box for each character that no font has, and how many there were. Marks that only choose a style go."""
        if text.isascii():
            return text, 0
        shown: list[str] = []
        boxes = 0
        for one in unicodedata.normalize("NFC", text):
            mark = unicodedata.category(one) in _MARKS
            if mark and (shown[-1:] == [BOX] or ord(one) not in self._any):
                continue
            shown.append(one if ord(one) in self._any else BOX)
            boxes += ord(one) not in self._any
        return "".join(shown), boxes

    def simple(self, text: str) -> bool:
        """Whether a line of it is its characters side by side in our own font: no joining, no turning, no second font."""
        return text.isascii() or all(
            ord(one) in self._both and unicodedata.bidirectional(one) in _SIMPLE and not unicodedata.combining(one)
            for one in text
        )


@lru_cache(maxsize=64)
def characters(path: Path) -> frozenset[int]:
    """The code points that a font file has glyphs for. Raises ValueError when it is no font that we can read."""
    data = path.read_bytes()
    try:
        first = struct.unpack_from(">L", data, 12)[0] if data[:4] == b"ttcf" else 0  # of a collection its first font
        (count,) = struct.unpack_from(">H", data, first + 4)
        for number in range(count):
            name, _, start, _ = struct.unpack_from(">4sLLL", data, first + 12 + 16 * number)
            if name == b"cmap":
                return frozenset(_mapped(data, start))
    except struct.error as error:
        raise ValueError(f"{path.name} is no font, or is cut off") from error
    raise ValueError(f"{path.name} is no font: it has no cmap table")


def _mapped(data: bytes, table: int) -> Iterator[int]:
    (count,) = struct.unpack_from(">H", data, table + 2)
    for number in range(count):
        platform, _, offset = struct.unpack_from(">HHL", data, table + 4 + 8 * number)
        (form,) = struct.unpack_from(">H", data, table + offset)
        if platform in (0, 3) and form == 4:
            yield from _format_4(data, table + offset)
        elif platform in (0, 3) and form == 12:
            (groups,) = struct.unpack_from(">L", data, table + offset + 12)
            for group in range(groups):
                first, last, _ = struct.unpack_from(">LLL", data, table + offset + 16 + 12 * group)
                yield from range(first, min(last, 0x10FFFF) + 1)


def _format_4(data: bytes, start: int) -> Iterator[int]:
    (twice,) = struct.unpack_from(">H", data, start + 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", data, start + 14)
    firsts = struct.unpack_from(f">{count}H", data, start + 16 + twice)
    for first, last in zip(firsts, ends, strict=True):
        yield from range(first, min(last, 0xFFFE) + 1)
