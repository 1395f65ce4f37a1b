"""People at the desk as values: who they are, what they are for a brand and a queue, and what that lets them do.

A right is written ROLE, ROLE@brand or ROLE@brand/queue, and a person may have several. Before there were roles there were two
words, which are still read: `reply` is what an agent may, `read` is reading a brand and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NewType

from gateway.model.personal import Personal

AgentId = NewType("AgentId", str)


class Role(StrEnum):
    """What somebody is for a brand and a queue. A right is written ROLE, ROLE@brand or ROLE@brand/queue."""

    AGENT = "agent"
    SENIOR = "senior"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a role allows, for its brand and queue. READ_ALL: other queues of the brand too; which is logged."""

    READ = "read"
    REPLY = "reply"
    CONSULT = "consult"
    TRANSFER = "transfer"
    READ_ALL = "read_all"
    REVEAL = "reveal"
    """what is masked, whatever the contact has proved; what they have proved is not masked for whoever may reply"""
    FORCE = "force"
    """force release, take over, another's status, a boost, whisper, brakes, roll-out"""
    ADMINISTER = "administer"
    """people, queues, calendars"""
    AUDIT = "audit"
    """read the audit"""


_ANSWERING = frozenset({Permission.READ, Permission.REPLY, Permission.CONSULT, Permission.TRANSFER})

GRANTS: Mapping[str, frozenset[Permission]] = {
    Role.AGENT: _ANSWERING,
    Role.SENIOR: _ANSWERING | {Permission.READ_ALL},
    Role.SUPERVISOR: _ANSWERING | {Permission.READ_ALL, Permission.REVEAL, Permission.FORCE},
    Role.ADMIN: frozenset({Permission.ADMINISTER, Permission.AUDIT}),
    Role.AUDITOR: frozenset({Permission.READ, Permission.READ_ALL, Permission.AUDIT}),
    "reply": _ANSWERING,
    "read": frozenset({Permission.READ}),
}
"""What each role allows; the last two are the words of before there were roles."""

WHOLE_BRAND = frozenset({Permission.READ_ALL})
"""Permissions that a right for one queue gives for all queues of its brand."""

_RIGHT = re.compile(rf"({'|'.join(GRANTS)})(?:@([\w-]+)(?:/([\w.-]+))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Right:
    """role: a Role, or `reply` or `read`; brand "" = every brand, queue "" = every queue of the brand"""

    role: str
    brand: str = ""
    queue: str = ""

    def covers(self, permission: str, brand: str | None, queue: str | None) -> bool:
        """brand, queue None: any will do."""
        if permission not in GRANTS[self.role] or (self.brand and brand is not None and self.brand != brand):
            return False
        return not self.queue or queue is None or self.queue == queue or permission in WHOLE_BRAND


@lru_cache(maxsize=1024)
def parse_right(text: str) -> Right | None:
    """A right as it is written; None for what is none, or what only a newer version knows: it gives nothing."""
    found = _RIGHT.fullmatch(text)
    return Right(found[1], found[2] or "", found[3] or "") if found else None


BY_KEY = "key"
"""The `provider` of an agent that is another program, known by its API key (webcare/outside.py)."""
SEND_KEYS = ("enter", "ctrl_enter")
LOCALES = ("nl", "en")
LIMIT_FACTOR_MAX = 10


@dataclass(frozen=True, slots=True)
class Agent:
    """name: what they sign in with; display: what colleagues and (its first word) contacts see.

    rights:       see the module
    languages:    those they answer in, empty = every one; skills: what they know; both are the router's
    send_key:     what sends a reply, "" = not chosen yet; keys: command -> the letter they chose for it
    limit_factor: how many times as long their time limits are, 1 to 10
    locale:       the language of their page, "" = their browser's
    provider:     who says who they are: "" = we do, by password; else the provider's address, whose groups are their rights;
                  BY_KEY: nobody, it is another program
    """

    id: AgentId
    name: Personal
    display: Personal
    rights: tuple[str, ...] = ("reply",)
    disabled: bool = False
    languages: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    send_key: str = ""
    limit_factor: int = 1
    locale: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    provider: str = ""

    def may(self, permission: str, brand: str | None = None, queue: str | None = None) -> bool:
        """Whether they may do this for this brand and queue; None asks "for any"."""
        return any(right is not None and right.covers(permission, brand, queue) for right in map(parse_right, self.rights))

    @property
    def program(self) -> bool:
        return self.provider == BY_KEY

    @property
    def first_name(self) -> Personal:
        words = self.display.reveal().split()
        return Personal(words[0] if words else "")
