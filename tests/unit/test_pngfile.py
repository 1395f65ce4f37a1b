"""PNG files put together from pieces: any decoder gets the very pixels back, and nothing of one person is kept for the next."""

from __future__ import annotations

import io
import random
import zlib

import pytest
from PIL import Image, ImageDraw

from gateway.documents.deflated import BLOCK_END, Checksum, repeated
from gateway.documents.pngfile import KEPT, Encoder, shown

NOISE = random.Random(7)


def card(name: int, *, size: tuple[int, int] = (640, 800)) -> Image.Image:
    """White, with a stretch that all have, one of its own, squares as of a code, and a last row of its own."""
    made = Image.new("RGB", size, "white")
    own = random.Random(name)
    made.paste(Image.frombytes("RGB", (64, 20), random.Random(0).randbytes(3840)), (10, 10))
    made.paste(Image.frombytes("RGB", (64, 20), own.randbytes(3840)), (10, 60))
    pen = ImageDraw.Draw(made)
    for top in range(200, 400, 10):
        for left in range(200, 400, 10):
            pen.rectangle((left, top, left + 9, top + 9), fill=own.choice(("black", "white")))
    pen.point((own.randrange(size[0]), size[1] - 1), fill="red")
    return made


@pytest.mark.parametrize("size", [5, 7, 258, 1915, 2161, 3241])
def test_a_row_is_said_again_in_deflates_own_words_whatever_it_is(size: int) -> None:
    row = NOISE.randbytes(size)
    for times in (*range(1, 30), 700):
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS, zdict=row)
        assert unpacker.decompress(repeated(size, times) + BLOCK_END) == row * times
        assert unpacker.eof


def test_the_checksum_of_pieces_is_the_one_of_the_whole() -> None:
    ours, whole = Checksum(), b""
    for length, times in ((1, 1), (2161, 9), (70_000, 1), (2161, 700), (0, 3), (5, 100_000)):
        piece = NOISE.randbytes(length)
        ours.add(length, zlib.adler32(piece, 0), times)
        whole += piece * times
    assert ours.value == zlib.adler32(whole).to_bytes(4, "big")


def test_every_file_has_the_pixels_of_its_picture_however_much_was_kept() -> None:
    encoder = Encoder()
    pictures = [card(name) for name in range(4)]
    pictures += [Image.new("RGB", (638, 1), "red"), Image.new("RGB", (1080, 1600), "white"), card(1, size=(1080, 801))]
    pictures.append(Image.frombytes("RGB", (700, 90), NOISE.randbytes(700 * 90 * 3)))
    for picture in (*pictures, *pictures):
        data = encoder.encode(picture)
        Image.open(io.BytesIO(data)).verify()  # the checksums of its chunks
        shown = Image.open(io.BytesIO(data))
        assert shown.tobytes() == picture.tobytes()
        rows = zlib.decompress(data[41:-16])  # and the one of its rows
        assert rows[:: 3 * picture.width + 1] == bytes(picture.height)
        assert data == Encoder().encode(picture), "the same bytes, kept or not"


def test_a_part_is_read_off_the_file_and_nothing_that_is_damaged() -> None:
    picture = card(1)
    data, place = Encoder().encode(picture), (190, 195, 411, 405)
    assert shown(data, place).tobytes() == Image.open(io.BytesIO(data)).crop(place).convert("L").tobytes()
    for damaged in range(0, len(data), 97):
        with pytest.raises(ValueError, match=r"PNG|chunk"):
            shown(data[:damaged] + bytes([data[damaged] ^ 1]) + data[damaged + 1 :], place)
    rows = zlib.decompress(data[41:-16])
    filtered = b"\x02".join(rows.split(b"\x00", 300))
    for wrong in (zlib.compress(rows)[:-4] + b"1234", zlib.compress(rows[:-1]), zlib.compress(filtered)):
        with pytest.raises(ValueError, match="row"):
            shown(data[:33] + chunk(b"IDAT", wrong) + chunk(b"IEND", b""), place)


def chunk(name: bytes, inner: bytes) -> bytes:
    return len(inner).to_bytes(4, "big") + name + inner + zlib.crc32(name + inner).to_bytes(4, "big")


def test_only_what_came_twice_is_kept_and_not_without_end() -> None:
    encoder, counts = Encoder(), []
    for name in (1, 2, 3):
        encoder.encode(card(name))
        counts.append(encoder.kept)
    assert counts == [0, 1, 1], "what all have: nothing of one alone"
    for name in range(3 * KEPT):
        encoder.encode(Image.frombytes("RGB", (700, 5), random.Random(name // 2).randbytes(10_500)))
    assert encoder.kept == KEPT


def test_another_kind_of_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="RGB"):
        Encoder().encode(Image.new("RGBA", (640, 800)))
