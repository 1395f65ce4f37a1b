"""A picture that somebody sent, drawn anew: what the desk shows holds pixels and nothing else.

No place where it was taken, no hidden second file, nothing for a decoder to stumble over at the agent's. At most 2048 pixels a
side: enough to read a document, an eighth of a photo's bytes.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import Image, ImageOps

SIDE_MAX = 2048
PIXELS_MAX = 60_000_000
"""Of the largest phone cameras 50 million; a bomb has billions in a few kilobytes, and is refused by its header."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


class NoPicture(Exception):
    """It cannot be read as one of FORMATS, or has too many pixels. The text names nothing of it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    data: bytes
    mime: str
    width: int
    height: int


def draw_anew(data: bytes) -> Drawn:
    """The picture, upright, as JPEG, or as PNG where parts of it are see-through. Blocks: run it in a thread."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > PIXELS_MAX:
                raise NoPicture("too many pixels")
            opened.draft("RGB", (SIDE_MAX, SIDE_MAX))  # a JPEG is read small at once
            picture = ImageOps.exif_transpose(opened)
            clear = picture.has_transparency_data
            picture = picture.convert("RGBA" if clear else "RGB")
    except NoPicture:
        raise
    except (
        OSError, ValueError, SyntaxError, EOFError, MemoryError, LookupError, struct.error, Image.DecompressionBombError,
    ) as error:  # fmt: skip
        raise NoPicture(type(error).__name__) from None
    picture.thumbnail((SIDE_MAX, SIDE_MAX))
    out = io.BytesIO()
    if clear:
        picture.save(out, "PNG")
    else:
        picture.save(out, "JPEG", quality=85)
    return Drawn(out.getvalue(), "image/png" if clear else "image/jpeg", picture.width, picture.height)
