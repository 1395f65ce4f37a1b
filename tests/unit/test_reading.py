"""What an event says becomes what a document shows; nothing is made up."""

from __future__ import annotations

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.documents.paper import Paper, PaperKind, SymbolKind
from gateway.documents.reading import drawable, paper_of
from gateway.model.event import EventType
from gateway.notifications.places import Place

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "events"
PLACES = {
    "AMS": Place({"nl": "Amsterdam", "en": "Amsterdam"}, "Europe/Amsterdam"),
    "LHR": Place({"nl": "Londen Heathrow", "en": "London Heathrow"}, "Europe/London"),
}
PASS = json.loads((SAMPLES / "ce-flight-boarding-pass.json").read_text())["data"]
TICKET = json.loads((SAMPLES / "ce-order-document-ready.json").read_text())["data"]


def read(type_: EventType, data: dict[str, Any], state: dict[str, Any] | None = None, **more: Any) -> Paper | None:
    given: dict[str, Any] = {"brand": "zz", "places": PLACES, "language": "nl", "as_of_ms": 1} | more
    return paper_of(type_, data, state or {}, **given)


def boarding_pass(data: dict[str, Any], state: dict[str, Any] | None = None, **more: Any) -> Paper:
    found = read(EventType.FLIGHT_BOARDINGPASS, data, state, **more)
    assert found is not None
    return found


def ticket(**document: Any) -> Paper:
    found = read(EventType.ORDER_DOCUMENT, {"orderNumber": "T-1", "document": {"kind": "rail_ticket", "id": "1"} | document})
    assert found is not None
    return found


def test_a_pass_shows_what_the_event_says_and_the_code_as_it_came() -> None:
    paper = boarding_pass(PASS)
    assert (paper.kind, paper.travellers, paper.reference) == (PaperKind.BOARDING_PASS, ("Eva Jansen",), "ZX7K2P")
    (leg,) = paper.legs
    assert (leg.origin_name, leg.destination_name) == ("Amsterdam", "Londen Heathrow")
    assert (leg.seat, leg.sequence, leg.gate) == ("12C", "42", "D18")
    (symbol,) = paper.symbols
    assert (symbol.kind, symbol.payload.decode(), symbol.binary) == (SymbolKind.AZTEC, PASS["bcbp"], False)
    assert (paper.frequent_flyer, paper.baggage) == ("ZZ 2001234567", "1PC")
    assert drawable(paper)


def test_gate_and_times_are_the_flights_where_it_knows_better() -> None:
    state = {
        "gate": "C07",
        "departure": {"scheduled": PASS["times"]["scheduledOff"], "estimated": "2026-11-22T10:40:00Z"},
        "arrival": {"estimated": "2026-11-22T12:02:00Z"},
    }
    (leg,) = boarding_pass(PASS, state).legs
    assert (leg.gate, leg.departs, leg.arrives) == ("C07", "2026-11-22T11:40:00+01:00", "2026-11-22T12:02:00+00:00")


def test_a_place_that_nobody_knows_keeps_its_code_and_the_clock_as_written() -> None:
    data = {**PASS, "leg": {**PASS["leg"], "from": "XXX"}}
    (leg,) = boarding_pass(data).legs
    assert (leg.origin_name, leg.departs) == ("XXX", PASS["times"]["scheduledOff"])


def test_without_a_code_there_is_nothing_to_draw_unless_the_carrier_lets_us_build_one() -> None:
    data = {name: value for name, value in PASS.items() if name != "bcbp"}
    assert not drawable(boarding_pass(data))
    made = boarding_pass(data, unsigned=date(2026, 11, 21))
    assert made.symbols[0].payload.startswith(b"M1JANSEN/EVA")
    assert drawable(made)
    broken = {**data, "leg": {**data["leg"], "flightNumber": "no number"}}
    assert not drawable(boarding_pass(broken, unsigned=date(2026, 11, 21)))


def test_a_trailing_line_break_is_no_part_of_the_code() -> None:
    assert boarding_pass({**PASS, "bcbp": PASS["bcbp"] + "\r\n"}).symbols[0].payload.decode() == PASS["bcbp"]


def test_marks_that_turn_the_text_and_control_characters_stay_off_the_paper() -> None:
    data = {**PASS, "passenger": {**PASS["passenger"], "surname": "Jan\u202esen\x07", "givenNames": " Eva \n"}}
    assert boarding_pass(data).travellers == ("Eva Jan sen",)


def test_an_event_ticket_shows_where_and_when_with_its_own_code() -> None:
    found = read(EventType.ORDER_DOCUMENT, TICKET)
    assert found is not None
    assert (found.kind, found.venue, found.place, found.travellers) == (
        PaperKind.EVENT_TICKET, "Example Hall, Utrecht", "B 4 17", ("Eva Jansen",),
    )  # fmt: skip
    assert (found.symbols[0].kind, found.symbols[0].payload) == (SymbolKind.QR, b"T-88120-2-9F3A61C0")


def test_a_train_tickets_bytes_stay_bytes() -> None:
    raw = bytes(range(256))
    code = {"format": "aztec", "bytes": base64.b64encode(raw).decode()}
    paper = ticket(barcode=code, legs=[{"from": "Utrecht", "to": "Brussels"}])
    assert paper.kind is PaperKind.RAIL_TICKET
    assert (paper.symbols[0].payload, paper.symbols[0].binary) == (raw, True)


def test_a_ticket_without_the_issuers_code_is_none() -> None:
    assert not drawable(ticket(title="Utrecht - Brussels"))


def test_a_label_is_passed_on_and_never_drawn() -> None:
    assert read(EventType.ORDER_DOCUMENT, {"orderNumber": "1", "document": {"kind": "label", "id": "1"}}) is None


def test_a_receipt_is_made_of_the_order_where_it_says_nothing_itself() -> None:
    order = {"items": [{"name": "Rain coat", "quantity": 2}, {"quantity": 1}], "total": "58.00", "currency": "EUR"}
    found = read(EventType.ORDER_DOCUMENT, {"orderNumber": "T-1", "document": {"kind": "receipt", "id": "1"}}, order)
    assert found is not None
    assert ([one.name for one in found.lines], found.total, found.currency) == (["Rain coat"], "58.00", "EUR")
    own = {"kind": "receipt", "id": "1", "lines": [{"name": "Fee", "price": "3.00"}], "total": "3.00", "currency": "USD"}
    found = read(EventType.ORDER_DOCUMENT, {"orderNumber": "T-1", "document": own}, order)
    assert found is not None
    assert ([one.name for one in found.lines], found.total, found.currency) == (["Fee"], "3.00", "USD")


@pytest.mark.parametrize(("arrives", "departs", "hours"), [
    ("2026-11-22T11:20:00Z", "2026-11-22T10:00:00Z", 15.333), (None, "2026-11-22T10:00:00Z", 34.0), (None, None, 0),
])  # fmt: skip
def test_a_pass_is_used_up_four_hours_after_the_landing(arrives: str | None, departs: str | None, hours: float) -> None:
    times = {name: at for name, at in (("scheduledOff", departs), ("scheduledOn", arrives)) if at}
    ends = boarding_pass({**PASS, "times": times}).ends_ms
    midnight = 1_795_305_600_000
    assert round((ends - midnight) / 3_600_000, 3) == hours if hours else ends == 0


def test_a_flight_ticket_is_shown_as_no_trains_and_as_no_boarding_pass() -> None:
    leg = {"carrier": "ZZ", "number": "1007", "from": "AMS", "to": "LHR", "departs": "2026-11-22T18:55:00+01:00"}
    paper = ticket(kind="flight_ticket", legs=[leg], barcode={"format": "qr", "message": "T1"}, title="Amsterdam - London")
    assert (paper.kind, paper.starts_at, paper.legs[0].number) == (PaperKind.EVENT_TICKET, "2026-11-22T18:55:00+01:00", "1007")
    assert ticket(kind="ticket", legs=[leg]).kind is PaperKind.RAIL_TICKET
