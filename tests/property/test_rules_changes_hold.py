"""What the memory of a subject promises whatever a feed sends."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.event import EventType
from gateway.rules.changes import Memory, facts, merge, normalise, state_of, step
from gateway.rules.words import Change

times = st.none() | st.integers(-90, 90).map(
    lambda minutes: f"2026-11-22T{(720 + minutes) // 60:02d}:{(720 + minutes) % 60:02d}:00+01:00"
)
ends = st.none() | st.fixed_dictionaries({}, optional={"scheduled": times, "estimated": times, "actual": times})
words = st.none() | st.sampled_from(("A1", "B2", "C3"))


def maybe(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts)


journeys = maybe(
    status=st.sampled_from(
        (
            None, "scheduled", "check_in", "boarding", "gate_closed", "delayed", "early", "departed", "en_route", "arrived",
            "diverted", "cancelled", "partly_cancelled", "reinstated", "unknown",
        )
    ),
    leg=maybe(carrier=words, flightNumber=words, **{"from": words, "to": words}),
    times=maybe(departure=ends, arrival=ends),
    gate=words,
    terminal=words,
    belt=words,
    divertedTo=words,
    reason=maybe(code=words),
    delayMinutes=st.none() | st.integers(-5, 60),
    platform=st.none() | maybe(planned=words, actual=words),
    cancelledStops=st.none() | st.lists(words, max_size=2),
)  # fmt: skip
orders = maybe(
    status=st.sampled_from(
        ("created", "confirmed", "processing", "shipped", "out_for_delivery", "delivered", "cancelled", "refunded", "problem")
    ),
    total=words,
    shipment=maybe(trackingNumber=words, expectedFrom=times),
    items=st.lists(maybe(sku=words, quantity=st.integers(1, 3)), max_size=2),
)
outages = maybe(
    status=st.sampled_from(("planned", "reported", "confirmed", "updated", "restored", "closed", "cancelled")),
    planned=st.booleans(),
    startedAt=times,
    expectedRestoration=times,
    restoredAt=times,
    affected=maybe(connections=st.integers(0, 9), postcodes=st.lists(words)),
)
appointments = maybe(
    status=st.sampled_from(("booked", "moved", "confirmed", "on_the_way", "done", "missed", "cancelled")),
    window=st.none() | st.fixed_dictionaries({"from": times, "to": times}),
    missedBy=st.sampled_from((None, "us", "customer")),
    orderNumber=words,
)
feeds = st.one_of(
    st.tuples(st.just(EventType.FLIGHT_STATUS), st.lists(journeys, min_size=1, max_size=8)),
    st.tuples(st.just(EventType.TRIP_STATUS), st.lists(journeys, min_size=1, max_size=8)),
    st.tuples(st.just(EventType.ORDER_STATUS), st.lists(orders, min_size=1, max_size=8)),
    st.tuples(st.just(EventType.OUTAGE_STATUS), st.lists(outages, min_size=1, max_size=8)),
    st.tuples(st.just(EventType.APPOINTMENT_STATUS), st.lists(appointments, min_size=1, max_size=8)),
)
Feed = tuple[EventType, list[dict[str, Any]]]


@given(feeds)
@settings(max_examples=400, deadline=None)
def test_the_same_state_twice_is_never_news_the_second_time(feed: Feed) -> None:
    type_, events = feed
    memory: Memory | None = None
    for data in events:
        memory, changes = step(type_, memory, data)
        assert set(changes) <= set(Change)
        assert len(set(changes)) == len(changes)
        assert step(type_, memory, data) == (memory, ())


@given(feeds)
@settings(max_examples=200, deadline=None)
def test_a_memory_survives_its_way_through_json_and_nothing_given_is_changed(feed: Feed) -> None:
    type_, events = feed
    memory: Memory = {}
    stored: Memory = {}
    for data in events:
        kept = deepcopy((memory, data))
        after, changes = step(type_, memory, data)
        assert (memory, data) == kept
        from_store, from_store_changes = step(type_, stored, data)
        assert (from_store, from_store_changes) == (after, changes)
        memory, stored = after, json.loads(json.dumps(after))
        assert set(facts(type_, memory)) == set(facts(type_, {}))


@given(feeds)
@settings(max_examples=200, deadline=None)
def test_merging_is_settled_after_once_and_leaves_no_null(feed: Feed) -> None:
    type_, events = feed
    known: dict[str, Any] = {}
    for data in events:
        state = normalise(type_, data)
        known = merge(known, state)
        assert merge(known, state) == known
        assert all(value is not None for value in known.values())


@given(feeds)
@settings(max_examples=200, deadline=None)
def test_a_cancellation_is_told_once_until_it_is_taken_back(feed: Feed) -> None:
    type_, events = feed
    memory: Memory = {}
    cancelled = False
    for data in events:
        memory, changes = step(type_, memory, data)
        if Change.CANCELLED in changes:
            assert not cancelled
            assert state_of(memory)["status"] == "cancelled"
        if Change.REINSTATED in changes:
            assert state_of(memory)["status"] != "cancelled"
        cancelled = state_of(memory).get("status") == "cancelled"
