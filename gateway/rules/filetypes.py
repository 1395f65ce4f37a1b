"""What a file is, by its own first bytes: the type that came with it is only a claim. Pure.

Only what is on the list is kept. A web page, a picture made of program text (SVG), an archive or a program is none of these:
whoever opens it does what its maker wanted.
"""

from __future__ import annotations

import re
import struct
import unicodedata

from gateway.model.media import Look

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OFFICE_PARTS = {b"word/": "wordprocessingml.document", b"xl/": "spreadsheetml.sheet", b"ppt/": "presentationml.presentation"}
_OLD_OFFICE = ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint")
_LOOKS = {
    "image/jpeg": Look.PICTURE,
    "image/png": Look.PICTURE,
    "image/webp": Look.PICTURE,
    "image/gif": Look.PICTURE,
    "audio/ogg": Look.SOUND,
    "audio/mpeg": Look.SOUND,
    "audio/mp4": Look.SOUND,
    "audio/aac": Look.SOUND,
    "video/mp4": Look.FILM,
    "audio/amr": Look.DOCUMENT,  # no browser plays it
    "video/3gpp": Look.DOCUMENT,
    "application/pdf": Look.DOCUMENT,
    "text/plain": Look.DOCUMENT,
    **dict.fromkeys(_OLD_OFFICE, Look.DOCUMENT),
    **{_OFFICE + part: Look.DOCUMENT for part in _OFFICE_PARTS.values()},
}
EXTENSIONS = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif", "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/aac": ".aac", "audio/amr": ".amr", "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "application/pdf": ".pdf", "text/plain": ".txt", "application/msword": ".doc", "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt", _OFFICE + "wordprocessingml.document": ".docx",
    _OFFICE + "spreadsheetml.sheet": ".xlsx", _OFFICE + "presentationml.presentation": ".pptx",
}  # fmt: skip
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|svg|script|head|body|\?xml)", re.IGNORECASE)
_NAME_MAX = 100


def look_of(mime: str) -> Look:
    return _LOOKS.get(mime, Look.UNKNOWN)


def type_of(data: bytes, told: str = "") -> str:
    """The MIME type of these bytes, "" for one that is not kept. told: decides only between types that begin alike."""
    told = told.split(";", 1)[0].strip().lower()
    head = data[:16]
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"#!AMR"):
        return "audio/amr"
    if head.startswith(b"ID3"):
        return "audio/mpeg"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0x06 == 0 else "audio/mpeg"  # layer bits: none in AAC's frames
    if head[4:8] == b"ftyp":
        return _of_mp4(head[8:12], told)
    if head.startswith(b"PK\x03\x04"):
        return _of_archive(data)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return told if told in _OLD_OFFICE else ""
    return "text/plain" if told == "text/plain" and _is_text(data) else ""


def _of_mp4(brand: bytes, told: str) -> str:
    if brand.startswith(b"3g"):
        return "video/3gpp"
    return "audio/mp4" if brand in (b"M4A ", b"M4B ") or told.startswith("audio/") else "video/mp4"


def _of_archive(data: bytes) -> str:
    """An office document of today is an archive; any other archive is not kept. The names stand in its own directory."""
    if b"[Content_Types].xml" not in data or b"vbaProject.bin" in data:
        return ""
    return next((_OFFICE + kind for part, kind in _OFFICE_PARTS.items() if part in data), "")


def _is_text(data: bytes) -> bool:
    if b"\0" in data or _MARKUP.search(data[:1024]):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def seconds_of(data: bytes, mime: str) -> int:
    """How long an Ogg/Opus voice note lasts, by the position of its last page (48,000 a second: RFC 7845); 0 unknown."""
    last = data.rfind(b"OggS")
    if mime != "audio/ogg" or last < 0 or len(data) < last + 14 or b"OpusHead" not in data[:128]:
        return 0
    position = struct.unpack("<q", data[last + 6 : last + 14])[0]
    return max(1, round(position / 48_000)) if 0 < position < 48_000 * 6 * 3600 else 0


def safe_name(name: str, mime: str, fallback: str = "file") -> str:
    """A file's name as it may be offered for saving: no path, no controls or direction marks, the ending of what it is."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip(" .")
    ending = EXTENSIONS.get(mime, "")
    stem = plain
    if ending and plain.casefold().endswith(ending):
        stem = plain[: -len(ending)]
    elif mime == "image/jpeg" and plain.casefold().endswith(".jpeg"):
        stem = plain[:-5]
    return (stem.strip(" .")[:_NAME_MAX] or fallback) + ending
