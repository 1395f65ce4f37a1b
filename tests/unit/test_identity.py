"""Who somebody is in a chat, and what is shown by it."""

from __future__ import annotations

import pytest

from gateway.model.agent import Agent, AgentId
from gateway.model.contact import Proof
from gateway.model.conversation import Conversation
from gateway.rules.identity import IDLE_MS, MAX_MS, Datum, Level, cover, level, shows
from gateway.webcare.views import shown_to
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
    assert level(Proof.APP_LOGIN, OPENED - 1, OPENED, OPENED) is Level.RECOGNISED
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


def test_codes_are_covered_in_text_and_links_and_look_alikes_stay() -> None:
    said = "Booking zx7k2p, see https://example.org/b/ZX7K2P?x=1 or AZX7K2P, gate D24."
    assert cover(said, ["ZX7K2P", "D24"]) == "Booking ••••, see https://example.org/b/••••?x=1 or AZX7K2P, gate D24."
    assert cover(said, []) == said
