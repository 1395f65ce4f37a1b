"""The data of each event type: what the samples hold, what is refused, that the rules can read the rest."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from gateway.cli.events import write_schemas
from gateway.documents.paper import Paper
from gateway.documents.reading import paper_of
from gateway.intake import schemas
from gateway.intake.checks import codes_too_large
from gateway.intake.cloudevents import type_of
from gateway.model.event import EventType
from gateway.rules import changes
from gateway.rules.states import item_of
from tests.unit.test_cloudevents import EVENTS, bent

ROOT = Path(__file__).parents[2]


def fields(event_type: EventType, data: Any) -> list[str]:
    return [one.field for one in schemas.check(event_type, data)[1]]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event["type"]) + "-" + str(event["subject"]))
def test_every_sample_is_of_its_schema(event: dict[str, Any]) -> None:
    event_type = type_of(event["type"])
    assert event_type is not None
    assert schemas.check(event_type, event["data"])[1] == []
    jsonschema.Draft202012Validator(schemas.json_schema(event_type)).validate(event["data"])


@pytest.mark.parametrize("event_type", list(EventType))
def test_every_schema_is_one(event_type: EventType) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.json_schema(event_type))


def test_schemas_in_the_documentation_are_those_of_the_program(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    written = {path.name: path.read_text() for path in sorted(tmp_path.iterdir())}
    kept = {path.name: path.read_text() for path in sorted((ROOT / "docs" / "schemas").iterdir())}
    assert written == kept, "run `python main.py events schemas docs/schemas`"
    assert len(kept) == len(EventType)


def test_names_in_the_programs_own_spelling_are_no_fields() -> None:
    assert fields(EventType.ORDER_STATUS, {"order_number": "1", "status": "created"}) == ["data.orderNumber"]


@pytest.mark.parametrize("granted", ["no", "true", 1, 0, None])
def test_a_consent_is_true_or_false_and_nothing_like_it(granted: Any) -> None:
    consent = {
        "purpose": "journey",
        "channel": "whatsapp",
        "granted": granted,
        "at": "2026-11-22T08:00:00Z",
        "how": "form",
    }
    data = {"orderNumber": "1", "status": "created", "recipients": [{"customerId": "C-1", "consents": [consent]}]}
    assert fields(EventType.ORDER_STATUS, data) == ["data.recipients[0].consents[0].granted"]


@pytest.mark.parametrize("version", [2**53, -1, 1.5, "3", True])
def test_a_version_that_the_store_could_not_compare_is_refused(version: Any) -> None:
    data = {"orderNumber": "1", "status": "created", "version": version}
    assert fields(EventType.ORDER_STATUS, data) == ["data.version"]


@pytest.mark.parametrize("time", ["2026-11-22T08:00:00", "1026-11-22T08:00:00Z", "9999-12-31T23:59:59Z", "soon", ""])
def test_a_time_needs_its_offset_and_a_year_of_ours(time: str) -> None:
    data = {"outageId": "1", "service": "gas", "status": "planned", "startedAt": time}
    assert fields(EventType.OUTAGE_STATUS, data) == ["data.startedAt"]


@pytest.mark.parametrize("zone", ["Europe", "/etc/passwd", "../zone", "Mars/Olympus", "\x00", ""])
def test_a_zone_is_one_of_the_list(zone: str) -> None:
    data = {"orderNumber": "1", "status": "created", "recipients": [{"customerId": "C-1", "timezone": zone}]}
    assert fields(EventType.ORDER_STATUS, data) == ["data.recipients[0].timezone"]


def test_a_name_that_the_sender_chose_is_not_repeated() -> None:
    data = {"outageId": "1", "service": "gas", "status": "planned", "cause": {"text": {"+447700900123": 7, "nl": 8}}}
    assert fields(EventType.OUTAGE_STATUS, data) == ["data.cause.text.*", "data.cause.text.nl"]


@pytest.mark.parametrize(("barcode", "wrong"), [
    ({"format": "qr"}, "data.document.barcode"),
    ({"format": "qr", "message": "A", "bytes": "QUJD"}, "data.document.barcode"),
    ({"format": "qr", "bytes": "no base64!"}, "data.document.barcode.bytes"),
    ({"format": "code128", "message": "A"}, "data.document.barcode.format"),
    ({"format": "aztec", "message": "A" * 1501}, "data.document.barcode.message"),
])  # fmt: skip
def test_a_code_is_text_or_bytes_of_a_kind_that_is_drawn(barcode: dict[str, Any], wrong: str) -> None:
    data = {"orderNumber": "1", "document": {"kind": "ticket", "id": "1", "barcode": barcode}}
    assert fields(EventType.ORDER_DOCUMENT, data) == [wrong]


def test_a_boarding_pass_code_is_of_the_characters_that_one_can_hold() -> None:
    leg = {"carrier": "ZZ", "flightNumber": "1", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
    data = {"leg": leg, "passenger": {"surname": "A"}, "bcbp": "M1JANSEN/ÉVA" + " " * 60}
    assert fields(EventType.FLIGHT_BOARDINGPASS, data) == ["data.bcbp"]


def test_a_surname_alone_names_nobody_unless_the_check_in_tells_them_apart() -> None:
    leg = {"carrier": "ZZ", "flightNumber": "1", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
    code = "M1JANSEN              EZX7K2P AMSLHRZZ 0001 326Y012C{:<5}100"

    def of(passenger: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"leg": leg, "passenger": {"surname": "Jansen", "recordLocator": "ZX7K2P"} | passenger, **more}

    def said(**more: Any) -> list[str]:
        return fields(EventType.FLIGHT_BOARDINGPASS, of({}, **more))

    assert said() == said(checkin={"seat": "12C"}) == said(bcbp=code.format("")) == ["data"]
    for passenger in ({"key": "P1"}, {"ticketNumber": "000241"}, {"givenNames": "Eva"}):
        assert fields(EventType.FLIGHT_BOARDINGPASS, of(passenger)) == []
    two: list[dict[str, Any]] = [
        {"checkin": {"sequence": 42}}, {"checkin": {"sequence": "0042"}},
        {"bcbp": code.format("0042")}, {"bcbp": code.format("0043")},
    ]  # fmt: skip
    assert [said(**one) for one in two] == [[]] * 4
    items = [item_of(EventType.FLIGHT_BOARDINGPASS, of({}, **one)) for one in two]
    assert items[0] == items[1] == items[2] != items[3]


@pytest.mark.parametrize(("people", "legs", "about", "good"), [
    (1, 1, ["", ""], True),  # both are theirs, whatever the second is for
    (2, 1, ["", ""], True),  # in the order of the people
    (1, 2, ["", ""], True),  # in the order of the trains
    (2, 2, ["", ""], False),  # of the people or of the trains?
    (2, 2, ["A B, out", "C D, back"], True),
    (2, 1, ["A B", ""], False),  # the other one may be for both
    (2, 2, ["", "", "", ""], False),
    (2, 2, ["A B, out", "A B, back", "C D, out", "C D, back"], True),
    (2, 2, ["A B", "A B", "C D", "C D"], False),
])  # fmt: skip
def test_a_ticket_of_several_codes_says_whose_each_is(people: int, legs: int, about: list[str], good: bool) -> None:
    codes = [{"format": "qr", "message": f"{place}", "about": one or None} for place, one in enumerate(about)]
    ticket = {
        "kind": "rail_ticket", "id": "1", "travellers": ["A B", "C D"][:people], "legs": [{"number": "1"}] * legs,
        "barcodes": codes,
    }  # fmt: skip
    assert fields(EventType.ORDER_DOCUMENT, {"orderNumber": "1", "document": ticket}) == ([] if good else ["data.document"])


def test_a_code_that_no_symbol_holds_is_refused_by_its_place() -> None:
    fine = {"format": "aztec", "message": "A" * 1500}
    large = {"format": "pdf417", "bytes": base64.b64encode(b"\xf7" * 1200).decode()}
    wide = {"format": "qr", "message": "\N{SNOWMAN}" * 1200}
    for document, where in (
        ({"barcode": large}, ["data.document.barcode"]),
        ({"barcodes": [fine, large, wide]}, ["data.document.barcodes[1]", "data.document.barcodes[2]"]),
        ({"barcode": fine}, []),
    ):
        found = codes_too_large({"kind": "ticket", **document})
        assert [one.field for one in found] == where
    assert "too large for pdf417" in codes_too_large({"barcode": large})[0].message


def test_fields_that_we_do_not_read_are_left_alone() -> None:
    assert (
        fields(EventType.ORDER_STATUS, {"orderNumber": "1", "status": "created", "loyalty": {"tier": [1, None]}}) == []
    )


@settings(max_examples=400, deadline=None)
@given(bent())
def test_whatever_is_taken_can_be_read_by_the_rules(event: dict[str, Any]) -> None:
    event_type = type_of(event["type"]) if isinstance(event.get("type"), str) else None
    if event_type is None or schemas.check(event_type, event.get("data"))[1]:
        return
    memory, _ = changes.step(event_type, {}, event["data"])
    again, said = changes.step(event_type, memory, event["data"])
    changes.facts(event_type, again)
    if event_type in (EventType.ORDER_DOCUMENT, EventType.FLIGHT_BOARDINGPASS):
        paper = paper_of(event_type, event["data"], {}, brand="zz", places={}, language="nl", as_of_ms=1)
        assert paper is None or Paper.load(json.loads(json.dumps(paper.dump()))) == paper
    assert json.loads(json.dumps(again)) == again
    assert "first" not in said
