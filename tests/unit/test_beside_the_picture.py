"""Who cannot see the picture is told the same in words: every value of every layout stands in the message beside it.

What a layout shows is asked of the layout itself, so a field that is added there fails here until the words say it too.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest

from gateway.documents.belonging import apart
from gateway.documents.drawing import Drawing
from gateway.documents.layouts import NAMED, RowsBox
from gateway.documents.paper import Paper, PaperKind
from gateway.documents.reading import paper_of
from gateway.documents.said import Card
from gateway.model.event import EventType
from gateway.notifications import formats
from tests.support.notifications import ROOT, catalogue, ms

NOW_MS = ms("2026-11-20T16:05:00+01:00")
NOTES = ["Have your passport with you.", "The gate closes 15 minutes before departure."]
CODE = {"format": "qr", "message": "T-88120-2-9F3A61C0"}
PASS = {
    "leg": {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
    "passenger": {"surname": "Jansen", "givenNames": "Eva", "recordLocator": "ZX7K2P", "ticketNumber": "000 2412345678"},
    "checkin": {"seat": "12C", "sequence": "0042", "cabin": "Economy", "group": "B7", "freeBaggage": "1PC"},
    "times": {"scheduledOff": "2026-11-22T16:55:00+01:00", "boarding": "2026-11-22T16:25:00+01:00"},
    "gate": "D18", "terminal": "T9", "notes": NOTES, "bcbp": "M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 100",
}  # fmt: skip
TRAINS = [
    {"carrier": "EXR", "number": "9321", "from": {"name": "Utrecht"}, "to": {"name": "Gouda"},
     "departs": "2026-11-22T09:25:00+01:00", "arrives": "2026-11-22T11:38:00+01:00", "platform": "15b",
     "coach": "12", "seat": "61", "travelClass": "Second"},
    {"carrier": "EXR", "number": "3117", "from": {"name": "Gouda"}, "to": {"name": "Breda"},
     "departs": "2026-11-22T12:04:00+01:00", "arrives": "2026-11-22T12:41:00+01:00", "platform": "4",
     "coach": "3", "seat": "18", "travelClass": "Second"},
]  # fmt: skip
RAIL = {"orderNumber": "TR-55310", "document": {
    "kind": "rail_ticket", "id": "1", "title": "Utrecht - Breda", "legs": TRAINS, "notes": NOTES,
    "travellers": ["Eva Jansen", "Tom de Wit"],
    "barcodes": [{**CODE, "message": about, "about": about} for about in ("Adult, out", "Adult, back", "Bicycle")]}}  # fmt: skip
SHOW = {"orderNumber": "EV-20817", "document": {
    "kind": "event_ticket", "id": "1", "title": "Winter concert", "startsAt": "2026-12-19T20:00:00+01:00",
    "doorsAt": "2026-12-19T19:10:00+01:00", "venue": "Polder Hall, Laagdorp", "seat": {"section": "B", "row": "4", "seat": "17"},
    "holder": "Eva Jansen", "notes": NOTES, "barcodes": [{**CODE, "about": "Adult"}]}}  # fmt: skip
BILL = {"orderNumber": "ORD-7731", "document": {
    "kind": "receipt", "id": "1", "title": "Baggage and a seat", "total": "195.00", "currency": "EUR", "notes": NOTES,
    "lines": [{"name": "Bag", "quantity": 2, "price": "45.00"}, {"name": "Seat", "price": "13.50"}]}}  # fmt: skip
SAMPLES: dict[PaperKind, tuple[EventType, dict[str, Any], tuple[str, ...]]] = {
    PaperKind.BOARDING_PASS: (EventType.FLIGHT_BOARDINGPASS, PASS, ("boarding_pass_issued", "boarding_pass_file")),
    PaperKind.RAIL_TICKET: (EventType.ORDER_DOCUMENT, RAIL, ("journey_ticket_issued", "journey_ticket_file")),
    PaperKind.EVENT_TICKET: (EventType.ORDER_DOCUMENT, SHOW, ("ticket_issued", "ticket_file")),
    PaperKind.RECEIPT: (EventType.ORDER_DOCUMENT, BILL, ("order_receipt",)),
}
ELSEWHERE = {
    "brand": "the sender's name stands above the chat",
    "as_of": "the message has its own time",
    "number": "each picture has a message of its own",
    "more": "how many lines there is no room for",
    "origin": "the place's name says it", "destination": "the place's name says it",
}  # fmt: skip
UNSAID = {PaperKind.BOARDING_PASS: {"reference": "who sees a name and a code on a lock screen can open the booking"}}
UNKNOWN = {PaperKind.RECEIPT: {"traveller"}}
"""What no event says of such a document."""


@cache
def drawing() -> Drawing:
    return Drawing(ROOT / "templates")


def shown(paper: Paper, language: str) -> dict[str, list[str]]:
    """Every value that the layout of a picture names -> its texts on this one."""
    speaker = drawing().speaker(paper, language)
    layout = drawing().layouts.picture(paper.kind, speaker.brand.id)
    assert layout is not None
    (card,) = speaker.cards(paper)[:1]
    found = {name: [card.values.get(name, "")] for name in _opened(layout.named(), card)}
    for box in layout.boxes:
        if isinstance(box, RowsBox):
            inside = _opened({name for one in box.texts for name in NAMED.findall(one.text)}, card)
            found |= {name: [row.get(name, "") for row in card.rows[box.rows]] for name in inside}
    return found


def _opened(names: set[str], card: Card) -> set[str]:
    """Words may name values too."""
    words = [card.words[name[5:]] for name in names if name.startswith("word.")]
    return {name for name in names if not name.startswith("word.")} | {name for text in words for name in NAMED.findall(text)}


def said(notification: str, type_: EventType, data: dict[str, Any], paper: Paper, language: str) -> str:
    found = catalogue().get(notification)
    assert found is not None
    dumped = {name: value for name, value in paper.dump().items() if name != "symbols"} | {"about": paper.symbols[0].about
                                                                                          if paper.symbols else ""}
    context = {
        "event": {"type": type_.value, "status": "", "occurred_at_ms": NOW_MS, "external_id": "x"}, "data": data, "state": {},
        "previous": {}, "changes": [], "facts": {}, "order": {"number": data.get("orderNumber", "")}, "paper": dumped,
        "brand": catalogue().brands["zz"].context(), "now_ms": NOW_MS, "links": {"document": "doc-1", "page": "07token"},
    }  # fmt: skip
    return found.render(context, [language], "Europe/Amsterdam", brand="zz").text


def _day(language: str, text: str) -> str:
    """22 november: what a picture's date and a sentence's have in common."""
    locale = formats.locale_of(language)
    day = date(2026, 12, 19) if "19" in text else date(2026, 11, 22)
    return str(formats.format_skeleton("MMMMd", day, locale=locale))


@pytest.mark.parametrize("language", ["nl", "en", "de", "fr"])
@pytest.mark.parametrize("kind", list(PaperKind))
def test_the_words_beside_a_picture_say_all_that_the_picture_shows(kind: PaperKind, language: str) -> None:
    type_, data, notifications = SAMPLES[kind]
    paper = paper_of(
        type_, data, {}, brand="zz", places=catalogue().places, language=language, as_of_ms=NOW_MS
    )
    assert paper is not None
    for one in apart(paper):
        values = shown(one, language)
        if one.symbols and one is not apart(paper)[0]:
            values = {name: values[name] for name in ("traveller", "about") if name in values}
        for notification in notifications:
            text = said(notification, type_, data, one, language)
            for name, texts in values.items():
                if name in ELSEWHERE or name in UNSAID.get(kind, {}) or name in UNKNOWN.get(kind, set()):
                    continue
                assert any(texts), f"the sample of {kind.value} has no {name}: nobody sees whether it is said"
                for value in filter(None, texts):
                    wanted = [_day(language, value)] if "date" in name else value.split("  ") if name == "notes" else [value]
                    assert all(part in text for part in wanted), f"{notification} in {language} says no {name} ({value}):\n{text}"
