"""What messages say of themselves: complaints, reasons, language, on lines as people write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.errors import BadInput
from gateway.listening import WordLists, reasons
from gateway.model.personal import Personal
from gateway.model.webcare import Heard, Safety
from gateway.rules.language import language_of
from gateway.rules.reasons import HIDDEN_IN, SURE, ReasonRules, hides_proposals

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
LISTS = WordLists.load()
RULES = ReasonRules(LISTS.reasons)


def samples(what: str) -> list[tuple[str, str]]:
    """(what it is, its text)"""
    rows = (SAMPLES / what / "lines.txt").read_text("utf-8").splitlines()
    return [(head, text) for head, _, text in (row.partition(": ") for row in rows)]


# Language


def test_languages_are_told_apart_and_no_line_is_taken_for_another() -> None:
    rows = [("" if head == "-" else head, text) for head, text in samples("language")]
    assert len(rows) >= 100
    told = [(head, language_of(text), text) for head, text in rows]
    assert [one for one in told if one[1] not in ("", one[0])] == []
    assert sum(1 for head, found, _ in told if found == head) / len(told) >= 0.95


@pytest.mark.parametrize("text", ["", "ok", "👍", "ZZ1007", "5512", "+++", "Utrecht"])
def test_what_is_in_no_language_has_none(text: str) -> None:
    assert language_of(text) == ""


# Complaints


@pytest.mark.parametrize(("head", "text"), samples("complaints"))
def test_a_complaint_is_told_from_anger_and_from_a_question(head: str, text: str) -> None:
    found = LISTS.complaints.find(text)
    assert (found.value if found else "none") == head.split()[0]


# Reasons


def test_a_sure_reason_is_right_and_few_lines_have_none() -> None:
    rows = [(head.split()[0], text) for head, text in samples("reasons")]
    assert len(rows) >= 120
    sure = [(head, RULES.sure(text), text) for head, text in rows if RULES.sure(text)]
    assert [one for one in sure if one[0] != one[1]] == []
    assert len(sure) >= 0.9 * len(rows)


def test_a_line_of_two_reasons_proposes_both_and_is_sure_of_none() -> None:
    found = RULES.guess("I want my money back, the train was delayed")
    assert {one.reason for one in found} == {"refund", "delay"}
    assert all(one.p < SURE for one in found)
    assert RULES.sure("I want my money back, the train was delayed") == ""


def test_at_most_three_are_proposed_the_likeliest_first() -> None:
    found = RULES.guess("train delayed, suitcase not arrived, no internet, app is broken, where is my order")
    assert len(found) == 3
    assert [one.p for one in found] == sorted((one.p for one in found), reverse=True)


def test_one_conversation_in_twenty_shows_no_proposals_and_always_the_same_ones() -> None:
    names = [f"v{number:06d}" for number in range(4000)]
    hidden = [name for name in names if hides_proposals(name)]
    assert 0.8 < len(hidden) * HIDDEN_IN / len(names) < 1.2
    assert hidden == [name for name in names if hides_proposals(name)]


def test_the_shipped_reasons_are_two_levels_and_everybody_can_choose_every_one() -> None:
    groups = [one for one in LISTS.reasons if not one.parent]
    chosen = [one for one in LISTS.reasons if one.parent]
    assert len(groups) <= 12
    assert {one.parent for one in chosen} == {one.code for one in groups}
    assert len({one.shortcut for one in chosen}) == len(chosen)
    assert {one.reason for text in ("mijn vlucht is geannuleerd",) for one in RULES.guess(text)} == {"cancelled"}


def test_a_file_of_reasons_that_is_wrong_is_named_place_by_place(tmp_path: Path) -> None:
    label = "{nl: a, en: a, de: a, fr: a}"
    row = f"{{code: one, shortcut: one, label: {label}"
    cases = {
        "groups: []": "owner",
        f"owner: me\ngroups: [{{code: g, label: {label}, reasons: [{row}, words: {{en: ['a (']}}}}]}}]": "code",
        f"owner: me\ngroups: [{{code: gg, label: {{nl: a}}, reasons: [{row}}}]}}]": "gg.label",
        f"owner: me\ngroups: [{{code: gg, label: {label}, reasons: [{row}}}, {row}}}]}}]": "shortcut one",
        f"owner: me\ngroups: [{{code: gg, label: {label}, reasons: [{row}, words: {{en: ['a (']}}}}]}}]": "one.words.en",
        f"owner: me\ngroups: [{{code: gg, label: {label}, reasons: [{', '.join([row + '}'] * 9)}]}}]": "reasons",
        "owner: [": "cannot be read",
    }
    path = tmp_path / "reasons.yaml"
    for text, expected in cases.items():
        path.write_text(text, "utf-8")
        with pytest.raises(BadInput) as error:
            reasons.load(path)
        assert expected in str(error.value), text


# All together


def test_only_their_own_words_are_listened_to() -> None:
    listener = LISTS.listener()
    assert listener.hear("text", Personal("I have chest pain"), "en").safety is Safety.MEDICAL
    assert listener.hear("image", Personal("I have chest pain")).safety is Safety.MEDICAL, "below a picture too"
    assert listener.hear("button", Personal("I have chest pain"), "en") == Heard(usual="en")
    assert listener.hear("reaction", Personal("❤️")) == Heard()


def test_lists_of_the_house_take_the_place_of_the_shipped_ones_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "safety").mkdir()
    for language in ("nl", "en", "de", "fr"):
        (tmp_path / "safety" / f"{language}.txt").write_text(
            "".join(f"[{one.value}]\n{one.value.replace('_', ' ')}\n" for one in Safety), "utf-8"
        )
    lists = WordLists.load(tmp_path)
    assert lists.safety.find("I have chest pain") is None
    assert lists.safety.find("he was left behind") is Safety.LEFT_BEHIND
    assert lists.reasons == LISTS.reasons


def test_lint_says_what_a_message_would_be_taken_for_and_names_a_line_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--say", "he has chest pain, this is a formal complaint"]
    assert main(["webcare", "lint", "--dir", str(tmp_path), "--json", *asked]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["safety"], said["because of"]) == ("medical", "chest pain*")
    assert (said["complaint"], said["language"]) == ("certain", "en")
    (tmp_path / "complaints").mkdir()
    for language in ("nl", "en", "de", "fr"):
        (tmp_path / "complaints" / f"{language}.txt").write_text("[certain]\na+b\n[proposed]\nangry\n", "utf-8")
    assert main(["webcare", "lint", "--dir", str(tmp_path)]) != 0
    assert "nl.txt:2" in capsys.readouterr().err
