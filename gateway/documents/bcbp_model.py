"""What a boarding pass's code says, item by item (IATA Resolution 792, format M), and how wide each item is.

Values are texts without the blanks that fill them up. In the two conditional sections None is an item that the code does not
reach (it was cut off behind the last one in use) and "" one that is there and blank: to a reader the same, not to a signature.

Days stand in a code without their year. `day` and `issue` are the digits as they stand; `date` and `issued` are what they mean to
who reads them today (bcbp_days.py), None where they mean no day. Only the digits are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Repeated:
    """What may follow each leg. more: items that a newer version than 8 put behind the known ones, as they came.

    airline, serial: the ticket number in its two parts; baggage: "20K", "1PC"; fast_track: "Y", "N" or ""
    """

    airline: str | None = None
    serial: str | None = None
    selectee: str | None = None
    verification: str | None = None
    marketing: str | None = None
    flyer_airline: str | None = None
    flyer_number: str | None = None
    staff: str | None = None
    baggage: str | None = None
    fast_track: str | None = None
    more: str = ""


@dataclass(frozen=True, slots=True)
class Unique:
    """What may be said once, behind leg 1. issue: last digit of the year and day of the year, `6325`.

    sources: one letter each, where the traveller checked in and where the pass was issued; tags: of bags, 13 digits
    """

    version: str = "6"
    description: str | None = None
    checkin_source: str | None = None
    issue_source: str | None = None
    issue: str | None = None
    document_type: str | None = None
    issuer: str | None = None
    first_tag: str | None = None
    second_tag: str | None = None
    third_tag: str | None = None
    more: str = ""
    issued: date | None = None


@dataclass(frozen=True, slots=True)
class PassLeg:
    """flight: `0834`, or with a suffix `0834A`; day: of the year, `326`; airline_use: the carrier's own words, as they came."""

    locator: str
    origin: str
    destination: str
    carrier: str
    flight: str
    day: str
    cabin: str = ""
    seat: str = ""
    sequence: str = ""
    status: str = ""
    repeated: Repeated | None = None
    airline_use: str = ""
    date: date | None = None


@dataclass(frozen=True, slots=True)
class Security:
    """The carrier's signature over all that stands before it."""

    kind: str
    data: str


@dataclass(frozen=True, slots=True)
class BoardingPass:
    """name: `SURNAME/GIVEN TITLE`; electronic: "E" or ""; rest: what stands behind everything known, as it came."""

    name: str
    legs: tuple[PassLeg, ...]
    electronic: str = "E"
    unique: Unique | None = None
    security: Security | None = None
    rest: str = ""


Layout = tuple[tuple[str, int], ...]
"""Items in their order, each with its width in characters."""

NAME = 20
LEG: Layout = (
    ("locator", 7), ("origin", 3), ("destination", 3), ("carrier", 3), ("flight", 5), ("day", 3), ("cabin", 1), ("seat", 4),
    ("sequence", 5), ("status", 1),
)  # fmt: skip
LEG_LEAST = 24
"""A leg may be cut behind its day, where the code ends there."""
UNIQUE: Layout = (
    ("description", 1), ("checkin_source", 1), ("issue_source", 1), ("issue", 4), ("document_type", 1), ("issuer", 3),
    ("first_tag", 13), ("second_tag", 13), ("third_tag", 13),
)  # fmt: skip
REPEATED: Layout = (
    ("airline", 3), ("serial", 10), ("selectee", 1), ("verification", 1), ("marketing", 3), ("flyer_airline", 3),
    ("flyer_number", 16), ("staff", 1), ("baggage", 3), ("fast_track", 1),
)  # fmt: skip
