"""The pictures of a wallet pass, of a brand's logo and accent: made once at start, for drawing them takes a tenth of a second.

A brand's logo is drawn to stand on its accent, which is a pass's ground too. The icon, which a pass cannot be without and a lock
screen shows at 29 points, is the logo on the accent; a brand without a logo has a ticket there, with its notches and its dotted
line.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import structlog
import typst
from PIL import Image, ImageDraw, UnidentifiedImageError

from gateway.notifications.brands import Look

SCALES = (("", 1), ("@2x", 2), ("@3x", 3))
ICON = 29
LOGO = (160, 50)
WIDE = 1.5
"""From this ratio of width to height on, a logo is taken for one that says the brand's name."""
_FINER = 4
"""Drawn this much larger and shrunk: hard edges become soft ones."""
_SVG = b"""
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image("/" + sys.inputs.file, width: float(sys.inputs.width) * 1pt, height: float(sys.inputs.height) * 1pt, fit: "contain")
"""

log = structlog.get_logger()


def images(look: Look, folder: Path) -> Mapping[str, bytes]:
    """Names and PNGs. folder: where brands.yaml and its logos lie. A logo that cannot be drawn is left out, and told."""
    logo = _drawn(look.logo, folder) if look.logo else None
    icon = _icon(look, logo)
    found = {f"icon{suffix}.png": _png(_fitted(icon, ICON * scale, ICON * scale)) for suffix, scale in SCALES}
    if logo is not None:
        found |= {f"logo{suffix}.png": _png(_fitted(logo, LOGO[0] * scale, LOGO[1] * scale)) for suffix, scale in SCALES}
    return found


def says_name(pictures: Mapping[str, bytes]) -> bool:
    """The logo is wide enough to be the brand's name: it is not written beside it once more."""
    logo = pictures.get("logo.png")
    if logo is None:
        return False
    width, height = (int.from_bytes(logo[at : at + 4], "big") for at in (16, 20))  # as every PNG begins
    return width / height >= WIDE


def _drawn(file: str, folder: Path) -> Image.Image | None:
    """The logo at three times the size of its place, without the margin that surrounds it."""
    width, height = LOGO[0] * 3, LOGO[1] * 3
    try:
        if file.lower().endswith(".svg"):
            nowhere = folder / "no-packages"  # nothing is ever fetched
            inputs = {"file": file, "width": str(width), "height": str(height)}
            done = typst.Compiler(root=folder, package_path=nowhere, package_cache_path=nowhere).compile(
                input=_SVG, format="png", ppi=72, sys_inputs=inputs
            )
            assert isinstance(done, bytes), "one page was asked for"
            picture = Image.open(io.BytesIO(done)).convert("RGBA")
        else:
            with Image.open(folder / file) as opened:
                picture = opened.convert("RGBA")
    except (typst.TypstError, UnidentifiedImageError, OSError) as error:
        log.warning("wallets.logo_not_drawn", file=file, error=type(error).__name__)
        return None
    around = picture.getbbox()
    return picture.crop(around) if around is not None else None


def _icon(look: Look, logo: Image.Image | None) -> Image.Image:
    """Opaque to its corners: the phone rounds them itself."""
    large = ICON * 3 * _FINER
    picture = Image.new("RGB", (large, large), look.accent)
    if logo is not None:
        room = round(large * 0.72)
        mark = _fitted(logo, room, room, larger=True)
        picture.paste(mark, ((large - mark.width) // 2, (large - mark.height) // 2), mark)
        return picture
    draw = ImageDraw.Draw(picture)

    def at(*parts: float) -> tuple[float, ...]:
        return tuple(part * large for part in parts)

    draw.rounded_rectangle(at(0.14, 0.28, 0.86, 0.72), radius=0.06 * large, fill=look.ground)
    for left in (0.08, 0.80):
        draw.ellipse(at(left, 0.44, left + 0.12, 0.56), fill=look.accent)
    for top in (0.34, 0.44, 0.54, 0.62):
        draw.rectangle(at(0.60, top, 0.63, top + 0.05), fill=look.accent)
    return picture


def _fitted(picture: Image.Image, width: int, height: int, *, larger: bool = False) -> Image.Image:
    """As large as the place allows; made larger than it is only where that is said."""
    factor = min(width / picture.width, height / picture.height)
    factor = factor if larger else min(factor, 1.0)
    size = (max(round(picture.width * factor), 1), max(round(picture.height * factor), 1))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
