"""How far somebody showed in a conversation who they are, as its record keeps it. What that means is in rules/identity.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How somebody shows who they are from outside the chat. SUPERVISOR: a person of ours says so, with a reason."""

    CODE = "code"
    LOGIN = "login"
    APP = "app"
    SUPERVISOR = "supervisor"


class Asking(StrEnum):
    """How an agent's asking stands. NONE: nobody asked, or it is answered. ASKED: the link was sent. SENT: a code is on its way.
    FAILED: they could not show it. EXPIRED: they did not, in time; that is never written, only read."""

    NONE = ""
    ASKED = "asked"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


class Act(StrEnum):
    """What asks for a fresh proof of its own, however well somebody is known."""

    BANK = "bank"
    ADDRESS = "address"
    CANCEL = "cancel"


PATH = "/k/"
"""Where the page behind a link begins, on the public listener; what follows is the link's token."""


@dataclass(frozen=True, slots=True)
class Proving:
    """By which ways customers can show who they are. public_url: how they reach our pages"""

    ways: frozenset[Way]
    public_url: str

    def link(self, token: str) -> str:
        return f"{self.public_url.rstrip('/')}{PATH}{token}"


@dataclass(frozen=True, slots=True)
class Shown:
    """verified_ms: when they last showed it in this conversation, 0 never; heard_ms: until when they were heard since, without
    half an hour's silence; how: by which way

    asking, asked_ms: how the last asking stands, and since when; why: a failure's code
    act:              what the last asking was for, "" for nothing in particular
    granted:          an act that they gave a fresh proof for and that was not done yet, until granted_ms
    ended_ms:         when a supervisor took back whatever was shown, also by the app, 0 never
    """

    verified_ms: int = 0
    heard_ms: int = 0
    how: str = ""
    asking: Asking = Asking.NONE
    asked_ms: int = 0
    why: str = ""
    act: str = ""
    granted: str = ""
    granted_ms: int = 0
    ended_ms: int = 0


NOTHING_SHOWN = Shown()
