"""An invitation: a link that binds a chat to an order. Made where somebody books; claimed by the first who comes by it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.contact import Proof
from gateway.model.ids import AddressId, ContactId, SubjectId


class Origin(StrEnum):
    """Where the person got the link."""

    BOOKING_PAGE = "booking_page"
    APP = "app"
    WEB_FORM = "web_form"
    IVR = "ivr"
    PRINTED_TICKET = "printed_ticket"
    AGENCY = "agency"
    CHAT = "chat"
    """no link: they typed their booking code and the surname in a chat"""
    TRAVELLER = "traveller"
    """the traveller forwarded it to who is at home"""


class Purpose(StrEnum):
    """What the link is for: what the words on the page and in the chat promise."""

    TICKET = "ticket"
    UPDATES = "updates"
    FAMILY = "family"
    """to follow somebody else's journey; many may come by it (gateway/families)"""


class Identified(StrEnum):
    """How the holder was identified: where the link was made, or in the chat by booking code and surname."""

    APP_LOGIN = "app_login"
    OTP = "otp"
    SURNAME = "surname"
    NONE = "none"

    @property
    def proof(self) -> Proof | None:
        """What that makes of the address that comes by the link."""
        return None if self is Identified.NONE else Proof.LINK


FRESH_MS = 10 * 60_000
"""So soon after it was made a link says who comes by it now, and not only whose it was once."""


class InvitationState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    """somebody came first; their address is being bound"""
    BOUND = "bound"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Claim(StrEnum):
    """What a comer is told by the one step that decides who is first."""

    FIRST = "first"
    YOURS = "yours"
    """the same person once more, not yet bound"""
    BOUND = "bound"
    """the same person once more; all is done"""
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"

    @property
    def theirs(self) -> bool:
        return self in (Claim.FIRST, Claim.YOURS)


@dataclass(frozen=True, slots=True)
class ConsentAsked:
    """One consent that the words on the page ask for; given by opening the chat. wording: its id in templates/wordings"""

    purpose: str
    wording: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an invitation says (sealed) and how far it came (plain).

    subject:   what it is about: the order, or without one the flight or trip; the invitation lives in its partition
    number:    the order's number, "" without one
    customer:  keyed hash of the customer number, "" when the maker did not know it
    consents:  what the words ask for
    channels:  by which it may be claimed, in the order in which the page shows them
    by:        name of the API key that made it
    claimed_ms, bound_ms, revoked_ms: 0 = not yet
    contact, address, traveller: whom it was bound to, "" before
    """

    id: str
    origin: Origin
    purpose: Purpose
    brand: str
    language: str
    subject: SubjectId
    number: str
    entity: str
    customer: str
    passenger: str
    role: str
    identified: Identified
    consents: tuple[ConsentAsked, ...]
    channels: tuple[str, ...]
    made_ms: int
    until_ms: int
    until_given: bool
    """whether the maker said until when; else it ends with the order, once that is known"""
    by: str = ""
    apart: bool = False
    """told beside the traveller, never instead of them"""
    digest: str = ""
    """of what it was asked for, so that a repeated request is told from another one"""
    claimed_ms: int = 0
    bound_ms: int = 0
    revoked_ms: int = 0
    contact: ContactId | None = None
    address: AddressId | None = None
    traveller: str = ""

    def state(self, now_ms: int) -> InvitationState:
        if self.bound_ms:
            return InvitationState.BOUND
        if self.claimed_ms:
            return InvitationState.CLAIMED
        if self.revoked_ms:
            return InvitationState.REVOKED
        return InvitationState.EXPIRED if now_ms >= self.until_ms else InvitationState.OPEN
