"""Papers to be drawn: a pass, as many different ones as wanted, bytes such as an issuer signs. Everybody is invented."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.documents.paper import Paper, PaperKind, PaperLeg, Symbol, SymbolKind

TEMPLATES = Path(__file__).parents[2] / "templates"
BCBP = (
    "M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCNGRP2"
)
AS_OF_MS = int(datetime(2026, 11, 22, 15, 5, tzinfo=UTC).timestamp() * 1000)
LEG = PaperLeg(
    carrier="ZZ", number="1007", origin="AMS", origin_name="Amsterdam", destination="LHR", destination_name="London Heathrow",
    departs="2026-11-22T16:55:00+01:00", boards="2026-11-22T16:25:00+01:00", arrives="2026-11-22T17:15:00+00:00",
    gate="D18", terminal="1", seat="12C", cabin="Economy", group="2", sequence="0042",
)  # fmt: skip
PASS = Paper(
    PaperKind.BOARDING_PASS, "zz", ("Eva Jansen",), reference="ZX7K2P", ticket_number="000 2412345678", legs=(LEG,),
    symbols=(Symbol(SymbolKind.AZTEC, BCBP.encode()),), baggage="1 × 23 kg", frequent_flyer="ZZ 2001234567", as_of_ms=AS_OF_MS,
)  # fmt: skip


def passes(count: int) -> list[Paper]:
    """As many different ones: other names, seats and codes."""
    made = []
    for number in range(count):
        seat, code = f"{number % 40 + 1}{'ABCDEF'[number % 6]}", f"{number:06d}"
        payload = BCBP.replace("ZX7K2P", code).replace("012C", f"{seat:0>4}")
        made.append(replace(
            PASS, travellers=(f"Eva {random.Random(number).choice(('Jansen', 'de Vries', 'Bakker', 'Visser'))} {number}",),
            reference=code, legs=(replace(LEG, seat=seat, sequence=f"{number % 300:04d}"),),
            symbols=(Symbol(SymbolKind.AZTEC, payload.encode()),),
        ))  # fmt: skip
    return made


def issued(size: int) -> bytes:
    """Bytes such as an issuer signs: any value, zeros among them."""
    return b"#UT01" + b"\x00" + os.urandom(size - 6)
