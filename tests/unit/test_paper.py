"""What a document shows, kept and read again."""

from __future__ import annotations

import json
from dataclasses import replace

from gateway.documents.paper import Paper, PaperKind, PaperLeg, PaperLine, Symbol, SymbolKind, clean

PASS = Paper(
    kind=PaperKind.BOARDING_PASS, brand="zz", travellers=("Eva Jansen",), reference="ZX7K2P",
    legs=(PaperLeg(carrier="ZZ", number="1007", origin="AMS", destination="LHR", departs="2026-11-22T10:55:00+01:00"),),
    symbols=(Symbol(SymbolKind.AZTEC, b"\x00\xff#UT", binary=True),), lines=(PaperLine("Bag", 2, "10.00"),), as_of_ms=1,
)  # fmt: skip


def test_a_paper_is_read_back_as_it_was_kept_with_every_byte_of_its_symbol() -> None:
    assert Paper.load(json.loads(json.dumps(PASS.dump()))) == PASS


def test_a_paper_of_no_brand_is_read_back_too() -> None:
    unbranded = replace(PASS, brand="")
    assert Paper.load(unbranded.dump()) == unbranded


def test_what_another_version_wrote_beside_is_left_out() -> None:
    value = PASS.dump() | {"hologram": True}
    value["legs"][0]["wing"] = "left"
    assert Paper.load(value) == PASS


def test_a_value_cannot_turn_the_line_that_it_stands_in() -> None:
    assert clean("Ev\u202ea\n Jan\x00sen  ", 40) == "Ev a Jan sen"
    assert clean("x" * 50, 10) == "x" * 9 + "…"
