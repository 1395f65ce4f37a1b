"""Pieces of a deflate stream that are put together by hand: a row said again, and the checksum of pieces strung together.

A copy in deflate is a length of 3 to 258 bytes and a distance to go back (RFC 1951, 3.2.5), here in the fixed codes (3.2.6), so
that no table precedes it. Each piece ends with an empty stored block, as zlib's own flushing does, and so on a whole byte.
"""

from __future__ import annotations

import struct
from functools import lru_cache

BLOCK_END = b"\x03\x00"
"""An empty block that says it is the last."""

_STORED = b"\x00\x00\xff\xff"
_LONGEST, _SHORTEST = 258, 3
_MODULUS = 65521


@lru_cache(maxsize=512)
def repeated(size: int, times: int) -> bytes:
    """What `size` bytes stand before it, `times` more. size: 5 to 32,768; times: at least 1."""
    back = _distance(size)
    copies = "".join((_length(length) + back) * count for length, count in _lengths(size * times))
    # Not the last block, fixed codes; the copies; the block's end; then an empty stored block from the next whole byte on.
    bits = _number(0, 1) + _number(1, 2) + copies + _code(0, 7) + _number(0, 3)
    return int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little") + _STORED


def _lengths(total: int) -> list[tuple[int, int]]:
    """Lengths that a copy may have, each with how often, that come to a total of at least three."""
    longest, rest = divmod(total, _LONGEST)
    if not rest:
        return [(_LONGEST, longest)]
    if rest >= _SHORTEST:
        return [(_LONGEST, longest), (rest, 1)]
    return [(_LONGEST, longest - 1), (_LONGEST + rest - _SHORTEST, 1), (_SHORTEST, 1)]


def _length(length: int) -> str:
    over = length - _SHORTEST
    extra = max(over.bit_length() - 3, 0)
    symbol = 257 + 4 * extra + (over >> extra)
    if length == _LONGEST:
        symbol, extra = 285, 0
    code = _code(symbol - 256, 7) if symbol < 280 else _code(0b11000000 + symbol - 280, 8)
    return code + _number(over, extra)


def _distance(distance: int) -> str:
    over = distance - 1
    extra = max(over.bit_length() - 2, 0)
    return _code(2 * extra + (over >> extra), 5) + _number(over, extra)


def _code(value: int, count: int) -> str:
    """A code's bits in the order of the stream: its highest first."""
    return f"{value:0{count}b}"


def _number(value: int, count: int) -> str:
    """The lowest bits of a number in the order of the stream: the lowest first."""
    return "".join(str(value >> place & 1) for place in range(count))


class Checksum:
    """Adler-32 (RFC 1950, 2.2) of pieces one after the other, each looked at once however often it comes."""

    def __init__(self) -> None:
        self._low, self._high = 1, 0

    def add(self, length: int, adler: int, times: int = 1) -> None:
        """adler: zlib.adler32 of the piece from 0 on, which is what it adds by itself"""
        high, low = divmod(adler, 65536)
        # Each time: high += length * (low so far) + the piece's own; then low += the piece's own.
        self._high += times * high + length * (times * self._low + low * (times * (times - 1) // 2))
        self._low += times * low

    @property
    def value(self) -> bytes:
        return struct.pack(">HH", self._high % _MODULUS, self._low % _MODULUS)
