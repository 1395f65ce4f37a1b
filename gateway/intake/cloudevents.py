"""CloudEvents 1.0 over HTTP: structured, binary and batch, into our events. Pure: bytes and headers in, values out.

Specification: CNCF CloudEvents 1.0.2, HTTP protocol binding and JSON event format. Any reverse-DNS prefix is taken; the
last parts of the type, such as flight.status.v1, decide. Refused with a field and what it should be: a missing attribute,
duplicate JSON keys, NaN, more than 64 levels, over 256 KiB an event, over 500 events a batch, a time more than 5 minutes ahead.
"""

from __future__ import annotations

import base64
import json
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

FAMILIES: Mapping[EventType, str] = {
    EventType.ORDER_STATUS: "order",
    EventType.ORDER_DOCUMENT: "order",
    EventType.FLIGHT_STATUS: "flight",
    EventType.FLIGHT_BOARDINGPASS: "flight",
    EventType.TRIP_STATUS: "trip",
    EventType.OUTAGE_STATUS: "outage",
}
"""What kind of subject an event is about: a document belongs to its order or flight."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one event was not taken. status: 400 malformed, 413 too large, 422 fields, 403 not this key's, 409 other content."""

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
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Malformed(400, name[:60], "stands twice in one object")
        found[name] = value
    return found


def _no_constant(name: str) -> Any:
    raise Malformed(400, "body", f"{name} is no JSON number")


def _depth(value: Any, level: int = 0) -> int:
    if level > MAX_DEPTH:
        return level
    if isinstance(value, dict):
        return max((_depth(one, level + 1) for one in value.values()), default=level)
    if isinstance(value, list):
        return max((_depth(one, level + 1) for one in value), default=level)
    return level


def load_json(raw: bytes) -> Any:
    """Strict JSON. Raises Malformed."""
    try:
        value = json.loads(raw, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except RecursionError:
        raise Malformed(400, "body", f"is nested deeper than {MAX_DEPTH} levels") from None
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
    lower = {name.lower(): value for name, value in headers.items()}
    if media == "application/cloudevents+json":
        return [load_json(raw)], False
    if "ce-specversion" in lower:
        event: dict[str, Any] = {
            name[3:]: unquote(value, encoding="utf-8", errors="strict") for name, value in lower.items() if name[:3] == "ce-"
        }
        event["datacontenttype"] = media or "application/json"
        event["data"] = load_json(raw) if raw else None
        return [event], False
    raise Malformed(
        415,
        "content-type",
        "should be application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce- headers",
    )


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
    except (TypeError, ValueError):
        return None
    return round(parsed.timestamp() * 1000) if parsed.tzinfo else None


def _version(value: Mapping[str, Any], data: Mapping[str, Any]) -> int | None:
    sequence = value.get("sequence")
    if isinstance(sequence, str) and sequence.isascii() and sequence.isdigit() and len(sequence) <= 18:
        return int(sequence)
    version = data.get("version")
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def parse(value: Any, *, ids: Identify, now_ms: int, key: str = "") -> BusinessEvent | Refusal:
    """One event's attributes and data into ours, or every problem with it."""
    if not isinstance(value, dict):
        return Refusal(400, (Problem("event", "should be a JSON object"),))
    problems: list[Problem] = []

    def text(name: str, longest: int, *, required: bool = True) -> str:
        found = value.get(name)
        if found is None and not required:
            return ""
        if not isinstance(found, str) or not found.strip() or len(found) > longest:
            problems.append(Problem(name, f"should be a text of 1 to {longest} characters"))
            return ""
        return found

    if value.get("specversion") != "1.0":
        problems.append(Problem("specversion", 'should be "1.0"'))
    external_id, source = text("id", 200), text("source", 300)
    type_text, subject = text("type", 200), text("subject", 200)
    event_type = type_of(type_text) if type_text else None
    if type_text and event_type is None:
        known = ", ".join(f"….{one.value}.v1" for one in EventType)
        problems.append(Problem("type", f"should end in one of {known}"))
    occurred = now_ms
    if value.get("time") is not None:
        parsed = _time_ms(value["time"])
        if parsed is None:
            problems.append(Problem("time", "should be RFC 3339 with an offset, such as 2026-11-22T08:31:02Z"))
        elif parsed > now_ms + FUTURE_MS:
            problems.append(Problem("time", "lies more than 5 minutes ahead of this server's clock"))
        else:
            occurred = parsed
    data = value.get("data")
    if data is None and isinstance(value.get("data_base64"), str):
        try:
            data = load_json(base64.b64decode(value["data_base64"], validate=True))
        except (ValueError, Malformed):
            problems.append(Problem("data_base64", "should be base64 of JSON"))
    if event_type is not None:
        _, wrong = schemas.check(event_type, data)
        problems += wrong
    if problems:
        return Refusal(422, tuple(problems))
    assert event_type is not None
    assert isinstance(data, dict)
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > MAX_EVENT_BYTES:
        return Refusal(413, (Problem("event", f"is larger than {MAX_EVENT_BYTES // 1024} KiB"),))
    entity = data["orderNumber"] if FAMILIES[event_type] == "order" else subject
    event_id, subject_id = ids[0](source, external_id), ids[1](FAMILIES[event_type], entity)
    trace = value.get("traceparent")
    return BusinessEvent(
        id=event_id,
        source=source,
        external_id=external_id,
        type=event_type,
        subject=entity,
        subject_id=subject_id,
        item=item_of(event_type, data),
        version=_version(value, data),
        occurred_at_ms=occurred,
        received_at_ms=now_ms,
        data=data,
        traceparent=trace if isinstance(trace, str) and len(trace) <= 55 else None,
        key=key,
    )
