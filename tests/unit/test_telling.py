"""Who is told what while they wait, with the store and the words played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId
from gateway.model.webcare import Calendar, Interval, Queue
from gateway.rules.assign import Turn
from gateway.store.floor import Notes
from gateway.store.queue_told import Told
from gateway.webcare.floor import View
from gateway.webcare.told import Telling
from tests.support.team import NOW, plan, waiting

OPENED = Calendar("opened", "UTC", ((Interval(8 * 60, 12 * 60), Interval(16 * 60, 18 * 60)),) * 7)
"""NOW is the moment at which it opens in the afternoon."""


class _Kept:
    async def many(self, conversations: Sequence[ConversationId]) -> dict[ConversationId, Told]:
        return {one: Told() for one in conversations}

    async def put(self, conversation: ConversationId, told: Told) -> None: ...


@pytest.mark.parametrize(
    ("waited_s", "after_s", "told"), [(5 * 3600, 9, []), (5 * 3600, 10, ["full"]), (12, 2, []), (0, 10, ["full"])]
)
async def test_when_it_opens_nobody_hears_at_once_that_it_takes_a_while(waited_s: int, after_s: int, told: list[str]) -> None:
    said: list[str] = []

    async def say(one: Conversation, line: str, params: Mapping[str, str | int], key: str) -> None:
        said.append(line)

    one = waiting(waited_s=waited_s)
    assert NOW % 86_400_000 == 16 * 3_600_000
    telling = Telling(say, _Kept(), plan(Queue("general", calendar="opened"), calendars=(OPENED,)))  # type: ignore[arg-type]
    await telling.look(View({"general": [one]}), Turn(full=(one.id,)), Notes(NOW), NOW + after_s * 1000)
    assert said == told
