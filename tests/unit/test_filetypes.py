"""What a file is, by its own bytes: what came with it as type and name is only a claim."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest
from PIL import Image

from gateway.model.media import Look
from gateway.rules.filetypes import look_of, safe_name, seconds_of, type_of
from gateway.webcare import pictures
from gateway.webcare.pictures import NoPicture, draw_anew


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 20), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind, **more)
    return out.getvalue()


def voice(seconds: float) -> bytes:
    def page(position: int, body: bytes) -> bytes:
        return b"OggS\0\0" + struct.pack("<q", position) + b"\0" * 12 + b"\1" + bytes([len(body)]) + body

    return page(0, b"OpusHead\1\1") + page(round(seconds * 48_000), b"\0" * 60)


WORD = archive("[Content_Types].xml", "word/document.xml")


@pytest.mark.parametrize(
    ("data", "told", "found", "look"),
    [
        (picture("JPEG"), "application/pdf", "image/jpeg", Look.PICTURE),
        (picture("PNG"), "", "image/png", Look.PICTURE),
        (picture("WEBP"), "image/jpeg", "image/webp", Look.PICTURE),
        (picture("GIF"), "", "image/gif", Look.PICTURE),
        (voice(3), "audio/ogg; codecs=opus", "audio/ogg", Look.SOUND),
        (b"ID3\4" + b"\0" * 20, "", "audio/mpeg", Look.SOUND),
        (b"\xff\xfb\x90\0" * 9, "", "audio/mpeg", Look.SOUND),
        (b"\xff\xf1\x50\x80" * 9, "", "audio/aac", Look.SOUND),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 9, "audio/mp4", "audio/mp4", Look.SOUND),
        (b"\0\0\0\x18ftypisom" + b"\0" * 9, "video/mp4", "video/mp4", Look.FILM),
        (b"#!AMR\n" + b"\0" * 9, "audio/amr", "audio/amr", Look.DOCUMENT),
        (b"%PDF-1.7\n", "image/jpeg", "application/pdf", Look.DOCUMENT),
        (WORD, "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Look.DOCUMENT),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", "application/msword", Look.DOCUMENT),
        (b"two lines\nof text", "text/plain", "text/plain", Look.DOCUMENT),
        (b"<html><script>alert(1)</script>", "text/plain", "", Look.UNKNOWN),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "image/svg+xml", "", Look.UNKNOWN),
        (b"MZ\x90\0", "image/png", "", Look.UNKNOWN),
        (archive("a.exe"), "application/zip", "", Look.UNKNOWN),
        (archive("[Content_Types].xml", "word/vbaProject.bin", "word/x"), "", "", Look.UNKNOWN),
        (b"", "image/png", "", Look.UNKNOWN),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, told: str, found: str, look: Look) -> None:
    assert (type_of(data, told), look_of(found)) == (found, look)


def test_a_voice_note_tells_its_length_and_a_forged_one_tells_none() -> None:
    assert [seconds_of(voice(length), "audio/ogg") for length in (0.3, 7.4, 61)] == [1, 7, 61]
    assert seconds_of(voice(-5), "audio/ogg") == seconds_of(voice(10**9), "audio/ogg") == seconds_of(b"OggS", "audio/ogg") == 0


@pytest.mark.parametrize(
    ("name", "mime", "saved"),
    [
        ("ticket.pdf", "application/pdf", "ticket.pdf"),
        ("photo.JPEG", "image/jpeg", "photo.jpg"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\x\\y.exe", "application/pdf", "y.exe.pdf"),
        ("inv\u202efdp.exe", "application/pdf", "invfdp.exe.pdf"),
        ("\r\nX: y.pdf", "application/pdf", "X: y.pdf"),
        ("", "image/jpeg", "file.jpg"),
        ("..", "", "file"),
    ],
)
def test_a_name_to_save_by_is_no_path_and_ends_as_the_file_is(name: str, mime: str, saved: str) -> None:
    assert safe_name(name, mime) == saved


def test_a_picture_is_drawn_upright_small_and_without_what_came_with_it() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010E] = "a secret place"
    drawn = draw_anew(picture("JPEG", size=(4000, 100), exif=exif) + b"PK\x03\x04 something behind it")
    assert (drawn.mime, drawn.width, drawn.height) == ("image/jpeg", 51, 2048)
    assert b"secret" not in drawn.data
    assert b"behind" not in drawn.data
    assert draw_anew(picture("PNG", "RGBA")).mime == "image/png"


def test_a_picture_that_is_none_or_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoPicture):
        draw_anew(picture("JPEG")[:60])
    with pytest.raises(NoPicture):
        draw_anew(picture("TIFF"))
    monkeypatch.setattr(pictures, "PIXELS_MAX", 100)
    with pytest.raises(NoPicture):
        draw_anew(picture("PNG"))
