"""What stands where on an Apple Wallet pass: front, back, times and words, as the parts of pass.json.

Words are written in the reader's language, and pass.strings translates each of them into all that we speak: a phone set to one of
these shows its own, any other shows the reader's. That works as long as no two words of one language are the same and differ in
another, which a test asks of wallet_words.py.

Times carry the offset of their place and `ignoresTimeZone`: whoever stands in another zone still sees what the airport's clock
shows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from gateway.documents.paper import Paper, PaperKind, PaperLeg, placeless
from gateway.documents.wallet_cards import Card, clock, flight_name, moment
from gateway.documents.wallet_words import LANGUAGES, Word, say
from gateway.notifications.brands import Brand

_EARLY = timedelta(hours=3)
_LONGEST = timedelta(hours=24)
"""An interval of relevance may span no more."""

KINDS = {
    PaperKind.BOARDING_PASS: Word.BOARDING_PASS,
    PaperKind.RAIL_TICKET: Word.RAIL_TICKET,
    PaperKind.EVENT_TICKET: Word.EVENT_TICKET,
}
Fields = dict[str, Any]


class Speech:
    """Says words in the reader's language, and remembers which for the other languages."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._said: set[Word] = set()

    def __call__(self, word: Word) -> str:
        self._said.add(word)
        return say(word, self._language)

    def strings(self) -> dict[str, str]:
        """Language -> what a phone in that language shows instead of each word on the pass, as pass.strings has it."""
        said = sorted(self._said)
        return {to: "".join(_line_of(word, self._language, to) for word in said) for to in LANGUAGES}


def translation(text: str, shown: str) -> str:
    """A line of pass.strings."""
    return f"{_quoted(text)} = {_quoted(shown)};\n"


@lru_cache(maxsize=1024)  # words of ours alone, nobody's values
def _line_of(word: Word, language: str, to: str) -> str:
    return translation(say(word, language), say(word, to))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def style(paper: Paper, card: Card, brand: Brand, speech: Speech) -> Fields:
    """{"boardingPass": {...}} or {"eventTicket": {...}}, all keys different."""
    if paper.kind is PaperKind.EVENT_TICKET:
        return {"eventTicket": _show(paper, card, speech) | {"backFields": _back(paper, card, brand, speech)}}
    flies = paper.kind is PaperKind.BOARDING_PASS
    transit = "PKTransitTypeAir" if flies else "PKTransitTypeTrain"
    return {
        "boardingPass": {"transitType": transit}
        | _journey(card, speech, flies)
        | {"backFields": _back(paper, card, brand, speech)}
    }


def _journey(card: Card, speech: Speech, flies: bool) -> Fields:
    leg, last = card.first, card.last
    word = Word.FLIGHT if flies else Word.TRAIN
    return {
        "headerFields": _known(
            _field("gate", speech(Word.GATE if flies else Word.PLATFORM), leg.gate),
            _field("seat", speech(Word.SEAT), leg.seat),
        ),
        "primaryFields": [
            _place("origin", speech(Word.FROM), leg.origin, leg.origin_name, flies),
            _place("destination", speech(Word.TO), last.destination, last.destination_name, flies),
        ],
        "secondaryFields": _known(
            _field("name", speech(Word.NAME), card.traveller),
            _field("number", speech(word), flight_name(leg)),
        ),
        "auxiliaryFields": _known(
            _time("departs", speech(Word.TAKES_OFF if flies else Word.DEPARTS), leg.departs, day=True),
            _time("boards", speech(Word.BOARDS), leg.boards),
            _field("terminal", speech(Word.TERMINAL), leg.terminal) if flies else _field("coach", speech(Word.COACH), leg.coach),
            _field("group", speech(Word.GROUP), leg.group),
            _field("sequence", speech(Word.SEQUENCE), leg.sequence),
        ),
    }


def _show(paper: Paper, card: Card, speech: Speech) -> Fields:
    return {
        "primaryFields": [_field("title", speech(Word.EVENT_TICKET), paper.title)],
        "secondaryFields": _known(
            _time("starts", speech(Word.STARTS), paper.starts_at, day=True),
            _time("doors", speech(Word.DOORS), paper.doors_at),
        ),
        "auxiliaryFields": _known(
            _field("venue", speech(Word.VENUE), paper.venue),
            _field("place", speech(Word.PLACE), paper.place),
            _field("name", speech(Word.NAME), card.traveller),
        ),
    }


def _back(paper: Paper, card: Card, brand: Brand, speech: Speech) -> list[Fields]:
    legs = card.legs
    journey = "\n".join(_line(leg) for leg in legs) if len(legs) > 1 else ""
    found = _known(
        _field("for", speech(Word.FOR), card.symbol.about),
        _field("journey", speech(Word.JOURNEY), journey),
        _time("arrives", speech(Word.ARRIVES), legs[-1].arrives, day=True) if legs else {},
        _field("cabin", speech(Word.CABIN), legs[0].cabin) if legs else {},
        _field("reference", speech(Word.REFERENCE), paper.reference),
        _field("ticket", speech(Word.TICKET_NUMBER), paper.ticket_number),
        _field("baggage", speech(Word.BAGGAGE), paper.baggage),
        _field("flyer", speech(Word.FREQUENT_FLYER), paper.frequent_flyer),
        _field("notes", speech(Word.NOTES), "\n".join(paper.notes)),
    )
    if legs:
        found.append(_field("changes", speech(Word.GOOD_TO_KNOW), speech(Word.MAY_CHANGE)))
    if paper.as_of_ms:
        found.append(_time("asof", speech(Word.AS_OF), instant(paper.as_of_ms), day=True, local=False))
    found.append(_field("help", speech(Word.HELP), brand.support_url))
    return found


def _line(leg: PaperLeg) -> str:
    leaves = moment(leg.departs)
    when = f"{leaves:%d-%m} {clock(leg.departs)}" if leaves is not None else ""
    seat = " ".join(filter(None, (leg.coach, leg.seat)))
    places = f"{leg.origin_name or leg.origin} – {leg.destination_name or leg.destination}"
    return ", ".join(filter(None, (flight_name(leg), places, when, seat)))


def _place(key: str, label: str, code: str, name: str, flies: bool) -> Fields:
    """Airports large by their code, under their name; stations have names only."""
    return _field(key, name or label, code) if flies and code else _field(key, label, name or code)


def _field(key: str, label: str, value: str) -> Fields:
    return {"key": key, "label": label, "value": value}


def _time(key: str, label: str, value: str, *, day: bool = False, local: bool = True) -> Fields:
    """local: on the clock of its place, wherever the phone is; where that clock is not known, on the phone's own."""
    when = moment(value)
    if when is None:
        return _field(key, label, "")
    shown = {"dateStyle": "PKDateStyleMedium" if day else "PKDateStyleNone", "timeStyle": "PKDateStyleShort"}
    return _field(key, label, when.isoformat()) | shown | ({"ignoresTimeZone": True} if local and not placeless(value) else {})


def _known(*fields: Fields) -> list[Fields]:
    """Without those that have nothing to show."""
    return [field for field in fields if field.get("value")]


def times(paper: Paper, card: Card) -> Fields:
    """When the pass comes to the lock screen, and when it is used up."""
    if card.legs:
        starts, ends = moment(card.first.boards) or moment(card.first.departs), moment(card.last.departs)
    else:
        starts, ends = moment(paper.doors_at) or moment(paper.starts_at), moment(paper.starts_at)
    found: Fields = {}
    if starts is not None and ends is not None:
        begin = starts - _EARLY
        found["relevantDate"] = starts.isoformat()
        found["relevantDates"] = [{"startDate": begin.isoformat(), "endDate": min(ends, begin + _LONGEST).isoformat()}]
    if paper.ends_ms:
        found["expirationDate"] = instant(paper.ends_ms)
    return found


def instant(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat()
