"""The board's first sentence, for every state that the house may be in, in both languages."""

from __future__ import annotations

import pytest

from gateway.insight.watch_rules import load
from gateway.settings import ROLES
from gateway.store.alarms import Firing, Had
from gateway.webcare.board_line import Day, Pulled, line
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


ALL = Pulled("board.stopped", {"what": "all"}, NOW - 3 * 3600_000, "g1")
HELD = Pulled("board.held", {"n": 5_000}, NOW - 60_000)
BESIDE = [
    ([], (), [ALL], "trouble", "Stopped: everything automatic, for 3 h 00 now. Sanne did it."),
    ([], (), [HELD], "trouble", "Held back: news to 5000 people, for 1 min now. Nobody has it yet."),
    ([ASIDE], (), [ALL, HELD], "trouble",
     "Stopped: everything automatic, for 3 h 00 now. Sanne did it. And 1 brake more is on. Beside it 1 alert is put aside."),
    ([], ("dispatch",), [], "trouble", "No process sends messages. Read ProcessSilent."),
    ([alarm()], ("webhooks",), [ALL], "trouble",
     "The channel takes no messages, for 12 min now. Nobody has it yet. Read NothingSent. No process reads what customers write. "
     "Read ProcessSilent. Stopped: everything automatic, for 3 h 00 now. Sanne did it."),
    (None, (), [ALL], "unknown",
     "Nobody watches: whether all is well is not known. Stopped: everything automatic, for 3 h 00 now. Sanne did it."),
]  # fmt: skip


@pytest.mark.parametrize(("alarms", "missing", "pulled", "tone", "said"), BESIDE)
def test_all_is_never_well_where_a_brake_is_on_or_nobody_does_the_work(
    alarms: list[Had] | None, missing: tuple[str, ...], pulled: list[Pulled], tone: str, said: str
) -> None:
    found = line(words_in("en"), DAY, alarms, NAMES, NOW, missing=missing, pulled=pulled)
    assert (found.tone, found.text) == (tone, said)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_role_that_may_be_missing_has_words_in_each_language(locale: str) -> None:
    assert [role for role in ROLES if f"board.line.missing.{role}" not in words_in(locale).words] == []
