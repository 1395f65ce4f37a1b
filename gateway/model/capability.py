"""What a sender is able to do at its channel. It differs by region, permission and setting, so it is found out, not assumed.

Known from two sides: what the channel says when asked (a job asks every hour), and what its answers to real sends show. Each
finding has its time; an old one is shown with its age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Capability(StrEnum):
    """The closed list."""

    TEMPLATES = "templates"
    """may write outside the service window by approved templates"""
    PERSON_WINDOW = "person_window"
    """a person may answer beyond the service window"""
    IN_CONTROL = "in_control"
    """new threads come to us: we are the program that answers by default, or the only one"""
    NO_MACHINE_ELSEWHERE = "no_machine_elsewhere"
    """no other automation of the channel answers our people"""
    WAY_IN = "way_in"
    """a link brings people to us with its token"""


@dataclass(frozen=True, slots=True)
class Finding:
    """able: None = asked, and the channel did not say. why: in our words, without personal data. at_ms: when it was found."""

    able: bool | None
    at_ms: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of one sender; what is not in it was never asked. details: for people, e.g. {"default_app": "..."}"""

    found: Mapping[Capability, Finding] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)

    def able(self, what: Capability) -> bool | None:
        finding = self.found.get(what)
        return finding.able if finding else None
