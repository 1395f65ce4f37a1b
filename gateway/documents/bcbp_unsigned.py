"""A boarding pass without a carrier's signature, made of what an event says of leg, passenger and check-in.

Only for carriers that take such passes: the brand's `unsigned_passes` in templates/brands.yaml says so, and an event with a code
of its own needs none. What only a carrier may say (selectee, document verification, security) stays blank.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from string import ascii_uppercase
from typing import Any

from gateway.documents.bcbp_days import day_text, issue_text
from gateway.documents.bcbp_model import NAME, BoardingPass, PassLeg, Repeated, Unique
from gateway.errors import BadPass

_LETTERS = {
    "ß": "SS", "ẞ": "SS", "Ø": "O", "Æ": "AE", "Œ": "OE", "Ł": "L", "Þ": "TH", "Ð": "D", "Đ": "D", "Ħ": "H", "ı": "I", "Ŋ": "NG",
    "Ŧ": "T", "Ə": "A", "ĸ": "K",
}  # fmt: skip
"""Those that do not come apart into a letter of A to Z and a mark."""
_STATUS = {"not_checked_in": "0", "checked_in": "1", "security_passed": "4", "boarded": "5", "transit": "6", "standby": "7"}
_KINDS = {"adult": "0", "child": "3", "infant": "4", "unaccompanied_minor": "7"}
_TITLES = {"MR": "1", "MRS": "2", "MS": "2", "MISS": "2"}
_CABINS = {"": "Y", "ECONOMY": "Y", "PREMIUM ECONOMY": "W", "BUSINESS": "C", "FIRST": "F"}
_FLIGHT = re.compile(r"0*(\d{1,4})([A-Z]?)")
_SEAT = re.compile(r"0*(\d{1,3})([A-Z])")


def letters(text: str) -> str:
    """What of a name a pass can hold: A to Z and blanks. Marks, hyphens and apostrophes go, other scripts leave nothing."""
    mapped = "".join(_LETTERS.get(one, _LETTERS.get(one.upper(), one)) for one in unicodedata.normalize("NFC", text))
    apart = unicodedata.normalize("NFKD", mapped).upper().replace("/", " ")
    return " ".join(re.sub(r"[^A-Z ]", "", re.sub(r"\s", " ", apart)).split())


def pass_name(surname: str, given: str = "", title: str = "") -> str:
    """SURNAME/GIVEN TITLE, cut to 20 after mapping. Raises BadPass when nothing of the surname can be written."""
    family = letters(surname)
    if not family:
        raise BadPass("passenger.surname: has no letter that a boarding pass can hold")
    first = " ".join(filter(None, (letters(given), letters(title))))
    return (f"{family}/{first}" if first else family)[:NAME].rstrip(" ")


def unsigned_pass(
    leg: Mapping[str, Any],
    passenger: Mapping[str, Any],
    checkin: Mapping[str, Any] | None = None,
    *,
    issued: date,
    leaves: str = "",
) -> BoardingPass:
    """A pass of one leg, of an event's data as it came (names as in docs/events.md). Raises BadPass, naming the field.

    issued: the day of the event; leaves: the scheduled time on the clock of the place, which says the day of this leg, where the
    leg's own date is that of the flight's first one
    """
    given = checkin or {}
    flight = _matched(_FLIGHT, _text(leg, "flightNumber").upper(), "leg.flightNumber", "up to four digits, and perhaps a letter")
    try:
        flies = datetime.fromisoformat(leaves).date() if leaves else date.fromisoformat(_text(leg, "originDate"))
    except ValueError:
        raise BadPass("leg.originDate: should be a date such as 2026-11-22") from None
    carrier = _code(leg, "carrier", "leg", 2, 3)
    number = re.sub(r"\D", "", _text(passenger, "ticketNumber"))
    flyer = passenger.get("frequentFlyer")
    flyer = flyer if isinstance(flyer, Mapping) else {}
    made = PassLeg(
        locator=_code(passenger, "recordLocator", "passenger", 5, 7),
        origin=_code(leg, "from", "leg", 3, 3),
        destination=_code(leg, "to", "leg", 3, 3),
        carrier=carrier,
        flight=f"{int(flight[1]):04d}{flight[2]}",
        day=day_text(flies),
        cabin=_cabin(_text(given, "cabin").upper()),
        seat=_seat(_text(given, "seat").upper()),
        sequence=_sequence(_text(given, "sequence")),
        status=_STATUS.get(_text(given, "status"), "0"),
        repeated=Repeated(
            airline=number[:3] if len(number) == 13 else "",
            serial=number[3:] if len(number) == 13 else "",
            marketing=carrier,
            flyer_airline=_short(flyer, "carrier", 3),
            flyer_number=_short(flyer, "number", 16),
            baggage=_short(given, "freeBaggage", 3),
        ),
        date=flies,
    )
    title = _text(passenger, "title")
    kind = _KINDS.get(_text(passenger, "kind")) or _TITLES.get(letters(title), "0")
    once = Unique(
        description=kind, checkin_source="", issue_source="M", issue=issue_text(issued), document_type="B", issuer=carrier,
        issued=issued,
    )  # fmt: skip
    name = pass_name(_text(passenger, "surname"), _text(passenger, "givenNames"), title)
    return BoardingPass(name, (made,), electronic="E" if number else "", unique=once)


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _code(value: Mapping[str, Any], name: str, of: str, least: int, most: int) -> str:
    """Letters and digits, as an airport, a carrier or a booking has."""
    text = _text(value, name).upper()
    if not (least <= len(text) <= most and text.isascii() and text.isalnum()):
        size = f"{least}" if least == most else f"{least} to {most}"
        raise BadPass(f"{of}.{name}: should be {size} letters and digits")
    return text


def _short(value: Mapping[str, Any], name: str, most: int) -> str:
    """Left away where it does not fit: it helps, and the pass holds without it."""
    text = _text(value, name).upper()
    return text if len(text) <= most and text.isascii() and text.isprintable() else ""


def _cabin(text: str) -> str:
    """The booking or cabin letter; of cabins by their names those that every airline calls so."""
    letter = text if len(text) == 1 and text in ascii_uppercase else _CABINS.get(text)
    if letter is None:
        raise BadPass("checkin.cabin: should be the letter of a booking class or cabin, such as Y")
    return letter


def _seat(text: str) -> str:
    if not text or text == "INF":
        return text
    found = _matched(_SEAT, text, "checkin.seat", "a row and a letter, such as 12C, or INF")
    return f"{int(found[1]):03d}{found[2]}"


def _sequence(text: str) -> str:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadPass("checkin.sequence: should be a number of up to four digits")
    return text.zfill(4) if text else ""


def _matched(pattern: re.Pattern[str], text: str, name: str, should: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise BadPass(f"{name}: should be {should}")
    return found
