"""Whose a document is: the decision alone, over an order's people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.intake.papers import behind_first_names
from gateway.intake.whose import Person, chosen, fold, named_by, travelling
from gateway.model.contact import Contact, ContactFacts, OrderLink, Profile, Proof, Traveller
from gateway.model.event import EventType
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.model.personal import Personal
from gateway.planning.waysin_people import INVITED
from gateway.rules import lightproof


def person(given: str, family: str, *, proven: bool = True, role: str = "passenger", **link: Any) -> Person:
    """Somebody with an address of their own, proven or not."""
    address = AddressId(f"a07{given}")
    facts = ContactFacts(proofs={address: (Proof.OTP, 1)} if proven else {})
    who = Traveller(f"c-{given}", Personal(given), Personal(family), (address,))
    one = OrderLink(
        order=SubjectId("j"), number=Personal("ZX7K2P"), kind="flight", brand="zz", source="/b", traveller=who.customer,
        role=role, subjects=(), until_ms=0, passenger=link.pop("passenger", None), **link,
    )  # fmt: skip
    return Person(Contact(ContactId(f"c07{given}"), 1, Profile(), facts), who, one)


def choose(people: list[Person], surname: str, given: str = "", **more: Any) -> str | None:
    named = named_by(EventType.FLIGHT_BOARDINGPASS, {"passenger": {"surname": surname, "givenNames": given} | more})
    found = chosen(named, sorted(people, key=lambda one: one.link.role != "booker"))
    return found.link.traveller if found is not None else None


EVA = person("Eva", "Jansen", role="booker")
TOM = person("Tom", "van der Berg")


@pytest.mark.parametrize(("surname", "given"), [
    ("JANSEN", "EVA MRS"), ("Jansen", "Eva Maria"), ("jansen", "eva"), ("JANSEN", ""), ("Jánsen", "Éva"),
])  # fmt: skip
def test_departure_systems_spell_names_in_their_own_way(surname: str, given: str) -> None:
    assert choose([EVA, TOM], surname, given) == "c-Eva"


def test_a_name_in_several_words_may_come_as_one() -> None:
    assert choose([EVA, TOM], "VANDERBERG", "TOM") == "c-Tom"
    assert fold("Ørsted-Łukasz  Weiß") == "orsted lukasz weiss"


def test_a_name_that_two_share_finds_neither() -> None:
    father, son = person("Jan", "Jansen"), person("Jan", "Jansen", passenger="P2")
    son = Person(son.contact, son.traveller, OrderLink(**{**_fields(son.link), "traveller": "c-son"}))
    assert choose([EVA, father, son], "Jansen", "Jan") is None
    assert choose([EVA, father, son], "Jansen", "Jan", key="P2") == "c-son"


def _fields(link: OrderLink) -> dict[str, Any]:
    return {name: getattr(link, name) for name in OrderLink.__slots__}


def test_the_key_then_the_ticket_then_the_name() -> None:
    one, other = person("Ann", "A", passenger="P1"), person("Bob", "B", ticket=Personal("0002"))
    assert choose([one, other], "B", "Bob", key="P1", ticketNumber="0002") == "c-Ann"
    assert choose([one, other], "A", "Ann", ticketNumber="0002") == "c-Bob"
    assert choose([one, other], "B", "Bob", key="P9", ticketNumber="9") == "c-Bob"


def test_a_childs_goes_to_an_adult_whoever_shares() -> None:
    child = person("Kid", "Jansen", age="child")
    assert choose([EVA, TOM, child], "Jansen", "Kid") == "c-Eva"
    assert choose([TOM, child], "Jansen", "Kid") == "c-Tom"
    assert choose([child], "Jansen", "Kid") is None
    assert choose([EVA, TOM], "Berg", "Tom", kind="infant") == "c-Eva"


def test_another_adults_goes_to_the_booker_only_where_the_order_shares() -> None:
    unproven = person("Zoe", "Zwart", proven=False)
    sharing = person("Eva", "Jansen", role="booker", share="booker")
    assert choose([EVA, unproven], "Zwart", "Zoe") == "c-Zoe"
    assert choose([sharing, unproven], "Zwart", "Zoe") == "c-Eva"
    assert choose([sharing, TOM], "van der Berg", "Tom") == "c-Tom"
    assert choose([EVA, TOM], "Unknown", "Who") is None
    assert choose([sharing, TOM], "Unknown", "Who") == "c-Eva"


def test_who_is_only_told_beside_a_traveller_gets_nothing_of_theirs() -> None:
    owner, child = person("Tom", "Berg", passenger="P1"), person("Kid", "Jansen", age="child")
    beside = replace(owner.link, traveller="c-0", source=INVITED)
    stranger = Person(person("Aaa", "").contact, None, beside)
    booking = Person(stranger.contact, None, replace(beside, role="booker", passenger=None))
    people = travelling([stranger, booking, owner, EVA, child])
    assert choose(people, "Berg", "Tom", key="P1") == "c-Tom"
    assert choose(people, "Jansen", "Kid") == "c-Eva"
    assert travelling([stranger]) == [stranger], "an order that names nobody else"


def document(**more: Any) -> Any:
    return named_by(EventType.ORDER_DOCUMENT, {"orderNumber": "1", "document": {"kind": "ticket", "id": "1"} | more})


def test_a_ticket_goes_to_its_holder_one_of_a_party_to_who_may_have_it_a_receipt_to_who_ordered() -> None:
    people = [EVA, TOM]
    assert chosen(document(holder="Tom van der Berg"), people) is TOM
    assert chosen(document(holder="BERG VAN DER TOM"), people) is None
    assert chosen(document(travellers=["Eva Jansen", "Tom van der Berg"]), people) is None
    assert chosen(document(), people) is EVA
    assert chosen(document(kind="receipt", holder="Tom van der Berg"), people) is EVA


def test_where_neither_surname_nor_number_is_known_a_documents_own_names_open_it_and_no_first_name_does() -> None:
    names = behind_first_names(["Eva van der Berg", "Tom de Wit", "Prince"])
    assert names == ["van der Berg", "de Wit", "Prince"]
    assert [lightproof.opens(said, names, "") for said in ("Berg", "Eva van der Berg", "de wit", "Prince", "Eva", "Tom")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip
