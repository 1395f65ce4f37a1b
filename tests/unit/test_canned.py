"""Canned answers: data that is checked whole, in the language of whoever is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.webcare.canned import for_page, load

ROOT = Path(__file__).parents[2]


def test_those_that_are_shipped_speak_four_languages() -> None:
    shipped = load(ROOT / "canned")
    assert len(shipped) >= 3
    assert {tuple(sorted(one.texts)) for one in shipped} == {("de", "en", "fr", "nl")}
    assert {tuple(sorted(one.title)) for one in shipped} == {("de", "en", "fr", "nl")}


def test_one_is_filled_in_for_the_customer_in_their_language_and_its_title_in_the_agents(tmp_path: Path) -> None:
    (tmp_path / "seat.yaml").write_text(
        'title: {en: Seat}\ntexts: {nl: "Dag {first_name}, {agent}", en: "Hi, {first_name}!"}\nbrands: [zz]'
    )
    (tmp_path / "other.yaml").write_text("title: {en: Other}\ntexts: {en: x}\nbrands: [exr]")
    found = load(tmp_path)

    def said(language: str, first_name: str) -> list[tuple[str, str]]:
        rows = for_page(found, brand="zz", language=language, first_name=first_name, agent="Sanne", locale="nl")
        assert [row["title"] for row in rows] == ["Seat"]
        return [(row["language"], row["text"]) for row in rows]

    assert said("nl-NL", "Mila") == [("nl", "Dag Mila, Sanne")]
    assert said("fr", "Mila {agent}") == [("en", "Hi, Mila {agent}!")]
    assert said("en", "") == [("en", "Hi!")]


def test_every_problem_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("title: {en: A}\ntexts: {en: 'Dear {surname}'}")
    (tmp_path / "b.yaml").write_text("title: {en: B}\ntexts: {english: x}\nmore: 1")
    (tmp_path / "c.yaml").write_text("{")
    with pytest.raises(SettingsError) as error:
        load(tmp_path)
    assert [line.split(":")[0] for line in error.value.problems] == ["a.yaml", "b.yaml", "b.yaml", "c.yaml"]
    assert load(tmp_path / "nowhere") == ()


def test_a_macro_says_what_follows_and_nothing_that_cannot(tmp_path: Path) -> None:
    (tmp_path / "done.yaml").write_text("title: {en: D}\ntexts: {en: x}\nthen: finish\nreason: delay")
    (tmp_path / "later.yaml").write_text("title: {en: L}\ntexts: {en: x}\nthen: park\nminutes: 60")
    rows = for_page(load(tmp_path), brand="zz", language="en", first_name="", agent="Sanne", locale="en")
    assert [row["follows"] for row in rows] == [
        {"then": "finish", "reason": "delay", "minutes": 0}, {"then": "park", "reason": "", "minutes": 60},
    ]  # fmt: skip
    for wrong in ("then: park", "minutes: 5", "reason: delay", "then: transfer", "then: park\nminutes: 5\nreason: delay"):
        (tmp_path / "wrong.yaml").write_text(f"title: {{en: W}}\ntexts: {{en: x}}\n{wrong}")
        with pytest.raises(SettingsError):
            load(tmp_path)
