"""The story, as data: at what local time what happens, and which phone must then show what.

`expect` names (chat, notification) in the order they arrive; a test holds the phones against it. `unsent` names what must not have
been sent, with the reason that the phones show. A chat is a phone's name for WhatsApp, with `/messenger` behind it for Messenger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from demo import people
from demo.paper import pdf, photo

_MORNING = ("family_delayed", "family_cancelled", "family_follows")
"""What those at home read after the night: late, off, and which flight it is now."""
_EARLIER = "Can I also fly earlier than 18:10?"
BOARDS = "The 16:05 boards at 15:25, from the same pier."
"""What does not arrive the first time."""
_LAMP = "Mijn modem knippert rood sinds de storing"
_ENOUGH = "Late again! I want to file a complaint about this line."
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Desk:
    """One turn of somebody at the desk, about the conversation in which somebody wrote `about`.

    text:     the answer, or the words in a template; file: (name, PDF in base64) that goes with it
    template: a notification for when the service window is shut
    again:    send again what failed; fails: wait until this answer has come back
    then:     finish or park (until until_ms), "" neither; reason: why they had written
    """

    who: str
    about: str
    text: str = ""
    file: tuple[str, str] | None = None
    template: str = ""
    again: bool = False
    fails: bool = False
    then: str = ""
    until_ms: int = 0
    reason: str = "general"


@dataclass(frozen=True, slots=True)
class Step:
    """at: on the story's clock. events: CloudEvents without id and time. says: (phone, text) typed on a phone.

    shows: (phone, JPEG in base64, words): a photo that is sent from a phone
    opens: (phone, invitation): a link that is made for this person, and opened on their phone
    presses: (phone, label): a button below the newest message that has one of that name
    follows: (phone, channel, whose): the family link that stands newest on another phone, opened; on its page they choose an app
    page: switches of the railway's Page at Meta, turned before anything else happens
    fault: what goes wrong at Meta in this step, as the sandbox is told it
    desk: what somebody at the desk does, if nobody who plays them was faster
    """

    title: str
    caption: str
    at: datetime
    events: tuple[dict[str, Any], ...] = ()
    says: tuple[tuple[str, str], ...] = ()
    opens: tuple[tuple[str, dict[str, Any]], ...] = ()
    presses: tuple[tuple[str, str], ...] = ()
    follows: tuple[tuple[str, str, str], ...] = ()
    page: dict[str, bool] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)
    shows: tuple[tuple[str, str, str], ...] = ()
    desk: tuple[Desk, ...] = ()
    expect: tuple[tuple[str, str], ...] = ()
    unsent: tuple[tuple[str, str, str], ...] = ()


@dataclass
class _Days:
    first: date
    steps: list[Step] = field(default_factory=list)

    def at(self, day: int, clock: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
        hour, minute = clock.split(":")
        wanted = self.first + timedelta(days=day)
        return datetime(wanted.year, wanted.month, wanted.day, int(hour), int(minute), tzinfo=zone)

    def iso(self, day: int, clock: str, zone: ZoneInfo = AMSTERDAM) -> str:
        return self.at(day, clock, zone).isoformat()


def _event(kind: str, source: str, subject: str, data: dict[str, Any], version: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": f"org.example.{kind}.v1",
        "source": source,
        "subject": subject,
        "sequence": f"{version:010d}",
        "datacontenttype": "application/json",
        "data": data,
    }


def _traveller(person: people.Person, *, role: str) -> dict[str, Any]:
    """Somebody of a booking who gave no address: to be reached by an invitation."""
    return {
        "customerId": person.customer,
        "name": {"given": person.given, "family": person.family},
        "role": role,
        "locale": person.locale,
        "timezone": person.timezone,
    }


def _recipient(person: people.Person, day: _Days, *, role: str, passenger: str | None = None) -> dict[str, Any]:
    value: dict[str, Any] = {
        **_traveller(person, role=role),
        "addresses": [{"channel": "whatsapp", "to": person.number, "proof": "otp", "givenBy": "self"}],
        "consents": [
            {
                "purpose": person.purpose,
                "channel": "whatsapp",
                "granted": True,
                "at": day.iso(0, "13:55"),
                "how": "booking-checkbox",
                "wording": person.wording,
            }
        ],
    }
    if passenger:
        value["passenger"] = passenger
    return value


def _flight(day: _Days, status: str, version: int, **more: Any) -> dict[str, Any]:
    leg = {"carrier": "ZZ", "flightNumber": "1007", "originDate": day.at(1, "00:00").date().isoformat(), "from": "AMS", "to": "LHR"}
    subject = f"ZZ1007/{leg['originDate']}/AMS"
    return _event("flight.status", "/ops/flights", subject, {"leg": leg, "status": status, **more}, version)


def _second(day: _Days, status: str, version: int, **more: Any) -> dict[str, Any]:
    leg = {"carrier": "ZZ", "flightNumber": "0522", "originDate": day.at(1, "00:00").date().isoformat(), "from": "LHR", "to": "DUB"}
    subject = f"ZZ0522/{leg['originDate']}/LHR"
    return _event("flight.status", "/ops/flights", subject, {"leg": leg, "status": status, **more}, version)


def _third(day: _Days, status: str, version: int) -> dict[str, Any]:
    """The flight in the place of the second one."""
    leg = {"carrier": "ZZ", "flightNumber": "0526", "originDate": day.at(1, "00:00").date().isoformat(), "from": "LHR", "to": "DUB"}
    times = {
        "departure": {"scheduled": day.iso(1, "18:10", LONDON), "actual": day.iso(1, "18:13", LONDON)},
        "arrival": {"scheduled": day.iso(1, "19:25", LONDON), "actual": day.iso(1, "19:16", LONDON)},
    }
    subject = f"ZZ0526/{leg['originDate']}/LHR"
    return _event("flight.status", "/ops/flights", subject, {"leg": leg, "status": status, "times": times}, version)


def _first_flight(day: _Days, estimated: str, arrival: str) -> dict[str, Any]:
    """The first flight's times: when it leaves Amsterdam, when it is in London."""
    return {
        **_departure(day, "10:55", estimated),
        "arrival": {"scheduled": day.iso(1, "11:20", LONDON), "estimated": day.iso(1, arrival, LONDON)},
    }


def _departure(day: _Days, scheduled: str, estimated: str, zone: ZoneInfo = AMSTERDAM) -> dict[str, Any]:
    return {"departure": {"scheduled": day.iso(1, scheduled, zone), "estimated": day.iso(1, estimated, zone)}}


def _pass(day: _Days, person: people.Person, seat: str, number: int, ticket: str) -> dict[str, Any]:
    """What the departure system knows of one passenger, with the carrier's code for the gate. Whose it is, the booking says; the
    picture is drawn by the gateway."""
    leg = _flight(day, "scheduled", 1)["data"]["leg"]
    flies = day.at(1, "00:00").date().timetuple().tm_yday
    name = f"{person.family}/{person.given}".upper()
    data = {
        "leg": leg,
        "passenger": {"surname": person.family, "givenNames": person.given, "recordLocator": "ZX7K2P", "ticketNumber": ticket},
        "checkin": {"seat": seat, "sequence": number, "group": "2", "cabin": "Y", "freeBaggage": "1PC"},
        "times": {
            "scheduledOff": day.iso(1, "10:55"), "boarding": day.iso(1, "10:25"), "scheduledOn": day.iso(1, "11:20", LONDON),
        },
        "gate": "D18",
        "bcbp": f"M1{name:<20.20}EZX7K2P AMSLHRZZ 1007 {flies:03d}Y{seat:0>4}{number:04d} 100",
    }  # fmt: skip
    return _event("flight.boardingpass", "/dcs/departures", f"ZZ1007/{leg['originDate']}/AMS", data, 1)


def make(first: date) -> list[Step]:
    """The story whose first afternoon is `first`."""
    day = _Days(first)
    eva, tom, mila, finn, noor, daan = people.EVA, people.TOM, people.MILA, people.FINN, people.NOOR, people.DAAN
    flight_day = day.at(1, "00:00").date().isoformat()
    train_day = day.at(3, "00:00").date().isoformat()
    order = {
        "orderNumber": "ZX7K2P",
        "kind": "flight",
        "brand": "zz",
        "status": "confirmed",
        "placedAt": day.iso(0, "13:58"),
        "currency": "EUR",
        "total": "318.40",
        "itinerary": [
            {
                "entity": f"ZZ1007/{flight_day}/AMS",
                "type": "flight",
                "from": {"code": "AMS", "name": "Amsterdam", "timezone": "Europe/Amsterdam"},
                "to": {"code": "LHR", "name": "London Heathrow", "timezone": "Europe/London"},
                "times": {
                    "checkIn": {"scheduled": day.iso(0, "20:00")},
                    "departure": {"scheduled": day.iso(1, "10:55")},
                    "arrival": {"scheduled": day.iso(1, "11:20", LONDON)},
                },
            },
            {
                "entity": f"ZZ0522/{flight_day}/LHR",
                "type": "flight",
                "from": {"code": "LHR", "name": "London Heathrow", "timezone": "Europe/London"},
                "to": {"code": "DUB", "name": "Dublin", "timezone": "Europe/Dublin"},
                "times": {
                    "departure": {"scheduled": day.iso(1, "13:40", LONDON)},
                    "arrival": {"scheduled": day.iso(1, "15:05", LONDON)},
                },
            },
        ],
        "recipients": [
            _recipient(eva, day, role="booker", passenger="P1"),
            _recipient(tom, day, role="passenger", passenger="P2"),
        ],
    }
    trip = f"EXR/3542/{train_day}"
    rail = {
        "orderNumber": "TR-55310",
        "kind": "rail",
        "brand": "exr",
        "status": "confirmed",
        "placedAt": day.iso(0, "14:18"),
        "currency": "EUR",
        "total": "58.00",
        "itinerary": [
            {
                "entity": trip,
                "type": "trip",
                "from": {"code": "xmp:UT", "name": "Utrecht", "timezone": "Europe/Amsterdam"},
                "to": {"code": "xmp:EHV", "name": "Eindhoven", "timezone": "Europe/Amsterdam"},
                "times": {
                    "departure": {"scheduled": day.iso(3, "09:03")},
                    "arrival": {"scheduled": day.iso(3, "09:52")},
                },
            }
        ],
        "recipients": [_recipient(mila, day, role="booker"), _traveller(finn, role="passenger")],
    }
    def ticket(person: people.Person, number: int) -> dict[str, Any]:
        data = {
            "orderNumber": "TR-55310",
            "brand": "exr",
            "document": {
                "kind": "rail_ticket",
                "id": f"TR-55310-{number}",
                "title": "Utrecht - Eindhoven",
                "startsAt": day.iso(3, "09:03"),
                "content": pdf("Train ticket", [f"{person.given} {person.family}", "Utrecht - Eindhoven", "09:03, platform 7"]),
                "mime": "application/pdf",
            },
            "recipients": [{"customerId": person.customer}],
        }
        return _event("order.document", "/rail/tickets", f"TR-55310-{number}", data, 1)

    def invitation(person: people.Person) -> dict[str, Any]:
        return {
            "origin": "booking_page",
            "reason": "ticket",
            "subject": {"order": "TR-55310"},
            "customerId": person.customer,
            "language": person.language,
            "brand": "exr",
            "channels": ["messenger"],
            "proof": "app_login",
            "consents": [{"purpose": person.purpose, "wording": person.wording}],
        }

    def delayed(minutes: int, estimated: str, platform: str, version: int, **more: Any) -> dict[str, Any]:
        times = {"departure": {"scheduled": day.iso(3, "09:03"), "estimated": day.iso(3, estimated)}}
        platforms = {"planned": "7", "actual": platform}
        data = {**train, "status": "delayed", "delayMinutes": minutes, "times": times, "platform": platforms, **more}
        return _event("trip.status", "/rail/trips", trip, data, version)

    def contract(person: people.Person, number: str, postcode: str) -> dict[str, Any]:
        data = {
            "orderNumber": number,
            "kind": "service",
            "brand": "netx",
            "status": "delivered",
            "service": {"name": "broadband", "area": {"country": "NL", "postcode": postcode}},
            "recipients": [_recipient(person, day, role="customer")],
        }
        return _event("order.status", "/crm/orders", number, data, 4)

    def outage(status: str, version: int, **more: Any) -> dict[str, Any]:
        data = {"outageId": "OUT-4417", "service": "broadband", "status": status, "planned": False, **more}
        return _event("outage.status", "/grid/outages", "OUT-4417", data, version)

    affected = {"affected": {"connections": 1840, "postcodes": ["3511AA-3511GZ", "3512"]}}
    cable = {"cause": {"code": "cable_damage", "text": {"en": "a damaged cable", "nl": "een beschadigde kabel"}}}
    train = {
        "trip": {
            "operator": "EXR",
            "line": "IC 3500",
            "tripNumber": "3542",
            "operatingDay": train_day,
            "from": {"code": "xmp:UT", "name": "Utrecht"},
            "to": {"code": "xmp:EHV", "name": "Eindhoven"},
        }
    }
    late = {"reason": {"code": "93", "text": {"en": "late arrival of the aircraft", "nl": "late aankomst van het vliegtuig"}}}
    storm = {"reason": {"code": "71", "text": {"en": "weather at the airport", "nl": "het weer op de luchthaven"}}}
    return [
        Step(
            "Eva books", "Eva books two flights for herself and Tom, and ticks that she wants news over WhatsApp.",
            day.at(0, "14:00"), (_event("order.status", "/booking/orders", "ZX7K2P", order, 1),), expect=(("eva", "order_confirmed"),),
        ),
        Step(
            "Mila takes the train", "Another brand, another number, in English. She also books for Finn, who gave no number.",
            day.at(0, "14:20"), (_event("order.status", "/rail/orders", "TR-55310", rail, 1),), expect=(("mila", "order_confirmed"),),
        ),
        Step(
            "The ticket, please: in Messenger", "A link on the booking page opens the railway's chat. Get Started, and the chat knows her booking.",
            day.at(0, "14:22"), opens=(("mila", invitation(mila)),), expect=(("mila/messenger", "way_in_welcome"),),
        ),
        Step(
            "Finn has a link of his own", "Signed, for one person, and it holds no name and no number.",
            day.at(0, "14:24"), opens=(("finn", invitation(finn)),), expect=(("finn/messenger", "way_in_welcome"),),
        ),
        Step(
            "The tickets", "To each their own, within seconds, in the chat they opened: first the words, then the railway's own PDF.",
            day.at(0, "14:25"), (ticket(mila, 1), ticket(finn, 2)),
            expect=tuple((f"{name}/messenger", "journey_ticket_issued") for name in ("mila", "mila", "finn", "finn")),
        ),
        Step(
            "Two households on broadband", "Contracts bring customers and their postcodes. Nobody is written to yet.",
            day.at(0, "16:00"), (contract(noor, "SV-880012", "3511AK"), contract(daan, "SV-880977", "3512JE")),
        ),
        Step(
            "The internet goes down", "One outage, an area, everybody in it: in their own language.",
            day.at(0, "17:30"),
            (outage("confirmed", 2, startedAt=day.iso(0, "17:21"), expectedRestoration=day.iso(0, "18:30"), **affected, **cable),),
            expect=(("noor", "outage_started"), ("daan", "outage_started")),
        ),
        Step(
            "It takes longer", "The forecast moves by more than half an hour, so it is worth a message.",
            day.at(0, "18:05"), (outage("updated", 3, expectedRestoration=day.iso(0, "20:00")),),
            expect=(("noor", "outage_updated"), ("daan", "outage_updated")),
        ),
        Step(
            "Daan asks", "How it stands is answered at once, by its source and with its age; the line says that no person wrote it.",
            day.at(0, "18:20"), says=(("daan", "When will the internet be back?"),), expect=(("daan", "reply"),),
        ),
        Step(
            "The evening before", "A reminder that comes by itself: at seven, because tomorrow's flight is an early one.",
            day.at(0, "19:00"), expect=(("eva", "flight_reminder"), ("tom", "flight_reminder")),
        ),
        Step(
            "Fixed", "And nothing about it comes after this.",
            day.at(0, "19:40"), (outage("restored", 5, restoredAt=day.iso(0, "19:38")),),
            expect=(("noor", "outage_fixed"), ("daan", "outage_fixed")),
        ),
        Step(
            "Check-in opens", "By the clock: the order says when, and nobody has spoken of the flight yet. For both travellers, each in their own language.",
            day.at(0, "20:00"), expect=(("eva", "checkin_open"), ("tom", "checkin_open")),
        ),
        Step(
            "Boarding passes", "To each traveller their own, drawn by the gateway from what the departure system says, and to nobody else.",
            day.at(0, "20:20"), (_pass(day, eva, "12C", 42, "0002412345678"), _pass(day, tom, "12D", 43, "0002412345679")),
            expect=(("eva", "boarding_pass_issued"), ("tom", "boarding_pass_issued")),
        ),
        Step(
            "Eva tells her home front", "One button below her pass. What comes back is a link, as words and as a picture, to forward; it names the flight and nobody.",
            day.at(0, "20:30"), presses=(("eva", "Thuisfront inlichten"),), expect=(("eva", "family_link"),),
        ),
        Step(
            "Four at home open it", "A page lets each choose an app. Their own first message is their consent, and tells us their language.",
            day.at(0, "20:34"),
            follows=(("Corrie", "whatsapp", "eva"), ("Henk", "messenger", "eva"), ("Rose", "whatsapp", "eva"), ("Uwe", "whatsapp", "eva")),
            expect=(*((chat, "family_welcome") for chat in ("Corrie", "Henk/messenger", "Rose", "Uwe")), ("Henk/messenger", "family_ask_name")),
        ),
        Step(
            "Henk says his name, Eva reads who joined", "A Page is told no name, so we ask once, and wait with it. One message for all who came within a minute.",
            day.at(0, "20:35"), says=(("Henk/messenger", "Opa Henk"),), expect=(("Henk/messenger", "family_named"), ("eva", "family_joined")),
        ),
        Step(
            "Night: the flight is late", "23:40 in Amsterdam. It leaves at 10:55, so this can wait until morning: it is kept, not sent.",
            day.at(0, "23:40"), (_flight(day, "delayed", 10, times=_first_flight(day, "11:20", "11:41"), gate="D18", **late),),
        ),
        Step(
            "Later still", "The newer delay takes the place of the older one, which nobody ever sees.",
            day.at(1, "00:30"), (_flight(day, "delayed", 11, times=_first_flight(day, "11:40", "12:02"), **late),),
            unsent=(("eva", "flight_delayed", "replaced"), ("tom", "flight_delayed", "replaced")),
        ),
        Step(
            "The second flight is late, too", "Also kept for the morning.",
            day.at(1, "01:10"), (_second(day, "delayed", 3, times=_departure(day, "13:40", "14:30", LONDON), **storm),),
        ),
        Step(
            "... and cancelled", "A cancellation ends what it makes pointless: the delay still waiting is never sent.",
            day.at(1, "02:15"),
            (
                _second(
                    day, "cancelled", 4,
                    rebooking={
                        "carrier": "ZZ", "flightNumber": "0526", "originDate": flight_day, "from": "LHR", "to": "DUB",
                        "departure": day.iso(1, "18:10", LONDON),
                    },
                    **storm,
                ),
            ),
            unsent=(("eva", "flight_delayed", "ended"), ("tom", "flight_delayed", "ended")),
        ),
        Step(
            "Good morning", "At seven, where each flight leaves from, what waited goes out. Once, and only the newest.",
            day.at(1, "08:02"),
            expect=(
                ("eva", "flight_delayed"), ("tom", "flight_delayed"), ("eva", "flight_rebooked"), ("tom", "flight_rebooked"),
                *((chat, name) for name in _MORNING for chat in ("Corrie", "Henk/messenger", "Rose", "Uwe")),
            ),
        ),
        Step(
            "Tom asks", "An answer goes to a person, with the message it answers.",
            day.at(1, "08:10"), says=(("tom", _EARLIER),),
        ),
        Step(
            "Sanne answers", "Taken at the desk, answered within the 24 hours that WhatsApp allows. Try it yourself at the desk.",
            day.at(1, "08:14"),
            desk=(Desk("sanne", _EARLIER, "Good morning Tom, Sanne here. There is a seat on the 16:05. Shall I put you on it?"),),
            expect=(("tom", "reply"),),
        ),
        Step(
            "What does not arrive comes back", "Meta took the answer and could not deliver it. The line says so, and it stands under Undelivered.",
            day.at(1, "08:16"), fault={"name": "code", "code": 131000, "async": True, "times": 1, "address": tom.number.lstrip("+")},
            desk=(Desk("sanne", _EARLIER, BOARDS, fails=True),),
        ),
        Step(
            "Sanne sends it again", "By one button; it is one message on the phone.",
            day.at(1, "08:18"), desk=(Desk("sanne", _EARLIER, again=True, then="finish", reason="rebook"),), expect=(("tom", "reply"),),
        ),
        Step(
            "Noor sends a photo", "Drawn anew before an agent sees it, without place and camera.",
            day.at(1, "08:20"), shows=(("noor", photo(), _LAMP),),
        ),
        Step(
            "Sanne answers with a file", "One message with words and a PDF. The conversation is parked: she will ask how it went.",
            day.at(1, "08:24"),
            desk=(
                Desk(
                    "sanne", _LAMP, "Thanks for the photo, Noor. Red means that it looks for the line. The sheet says how to start it anew.",
                    file=("new-start.pdf", pdf("A new start", ["1. Take out the plug", "2. Wait ten seconds", "3. Put it back, wait for green"])),
                    then="park", until_ms=to_ms(day.at(2, "09:00")),
                ),
            ),
            expect=(("noor", "reply"),),
        ),
        Step(
            "Rose has heard enough", "One word, and nothing of this journey comes any more. Eva need not know why.",
            day.at(1, "08:30"), says=(("Rose", "STOP"),), expect=(("Rose", "stop_confirmed"),),
        ),
        Step(
            "Another gate", "Within seconds, on both phones.",
            day.at(1, "10:02"), (_flight(day, "delayed", 13, times=_first_flight(day, "11:40", "12:02"), gate="C07"),),
            expect=(("eva", "gate_changed"), ("tom", "gate_changed")),
        ),
        Step(
            "Boarding", "Forty minutes before it leaves now, not before it was to leave: the moment has moved with the flight.",
            day.at(1, "11:00"), expect=(("eva", "boarding_begins"), ("tom", "boarding_begins")),
        ),
        Step(
            "The airport says so, too", "The same news by another way is told once.",
            day.at(1, "11:05"), (_flight(day, "boarding", 14, times=_first_flight(day, "11:40", "12:02"), gate="C07"),),
        ),
        Step(
            "Gone", "Departed: nothing about boarding, gate or delay can come after this.",
            day.at(1, "11:44"),
            (_flight(day, "departed", 15, times={
                "departure": {"scheduled": day.iso(1, "10:55"), "actual": day.iso(1, "11:42")},
                "arrival": {"scheduled": day.iso(1, "11:20", LONDON), "estimated": day.iso(1, "11:58", LONDON)},
            }),),
            expect=(
                ("eva", "flight_departed"), ("tom", "flight_departed"),
                *((chat, "family_departed") for chat in ("Corrie", "Henk/messenger", "Uwe")),
            ),
        ),
        Step(
            "Lena joins late", "She comes when the flight is in the air, and reads how it stands now, in German, in Messenger.",
            day.at(1, "11:50"), follows=(("Lena", "messenger", "eva"),),
            expect=tuple(("Lena/messenger", name) for name in ("family_welcome", "family_departed", "family_cancelled", "family_ask_name")),
        ),
        Step(
            "Corrie asks where it is", "Misspelt, and answered at once: how it stands, who said so, how long ago. Nothing is computed.",
            day.at(1, "11:52"), says=(("Corrie", "waar is t vliegtug nu?"), ("Lena/messenger", "Lena")),
            expect=(("Corrie", "family_state"), ("Lena/messenger", "family_named"), ("eva", "family_joined")),
        ),
        Step(
            "Landed", "",
            day.at(1, "13:02"),
            (_flight(day, "arrived", 17, times={"arrival": {"scheduled": day.iso(1, "11:20", LONDON), "actual": day.iso(1, "11:58", LONDON)}}),),
            expect=(
                ("eva", "flight_landed"), ("tom", "flight_landed"),
                *((chat, "family_landed") for chat in ("Corrie", "Henk/messenger", "Uwe", "Lena/messenger")),
            ),
        ),
        Step(
            "Home", "The flight that took the place of the cancelled one has landed, too. Eva is offered a text to start a group of their own.",
            day.at(1, "20:20"), (_third(day, "arrived", 2),),
            expect=(
                ("eva", "flight_landed"), ("tom", "flight_landed"),
                *((chat, "family_landed") for chat in ("Corrie", "Henk/messenger", "Uwe", "Lena/messenger")),
                ("eva", "family_group_offer"),
            ),
        ),
        Step(
            "The family ends by itself", "A day after the last landing everybody is told once, and the list of who followed is erased.",
            day.at(2, "20:30"), expect=tuple((chat, "family_ended") for chat in ("Corrie", "Henk/messenger", "Uwe", "Lena/messenger")),
        ),
        Step(
            "How did it go?", "Noor's service window is shut, so Sanne's question goes in words that Meta approved; her own are a part of them.",
            day.at(2, "20:40"),
            desk=(Desk("sanne", _LAMP, "is de lamp op je modem weer groen?", template="desk_follow_up", then="finish", reason="internet"),),
            expect=(("noor", "reply"),),
        ),
        Step(
            "Three days later: the train leaves in an hour", "The chats have been silent for days, so it goes as a utility message that Meta approved.",
            day.at(3, "08:03"), expect=(("mila/messenger", "train_reminder"), ("finn/messenger", "train_reminder")),
        ),
        Step(
            "The train is late", "",
            day.at(3, "08:41"),
            (delayed(14, "09:17", "5b", 3, reason={"code": "signal_failure", "text": {"en": "a signal failure", "nl": "een seinstoring"}}),),
            expect=(("mila/messenger", "trip_delayed"), ("finn/messenger", "trip_delayed")),
        ),
        Step(
            "Another platform again", "Only what is new is told.",
            day.at(3, "08:46"), (delayed(14, "09:17", "3", 4),),
            expect=(("mila/messenger", "platform_changed"), ("finn/messenger", "platform_changed")),
        ),
        Step(
            "Where a Page may not", "Meta does not let Pages everywhere send utility messages. Mila is told over WhatsApp instead; Finn has no other way: his phone shows why.",
            day.at(3, "08:52"), (delayed(45, "09:48", "3", 5),), page={"utility": False},
            expect=(("mila", "trip_delayed"),),
            unsent=(("mila/messenger", "trip_delayed", "not_allowed"), ("finn/messenger", "trip_delayed", "not_allowed")),
        ),
        Step(
            "Mila complains", "Heard by its words: a mark with a due date, a queue of its own, and no offer or survey until it is dealt with.",
            day.at(3, "09:20"), says=(("mila/messenger", _ENOUGH),),
        ),
        Step(
            "Ravi answers", "He has the complaints. In Messenger, under his first name.",
            day.at(3, "09:26"),
            desk=(Desk("ravi", _ENOUGH, "Hello Mila, you are right to be cross. I have put your delays together and write to you today."),),
            expect=(("mila/messenger", "reply"),),
        ),
    ]  # fmt: skip


def chat_of(phone: str, channel: str) -> str:
    """How `expect` names a chat."""
    return phone if channel == "whatsapp" else f"{phone}/{channel}"


def first_day(now: datetime) -> date:
    """The story's first afternoon: today in Amsterdam, so that its dates look like today's and tomorrow's."""
    return now.astimezone(AMSTERDAM).date()


def to_ms(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1000)
