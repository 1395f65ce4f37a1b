"""Dialogs: what comes with the program is sound and begins by its words; every mistake in one is named."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.assistant import talking
from gateway.assistant.deciding import Decided
from gateway.assistant.dialogs import FOLDER, dialog_of, load
from gateway.assistant.lines import LABELS
from gateway.cli.main import main
from gateway.rules.own_asking import JOURNEY, ORDER, OUTAGE, asked, says_no, says_yes, wants_person
from gateway.store.assistants import AssistantMemory

SHIPPED = load()
LOST: dict[str, Any] = yaml.safe_load((FOLDER / "lost_item.yaml").read_text(encoding="utf-8"))
BEGINS = {
    "lost_item": (
        "I left my bag on the train", "ik ben mijn tas vergeten in de trein", "Ich habe meinen Rucksack im Zug vergessen",
        "j'ai oublié mon sac dans le train",
    ),
    "other_address": (
        "can you deliver my order to another address", "bezorgadres wijzigen", "Lieferadresse ändern",
        "pouvez-vous livrer à une autre adresse",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BEGINS)
def test_a_dialog_begins_by_its_words_in_four_languages_and_by_no_others(name: str) -> None:
    for text in BEGINS[name]:
        found = SHIPPED.begun(text, "zz")
        assert found is not None, text
        assert found.name == name
    for text in ("my train left late", "the train lost 10 minutes", "where is my order", "what is your address"):
        assert SHIPPED.begun(text, "zz") is None, text


def broken(**changes: Any) -> list[str]:
    raw = copy.deepcopy(LOST)
    for path, value in changes.items():
        place = raw
        *before, last = path.split("__")
        for one in before:
            place = place[one]
        if value is None:
            del place[last]
        else:
            place[last] = value
    _, _, problems = dialog_of("lost", raw)
    return [f"{one.field}: {one.message}" for one in problems]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"steps__train__go": "nowhere"}, "leads to 'nowhere', which is no step"),
        ({"steps__train__go": "looks"}, "comes back to itself"),
        ({"steps__noted__end": None}, "should have buttons, or go (any words lead there), or end"),
        ({"steps__looks__say__fr": None}, "say: should be there in en, nl, de, fr"),
        ({"steps__begin__buttons__bag__label__en": "A bag, a suitcase or a coat"}, "should have 1 to 20 characters; it has 27"),
        ({"steps__begin__buttons__bag__label__en": "Something else"}, "two have the same label in en"),
        ({"steps__looks__go": "noted"}, "train: is reached by nothing"),
        ({"steps__begin": None}, "begin: should be there"),
        ({"begins__nl": ["( ) &"]}, "begins.nl"),
        ({"steps__train__gone": "noted"}, "Extra inputs are not permitted"),
    ],
)
def test_every_mistake_is_named_with_its_place(changes: dict[str, Any], problem: str) -> None:
    found = broken(**changes)
    assert (not found) if not problem else any(problem in one for one in found), found


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("status?", "", ""), ("statut ?", "fr", ""), ("Hi, where is my parcel please", "en", ORDER),
        ("waar blijft mijn pakket", "nl", ORDER), ("wann kommt mein Paket", "de", ORDER), ("où est ma commande ?", "fr", ORDER),
        ("is my train on time?", "en", JOURNEY), ("heeft mijn trein vertraging?", "nl", JOURNEY),
        ("hat mein Zug Verspätung?", "de", JOURNEY), ("mon train est-il en retard ?", "fr", JOURNEY),
        ("when is the outage over?", "en", OUTAGE), ("wanneer hebben we weer stroom?", "nl", OUTAGE),
        ("wie ist der Status meiner Bestellung?", "de", ORDER), ("wat is de status van mijn bestelling?", "nl", ORDER),
    ],
)  # fmt: skip
def test_a_plain_question_of_ones_own_is_one(text: str, language: str, kind: str) -> None:
    found = asked(text)
    assert found is not None
    assert (found.language, found.kind) == (language, kind)


@pytest.mark.parametrize(
    "text",
    [
        "my suitcase is lost", "where is the refund for my order", "I missed my train", "mijn pakket is kapot",
        "where is my order, it is broken", "my train was late, I want money back", "cancel my order", "the power is back", "",
        "is my flight late? I have her insulin here",
    ],
)  # fmt: skip
def test_whoever_asks_anything_else_is_not_answered(text: str) -> None:
    assert asked(text) is None


def test_a_person_is_asked_for_in_four_languages_and_not_by_chance() -> None:
    wanted = ["person", "Mens", "een mens graag", "I want to talk to a person", "agent", "ik wil een medewerker spreken"]
    wanted += ["Mensch", "ich möchte mit einem Mitarbeiter sprechen", "je veux parler à un conseiller", "personne"]
    for text in wanted:
        assert wants_person(text), text
    for text in ("a person stole my bag", "the agent was rude", "mensen", "persoonlijk"):
        assert not wants_person(text), text
    for label in LABELS["no"].values():
        assert wants_person(label), "our own button, typed: in the middle of a dialog it is no answer"
    assert (says_yes("Ja!"), says_no("non"), says_yes("yes but"), says_no("not yet")) == (True, True, False, False)


def test_a_document_is_an_answer_only_where_it_was_asked_for_and_leads_on() -> None:
    assert any("should have go" in one for one in broken(steps__begin__document=True))
    raw = copy.deepcopy(LOST)
    raw["steps"]["looks"]["document"] = True
    dialog, _, problems = dialog_of("lost", raw)
    assert dialog is not None, problems
    begun = talking.begin(dialog, AssistantMemory(), "t", "en").memory
    refused = talking.answer(dialog, dialog.steps["begin"], begun, "t", "en", file=True)
    assert (refused.memory.misses, refused.memory.answers) == (1, ())
    taken = talking.answer(dialog, dialog.steps["looks"], begun, "t", "en", file=True)
    assert taken.memory.answers[-1][1] == talking.DOCUMENT
    assert Decided.load(Decided(True, private=True).dump()).private
    before = {name: value for name, value in Decided(True).dump().items() if name != "private"}
    assert not Decided.load(before).private, "as an older process kept it"


def test_an_answer_holds_no_more_than_a_thread_may() -> None:
    named = load().named["lost_item"]
    place, step = next((place, one) for place, one in named.steps.items() if one.go and one.card)
    memory = AssistantMemory(asked=f"{talking.PREFIX}lost_item/{place}")
    talked = talking.answer(named, step, memory, "t", "en", text="my wallet with card 4111 1111 1111 1111, password: hunter2")
    ((_, kept),) = talked.memory.answers
    assert "4111" not in kept
    assert "hunter2" not in kept
    assert "my wallet" in kept


def test_the_lint_command_names_each_mistake_and_says_what_a_message_would_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dialogs", "lint", "--dir", str(FOLDER), "--say", "I lost my bag on the train"]) == 0
    assert "begins lost_item" in capsys.readouterr().out
    assert main(["dialogs", "lint", "--dir", str(FOLDER), "--say", "what a nice day"]) == 0
    assert "begins none" in capsys.readouterr().out
    (tmp_path / "odd.yaml").write_text("about: x\nbegins: {}\nsteps: {begin: {say: {}, go: nowhere}}")
    assert main(["dialogs", "lint", "--dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "odd.steps.begin" in said
    assert "'nowhere', which is no step" in said
