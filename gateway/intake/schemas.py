"""The data of each event type, as this gateway takes it: docs/events.md tells it as a story, /openapi.json as JSON
Schema.

Unknown fields are kept and ignored, so that a source may send more than we read. Known fields are checked, and a
problem names the field by its path and says what it should be, never what it was.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator
from pydantic.json_schema import models_json_schema

from gateway.api.fields import Short, Time, Word, Zone, names_of, problems_of
from gateway.documents.belonging import owner
from gateway.errors import Problem
from gateway.model.event import EventType
from gateway.rules.states import one_of_a_name


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("should be base64") from None
    return value


# Strict: the data is kept as it came, so what pydantic would read as false ("no") must not be kept as a text that is
# true.
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Version = Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]
"""Numbers above 2^53 are not exact in the store's scripts."""
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
Texts = dict[str, Annotated[str, Field(max_length=1000)]]
Money = Annotated[str, Field(pattern=r"^-?\d{1,12}(\.\d{1,4})?$")]
"""An amount as a decimal text, such as "318.40"."""
Sign = Annotated[str, Field(max_length=20)]
"""What stands on a gate, a platform or a belt."""


class Part(BaseModel):
    model_config = ConfigDict(alias_generator=_camel, extra="allow")


class Place(Part):
    code: Short
    name: Short | None = None
    timezone: Zone | None = None


class Moment(Part):
    scheduled: Time | None = None
    estimated: Time | None = None
    actual: Time | None = None


class Times(Part):
    """checkIn, boarding: when they begin, where the source knows; see "Moments" in docs/events.md."""

    departure: Moment | None = None
    arrival: Moment | None = None
    check_in: Moment | None = None
    boarding: Moment | None = None


class Reason(Part):
    code: str | None = None
    text: Texts | None = None


class Audience(Part):
    kind: Literal["bookings", "journeys", "customers", "line_subscribers", "area", "recipients"]
    refs: list[Short] | None = Field(default=None, max_length=500)


class Name(Part):
    given: Annotated[str, Field(max_length=100)] | None = None
    family: Annotated[str, Field(max_length=100)] | None = None


class AddressIn(Part):
    channel: Literal["whatsapp", "messenger"]
    to: Annotated[str, Field(min_length=3, max_length=160)]
    proof: Literal["otp", "inbound", "app_login", "link"] | None = None
    given_by: Literal["self", "booker", "agency"] | None = None


class ConsentIn(Part):
    purpose: Literal["journey", "service", "family", "survey", "offers"]
    channel: Literal["whatsapp", "messenger"]
    granted: StrictBool
    at: Time
    how: Word
    wording: Word | None = None


PersonKind = Literal["adult", "child", "infant"]


class Recipient(Part):
    customer_id: Short
    kind: PersonKind | None = None
    ticket_number: Annotated[str, Field(max_length=30)] | None = None
    name: Name | None = None
    role: Literal["booker", "passenger", "customer"] | None = None
    passenger: Short | None = None
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    timezone: Zone | None = None
    addresses: list[AddressIn] = Field(default_factory=list, max_length=10)
    consents: list[ConsentIn] = Field(default_factory=list, max_length=40)


class Other(Part):
    """What is common to another flight or trip.

    entity: the subject of its own events; without it, it is made of carrier or operator, number, day and origin
    offer:  automatic (they stand on it already), proposed (theirs once they have said yes)
    refs:   the orders it is for; without them all that the event is for
    """

    entity: Short | None = None
    from_: Place | Short | None = Field(default=None, alias="from")
    to: Place | Short | None = None
    departure: Time | None = None
    arrival: Time | None = None
    offer: Literal["automatic", "proposed"] | None = None
    refs: list[Short] | None = Field(default=None, max_length=500)


class OtherFlight(Other):
    """The flight that people were put on, or are offered, instead. Without `offer` it is automatic."""

    carrier: Short | None = None
    flight_number: Short | None = None
    origin_date: Day | None = None


class OtherTrip(Other):
    """The train or bus to take instead. Without `offer` it is advice: nobody's booking is changed by it."""

    operator: Short | None = None
    trip_number: Short | None = None
    operating_day: Day | None = None
    platform: Sign | None = None


class ItineraryLeg(Part):
    entity: Short
    type: Literal["flight", "trip"]
    from_: Place | None = Field(default=None, alias="from")
    to: Place | None = None
    times: Times | None = None
    carrier: Short | None = None
    flight_number: Short | None = None
    operator: Short | None = None
    trip_number: Short | None = None


class Area(Part):
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    postcode: Annotated[str, Field(min_length=3, max_length=12)] | None = None


class Service(Part):
    name: Short
    area: Area


class Item(Part):
    name: Annotated[str, Field(max_length=200)] | None = None
    quantity: Count | None = None


class Shipment(Part):
    carrier: Annotated[str, Field(max_length=100)] | None = None
    tracking_number: Annotated[str, Field(max_length=100)] | None = None
    tracking_url: Annotated[str, Field(max_length=2000, pattern=r"^https?://")] | None = None
    expected_from: Time | None = None
    expected_to: Time | None = None


class Pickup(Part):
    """Where a parcel waits. hours: words for people, in one text or by language; code: what to show there."""

    name: Annotated[str, Field(max_length=100)] | None = None
    address: Annotated[str, Field(max_length=200)] | None = None
    until: Time | None = None
    hours: Texts | Annotated[str, Field(max_length=200)] | None = None
    code: Annotated[str, Field(max_length=40)] | None = None


class Payment(Part):
    """What is still to be paid; without `amount` it is the order's total, in the order's currency."""

    due: Time | None = None
    amount: Money | None = None
    url: Annotated[str, Field(max_length=2000, pattern=r"^https://")] | None = None


class Refund(Part):
    """Money that goes back, in the order's currency."""

    amount: Money | None = None
    method: Literal["original", "bank_account", "card", "voucher", "cash"] | None = None


OrderWord = Literal[
    "created", "payment_due", "confirmed", "processing", "partly_shipped", "shipped", "ready_for_pickup",
    "out_for_delivery", "delivered", "delivery_failed", "problem", "returned", "refunded", "cancelled",
]  # fmt: skip
TravelWord = Literal[
    "scheduled", "check_in", "boarding", "gate_closed", "delayed", "early", "departed", "en_route", "arrived",
    "diverted", "cancelled", "partly_cancelled", "reinstated", "unknown",
]  # fmt: skip
AppointmentWord = Literal["booked", "moved", "confirmed", "on_the_way", "done", "missed", "cancelled"]
OutageWord = Literal["planned", "reported", "confirmed", "updated", "restored", "closed", "cancelled"]


class OrderStatus(Part):
    """org.example.order.status.v1: an order's state, and who is to hear about it."""

    order_number: Short
    status: OrderWord
    kind: Literal["flight", "rail", "goods", "service", "event"] | None = None
    brand: Word | None = None
    version: Version | None = None
    placed_at: Time | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    total: Money | None = None
    items: list[Item] | None = Field(default=None, max_length=200)
    itinerary: list[ItineraryLeg] | None = Field(default=None, max_length=20)
    service: Service | None = None
    shipment: Shipment | None = None
    pickup: Pickup | None = None
    payment: Payment | None = None
    refund: Refund | None = None
    reason: Reason | None = None
    share: Literal["booker", "own"] | None = None
    recipients: list[Recipient] = Field(default_factory=list, max_length=50)


class Leg(Part):
    carrier: Short
    flight_number: Short
    origin_date: Day
    from_: Short = Field(alias="from")
    to: Short


class FlightStatus(Part):
    """org.example.flight.status.v1: a flight's state, the whole of it or what is known."""

    leg: Leg
    status: TravelWord
    version: Version | None = None
    times: Times | None = None
    gate: Sign | None = None
    terminal: Sign | None = None
    belt: Sign | None = None
    reason: Reason | None = None
    diverted_to: Place | Short | None = None
    rebooking: OtherFlight | Annotated[list[OtherFlight], Field(max_length=200)] | None = None
    audience: Audience | None = None


class TripEnds(Part):
    operator: Short
    trip_number: Short
    operating_day: Day
    line: Annotated[str, Field(max_length=60)] | None = None
    from_: Place = Field(alias="from")
    to: Place


class Platform(Part):
    planned: Sign | None = None
    actual: Sign | None = None


class TripStatus(Part):
    """org.example.trip.status.v1: a train's or bus's state."""

    trip: TripEnds
    status: TravelWord
    version: Version | None = None
    delay_minutes: Annotated[int, Field(strict=True, ge=-60, le=10_000)] | None = None
    times: Times | None = None
    platform: Platform | Sign | None = None
    advice: Texts | None = None
    reason: Reason | None = None
    diverted_to: Place | Short | None = None
    cancelled_stops: Literal["all"] | Annotated[list[Short], Field(max_length=200)] | None = None
    alternative: OtherTrip | Annotated[list[OtherTrip], Field(max_length=200)] | None = None
    audience: Audience | None = None


class Affected(Part):
    connections: Count | None = None
    postcodes: list[Annotated[str, Field(max_length=30)]] | None = Field(default=None, max_length=500)


class OutageStatus(Part):
    """org.example.outage.status.v1: a disturbance of a service in an area."""

    outage_id: Short
    service: Short
    status: OutageWord
    version: Version | None = None
    planned: StrictBool = False
    severity: Annotated[str, Field(max_length=40)] | None = None
    started_at: Time | None = None
    expected_restoration: Time | None = None
    restored_at: Time | None = None
    affected: Affected | None = None
    cause: Reason | None = None
    audience: Audience | None = None


class Window(Part):
    """Somebody comes between these times."""

    from_: Time = Field(alias="from")
    to: Time

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Window:
        if datetime.fromisoformat(self.to) < datetime.fromisoformat(self.from_):
            raise ValueError("`to` should not be before `from`")
        return self


class AppointmentStatus(Part):
    """org.example.appointment.status.v1: somebody comes to a customer, or expects them, within a window that may get narrower.

    Who is told: the recipients of this or an earlier event of the appointment; where none were named, those of its order.
    """

    appointment_id: Short
    status: AppointmentWord
    version: Version | None = None
    order_number: Short | None = None
    brand: Word | None = None
    what: Literal["delivery", "installation", "repair", "maintenance", "inspection", "advice", "collection"] | None = None
    window: Window | None = None
    missed_by: Literal["us", "customer"] | None = None
    reason: Reason | None = None
    recipients: list[Recipient] = Field(default_factory=list, max_length=50)


class DocumentContent(Part):
    """The issuer's document: `url` (https, a host of GATEWAY_DOCUMENT_HOSTS) or `content` (base64), and its type."""

    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://")] | None = None
    content: Annotated[str, AfterValidator(_base64)] | None = None
    mime: Literal["application/pdf", "image/png", "image/jpeg"] | None = None


Code = Annotated[str, Field(max_length=30)]
Label = Annotated[str, Field(max_length=100)]
Amount = Annotated[str, Field(pattern=r"^-?\d{1,12}(\.\d{1,4})?$")]
Notes = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=8)]
DrawnAs = Literal["picture", "page", "print"]
"""How a document is drawn that its issuer did not send: for the screen, as a PDF for the phone, as a PDF to print."""


class Barcode(Part):
    """The issuer's own code, drawn as it is: `message` (text) or `bytes` (base64). about: whose or which leg's it is."""

    format: Literal["qr", "aztec", "pdf417"]
    message: Annotated[str, Field(min_length=1, max_length=1500)] | None = None
    bytes: Annotated[str, Field(min_length=4, max_length=2000), AfterValidator(_base64)] | None = None
    about: Label | None = None

    @model_validator(mode="after")
    def _holds_one(self) -> Barcode:
        if (self.message is None) == (self.bytes is None):
            raise ValueError("should have either `message` or `bytes`")
        return self


class TicketLeg(Part):
    """One train or flight of a ticket."""

    carrier: Label | None = None
    number: Code | None = None
    from_: Place | Short | None = Field(default=None, alias="from")
    to: Place | Short | None = None
    departs: Time | None = None
    arrives: Time | None = None
    platform: Sign | None = None
    coach: Sign | None = None
    seat: Sign | None = None
    travel_class: Label | None = None


class Seating(Part):
    section: Sign | None = None
    row: Sign | None = None
    seat: Sign | None = None


class ReceiptLine(Part):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    quantity: Count = 1
    price: Amount | None = None


class OrderDocumentPart(DocumentContent):
    kind: Literal["event_ticket", "rail_ticket", "flight_ticket", "ticket", "invoice", "label", "receipt"]
    id: Short
    title: Annotated[str, Field(max_length=200)] | None = None
    starts_at: Time | None = None
    doors_at: Time | None = None
    venue: Annotated[str, Field(max_length=200)] | None = None
    seat: Seating | Sign | None = None
    holder: Label | None = None
    travellers: Annotated[list[Label], Field(max_length=9)] | None = None
    reference: Code | None = None
    legs: Annotated[list[TicketLeg], Field(max_length=8)] | None = None
    barcode: Barcode | None = None
    barcodes: Annotated[list[Barcode], Field(max_length=9)] | None = None
    lines: Annotated[list[ReceiptLine], Field(max_length=200)] | None = None
    total: Amount | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    notes: Notes | None = None
    form: DrawnAs | None = None

    @model_validator(mode="after")
    def _says_whose_each_code_is(self) -> OrderDocumentPart:
        """By documents/belonging.py: where nothing says whose it is, a code is shown with everybody and every leg."""
        codes = self.barcodes or []
        people = self.travellers or ([self.holder] if self.holder else [])
        count, legs = len(codes), len(self.legs or [])
        if count < 2 or (len(people) < 2 and legs < 2):
            return self
        about = [one.about or "" for one in codes]
        in_order = (count == len(people)) != (count == legs) and not any(owner(one, people) for one in about)
        if not in_order and (not all(about) or len(set(about)) < count):
            raise ValueError(
                f"{count} codes for {len(people)} travellers and {legs} legs: each should say in `about` whose it is and for"
                " which leg, no two the same"
            )
        return self


class OrderDocument(Part):
    """org.example.order.document.v1: a ticket, invoice or label is ready: the issuer's own, or what one is drawn from."""

    order_number: Short
    document: OrderDocumentPart
    brand: Word | None = None
    recipients: list[Recipient] = Field(default_factory=list, max_length=50)


class FrequentFlyer(Part):
    carrier: Sign | None = None
    number: Code | None = None


class Passenger(Part):
    """key: the passenger's key in the order (`recipients[].passenger`)"""

    surname: Short
    given_names: Annotated[str, Field(max_length=100)] | None = None
    record_locator: Sign | None = None
    ticket_number: Annotated[str, Field(max_length=30)] | None = None
    key: Short | None = None
    kind: PersonKind | None = None
    frequent_flyer: FrequentFlyer | Code | None = None


class FlightTimes(Part):
    scheduled_off: Time | None = None
    estimated_off: Time | None = None
    boarding: Time | None = None
    scheduled_on: Time | None = None


class Checkin(Part):
    sequence: Annotated[int, Field(strict=True, ge=0, le=9999)] | Sign | None = None
    seat: Sign | None = None
    cabin: Label | None = None
    group: Sign | None = None
    free_baggage: Sign | None = None


class FlightBoardingPass(Part):
    """org.example.flight.boardingpass.v1: one passenger's pass for one leg: the issuer's own, or what one is drawn from."""

    leg: Leg
    passenger: Passenger
    checkin: Checkin | None = None
    times: FlightTimes | None = None
    gate: Sign | None = None
    terminal: Sign | None = None
    bcbp: Annotated[str, Field(min_length=58, max_length=600, pattern=r"^[\x20-\x7e\r\n]+$")] | None = None
    document: DocumentContent | None = None
    notes: Notes | None = None
    form: DrawnAs | None = None
    recipients: list[Recipient] = Field(default_factory=list, max_length=50)

    @model_validator(mode="after")
    def _names_one_passenger(self) -> FlightBoardingPass:
        person = self.passenger
        passenger = {"ticketNumber": person.ticket_number, "key": person.key, "givenNames": person.given_names}
        checkin = {"sequence": self.checkin.sequence if self.checkin is not None else None}
        if one_of_a_name({"passenger": passenger, "checkin": checkin, "bcbp": self.bcbp}) is None:
            raise ValueError(
                "a surname alone may be that of two of a booking: `passenger` should have `ticketNumber`, `key` or `givenNames`,"
                " or `checkin` its `sequence`"
            )
        return self


SCHEMAS: Mapping[EventType, type[Part]] = {
    EventType.ORDER_STATUS: OrderStatus,
    EventType.ORDER_DOCUMENT: OrderDocument,
    EventType.FLIGHT_STATUS: FlightStatus,
    EventType.FLIGHT_BOARDINGPASS: FlightBoardingPass,
    EventType.TRIP_STATUS: TripStatus,
    EventType.OUTAGE_STATUS: OutageStatus,
    EventType.APPOINTMENT_STATUS: AppointmentStatus,
}


_NAMES = frozenset(name for model in SCHEMAS.values() for name in names_of(model))


def check(event_type: EventType, data: Any) -> tuple[Part | None, list[Problem]]:
    """Parse an event's data: (the model, []) or (None, every problem with its path below `data`)."""
    try:
        return SCHEMAS[event_type].model_validate(data), []
    except ValidationError as error:
        return None, problems_of(error, _NAMES, "data")


def json_schema(event_type: EventType) -> dict[str, Any]:
    """JSON Schema (2020-12) of a type's data."""
    return SCHEMAS[event_type].model_json_schema(by_alias=True)


def components() -> tuple[dict[str, str], dict[str, Any]]:
    """For an OpenAPI document: event type -> name of its schema, and every schema by name, referring to each other."""
    found, document = models_json_schema(
        [(model, "validation") for model in SCHEMAS.values()],
        by_alias=True,
        ref_template="#/components/schemas/{model}",
    )
    names = {
        event_type.value: str(found[model, "validation"]["$ref"]).rpartition("/")[2]
        for event_type, model in SCHEMAS.items()
    }
    return names, dict(document["$defs"])
