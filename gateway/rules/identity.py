"""Who somebody in a chat is, as far as was proved, and what may be shown to whoever answers them.

That somebody writes from a known address says that they hold the phone, not who they are: whoever found it sees the chat as well.
So names, booking codes and the like stay covered until there is a proof from outside the chat, and it ends soon. A code that
was sent to the same chat proves nothing more than the chat does.

Proofs from outside: the operator's own program says that the person at this address signed in to the app (proof `app_login`),
after this conversation began; or in this conversation they signed in to their own account, gave a code that was sent to another
address of theirs, or a supervisor says who they are. Everything else that binds an address only makes it recognised. "Not me"
and a change of number or device take all of it away (`Contacts.drop_proof`, `Conversations.drop_identity`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum, StrEnum

from gateway.model.contact import Contact, Proof, Traveller
from gateway.model.identity import NOTHING_SHOWN, Asking, Shown
from gateway.model.ids import AddressId
from gateway.model.personal import Personal
from gateway.rules.masking import COVER

IDLE_MS = 30 * 60_000
MAX_MS = 24 * 3_600_000
OPENING_MS = 60_000
"""A link from the app may itself open the conversation: by the channel's clock a moment before ours."""
ASK_MS = 10 * 60_000
"""How long a link, and a code, is good for."""
ACT_MS = 10 * 60_000
"""How long a fresh proof is good for, and for one act only."""
TRIES = 5
SENDS = 3
"""Wrong answers, and codes sent, of one person in the time of a pause."""
PAUSE_MS = 30 * 60_000
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


def level(
    proof: Proof | None,
    proved_ms: int,
    opened_ms: int,
    now_ms: int,
    *,
    active_ms: int | None = None,
    shown: Shown = NOTHING_SHOWN,
) -> Level:
    """proof, proved_ms: how their address was bound, and when (None with a time: "not me" was said then)

    opened_ms: when the conversation began; shown: what they showed in it
    active_ms: until when they were heard without half an hour's silence; not known, the half hour runs from the proof itself
    """
    if shown.verified_ms > (proved_ms if proof is None else 0) and lasts(shown, now_ms):
        return Level.FRESH if fresh(shown, now_ms) else Level.VERIFIED
    if proof is None:
        return Level.UNKNOWN
    began_ms = max(opened_ms - OPENING_MS, shown.ended_ms + 1 if shown.ended_ms else 0)
    from_outside = proof is Proof.APP_LOGIN and began_ms <= proved_ms <= now_ms
    heard_ms = max(proved_ms, active_ms or 0)
    if from_outside and now_ms - heard_ms < IDLE_MS and now_ms - proved_ms < MAX_MS:
        return Level.VERIFIED
    return Level.RECOGNISED


def lasts(shown: Shown, now_ms: int) -> bool:
    """Whether what they showed in this conversation still holds."""
    heard_ms = max(shown.verified_ms, shown.heard_ms)
    return shown.verified_ms > 0 and now_ms - heard_ms < IDLE_MS and now_ms - shown.verified_ms < MAX_MS


def fresh(shown: Shown, now_ms: int) -> bool:
    """Whether one act may be done now on a proof that was given for it alone."""
    return bool(shown.granted) and now_ms < shown.granted_ms


def customers_of(contact: Contact, address: AddressId) -> list[Traveller]:
    """Whose this address is: the customers who gave it, or came by it."""
    return [person for person in contact.profile.travellers if address in person.addresses]


def not_me(contact: Contact, address: AddressId) -> bool:
    """Whether whoever has this address said that they are not this person."""
    return contact.facts.proofs.get(address, (Proof.INBOUND, 0))[0] is None


def told_by_code(contact: Contact, address: AddressId) -> Personal | None:
    """The customer number that a code goes to: the first that is known of whose address this is; None: of nobody."""
    return next((one.number for one in customers_of(contact, address) if one.number is not None), None)


def asking(shown: Shown, now_ms: int) -> Asking:
    """How the last asking stands now: one that nobody answered in time is over."""
    if shown.asking in (Asking.ASKED, Asking.SENT) and now_ms - shown.asked_ms >= ASK_MS:
        return Asking.EXPIRED
    return shown.asking


def shows(held: Level, what: Datum) -> bool:
    return held >= NEEDS[what]


def cover(text: str, codes: Iterable[str]) -> str:
    """The text with each of these codes covered, in whatever case, also within a link, but not within a word or number."""
    wanted = sorted({code for code in codes if len(code) >= SHORTEST}, key=len, reverse=True)
    if not wanted:
        return text
    return re.sub(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, wanted))})(?![^\W_])", COVER, text, flags=re.IGNORECASE)
