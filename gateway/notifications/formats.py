"""How a value becomes words: times on the clock of the place, dates, numbers and money by CLDR (Babel).

Clocks: a time is told on the place's own clock. In order: the place's zone where it is known; the offset the time was
written with; for a bare UTC time ("...Z", which names no place) the reader's zone. Hours are always 0-23, as on tickets
and boards, so that nobody confuses morning and evening; separators are the language's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, get_date_format, get_datetime_format, get_day_names, parse_pattern
from babel.lists import format_list
from babel.numbers import UnknownCurrencyError, format_currency, format_decimal
from babel.units import format_unit

from gateway.notifications.places import Places, name_of, zone_of


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom: the text's language (the channel's code), the reader's own locale, zone and the present moment."""

    language: str
    locale: str
    zone: str
    now_ms: int
    places: Places


# "10:55 on Monday 23 November": CLDR joins date and time for forms, not for sentences, so the word is ours.
_ON = {"nl": "op", "en": "on", "de": "am", "fr": "le"}
# "um 10:55 Uhr": without the word a German hour is a mere number.
_CLOCK = {"de": "{} Uhr"}
_YEAR_AT_END = re.compile(r"[\s,،]*\by+(?:\s*'[^']*'\.?)?\s*$")
_ZULU = re.compile(r"[zZ]$")


@lru_cache(maxsize=256)
def locale_of(tag: str) -> Locale:
    """The CLDR locale of a tag or of its language; bare "en" is read as British (24 hours, day before month)."""
    if tag == "en":
        return Locale.parse("en_GB")
    for candidate in (tag.replace("-", "_"), tag.replace("-", "_").split("_")[0]):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en_GB")


@lru_cache(maxsize=512)
def zone_named(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def instant(value: Any) -> datetime | None:
    """A moment from ISO 8601 with an offset, from CEL's timestamp, or from milliseconds since the epoch; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else None
    if isinstance(value, int):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def local(value: Any, reader: Reader, place: Any) -> datetime | None:
    """The wall-clock time to tell (see the top of this file), or None when the value is no moment."""
    moment = instant(value)
    if moment is None:
        return None
    known = zone_of(place, reader.places) if place is not None else None
    zone = zone_named(known) if known else None
    if zone is None and (not isinstance(value, str) or _ZULU.search(value)):
        zone = zone_named(reader.zone)
    return moment.astimezone(zone) if zone is not None else moment


def time(value: Any, reader: Reader, place: Any = None) -> str | None:
    """10:55"""
    moment = local(value, reader, place)
    return None if moment is None else str(format_skeleton("Hm", moment, locale=locale_of(reader.locale)))


def date(value: Any, reader: Reader, place: Any = None) -> str | None:
    """maandag 23 november; with the year when it is another one."""
    moment = local(value, reader, place)
    if moment is None:
        return None
    today = datetime.fromtimestamp(reader.now_ms / 1000, moment.tzinfo)
    locale = locale_of(reader.locale)
    return str(_date_pattern(str(locale), moment.year == today.year).apply(moment, locale))


def weekday(value: Any, reader: Reader, place: Any = None) -> str | None:
    """maandag"""
    moment = local(value, reader, place)
    if moment is None:
        return None
    return str(get_day_names("wide", locale=locale_of(reader.locale))[moment.weekday()])


def moment(value: Any, reader: Reader, place: Any = None) -> str | None:
    """10:55 (German: 10:55 Uhr) when it is today at the place, else with its day: 10:55 op maandag 23 november."""
    when = local(value, reader, place)
    if when is None:
        return None
    clock, day = time(value, reader, place), date(value, reader, place)
    locale = locale_of(reader.locale)
    clock = _CLOCK.get(locale.language, "{}").format(clock)
    if when.date() == datetime.fromtimestamp(reader.now_ms / 1000, when.tzinfo).date():
        return clock
    joined = _ON.get(locale.language)
    if joined is not None:
        return f"{clock} {joined} {day}"
    return str(get_datetime_format("medium", locale=locale)).format(clock, day)


def minutes(value: Any, reader: Reader, place: Any = None) -> str | None:
    """45 minuten; 1 uur en 5 minuten"""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    locale = locale_of(reader.locale)
    hours, rest = divmod(round(value), 60)
    parts = [_unit(hours, "hour", locale)] if hours else []
    if rest or not hours:
        parts.append(_unit(rest, "minute", locale))
    return str(format_list(parts, locale=locale))


def money(value: Any, reader: Reader, place: Any = None) -> str | None:
    """€ 318,40 of {"amount": "318.40", "currency": "EUR"}; None without a currency."""
    if not isinstance(value, Mapping) or not value.get("currency"):
        return None
    try:
        amount = Decimal(str(value.get("amount")))
        return str(format_currency(amount, str(value["currency"]), locale=locale_of(reader.locale)))
    except (InvalidOperation, UnknownCurrencyError, ValueError):
        return None


def number(value: Any, reader: Reader, place: Any = None) -> str | None:
    """1.840"""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(format_decimal(value, locale=locale_of(reader.locale)))


def text(value: Any, reader: Reader, place: Any = None) -> str | None:
    """A text as it is; of {"nl": ..., "en": ...} only the reader's own language."""
    if isinstance(value, Mapping):
        base = reader.language.split("_")[0]
        found = value.get(reader.language) or value.get(reader.language.replace("_", "-")) or value.get(base)
        return str(found) if found else None
    if value is None or isinstance(value, list | bool):
        return None
    return str(value)


def text_any(value: Any, reader: Reader, place: Any = None) -> str | None:
    """Like text, but where their language is missing: English, then whatever there is. For words others wrote."""
    if not isinstance(value, Mapping):
        return text(value, reader)
    own = text(value, reader)
    return own or next((str(found) for found in (value.get("en"), *value.values()) if found), None)


def listing(value: Any, reader: Reader, place: Any = None) -> str | None:
    """Eva, Tom en Noor"""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return text(value, reader)
    items = [str(item) for item in value if item not in (None, "")]
    return str(format_list(items, locale=locale_of(reader.locale))) if items else None


def sentences(value: Any, reader: Reader, place: Any = None) -> str | None:
    """Sentences of others one after the other: of a list its texts, each as it stands."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return text(value, reader)
    return " ".join(str(one) for one in value if one) or None


def place_name(value: Any, reader: Reader, place: Any = None) -> str | None:
    """Londen Heathrow of {"code": "LHR", ...}"""
    return name_of(value, reader.language, reader.places)


Format = Callable[[Any, Reader, Any], str | None]

FORMATS: Mapping[str, Format] = {
    "text": text,
    "text_any": text_any,
    "word": text,  # a closed list of words; the language file says them
    "url": text,
    "time": time,
    "date": date,
    "weekday": weekday,
    "moment": moment,
    "minutes": minutes,
    "money": money,
    "number": number,
    "list": listing,
    "sentences": sentences,
    "place": place_name,
}


def _unit(count: int, unit: str, locale: Locale) -> str:
    """Babel 2.18 has no long form where CLDR's is the same as the short one (Dutch hours), and says it in English."""
    said = str(format_unit(count, unit, "long", locale=locale))
    if locale.language != "en" and said == f"{count} hour":
        said = str(format_unit(count, unit, "short", locale=locale))
    return said


@lru_cache(maxsize=512)
def _date_pattern(locale: str, this_year: bool) -> Any:
    full = get_date_format("full", locale=locale)
    shorter = _YEAR_AT_END.sub("", full.pattern) if this_year else full.pattern
    return parse_pattern(shorter)
