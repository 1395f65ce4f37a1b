"""Papers to make documents of: a pass, a pass for two flights, a train ticket for two, an event ticket. Everybody is invented."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from gateway.documents.paper import Paper, PaperKind, PaperLeg, PaperLine, Symbol, SymbolKind
from gateway.notifications.brands import Brand
from gateway.notifications.places import Place

AS_OF_MS = 1_795_337_144_000
"""22 Nov 2026, 08:45:44 UTC"""
ENDS_MS = 1_795_361_000_000
CODE = (
    "M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCNGRP2"
)

FLIGHT = PaperLeg(
    carrier="ZZ", number="1007", origin="AMS", origin_name="Amsterdam", destination="LHR", destination_name="London Heathrow",
    departs="2026-11-22T10:55:00+01:00", boards="2026-11-22T10:25:00+01:00", arrives="2026-11-22T11:20:00+00:00", gate="D18",
    terminal="1", seat="12C", cabin="Y", group="2", sequence="0042",
)  # fmt: skip
ONWARD = PaperLeg(
    carrier="ZZ", number="0522", origin="LHR", origin_name="London Heathrow", destination="DUB", destination_name="Dublin",
    departs="2026-11-22T14:10:00+00:00", arrives="2026-11-22T15:30:00+00:00", seat="7A", sequence="0018",
)  # fmt: skip
PASS = Paper(
    kind=PaperKind.BOARDING_PASS, brand="zz", travellers=("Eva Jansen",), reference="ZX7K2P", ticket_number="0002412345678",
    legs=(FLIGHT,), symbols=(Symbol(SymbolKind.AZTEC, CODE.encode()),), baggage="1PC", frequent_flyer="ZZ 2001234567",
    notes=("Liquids up to 100 ml.",), as_of_ms=AS_OF_MS, ends_ms=ENDS_MS,
)  # fmt: skip
TWO_FLIGHTS = replace(PASS, legs=(FLIGHT, ONWARD))

TRAIN = PaperLeg(
    carrier="EXR", number="9221", origin="xmp:UT", origin_name="Utrecht", destination="xmp:BRU", destination_name="Brussel",
    departs="2026-11-22T09:30:00+01:00", arrives="2026-11-22T11:38:00+01:00", gate="5", coach="4", seat="61",
)  # fmt: skip
BYTES = bytes(range(256))
RAIL = Paper(
    kind=PaperKind.RAIL_TICKET, brand="exr", travellers=("Eva Jansen", "Tom de Wit"), reference="TR-55310", legs=(TRAIN,),
    symbols=(Symbol(SymbolKind.AZTEC, BYTES, binary=True), Symbol(SymbolKind.AZTEC, BYTES[::-1], binary=True)), as_of_ms=AS_OF_MS,
)  # fmt: skip
SHOW = Paper(
    kind=PaperKind.EVENT_TICKET, brand="zz", travellers=("Eva Jansen",), reference="EV-20817", title="Winter concert",
    starts_at="2026-12-19T20:00:00+01:00", doors_at="2026-12-19T19:00:00+01:00", venue="Polder Hall, Laagdorp",
    place="Row 4, seat 11", symbols=(Symbol(SymbolKind.QR, b"EV-20817-0001"),), as_of_ms=AS_OF_MS,
)  # fmt: skip
RECEIPT = Paper(kind=PaperKind.RECEIPT, brand="zz", lines=(PaperLine("Bag", 1, "10.00"),), total="10.00", currency="EUR")

BRANDS = {
    "zz": Brand("zz", "Polderwind Air", "nl", "Europe/Amsterdam", "https://support.example.org/polderwind-air"),
    "exr": Brand("exr", "Laagland Rail", "nl", "Europe/Amsterdam", "https://support.example.org/laagland-rail"),
}
PLACES = {
    "AMS": Place({"en": "Amsterdam"}, "Europe/Amsterdam"),
    "LHR": Place({"en": "London Heathrow"}, "Europe/London"),
    "xmp:UT": Place({"nl": "Utrecht"}, "Europe/Amsterdam"),
}
PERSONAL = ("Jansen", "Eva", "ZX7K2P", "2412345678", "JANSEN", "TR-55310", "de Wit", "EV-20817")


def blind(kind: str, *parts: str) -> str:
    """Like the vault's: a keyed hash of 32 letters and digits."""
    return hmac.new(b"a key of the test", "\x1f".join((kind, *parts)).encode(), hashlib.sha256).hexdigest()[:32]
