"""Invented papers of each kind with everything on them: what `templates lint` draws to see whether a layout holds."""

from __future__ import annotations

from gateway.documents.paper import Paper, PaperKind, PaperLeg, PaperLine, Symbol, SymbolKind

_AS_OF_MS = 1_795_359_900_000  # 22 November 2026, 15:05 UTC
_FLIGHT = PaperLeg(
    carrier="ZZ", number="1007", origin="AMS", origin_name="Amsterdam", destination="LHR", destination_name="London Heathrow",
    departs="2026-11-22T16:55:00+01:00", boards="2026-11-22T16:25:00+01:00", arrives="2026-11-22T17:15:00+00:00",
    gate="D18", terminal="1", seat="12C", cabin="Economy", group="2", sequence="0042",
)  # fmt: skip
_ONWARD = PaperLeg(
    carrier="ZZ", number="522", origin="LHR", origin_name="London Heathrow", destination="DUB", destination_name="Dublin",
    departs="2026-11-22T19:10:00+00:00", arrives="2026-11-22T20:30:00+00:00", seat="7A", sequence="0018",
)  # fmt: skip
_TRAIN = PaperLeg(
    carrier="EXR", number="9321", origin="xmp:UT", origin_name="Utrecht", destination="xmp:BRU", destination_name="Brussel",
    departs="2026-11-22T09:25:00+01:00", arrives="2026-11-22T11:38:00+01:00", gate="15b", coach="12", seat="61", cabin="2",
)  # fmt: skip
_NEXT_TRAIN = PaperLeg(
    carrier="EXR", number="3117", origin="xmp:BRU", origin_name="Brussel", destination="xmp:GEN", destination_name="Gent",
    departs="2026-11-22T12:04:00+01:00", arrives="2026-11-22T12:41:00+01:00", gate="4", coach="3", seat="18", cabin="2",
)  # fmt: skip
_BCBP = (
    b"M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCNGRP2"
)
_ISSUED = b"#UT01" + bytes(range(256)) + bytes(range(64))
_NOTES = ("Have your passport with you.", "The gate closes 15 minutes before departure.")

SAMPLES = {
    PaperKind.BOARDING_PASS: Paper(
        PaperKind.BOARDING_PASS, "", ("Eva Jansen",), reference="ZX7K2P", ticket_number="000 2412345678",
        legs=(_FLIGHT, _ONWARD), symbols=(Symbol(SymbolKind.AZTEC, _BCBP),), baggage="1 × 23 kg",
        frequent_flyer="ZZ 2001234567", notes=_NOTES, as_of_ms=_AS_OF_MS,
    ),
    PaperKind.RAIL_TICKET: Paper(
        PaperKind.RAIL_TICKET, "", ("Eva Jansen", "Tom de Wit"), reference="TR-55310", legs=(_TRAIN, _NEXT_TRAIN),
        symbols=tuple(Symbol(SymbolKind.AZTEC, _ISSUED + name.encode(), True, name) for name in ("Eva Jansen", "Tom de Wit")),
        notes=_NOTES, as_of_ms=_AS_OF_MS,
    ),
    PaperKind.EVENT_TICKET: Paper(
        PaperKind.EVENT_TICKET, "", ("Eva Jansen",), reference="EV-20817", title="Winter concert of the Laagdorp winds",
        starts_at="2026-12-19T20:00:00+01:00", doors_at="2026-12-19T19:00:00+01:00", venue="Polder Hall, Laagdorp",
        place="Row 4, seat 11", symbols=(Symbol(SymbolKind.QR, b"EV-20817-0001"),), notes=_NOTES, as_of_ms=_AS_OF_MS,
    ),
    PaperKind.RECEIPT: Paper(
        PaperKind.RECEIPT, "", ("Eva Jansen",), reference="ORD-7731", title="Baggage and a seat",
        lines=tuple(PaperLine(f"Baggage up to {weight} kg", 1, f"{weight}.50") for weight in range(10, 30, 2)),
        total="195.00", currency="EUR", symbols=(Symbol(SymbolKind.QR, b"ORD-7731"),), notes=_NOTES, as_of_ms=_AS_OF_MS,
    ),
}  # fmt: skip
