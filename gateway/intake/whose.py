"""Whose a document is that names nobody to get it: found among the people of its order.

A boarding pass names a passenger and a booking, a ticket its holder and an order. The passenger's key in the order, then the
ticket's number, then the name find them; a name that two people of the order share finds neither. Then:

    a child's      goes to an adult of the order: the booker, else the first adult
    an adult's     goes to themselves where an address of theirs is proven
                   else to the booker, if the order says `share: booker`
                   else to themselves all the same: they are asked first, or it waits until they have an address
    nobody's       (not among the order's people) to the booker, if the order says so; else to nobody, which shows
    a receipt      goes to the booker or customer

Who came by an invitation and is told beside the order's travellers is none of them: they carry the passenger's key of whom they
were invited beside, and nobody knows who they are. They count only where the order names nobody else.

A pass of somebody else is never handed to a booker who was not said to share. Where two brands use one booking code, a pass goes
only to those whose order holds its flight, and a document only to those of its brand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.intake.orders import PAGE
from gateway.intake.stores import Stores
from gateway.model.contact import Contact, OrderLink, Traveller
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import ContactId
from gateway.planning.waysin_people import INVITED

CHILDREN = ("child", "infant")
RECEIPTS = ("receipt", "invoice")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "þ": "th", "ð": "d", "ı": "i"})


@dataclass(frozen=True, slots=True)
class Person:
    """One traveller of an order, with the contact who hears for them."""

    contact: Contact
    traveller: Traveller | None
    link: OrderLink

    @property
    def proven(self) -> bool:
        """Whether they can be handed something that names them: an address of theirs with a proof."""
        own = self.traveller.addresses if self.traveller is not None else ()
        return any(self.contact.facts.proofs.get(address, (None, 0))[0] is not None for address in own)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who gets a document. place: of whom it is about, among the recipients of the order; -1 = the holder's own
    known: the contact, where it was just read
    """

    contact: ContactId
    traveller: str
    place: int = -1
    known: Contact | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a document names. child: the event says so. several: more than one person, so nobody's alone."""

    key: str = ""
    ticket: str = ""
    given: str = ""
    family: str = ""
    whole: str = ""
    child: bool = False
    several: bool = False
    receipt: bool = False

    @property
    def anybody(self) -> bool:
        return bool(self.key or self.ticket or self.family or self.whole or self.several)


class Whose:
    def __init__(self, stores: Stores) -> None:
        self._s = stores

    async def of(self, event: BusinessEvent) -> list[Holder]:
        """To whom it goes; [] = to nobody that we know. Raises StoreUnavailable."""
        people = await self._people(event)
        people.sort(key=lambda one: (one.link.role != "booker", one.link.place, one.link.traveller))
        named = named_by(event.type, event.data)
        found, owner = chosen(named, people), _owner(named, people)
        if found is None:
            return []
        place = owner.link.place if owner is not None else -1
        return [Holder(found.contact.id, found.link.traveller, place, found.contact)]

    async def _people(self, event: BusinessEvent) -> list[Person]:
        found: list[Person] = []
        order = self._s.vault.subject_id("order", order_of(event.type, event.data))
        brand = str(event.data.get("brand") or "")
        for partition in await self._s.subjects.partitions(order):
            after = ""
            while somebody := await self._s.contacts.subscribers(partition, order, after, PAGE):
                after = somebody[-1]
                for contact in await self._s.contacts.get_many(somebody):
                    found += _of_order(contact, order)
                if len(somebody) < PAGE:
                    break
        found = travelling(found)
        if event.type is EventType.FLIGHT_BOARDINGPASS:
            return [one for one in found if event.subject_id in one.link.subjects]
        return [one for one in found if brand in ("", one.link.brand)]


def travelling(people: Sequence[Person]) -> list[Person]:
    """An order's people without who is only told beside them; these where there is nobody else."""
    return [one for one in people if one.link.source != INVITED] or list(people)


def _of_order(contact: Contact | None, order: str) -> Iterator[Person]:
    if contact is None:
        return
    travellers = {one.customer: one for one in contact.profile.travellers}
    for link in contact.profile.orders:
        if link.order == order:
            yield Person(contact, travellers.get(link.traveller), link)


def order_of(type_: EventType, data: Mapping[str, Any]) -> str:
    """The number of the order that a document belongs to."""
    if type_ is EventType.FLIGHT_BOARDINGPASS:
        return str((data.get("passenger") or {}).get("recordLocator") or "")
    return str(data.get("orderNumber") or "")


def named_by(type_: EventType, data: Mapping[str, Any]) -> Named:
    """Whom the event's document names."""
    if type_ is EventType.FLIGHT_BOARDINGPASS:
        person = data.get("passenger") or {}
        return Named(
            key=str(person.get("key") or ""),
            ticket=str(person.get("ticketNumber") or ""),
            given=fold(person.get("givenNames")),
            family=fold(person.get("surname")),
            child=person.get("kind") in CHILDREN,
        )
    document = data.get("document") or {}
    names = document.get("travellers") or ([document["holder"]] if document.get("holder") else [])
    if document.get("kind") in RECEIPTS:
        return Named(receipt=True)
    return Named(whole=fold(names[0]) if len(names) == 1 else "", several=len(names) > 1)


def chosen(named: Named, people: Sequence[Person]) -> Person | None:
    """Who of an order's people gets it. people: the booker first, in an order of their own that does not change."""
    adults = [one for one in people if not one.link.age]
    booker = next((one for one in adults if one.link.role in ("booker", "customer")), None)
    if named.receipt or not named.anybody:
        return booker
    owner = _owner(named, people)
    if named.child or (owner is not None and owner.link.age):
        return booker or next(iter(adults), None)
    if owner is not None and owner.proven:
        return owner
    if booker is not None and booker.link.share == "booker":
        return booker
    return owner


def _owner(named: Named, people: Sequence[Person]) -> Person | None:
    """Found by the strongest of what the document says; by a name only if nobody else has it."""
    if named.key and (found := [one for one in people if one.link.passenger == named.key]):
        return found[0]
    if named.ticket and (found := [one for one in people if one.link.ticket and one.link.ticket.reveal() == named.ticket]):
        return found[0]
    found = [one for one in people if one.traveller is not None and _is_called(named, one.traveller)]
    return found[0] if len({one.link.traveller for one in found}) == 1 else None


def _is_called(named: Named, traveller: Traveller) -> bool:
    given = fold(traveller.given_name.reveal() if traveller.given_name else "")
    family = fold(traveller.family_name.reveal() if traveller.family_name else "")
    if named.whole:
        return bool(given and family) and _joined(named.whole) in (_joined(given + family), _joined(family + given))
    if not family or _joined(named.family) != _joined(family):
        return False
    # Departure systems know first names cut short, without their second ones, or not at all.
    first, theirs = named.given.split(), given.split()
    return not first or not theirs or first[0] == theirs[0]


def _joined(words: str) -> str:
    """Departure systems write "van der Berg" as one word."""
    return words.replace(" ", "")


def fold(name: object) -> str:
    """A name as it is compared: small letters without marks, words apart by one blank."""
    text = unicodedata.normalize("NFKD", str(name or "")).casefold().translate(_LETTERS)
    return " ".join("".join(char if char.isalnum() else " " for char in text if not unicodedata.combining(char)).split())
