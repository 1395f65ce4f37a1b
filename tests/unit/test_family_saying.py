"""What the traveller reads of who is in: everybody has a number, whatever they are called."""

from __future__ import annotations

from gateway.families.saying import LISTED, FamilySayer
from gateway.model.family import Member
from gateway.model.ids import AddressId, ContactId
from gateway.model.personal import Personal


def _numbered(*names: str) -> str:
    sayer = FamilySayer.__new__(FamilySayer)
    members = [Member(ContactId(f"c{at}"), AddressId(f"a{at}"), "whatsapp", Personal(name), at) for at, name in enumerate(names)]
    return sayer.numbered(members)


def test_twenty_with_long_names_all_stand_in_the_list() -> None:
    said = _numbered(*("Wilhelmina Antoinette van der Bergenhove" for _ in range(20)))
    assert len(said) <= LISTED
    assert [part.split()[0] for part in said.split(", ")] == [str(number) for number in range(1, 21)]
    assert _numbered("Oma", "Tante Bep") == "1 Oma, 2 Tante Bep"


def test_the_number_behind_a_name_that_runs_the_other_way_stays_with_its_own_name() -> None:
    """Without the mark a phone draws the next number on the wrong side of this name."""
    assert _numbered("Oma", "محمد", "Jan") == "\u200e1 Oma, 2 محمد\u200e, 3 Jan"
