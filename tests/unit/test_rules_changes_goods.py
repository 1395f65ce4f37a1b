"""What is news about an order or an outage."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.changes import facts
from tests.unit.changes_support import ORDER, OUTAGE, SAMPLES, clock, remember, tell


def order(status: str, **more: Any) -> dict[str, Any]:
    return {"orderNumber": "SO-1", "status": status, **more}


def parcel(status: str, number: str | None = None, expected: str | None = None) -> dict[str, Any]:
    return order(status, shipment={"trackingNumber": number, "expectedFrom": expected})


@pytest.mark.parametrize(
    ("says", "events", "told"),
    [
        ("confirmed at first sight", [order("confirmed")], [{"confirmed"}]),
        (
            "each step once",
            [order(status) for status in ("created", "confirmed", "shipped", "delivered")],
            [{"created"}, {"confirmed"}, {"shipped"}, {"delivered"}],
        ),
        (
            "to and fro is once",
            [order("shipped"), order("processing"), order("shipped")],
            [{"shipped"}, {"processing"}, set()],
        ),
        (
            "a number that comes later is not another parcel",
            [parcel("shipped"), parcel("shipped", "A")],
            [{"shipped"}, set()],
        ),
        (
            "confirmed again once it is paid after all",
            [order(status) for status in ("confirmed", "payment_due", "confirmed", "payment_due", "confirmed")],
            [{"confirmed"}, {"payment_due"}, {"confirmed"}, set(), set()],
        ),
        (
            "being processed is what some shops say of an order that was paid",
            [order(status) for status in ("payment_due", "processing", "confirmed", "processing")],
            [{"payment_due"}, {"confirmed", "processing"}, set(), set()],
        ),
        (
            "and so is going back to it",
            [order(status) for status in ("processing", "payment_due", "processing")],
            [{"processing"}, {"payment_due"}, {"confirmed"}],
        ),
        (
            "being processed after it was sent is not",
            [order(status) for status in ("payment_due", "shipped", "processing")],
            [{"payment_due"}, {"shipped"}, {"processing"}],
        ),
        (
            "a second refund is",
            [order("refunded", refund={"amount": amount}) for amount in ("20.00", "20.0", "49.95")] + [order("refunded")],
            [{"refunded"}, set(), {"refunded"}, set()],
        ),
        ("another number is", [parcel("shipped", "A"), parcel("shipped", "B")], [{"shipped"}, {"shipped"}]),
        (
            "and both in turn are no more news",
            [parcel("shipped", number) for number in "ABAB"],
            [{"shipped"}, {"shipped"}, set(), set()],
        ),
        (
            "each parcel is delivered",
            [parcel("delivered", "A"), parcel("out_for_delivery", "B"), parcel("delivered", "B")],
            [{"delivered"}, {"out_for_delivery"}, {"delivered"}],
        ),
        (
            "another total",
            [order("confirmed", total="10"), order("confirmed", total="12")],
            [{"confirmed"}, {"changed"}],
        ),
        ("known only now", [order("confirmed"), order("confirmed", total="12")], [{"confirmed"}, set()]),
        (
            "changed before it was confirmed",
            [order("created", total="10"), order("confirmed", total="12")],
            [{"created"}, {"confirmed"}],
        ),
        ("cancelled", [order("confirmed"), order("cancelled")], [{"confirmed"}, {"cancelled"}]),
        ("and its money back", [order("cancelled"), order("refunded")], [{"cancelled"}, {"refunded"}]),
        (
            "valid after all",
            [order("confirmed"), order("cancelled"), order("confirmed")],
            [{"confirmed"}, {"cancelled"}, {"reinstated", "confirmed"}],
        ),
        (
            "a later delivery",
            [parcel("shipped", "A", clock(0)), parcel("shipped", "A", clock(30))],
            [{"shipped"}, {"delivery_moved"}],
        ),
        ("a little later", [parcel("shipped", "A", clock(0)), parcel("shipped", "A", clock(29))], [{"shipped"}, set()]),
        (
            "told with the next step",
            [parcel("shipped", "A", clock(0)), parcel("out_for_delivery", "A", clock(60))],
            [{"shipped"}, {"out_for_delivery"}],
        ),
        ("a word that nobody knows", [order("teleported")], [set()]),
    ],
)
def test_an_order(says: str, events: list[dict[str, Any]], told: list[set[str]]) -> None:
    assert tell(ORDER, *events) == told, says


def test_another_leg_changes_a_booking() -> None:
    booking = SAMPLES["order-confirmed-flight"]["data"]
    shorter = {**booking, "itinerary": booking["itinerary"][:2], "version": 2}
    assert tell(ORDER, booking, shorter) == [{"confirmed"}, {"changed"}]


def test_facts_of_an_order() -> None:
    assert facts(ORDER, remember(ORDER, SAMPLES["order-shipped"]["data"])) == {"item_count": 4, "has_tracking": True}


def outage(status: str, start: int = 0, end: int | None = 120, **more: Any) -> dict[str, Any]:
    expected = None if end is None else clock(end)
    return {"service": "power", "status": status, "startedAt": clock(start), "expectedRestoration": expected, **more}


@pytest.mark.parametrize(
    ("says", "events", "told"),
    [
        ("a report alone is not told", [outage("reported")], [set()]),
        ("confirmed it is", [outage("reported"), outage("confirmed")], [set(), {"outage_started"}]),
        ("an update at first sight is a start", [outage("updated")], [{"outage_started"}]),
        (
            "half an hour more is news",
            [outage("confirmed"), outage("updated", end=150)],
            [{"outage_started"}, {"outage_updated"}],
        ),
        ("less is not", [outage("confirmed"), outage("updated", end=149)], [{"outage_started"}, set()]),
        (
            "until it adds up",
            [outage("confirmed"), outage("updated", end=140), outage("updated", end=160)],
            [{"outage_started"}, set(), {"outage_updated"}],
        ),
        (
            "an end where none was known is news",
            [outage("confirmed", end=None), outage("updated")],
            [{"outage_started"}, {"outage_updated"}],
        ),
        (
            "fixed",
            [outage("confirmed"), outage("restored"), outage("closed")],
            [{"outage_started"}, {"outage_fixed"}, set()],
        ),
        ("closed is fixed as well", [outage("confirmed"), outage("closed")], [{"outage_started"}, {"outage_fixed"}]),
        ("nobody waits for the end of what nobody heard of", [outage("reported"), outage("restored")], [set(), set()]),
        (
            "it comes back",
            [outage("confirmed"), outage("restored"), outage("confirmed")],
            [{"outage_started"}, {"outage_fixed"}, {"outage_started"}],
        ),
        ("a false alarm", [outage("confirmed"), outage("cancelled")], [{"outage_started"}, {"outage_cancelled"}]),
        ("planned work", [outage("planned", planned=True)], [{"outage_planned"}]),
        ("an update of it at first sight is no start", [outage("updated", planned=True)], [{"outage_planned"}]),
        ("moves", [outage("planned"), outage("planned", start=60, end=180)], [{"outage_planned"}, {"outage_updated"}]),
        (
            "is updated before it begins",
            [outage("planned", planned=True), outage("updated", end=300)],
            [{"outage_planned"}, {"outage_updated"}],
        ),
        ("begins", [outage("planned", planned=True), outage("confirmed")], [{"outage_planned"}, {"outage_started"}]),
        ("is called off", [outage("planned"), outage("cancelled")], [{"outage_planned"}, {"outage_cancelled"}]),
        ("is done", [outage("planned"), outage("restored")], [{"outage_planned"}, {"outage_fixed"}]),
    ],
)
def test_an_outage(says: str, events: list[dict[str, Any]], told: list[set[str]]) -> None:
    assert tell(OUTAGE, *events) == told, says


def test_the_updates_told_are_counted_so_that_a_condition_can_limit_them() -> None:
    memory = remember(OUTAGE, outage("confirmed"), outage("updated", end=150), outage("updated", end=200))
    assert facts(OUTAGE, memory)["updates_told"] == 2


def test_a_polygon_is_not_kept_but_the_cells_are() -> None:
    memory = remember(OUTAGE, SAMPLES["outage-started"]["data"])
    assert memory["affected"] == {"connections": 1840, "postcodes": ["3511AA-3511GZ", "3512"]}
