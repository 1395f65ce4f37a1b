"""Each sample event makes the right notification, in both languages, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.message import Priority
from tests.support.notifications import applying, catalogue, changed, context, ms, sample

SUPPORT = "https://support.example.org"
SHIPPED_TO = "https://track.example.org/3SXMPL0012345"

GOLDEN = [
    (
        "ce-flight-delayed", "zz", "flight_delayed",
        "Vlucht ZZ 1007 vertrekt later: om 11:40 in plaats van 10:55.\n\n"
        "Het gaat om de vlucht van Amsterdam naar Londen Heathrow. De reden: Late aankomst van het vliegtuig.\n\n"
        "Je hoort het van ons als de tijd weer verandert.",
        "Flight ZZ 1007 leaves later: at 11:40 instead of 10:55.\n\n"
        "This is the flight from Amsterdam to London Heathrow. The reason: Late arrival of the aircraft.\n\n"
        "We will let you know if the time changes again.",
    ),
    (
        "ce-flight-cancelled", "zz", "flight_rebooked",
        "Vlucht ZZ 0522 van Londen Heathrow naar Dublin gaat niet door.\n\n"
        "We hebben een andere vlucht gevonden: je bent nu geboekt op vlucht ZZ 0526, vertrek om 18:10."
        " De reden dat je vlucht niet gaat: slecht weer op de luchthaven van vertrek.\n\n"
        "Wil je dit niet? Je kunt ook een andere vlucht of je geld terug kiezen, of het ons hier vragen."
        f" Waar je als passagier recht op hebt: {SUPPORT}/polderwind-air/rights (op één pagina).",
        "Flight ZZ 0522 from London Heathrow to Dublin is cancelled.\n\n"
        "We have found another flight: you are now booked on flight ZZ 0526, leaving at 18:10."
        " The reason of the cancellation: Weather at the departure airport.\n\n"
        "Is this not what you want? You may also choose another flight or your money back, or ask us here."
        f" What you are entitled to as a passenger: {SUPPORT}/polderwind-air/rights (on one page).",
    ),
    (
        "ce-flight-boarding-pass", "zz", "boarding_pass_issued",
        "Je instapkaart voor vlucht ZZ 1007 naar Londen Heathrow zit in dit bericht.\n\n"
        "Reiziger: Eva Jansen\nStoel: 12C\nTijd: boarden vanaf 10:25 op zondag 22 november\nGate: D18\n"
        "Er staat ook op: vanaf Amsterdam, vertrek 10:55, groep 2, klasse Y, nummer 42, ticket 0002412345678\n\n"
        "Goed om te weten: Wees op tijd bij de gate. De gate kan nog veranderen, dat hoor je dan van ons.",
        "Your boarding pass for flight ZZ 1007 to London Heathrow is in this message.\n\n"
        "Traveller: Eva Jansen\nSeat: 12C\nTime: boarding from 10:25 on Sunday, 22 November\nGate: D18\n"
        "Also on it: from Amsterdam, departure 10:55, group 2, class Y, sequence 42, ticket 0002412345678\n\n"
        "Good to know: Be at the gate in time. The gate may still change, and then you will hear from us.",
    ),
    (
        "ce-order-confirmed-flight", "zz", "order_confirmed",
        "Je boeking met nummer ZX7K2P is bevestigd.\n\nJe vertrekt om 10:55 op zondag 22 november van Amsterdam naar"
        " Londen Heathrow. Is er nieuws, dan lees je dat hier.",
        "Your booking with number ZX7K2P is confirmed.\n\nYou leave at 10:55 on Sunday, 22 November from Amsterdam to"
        " London Heathrow. If there is news, you will read it here.",
    ),
    (
        "ce-order-confirmed-rail", "exr", "order_confirmed",
        "Je treinreis met nummer TR-55310 is bevestigd.\n\nJe vertrekt om 09:03 op zondag 22 november van Utrecht naar"
        " Eindhoven. Is er nieuws, dan lees je dat hier.",
        "Your train journey with number TR-55310 is confirmed.\n\nYou leave at 09:03 on Sunday, 22 November from Utrecht"
        " to Eindhoven. If there is news, you will read it here.",
    ),
    (
        "ce-order-shipped", "zz", "order_shipped",
        "Je bestelling SO-104233 is onderweg met Example Post.\n\nVerwachte bezorging: maandag 23 november tussen 09:00"
        f" en 12:00. Volg het pakket via {SHIPPED_TO} tot het bij je is.",
        "Your order SO-104233 is on its way with Example Post.\n\nExpected delivery: Monday, 23 November between 09:00"
        f" and 12:00. Follow the parcel at {SHIPPED_TO} until it is with you.",
    ),
    (
        "ce-order-document-ready", "zz", "ticket_issued",
        "Je ticket voor Museum night zit in dit bericht.\n\nVoor: Eva Jansen\n"
        "Op het ticket: 20:00 op zaterdag 28 november, deuren open 19:15, Example Hall, Utrecht\n\n"
        "Het hoort bij bestelling T-88120. Goed om te weten: Laad je telefoon op voordat je gaat."
        " Laat het ticket bij de ingang of controle zien op je telefoon.",
        "Your ticket for Museum night is in this message.\n\nFor: Eva Jansen\n"
        "On the ticket: 20:00 on Saturday, 28 November, doors open 19:15, Example Hall, Utrecht\n\n"
        "It belongs to order T-88120. Good to know: Charge your phone before you leave."
        " Show the ticket on your phone at the entrance or to the inspector.",
    ),
    (
        "ce-trip-delayed", "exr", "trip_delayed",
        "De trein naar Eindhoven vertrekt later: om 09:17 in plaats van 09:03.\n\nHet gaat om trein 3542 vanuit Utrecht."
        " Spoor: 5b. De reden: een seinstoring. Je hoort het als de tijd weer verandert.",
        "The train to Eindhoven leaves later: at 09:17 instead of 09:03.\n\nThis is train 3542 from Utrecht."
        " Platform: 5b. The reason: a signal failure. We will let you know if the time changes again.",
    ),
    (
        "ce-trip-cancelled", "exr", "trip_cancelled",
        "Trein 3544 van Utrecht naar Eindhoven rijdt niet.\n\nOns advies: neem de trein van 10:03 vanaf spoor 5b."
        " Heb je vragen, stel ze dan hier. Waar je als reiziger recht op hebt:"
        f" {SUPPORT}/laagland-rail/rights (op één pagina).",
        "Train 3544 from Utrecht to Eindhoven is cancelled.\n\nOur advice: take the train of 10:03 from platform 5b."
        " If you have questions, please ask them here. What you are entitled to as a passenger:"
        f" {SUPPORT}/laagland-rail/rights (on one page).",
    ),
    (
        "ce-outage-started", "netx", "outage_started",
        "Er is een stroomstoring bij jou in de buurt sinds 06:09.\n\nVerwachting: om 09:00 is het opgelost."
        " De oorzaak: Een beschadigde kabel. Je hoort het van ons als het is opgelost.",
        "There has been a power cut in your area since 06:09.\n\nForecast: it will be fixed at 09:00."
        " The cause: A damaged cable. We will let you know when it is fixed.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "brand", "notification", "dutch", "english"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_a_sample_event_makes_its_notification_in_both_languages(
    name: str, brand: str, notification: str, dutch: str, english: str
) -> None:
    values = context(sample(name), brand=brand)
    assert {one for one in applying(values) if is_for(one, values)} == {notification}
    found = catalogue().get(notification)
    assert found is not None
    assert found.render(values, ["nl-NL"], "Europe/Amsterdam", brand=brand).body == dutch
    assert found.render(values, ["en-GB"], "Europe/London", brand=brand).body == english


def is_for(name: str, values: dict[str, Any]) -> bool:
    found = catalogue().get(name)
    return found is not None and found.is_for(values)


FLIGHT, TRIP, OUTAGE = sample("ce-flight-delayed"), sample("ce-trip-delayed"), sample("ce-outage-started")
ORDER = sample("ce-order-shipped")
GATE = sample("ce-flight-gate-changed")
SCHEDULED = {"departure": {"scheduled": "2026-11-22T10:55:00+01:00"}}
A_BIT_LATE = {"departure": {"scheduled": "2026-11-22T10:55:00+01:00", "estimated": "2026-11-22T11:03:00+01:00"}}
PLANNED = changed(OUTAGE, status="planned", planned=True, startedAt="2026-11-30T09:00:00+01:00")

# name, events in order, notifications that apply after the last
APPLIES: list[tuple[str, list[dict[str, Any]], set[str]]] = [
    ("the same delay again", [FLIGHT, FLIGHT], set()),
    ("8 minutes late is no news of a flight", [changed(FLIGHT, times=A_BIT_LATE)], set()),
    ("less than told before is news", [FLIGHT, changed(FLIGHT, times=A_BIT_LATE)], {"flight_delayed"}),
    ("delayed and no time is said", [changed(FLIGHT, times=SCHEDULED)], {"flight_delayed"}),
    ("another gate", [FLIGHT, GATE], {"gate_changed"}),
    ("the first gate is no change", [changed(FLIGHT, gate=None), GATE], set()),
    ("on time again", [FLIGHT, changed(FLIGHT, status="scheduled", times=SCHEDULED)], {"flight_on_time_again"}),
    ("check-in", [changed(FLIGHT, status="check_in", times=SCHEDULED)], {"checkin_open"}),
    ("boarding", [changed(FLIGHT, status="boarding", times=SCHEDULED)], {"boarding"}),
    ("cancelled", [FLIGHT, changed(FLIGHT, status="cancelled")], {"flight_cancelled"}),
    (
        "goes after all",
        [changed(FLIGHT, status="cancelled"), changed(FLIGHT, status="scheduled", times=SCHEDULED)],
        {"flight_reinstated"},
    ),
    ("departed", [FLIGHT, changed(FLIGHT, status="departed")], {"flight_departed"}),
    ("diverted", [FLIGHT, changed(FLIGHT, status="diverted", divertedTo="BRU")], {"flight_diverted"}),
    ("landed", [changed(FLIGHT, status="departed"), changed(FLIGHT, status="arrived")], {"flight_landed"}),
    (
        "a train's platform alone",
        [changed(TRIP, platform={"planned": "7"}), TRIP],
        {"platform_changed"},
    ),
    ("a train runs again", [TRIP, changed(TRIP, status="cancelled"), changed(TRIP, status="scheduled", times={
        "departure": {"scheduled": "2026-11-22T09:03:00+01:00"}}, platform=None, delayMinutes=None)], {"trip_on_time_again"}),
    ("out for delivery", [ORDER, changed(ORDER, status="out_for_delivery")], {"order_out_for_delivery"}),
    ("delivered", [ORDER, changed(ORDER, status="delivered")], {"order_delivered"}),
    ("a contract's delivery is no parcel", [sample("ce-order-confirmed-service")], set()),
    ("an order is cancelled", [ORDER, changed(ORDER, status="cancelled")], {"order_cancelled"}),
    ("another total", [ORDER, changed(ORDER, total="99.00")], {"order_changed"}),
    ("an invoice is no ticket", [changed(sample("ce-order-document-ready"), document={"kind": "invoice", "id": "1"})],
     {"order_receipt"}),
    ("work is planned", [PLANNED], {"outage_planned"}),
    ("planned work moves", [PLANNED, {**PLANNED, "data": {**PLANNED["data"], "startedAt": "2026-11-30T10:00:00+01:00"}}],
     {"outage_planned"}),
    ("a forecast moves", [OUTAGE, changed(OUTAGE, status="updated", expectedRestoration="2026-11-22T09:00:00Z")],
     {"outage_updated"}),
    ("the timetable moved", [changed(FLIGHT, status="scheduled", times=SCHEDULED), changed(FLIGHT, status="scheduled",
     times={"departure": {"scheduled": "2026-11-22T10:15:00+01:00"}})], {"flight_rescheduled"}),
    ("waits to be collected", [ORDER, changed(ORDER, status="ready_for_pickup")], {"order_ready_for_pickup"}),
    ("nobody was at home", [ORDER, changed(ORDER, status="delivery_failed")], {"order_delivery_failed"}),
    ("planned work is off", [PLANNED, changed(PLANNED, status="cancelled")], {"outage_cancelled"}),
    ("an outage that was none", [OUTAGE, changed(OUTAGE, status="cancelled")], {"outage_fixed"}),
    ("fixed", [OUTAGE, sample("ce-outage-resolved")], {"outage_fixed"}),
    ("fixed what nobody was told of", [sample("ce-outage-resolved")], set()),
]  # fmt: skip


@pytest.mark.parametrize(("events", "expected"), [row[1:] for row in APPLIES], ids=[row[0] for row in APPLIES])
def test_a_change_makes_these_notifications_and_no_others(events: list[dict[str, Any]], expected: set[str]) -> None:
    assert applying(context(*events)) == expected


@pytest.mark.parametrize(("events", "expected"), [row[1:] for row in APPLIES], ids=[row[0] for row in APPLIES])
def test_whatever_applies_can_be_said_in_both_languages(events: list[dict[str, Any]], expected: set[str]) -> None:
    values = context(*events)
    for name in expected:
        notification = catalogue().get(name)
        assert notification is not None
        for language in ("nl", "en"):
            said = notification.render(values, [language], "Europe/Amsterdam", brand="zz")
            assert said.language == language
            assert "{{" not in said.text
            assert len(said.body) <= 1024


DEADLINES = [
    ("flight_delayed", context(FLIGHT), "2026-11-22T11:40:00+01:00"),
    ("gate_changed", context(FLIGHT, GATE), "2026-11-22T11:30:00+01:00"),
    ("checkin_open", context(changed(FLIGHT, times=SCHEDULED)), "2026-11-22T09:55:00+01:00"),
    ("flight_cancelled", context(sample("ce-flight-cancelled")), "2026-11-22T22:12:40Z"),
    ("boarding_pass_issued", context(sample("ce-flight-boarding-pass")), "2026-11-22T10:55:00+01:00"),
    ("order_shipped", context(ORDER), "2026-11-23T12:00:00+01:00"),
    ("outage_started", context(OUTAGE), "2026-11-22T08:00:00Z"),
    ("outage_fixed", context(OUTAGE, sample("ce-outage-resolved")), "2026-11-22T19:36:50Z"),
]


@pytest.mark.parametrize(("name", "values", "expected"), DEADLINES, ids=[row[0] for row in DEADLINES])
def test_the_deadline_is_when_it_stops_being_of_use(name: str, values: dict[str, Any], expected: str) -> None:
    notification = catalogue().get(name)
    assert notification is not None
    assert notification.deadline_ms(values) == ms(expected)
    assert notification.not_before_ms(values) == 0


def test_items_tell_documents_and_passengers_apart() -> None:
    boarding_pass, ticket = catalogue().get("boarding_pass_issued"), catalogue().get("ticket_issued")
    delay = catalogue().get("flight_delayed")
    assert boarding_pass is not None
    assert ticket is not None
    assert delay is not None
    event = sample("ce-flight-boarding-pass")
    assert boarding_pass.item_of(context(event)) == "0002412345678"
    nameless = {**event["data"]["passenger"], "ticketNumber": ""}
    assert boarding_pass.item_of(context(changed(event, passenger=nameless))) == "jansen/eva"
    assert ticket.item_of(context(sample("ce-order-document-ready"))) == "T-88120-2"
    assert delay.item_of(context(FLIGHT)) == ""


def test_an_event_of_another_type_never_applies() -> None:
    values = context(FLIGHT)
    values["event"]["type"] = "trip.status"
    notification = catalogue().get("flight_delayed")
    assert notification is not None
    assert not notification.applies(values)


def test_service_messages_answer_and_never_apply_to_an_event() -> None:
    check = catalogue().get("address_check")
    assert check is not None
    assert check.kind == "service"
    assert not check.personal
    assert not check.applies(context(FLIGHT))
    said = check.render(context(FLIGHT), ["nl"], "Europe/Amsterdam", brand="zz")
    assert said.body.startswith("Een vraag van Polderwind Air: is dit nummer van jou?")
    assert [button.payload for button in said.buttons] == ["address_check/yes", "address_check/not_me"]


def test_a_stop_is_confirmed_in_free_text_about_its_purpose() -> None:
    stop = catalogue().get("stop_confirmed")
    assert stop is not None
    values = {**context(FLIGHT), "data": {"purpose": "service"}}
    said = stop.render(values, ["en"], "Europe/Amsterdam", brand="zz")
    assert said.template_name == ""
    assert stop.candidates(["en"], brand="zz") == ()
    assert said.body.startswith("Stopped: no more messages about outages and maintenance from Polderwind Air.")
    assert stop.priority is Priority.URGENT
