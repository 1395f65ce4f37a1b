"""A calendar entry (RFC 5545) for each flight or train of a paper, or for its event.

Calendars are shared with families, colleagues and the servers of both. So an entry says when and where, and not who: no name, no
booking code, no ticket number, and its UID is a keyed hash. It stays the same while times and gate change, and SEQUENCE rises
with the time at which they were true, so that a newer file moves the entry instead of adding one.

Times stand in the zone of their place where we know it (templates/places.yaml, the brand's for an event) and it agrees with the
offset that the issuer gave; else in UTC, which every calendar shows rightly, if on the reader's clock. There is no alarm: the
reminders are ours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.documents.paper import Paper, PaperKind, PaperLeg
from gateway.documents.wallet_cards import JOURNEYS, Blind, about_leg, clock, flight_name, moment, whose
from gateway.documents.wallet_words import Word, language_of, say
from gateway.errors import CannotWrap
from gateway.notifications.brands import Brand
from gateway.notifications.places import Places, zone_of

if TYPE_CHECKING:  # it takes a fifteenth of a second, which no process spends at its start: few ever write an entry
    from icalendar import Event

MIME = "text/calendar; charset=utf-8; method=PUBLISH"
_SEQUENCE_FROM_MS = 1_600_000_000_000
"""September 2020: seconds since then fit a signed 32-bit SEQUENCE until 2088."""


def has_entries(paper: Paper) -> bool:
    """Something of it has a time."""
    if paper.kind is PaperKind.EVENT_TICKET:
        return bool(paper.title) and moment(paper.starts_at) is not None
    return paper.kind in JOURNEYS and any(moment(leg.departs) is not None for leg in paper.legs)


def ics(paper: Paper, language: str, *, brand: Brand, places: Places, blind: Blind, now_ms: int, about: str = "") -> bytes:
    """The file. about: what the paper is over all its versions, as `Wallets.make` says. Raises CannotWrap without a time."""
    if not has_entries(paper):
        raise CannotWrap("a calendar entry needs a time")
    from icalendar import Calendar

    spoken = language_of(language)
    calendar = Calendar()
    calendar.add("prodid", "-//Thuisfront//Documents//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    host = urlsplit(brand.support_url).hostname or "thuisfront"
    if paper.kind is PaperKind.EVENT_TICKET:
        event = _show(paper, spoken, brand)
        event.add("uid", f"{blind('calendar', *whose(paper), about or paper.starts_at[:10])}@{host}")
        entries = [event]
    else:
        entries = []
        for number, leg in enumerate(paper.legs):
            if moment(leg.departs) is not None:
                event = _journey(paper.kind, leg, spoken, places)
                parts = (about,) if about else about_leg(leg)
                event.add("uid", f"{blind('calendar', *whose(paper), *parts, str(number))}@{host}")
                entries.append(event)
    for event in entries:
        event.add("dtstamp", datetime.fromtimestamp(now_ms // 1000, UTC))
        event.add("sequence", max(paper.as_of_ms - _SEQUENCE_FROM_MS, 0) // 1000)
        event.add("status", "CONFIRMED")
        event.add("transp", "OPAQUE")
        event.add("class", "PRIVATE")
        event.add("url", brand.support_url)
        calendar.add_component(event)
    years = [entry.decoded(name).year for entry in entries for name in ("dtstart", "dtend") if name in entry]
    # The zones of three years instead of 68: a fifth of the size and of the time.
    calendar.add_missing_timezones(first_date=date(min(years) - 1, 1, 1), last_date=date(max(years) + 1, 12, 31))
    file: bytes = calendar.to_ical()
    return file


def _journey(kind: PaperKind, leg: PaperLeg, language: str, places: Places) -> Event:
    flies = kind is PaperKind.BOARDING_PASS
    origin, destination = leg.origin_name or leg.origin, leg.destination_name or leg.destination
    word = say(Word.FLIGHT if flies else Word.TRAIN, language)
    route = " – ".join(filter(None, (origin, destination)))
    from icalendar import Event

    event = Event()
    event.add("summary", ", ".join(filter(None, (" ".join(filter(None, (word, flight_name(leg)))), route))))
    _span(event, leg.departs, leg.arrives, zone_of(leg.origin, places), zone_of(leg.destination, places))
    gate = (say(Word.GATE if flies else Word.PLATFORM, language), leg.gate)
    where = [origin, *_labelled([(say(Word.TERMINAL, language), leg.terminal), gate])]
    event.add("location", ", ".join(filter(None, where)))
    boards, arrives = clock(leg.boards), clock(leg.arrives)
    lines = _labelled(
        [
            (say(Word.BOARDS, language), boards),
            (say(Word.ARRIVES, language), f"{arrives} {destination}" if arrives else ""),
            (say(Word.COACH, language), leg.coach),
            (say(Word.SEAT, language), leg.seat),
        ]
    )
    event.add("description", "\n".join([*lines, say(Word.MAY_CHANGE, language)]))
    return event


def _show(paper: Paper, language: str, brand: Brand) -> Event:
    from icalendar import Event

    event = Event()
    event.add("summary", paper.title)
    _span(event, paper.starts_at, "", brand.timezone, None)
    if paper.venue:
        event.add("location", paper.venue)
    lines = _labelled(
        [(say(Word.DOORS, language), clock(paper.doors_at)), (say(Word.PLACE, language), paper.place)]
    )
    if lines:
        event.add("description", "\n".join(lines))
    return event


def _span(event: Event, start: str, end: str, start_zone: str | None, end_zone: str | None) -> None:
    begins, ends = moment(start), moment(end)
    if begins is not None:
        event.add("dtstart", _placed(begins, start_zone))
        if ends is not None and ends > begins:
            event.add("dtend", _placed(ends, end_zone))


def _placed(when: datetime, zone: str | None) -> datetime:
    """On the clock of its place, if that clock shows what the issuer wrote."""
    if zone is not None:
        try:
            there = when.astimezone(ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError):
            return when.astimezone(UTC)
        if there.utcoffset() == when.utcoffset():
            return there
    return when.astimezone(UTC)


def _labelled(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"{label} {value}" for label, value in pairs if value]
