"""A file in a conversation, theirs or ours, as the desk knows it. No bytes: these lie sealed in a file of their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.ids import ContactId, ConversationId, SenderId
from gateway.model.personal import Personal


class MediaState(StrEnum):
    """WANTED: being fetched or looked at. CLEAN: the scanner saw nothing. UNSCANNED: shown as far as it is safe without one.

    The others hold no bytes. INFECTED: the scanner says so. REFUSED: a kind or size that we do not keep. LOST: the channel has it
    no longer. PARKED: fetching or looking at it failed too often. OURS: an agent's own, taken up for a reply.
    """

    WANTED = "wanted"
    CLEAN = "clean"
    UNSCANNED = "unscanned"
    INFECTED = "infected"
    REFUSED = "refused"
    LOST = "lost"
    PARKED = "parked"
    OURS = "ours"


HELD = frozenset({MediaState.CLEAN, MediaState.UNSCANNED, MediaState.OURS})
"""States in which there are bytes to show."""


PRIVATE_MS = 24 * 3_600_000
"""How long an identity document is kept after it came."""


class Look(StrEnum):
    """How a file is shown: in the thread, played, or offered as a download."""

    PICTURE = "picture"
    SOUND = "sound"
    FILM = "film"
    DOCUMENT = "document"
    UNKNOWN = "unknown"


NOTHING = Personal("")


@dataclass(frozen=True, slots=True)
class Kept:
    """ref: 32 characters, a keyed hash of contact, line and number. mime: by its first bytes, "" before it was fetched.

    seconds: of a sound where its own header tells, else 0; width, height: of a picture as it is shown; tries: of fetching it
    source: the channel's id or address of it, personal; told: the type the channel named; voice: spoken into the phone
    """

    ref: str
    contact: ContactId
    conversation: ConversationId
    sender: SenderId
    state: MediaState
    at_ms: int
    tries: int = 0
    mime: str = ""
    size: int = 0
    seconds: int = 0
    width: int = 0
    height: int = 0
    voice: bool = False
    source: Personal = NOTHING
    filename: Personal = NOTHING
    told: str = ""
    until_ms: int = 0
    """of an identity document and the like: when it is deleted, 0 with all others"""
