"""An entry of a stream as one event: which of the two forms it has, and what is none."""

from __future__ import annotations

import pytest

from gateway.cli.checks.sources import judge_depth
from gateway.errors import Problem
from gateway.intake.cloudevents import Refusal
from gateway.intake.sources.pump import REASON_MAX, reason_of
from gateway.intake.sources.redis_stream import NO_EVENT, entry_of, reader_name
from gateway.store.sourcestream import StreamDepth, StreamEntry


def test_the_structured_form_is_the_field_event_whatever_stands_beside_it() -> None:
    entry = entry_of(StreamEntry("1-0", {b"Event": b'{"id": "7"}', b"ce-id": b"8", b"note": b"x"}, 3))
    assert (entry.place, entry.attributes, entry.body, entry.deliveries, entry.wrong) == ("1-0", None, b'{"id": "7"}', 3, "")


def test_the_binary_form_has_its_attributes_in_ce_fields_and_its_data_in_data() -> None:
    given = {b"CE-Id": "ü%41".encode(), b"ce-type": b"flight.status.v1", b"data": b"{}", b"id": b"no attribute"}
    entry = entry_of(StreamEntry("1-0", given, 1))
    assert entry.attributes == {"id": "ü%41", "type": "flight.status.v1"}
    assert entry.body == b"{}"


@pytest.mark.parametrize("given", [{}, {b"data": b"{}"}, {b"payload": b"{}"}])
def test_fields_of_neither_form_are_no_event(given: dict[bytes, bytes]) -> None:
    assert entry_of(StreamEntry("1-0", given, 1)).wrong == NO_EVENT


def test_a_reason_names_the_kind_and_each_field_within_its_length() -> None:
    refusal = Refusal(422, (Problem("id", "should be short"), Problem("type", "should end in one of")))
    assert reason_of(refusal) == "bad_event: id: should be short; type: should end in one of"
    assert reason_of(Refusal(413, ())) == "too_large: This is larger than is taken here."
    assert len(reason_of(Refusal(422, (Problem("a", "x" * 900),)))) == REASON_MAX


def test_no_reader_ever_has_the_name_of_another() -> None:
    assert len({reader_name() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("depth", "delete", "levels"),
    [
        (StreamDepth(3, 1, 0, 59_000, 2, 1), True, ["ok"]),
        (StreamDepth(None, 1, 0, 61_000, 2, 1), True, ["warn"]),
        (StreamDepth(3, 0, 0, 300_000, 0, 1), True, ["fail"]),
        (StreamDepth(0, 0, 2, 0, 1, 3), True, ["ok", "warn", "note"]),
        (StreamDepth(0, 0, 0, 0, 1, 3), False, ["ok"]),
    ],
)
def test_what_waits_long_or_was_not_taken_is_told(depth: StreamDepth, delete: bool, levels: list[str]) -> None:
    assert [finding.level.value for finding in judge_depth(depth, delete=delete)] == levels
