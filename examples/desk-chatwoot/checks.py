"""Who speaks to the bridge: both webhooks are signed, and what is not signed is nothing.

The gateway signs as Standard Webhooks say: HMAC-SHA256 over "id.timestamp.body", base64, several signatures while a secret is
replaced. Chatwoot signs "timestamp.body", hex, behind "sha256=" (account webhooks since 4.11.2, an API inbox's
since 4.13.0, lib/webhooks/trigger.rb). An older one signs nothing: there the webhook's address holds a secret of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE_S = 300


def from_gateway(secrets: str, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    """Whether one of our secrets (whsec_..., with a comma or blank between) signed this body, at most five minutes ago."""
    identifier, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identifier or not _recent(stamp, now_s):
        return False
    given = [word.removeprefix("v1,") for word in headers.get("webhook-signature", "").split() if word.startswith("v1,")]
    signed = f"{identifier}.{stamp}.".encode() + body
    good = False
    for secret in secrets.replace(",", " ").split():
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        for signature in given:
            good = hmac.compare_digest(expected, signature.encode()) or good
    return good


def from_chatwoot(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    """Whether the inbox's secret signed this body, at most five minutes ago."""
    stamp, given = headers.get("X-Chatwoot-Timestamp", ""), headers.get("X-Chatwoot-Signature", "")
    if not _recent(stamp, now_s):
        return False
    expected = "sha256=" + hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode())


def same(secret: str, given: str) -> bool:
    """Whether the secret of the address was the right one."""
    return bool(secret) and hmac.compare_digest(secret.encode(), given.encode())


def _recent(stamp: str, now_s: float) -> bool:
    return stamp.isascii() and stamp.isdigit() and len(stamp) < 13 and abs(now_s - int(stamp)) <= TOLERANCE_S
