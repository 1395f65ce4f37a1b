"""The code in the symbol of a boarding pass: read into its items, and written from them (IATA Resolution 792, format M).

A code is one line of printable ASCII without separators: items of fixed width, filled up with blanks. Once the name; then for
each leg the same 37 characters, the last two of which say in hexadecimal how long what follows is: sections with a size of their
own, each cut behind its last item in use, and words of the carrier's. At the end may stand a signature over all of it.

    M1 name E | leg 1 ... size | >6 size once-only | size repeated | carrier's words | leg 2 ... size | ... | ^1 size signature

**A carrier's code is never written anew.** What an event brings is drawn character by character: blank and cut-off sections mean
the same to a reader, but a signature holds for one way of writing only. We write codes for carriers that let us build passes
without a signature (`unsigned_pass`), for the demo and for tests. Nobody but the carrier can sign one.

Reading forgives what is seen at gates: line breaks at the end, small hexadecimal letters, carrier's words where the once-only
section should begin, no ticket indicator behind the name, a leg that ends behind its day. It refuses what would be guessing: no
format M, not 1 to 4 legs, a size that is none or reaches beyond its section or the text, characters that the format lacks.

A code opens a booking, so errors name items by their numbers and never say what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from gateway.documents.bcbp_days import flight_date, issue_date
from gateway.documents.bcbp_model import (
    LEG,
    LEG_LEAST,
    NAME,
    REPEATED,
    UNIQUE,
    BoardingPass,
    Layout,
    PassLeg,
    Repeated,
    Security,
    Unique,
)
from gateway.documents.bcbp_unsigned import pass_name, unsigned_pass
from gateway.errors import BadPass

__all__ = ["BoardingPass", "PassLeg", "Repeated", "Security", "Unique", "decode", "encode", "pass_name", "unsigned_pass"]

_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_SIZE = re.compile(r"[0-9A-Fa-f]{2}")
_LEG_BEGINS = re.compile(r".{7}[A-Z]{6}.{8}\d{3}")


def decode(text: str, *, today: date) -> BoardingPass:
    """A code as its items. today: what its years are told by. Raises BadPass."""
    text = text.rstrip("\r\n")
    if not _PRINTABLE.fullmatch(text):
        raise BadPass("the code has a character that a boarding pass cannot hold")
    if text[:1] != "M":
        raise BadPass("item 1: should be M, a boarding pass of one or more legs")
    if text[1:2] not in ("1", "2", "3", "4"):
        raise BadPass("item 5: should be 1 to 4 legs")
    at = 2 + NAME
    electronic = ""
    if _LEG_BEGINS.match(text, at + 1) or not _LEG_BEGINS.match(text, at):
        electronic = text[at : at + 1].strip(" ")
        at += 1
    legs: list[PassLeg] = []
    unique: Unique | None = None
    for number in range(1, int(text[1]) + 1):
        leg, rest, at = _leg(text, at, number)
        if number == 1:
            unique, rest = _unique(rest, today)
        if rest and (number > 1 or unique is not None):
            leg, rest = _repeated(leg, rest)
        date_of = flight_date(leg.day, unique.issued if unique else None, today)
        legs.append(replace(leg, airline_use=rest, date=date_of))
    security, rest = _security(text[at:])
    return BoardingPass(text[2 : 2 + NAME].rstrip(" "), tuple(legs), electronic, unique, security, rest)


def _leg(text: str, at: int, number: int) -> tuple[PassLeg, str, int]:
    """The leg that begins here, its variable part, and where the next begins."""
    width = sum(wide for _, wide in LEG)
    piece = text[at : at + width]
    if len(piece) < LEG_LEAST:
        raise BadPass(f"leg {number}: the code ends before its item 46, the date of flight")
    values, _ = _items(piece, LEG)
    given: dict[str, Any] = {name: value or "" for name, value in values.items()}
    leg = PassLeg(**given)
    at += width
    if len(text) < at + 2:
        return leg, "", len(text)
    variable, after = _sized(text[at:], f"leg {number}, item 6")
    return leg, variable, len(text) - len(after)


def _unique(text: str, today: date) -> tuple[Unique | None, str]:
    """What is said once, and what follows it. None where the carrier wrote words of its own instead."""
    if text[:1] != ">":
        return None, text
    section, after = _sized(text[2:], "item 10")
    values, more = _items(section, UNIQUE)
    issued = issue_date(values["issue"] or "", today)
    return Unique(version=text[1:2], more=more, issued=issued, **values), after


def _repeated(leg: PassLeg, text: str) -> tuple[PassLeg, str]:
    section, after = _sized(text, "item 17")
    values, more = _items(section, REPEATED)
    return replace(leg, repeated=Repeated(more=more, **values)), after


def _security(text: str) -> tuple[Security | None, str]:
    if text[:1] != "^":
        return None, text
    data, after = _sized(text[2:], "item 29")
    return Security(text[1:2], data), after


def _sized(text: str, item: str) -> tuple[str, str]:
    """What the size at the beginning spans, and what is behind that."""
    if not _SIZE.match(text):
        raise BadPass(f"{item}: should be a size, two hexadecimal digits")
    end = 2 + int(text[:2], 16)
    if len(text) < end:
        raise BadPass(f"{item}: its size reaches beyond what is there")
    return text[2:end], text[end:]


def _items(text: str, layout: Layout) -> tuple[dict[str, Any], str]:
    """Each item without its blanks, None from where the text ends; and what is behind the last."""
    values: dict[str, str | None] = {}  # each is the argument of its own name
    at = 0
    for name, width in layout:
        values[name] = text[at : at + width].rstrip(" ") if at < len(text) else None
        at += width
    return values, text[at:]


def encode(code: BoardingPass) -> str:
    """The items as a code: what `decode` was given, where that was written by the rules. Raises BadPass, naming the item."""
    if not 1 <= len(code.legs) <= 4:
        raise BadPass("item 5: should be 1 to 4 legs")
    parts = [f"M{len(code.legs)}", _filled("name", code.name, NAME), _filled("electronic", code.electronic, 1)]
    for index, leg in enumerate(code.legs):
        once = _unique_text(code.unique) if index == 0 and code.unique is not None else ""
        parts += [_filled(name, getattr(leg, name), width) for name, width in LEG]
        parts.append(_with_size(once + _behind(leg, index == 0, code.unique is not None), "item 6"))
    if code.security is not None:
        parts += ["^", _filled("security kind", code.security.kind, 1), _with_size(_free(code.security.data), "item 29")]
    if code.rest and code.security is None and code.rest[0] == "^":
        raise BadPass("what stands behind the legs would read as a signature")
    return "".join(parts) + _free(code.rest)


def _behind(leg: PassLeg, first: bool, once: bool) -> str:
    """What follows a leg, apart from what is said once."""
    if leg.repeated is not None:
        if first and not once:
            raise BadPass("item 17: leg 1 has repeated items, so it needs the once-only ones, if only blank")
        return _with_size(_section(leg.repeated, REPEATED, leg.repeated.more), "item 17") + _free(leg.airline_use)
    if leg.airline_use and (not first or once or leg.airline_use[0] == ">"):
        raise BadPass("item 4: the carrier's own words stand behind repeated items, if only blank ones")
    return _free(leg.airline_use)


def _unique_text(unique: Unique) -> str:
    return f">{_filled('version', unique.version, 1)}" + _with_size(_section(unique, UNIQUE, unique.more), "item 10")


def _section(items: Unique | Repeated, layout: Layout, more: str) -> str:
    """Items one after another, cut behind the last that is given."""
    values: Mapping[str, str | None] = {name: getattr(items, name) for name, _ in layout}
    last = max((index for index, (name, _) in enumerate(layout) if values[name] is not None), default=-1)
    used = layout if more else layout[: last + 1]
    return "".join(_filled(name, values[name] or "", width) for name, width in used) + _free(more)


def _with_size(text: str, item: str) -> str:
    if len(text) > 0xFF:
        raise BadPass(f"{item}: what it counts is longer than 255 characters")
    return f"{len(text):02X}{text}"


def _filled(name: str, value: str, width: int) -> str:
    """A value in its full width. One that is longer would spill into the next item, so it is refused."""
    if len(value) > width:
        raise BadPass(f"{name}: should be at most {width} characters")
    return _free(value).ljust(width)


def _free(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise BadPass("the pass has a character that a boarding pass cannot hold")
    return text
