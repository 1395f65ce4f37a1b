"""CloudEvents into our events: the three forms, what is refused, and that nothing at all makes the parser fall over."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.intake.cloudevents import MAX_EVENT_BYTES, Malformed, Refusal, load_json, parse, split_request, type_of
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import EventId, SubjectId

SAMPLES = Path(__file__).parents[1] / "samples" / "events"
NOW_MS = 1795348800000  # 2026-11-22T12:00:00Z
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
EVENTS = [
    json.loads(path.read_text()) for path in sorted(SAMPLES.glob("ce-*.json")) if path.stem not in ("ce-batch",) and
    "kafka" not in path.stem
]  # fmt: skip
IDS = (lambda source, name: EventId(f"{source}|{name}"), lambda family, entity: SubjectId(f"{family}|{entity}"))


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def taken(value: Any) -> BusinessEvent:
    event = parse(value, ids=IDS, now_ms=NOW_MS)
    assert isinstance(event, BusinessEvent), event
    return event


def refused(value: Any) -> tuple[int, list[str]]:
    refusal = parse(value, ids=IDS, now_ms=NOW_MS)
    assert isinstance(refusal, Refusal)
    return refusal.status, [one.field for one in refusal.problems]


# what an event becomes


def test_a_flight_is_its_subject_and_an_order_its_number() -> None:
    flight, document = taken(sample("ce-flight-delayed")), taken(sample("ce-order-document-ready"))
    assert (flight.type, flight.subject_id) == (EventType.FLIGHT_STATUS, "flight|ZZ1007/2026-11-22/AMS")
    assert (document.subject, document.subject_id, document.item) == ("T-88120", "order|T-88120", "T-88120-2")


@pytest.mark.parametrize(
    ("sequence", "version", "known"),
    [
        ("0000000012", 3, 12),
        (12, 3, 12),
        ("12b", 3, 3),
        ("", 3, 3),
        (None, None, None),
        (True, None, None),
        ("9" * 30, 3, 3),
    ],
)
def test_a_sequence_of_digits_goes_before_a_version_in_the_data(sequence: Any, version: Any, known: int | None) -> None:
    event = sample("ce-flight-delayed")
    event["sequence"] = sequence
    event["data"]["version"] = version
    assert taken(event).version == known


def test_an_event_without_a_time_happened_when_it_came() -> None:
    event = sample("ce-flight-delayed")
    del event["time"]
    assert taken(event).occurred_at_ms == NOW_MS


def test_data_in_base64_is_the_same_data() -> None:
    event = sample("ce-flight-delayed")
    packed = {**event, "data_base64": base64.b64encode(json.dumps(event["data"]).encode()).decode()}
    del packed["data"]
    assert taken(packed).data == taken(event).data
    assert refused({**packed, "data": {}}) == (422, ["data_base64"])
    assert refused({**packed, "data_base64": "e30"}) == (422, ["data_base64"])


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("org.example.flight.status.v1", EventType.FLIGHT_STATUS),
        ("nl.rail.trip.status", EventType.TRIP_STATUS),
        ("order.status.v12", EventType.ORDER_STATUS),
        ("flight.status.v1.final", None),
        ("status", None),
        ("", None),
    ],
)
def test_the_last_parts_of_a_type_decide(text: str, known: EventType | None) -> None:
    assert type_of(text) is known


def test_a_trace_is_kept_only_in_its_own_form() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert taken(sample("ce-flight-delayed") | {"traceparent": trace}).traceparent == trace
    assert taken(sample("ce-flight-delayed") | {"traceparent": "+447700900123"}).traceparent is None


# what is refused


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "1"}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": "a\x1fb"}, "id"),
        ({"source": "x" * 301}, "source"),
        ({"subject": " "}, "subject"),
        ({"type": "org.example.weather.v1"}, "type"),
        ({"time": "2026-11-22T08:31:02"}, "time"),
        ({"time": "2026-11-22T12:05:01Z"}, "time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time"),
        ({"time": 7}, "time"),
        ({"datacontenttype": "application/xml"}, "datacontenttype"),
        ({"data": None}, "data"),
        ({"data": "late"}, "data"),
    ],
)
def test_an_attribute_that_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    assert refused(sample("ce-flight-delayed") | change) == (422, [field])


def test_every_problem_is_told_at_once() -> None:
    assert refused({"type": "flight.status"})[1] == ["specversion", "id", "source", "subject", "data"]


def test_an_event_that_is_too_large_is_told_nothing_else() -> None:
    assert refused({"data": "x" * MAX_EVENT_BYTES}) == (413, ["event"])


def test_something_else_than_an_object_is_no_event() -> None:
    assert [refused(value)[0] for value in (7, None, [], "x", True)] == [400] * 5


# the forms


def test_headers_of_the_binary_form_are_decoded() -> None:
    event = sample("ce-flight-delayed")
    headers = {
        "CE-SpecVersion": "1.0",
        "ce-id": event["id"],
        "ce-source": quote("/ops/flüge"),
        "ce-type": f'"{event["type"]}"',
        "Ce-Subject": event["subject"],
        "ce-time": event["time"],
        "ce-data": "smuggled",
        "X-Other": "1",
    }
    raw = json.dumps(event["data"]).encode()
    (value,), batch = split_request("application/json; charset=utf-8", headers, raw)
    assert not batch
    assert (value["source"], value["type"], value["data"]) == ("/ops/flüge", event["type"], event["data"])
    assert taken(value).data == event["data"]


@pytest.mark.parametrize("value", ["%ff", "\udcff"])
def test_a_header_that_is_no_text_is_refused(value: str) -> None:
    with pytest.raises(Malformed) as error:
        split_request("application/json", {"ce-specversion": "1.0", "ce-id": value}, b"{}")
    assert (error.value.refusal.status, error.value.refusal.problems[0].field) == (400, "ce-id")


def test_data_of_the_binary_form_that_is_no_json_is_no_media_type_of_ours() -> None:
    with pytest.raises(Malformed) as error:
        split_request("text/xml", {"ce-specversion": "1.0"}, b"<x/>")
    assert error.value.refusal.status == 415


# nothing makes it fall over

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40)
    | st.sampled_from(["2026-11-22T10:55:00+01:00", "9999-12-31T23:59:59Z", "+447700900123", "whatsapp", "flight"])
)  # fmt: skip
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=25,
)


@st.composite
def bent(draw: st.DrawFn) -> dict[str, Any]:
    """A sample event in which up to three things, anywhere, are replaced, taken out or added."""
    event: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(EVENTS))))
    for _ in range(draw(st.integers(1, 3))):
        node: Any = event
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and draw(st.booleans()):
                node = node[key]
                continue
            if isinstance(node, dict) and draw(st.integers(0, 3)) == 0:
                del node[key]
            else:
                node[key] = draw(ANY_JSON)
            break
    return event


@settings(max_examples=400, deadline=None)
@given(bent())
def test_a_bent_event_is_taken_whole_or_refused_by_field(event: dict[str, Any]) -> None:
    found = parse(event, ids=IDS, now_ms=NOW_MS)
    if isinstance(found, BusinessEvent):
        json.dumps(found.data, ensure_ascii=False).encode()
        assert found.data == event["data"]
        assert found.occurred_at_ms <= NOW_MS + 300_000
    else:
        assert found.problems
        assert found.status in (400, 413, 422)


@settings(max_examples=300, deadline=None)
@given(ANY_JSON)
def test_any_json_is_no_event_and_no_crash(value: Any) -> None:
    loaded = load_json(json.dumps(value).encode())
    assert isinstance(parse(loaded, ids=IDS, now_ms=NOW_MS), Refusal)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([STRUCTURED, BATCH, "application/json", "", "text/plain; x=y"]),
    st.dictionaries(st.sampled_from(["ce-id", "ce-type", "ce-specversion", "ce-x", "CE-DATA"]), st.text(max_size=20)),
    st.binary(max_size=60) | ANY_JSON.map(lambda value: json.dumps(value).encode()),
)
def test_any_request_is_split_or_refused_with_a_4xx(media: str, headers: dict[str, str], raw: bytes) -> None:
    try:
        values, _ = split_request(media, headers, raw)
    except Malformed as error:
        values, status = [], error.refusal.status
    else:
        status = 400
    assert 400 <= status < 500
    for value in values:
        parse(value, ids=IDS, now_ms=NOW_MS)
