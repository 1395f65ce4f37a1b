"""Status, window and routing: small rules, each with its edges."""

from __future__ import annotations

import pytest

from gateway.model.message import DeliveryStatus
from gateway.model.webcare import BrandPlan, Queue, Reason, Route
from gateway.rules.queueing import Known, complaints_of, queue_of
from gateway.rules.routing import GENERAL
from gateway.rules.status import advance
from gateway.rules.window import is_open, minutes_left, open_until

NONE, SENT, DELIVERED, READ, PLAYED = DeliveryStatus
HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("says", "before", "new", "after"),
    [
        ("sent is the first", (NONE, False), (SENT, False), (SENT, False, True)),
        ("delivered follows", (SENT, False), (DELIVERED, False), (DELIVERED, False, True)),
        ("the same twice is no news", (DELIVERED, False), (DELIVERED, False), (DELIVERED, False, False)),
        ("a late sent undoes nothing", (READ, False), (SENT, False), (READ, False, False)),
        ("read without delivered counts", (SENT, False), (READ, False), (READ, False, True)),
        ("a voice note is played", (READ, False), (PLAYED, False), (PLAYED, False, True)),
        ("failed may be the first", (NONE, False), (NONE, True), (NONE, True, True)),
        ("failed may follow sent", (SENT, False), (NONE, True), (SENT, True, True)),
        ("failed twice is no news", (SENT, True), (NONE, True), (SENT, True, False)),
        ("a late sent does not mend a failure", (NONE, True), (SENT, False), (SENT, True, True)),
        ("delivered after failed wins", (SENT, True), (DELIVERED, False), (DELIVERED, False, True)),
        ("read after failed wins", (NONE, True), (READ, False), (READ, False, True)),
        ("failed after delivered is a note", (DELIVERED, False), (NONE, True), (DELIVERED, False, False)),
        ("failed after read is a note", (READ, False), (NONE, True), (READ, False, False)),
    ],
)
def test_a_status_never_goes_back(
    says: str,
    before: tuple[DeliveryStatus, bool],
    new: tuple[DeliveryStatus, bool],
    after: tuple[DeliveryStatus, bool, bool],
) -> None:
    assert advance(*before, *new) == after, says


@pytest.mark.parametrize(
    ("opened", "now", "minutes"),
    [
        (0, 0, 1439),
        (0, 12 * HOUR, 719),
        (0, DAY - 120_000, 1),
        (0, DAY - 119_999, 0),
        (0, DAY - 60_000, 0),
        (0, 3 * DAY, 0),
        (120_000, 0, 1439),
        (None, 0, 0),
    ],
)
def test_the_minutes_left_stop_a_minute_before_the_channel_does(opened: int | None, now: int, minutes: int) -> None:
    assert minutes_left(opened, DAY, now) == minutes


def test_a_window_is_open_until_a_minute_before_it_closes() -> None:
    assert open_until(1000, DAY) == DAY + 1000
    assert is_open(0, DAY, DAY - 60_001)
    assert not is_open(0, DAY, DAY - 60_000)
    assert not is_open(None, DAY, 0)


def test_the_first_row_that_matches_names_the_queue() -> None:
    rows = (
        Route("complaints", complaint=True), Route("delays", notification="flight_delayed"), Route("money", reason="refund"),
        Route("german", language="de"),
    )  # fmt: skip
    brand = BrandPlan("zz", (Queue("general"),), rows)
    reasons = [Reason("refund_late", "refund", {}, "rfl")]
    assert queue_of(brand, Known(notification="flight_delayed", language="de")) == "delays"
    assert queue_of(brand, Known(notification="flight_delayed", complaint=True)) == "complaints"
    assert queue_of(brand, Known(notification="gate_changed", language="de")) == "german"
    assert queue_of(brand, Known(reasons={"refund_late": 0.9}), reasons) == "money"
    assert queue_of(brand, Known(reasons={"refund": 0.95}), reasons) == "money"
    assert queue_of(brand, Known(reasons={"refund_late": 0.89}), reasons) == GENERAL
    assert queue_of(brand, Known(complaint=True), first="crisis") == "crisis"
    assert complaints_of(brand, Known(notification="flight_delayed")) == "complaints"
    late = BrandPlan("zz", (Queue("general"),), (Route("german", language="de"), Route("calm", complaint=False), rows[0]))
    assert complaints_of(late, Known(language="nl")) == "complaints"
    assert complaints_of(late, Known(language="de")) == "", "another row decides"
    assert complaints_of(BrandPlan("zz", (Queue("general"),)), Known()) == ""
    assert queue_of(brand, Known()) == GENERAL


def test_a_brand_without_a_table_has_the_general_queue() -> None:
    assert queue_of(BrandPlan("netx", (Queue("general"),)), Known(language="de", complaint=True)) == GENERAL
