"""Who somebody in a chat is, as far as was proved, and what may be shown to whoever answers them.

That somebody writes from a known address says that they hold the phone, not who they are: whoever found it sees the chat as well.
So names, booking codes and the like stay covered until there is a proof from outside the chat, and it ends soon. A code that
was sent to the same chat proves nothing more than the chat does.

The one outside proof so far is the operator's own program saying that the person at this address signed in to the app (proof
`app_login`), after this conversation began. Everything else that binds an address only makes it recognised. "Not me" and a change
of number or device take the proof away with the address's own (`Contacts.drop_proof`), so there is nothing to clear here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum, StrEnum

from gateway.model.contact import Proof
from gateway.rules.masking import COVER

IDLE_MS = 30 * 60_000
MAX_MS = 24 * 3_600_000
SHORTEST = 4
"""Characters that a code has at least to be covered within a text: a shorter one is also part of other words."""


class Level(IntEnum):
    """UNKNOWN: nothing. RECOGNISED: the address is linked. VERIFIED: proved from outside. FRESH: proved anew, for one act."""

    UNKNOWN = 0
    RECOGNISED = 1
    VERIFIED = 2
    FRESH = 3


class Datum(StrEnum):
    """What a page or an answer may hold of somebody."""

    FIRST_NAME = "first_name"
    STATUS = "status"
    FULL_NAME = "full_name"
    CODE = "code"


NEEDS = {
    Datum.FIRST_NAME: Level.UNKNOWN,
    Datum.STATUS: Level.RECOGNISED,
    Datum.FULL_NAME: Level.VERIFIED,
    Datum.CODE: Level.VERIFIED,
}
"""From which level something is shown. FIRST_NAME: what the channel shows anyway; STATUS: what they hear about, in general terms;
CODE: booking codes, order and document numbers."""


def level(proof: Proof | None, proved_ms: int, opened_ms: int, now_ms: int, *, active_ms: int | None = None) -> Level:
    """proof, proved_ms: how their address was bound, and when; opened_ms: when the conversation began.

    active_ms: until when they were heard without half an hour's silence; not known, the half hour runs from the proof itself
    """
    if proof is None:
        return Level.UNKNOWN
    from_outside = proof is Proof.APP_LOGIN and opened_ms <= proved_ms <= now_ms
    heard_ms = max(proved_ms, active_ms or 0)
    if from_outside and now_ms - heard_ms < IDLE_MS and now_ms - proved_ms < MAX_MS:
        return Level.VERIFIED
    return Level.RECOGNISED


def shows(held: Level, what: Datum) -> bool:
    return held >= NEEDS[what]


def cover(text: str, codes: Iterable[str]) -> str:
    """The text with each of these codes covered, in whatever case, also within a link, but not within a word or number."""
    wanted = sorted({code for code in codes if len(code) >= SHORTEST}, key=len, reverse=True)
    if not wanted:
        return text
    return re.sub(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, wanted))})(?![^\W_])", COVER, text, flags=re.IGNORECASE)
