"""A pass for Apple Wallet: a ZIP that says what is shown, in pictures and words, with a signature over the digest of every file.

    pass.json           what it shows, its barcode, when it matters and when it ends (wallet_fields.py)
    icon, logo          @1x, @2x, @3x (wallet_images.py)
    xx.lproj            each word of it in one language
    manifest.json       the SHA-1 of every file above
    signature           CMS over the exact bytes of the manifest: detached, with Apple's intermediate beside it

SHA-1 is the format's, and no promise hangs on it alone: the signature itself is over SHA-256. It is made in binary mode, for
without it line feeds are turned into pairs before they are signed.

**Symbols.** The message is a text of ISO 8859-1, one character a byte, and the phone turns it back into these bytes: so a train's
binary code goes through unharmed.

**No updates.** There is no web service behind these passes: a phone does not fetch a new gate by itself. News goes through the
chat, the page behind the link shows what holds now, and a pass that is taken again from there takes the place of the old one,
because it keeps its serial number. The number and the group of a booking's passes are keyed hashes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from gateway.documents import wallet_fields
from gateway.documents.paper import Paper, SymbolKind
from gateway.documents.wallet_cards import Blind, Card, cards, flight_name, group_of, serial_of
from gateway.documents.wallet_images import says_name
from gateway.documents.wallet_keys import AppleKeys
from gateway.documents.wallet_words import language_of, say
from gateway.errors import CannotWrap
from gateway.notifications.brands import Brand

MIME = "application/vnd.apple.pkpass"
MIME_SEVERAL = "application/vnd.apple.pkpasses"
_FORMATS = {
    SymbolKind.AZTEC: "PKBarcodeFormatAztec",
    SymbolKind.PDF417: "PKBarcodeFormatPDF417",
    SymbolKind.QR: "PKBarcodeFormatQR",
}
_MADE = (1980, 1, 1, 0, 0, 0)
"""Of every file in the ZIP: when it was made is nobody's business, and the same pass is the same bytes but for its signature."""


def pkpass(
    paper: Paper,
    card: Card,
    language: str,
    *,
    brand: Brand,
    keys: AppleKeys,
    blind: Blind,
    images: Mapping[str, bytes],
    about: str = "",
    voided: bool = False,
) -> bytes:
    """One pass. card: one of `cards(paper)`; images: of `wallet_images.images`; voided: shown as no longer valid."""
    speech = wallet_fields.Speech(language_of(language))
    word = wallet_fields.KINDS[paper.kind]
    name = " ".join(filter(None, (flight_name(card.first) if card.legs else paper.title,)))
    shown: dict[str, Any] = {
        "formatVersion": 1,
        "passTypeIdentifier": keys.pass_type,
        "teamIdentifier": keys.team,
        "serialNumber": serial_of(blind, paper, card, about),
        "organizationName": brand.name,
        "description": f"{say(word, language_of(language))} {name}".strip(),
        "backgroundColor": _rgb(brand.look.accent),
        "foregroundColor": _rgb(brand.look.ground),
        "labelColor": _rgb(brand.look.ground),
        "barcodes": [_barcode(card)],
        **wallet_fields.times(paper, card),
        **wallet_fields.style(paper, card, brand, speech),
    }
    group = group_of(blind, paper)
    if group:
        shown["groupingIdentifier"] = group
    if voided:
        shown["voided"] = True
    if not says_name(images):
        shown["logoText"] = brand.name
    files = {"pass.json": _json(shown), **images}
    for spoken, strings in speech.strings().items():
        described = wallet_fields.translation(shown["description"], f"{say(word, spoken)} {name}".strip())
        files[f"{spoken}.lproj/pass.strings"] = (strings + described).encode()
    manifest = _json({path: hashlib.sha1(data, usedforsecurity=False).hexdigest() for path, data in files.items()})
    return _zip({**files, "manifest.json": manifest, "signature": sign(manifest, keys)})


def passes(
    paper: Paper,
    language: str,
    *,
    brand: Brand,
    keys: AppleKeys,
    blind: Blind,
    images: Mapping[str, bytes],
    about: str = "",
) -> tuple[bytes, str]:
    """All passes of a paper and their MIME type: one, or several in a bundle. Raises CannotWrap where it makes none."""
    found = cards(paper)
    if not found:
        raise CannotWrap("a wallet pass needs a symbol, and a time")
    made = [
        pkpass(paper, card, language, brand=brand, keys=keys, blind=blind, images=images, about=about)
        for card in found
    ]
    return (made[0], MIME) if len(made) == 1 else (pkpasses(made), MIME_SEVERAL)


def pkpasses(made: Sequence[bytes]) -> bytes:
    """Several passes in one file, which a phone takes with one tap."""
    return _zip({f"pass{number}.pkpass": data for number, data in enumerate(made, 1)})


def sign(manifest: bytes, keys: AppleKeys) -> bytes:
    """CMS SignedData, DER, without the content; signed attributes carry the time."""
    return (
        PKCS7SignatureBuilder()
        .set_data(manifest)
        .add_signer(keys.certificate, keys.key, SHA256())
        .add_certificate(keys.wwdr)
        .sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])
    )


def _barcode(card: Card) -> dict[str, str]:
    symbol = card.symbol
    barcode = {
        "format": _FORMATS[symbol.kind],
        "message": symbol.payload.decode("iso-8859-1"),
        "messageEncoding": "iso-8859-1",
    }
    return barcode | ({"altText": symbol.about} if symbol.about else {})


def _rgb(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour.lstrip("#"))
    return f"rgb({red}, {green}, {blue})"


def _json(value: Any) -> bytes:
    """Names in any script stand in it as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _zip(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            packed_already = path.endswith((".png", ".pkpass"))
            archive.writestr(zipfile.ZipInfo(path, _MADE), data, zipfile.ZIP_STORED if packed_already else zipfile.ZIP_DEFLATED)
    return packed.getvalue()
