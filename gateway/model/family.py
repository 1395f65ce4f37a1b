"""A family: who at home is told about one traveller's journey. See gateway/families."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.model.personal import Personal

ROLE = "family"
"""The role of a member's link (`OrderLink.role`). Notifications of role "any" are not meant for it."""
PURPOSE = "family"
"""What members agree to."""
PLACES = 20
"""How many may join, where the settings say nothing else."""


class Amount(StrEnum):
    """How much a member wants to hear (`OrderLink.amount`)."""

    ALL = ""
    ENDS = "ends"
    """only that it left and landed, and what makes it do neither: cancelled, diverted"""


class Joined(StrEnum):
    """What the one step that decides who is in answered."""

    IN = "in"
    AGAIN = "again"
    """they were in already"""
    FULL = "full"
    CLOSED = "closed"
    TOO_MANY = "too_many"
    """so many came in one minute that the door closed by itself, before this one"""
    BARRED = "barred"
    """the traveller took them out"""
    OLD = "old"
    """by a link that was renewed since"""
    ENDED = "ended"


class Left(StrEnum):
    """Why a member is one no more."""

    STOPPED = "stopped"
    REMOVED = "removed"
    ERASED = "erased"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Member:
    """name: as they chose to be called, None = they said none; joined_ms: by our clock"""

    contact: ContactId
    address: AddressId
    channel: str
    name: Personal | None
    joined_ms: int


@dataclass(frozen=True, slots=True)
class Family:
    """order, customer: whose journey it is (`OrderLink.order`, `.traveller`); the traveller's chat is where they last asked

    renewals: the number of its link, part of that link's id: each new one has a higher one, and none is ever given twice
    until_ms: when to look next whether it is over; ended_ms: 0 = it lasts; ended_why: as store/families.py `end`
    shut_ms:  when the door closed by itself because so many came, 0 = it did not, or the traveller has said something since
    followed: the legs that all its members were brought to follow
    looks:    how often somebody has asked for a look at it
    group_ms: when the link of the traveller's group was set last
    barred:   contacts whom the traveller took out
    """

    id: SubjectId
    order: SubjectId
    customer: str
    contact: ContactId
    address: AddressId
    brand: str
    language: str
    made_ms: int
    until_ms: int
    open: bool = True
    places: int = PLACES
    renewals: int = 0
    ended_ms: int = 0
    ended_why: str = ""
    shut_ms: int = 0
    looks: int = 0
    group_link: Personal | None = None
    group_ms: int = 0
    followed: tuple[SubjectId, ...] = ()
    members: tuple[Member, ...] = ()
    barred: tuple[ContactId, ...] = field(default=())
