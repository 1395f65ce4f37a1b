"""The links of an invitation: one for each channel of its brand, a short one for paper and mail, and its QR code. Pure.

The token is made anew from the invitation's id each time, so that a repeated request and the page say the same links.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import zxingcpp

from gateway.connector import Connector
from gateway.directory import Directory
from gateway.errors import CannotRender
from gateway.model.invitation import Invitation, Purpose
from gateway.planning.waysin_words import Blind, code_of, shown, token_of

WORDS: Mapping[str, Mapping[Purpose, str]] = {
    "nl": {
        Purpose.TICKET: "Stuur mijn ticket, code {code}",
        Purpose.UPDATES: "Houd me op de hoogte, code {code}",
        Purpose.FAMILY: "Ik wil de reis volgen, code {code}",
    },
    "en": {
        Purpose.TICKET: "Send my ticket, code {code}",
        Purpose.UPDATES: "Keep me informed, code {code}",
        Purpose.FAMILY: "I want to follow the journey, code {code}",
    },
    "de": {
        Purpose.TICKET: "Schicken Sie mir mein Ticket, Code {code}",
        Purpose.UPDATES: "Halten Sie mich auf dem Laufenden, Code {code}",
        Purpose.FAMILY: "Ich möchte die Reise verfolgen, Code {code}",
    },
    "fr": {
        Purpose.TICKET: "Envoyez-moi mon billet, code {code}",
        Purpose.UPDATES: "Tenez-moi au courant, code {code}",
        Purpose.FAMILY: "Je veux suivre le voyage, code {code}",
    },
}
"""What somebody sends where the link itself cannot bring the token."""

QUIET = 4
"""White modules around a QR code (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Links:
    """channels: channel -> https link, in the invitation's order; short: our own page, None without GATEWAY_PUBLIC_URL"""

    token: str
    code: str
    channels: Mapping[str, str]
    short: str | None

    @property
    def best(self) -> str | None:
        """What a QR code shows: our page, which offers every channel; else the first channel's own link."""
        return self.short or next(iter(self.channels.values()), None)


@dataclass(frozen=True, slots=True)
class LinkMaker:
    connectors: Mapping[str, Connector]
    directory: Directory
    blind: Blind
    public_url: str | None

    def links(self, invitation: Invitation, language: str = "") -> Links:
        """language: of somebody else than whom it was made for. To a family's, the links bring it along."""
        token, code = token_of(self.blind, invitation.id), shown(code_of(self.blind, invitation.id))
        language = language or invitation.language
        words = words_for(language)[invitation.purpose].format(code=code)
        family = invitation.purpose is Purpose.FAMILY
        brought = with_language(token, language) if family else token
        found = {}
        for channel in invitation.channels:
            link = self._link(channel, invitation.brand, brought, code, words)
            if link is not None:
                found[channel] = link
        page = "j" if family else "i"
        return Links(token, code, found, f"{self.public_url}/{page}/{token}" if self.public_url else None)

    def channels(self, brand: str) -> list[str]:
        """By which channels somebody can come in to this brand."""
        words = words_for("")[Purpose.UPDATES].format(code="0000-0000")
        return [one for one in self.connectors if self._link(one, brand, "0" * 24, "0000-0000", words) is not None]

    def _link(self, channel: str, brand: str, token: str, code: str, words: str) -> str | None:
        connector, sender = self.connectors.get(channel), self.directory.for_brand(brand, channel)
        if connector is None or sender is None:
            return None
        try:
            return connector.link_in(sender, token, words)
        except CannotRender:  # the words must bring it: there it is the code, which people can read and type
            return connector.link_in(sender, code, words)


def with_language(token: str, language: str) -> str:
    """What a link carries where it also says which language is read; a language that we do not speak is left out."""
    base = re.split(r"[-_]", language.lower())[0]
    return f"{token}-{base}" if base in WORDS else token


def words_for(language: str) -> Mapping[Purpose, str]:
    return WORDS.get(re.split(r"[-_]", language.lower())[0], WORDS["en"])


def qr_svg(text: str, *, label: str = "") -> str:
    """A QR code as SVG for a page: modules as one path, its colours given, the quiet zone in it."""
    rows = _modules(text)
    side = len(rows) + 2 * QUIET
    path = "".join(
        f"M{x + QUIET} {y + QUIET}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    name = f' aria-label="{label}"' if label else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img"{name} shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>'
    )


def qr_png(text: str, *, scale: int = 8) -> bytes:
    """The same as PNG, black on white, `scale` pixels a module."""
    rows = _modules(text)
    side = (len(rows) + 2 * QUIET) * scale
    lines = [b"\xff" * (side // 8 + 1)] * (QUIET * scale)
    for row in rows:
        bits = "1" * (QUIET * scale) + "".join(("0" if dark else "1") * scale for dark in row) + "1" * (QUIET * scale)
        packed = int(bits.ljust(8 * (side // 8 + 1), "1"), 2).to_bytes(side // 8 + 1, "big")
        lines += [packed] * scale
    lines += lines[:1] * (QUIET * scale)
    width = (side + 7) // 8
    data = zlib.compress(b"".join(b"\x00" + line[:width] for line in lines), 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def qr_data_url(text: str) -> str:
    return "data:image/png;base64," + base64.b64encode(qr_png(text)).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _modules(text: str) -> list[list[bool]]:
    """The dark modules of a QR code, error correction M (15%), without a quiet zone."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image = memoryview(cast(Any, zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False)))
    height, width = image.shape or (0, 0)
    raw = image.tobytes()
    return [[raw[y * width + x] == 0 for x in range(width)] for y in range(height)]
