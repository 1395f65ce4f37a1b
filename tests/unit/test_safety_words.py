"""Words that cannot wait: forty lines that need somebody at once and forty harmless ones a language, as people write."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.errors import BadInput
from gateway.listening.lists import LANGUAGES
from gateway.listening.safety import load
from gateway.model.webcare import Safety
from gateway.rules.phrases import Phrasebook, parse, tokens

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "safety"
WORDS = load()


def lines(language: str, what: str) -> list[str]:
    return (SAMPLES / f"{language}_{what}.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_that_cannot_wait_is_found(language: str) -> None:
    urgent = [line.split(": ", 1) for line in lines(language, "urgent")]
    assert len(urgent) >= 40
    assert {kind for kind, _ in urgent} == {one.value for one in Safety}
    assert [text for _, text in urgent if WORDS.find(text) is None] == []
    assert [(kind, text) for kind, text in urgent if WORDS.find(text) != kind] == [], "the kind that the alert names"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_harmless_line_is_taken_for_one(language: str) -> None:
    harmless = lines(language, "harmless")
    assert len(harmless) >= 40
    assert [(text, WORDS.why(text)[0].phrase.line) for text in harmless if WORDS.why(text)] == []


def test_lines_that_were_once_missed_are_found_and_idioms_once_mistaken_are_left_alone() -> None:
    assert [text for text in lines("more", "urgent") if WORDS.find(text) is None] == []
    assert [(text, WORDS.why(text)[0].phrase.line) for text in lines("more", "harmless") if WORDS.why(text)] == []


def test_of_several_kinds_the_gravest_is_named() -> None:
    assert WORDS.find("we are stranded at the airport and my wife just fainted") is Safety.MEDICAL


def test_a_language_they_do_not_usually_write_is_listened_to_as_well() -> None:
    assert WORDS.find("hallo mijn trein. sorry, in english: my father has chest pain") is Safety.MEDICAL


def test_a_message_is_read_in_under_a_millisecond() -> None:
    said = [text for language in LANGUAGES for what in ("urgent", "harmless") for text in lines(language, what)]
    best = min(_seconds(said) for _ in range(3))
    assert best / len(said) < 0.001


def test_the_longest_message_made_to_be_slow_is_read_in_a_few_milliseconds() -> None:
    hostile = "child " * 300 + "alone " * 300 + "heart " * 200
    assert min(_seconds([hostile]) for _ in range(3)) < 0.05


def _seconds(said: list[str]) -> float:
    began = time.process_time()
    for text in said:
        WORDS.find(text)
    return time.process_time() - began


# How a line is read


def found(line: str, text: str, *more: str) -> bool:
    return bool(Phrasebook([parse("danger", one) for one in (line, *more)]).find(text))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("heart attack", "My dad: HEART attack!!"),
        ("heart attack", "heart, attack"),
        ("cant breathe", "I can’t breathe"),
        ("fumee", "de la fumée"),
        ("ascenseur", "dans l'ascenseur"),
        ("ascenseur", "dans lascenseur"),
        ("suffocat*", "she is suffocating"),
        ("help/sos me", "sos me please"),
        ("a (very) sick child", "a sick child"),
        ("a (very) sick child", "a very sick child"),
        ("stuck .. lift", "stuck in the old lift"),
        ("ambulance", "send an ambulence"),
        ("ambulance", "send an amublance"),
        ("help me", "heeeeelp me"),
        ("sos", "🆘"),
    ],
)
def test_it_is_found_as_people_write_it(line: str, text: str) -> None:
    assert found(line, text)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("heart attack", "attack heart"),
        ("heart attack", "that broke my heart. Attack the problem"),
        ("stuck .. lift", "stuck here since early this morning lift"),
        ("stuck .. lift", "I am stuck. The lift is fine"),
        ("fire", "fine"),  # too short for a slip
        ("killed", "billed"),  # the first letter holds
        ("suffocat*", "suffo"),
    ],
)
def test_it_is_not_found_in_other_words(line: str, text: str) -> None:
    assert not found(line, text)


def test_what_is_not_meant_hides_only_what_it_touches() -> None:
    book = ("died", "- phone died")
    assert not found(book[0], "my phone died", book[1])
    assert found(book[0], "my phone died and then my neighbour died", book[1])


def test_a_sign_that_means_nothing_is_refused_with_its_line() -> None:
    for line in ("he said [x]", "..", "stuck ..", "(very) sick", "sic*", "a+b"):
        with pytest.raises(BadInput) as error:
            parse("danger", line)
        assert error.value.problems[0].field == line


def test_a_list_that_is_wrong_or_missing_is_named_with_file_and_line(tmp_path: Path) -> None:
    for language in LANGUAGES[1:]:
        (tmp_path / f"{language}.txt").write_text("".join(f"[{one.value}]\nhelp\n" for one in Safety), "utf-8")
    (tmp_path / "en.txt").write_text("fire\n[dangr]\n[danger]\n# a remark\nbroken (\n[medical]\nhelp", "utf-8")
    with pytest.raises(BadInput) as error:
        load(tmp_path)
    said = [(one.field, one.message) for one in error.value.problems]
    assert [field for field, _ in said] == [
        str(tmp_path / "nl.txt"), "en.txt:1", "en.txt:2", "en.txt:5", *["en.txt"] * 4,
    ]  # fmt: skip
    assert "[danger], [medical]" in said[2][1]


def test_words_are_folded_alike_in_list_and_message() -> None:
    said = "Ça va? L’été, j'ai DIT «non»…\nm'n zoon"
    assert tokens(said) == ["ca", "va", ".", "ete", "ai", "dit", "non", ".", ".", "mn", "zoon"]
