"""CloudEvents 1.0 over HTTP: structured, binary and batch, into our events. Pure: bytes and headers in, values out.

Specification: CNCF CloudEvents 1.0.2, HTTP protocol binding and JSON event format. Any reverse-DNS prefix is taken; the
last parts of the type, such as flight.status.v1, decide. Refused with a field and what it should be: a missing
attribute, duplicate JSON keys, NaN, half characters, more than 64 levels, over 256 KiB an event, over 500 events a
batch, a time more than 5 minutes ahead.
"""

from __future__ import annotations

import base64
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from gateway.errors import Problem
from gateway.intake import schemas
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import EventId, SubjectId
from gateway.rules.changes import item_of

MAX_EVENT_BYTES = 256 * 1024
MAX_BATCH = 500
MAX_DEPTH = 64
FUTURE_MS = 5 * 60 * 1000
MAX_VERSION = 2**53 - 1

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_ATTRIBUTES = frozenset(f"ce-{name}" for name in ("id", "source", "type", "subject", "time", "specversion", "sequence"))

FAMILIES: Mapping[EventType, str] = {
    EventType.ORDER_STATUS: "order",
    EventType.ORDER_DOCUMENT: "order",
    EventType.FLIGHT_STATUS: "flight",
    EventType.FLIGHT_BOARDINGPASS: "flight",
    EventType.TRIP_STATUS: "trip",
    EventType.OUTAGE_STATUS: "outage",
    EventType.APPOINTMENT_STATUS: "appointment",
}
"""What kind of subject an event is about: a document belongs to its order or flight."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event was not taken: 400 malformed, 413 too large, 422 fields, 403 not this key's, 409 other content."""

    status: int
    problems: tuple[Problem, ...]


class Malformed(Exception):
    """The request as a whole cannot be read."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(status, (Problem(field, message),))


Identify = tuple[Callable[[str, str], EventId], Callable[[str, str], SubjectId]]
"""(source, id) -> event id; (family, entity) -> subject id: the vault's keyed hashes"""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed(400, "body", "a name stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise Malformed(400, "body", f"{name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(400, "body", "a number is too large")
    return value


def _depth(value: Any, level: int = 0) -> int:
    if level > MAX_DEPTH:
        return level
    if isinstance(value, dict):
        return max((_depth(one, level + 1) for one in value.values()), default=level)
    if isinstance(value, list):
        return max((_depth(one, level + 1) for one in value), default=level)
    return level


def load_json(raw: bytes) -> Any:
    """Strict JSON, in which every text can be written as UTF-8. Raises Malformed."""
    try:
        value = json.loads(raw, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite)
        if _HALF.search(raw):  # an escaped half of a surrogate pair is a text that nothing can store
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise Malformed(400, "body", f"is nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeEncodeError:
        raise Malformed(400, "body", "holds half of a character (a lone surrogate)") from None
    except UnicodeDecodeError:
        raise Malformed(400, "body", "should be UTF-8") from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Malformed(400, "body", f"should be JSON{where}") from None
    if _depth(value) > MAX_DEPTH:
        raise Malformed(400, "body", f"is nested deeper than {MAX_DEPTH} levels")
    return value


def split_request(content_type: str, headers: Mapping[str, str], raw: bytes) -> tuple[list[Any], bool]:
    """The events of one request as attribute dicts with `data`, and whether it was a batch. Raises Malformed."""
    media = content_type.partition(";")[0].strip().lower()
    if media == "application/cloudevents-batch+json":
        batch = load_json(raw)
        if not isinstance(batch, list):
            raise Malformed(400, "body", "a batch should be a JSON array of events")
        if len(batch) > MAX_BATCH:
            raise Malformed(413, "body", f"a batch holds at most {MAX_BATCH} events")
        return batch, True
    if media == "application/cloudevents+json":
        return [load_json(raw)], False
    lower = {name.lower(): value for name, value in headers.items()}
    if "ce-specversion" in lower and (not media or _is_json(media)):
        event: dict[str, Any] = {name[3:]: _header(name, value) for name, value in lower.items() if name[:3] == "ce-"}
        for name in ("data", "data_base64", "datacontenttype"):  # not attributes of this mode
            event.pop(name, None)
        if raw:
            event["data"] = load_json(raw)
        return [event], False
    raise Malformed(
        415,
        "content-type",
        "should be application/cloudevents+json or -batch+json, or application/json with ce- headers",
    )


def _is_json(media: str) -> bool:
    media = media.partition(";")[0].strip().lower()
    return media in ("application/json", "text/json") or media.endswith("+json")


def _header(name: str, value: str) -> str:
    """A ce- header's value: percent-encoded UTF-8, in double quotes or without (HTTP binding 1.0.2, 3.1.3.2)."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        value = unquote(value, encoding="utf-8", errors="strict")
        value.encode()
    except ValueError:
        shown = name if name in _ATTRIBUTES else "ce-*"
        raise Malformed(400, shown, "should be percent-encoded UTF-8") from None
    return value


def type_of(text: str) -> EventType | None:
    """org.example.flight.status.v1 -> flight.status; None for a type we do not take."""
    parts = text.split(".")
    if len(parts) >= 3 and parts[-1][:1] == "v" and parts[-1][1:].isdigit():
        parts = parts[:-1]
    try:
        return EventType(".".join(parts[-2:]))
    except ValueError:
        return None


def _time_ms(text: Any) -> int | None:
    try:
        parsed = datetime.fromisoformat(text)
        return round(parsed.timestamp() * 1000) if parsed.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _version(value: Mapping[str, Any], data: Mapping[str, Any]) -> int | None:
    """The source's own number. A sequence above 2^53 is none: the store could not tell two apart."""
    sequence = value.get("sequence")
    if isinstance(sequence, int) and not isinstance(sequence, bool) and sequence >= 0:
        sequence = str(sequence)
    if isinstance(sequence, str) and sequence.isascii() and sequence.isdigit() and int(sequence[:40]) <= MAX_VERSION:
        return int(sequence)
    version = data.get("version")
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def _readable(text: str) -> bool:
    """No control characters: CloudEvents bars them from attributes, and they part what is hashed together."""
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in text)


def _data_of(value: Mapping[str, Any], problems: list[Problem]) -> Any:
    media = value.get("datacontenttype")
    if media is not None and not (isinstance(media, str) and _is_json(media)):
        problems.append(Problem("datacontenttype", "should be application/json"))
    if value.get("data_base64") is None:
        return value.get("data")
    if value.get("data") is not None:
        problems.append(Problem("data_base64", "should not stand beside data"))
        return None
    try:
        return load_json(base64.b64decode(value["data_base64"], validate=True))
    except (TypeError, ValueError, Malformed):
        problems.append(Problem("data_base64", "should be base64 of JSON"))
        return None


def parse(value: Any, *, ids: Identify, now_ms: int, key: str = "") -> BusinessEvent | Refusal:
    """One event into ours, or every problem with it. key: the name of the API key it came with."""
    if not isinstance(value, dict):
        return Refusal(400, (Problem("event", "should be a JSON object"),))
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_EVENT_BYTES:
        return Refusal(413, (Problem("event", f"should be at most {MAX_EVENT_BYTES // 1024} KiB"),))
    problems: list[Problem] = []

    def text(name: str, longest: int) -> str:
        found = value.get(name)
        if not isinstance(found, str) or not found.strip() or len(found) > longest or not _readable(found):
            problems.append(Problem(name, f"should be a text of 1 to {longest} characters, on one line"))
            return ""
        return found

    if value.get("specversion") != "1.0":
        problems.append(Problem("specversion", 'should be "1.0"'))
    external_id, source = text("id", 200), text("source", 300)
    type_text, subject = text("type", 200), text("subject", 200)
    event_type = type_of(type_text) if type_text else None
    if type_text and event_type is None:
        known = ", ".join(f"{one.value}.v1" for one in EventType)
        problems.append(Problem("type", f"should end in one of {known}"))
    occurred = now_ms
    if value.get("time") is not None:
        parsed = _time_ms(value["time"])
        if parsed is None or parsed < 0:
            problems.append(Problem("time", "should be RFC 3339 with an offset, such as 2026-11-22T08:31:02Z"))
        elif parsed > now_ms + FUTURE_MS:
            problems.append(Problem("time", "lies more than 5 minutes ahead of this server's clock"))
        else:
            occurred = parsed
    data = _data_of(value, problems)
    if event_type is not None and not any(one.field == "data_base64" for one in problems):
        problems += schemas.check(event_type, data)[1]
    if problems:
        return Refusal(422, tuple(problems))
    assert event_type is not None
    assert isinstance(data, dict)
    family = FAMILIES[event_type]
    entity = data["orderNumber"] if family == "order" else subject
    trace = value.get("traceparent")
    return BusinessEvent(
        id=ids[0](source, external_id),
        source=source,
        external_id=external_id,
        type=event_type,
        subject=entity,
        subject_id=ids[1](family, entity),
        item=item_of(event_type, data),
        version=_version(value, data),
        occurred_at_ms=occurred,
        received_at_ms=now_ms,
        data=data,
        traceparent=trace if isinstance(trace, str) and _TRACEPARENT.fullmatch(trace) else None,
        key=key,
    )
