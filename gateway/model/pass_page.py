"""The page behind the link of a travel document: what is kept of one, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.model.ids import ContactId, EventId, SubjectId


class PassState(StrEnum):
    """valid: the newest of its item; replaced: a newer one was issued; ended: used up

    erased: nobody may read it any more: the contact was erased, or said that they are somebody else
    """

    VALID = "valid"
    REPLACED = "replaced"
    ENDED = "ended"
    ERASED = "erased"


class Device(StrEnum):
    """How the device that asks stands to a page.

    none:   it is open on no device, this one may prove itself
    mine:   it is open on this one: proven here, or together with another page of the same booking
    other:  another device proved itself first
    shut:   too many wrong answers: webcare helps
    """

    NONE = "none"
    MINE = "mine"
    OTHER = "other"
    SHUT = "shut"


class Answer(StrEnum):
    """What one answer led to."""

    OPENED = "opened"
    WRONG = "wrong"
    SHUT = "shut"
    OTHER = "other"
    REPLACED = "replaced"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class PassPage:
    """token: what opens it, a secret; field: keyed hash of its subject and item, the same for every issue of it.

    paper:       as documents.paper dumps it; {} where nobody may read it any more (erased)
    legs:        per leg of the paper the subject whose news moves it
    name_proofs: surnames that open it; digits: the last four of the phone number it was sent to, "" for none
    newest:      the id of the newest page of this item
    group:       keyed hash, equal for the pages of one booking; order: their order among each other
    not_me_ms:   when an address of theirs last said that it is somebody else's, -1 never
    bound, also: keyed hashes of the devices it is open on: that proved itself here, and that did so beside; "" for none
    """

    id: str
    token: str
    contact: ContactId
    field: str
    subject: SubjectId
    item: str
    event: EventId
    occurred_at_ms: int
    order: int
    ends_ms: int
    group: str
    erased: bool
    newest: str
    paper: Mapping[str, Any]
    brand: str
    language: str
    legs: tuple[SubjectId, ...]
    name_proofs: tuple[str, ...]
    digits: str
    not_me_ms: int
    wrong: int
    bound: str
    also: str

    def state(self, now_ms: int, ends_ms: int = 0) -> PassState:
        """ends_ms: when it is used up as far as is known by now, where that is later than was thought"""
        if self.erased:
            return PassState.ERASED
        if max(self.ends_ms, ends_ms) <= now_ms:
            return PassState.ENDED
        return PassState.VALID if self.newest == self.id else PassState.REPLACED
