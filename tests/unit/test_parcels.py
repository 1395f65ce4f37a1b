"""What an order's money and parcel are told as: only what its event knows, in four languages, and what each makes pointless."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.intake import schemas
from gateway.model.event import EventType
from tests.support.notifications import applying, catalogue, changed, context, sample

ORDER = sample("ce-order-shipped")
DUE = changed(ORDER, status="payment_due", payment={
    "due": "2026-11-24T18:00:00+01:00", "amount": "1318.40", "url": "https://pay.example.org/0000",
})  # fmt: skip
PICKUP = {
    "name": "Example Shop", "address": "1 Example Street, Utrecht", "until": "2026-11-30T18:00:00+01:00",
    "hours": {"nl": "ma-za 9-18 uur", "en": "Mon-Sat 9-18"}, "code": "4711",
}  # fmt: skip
READY = changed(ORDER, status="ready_for_pickup", pickup=PICKUP)


def said(name: str, *events: dict[str, Any], language: str = "en") -> str:
    values = context(*events, order={"number": "SO-104233", "kind": "goods"})
    assert name in applying(values)
    one = catalogue().get(name)
    assert one is not None
    return one.render(values, [language], "Europe/Amsterdam", brand="zz").body


def test_a_payment_says_how_much_by_when_and_where_in_the_way_of_the_language() -> None:
    assert "To pay: €1,318.40. At the latest: 18:00 on Tuesday, 24 November. Pay at https://pay.example.org/0000 if" in said(
        "order_payment_due", DUE
    )
    dutch, german, french = (said("order_payment_due", DUE, language=language) for language in ("nl", "de", "fr"))
    assert "Te betalen: €\u00a01.318,40. Uiterlijk: 18:00 op dinsdag 24 november." in dutch
    assert "1.318,40\u00a0€. Spätestens: 18:00 Uhr am Dienstag, 24. November." in german
    assert "1\u202f318,40\u00a0€. Au plus tard\u00a0: 18:00 le mardi 24 novembre." in french


def test_without_its_own_amount_it_is_the_order_s_total() -> None:
    assert "€84.95" in said("order_payment_due", changed(ORDER, status="payment_due"))
    assert "To pay: the amount of your order." in said("order_payment_due", changed(ORDER, status="payment_due", total=None))


def test_a_payment_of_the_time_before_says_nothing_of_the_next() -> None:
    paid = changed(ORDER, status="confirmed")
    memory = context(DUE, paid)["state"]
    assert "payment" not in memory


def test_a_parcel_to_collect_says_where_until_when_and_with_what() -> None:
    text = said("order_ready_for_pickup", ORDER, READY)
    assert "Where: Example Shop, 1 Example Street, Utrecht\nOpen: Mon-Sat 9-18\n" in text
    assert "Collect it before: 18:00 on Monday, 30 November\n" in text
    assert "Please bring the code 4711 and proof of identity." in text
    assert "den Code 4711 und einen Ausweis" in said("order_ready_for_pickup", ORDER, READY, language="de")


def test_a_parcel_of_which_nothing_more_is_known_points_to_whoever_has_it() -> None:
    text = said("order_ready_for_pickup", ORDER, changed(ORDER, status="ready_for_pickup"))
    assert "Where: see the message from Example Post" in text
    assert "Please bring proof of identity." in text


def test_a_parcel_that_could_not_be_delivered_says_where_it_goes() -> None:
    failed = changed(ORDER, status="delivery_failed", pickup=PICKUP)
    assert "The parcel goes to Example Shop, 1 Example Street, Utrecht." in said("order_delivery_failed", ORDER, failed)
    assert "4711" not in said("order_delivery_failed", ORDER, failed), "the code is of use once it is there"


@pytest.mark.parametrize(
    ("refund", "words"),
    [
        ({"amount": "49.95", "method": "voucher"}, "€49.95 back for order SO-104233.\n\nYou will get it as a voucher."),
        ({"amount": "49.95"}, "€49.95 back for order SO-104233.\n\nYou will get it in the way you paid."),
        (None, "your money back for order SO-104233."),
    ],
)
def test_a_refund_says_how_much_and_how(refund: dict[str, str] | None, words: str) -> None:
    assert said("order_refunded", ORDER, changed(ORDER, status="refunded", refund=refund)).startswith(f"You are getting {words}")


def test_what_came_back_announces_its_refund() -> None:
    back = changed(ORDER, status="returned", refund={"amount": "49.95"})
    assert "You will get €49.95 back." in said("order_returned", ORDER, back)


@pytest.mark.parametrize(
    ("name", "ended"),
    [
        ("order_confirmed", {"order_payment_due"}),
        ("order_cancelled", {"order_payment_due", "order_out_for_delivery"}),
        ("order_refunded", {"order_payment_due", "order_returned"}),
        ("order_shipped", {"order_payment_due"}),
        ("order_out_for_delivery", {"order_payment_due"}),
        ("order_delivered", {"order_payment_due", "order_out_for_delivery", "order_ready_for_pickup", "order_delivery_failed"}),
        ("order_returned", {"order_out_for_delivery", "order_ready_for_pickup", "order_payment_due"}),
        ("order_ready_for_pickup", {"order_payment_due", "order_delivery_failed", "order_out_for_delivery"}),
    ],
)
def test_what_is_over_is_not_told_any_more(name: str, ended: set[str]) -> None:
    one = catalogue().get(name)
    assert one is not None
    assert ended <= set(one.ends)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"payment": {"url": "http://pay.example.org"}}, "data.payment.url"),
        ({"payment": {"amount": 318.4}}, "data.payment.amount"),
        ({"refund": {"method": "gold"}}, "data.refund.method"),
        ({"pickup": {"until": "tomorrow"}}, "data.pickup.until"),
    ],
)
def test_a_field_that_is_wrong_is_named(data: dict[str, Any], field: str) -> None:
    _, problems = schemas.check(EventType.ORDER_STATUS, {**ORDER["data"], **data})
    assert [one.field for one in problems] == [field]
