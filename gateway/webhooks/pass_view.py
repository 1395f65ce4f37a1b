"""What a travel page says: a paper laid over by what its flights and trains are doing now, in one language. Pure.

A value that has changed since the document was issued stands beside the old one, which is struck out. Nothing is reckoned: where
a flight leaves at another time, the boarding time that was printed is struck out too, for the screens say the new one, and the
arrival that was printed is left out until somebody says when it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.documents.paper import Paper, PaperKind, PaperLeg, placeless
from gateway.notifications import formats
from gateway.notifications.formats import Reader
from gateway.notifications.places import name_of, zone_of
from gateway.rules.states import BEFORE_DEPARTURE, instant_ms
from gateway.rules.travel import platform_of
from gateway.webhooks.pass_words import TEXTS

State = Mapping[str, Any]
Say = Callable[..., str]

AFTER_ARRIVAL_MS = 4 * 3600_000
_MOVED_MS = 60_000
_OFF = ("cancelled", "partly_cancelled", "diverted")


@dataclass(frozen=True, slots=True)
class Value:
    """was: what the document says, where it is not that any more; "" = unchanged. large: what one looks for at the gate."""

    label: str
    text: str
    was: str = ""
    large: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One leg, or all of a ticket or receipt. off: it does not go."""

    heading: str
    under: str
    values: tuple[Value, ...]
    off: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """news: what changed, the most important first; alarm: it does not go as the document says

    heading, spoken: as it is seen and as it is read out; lines: (what, price) of a receipt
    as_of: when gate and times were true, "" where they do not change
    labels: of each code for who cannot see it; abouts: whose or of which leg it is, "" where that need not be said
    """

    kind: str
    heading: str
    spoken: str
    news: tuple[str, ...]
    alarm: bool
    people: str
    parts: tuple[Part, ...]
    more: tuple[Value, ...]
    lines: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    hint: str
    as_of: str
    labels: tuple[str, ...]
    abouts: tuple[str, ...]


def say_in(language: str, **always: str) -> Say:
    texts = TEXTS[language]

    def say(name: str, **more: object) -> str:
        return texts[name].format(**always, **more)

    return say


def ends_ms(paper: Paper, states: Sequence[State]) -> int:
    """When it is used up by what is known now, 0 where that says nothing: some hours after the last arrival."""
    arrivals = [instant_ms(_best(state, "arrival")) for state in states[: len(paper.legs) or 1]]
    return max((at + AFTER_ARRIVAL_MS for at in arrivals if at is not None), default=0)


def view(paper: Paper, states: Sequence[State], reader: Reader) -> View:
    """states: per leg what is known of its flight or train, {} where nothing is. reader: its language must be one of TEXTS."""
    say = say_in(reader.language)
    travel = paper.kind in (PaperKind.BOARDING_PASS, PaperKind.RAIL_TICKET)
    kind = say(paper.kind.value)
    known = [*states, *({} for _ in paper.legs)][: len(paper.legs)]
    legs = list(zip(paper.legs, known, strict=True))
    off = sorted(legs, key=lambda one: one[1].get("status") not in _OFF)  # what does not go is said before what changes
    news = tuple(one for leg, state in off for one in _told(paper, leg, state, reader, say))
    first, last = (_place(paper.legs[0], "origin", reader), _place(paper.legs[-1], "destination", reader)) if legs else ("", "")
    heading = f"{first} → {last}" if legs and (first or last) else paper.title or kind
    live = any(known)
    labels = [say("code", kind=kind[:1].lower() + kind[1:] if reader.language != "de" else kind) for _ in paper.symbols]
    return View(
        kind=kind,
        heading=heading,
        spoken=f"{first} {say('to')} {last}" if " → " in heading else heading,
        news=news,
        alarm=any(state.get("status") in _OFF for state in known),
        people=", ".join(paper.travellers),
        parts=tuple(_leg(paper, leg, state, reader, say) for leg, state in legs) or (_whole(paper, reader, say),),
        more=_more(paper, say),
        lines=tuple(_line(paper, place, reader) for place in range(len(paper.lines))),
        notes=paper.notes,
        hint=say("local_rail" if paper.kind is PaperKind.RAIL_TICKET else "local") if travel else "",
        as_of=_as_of(reader.now_ms if live else paper.as_of_ms, reader, say) if travel else "",
        labels=tuple(f"{label}, {one.about}" if one.about else label for label, one in zip(labels, paper.symbols, strict=True)),
        abouts=tuple(one.about for one in paper.symbols),
    )


def _told(paper: Paper, leg: PaperLeg, state: State, reader: Reader, say: Say) -> list[str]:
    """The news of a leg; of several legs it says which."""
    said = _news(paper, leg, state, reader, say)
    if len(paper.legs) < 2 or not said:
        return said
    return [f"{_number(paper, leg)}: {said[0]}", *said[1:]]


def _number(paper: Paper, leg: PaperLeg) -> str:
    return f"{leg.carrier} {leg.number}".strip() if paper.kind is PaperKind.RAIL_TICKET else f"{leg.carrier}{leg.number}"


def _news(paper: Paper, leg: PaperLeg, state: State, reader: Reader, say: Say) -> list[str]:
    of = "train" if paper.kind is PaperKind.RAIL_TICKET else "flight"
    status = state.get("status")
    if status == "cancelled":
        return [say(f"cancelled_{of}"), say("cancelled_what")]
    said = []
    if status == "diverted":
        place = name_of(state.get("diverted_to"), reader.language, reader.places) or "?"
        said.append(say(f"diverted_{of}", place=place))
    if status == "partly_cancelled":
        said += [say("partly"), say("cancelled_what")]
    if status == "arrived":
        return [say(f"arrived_{of}")]
    if status in ("departed", "en_route"):
        return [say(f"departed_{of}")]
    new = _moved(leg.departs, _best(state, "departure"), leg.origin, reader)
    if new:
        said.append(say("moved", new=new))
    elif status == "delayed":
        said.append(say("delayed"))
    gate = _gate_now(paper, state)
    if gate and leg.gate and gate != leg.gate:
        said.append(say("platform_now" if of == "train" else "gate_now", new=gate))
    if status in ("boarding", "gate_closed"):
        said.append(say(status))
    return said


def _leg(paper: Paper, leg: PaperLeg, state: State, reader: Reader, say: Say) -> Part:
    rail = paper.kind is PaperKind.RAIL_TICKET
    leaves = _moved(leg.departs, _best(state, "departure"), leg.origin, reader)
    lands = _moved(leg.arrives, _best(state, "arrival"), leg.destination, reader)
    left = state.get("status") not in BEFORE_DEPARTURE
    values = [
        _changed(say("platform" if rail else "gate"), leg.gate, _gate_now(paper, state), large=True),
        _boards(leg, reader, say, again=bool(leaves) and not left),
        Value(say("coach"), leg.coach, large=True),
        Value(say("seat"), leg.seat, large=True),
        _changed(say("departs_train" if rail else "departs"), _time(leg.departs, leg.origin, reader), leaves, large=True),
        Value(say("group"), leg.group, large=True),
        _changed(say("terminal"), leg.terminal, str(state.get("terminal") or "")),
        _changed(say("arrives"), "" if leaves and not lands else _arrival(leg, reader), lands),
        Value(say("cabin"), leg.cabin),
        Value(say("sequence"), leg.sequence),
    ]  # fmt: skip
    several = len(paper.legs) > 1
    between = f"{_place(leg, 'origin', reader)} → {_place(leg, 'destination', reader)}" if several else ""
    under = " · ".join(part for part in (between, _date(leg.departs, leg.origin, reader)) if part)
    return Part(_number(paper, leg), under, _kept(values), state.get("status") == "cancelled")


def _boards(leg: PaperLeg, reader: Reader, say: Say, *, again: bool) -> Value:
    """again: it leaves at another time, so that boarding begins at one which nobody has said"""
    printed = _time(leg.boards, leg.origin, reader)
    return Value(say("boards"), say("screens") if again and printed else printed, printed if again else "", large=True)


def _arrival(leg: PaperLeg, reader: Reader) -> str:
    """With its weekday where that is another one than at the start."""
    time = _time(leg.arrives, leg.destination, reader)
    days = [formats.weekday(at, _clock(at, place, reader), {"code": place}) for at, place in
            ((leg.departs, leg.origin), (leg.arrives, leg.destination))]  # fmt: skip
    return f"{time} ({days[1]})" if time and None not in days and days[0] != days[1] else time


def _whole(paper: Paper, reader: Reader, say: Say) -> Part:
    """An event ticket or a receipt."""
    values = [
        Value(say("starts"), _time(paper.starts_at, "", reader), large=True),
        Value(say("doors"), _time(paper.doors_at, "", reader), large=True),
        Value(say("place"), paper.place, large=True),
        Value(say("venue"), paper.venue),
        Value(say("total"), formats.money({"amount": paper.total, "currency": paper.currency}, reader) or "", large=True),
    ]
    return Part("", _date(paper.starts_at, "", reader), _kept(values))


def _more(paper: Paper, say: Say) -> tuple[Value, ...]:
    number = "order" if paper.kind in (PaperKind.RECEIPT, PaperKind.EVENT_TICKET) else "reference"
    return _kept(
        [
            Value(say(number), paper.reference),
            Value(say("ticket"), paper.ticket_number),
            Value(say("baggage"), paper.baggage),
            Value(say("flyer"), paper.frequent_flyer),
        ]
    )


def _line(paper: Paper, place: int, reader: Reader) -> tuple[str, str]:
    line = paper.lines[place]
    price = formats.money({"amount": line.price, "currency": paper.currency}, reader) if line.price else ""
    return (f"{line.quantity} × {line.name}" if line.quantity != 1 else line.name), price or ""


def _as_of(at_ms: int, reader: Reader, say: Say) -> str:
    return say("as_of", time=formats.moment(at_ms, reader) or "") if at_ms else ""


def _changed(label: str, old: str, new: str, *, large: bool = False) -> Value:
    return Value(label, new, old, large) if new and old and new != old else Value(label, old or new, "", large)


def _kept(values: Sequence[Value]) -> tuple[Value, ...]:
    return tuple(one for one in values if one.text)


def _gate_now(paper: Paper, state: State) -> str:
    if state.get("status") not in BEFORE_DEPARTURE:
        return ""
    return str((platform_of(state) if paper.kind is PaperKind.RAIL_TICKET else state.get("gate")) or "")


def _best(state: State, end: str) -> str:
    """When it leaves or arrives, as far as is known; not where it does not go."""
    times = state.get(end) or {}
    if state.get("status") == "cancelled" or not isinstance(times, Mapping):
        return ""
    return str(times.get("actual") or times.get("estimated") or times.get("scheduled") or "")


def _moved(old: str, new: str, place: str, reader: Reader) -> str:
    """The new time where it is another one, with its day where that is another one too; else ""."""
    was, now = instant_ms(old), instant_ms(new)
    if now is None or (was is not None and abs(now - was) < _MOVED_MS):
        return ""
    new = _as_printed(new, old, place, reader)
    time = _time(new, place, reader)
    day, other = (formats.local(one, _clock(one, place, reader), {"code": place}) for one in (old, new))
    return time if day is None or other is None or day.date() == other.date() else f"{time}, {_date(new, place, reader)}"


def _time(value: str, place: str, reader: Reader) -> str:
    time = formats.time(value, _clock(value, place, reader), {"code": place}) or ""
    return f"{time} UTC" if time and _nowhere(value, place, reader) else time


def _date(value: str, place: str, reader: Reader) -> str:
    return formats.date(value, _clock(value, place, reader), {"code": place}) or ""


def _nowhere(value: str, place: str, reader: Reader) -> bool:
    """Bare UTC at a place whose clock nobody knows: shown as UTC, as on the picture, and not on the brand's clock."""
    return bool(place) and placeless(value) and zone_of(place, reader.places) is None


def _clock(value: str, place: str, reader: Reader) -> Reader:
    return replace(reader, zone="UTC") if _nowhere(value, place, reader) else reader


def _as_printed(new: str, old: str, place: str, reader: Reader) -> str:
    """News in bare UTC with the offset that was printed, where the place's clock is not known."""
    if instant_ms(old) is None or placeless(old) or not _nowhere(new, place, reader):
        return new
    return datetime.fromisoformat(new).astimezone(datetime.fromisoformat(old).tzinfo).isoformat()


def _place(leg: PaperLeg, end: str, reader: Reader) -> str:
    code, name = getattr(leg, end), getattr(leg, f"{end}_name")
    return name_of({"code": code, "name": name}, reader.language, reader.places) or ""
