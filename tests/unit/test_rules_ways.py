"""Which way to a person comes first, and whether another follows."""

from __future__ import annotations

import pytest

from gateway.model.contact import Address
from gateway.model.ids import AddressId
from gateway.model.message import DeliveryStatus, MessageState
from gateway.rules.verdict import Reason
from gateway.rules.ways import ANOTHER_WAY, WAITS, Prefer, in_order, told_elsewhere


def address(name: str, channel: str) -> Address:
    return Address(AddressId(name), channel, ())


BLUE, GREEN, SECOND = address("a1", "blue"), address("a2", "green"), address("a3", "blue")
ALL = (BLUE, GREEN, SECOND)
READ_GREEN = {GREEN.id: 20, BLUE.id: 10}

# name, wish, channels, setting, prefer, read_at, expected
ORDERS = [
    ("nobody says anything: as the source gave them", "", "", "", Prefer.GIVEN, {}, "a1 a2 a3"),
    ("the installation's setting", "", "", "green blue", Prefer.GIVEN, {}, "a2 a1 a3"),
    ("a setting that knows one channel puts it first", "", "", "green", Prefer.GIVEN, {}, "a2 a1 a3"),
    ("the notification's channels beat the setting", "", "blue green", "green blue", Prefer.GIVEN, {}, "a1 a3 a2"),
    ("a notification's channels shut out the others", "", "green", "", Prefer.GIVEN, {}, "a2"),
    ("the person's wish beats the notification's order", "green blue", "blue green", "", Prefer.GIVEN, {}, "a2 a1 a3"),
    ("a wish brings back no channel that the notification shuts out", "green", "blue", "", Prefer.GIVEN, {}, "a1 a3"),
    ("where they read last", "", "", "", Prefer.READ_LAST, READ_GREEN, "a2 a1 a3"),
    ("read last beats the setting", "", "", "blue green", Prefer.READ_LAST, READ_GREEN, "a2 a1 a3"),
    ("who never read anything is reached as the setting says", "", "", "green", Prefer.READ_LAST, {}, "a2 a1 a3"),
    ("a wish beats what was read", "blue green", "", "", Prefer.READ_LAST, READ_GREEN, "a1 a3 a2"),
    ("read last counts only where it is asked for", "", "", "", Prefer.GIVEN, READ_GREEN, "a1 a2 a3"),
]


@pytest.mark.parametrize(("name", "wish", "channels", "setting", "prefer", "read_at", "expected"), ORDERS)
def test_the_order_of_ways(name, wish, channels, setting, prefer, read_at, expected) -> None:  # type: ignore[no-untyped-def]
    found = in_order(
        ALL, wish=wish.split(), channels=channels.split(), setting=setting.split(), prefer=prefer, read_at=read_at
    )
    assert [one.id for one in found] == expected.split(), name


def test_a_message_is_told_elsewhere_only_by_what_reached_them() -> None:
    accepted, queued, failed = MessageState.ACCEPTED, MessageState.QUEUED, MessageState.FAILED
    assert not told_elsewhere([], [])
    assert not told_elsewhere([(accepted, DeliveryStatus.SENT)], [])  # the reason why this way is tried at all
    assert told_elsewhere([(accepted, DeliveryStatus.DELIVERED)], [])
    assert told_elsewhere([(failed, DeliveryStatus.NONE), (accepted, DeliveryStatus.READ)], [])
    assert not told_elsewhere([], [queued, failed])
    assert told_elsewhere([], [failed, accepted])


def test_nothing_a_person_chose_leads_to_another_way_and_nothing_final_waits() -> None:
    chosen = {
        Reason.WITHDRAWN, Reason.OPTED_OUT_AT_CHANNEL, Reason.NOT_ME, Reason.ERASING, Reason.STOPPED, Reason.DISCARDED,
        Reason.REPLACED, Reason.ENDED, Reason.EXPIRED, Reason.CAPPED, Reason.ONLY_TO, Reason.NIGHT_PAST_DEADLINE,
        Reason.UNCERTAIN_ASK, Reason.TOLD_ELSEWHERE,
    }  # fmt: skip
    assert not chosen & ANOTHER_WAY
    assert not chosen & WAITS
