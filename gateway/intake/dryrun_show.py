"""A dry run as JSON and as lines for people: numbers, and up to five examples, masked unless whoever asks may see persons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.api.views import DOTS, iso, shown
from gateway.insight.kinds import sentence_of
from gateway.intake.dryrun import EXAMPLES, FREE_TEXT, DryRun, Line
from gateway.prices.amount import exact

_TOLD = {
    "exists": "they were told this before",
    "replaced": "newer news about the same thing is known",
    "ended": "what happened since made it pointless",
}


def as_json(found: DryRun, *, answer: str = "new", reveal: bool = False) -> dict[str, Any]:
    """answer: what keeping the event would answer (new, same, other)."""
    going = [one for one in found.lines if one.goes and one.form]
    return {
        "event": found.event.id,
        "subject": found.event.subject_id,
        "answer": "older" if found.older and answer == "new" else answer,
        "people": found.people,
        "looked_at": found.looked_at,
        "messages": _counted(going, "notification", "channel", "language", "form"),
        "later": _reasons([one for one in going if one.answer == "later"]),
        "last_due_at": iso(max((one.due_ms for one in going), default=0)),
        "not_sent": _reasons([one for one in found.lines if not (one.goes and one.form)]),
        "takes_out": found.takes_out,
        "moments": [
            {"subject": one.subject, "moment": one.name, "at": iso(one.due_ms), "was": iso(one.was_ms)}
            for one in found.moments
        ],
        "price": _prices(going),
        "seconds": None if found.seconds is None else round(found.seconds, 1),
        "examples": [_example(one, reveal=reveal) for one in _examples(going)],
        "masked": not reveal,
    }


def _counted(lines: Sequence[Line], *names: str) -> list[dict[str, Any]]:
    counts = Counter(tuple(getattr(one, name) for name in names) for one in lines)
    return [{**dict(zip(names, values, strict=True)), "count": count} for values, count in sorted(counts.items())]


def _reasons(lines: Sequence[Line]) -> list[dict[str, Any]]:
    counts = Counter((one.notification, one.channel, one.answer if one.answer in _TOLD else one.reason) for one in lines)
    return [
        {
            "notification": notification,
            "channel": channel or None,
            "reason": reason,
            "sentence": _TOLD.get(reason) or sentence_of(reason),
            "count": count,
        }
        for (notification, channel, reason), count in sorted(counts.items())
    ]


def _prices(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Per currency what the price lists expect; unknown: messages that they say nothing of."""
    found = []
    for currency in sorted({one.currency for one in lines}):
        mine = [one.price for one in lines if one.currency == currency]
        amount = exact(sum(price for price in mine if price is not None))
        found.append({"currency": currency or None, "amount": amount, "unknown": sum(1 for price in mine if price is None)})
    return found


def _examples(lines: Sequence[Line]) -> list[Line]:
    """As different as they come: one of each notification, form and language first."""
    first: dict[tuple[str, str, str, str], Line] = {}
    for one in lines:
        first.setdefault((one.notification, one.form, one.language, one.channel), one)
    chosen = list(first.values())
    seen = {id(one) for one in chosen}
    return [*chosen, *(one for one in lines if id(one) not in seen)][:EXAMPLES]


def _example(line: Line, *, reveal: bool) -> dict[str, Any]:
    known = line.address.identifiers if line.address is not None else ()
    return {
        "notification": line.notification,
        "channel": line.channel,
        "language": line.language,
        "as": "free text" if line.form == FREE_TEXT else f"template {line.form}",
        "to": [{"kind": one.kind, "value": shown(one.value, reveal)} for one in known],
        "text": text_of(line.body, reveal=reveal),
        "buttons": [str(one.get("label", "")) for one in line.body.get("buttons") or []],
    }


def text_of(body: Mapping[str, Any], *, reveal: bool) -> str:
    """The words of a message. What names a person is masked value by value; words that name nobody are shown as they are."""
    text = "\n\n".join(str(body[part]) for part in ("header", "text", "footer") if body.get(part))
    if reveal or not body.get("personal"):
        return text
    forms = body.get("forms") or []
    if not forms:  # nothing tells the person's part from the rest
        return DOTS
    values = {str(value) for part in ("header", "body") for value in forms[0].get(part, {}).values()}
    for value in sorted(values, key=len, reverse=True):
        if value:
            text = text.replace(value, DOTS)
    return text


def as_lines(told: Mapping[str, Any]) -> list[str]:
    """What `as_json` says, for a terminal."""
    if told["answer"] in ("same", "other"):
        known = "was kept before: sent again, it tells nobody" if told["answer"] == "same" else "was kept with other content"
        return [f"An event with this source and id {known}."]
    if told["answer"] == "older":
        return ["Older than what is known: it would tell nobody."]
    lines = [f"{told['people']:,} people would be written to, of {told['looked_at']:,} whom it is about."]
    for one in told["messages"]:
        form = "free text" if one["form"] == FREE_TEXT else one["form"]
        lines.append(f"  {one['count']:>7,}  {one['notification']}  {one['channel']}  {one['language']}  {form}")
    for one in told["later"]:
        lines.append(f"  {one['count']:>7,}  of these later: {one['sentence']}")
    if told["not_sent"]:
        lines.append("Not sent:")
        for one in told["not_sent"]:
            lines.append(f"  {one['count']:>7,}  {one['notification']}  {one['channel'] or '-'}  {one['sentence']}")
    if told["takes_out"]:
        lines.append(f"{told['takes_out']:,} that still wait would be taken out.")
    for one in told["moments"]:
        lines.append(f"{one['moment'].replace('_', ' ')}: {_set(one['at'], one['was'])}")
    for price in told["price"]:
        unknown = f"; of {price['unknown']:,} the price is not known" if price["unknown"] else ""
        lines.append(f"Expected price: {price['currency'] or '(no price list)'} {price['amount']}{unknown}.")
    seconds = told["seconds"]
    if told["people"]:
        lines.append("A sender is paused: nothing leaves." if seconds is None else f"At the present pace: {_span(seconds)}.")
    if fuse := told.get("fuse"):
        lines.append(f"The fuse would hold it: {fuse}.")
    for place, one in enumerate(told["examples"], 1):
        lines += ["", f"Example {place}: {one['channel']}, {one['language']}, {one['as']}", *_indented(one["text"])]
        lines += [f"    [ {label} ]" for label in one["buttons"]]
    return lines


def _set(at: str | None, was: str | None) -> str:
    """What becomes of a moment."""
    if at is None:
        return f"was set for {was}, and would not come any more"
    return f"would be set for {at}" + (f", and not for {was}" if was else "")


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
