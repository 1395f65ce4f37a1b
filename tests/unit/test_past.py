"""What facts say of one person, and the words by which a line is found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.insight.index_words import LONGEST, token_of, words_of
from gateway.insight.of_contact import been_through, messages, of_brands
from gateway.model.touch import Counted
from gateway.store.vault import KeyRing, Vault


@dataclass
class Row:
    at_ms: int
    kind: str
    ids: str
    detail: dict[str, str] = field(default_factory=dict)


def newest_first(*rows: Row) -> list[Any]:
    return sorted(rows, key=lambda row: -row.at_ms)


def test_words_are_without_case_accents_and_signs_each_once() -> None:
    assert words_of("Vertraagd?! vertraagd, VERTRAAGD_") == ["vertraagd"]
    assert words_of("José Mu\u0308ller Straße Ångström") == ["jose", "muller", "strasse", "angstrom"]
    assert words_of("ZZ1007 is late: a 2 h wait") == ["zz1007", "is", "late", "wait"]
    assert words_of("x" * (LONGEST + 1)) == []


def test_the_same_word_of_two_brands_has_nothing_in_common() -> None:
    vault = Vault(KeyRing(KeyRing.generate()), None)  # type: ignore[arg-type]
    assert token_of(vault, "a", "koffer") == token_of(vault, "a", "koffer") != token_of(vault, "b", "koffer")
    other = Vault(KeyRing(KeyRing.generate()), None)  # type: ignore[arg-type]
    assert token_of(vault, "a", "koffer") != token_of(other, "a", "koffer")


def test_a_message_stands_in_the_timeline_once_as_far_as_it_came() -> None:
    rows = newest_first(
        Row(1, "enqueued", "m1 c1 j1", {"nt": "flight_delayed", "s": "wa"}),
        Row(2, "accepted", "m1 c1"),
        Row(3, "read", "m1 c1"),
        Row(4, "delivered", "m1 c1"),
        Row(5, "enqueued", "m2 c1", {"nt": "reply", "s": "wa"}),
        Row(6, "suppressed", "m3 c1", {"nt": "flight_landed", "reason": "no_consent"}),
        Row(7, "enqueued", "m4 c1", {"nt": "gate_changed"}),
        Row(8, "failed", "m4 c1", {"reason": "blocked"}),
    )
    found = [(one.id, one.notification, one.state, one.reason) for one in messages(rows)]
    assert found == [
        ("m4", "gate_changed", "failed", "blocked"),
        ("m3", "flight_landed", "suppressed", "no_consent"),
        ("m1", "flight_delayed", "read", ""),
    ]


def test_a_flight_that_was_late_three_times_is_one_delay_of_the_last_time() -> None:
    been = been_through(
        newest_first(
            *(Row(at, "enqueued", f"m{at} c1 j1", {"nt": "flight_delayed"}) for at in (1, 2, 3)),
            Row(4, "suppressed", "m4 c1 j2", {"nt": "trip_delayed", "reason": "night"}),
            Row(5, "enqueued", "m5 c1 j1", {"nt": "flight_cancelled"}),
            Row(6, "enqueued", "m6 c1 j3", {"nt": "order_delivery_failed"}),
            Row(7, "failed", "m6 c1"),
            Row(7, "failed", "m7 c1", {"nt": "reply", "reason": "uncertain_ask"}),
            Row(8, "reopened", "v1 c1"),
            Row(9, "reopened", "v1 c1"),
            Row(10, "enqueued", "m10 c1 j1", {"nt": "family_delayed"}),
            Row(11, "enqueued", "m11 c1 j4", {"nt": "appointment_cancelled"}),
        ),
        [12, 11],
    )
    assert been.delays == Counted(2, 4)
    assert been.cancellations == Counted(1, 5)
    assert been.failed_deliveries == Counted(1, 6)
    assert been.undelivered == Counted(1, 7)
    assert been.reopened == Counted(2, 9)
    assert been.complaints == Counted(2, 12)
    assert been_through([], []).delays == Counted(0, None)


def test_what_happened_at_another_brand_is_not_counted_for_who_may_not_know_it() -> None:
    rows = newest_first(
        Row(1, "enqueued", "m1 c1 j1", {"nt": "flight_delayed", "b": "air", "s": "both"}),
        Row(2, "suppressed", "m2 c1 j2", {"nt": "trip_delayed", "reason": "night", "b": "rail"}),
        Row(3, "enqueued", "m3 c1 j3", {"nt": "order_delivery_failed", "b": "rail", "s": "both"}),
        Row(4, "failed", "m3 c1", {}),
        Row(5, "failed", "m1 c1", {}),
        Row(6, "reopened", "v1 c1", {}),
        Row(7, "reopened", "v2 c1", {}),
        Row(8, "enqueued", "m8 c1 j8", {"nt": "trip_delayed", "s": "rail-wa"}),
        Row(9, "enqueued", "m9 c1 j9", {"nt": "trip_delayed", "s": "both"}),
        Row(10, "enqueued", "m10 c1 v2", {"nt": "reply", "s": "both"}),
        Row(11, "failed", "m10 c1", {}),
    )
    talks = [("v1", "air", "both"), ("v2", "rail", "both"), ("v3", "rail", "rail-wa")]
    air, rail = (been_through(of_brands(rows, {brand}, talks), []) for brand in ("air", "rail"))
    assert (air.delays, air.failed_deliveries, air.undelivered, air.reopened) == (
        Counted(1, 1), Counted(0, None), Counted(1, 5), Counted(1, 6),
    )  # fmt: skip
    # What an older version wrote down says no brand: its sender's, where that can only be one.
    assert (rail.delays, rail.failed_deliveries, rail.undelivered, rail.reopened) == (
        Counted(2, 8), Counted(1, 3), Counted(2, 11), Counted(1, 7),
    )  # fmt: skip
    assert of_brands(rows, {"sea"}, talks) == []
