"""The words for who waits in a queue, in their language: "closed" with when it opens, "full" with how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from gateway.assistant.lines import LONGER, UNKNOWN, WAITS, WITHIN, spoken
from gateway.assistant.saying import SystemLines
from gateway.model.conversation import Conversation
from gateway.rules.waits import STEPS_MIN
from gateway.webcare.presence import TOOK_OVER
from gateway.webcare.told import CLOSED, FULL


@dataclass(frozen=True, slots=True)
class QueueWords:
    """Says what `told.Telling` decides; under the epoch that was seen, so who is somebody's by now hears nothing of queues."""

    lines: SystemLines

    async def __call__(self, one: Conversation, line: str, params: Mapping[str, str | int], key: str) -> object:
        facts = (await self.lines.contacts.facts_of([one.contact]))[0]
        language = spoken(one.language, facts.language)
        if line == CLOSED:
            opens_ms = int(params["opens_ms"])
            if not opens_ms:
                return None  # it opens no more: no time to give, and doctor has told the operator
            said = {"when": opening(opens_ms, str(params["timezone"]), self.lines.clock.now_ms(), language)}
        elif line == TOOK_OVER:  # it stands in its queue again, so under a new epoch
            return await self.lines.say(one.id, line, key=key, language=language)
        else:
            assert line == FULL
            said = {"wait": wait(int(params["minutes"]), language)}
        return await self.lines.say(one.id, line, said, key=key, epoch=one.epoch, language=language)


def opening(opens_ms: int, timezone: str, now_ms: int, language: str) -> str:
    """The time of an opening by its own clock: "08:00", on another day "Monday 23 November, 08:00"."""
    zone = ZoneInfo(timezone)
    opens, now = (datetime.fromtimestamp(ms / 1000, zone) for ms in (opens_ms, now_ms))
    form = "HH:mm" if opens.date() == now.date() else "EEEE d MMMM, HH:mm"
    return format_datetime(opens, form, tzinfo=zone, locale=language)


def wait(minutes: int, language: str) -> str:
    """minutes: of the step; 0 longer than the last one, -1 nobody knows"""
    if minutes < 0:
        return WAITS[UNKNOWN][language]
    kind = WITHIN if minutes else LONGER
    return WAITS[kind][language].format(minutes=minutes or STEPS_MIN[-1])
