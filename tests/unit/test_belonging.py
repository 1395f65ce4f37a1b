"""A code is shown with whom and what it belongs to, on picture and wallet pass alike, also where a ticket was taken apart."""

from __future__ import annotations

from dataclasses import replace

from gateway.documents.belonging import apart, belonging
from gateway.documents.paper import Paper, PaperKind, PaperLeg, Symbol, SymbolKind
from gateway.documents.said import Speaker
from gateway.documents.typefaces import Typefaces
from gateway.documents.wallet_cards import cards
from gateway.notifications.brands import Brand

OUT = PaperLeg("EXR", "9321", "xmp:UT", "Utrecht", "xmp:BRU", "Brussel", "2026-11-22T09:25:00+01:00", seat="61")
BACK = PaperLeg("EXR", "9352", "xmp:BRU", "Brussel", "xmp:UT", "Utrecht", "2026-11-24T18:25:00+01:00", seat="12")
PARTY = Paper(PaperKind.RAIL_TICKET, "zz", ("Eva Jansen", "Tom de Wit"), legs=(OUT,))


def code(payload: bytes, about: str = "") -> Symbol:
    return Symbol(SymbolKind.AZTEC, payload, about=about)


def shown(paper: Paper) -> list[tuple[bytes, str, str]]:
    """Of each picture: its code, whose name and which seat stand on it."""
    speaker = Speaker(Brand("zz", "Zuidzee", "en", "UTC", ""), "en", {}, {}, Typefaces())
    found = [card for one in apart(paper) for card in speaker.cards(one)]
    return [(card.symbol.payload, card.values["traveller"], card.values["seat"]) for card in found if card.symbol]


def carried(paper: Paper) -> list[tuple[bytes, str, tuple[str, ...]]]:
    """Of each wallet pass of each paper: its code, whose it is, the seats of its legs."""
    made = [card for one in apart(paper) for card in cards(one)]
    return [(card.symbol.payload, card.traveller, tuple(leg.seat for leg in card.legs)) for card in made]


def test_whom_a_code_names_holds_it_wherever_it_stands_in_the_list() -> None:
    paper = replace(PARTY, symbols=(code(b"TOM", "Tom de Wit"), code(b"EVA", "Eva Jansen")))
    assert shown(paper) == [(b"TOM", "Tom de Wit", "61"), (b"EVA", "Eva Jansen", "61")]
    assert carried(paper) == [(b"TOM", "Tom de Wit", ("61",)), (b"EVA", "Eva Jansen", ("61",))]
    assert [card.traveller for card in cards(paper)] == ["Tom de Wit", "Eva Jansen"], "also where it was not taken apart"


def test_a_code_for_each_train_is_shown_with_that_train_alone() -> None:
    paper = replace(PARTY, travellers=("Eva Jansen",), legs=(OUT, BACK), symbols=(code(b"OUT"), code(b"BACK", "Return")))
    assert shown(paper) == [(b"OUT", "Eva Jansen", "61"), (b"BACK", "Eva Jansen", "12")]
    assert carried(paper) == [(b"OUT", "Eva Jansen", ("61",)), (b"BACK", "Eva Jansen", ("12",))]


def test_two_codes_for_two_people_on_two_trains_are_each_the_others_as_well_until_somebody_says_more() -> None:
    paper = replace(PARTY, legs=(OUT, BACK), symbols=(code(b"1", "Outward"), code(b"2", "Return")))
    assert {(one.travellers, one.legs, one.leg) for one in belonging(paper)} == {(PARTY.travellers, (OUT, BACK), None)}
    assert carried(paper) == [(b"1", "Eva Jansen, Tom de Wit", ("61", "12")), (b"2", "Eva Jansen, Tom de Wit", ("61", "12"))]
    named = replace(paper, symbols=(code(b"1", "Tom de Wit, outward"), code(b"2", "Eva Jansen")))
    assert [(one.travellers, one.legs) for one in belonging(named)] == [
        (("Tom de Wit",), (OUT, BACK)), (("Eva Jansen",), (OUT, BACK)),
    ]  # fmt: skip


def test_one_code_for_a_whole_journey_has_a_pass_for_each_flight() -> None:
    paper = replace(PARTY, kind=PaperKind.BOARDING_PASS, travellers=("Eva Jansen",), legs=(OUT, BACK), symbols=(code(b"ALL"),))
    assert carried(paper) == [(b"ALL", "Eva Jansen", ("61",)), (b"ALL", "Eva Jansen", ("12",))]
