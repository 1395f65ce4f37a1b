"""The desk's words: both languages have all of them, nobody asks for one that is not there, and none stands there unsaid."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest
import yaml

from gateway.model.touch import BeenThrough, Counted, TimelineItem
from gateway.store.presence import BREAKS
from gateway.webcare import words
from gateway.webcare.catalogue import FILE, LOCALES, PAGE, locale_of, words_in
from gateway.webcare.pages import KEY_LIST, STATIC, _environment
from gateway.webcare.searching import CardPast

CONSOLE = STATIC.parent
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (CONSOLE / "templates").glob("*.html")}
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js") if ".min." not in path.name}
DRAWN = ("mark.", "by.", "status.", "keys.", "mine.", "queue.", "parked.", "undelivered.", "why.how.", "past.", "alarm.",
         "identity.", "board.", "several.why.",
         "line.free")  # fmt: skip
"""Beginnings of keys that a template puts together."""


def asked_for() -> set[str]:
    """Keys that a page surely asks for."""
    keys = {key for text in TEMPLATES.values() for key in re.findall(r'\bt\("([\w.]+)"[,)]', text)}
    keys |= {PAGE + key for text in SCRIPTS.values() for key in re.findall(r'\bt\("([\w.]+)"[,)]', text)}
    return keys | {f"keys.{name}" for name, _ in KEY_LIST} | {f"status.break.{kind}" for kind in BREAKS}


def spoken() -> set[str]:
    """Every string of templates and scripts that could be a key."""
    named = {key for text in TEMPLATES.values() for key in re.findall(r'"([\w.]+)"', text)}
    return named | {PAGE + key for text in SCRIPTS.values() for key in re.findall(r'"([\w.]+)"', text)}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_that_a_page_asks_for_is_there_in_each_language(locale: str) -> None:
    assert asked_for() - set(words_in(locale).words) == set()
    assert [key for key, text in words_in(locale).words.items() if not text.strip()] == []


def test_no_word_stands_there_that_nobody_says() -> None:
    unsaid = {key.removesuffix(".one") for key in words_in("en").words} - spoken()
    assert {key for key in unsaid if not key.startswith(DRAWN)} == set()


def test_both_languages_fill_the_same_places() -> None:
    for key, english in words_in("en").words.items():
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, words_in("nl").words[key])]
        assert places[0] == places[1], key


def test_the_file_names_no_word_twice() -> None:
    names = re.findall(r"^  ([\w.]+): \{", FILE.read_text(encoding="utf-8"), re.M)
    assert len(names) == len(set(names)) == len(yaml.safe_load(FILE.read_text(encoding="utf-8"))["words"])


@pytest.mark.parametrize(
    ("chosen", "accepted", "locale"),
    [("", "nl-NL,nl;q=0.9", "nl"), ("", "de-DE, en-GB;q=0.7", "en"), ("nl", "en", "nl"), ("", "", "en"), ("xx", "fr", "en")],
)
def test_the_agents_own_language_goes_before_their_browsers(chosen: str, accepted: str, locale: str) -> None:
    assert locale_of(chosen, accepted) == locale


def test_ages_and_dates_are_said_in_the_language() -> None:
    dutch = words_in("nl")
    assert [dutch.age(ms) for ms in (5_000, 720_000, 11_100_000, 200_000_000)] == ["5 s", "12 min", "3 u 05", "2 d"]
    assert dutch.date(1_772_582_400_000) == "4 mrt 2026"
    assert words_in("en").date(1_772_582_400_000) == "4 Mar 2026"


def test_what_came_from_elsewhere_is_what_it_was() -> None:
    digest = hashlib.sha256((STATIC / "idiomorph-0.8.0.min.js").read_bytes()).hexdigest()
    assert digest == "4cbd535caf7663a51eda9bce6595371c384fc430d54b8d414e29a61167f19f96"
    assert "Zero-Clause BSD" in (CONSOLE / "licences" / "idiomorph-0.8.0.txt").read_text(encoding="utf-8")


def test_the_desks_files_weigh_less_than_80_kb_compressed_and_none_comes_from_elsewhere() -> None:
    """The page itself comes on top: a browser test measures the whole first load."""
    files = [path for path in STATIC.iterdir() if path.suffix in (".js", ".css", ".svg")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 80_000
    for name, text in {**TEMPLATES, **SCRIPTS}.items():
        assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", text) == [], name
        assert "eval(" not in text


def test_scripts_and_templates_are_where_the_test_looks() -> None:
    assert {"desk.js", "live.js"} <= set(SCRIPTS)
    assert {"desk.html", "lists.html"} <= set(TEMPLATES)
    assert Path(FILE).is_file()


def test_what_the_program_says_of_messages_and_orders_is_there_in_dutch() -> None:
    dutch = words_in("nl").sentences
    said = [*words.FORMS.values(), *words.MEDIA.values(), *words.PURPOSES.values(), *words.ORDER_KINDS.values()]
    assert [sentence for sentence in said if sentence not in dutch] == []
    drawn = {found for text in TEMPLATES.values() for found in re.findall(r'"([^"{}]+)" \| said', text)}
    assert drawn - set(dutch) == set()
    assert words_in("nl").said("nobody translated this") == "nobody translated this"


def test_the_past_on_the_card_counts_what_was_and_says_nothing_apart_from_unknown() -> None:
    draw = _environment().get_template("past.html").render
    talk = TimelineItem(at_ms=1_772_582_400_000, kind="conversation", id="v1", state="resolved")
    known = draw(words=words_in("nl"), past=CardPast((talk,), BeenThrough(delays=Counted(3, 1_772_582_400_000))), now_ms=0)
    assert "Vertragingen: 3" in known
    assert "laatst op 4 mrt 2026" in known
    assert "Gesprek" in known
    empty = draw(words=words_in("nl"), past=CardPast((), BeenThrough()), now_ms=0)
    assert "Er was nog niets" in empty
    unknown = draw(words=words_in("nl"), past=None, now_ms=0)
    assert "Hier niet bekend" in unknown
    assert "Er was nog niets" not in unknown
