"""A contact's profile as JSON, which is what is sealed. Only this module knows the short names; N and N-1 read each other."""

from __future__ import annotations

from typing import Any

from gateway.model.contact import Address, GivenBy, Identifier, Move, OrderLink, Profile, Traveller
from gateway.model.ids import AddressId, SubjectId
from gateway.model.personal import Personal

FORMAT = 1


def _text(value: Personal | None) -> str | None:
    return value.reveal() if value is not None else None


def _personal(value: str | None) -> Personal | None:
    return Personal(value) if value is not None else None


def dump(profile: Profile) -> dict[str, Any]:
    return {
        "f": FORMAT,
        "name": _text(profile.display_name),
        "addresses": [
            {
                "id": address.id,
                "ch": address.channel,
                "by": address.given_by.value,
                "ids": [[known.kind, known.scope, known.value.reveal()] for known in address.identifiers],
            }
            for address in profile.addresses
        ],
        "travellers": [
            {
                "c": traveller.customer,
                "given": _text(traveller.given_name),
                "family": _text(traveller.family_name),
                "a": list(traveller.addresses),
                **({"n": traveller.number.reveal()} if traveller.number is not None else {}),
            }
            for traveller in profile.travellers
        ],
        "orders": [
            {
                "o": link.order,
                "no": link.number.reveal(),
                "k": link.kind,
                "b": link.brand,
                "s": link.source,
                "t": link.traveller,
                "r": link.role,
                "p": link.passenger,
                "j": list(link.subjects),
                "u": link.until_ms,
                "v": link.version,
                "pc": _text(link.postcode),
                "ag": link.age,
                "tk": _text(link.ticket),
                "sh": link.share,
                "pl": link.place,
                **({"mv": [[one.away, one.to, one.how] for one in link.moves]} if link.moves else {}),
                **({"on": list(link.onward)} if link.onward else {}),
                **({"st": dict(link.stretches)} if link.stretches else {}),
                **({"am": link.amount} if link.amount else {}),
                **({"qu": 1} if link.quiet else {}),
            }
            for link in profile.orders
        ],
    }


def load_addresses(value: dict[str, Any]) -> Profile:
    """A profile of nothing but the addresses: all that sending needs, at half the price."""
    return Profile(addresses=_addresses(value))


def _addresses(value: dict[str, Any]) -> tuple[Address, ...]:
    return tuple(
        Address(
            id=AddressId(one["id"]),
            channel=one["ch"],
            given_by=GivenBy(one.get("by", "self")),
            identifiers=tuple(Identifier(kind, scope, Personal(text)) for kind, scope, text in one["ids"]),
        )
        for one in value.get("addresses", [])
    )


def load(value: dict[str, Any]) -> Profile:
    return Profile(
        display_name=_personal(value.get("name")),
        addresses=_addresses(value),
        travellers=tuple(
            Traveller(
                customer=one["c"],
                given_name=_personal(one.get("given")),
                family_name=_personal(one.get("family")),
                addresses=tuple(AddressId(address) for address in one.get("a", [])),
                number=_personal(one.get("n")),
            )
            for one in value.get("travellers", [])
        ),
        orders=tuple(
            OrderLink(
                order=SubjectId(one["o"]),
                number=Personal(one["no"]),
                kind=one["k"],
                brand=one["b"],
                source=one["s"],
                traveller=one["t"],
                role=one["r"],
                passenger=one.get("p"),
                subjects=tuple(SubjectId(subject) for subject in one["j"]),
                until_ms=one["u"],
                version=one.get("v", 0),
                postcode=_personal(one.get("pc")),
                age=one.get("ag", ""),
                ticket=_personal(one.get("tk")),
                share=one.get("sh", ""),
                place=one.get("pl", 0),
                moves=tuple(Move(SubjectId(away), SubjectId(to), how) for away, to, how in one.get("mv", [])),
                onward=tuple(SubjectId(subject) for subject in one.get("on", [])),
                stretches={SubjectId(subject): dict(stretch) for subject, stretch in one.get("st", {}).items()},
                amount=one.get("am", ""),
                quiet=bool(one.get("qu")),
            )
            for one in value.get("orders", [])
        ),
    )
