"""Costs through the whole house: both channels, their own words of what they bill, the history that the scheduler folds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.insight.cost_report import rows
from gateway.insight.costs import Group
from gateway.insight.history import open_history
from tests.integration.test_messenger_path import ANNA, RAIL, bubbles, delay, in_the_chat, order
from tests.support.house import NOON, House, house_running
from tests.support.waiting import wait_until

WHATSAPP = """\
channel: whatsapp
currency: EUR
lists:
  - valid_from: 2025-01-01
    source: tests
    confidence: own
    prices: {GB: {service: 0.01, utility: 0.02, marketing: 0.10}}
"""
MESSENGER = """\
channel: messenger
currency: EUR
lists:
  - valid_from: 2025-01-01
    source: tests
    confidence: assumed
    prices: {"*": {service: 0, utility: unknown}}
"""


async def costs(house: House, channel: str) -> list[Group]:
    assert house.runtime is not None
    history = await open_history(house.runtime.settings.history_url)
    try:
        found = await history.cost_groups(since_ms=0, until_ms=house.runtime.clock.now_ms() + 60_000)
    finally:
        await history.close()
    return [one for one in found if one.channel == channel]


@pytest.mark.long
async def test_a_template_on_a_phone_number_is_billed_and_a_chat_without_a_number_has_no_country(tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    folder.mkdir()
    (folder / "whatsapp.yaml").write_text(WHATSAPP)
    (folder / "messenger.yaml").write_text(MESSENGER)
    async with house_running(tmp_path / "data", pages=True, GATEWAY_PRICES_DIR=str(folder)) as house:
        psid = await in_the_chat(house)
        await house.event(order(psid, whatsapp=True))

        async def confirmed() -> bool:
            return len(await bubbles(house, "messenger")) == 2

        await wait_until(confirmed, timeout=20)
        await house.page(RAIL, utility=False)
        await house.turn_clock(NOON + timedelta(days=3))
        await house.event(delay(NOON, 25, 1))

        async def billed() -> bool:
            return [one.said for one in await costs(house, "whatsapp")] == ["regular"]

        await wait_until(billed, timeout=30)
        book = house.runtime.tariffs.book if house.runtime else None
        assert book is not None
        (paid,) = rows(await costs(house, "whatsapp"), book, "notification")
        assert (paid.key, paid.messages, paid.expected, paid.real, paid.difference) == ("trip_delayed", 1, 20_000, 20_000, 0)
        chat = await costs(house, "messenger")
        assert {(one.country, one.brand) for one in chat} == {("", "exr")}
        assert {(one.category, one.expected) for one in chat} == {("service", 0)}
        (free,) = rows(chat, book, "channel")
        assert (free.messages, free.real_unknown) == (2, 2), "it says nothing of prices"
        assert ANNA[1:] not in str([*chat, paid])
