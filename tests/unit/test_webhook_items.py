"""What lies in an inbox is what came, also when it was written by the version before."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gateway.connector import (
    ArrivalEvent,
    EchoEvent,
    EditEvent,
    Holder,
    InboundKind,
    MediaRef,
    MessageEvent,
    ReceiptEvent,
    ThreadEvent,
)
from gateway.model.contact import Identifier
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal
from gateway.webhooks import items

WHO = (Identifier("psid", "141421356237301", Personal("6100000000000101")),)
WHOSE = ("c07aaaaaaaaaaaaa", "a07aaaaaaaaaaaaa", "zz-me")
FILE = MediaRef(Personal("https://cdn.fbsbx.com/1.jpg"), "image/jpeg", Personal("1.jpg"))
MESSAGE = MessageEvent(
    "141421356237301", Personal("m_1"), WHO, 1795435200000, InboundKind.MEDIA, Personal("look"), answers=Personal("m_0"),
    media=FILE, more_media=(replace(FILE, filename=None, voice=True), FILE), referral=Personal("abc"), standby=True,
)  # fmt: skip


def through(value: dict[str, Any]) -> dict[str, Any]:
    """As it comes out of the inbox."""
    found: dict[str, Any] = json.loads(json.dumps(value))
    return found


def test_a_message_comes_out_as_it_went_in() -> None:
    value = through(items.dump_message("messenger", MESSAGE, *WHOSE))
    assert items.load_message(value) == MESSAGE
    assert (value["channel"], value["contact"], value["address"], value["sender"]) == ("messenger", *WHOSE)


def test_a_message_of_the_version_before_is_read() -> None:
    value = through(items.dump_message("messenger", MESSAGE, *WHOSE))
    for new in ("more", "referral", "standby"):
        del value[new]
    assert items.load_message(value) == replace(MESSAGE, more_media=(), referral=None, standby=False)


def test_the_other_kinds_come_out_as_they_went_in() -> None:
    echo = EchoEvent("1", Personal("m_2"), (), 5, Personal("words"), InboundKind.MEDIA, "7", False, Personal("m_1"), FILE)
    assert items.load_echo(through(items.dump_echo("messenger", echo, *WHOSE))) == echo
    edit = EditEvent("1", Personal("m_1"), WHO, 6, Personal("other words"), 2)
    assert items.load_edit(through(items.dump_edit("messenger", edit, *WHOSE))) == edit
    thread = ThreadEvent("1", (), Holder.OTHER, 7, "k", "263902037430900", wanted=False)
    assert items.load_thread(through(items.dump_thread("messenger", thread, *WHOSE))) == thread
    arrival = ArrivalEvent("1", WHO, 8, Personal("abc"), "k", "SHORTLINK", opens_window=False)
    assert items.load_arrival(through(items.dump_arrival("messenger", arrival, *WHOSE))) == arrival
    value = through(items.dump_receipt("messenger", ReceiptEvent("1", WHO, DeliveryStatus.READ, 9, 10, "k"), *WHOSE))
    assert (value["status"], value["until"], value["at"]) == (3, 9, 10)


def test_every_kind_of_item_names_itself() -> None:
    kinds = {
        items.dump_echo("c", EchoEvent("1", Personal("m"), (), 5, Personal("w")), *WHOSE)["kind"],
        items.dump_edit("c", EditEvent("1", Personal("m"), WHO, 6, Personal("w"), 1), *WHOSE)["kind"],
        items.dump_thread("c", ThreadEvent("1", (), Holder.US, 7, "k"), *WHOSE)["kind"],
        items.dump_arrival("c", ArrivalEvent("1", WHO, 8, Personal("r"), "k"), *WHOSE)["kind"],
        items.dump_receipt("c", ReceiptEvent("1", WHO, DeliveryStatus.READ, 9, 10, "k"), *WHOSE)["kind"],
    }
    assert kinds == {"echo", "edit", "thread", "arrival", "receipt"}
