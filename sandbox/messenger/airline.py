"""The airline templates of 2016 to 2021, which no catalogue lists any more; taken only where a Page's switch says so.

Shapes: Meta's airline template pages v2.6 to v10 and two SDKs' tests. Whether the live API still takes them is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.messenger.draft import Draft
from sandbox.messenger.errors import invalid
from sandbox.messenger.reading import one_of, some, text, thing, url
from sandbox.store import Json

PATH = "message[attachment][payload]"
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\Z")
_LOCALE = re.compile(r"[a-z]{2,3}_[A-Z]{2}\Z")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")
_FLIGHT = ("connection_id", "segment_id", "flight_number", "aircraft_type", "departure_airport", "arrival_airport",
           "flight_schedule", "travel_class")


def _head(payload: Json, *, intro: bool = True) -> None:
    if intro:
        text(payload.get("intro_message"), f"{PATH}[intro_message]", 640)
    if not _LOCALE.match(text(payload.get("locale"), f"{PATH}[locale]", 8)):
        raise invalid(f"Param {PATH}[locale] must be a locale such as en_US")
    if payload.get("theme_color") is not None and not _COLOUR.match(str(payload["theme_color"])):
        raise invalid(f"Param {PATH}[theme_color] must be a colour such as #RRGGBB")


def _flight(value: Any, path: str, *, whole: bool = False) -> str:
    """Checks a flight; returns its words. ``whole``: with the ids and class that an itinerary needs."""
    flight = thing(value, path, _FLIGHT)
    number = text(flight.get("flight_number"), f"{path}[flight_number]", 20)
    codes = []
    for name in ("departure_airport", "arrival_airport"):
        airport = thing(flight.get(name), f"{path}[{name}]", ("airport_code", "city", "terminal", "gate"))
        codes.append(text(airport.get("airport_code"), f"{path}[{name}][airport_code]", 10))
        text(airport.get("city"), f"{path}[{name}][city]", 100)
    schedule = thing(flight.get("flight_schedule"), f"{path}[flight_schedule]",
                     ("boarding_time", "departure_time", "arrival_time"))
    text(schedule.get("departure_time"), f"{path}[flight_schedule][departure_time]", 20)
    for name, time in schedule.items():
        if not _LOCAL_TIME.match(str(time)):
            raise invalid(f"Param {path}[flight_schedule][{name}] must be a local time such as 2026-12-04T07:15")
    if whole:
        for name in ("connection_id", "segment_id"):
            text(flight.get(name), f"{path}[{name}]", 80)
        one_of(flight.get("travel_class"), f"{path}[travel_class]", ("economy", "business", "first_class"))
    return f"{number} {codes[0]} - {codes[1]}, {str(schedule['departure_time']).replace('T', ' ')}"


def _cards(payload: Json, titles: list[tuple[str, str]]) -> Draft:
    elements: list[Json] = [{"title": title, "subtitle": subtitle, "image_url": None, "url": None, "buttons": []}
                            for title, subtitle in titles]
    return Draft("generic", {"body": str(payload.get("intro_message") or titles[0][0]), "elements": elements})


def _boarding_pass(payload: Json) -> Draft:
    _head(payload)
    titles = []
    for place, one in enumerate(some(payload.get("boarding_pass"), f"{PATH}[boarding_pass]", 1, 10)):
        path = f"{PATH}[boarding_pass][{place}]"
        card = thing(one, path)
        for name in ("logo_image_url", "above_bar_code_image_url"):
            url(card.get(name), f"{path}[{name}]")
        if (card.get("qr_code") is None) == (card.get("barcode_image_url") is None):
            raise invalid(f"Param {path} must have either qr_code or barcode_image_url")
        for name in ("auxiliary_fields", "secondary_fields"):
            for field in some(card.get(name) or [], f"{path}[{name}]", 0, 5):
                thing(field, f"{path}[{name}]", ("label", "value"))
        titles.append((text(card.get("passenger_name"), f"{path}[passenger_name]", 100),
                       _flight(card.get("flight_info"), f"{path}[flight_info]")))
    return _cards(payload, titles)


def _checkin(payload: Json) -> Draft:
    _head(payload)
    url(payload.get("checkin_url"), f"{PATH}[checkin_url]")
    flights = [_flight(one, f"{PATH}[flight_info][{place}]")
               for place, one in enumerate(some(payload.get("flight_info"), f"{PATH}[flight_info]", 1, 10))]
    draft = _cards(payload, [(flight, str(payload["intro_message"])) for flight in flights])
    draft.bubble["elements"][0]["url"] = payload["checkin_url"]
    return draft


def _itinerary(payload: Json) -> Draft:
    _head(payload)
    for name in ("pnr_number", "total_price"):
        text(str(payload.get(name) or ""), f"{PATH}[{name}]", 40)
    text(payload.get("currency"), f"{PATH}[currency]", 3)
    for place, one in enumerate(some(payload.get("passenger_info"), f"{PATH}[passenger_info]", 1, 50)):
        passenger = thing(one, f"{PATH}[passenger_info][{place}]", ("passenger_id", "name", "ticket_number"))
        text(passenger.get("passenger_id"), f"{PATH}[passenger_info][{place}][passenger_id]", 80)
        text(passenger.get("name"), f"{PATH}[passenger_info][{place}][name]", 100)
    for place, one in enumerate(some(payload.get("passenger_segment_info"), f"{PATH}[passenger_segment_info]", 1, 50)):
        segment = thing(one, f"{PATH}[passenger_segment_info][{place}]")
        for name in ("segment_id", "passenger_id", "seat", "seat_type"):
            text(segment.get(name), f"{PATH}[passenger_segment_info][{place}][{name}]", 80)
        some(segment.get("product_info") or [], f"{PATH}[passenger_segment_info][{place}][product_info]", 0, 4)
    some(payload.get("price_info") or [], f"{PATH}[price_info]", 0, 4)
    flights = [_flight(one, f"{PATH}[flight_info][{place}]", whole=True)
               for place, one in enumerate(some(payload.get("flight_info"), f"{PATH}[flight_info]", 1, 10))]
    price = f"{payload['total_price']} {payload['currency']}"
    return _cards(payload, [(flight, f"{payload['pnr_number']}, {price}") for flight in flights])


def _update(payload: Json) -> Draft:
    _head(payload, intro=False)
    kind = one_of(payload.get("update_type"), f"{PATH}[update_type]", ("delay", "gate_change", "cancellation"))
    flight = _flight(payload.get("update_flight_info"), f"{PATH}[update_flight_info]")
    return _cards(payload, [(flight, kind.replace("_", " "))])


READERS: dict[str, Callable[[Json], Draft]] = {
    "airline_boardingpass": _boarding_pass, "airline_checkin": _checkin, "airline_itinerary": _itinerary,
    "airline_update": _update}
