"""What somebody in a queue reads, in four languages."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.assistant.lines import CLOSED, FULL, LANGUAGES, text_of
from gateway.webcare.queue_words import opening, wait


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Amsterdam")).timestamp() * 1000)


@pytest.mark.parametrize(
    ("language", "later", "today"),
    [
        ("en", "From Monday 23 November, 08:00 a person", "From 18:30 a person"),
        ("nl", "Vanaf maandag 23 november, 08:00 antwoordt", "Vanaf 18:30 antwoordt"),
        ("de", "Ab Montag 23 November, 08:00 antwortet", "Ab 18:30 antwortet"),
        ("fr", "À partir de lundi 23 novembre, 08:00, une", "À partir de 18:30, une"),
    ],
)
def test_an_opening_is_said_by_its_own_clock(language: str, later: str, today: str) -> None:
    now = at("2026-11-21T17:10")
    for opens, says in (("2026-11-23T08:00", later), ("2026-11-21T18:30", today)):
        when = opening(at(opens), "Europe/Amsterdam", now, language)
        assert says in text_of(CLOSED, language, {"when": when, "brand": "B"})


@pytest.mark.parametrize(
    ("minutes", "says"), [(5, "less than 5 minutes"), (0, "more than 30 minutes"), (-1, "It takes a while until")]
)
def test_a_wait_is_said_in_steps(minutes: int, says: str) -> None:
    assert says in text_of(FULL, "en", {"wait": wait(minutes, "en"), "brand": "B"})
    assert len({text_of(FULL, one, {"wait": wait(minutes, one), "brand": "B"}) for one in LANGUAGES}) == 4
