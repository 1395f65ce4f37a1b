"""The question Meta asks whenever a callback or its verify token is set: GET with hub.mode, hub.verify_token, hub.challenge.

Source: Meta, "Webhooks", 11 Sep 2026; the same for every product of the Graph API.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from gateway.model.personal import Secret

_CHALLENGE = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def challenge_of(query: Mapping[str, str], verify_token: Secret) -> str | None:
    """The bare challenge to answer with, as text/plain; None to refuse. Constant time; an empty token fits nobody."""
    given = query.get("hub.verify_token", "").encode("utf-8", "replace")
    fits = hmac.compare_digest(given, verify_token.reveal().encode()) and bool(verify_token)
    challenge = query.get("hub.challenge", "")
    if not fits or query.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
        return None
    return challenge
