"""The board's first sentence, for every state that the house may be in, in both languages."""

from __future__ import annotations

import pytest

from gateway.insight.watch_rules import load
from gateway.store.alarms import Firing, Had
from gateway.webcare.board_line import Day, line
from gateway.webcare.catalogue import LOCALES, words_in

NOW = 1_795_400_000_000
DAY = Day(12_410, 3, 0, 2.4)
NAMES = {"g1": "Sanne"}


def alarm(name: str = "NothingSent", severity: str = "page", minutes: int = 12, owner: str = "", aside_ms: int = 0) -> Had:
    since = NOW - minutes * 60_000
    return Had(Firing(f"f-{name}", name, severity, "its own summary", f"docs/runbook/{name}.md", since), owner, aside_ms)


TELL = alarm("ClockSkew", "tell", 90)
ASIDE = alarm(owner="g1", aside_ms=NOW + 1)
CASES = [
    ("en", DAY, [], "well", "All well: 12,410 told today, 3 late, 0 lost, oldest urgent 2 s."),
    ("nl", DAY, [], "well", "Alles goed: 12.410 verteld vandaag, 3 te laat, 0 verloren, oudste dringende 2 s."),
    ("en", Day(), [], "well", "All well: how many were told today is not known."),
    ("en", DAY, None, "unknown", "Nobody watches: whether all is well is not known."),
    ("nl", DAY, None, "unknown", "Niemand kijkt mee: of alles goed gaat, is niet bekend."),
    ("en", DAY, [alarm()], "trouble", "The channel takes no messages, for 12 min now. Nobody has it yet. Read NothingSent."),
    (
        "nl", DAY, [alarm(owner="g1")], "trouble",
        "Het kanaal neemt geen berichten aan, nu al 12 min. Sanne is ermee bezig. Lees NothingSent.",
    ),
    (
        "en", DAY, [TELL, alarm()], "trouble",
        "The channel takes no messages, for 12 min now. Nobody has it yet. Read NothingSent. And 1 alert more.",
    ),
    (
        "en", DAY, [ASIDE, TELL, alarm("StoreAtRisk", owner="g1"), alarm("ProcessSilent", minutes=1)], "trouble",
        "A part of the program gives no sign of life, for 1 min now. Nobody has it yet. Read ProcessSilent. And 3 alerts more.",
    ),
    (
        "en", DAY, [ASIDE], "aside",
        "Nothing new: 1 alert is put aside; 12,410 told today, 3 late, 0 lost, oldest urgent 2 s.",
    ),
    (
        "en", DAY, [alarm(owner="g1", aside_ms=NOW)], "trouble",
        "The channel takes no messages, for 12 min now. Sanne has it. Read NothingSent.",
    ),
    ("en", DAY, [alarm("Unheard")], "trouble", "its own summary, for 12 min now. Nobody has it yet. Read Unheard."),
]  # fmt: skip


@pytest.mark.parametrize(("locale", "day", "alarms", "tone", "said"), CASES)
def test_one_sentence_says_what_is_wrong_since_when_who_has_it_and_what_to_read(
    locale: str, day: Day, alarms: list[Had] | None, tone: str, said: str
) -> None:
    found = line(words_in(locale), day, alarms, NAMES, NOW)
    assert (found.tone, found.text) == (tone, said)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_alert_that_may_fire_has_words_in_each_language(locale: str) -> None:
    assert [rule.name for rule in load() if f"alarm.{rule.name}" not in words_in(locale).words] == []
