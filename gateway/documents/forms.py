"""In which form a document leaves, and what has been made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """PICTURE: PNG for a phone screen; PAGE: PDF in a phone's format; PRINT: PDF on A4."""

    PICTURE = "picture"
    PAGE = "page"
    PRINT = "print"


@dataclass(frozen=True, slots=True)
class Made:
    """A finished document whose every symbol has been read back.

    data:  the file; of a picture the first one
    mime:  image/png or application/pdf
    pages: pictures or pages, at least 1
    rest:  the further pictures, in order: a picture shows one symbol, because a reader that sees two takes either
    boxes: characters that no font here has, shown as an empty box
    lost:  symbols of several that cannot be drawn: their page says so, and the others stand on theirs
    """

    data: bytes
    mime: str
    pages: int = 1
    rest: tuple[bytes, ...] = ()
    boxes: int = 0
    lost: int = 0
