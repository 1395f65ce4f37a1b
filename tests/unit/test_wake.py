"""Wakes with hints and without, in this process and from others, of this version and the one before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from gateway.store.wakeup import CHANNEL, HINTS, Ears
from gateway.wake import HINTS_MAX, Ready, Wake
from tests.support.waiting import wait_until


def ready(number: int) -> Ready:
    return Ready(number % 64, "zz-wa", 2, f"m{number:02d}", f"c{number:02d}", "")


def heard_by(texts: Sequence[tuple[str, str]]) -> list[tuple[str, int]]:
    """(topic, hints) of what is heard of these publishes: (channel, text)."""
    found: list[tuple[str, int]] = []
    ears = Ears(lambda topic, hints: found.append((topic, len(hints))))
    for channel, text in texts:
        ears.hear(channel, text)
    return found


def hinted(topic: str, *hints: Ready) -> tuple[str, str]:
    return HINTS, json.dumps([topic, hints])


async def test_hints_come_once_and_in_order() -> None:
    wake = Wake()
    wake.here("dispatch", [ready(1)])
    wake.here("dispatch", [ready(2), ready(3)])
    assert await wake.wait("dispatch", 0.5)
    assert wake.hints("dispatch") == [ready(1), ready(2), ready(3)]
    assert wake.hints("dispatch") == []
    assert not await wake.wait("dispatch", 0.01)


async def test_a_wake_without_a_hint_is_a_look_at_everything_whatever_was_hinted() -> None:
    wake = Wake()
    wake.here("dispatch", [ready(1)])
    wake.here("dispatch")
    assert wake.hints("dispatch") is None
    assert wake.hints("dispatch") == [], "that was all"


async def test_more_hints_than_are_kept_are_a_look_at_everything() -> None:
    wake = Wake()
    for number in range(HINTS_MAX + 1):
        wake.here("dispatch", [ready(number)])
    assert wake.hints("dispatch") is None


async def test_others_are_told_only_where_nobody_here_serves_the_topic() -> None:
    published: list[tuple[str, int]] = []

    async def publish(topic: str, hints: Sequence[Ready]) -> None:
        published.append((topic, len(hints)))

    wake = Wake(publish)
    wake.serve("dispatch")
    wake.now("dispatch", [ready(1)])
    wake.now("webhooks")
    wake.now("expand", [ready(number) for number in range(HINTS_MAX + 1)])
    await wait_until(lambda: len(published) == 2)
    assert sorted(published) == [("expand", 0), ("webhooks", 0)]


async def test_a_publish_that_fails_is_forgotten() -> None:
    began = asyncio.Event()

    async def publish(topic: str, hints: Sequence[Ready]) -> None:
        began.set()
        raise OSError("nobody there")

    wake = Wake(publish)
    wake.now("dispatch", [ready(1)])
    async with asyncio.timeout(2):
        await began.wait()
    assert wake.hints("dispatch") == [ready(1)], "our own loop knows all the same"


def test_the_plain_twin_of_what_was_heard_with_hints_is_left_aside() -> None:
    one, two = hinted("dispatch", ready(1)), hinted("dispatch", ready(2), ready(3))
    plain = (CHANNEL, "dispatch")
    assert heard_by([one, plain, two, plain]) == [("dispatch", 1), ("dispatch", 2)]
    assert heard_by([one, two, plain, plain]) == [("dispatch", 1), ("dispatch", 2)], "of two processes at once"


def test_a_plain_wake_of_the_version_before_is_heard_as_ever() -> None:
    plain = (CHANNEL, "dispatch")
    assert heard_by([plain]) == [("dispatch", 0)]
    assert heard_by([hinted("dispatch", ready(1)), plain, plain]) == [("dispatch", 1), ("dispatch", 0)]
    assert heard_by([hinted("dispatch", ready(1)), (CHANNEL, "desk")]) == [("dispatch", 1), ("desk", 0)]


def test_hints_of_a_version_that_cannot_be_read_leave_their_plain_twin() -> None:
    for text in ("", "{", '["dispatch", [[1, 2]]]', '["dispatch", 7]', "7", '[["dispatch"], []]', '[{}, []]'):
        assert heard_by([(HINTS, text), (CHANNEL, "dispatch")]) == [("dispatch", 0)], text
    longer = json.dumps(["dispatch", [[*ready(1), "a field of the version after"]]])
    assert heard_by([(HINTS, longer), (CHANNEL, "dispatch")]) == [("dispatch", 1)]
