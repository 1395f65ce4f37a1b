"""What a member's link says: of the traveller's own only which legs there are, and what became of them. Pure values.

Nothing else of the booking goes over: no number, passenger, ticket or postcode. What the member chose stays theirs.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.model.contact import OrderLink, Profile, Traveller
from gateway.model.family import ROLE, Family
from gateway.model.ids import AddressId, SubjectId
from gateway.model.personal import Personal

SOURCE = "family"


def is_member(link: OrderLink) -> bool:
    """Whether a contact has this link as a member of a family."""
    return link.role == ROLE and link.source == SOURCE


def member_link(family: Family, traveller: OrderLink, customer: str) -> OrderLink:
    """The link of somebody who joins. customer: the member's own"""
    return OrderLink(
        order=family.id,
        number=Personal(""),
        kind=traveller.kind,
        brand=family.brand,
        source=SOURCE,
        traveller=customer,
        role=ROLE,
        passenger=None,
        subjects=traveller.subjects,
        until_ms=traveller.until_ms,
        moves=traveller.moves,
        onward=traveller.onward,
        stretches=traveller.stretches,
    )


def mirrored(member: OrderLink, traveller: OrderLink) -> OrderLink:
    """A member's link as the traveller's is now."""
    return replace(
        member, kind=traveller.kind, subjects=traveller.subjects, until_ms=traveller.until_ms, moves=traveller.moves,
        onward=traveller.onward, stretches=traveller.stretches,
    )  # fmt: skip


def joined(profile: Profile, family: Family, traveller: OrderLink, customer: str, address: AddressId) -> Profile:
    """A profile with this membership, told at this address first; one that is there already is brought up to date."""
    known = next((one for one in profile.orders if is_member(one) and one.order == family.id), None)
    mine = mirrored(known, traveller) if known is not None else member_link(family, traveller, customer)
    person = Traveller(mine.traveller, None, None, (address,))
    others = tuple(one for one in profile.travellers if one.customer != mine.traveller)
    orders = tuple(mine if one is known else one for one in profile.orders)
    return replace(profile, travellers=(*others, person), orders=orders if known is not None else (*orders, mine))


def without(profile: Profile, family: SubjectId) -> Profile:
    """A profile without this membership and the traveller that stood for it."""
    gone = {one.traveller for one in profile.orders if is_member(one) and one.order == family}
    if not gone:
        return profile
    return replace(
        profile,
        orders=tuple(one for one in profile.orders if not (is_member(one) and one.order == family)),
        travellers=tuple(one for one in profile.travellers if one.customer not in gone),
    )


def with_mirror(profile: Profile, family: SubjectId, traveller: OrderLink) -> Profile:
    return replace(
        profile,
        orders=tuple(mirrored(one, traveller) if is_member(one) and one.order == family else one for one in profile.orders),
    )
