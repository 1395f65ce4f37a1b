"""The pictures of a wallet pass: the brand's logo where it has one as PNG, and an icon, which a pass cannot be without.

The icon is drawn: a ticket with its notch and dotted line, in the brand's ground on its accent. A lock screen shows it at 29
points beside the brand's name, where a logo made for a page is a smudge.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw

SCALES = (("", 1), ("@2x", 2), ("@3x", 3))
ICON = 29
LOGO = (160, 50)
_FINER = 4
"""Drawn this much larger and shrunk: Pillow's shapes have hard edges."""


@lru_cache(maxsize=64)
def images(accent: str, ground: str, logo: Path | None = None) -> Mapping[str, bytes]:
    """Names and PNGs. accent, ground: #RRGGBB; logo: a PNG that can be read, None = no logo."""
    found = {f"icon{suffix}.png": _icon(ICON * scale, accent, ground) for suffix, scale in SCALES}
    if logo is not None:
        with Image.open(logo) as picture:
            whole = picture.convert("RGBA")
        found |= {f"logo{suffix}.png": _logo(whole, scale) for suffix, scale in SCALES}
    return found


def _icon(side: int, accent: str, ground: str) -> bytes:
    """Opaque to its corners: the phone rounds them itself."""
    large = side * _FINER
    picture = Image.new("RGB", (large, large), accent)
    draw = ImageDraw.Draw(picture)

    def at(*parts: float) -> tuple[float, ...]:
        return tuple(part * large for part in parts)

    draw.rounded_rectangle(at(0.14, 0.28, 0.86, 0.72), radius=0.06 * large, fill=ground)
    for left in (0.08, 0.80):
        draw.ellipse(at(left, 0.44, left + 0.12, 0.56), fill=accent)
    for top in (0.34, 0.44, 0.54, 0.62):
        draw.rectangle(at(0.60, top, 0.63, top + 0.05), fill=accent)
    return _png(picture.resize((side, side), Image.Resampling.LANCZOS))


def _logo(picture: Image.Image, scale: int) -> bytes:
    """As large as its place allows, and no larger than it is made."""
    width, height = LOGO[0] * scale, LOGO[1] * scale
    factor = min(width / picture.width, height / picture.height, 1.0)
    size = (max(round(picture.width * factor), 1), max(round(picture.height * factor), 1))
    return _png(picture.resize(size, Image.Resampling.LANCZOS))


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
