"""Whose family somebody is, as the desk shows it: the journeys that they follow, and of these what everybody may know.

An agent must see at once that it is not the traveller who writes: a relative is told what a board at the airport says, and
nothing of the booking, of which nothing is kept with them either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.families.state_said import Leg, chosen, named
from gateway.model.contact import Contact, OrderLink
from gateway.model.family import ROLE, Amount
from gateway.webcare.deps import WebcareDeps

_STATUS = {
    "under_way": "under way", "arrived": "arrived", "cancelled": "cancelled", "diverted": "diverted", "delayed": "delayed",
    "boarding": "boarding", "waiting": "not left yet", "unheard": "no news yet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownLeg:
    """name: ZZ 1007 AMS–LHR 2026-11-22"""

    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Followed:
    """One journey. leg: the one that counts now; wishes: what they want to hear of it"""

    leg: str
    legs: tuple[ShownLeg, ...]
    wishes: str
    until_ms: int


def memberships(contact: Contact | None, brand: str, now_ms: int) -> list[OrderLink]:
    """The links by which somebody is family of a traveller of this brand."""
    orders = contact.profile.orders if contact is not None else ()
    return [one for one in orders if one.role == ROLE and one.brand == brand and one.until_ms >= now_ms]


async def followed(deps: WebcareDeps, contact: Contact | None, brand: str) -> list[Followed]:
    now = deps.clock.now_ms()
    links = memberships(contact, brand, now) if deps.journeys is not None else []
    found = []
    for link in links:
        assert deps.journeys is not None
        legs = await deps.journeys.legs(link)
        best = chosen(legs, now)
        leg = named([best[0]]) if best is not None else ""
        found.append(Followed(leg, _shown(legs), _wishes(link), link.until_ms))
    return found


def _shown(legs: Sequence[Leg]) -> tuple[ShownLeg, ...]:
    return tuple(ShownLeg(named([one]), _STATUS[one.what]) for one in legs)


def _wishes(link: OrderLink) -> str:
    told = "hears only that it left and landed" if link.amount == Amount.ENDS else "hears all news"
    return f"{told}, not at night" if link.quiet else told
