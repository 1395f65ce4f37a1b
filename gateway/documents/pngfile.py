"""A PNG of 8-bit RGB, quickly: what repeats is not compressed again.

Two thirds of a card's rows are the row above them once more (white, rules, squares of the code), and of the others many are in
every card of a flight: the head, the words, the airports. zlib would go through all of their two megabytes each time. So rows
are told apart first. A row like the one above is not given to zlib at all: "copy what stood one row back" is said in deflate's
own words (deflated.py), the same for any row. A stretch of rows that differ is compressed with nothing before it to refer to, and
kept if it comes again: the next card takes its bytes as they are. All of them end on a whole byte and are strung together, and
the checksum of the whole is reckoned from those of its parts.

Nothing is kept of a card that came once: a stretch is kept when it comes again, and until then its checksum alone is remembered.
No row is filtered: on flat colours filters cost more than they save. Format: W3C PNG, 5 and 11.2; RFC 1950.
"""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from itertools import pairwise

from PIL import Image

from gateway.documents.deflated import BLOCK_END, Checksum, repeated

KEPT = 128
"""Stretches kept with their compressed form: some 60 kB of rows each."""
SEEN = 4096
LEAST_ROWS = 4
"""A shorter stretch is a row of a code's squares: nobody else has it."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NO_FILTER = b"\x00"
_ZLIB = b"\x78\x01"
_WINDOW, _MEMORY = -15, 6
"""zlib's window for a stretch, without a head of its own, and memLevel: less is cleared each time than with 8."""
_WINDOW_OF_A_ROW, _MEMORY_OF_A_ROW = -12, 4
"""For few rows: making a packer of the usual size costs ten times what they do."""


_Key = tuple[int, int]
"""(bytes, Adler-32) of a stretch"""


class Encoder:
    """One for each thread: it keeps what came twice."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[bytes, bytes]] = OrderedDict()
        """(rows, compressed) by a checksum: the rows themselves are compared as well"""
        self._seen: set[_Key] = set()

    @property
    def kept(self) -> int:
        """How many stretches."""
        return len(self._kept)

    def encode(self, picture: Image.Image) -> bytes:
        """The file. picture: mode RGB; anything else is an error of ours."""
        if picture.mode != "RGB":
            raise ValueError(f"a picture of mode RGB, not {picture.mode}")
        width, height = picture.size
        header = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
        packed = self._packed(picture.tobytes(), 3 * width, height)
        return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")

    def _packed(self, pixels: bytes, wide: int, height: int) -> bytes:
        """The rows as a zlib stream. wide: bytes of a row without its filter."""
        rows = [_NO_FILTER + pixels[start : start + wide] for start in range(0, len(pixels), wide)]
        # Where a row that differs from the one above follows one that does not, or the other way round.
        differs = [True, *(above != row for above, row in pairwise(rows))]
        turns = [0, *(number for number in range(1, height) if differs[number] != differs[number - 1]), height]
        parts, checksum = [_ZLIB], Checksum()
        for first, end in pairwise(turns):
            if differs[first]:
                stretch = b"".join(rows[first:end])
                adler = zlib.adler32(stretch, 0)
                parts.append(self._deflated(stretch, adler, end - first >= LEAST_ROWS))
                checksum.add(len(stretch), adler)
            else:
                parts.append(repeated(wide + 1, end - first))
                checksum.add(wide + 1, zlib.adler32(rows[first], 0), end - first)
        return b"".join((*parts, BLOCK_END, checksum.value))

    def _deflated(self, stretch: bytes, adler: int, worth_keeping: bool) -> bytes:
        """Compressed by itself, so that the same rows are the same bytes in every file."""
        if not worth_keeping:
            return _compressed(stretch, _WINDOW_OF_A_ROW, _MEMORY_OF_A_ROW)
        key = (len(stretch), adler)
        rows, made = self._kept.get(key, (b"", b""))
        if rows == stretch:
            self._kept.move_to_end(key)
            return made
        made = _compressed(stretch, _WINDOW, _MEMORY)
        self._keep(key, stretch, made)
        return made

    def _keep(self, key: _Key, stretch: bytes, made: bytes) -> None:
        """Only what came before: its checksum alone is remembered the first time."""
        if key not in self._seen:
            if len(self._seen) >= SEEN:
                self._seen.clear()
            self._seen.add(key)
            return
        self._kept[key] = (stretch, made)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _compressed(stretch: bytes, window: int, memory: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, window, memory)
    return packer.compress(stretch) + packer.flush(zlib.Z_SYNC_FLUSH)


def shown(data: bytes, place: tuple[int, int, int, int]) -> Image.Image:
    """A part of a file of ours as grey values, read off its bytes: all is unpacked, every checksum tried.

    place:  left, top, right, bottom
    raises: ValueError when it is no file of ours, or a damaged one
    """
    if not data.startswith(_SIGNATURE) or not data.endswith(_chunk(b"IEND", b"")):
        raise ValueError("no PNG")
    (header, packed), (left, top, right, bottom) = _chunks(data, (b"IHDR", b"IDAT")), place
    width, height = struct.unpack_from(">LL", header)
    try:
        rows, wide = zlib.decompress(packed, bufsize=(3 * width + 1) * height), 3 * width + 1
    except zlib.error as error:
        raise ValueError("its rows cannot be unpacked") from error
    if len(rows) != wide * height or any(rows[top * wide : bottom * wide : wide]):
        raise ValueError("rows that are filtered, or not as many as it says")
    part = memoryview(rows)[top * wide + 1 + 3 * left : bottom * wide]
    size = right - left, bottom - top
    return Image.frombuffer("RGB", size, part, "raw", "RGB", wide, 1).convert("L")  # type: ignore[arg-type]  # a buffer, unsaid


def _chunks(data: bytes, names: tuple[bytes, ...]) -> list[bytes]:
    """What is in its first chunks. Raises ValueError unless they are these."""
    found, start = [], len(_SIGNATURE)
    for name in names:
        (size,) = struct.unpack_from(">L", data, start)
        whole = data[start : start + size + 12]
        if whole != _chunk(name, inner := whole[8:-4]):
            raise ValueError(f"no chunk {name.decode()}, or a damaged one")
        found.append(inner)
        start += size + 12
    return found


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))
