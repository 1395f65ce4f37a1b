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
         "identity.", "board.", "audit.", "several.why.", "card.now.late.",
         "line.free", "line.hidden.", "half.")  # fmt: skip
"""Beginnings of keys that a template puts together."""


NAMES = {"Ctrl", "Shift", "Enter", "K", "F6", "Ctrl+Enter", "Nederlands", "English"}
"""What a page shows in no language: keys of a keyboard, and languages by their own names."""
FATES = {"not sent", "waiting to be sent", "no answer yet", "will be tried again"}
"""English by which line.html chooses an icon, and shows none of it."""
TAGS = {"textarea, select", "select, button"}
"""What scripts look for by the names of elements alone."""
SELECTORS = re.compile(r"[#\[\]>={}]|(^|[\s,])\.\w|^(https?:)?/")
SPOKEN = ("title", "aria-label", "placeholder", "alt", "label", "value")


def template_sentences(text: str) -> set[str]:
    """What a template says by itself: text, attributes that are read out, and words inside its expressions."""
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.S)
    found = set()
    for inside in re.findall(r"\{[{%](.*?)[%}]\}", text, re.S):
        literals = re.findall(r'"([^"]*)"(?! \| said)', inside)
        found |= {one for one in literals if re.search(r"[A-Za-z]{2,} [A-Za-z]", one)}
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.S)
    attributes = re.findall(rf'\b(?:{"|".join(SPOKEN)})="([^"]*)"', bare)
    found |= {one.strip() for one in attributes if re.search(r"[A-Za-z]{2,} [A-Za-z]", one)}
    found |= {" ".join(one.split()) for one in re.findall(r">([^<>]*[A-Za-z][^<>]*)<", bare)}
    return found - NAMES


def script_sentences(text: str) -> set[str]:
    """What a script says by itself: a literal of several words, or one that is put on the page."""
    tokens = re.findall(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`', text, re.S)
    literals = [re.sub(r"\$\{[^{}]*\}", "", one[1:-1]) for one in tokens if one[0] in "\"`"]
    said = {one for one in literals if re.search(r"[A-Za-z']{2,},? [A-Za-z]", one) and not SELECTORS.search(one)}
    return (said - TAGS) | set(re.findall(r'(?:textContent|title|placeholder|ariaLabel)\s*[:=]\s*"([^"]*[A-Za-z][^"]*)"', text))


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


def test_no_template_and_no_script_says_a_sentence_of_its_own() -> None:
    drawn = {name: template_sentences(text) for name, text in TEMPLATES.items()}
    drawn["line.html"] -= FATES
    assert {name: said for name, said in drawn.items() if said} == {}
    said = {name: script_sentences(text) for name, text in SCRIPTS.items()}
    assert {name: sentences for name, sentences in said.items() if sentences} == {}
    # The scanner sees what it is for.
    drawn_by_hand = '<b title="Two words">Word {{ t("a.b") }}</b>{{ "One two" if x else y }}'
    assert template_sentences(drawn_by_hand) == {"Two words", "Word", "One two"}
    said_by_hand = 'a("Not done"); b.textContent = "Done"; c(`${x} has it`); d("#a b"); // no one'
    assert script_sentences(said_by_hand) == {"Not done", "Done", " has it"}


def test_both_languages_fill_the_same_places() -> None:
    for key, english in words_in("en").words.items():
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, words_in("nl").words[key])]
        assert places[0] == places[1], key


def test_dutch_calls_an_agent_je() -> None:
    dutch = words_in("nl")
    said = {**dutch.words, **dutch.sentences}
    assert {key for key, text in said.items() if re.search(r"\b[Uu]w?\b", text)} == {"page.age.h"}  # where u is an hour


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
    assert {"desk.html", "waiting.html"} <= set(TEMPLATES)
    assert Path(FILE).is_file()


def test_what_the_program_says_of_messages_and_orders_is_there_in_dutch() -> None:
    dutch = words_in("nl").sentences
    said = [*words.FORMS.values(), *words.MEDIA.values(), *words.PURPOSES.values(), *words.ORDER_KINDS.values()]
    assert [sentence for sentence in said if sentence not in dutch] == []
    drawn = {found for text in TEMPLATES.values() for found in re.findall(r'"([^"{}]+)" \| said', text)}
    assert drawn - set(dutch) == set()
    assert words_in("nl").said("nobody translated this") == "nobody translated this"


def test_every_refusal_and_every_fate_of_an_answer_is_said_in_dutch() -> None:
    dutch = words_in("nl")
    refused = [f"{words.REFUSALS[code]}. Your words are kept." for code in words.REFUSALS]
    ends = [f"{words.sentence(reason)}. {words.ADVICE[reason]}" for reason in words.ADVICE]
    ends += [words.sentence(reason) for reason in words.WAYS]
    english = {piece for one in (*refused, *ends) for piece in one.split(". ") if dutch.said(piece) == piece}
    assert english == set()
    assert dutch.said("This conversation is not yours now: Ann Berg has it. Your words are kept.") == (
        "Dit gesprek is nu niet van jou: Ann Berg heeft het. Je woorden zijn bewaard."
    )
    assert dutch.said("handed to WhatsApp") == "aan WhatsApp gegeven"
    assert dutch.said("should be at most 4096 characters; it has {5000}") == "mag hooguit 4096 tekens hebben; het zijn er {5000}"
    assert words_in("en").said("handed to WhatsApp") == "handed to WhatsApp"


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
