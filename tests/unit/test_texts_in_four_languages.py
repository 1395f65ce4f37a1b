"""The words of every notification, side by side: each language says the same, in its own way, and nothing is left out of it.

What one language has room for, another may not: German is a third longer. So each phrase is filled with the longest that its
values come to in that language, and has to fit where it is said.
"""

from __future__ import annotations

import re

import pytest

from gateway.notifications import formats
from gateway.notifications.lint import REQUIRED_LANGUAGES
from gateway.notifications.model import Notification
from gateway.notifications.parts import Parameter
from gateway.notifications.texts import Texts, clean, fill, variables
from tests.support.notifications import catalogue

LANGUAGES = ("nl", "en", "de", "fr")
NOW_MS = 1_795_344_000_000

each_language = pytest.mark.parametrize("language", LANGUAGES)


def _every(language: str) -> list[tuple[Notification, Texts]]:
    """Each notification that speaks it, and its words."""
    return [(one, one.languages[language]) for one in catalogue() if language in one.languages]



def _sentences(texts: Texts) -> list[str]:
    """Everything that people may read of it, without the examples."""
    words = [said for row in texts.words.values() for said in row.values()]
    return [
        text for text in (texts.header, texts.body, texts.footer, *texts.buttons.values(), *texts.phrases.values(), *words,
                          *texts.otherwise.values()) if text
    ]  # fmt: skip


@each_language
def test_a_language_says_all_that_the_others_say(language: str) -> None:
    for one, said in _every(language):
        first = one.languages["nl"]
        assert (set(said.header_variables), set(said.body_variables)) == (set(first.header_variables), set(first.body_variables))
        for field in ("buttons", "phrases", "otherwise", "examples"):
            assert set(getattr(said, field)) == set(getattr(first, field)), f"{said.file}: {field}"
        for name in {*said.words, *first.words}:
            assert set(said.words[name]) == set(first.words[name]), f"{said.file}: words.{name}"
        for phrase, words in said.phrases.items():
            assert set(variables(words)) == set(variables(first.phrases[phrase])), f"{said.file}: {phrase}"
        assert (said.header is None, said.footer is None) == (first.header is None, first.footer is None), said.file


def _longest(parameter: Parameter, texts: Texts) -> str:
    """The longest that its value comes to in real life: a time of another year, a name up to where it is cut."""
    reader = formats.Reader(texts.language, texts.language, "Europe/Amsterdam", NOW_MS, {})
    far = "2027-09-22T18:45:00+02:00"  # a Wednesday: as long as dates get
    values = {"time": far, "date": far, "weekday": far, "moment": far, "minutes": 1439, "number": 123456,
              "money": {"amount": "1318.40", "currency": "EUR"}}  # fmt: skip
    known = [texts.otherwise.get(parameter.name, ""), *texts.words.get(parameter.name, {}).values()]
    for _, form in parameter.sources:
        if form in values:
            known.append(formats.FORMATS[form](values[form], reader, None) or "")
        elif form == "place":
            known.append("Paris Charles de Gaulle")
        elif form in ("text", "url", "list"):
            known.append("x" * parameter.longest)
    return max(known, key=len)


@each_language
def test_every_phrase_has_room_for_the_longest_values_of_its_language(language: str) -> None:
    for one, texts in _every(language):
        for parameter in one.parameters.values():
            for text in (texts.otherwise.get(parameter.name, ""), *texts.words.get(parameter.name, {}).values()):
                assert len(text) <= parameter.longest, f"{texts.file}: {parameter.name}: {text}"
            for _, phrase in parameter.phrases:
                if phrase not in texts.phrases:  # of a parameter that only older words say
                    continue
                words = texts.phrases[phrase]
                said = fill(words, {inner: _longest(one.parameters[inner], texts) for inner in variables(words)})
                assert len(said) <= parameter.longest, f"{texts.file}: {phrase} of {parameter.name}: {len(said)} characters"


_STRANGE = {
    "nl": r"the|your|you|please|and|will|uw|ihr|der|vous|votre",
    "en": r"je|jouw|niet|een|het|voor|ihr|der|und|vous|votre",
    "de": r"the|your|you|please|and|with|have|order|flight|train|delivered|je|niet|een|het|voor|naar|du|dein\w*|vous|votre",
    "fr": r"the|your|you|please|and|with|have|order|flight|delivered|niet|een|het|voor|naar|tu|toi|ton|tes|und|der|sie",
}
"""Words that cannot stand in a text of that language: of another one, or of the way of address that is not ours."""


@each_language
def test_no_word_of_another_language_is_left(language: str) -> None:
    for _, texts in _every(language):
        for text in _sentences(texts):
            words = re.sub(r"\{\{.*?\}\}", " ", text)
            assert not re.search(rf"\b({_STRANGE[language]})\b", words, re.IGNORECASE), f"{texts.file}: {text}"


@each_language
def test_the_typography_is_that_of_the_language(language: str) -> None:
    for text in (text for _, texts in _every(language) for text in (*_sentences(texts), *texts.examples.values())):
        if language == "fr":
            assert not re.search(r"[ \w»][:;!?»](?!//|\w)", re.sub(r"\{\{.*?\}\}", "x", text)), f"a blank that may break: {text}"
        if language in ("de", "fr"):
            assert "'" not in text, text
            assert '"' not in text, text


def test_who_reads_german_is_told_the_hour_as_one_says_it() -> None:
    one = catalogue().get("flight_delayed")
    assert one is not None
    assert one.languages["de"].examples["when"] == "um 11:40 Uhr statt 10:55 Uhr"
    assert set(REQUIRED_LANGUAGES) <= set(one.languages)


def test_a_french_amount_does_not_break_before_its_sign() -> None:
    reader = formats.Reader("fr", "fr-FR", "Europe/Paris", NOW_MS, {})
    amount = formats.money({"amount": "49.95", "currency": "EUR"}, reader)
    assert amount == "49,95\u00a0€"
    assert clean(amount, longest=30) == amount
    assert clean("49,95\u00a0 \u00a0€", longest=30) == "49,95 €", "a run of them is one blank, which may break"
