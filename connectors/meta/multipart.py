"""A form with one file as bytes (RFC 7578).

aiohttp's own makes a part, headers and a writer for each field, which is half of what an upload costs. This is for small files,
which go out in one piece; a large one is left to aiohttp, which sends it piece by piece.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import quote

from gateway.connector import FilePart

SMALL = 1_000_000
"""Bytes of a file, at most: aiohttp warns of bodies of more than 2^20."""


def written(form: Mapping[str, str], file: FilePart) -> tuple[bytes, str]:
    """(body, its Content-Type). Names of fields and the file's type are plain words of ours; values and its name are anything."""
    boundary = secrets.token_hex(16)
    begin = f"--{boundary}\r\nContent-Disposition: form-data; name="
    plain = "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    fields = "".join(f'{begin}"{name}"{plain}{value}\r\n' for name, value in form.items())
    head = f'{begin}"{file.name}"; filename="{quote(file.filename, safe="")}"\r\nContent-Type: {file.mime}\r\n\r\n'
    body = b"".join(((fields + head).encode(), file.data, f"\r\n--{boundary}--\r\n".encode()))
    return body, f"multipart/form-data; boundary={boundary}"
