"""Recorded events moved to another day: what belonged together still does, and nothing happens tomorrow."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from gateway.intake.asof import earliest, moment_of, shift
from gateway.intake.cloudevents import parse
from gateway.intake.files import read_events
from gateway.model.event import BusinessEvent
from gateway.model.ids import EventId, SubjectId

SAMPLES = Path(__file__).parents[1] / "samples" / "events"
FILES = sorted(SAMPLES.glob("ce-*"))
STORY = [json.loads((SAMPLES / f"ce-{name}.json").read_text()) for name in ("order-confirmed-flight", "flight-delayed")]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def parsed(event: Any, now: datetime) -> BusinessEvent:
    ids = (lambda source, name: EventId(name), lambda family, entity: SubjectId(f"{family}|{entity}"))
    found = parse(event, ids=ids, now_ms=round(now.timestamp() * 1000))
    assert isinstance(found, BusinessEvent), found
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_sample_can_be_sent_on_any_day(path: Path, now: datetime) -> None:
    events = read_events(path)
    for moved, before in zip(shift(events, now), events, strict=True):
        event = parsed(moved, now)
        assert event.occurred_at_ms <= round(now.timestamp() * 1000)
        assert (event.external_id != before["id"], event.source) == (True, before["source"])


@given(st.integers(-2000, 2000), st.integers(0, 86399))
def test_a_flight_and_its_order_stay_one_story(days: int, seconds: int) -> None:
    now = at("2026-11-22T08:31:02+00:00") + timedelta(days=days, seconds=seconds)
    order, delay = shift(STORY, now)
    flight = order["data"]["itinerary"][0]
    assert flight["entity"] == delay["subject"]
    assert flight["times"]["departure"]["scheduled"] == delay["data"]["times"]["departure"]["scheduled"]
    assert delay["subject"] == f"ZZ1007/{delay['data']['leg']['originDate']}/AMS"


def test_times_keep_their_offset_and_what_lies_between_them() -> None:
    (moved,) = shift([STORY[1]], at("2027-03-01T12:00:00+00:00"))
    times = moved["data"]["times"]["departure"]
    assert moved["time"] == "2027-03-01T12:00:00Z"
    assert times == {"scheduled": "2027-03-01T14:23:58+01:00", "estimated": "2027-03-01T15:08:58+01:00"}
    assert (moved["subject"], moved["partitionkey"]) == ("ZZ1007/2027-03-01/AMS", "ZZ1007-20270301-AMS")
    assert moved["data"]["gate"] == STORY[1]["data"]["gate"]


def test_what_happened_after_the_earliest_event_is_told_at_once() -> None:
    now = at("2027-03-01T12:00:00+00:00")
    order, delay = shift(STORY, now)
    assert (at(order["time"]), at(delay["time"])) == (now, now)
    assert at(delay["data"]["times"]["departure"]["scheduled"]) - now > timedelta(days=19)


def test_another_anchor_says_which_moment_is_now() -> None:
    now = at("2027-03-01T12:00:00+00:00")
    order, delay = shift(STORY, now, anchor=at(STORY[1]["time"]))
    assert at(delay["time"]) == now
    assert at(order["time"]) == now - (at(STORY[1]["time"]) - at(STORY[0]["time"]))


def test_ids_may_stay_and_fractions_of_a_second_do() -> None:
    batch = read_events(SAMPLES / "ce-batch.json")
    moved = shift(batch, at("2027-03-01T12:00:00.25+00:00"), keep_ids=True)
    assert [one["id"] for one in moved] == [one["id"] for one in batch]
    assert moved[0]["time"] == "2027-03-01T12:00:00.250Z"
    assert batch == read_events(SAMPLES / "ce-batch.json")


def test_a_boarding_pass_names_its_new_day() -> None:
    (moved,) = shift(read_events(SAMPLES / "ce-flight-boarding-pass.json"), at("2027-01-14T17:05:44+00:00"))
    assert moved["data"]["leg"]["originDate"] == "2027-01-15"
    assert moved["data"]["bcbp"][:48] == "M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 015Y"


def test_numbers_that_look_like_dates_stay() -> None:
    event = {
        "time": "2026-11-22T08:00:00Z",
        "subject": "OUT-2026-004417",
        "data": {"a": "2026-99-99", "b": "1-2026-11-22-3"},
    }
    (moved,) = shift([event], at("2027-11-22T08:00:00+00:00"), keep_ids=True)
    assert (moved["subject"], moved["data"]) == (event["subject"], event["data"])


def test_files_without_a_time_and_times_without_an_offset_are_refused() -> None:
    with pytest.raises(BadInput, match="no event of these files has one"):
        earliest([{"id": "1"}, 7])
    with pytest.raises(BadInput, match="a time with its offset"):
        moment_of("2026-11-22T08:00:00")
    assert moment_of("now").tzinfo is UTC


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "should be JSON, or an HTTP request"),
        (b"{", "should be JSON"),
        (b'{"id": 1, "id": 2}', "stands twice"),
        (b"POST / HTTP/1.1\ncontent-type: text/plain\n\nhello", "content-type"),
    ],
)
def test_a_file_that_holds_no_events_is_named(tmp_path: Path, raw: bytes, words: str) -> None:
    path = tmp_path / "events.json"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match=words) as error:
        read_events(path)
    assert str(path) in str(error.value)


def test_events_come_one_a_line_too(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\ufeff" + "\n\n".join(json.dumps(one) for one in STORY))
    assert read_events(path) == STORY
