"""Words around a family: languages of a join, names, what a traveller asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.invitation import Purpose
from gateway.planning.waysin_links import WORDS
from gateway.rules.family_words import (
    _BY_PHRASE,
    NAME_MAX,
    Command,
    clean_name,
    command_of,
    language_of_words,
    name_in,
    numbers_in,
    says_more,
)
from gateway.rules.stops import stop_language


@pytest.mark.parametrize("language", sorted(WORDS))
def test_the_words_that_a_link_brings_say_their_language(language: str) -> None:
    assert language_of_words(WORDS[language][Purpose.FAMILY].format(code="ABCD-1234")) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ik wil de ries volgn, code ABCD-1234", "nl"),
        ("hello! I want to folow the jurney please ABCD-1234", "en"),
        ("ICH MOECHTE DIE REISE VERFOLGEN abcd1234", "de"),
        ("bonjour je veux suivre le voyage code abcd 1234", "fr"),
        ("ABCD-1234", ""),
        ("code ABCD-1234", ""),
        ("quiero seguir el viaje, código ABCD-1234", ""),
    ],
)
def test_a_misspelt_join_still_says_its_language_and_a_bare_code_says_none(text: str, language: str) -> None:
    assert language_of_words(text) == language


@pytest.mark.parametrize(
    ("text", "more"),
    [
        *((WORDS[language][Purpose.FAMILY].format(code="ABCD-1234"), False) for language in WORDS),
        ("ABCD-1234", False),
        ("ik wil de reis volgn, code ABCD-1234, groetjes tante Bep", False),
        ("Ik wil de reis volgen, code ABCD-1234. Mijn koffer is kwijt", True),
        ("Hoi! ik wil graag de ries volgen, code bqoi orfy groetjes", False),
        ("Hoi! ik wil graag de ries volgen, code bqoi orfy. Mijn koffer is kwijt", True),
        ("ABCD-1234 please call me, she is diabetic", True),
        ("ABCD-1234 waar is ze?", True),
        ("Je veux suivre le voyage, code ABCD-1234, ma mère est malade", True),
        ("Ich möchte die Reise verfolgen, Code ABCD-1234. Bitte rufen Sie mich an", True),
    ],
)
def test_who_says_more_than_that_they_join_is_read_by_a_person(text: str, more: bool) -> None:
    assert says_more(text) is more


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Oma", "Oma"),
        ("oma Riet", "oma Riet"),
        ("Noem me maar Tante Bep", "Tante Bep"),
        ("I'm Grandpa.", "Grandpa"),
        ("Je m’appelle Zoé !", "Zoé"),
        ("ich heiße Jürgen", "Jürgen"),
        ("waar is ie nu", ""),
        ("when do they land", ""),
        ("Waarom?", ""),
        ("bedankt", ""),
        ("ok", ""),
        ("https://evil.example", ""),
        ("kijk op evil.example/win", ""),
        ("+44 7700 900123", ""),
        ("this is really a whole sentence of mine", ""),
        ("\u202eamO", "amO"),
        ("Zeg maar Bep", "Bep"),
        ("Iris, 2 Jan", "Iris 2 Jan"),
        ("liever niet", ""),
        ("rather not", ""),
        ("lieber nicht", ""),
        ("je préfère pas", ""),
        ("koffer kwijt", ""),
        ("bel me", ""),
        ("ik ben boos", ""),
        ("I'm worried", ""),
        ("ich bin krank", ""),
        ("je suis inquiète", ""),
        ("English please", ""),
        ("super", ""),
        ("thank you", ""),
        ("😀", ""),
    ],
)
def test_a_short_answer_is_a_name_and_a_question_is_none(text: str, name: str) -> None:
    assert name_in(text) == name


@given(st.text(max_size=200))
def test_no_name_holds_a_control_sign_or_a_link_whatever_somebody_is_called(said: str) -> None:
    name = clean_name(said)
    assert len(name) <= NAME_MAX
    assert name == " ".join(name.split())
    assert name.isprintable()
    assert not any(mark in name for mark in ("http", "://", "@", "{", "}", "www."))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Wie volgt mij?", Command.WHO),
        ("who follows me please", Command.WHO),
        ("Wer folgt mir?", Command.WHO),
        ("Qui me suit ?", Command.WHO),
        ("Sluit de link", Command.CLOSE),
        ("öffne den Link bitte", Command.OPEN),
        ("Renouveler le lien s'il vous plaît", Command.RENEW),
        ("stop het volgen", Command.END),
        ("send the link again", Command.LINK),
        ("Tell my home front!", Command.BEGIN),
        ("Retirer quelqu'un", Command.OUT),
        ("wie volgt mij eigenlijk en mag ik dat stoppen", None),
        ("can you close the link to the website in your mail?", None),
        ("link naar de site werkt niet", None),
    ],
)
def test_only_the_words_written_down_are_a_command(text: str, command: Command | None) -> None:
    assert command_of(text) == command


def test_no_command_is_a_stop_word() -> None:
    assert [phrase for phrase in _BY_PHRASE if stop_language(phrase) is not None] == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("2", [2]), ("2.", [2]), ("haal 2 eruit", [2]), ("remove number 3", [3]), ("2 en 4", [2, 4]), ("2, 4 und 5", [2, 4, 5]),
        ("nimm 1 raus", [1]), ("retirez 3 svp", [3]), ("0", []), ("21", [21]), ("201", []), ("2 koffers", []), ("om 12 uur", []),
        ("20260101", []),
    ],
)  # fmt: skip
def test_numbers_are_an_answer_only_where_nothing_else_is_said(text: str, numbers: list[int]) -> None:
    assert numbers_in(text) == numbers
