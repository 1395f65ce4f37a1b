"""The words that stop us, one table of what is one and what only looks so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.rules.stops import is_start, stop_language, stops_all

TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "data" / "stops.yaml").read_text("utf-8"))


@pytest.mark.parametrize(("text", "language", "everything"), TABLE["stops"])
def test_nothing_but_a_stop_word_stops(text: str, language: str, everything: bool) -> None:
    assert stop_language(text) == language
    assert stops_all(text) is everything
    assert not is_start(text)


@pytest.mark.parametrize("text", TABLE["looks_so"])
def test_any_other_word_beside_it_makes_it_talk(text: str) -> None:
    assert stop_language(text) is None
    assert not stops_all(text)


@pytest.mark.parametrize("text", TABLE["starts"])
def test_a_start_word_alone_resumes(text: str) -> None:
    assert is_start(text)
    assert stop_language(text) is None


@pytest.mark.parametrize("text", TABLE["no_starts"])
def test_what_only_sounds_like_a_start_resumes_nothing(text: str) -> None:
    assert not is_start(text)


def test_the_table_is_as_large_as_it_must_be_in_every_language() -> None:
    assert len(TABLE["stops"]) >= 60
    assert len(TABLE["looks_so"]) >= 60
    assert {language for _, language, _ in TABLE["stops"]} == {"und", "nl", "en", "de", "fr"}


def test_a_letter_that_begins_with_stop_is_read_as_a_letter() -> None:
    assert stop_language("stop " * 150) == "und"
    assert stop_language("stop " * 5000) is None
