"""People we write to: contacts, their addresses, consents, proofs and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.model.ids import AddressId, ContactId, SenderId, SubjectId
from gateway.model.personal import Personal


class Proof(StrEnum):
    """How an address was bound to a person. A checkbox, or a number given by somebody else, is no proof."""

    OTP = "otp"
    INBOUND = "inbound"
    APP_LOGIN = "app_login"
    LINK = "link"


class GivenBy(StrEnum):
    SELF = "self"
    BOOKER = "booker"
    AGENCY = "agency"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One way a channel names a person.

    kind:  the channel's own word, e.g. "phone" (+E.164), "user_id" (WhatsApp BSUID), "psid"
    scope: within what it is unique: "" for a phone, the business portfolio for a BSUID, the page for a PSID
    """

    kind: str
    scope: str
    value: Personal


@dataclass(frozen=True, slots=True)
class Address:
    """A person on a channel: the unit of sending. It may be known by several identifiers (a phone and a BSUID)."""

    id: AddressId
    channel: str
    identifiers: tuple[Identifier, ...]
    given_by: GivenBy = GivenBy.SELF

    def value(self, kind: str) -> Personal | None:
        return next((known.value for known in self.identifiers if known.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Consent:
    """The present state for one (purpose, channel, brand). `at_ms` is when the person said it, not when we heard."""

    granted: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One line of the ledger: what was said, when, how, under which wording, and what shows it."""

    purpose: str
    channel: str
    brand: str
    granted: bool
    at_ms: int
    how: str
    wording: str | None = None
    evidence: Personal | None = None


@dataclass(frozen=True, slots=True)
class Traveller:
    """A customer who is reached at this contact's addresses: the contact itself, or one who shares an address."""

    customer: str
    """keyed hash of (namespace, customerId)"""
    given_name: Personal | None
    family_name: Personal | None
    addresses: tuple[AddressId, ...] = ()
    """which of the contact's addresses this traveller gave, in order of preference"""
    number: Personal | None = None
    """the customer number itself, by which the operator's own systems know them; None where an order never said it"""


@dataclass(frozen=True, slots=True)
class Move:
    """away: what was cancelled; to: what is followed instead; how: automatic or proposed (and accepted)"""

    away: SubjectId
    to: SubjectId
    how: str


@dataclass(frozen=True, slots=True)
class OrderLink:
    """One order of one traveller of a contact: how texts say whom they are about, and what a booking code opens."""

    order: SubjectId
    number: Personal
    kind: str
    brand: str
    source: str
    traveller: str
    role: str
    passenger: str | None
    subjects: tuple[SubjectId, ...]
    until_ms: int
    version: int = 0
    """the order subject's sequence that wrote this link: an older one, done again late, changes nothing"""
    postcode: Personal | None = None
    """exact postcode of a service contract: the subscription knows only its cell"""
    age: str = ""
    """"child" or "infant": their documents go to an adult of the order; "" = an adult"""
    ticket: Personal | None = None
    """the number of their ticket, by which a document finds them"""
    share: str = ""
    """"booker": the order says that its booker may have everybody's documents"""
    place: int = 0
    """where the order names them among its recipients"""
    moves: tuple[Move, ...] = ()
    """cancelled journeys that this order has another one for; both stand in `subjects`"""
    onward: tuple[SubjectId, ...] = ()
    """of `subjects`, the legs on which a journey goes on that an earlier one began"""
    stretches: Mapping[SubjectId, Mapping[str, Any]] = field(default_factory=dict)
    """of trains among `subjects`: where and when they board and leave it by the order (rules/stretches.py)"""
    amount: str = ""
    """of a family's member: how much they want to hear (model/family.py Amount)"""
    quiet: bool = False
    """of a family's member: nothing at night, also not that it left or landed"""


@dataclass(frozen=True, slots=True)
class Profile:
    """The sealed half of a contact: everything that identifies a person."""

    addresses: tuple[Address, ...] = ()
    travellers: tuple[Traveller, ...] = ()
    orders: tuple[OrderLink, ...] = ()
    display_name: Personal | None = None
    """the name the channel shows for them, if they ever wrote"""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """The plain half of a contact, changed one field at a time by scripts: no name, number or text in it.

    consents: key "purpose.channel.brand"
    proofs:   address id -> (kind, time); a "not me" leaves kind None with its time, which bars that address
    windows:  "sender:address" -> when the person last wrote to that sender from that address (ms)
    unreachable: address -> when the channel last said so; a later message from there lifts it
    read_at:     address -> when they last read something of ours there (ms)
    held:        "sender:address" -> until when another program holds the thread (ms), and which ("" unknown)
    wish:        channels in the order they asked for; () = they said nothing
    receipts:    "address:status" -> until when (ms) everything sent there is known to have this status
    left:        subjects they follow no more -> since when (ms)
    complaints:  brand -> until when their complaint is to be answered (ms)
    """

    language: str | None = None
    timezone: str | None = None
    consent_version: int = 0
    consents: Mapping[str, Consent] = field(default_factory=dict)
    proofs: Mapping[AddressId, tuple[Proof | None, int]] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)
    unreachable: Mapping[AddressId, int] = field(default_factory=dict)
    read_at: Mapping[AddressId, int] = field(default_factory=dict)
    held: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    wish: tuple[str, ...] = ()
    receipts: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[SubjectId, int] = field(default_factory=dict)
    complaints: Mapping[str, int] = field(default_factory=dict)
    moved_to: ContactId | None = None
    erasing: bool = False

    def window_opened_at(self, sender: SenderId, address: AddressId) -> int | None:
        return self.windows.get(f"{sender}:{address}")

    def holder(self, sender: SenderId, address: AddressId, now_ms: int) -> str | None:
        """The program that holds their thread with this sender ("" unknown); None when no other one does."""
        until_ms, program = self.held.get(f"{sender}:{address}", (0, ""))
        return program if until_ms > now_ms else None

    def complains(self, brand: str, now_ms: int) -> bool:
        """Whether a complaint of theirs is open, or its date was less than a day ago."""
        return now_ms < self.complaints.get(brand, 0) + 24 * 3600 * 1000

    def spoke_at(self) -> int | None:
        """When the person last wrote to any of our senders."""
        return max(self.windows.values(), default=None)

    def held_elsewhere(self, sender: SenderId, address: AddressId, now_ms: int) -> bool:
        """Whether another program holds their thread with this sender."""
        return self.holder(sender, address, now_ms) is not None

    def is_unreachable(self, address: AddressId) -> bool:
        said = self.unreachable.get(address)
        wrote = max((at for name, at in self.windows.items() if name.endswith(f":{address}")), default=0)
        return said is not None and said > wrote


@dataclass(frozen=True, slots=True)
class Contact:
    id: ContactId
    version: int
    profile: Profile
    facts: ContactFacts


@dataclass(frozen=True, slots=True)
class Subscription:
    """One contact hears about one subject, for the orders that brought it there.

    refs: keyed hashes of the orders (or the empty tuple where an area or line was asked for)
    cell: exact postcode within an area subscription, sealed elsewhere; "" for all else
    """

    contact: ContactId
    subject: SubjectId
    refs: tuple[str, ...]
    until_ms: int
