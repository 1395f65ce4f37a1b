"""Webhook signatures: X-Hub-Signature-256 = "sha256=" + HMAC-SHA256(app secret, raw body) in hex.

Source: Meta, "Webhooks", 11 Sep 2026. Meta signs the bytes as it sends them, non-ASCII escaped as \\u00e4 and slashes
as \\/: only the received bytes give the same digest, never a parsed and re-written object.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

from gateway.model.personal import Secret

HEADER = "x-hub-signature-256"
_PREFIX = "sha256="


def signature(raw: bytes, secret: Secret) -> str:
    """The header's value for these bytes."""
    return _PREFIX + hmac.digest(secret.reveal().encode(), raw, "sha256").hex()


def is_signed(headers: Mapping[str, str], raw: bytes, secrets: Sequence[Secret]) -> bool:
    """Whether one of the secrets signed these bytes.

    Constant time: every secret is tried to the end, also after one fitted (several hold while a secret is rotated). An
    empty secret never fits, else a forgotten setting would let anyone sign. The SHA-1 header is not looked at.
    """
    given = headers.get(HEADER)
    if given is None:  # a mapping that minds the case, with a name as the channel writes it
        given = next((value for name, value in headers.items() if name.lower() == HEADER), "")
    given = given.strip().lower()
    candidate = given.encode("utf-8", "replace")
    fits = False
    for secret in secrets:
        expected = signature(raw, secret).encode()
        fits |= hmac.compare_digest(candidate, expected) and bool(secret)
    return fits
