"""Who somebody is in a chat, and what is shown by it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gateway.model.agent import Agent, AgentId
from gateway.model.contact import Proof
from gateway.model.conversation import AUTOMATION, Conversation, Entry, EntryKind
from gateway.model.identity import Shown
from gateway.model.personal import Personal
from gateway.rules.identity import IDLE_MS, MAX_MS, OPENING_MS, Datum, Level, cover, level, shows
from gateway.rules.masking import codes_in
from gateway.webcare.lines import house_text
from gateway.webcare.team import TEAM, allowed
from gateway.webcare.views import shown_to
from gateway.webhooks.identity_page import TEXTS, asking
from gateway.webhooks.invite_page import LANGUAGES
from tests.unit.test_rights import held_in, person

OPENED, NOW = 1_000_000_000, 1_000_600_000


@pytest.mark.parametrize("proof", [Proof.OTP, Proof.INBOUND, Proof.LINK])
def test_a_proof_of_the_chat_itself_makes_somebody_recognised_and_no_more(proof: Proof) -> None:
    assert level(proof, NOW, OPENED, NOW) is Level.RECOGNISED
    assert level(None, NOW, OPENED, NOW) is Level.UNKNOWN


def test_a_login_proves_from_outside_for_half_an_hour_of_silence_and_a_day_at_most() -> None:
    assert level(Proof.APP_LOGIN, NOW, OPENED, NOW + IDLE_MS - 1) is Level.VERIFIED
    assert level(Proof.APP_LOGIN, NOW, OPENED, NOW + IDLE_MS) is Level.RECOGNISED
    talking = NOW + MAX_MS - 1
    assert level(Proof.APP_LOGIN, NOW, OPENED, talking, active_ms=talking) is Level.VERIFIED
    assert level(Proof.APP_LOGIN, NOW, OPENED, talking + 1, active_ms=talking) is Level.RECOGNISED


def test_a_login_before_this_conversation_or_dated_in_the_future_proves_nothing_here() -> None:
    assert level(Proof.APP_LOGIN, OPENED - OPENING_MS - 1, OPENED, OPENED) is Level.RECOGNISED
    assert level(Proof.APP_LOGIN, OPENED - OPENING_MS, OPENED, OPENED) is Level.VERIFIED, "the app's link opened it"
    assert level(Proof.APP_LOGIN, NOW + 1, OPENED, NOW) is Level.RECOGNISED


def test_the_table_shows_a_first_name_to_all_and_codes_from_a_proof_on() -> None:
    assert [shows(held, Datum.FIRST_NAME) for held in Level] == [True, True, True, True]
    assert [shows(held, Datum.STATUS) for held in Level] == [False, True, True, True]
    assert [shows(held, Datum.FULL_NAME) for held in Level] == [False, False, True, True]
    assert [shows(held, Datum.CODE) for held in Level] == [False, False, True, True]


@pytest.mark.parametrize(
    ("rights", "proved", "seen"),
    [
        ("agent@nl", Level.RECOGNISED, False),
        ("agent@nl", Level.VERIFIED, True),
        ("senior@nl", Level.RECOGNISED, False),
        ("auditor@nl", Level.VERIFIED, False),
        ("agent@be", Level.VERIFIED, False),
        ("supervisor@nl", Level.UNKNOWN, True),
        ("supervisor@be", Level.UNKNOWN, False),
    ],
)
def test_what_is_proved_is_shown_to_who_answers_and_the_rest_to_supervisors_only(rights: str, proved: Level, seen: bool) -> None:
    one: Conversation = held_in("service")
    who: Agent = person(rights)
    assert who.id != AgentId("")
    assert shows(shown_to(who, one, proved), Datum.CODE) is seen
    assert shows(shown_to(None, one, proved), Datum.CODE) is (proved >= Level.VERIFIED)


def test_who_somebody_is_is_said_by_supervisors_of_that_queue_whoever_has_it() -> None:
    one = replace(held_in("service"), owner=person("agent@nl").id)
    rights = ("agent@nl", "senior@nl", "supervisor@nl/sales", "supervisor@nl")
    may = [allowed(TEAM["verify"], person(held), one) for held in rights]
    assert may == [False, False, False, True]


def test_codes_are_covered_in_text_and_links_and_look_alikes_stay() -> None:
    said = "Booking zx7k2p, see https://example.org/b/ZX7K2P?x=1 or AZX7K2P, gate D24."
    assert cover(said, ["ZX7K2P", "D24"]) == "Booking ••••, see https://example.org/b/••••?x=1 or AZX7K2P, gate D24."
    assert cover(said, []) == said


def line(kind: EntryKind, author: str, text: str, template: dict[str, str] | None = None) -> Entry:
    return Entry("1-0", kind, NOW, author, "", "", "k", Personal(text), template=template)


def test_what_the_house_filled_in_is_covered_and_what_people_wrote_stays() -> None:
    said, token = "Your booking ZX7K2P for Berg", "07" + "a" * 32
    for covered in (line(EntryKind.OUT, AUTOMATION, said), line(EntryKind.OUT, "g-ann", said, {"name": "desk_follow_up"})):
        assert house_text(covered, ["ZX7K2P", "Berg"]) == "Your booking •••• for ••••"
    for stays in (line(EntryKind.OUT, "g-ann", said), line(EntryKind.IN, "", said), line(EntryKind.NOTE, "g-ann", said)):
        assert house_text(stays, ["ZX7K2P", "Berg"]) == said
    link = line(EntryKind.OUT, AUTOMATION, f"Show it: https://zz.example/k/{token}")
    assert house_text(link, []) == "Show it: https://zz.example/k/••••", "whoever may see all still gets no link"


def test_what_was_shown_here_counts_from_then_on_unless_they_said_not_me_later() -> None:
    shown = Shown(verified_ms=NOW, heard_ms=NOW, how="code")
    assert level(Proof.INBOUND, OPENED, OPENED, NOW + IDLE_MS - 1, shown=shown) is Level.VERIFIED
    assert level(Proof.INBOUND, OPENED, OPENED, NOW + IDLE_MS, shown=shown) is Level.RECOGNISED
    assert level(None, NOW + 1, OPENED, NOW + 2, shown=shown) is Level.UNKNOWN
    assert level(None, NOW - 1, OPENED, NOW + 2, shown=shown) is Level.VERIFIED
    fresh = replace(shown, granted="bank", granted_ms=NOW + 10)
    assert [level(Proof.LINK, OPENED, OPENED, at, shown=fresh) for at in (NOW + 9, NOW + 10)] == [Level.FRESH, Level.VERIFIED]
    heard = replace(shown, heard_ms=NOW + MAX_MS - 1)
    assert level(Proof.LINK, OPENED, OPENED, NOW + MAX_MS, shown=heard) is Level.RECOGNISED


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_all_of_it_in_each_language_and_names_nobody(language: str) -> None:
    assert set(TEXTS[language]) == set(TEXTS["en"])
    for name, text in TEXTS[language].items():
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", TEXTS["en"][name])), name
    drawn = asking(language, "<Air>", "https://zz.example", "/k/07", login=True, code=True, sent=True, said="wrong", left=2)
    assert "&lt;Air&gt;" in drawn
    assert "<Air>" not in drawn
    assert [found in drawn for found in ("/k/07/login", "/k/07/code", "/k/07/send")] == [True, True, True]
    paused = asking(language, "Air", "", "/k/07", login=True, code=True, sent=True, said="paused", minutes=30)
    assert "/k/07/" not in paused, "nothing is offered in a pause"


def test_what_may_be_a_code_is_found_as_it_was_written_and_numbers_of_other_lengths_are_not() -> None:
    assert codes_in("204 816, 551200 and 12-34-56, 1234567, +447700900, A204816, 204.817") == {
        "204816": "204 816", "551200": "551200", "123456": "12-34-56", "204817": "204.817",
    }  # fmt: skip


WRITTEN = (
    "2 0 4 8 1 6", "204\u00a0816", "20 48 16", "204\u2013816", "٢٠٤٨١٦", "\uff12\uff10\uff14\uff18\uff11\uff16",
    "204\n816", "12 204816 7",
)  # fmt: skip


@pytest.mark.parametrize("said", WRITTEN)
def test_a_code_is_found_however_it_is_typed(said: str) -> None:
    found = codes_in(f"here it is: {said}.")
    assert "204816" in found
    assert found["204816"] in said
