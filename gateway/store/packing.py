"""Makes a message's body small before it is sealed: deflate with a dictionary of what nearly every body says.

A body is 1.4 KB of JSON, most of it the names of its fields; with the dictionary it is 0.3 KB, in 8 us, and opened in 3
(docs/performance.md). A packed body begins with the byte 1, which no JSON does, and says by it which dictionary it needs: so
whoever opens a body reads both forms, and only who writes must know whether all may read the new one (store/layout.py).
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

_FORMAT = b"\x01"
_WORDS_SHA256 = "94a1302c2b24f23084c3676c2aa0e19f548bee302233451823f0387462b21120"
# Bodies are small: a window of 4 KB and little memory are as good as zlib's 32 KB, and cost less to set up. Level 3 is as
# fast here as level 1. No header and no checksum: what is sealed is authenticated already.
_WINDOW = -12
_LEVEL = 3
_MEMORY = 5


def _words() -> bytes:
    """The dictionary. It may never change by a byte: another one is another file with a number, and a format, of its own."""
    words = (Path(__file__).parent / "packing_1.txt").read_bytes()
    if hashlib.sha256(words).hexdigest() != _WORDS_SHA256:
        raise RuntimeError("gateway/store/packing_1.txt was changed: with it no packed message can be opened any more")
    return words


_packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _words())
_opener = zlib.decompressobj(_WINDOW, _words())


def pack(text: bytes) -> bytes:
    """JSON of any length, packed."""
    packer = _packer.copy()
    return _FORMAT + packer.compress(text) + packer.flush()


def unpack(data: bytes) -> bytes:
    """The JSON of a body in either form. Raises ValueError for what is cut short, broken, or of a form not known here."""
    if data[:1] != _FORMAT:
        return data
    opener = _opener.copy()
    try:
        text = opener.decompress(data[1:]) + opener.flush()
    except zlib.error as error:
        raise ValueError("a packed body that cannot be unpacked") from error
    if not opener.eof:
        raise ValueError("a packed body that was cut short")
    return text
