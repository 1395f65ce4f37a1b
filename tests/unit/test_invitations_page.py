"""The page behind a short link, as text: nobody's markup, a language that it has; and how often it may be asked for."""

from __future__ import annotations

import pytest

from gateway.model.invitation import Purpose
from gateway.planning.waysin_links import WORDS
from gateway.webhooks import join_page
from gateway.webhooks.invite import Limit
from gateway.webhooks.invite_page import LANGUAGES, TEXTS, ended, invitation, language_of


def test_what_a_brand_is_called_is_never_markup() -> None:
    text = invitation(
        "en", "<b>&co", "https://example.org/?a=1&b=2", purpose=Purpose.UPDATES, agreed=["<script>"],
        links={"Chat": "https://example.org/?x=1&y=\"2\""}, code="AAAA-0000", qr="", used=False,
    )  # fmt: skip
    assert "<script" not in text
    assert "<b>" not in text
    assert '"2"' not in text
    assert "&amp;y=&quot;2&quot;" in text
    assert "<svg" not in text
    assert ended("nl", "", "").count("<h1>") == 1


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("nl-NL,nl;q=0.9", "nl"), ("fr,nl;q=0.5", "fr"), ("", "en"), ("de-AT", "de"), ("pl,de;q=0.5", "de"), ("pl", "en")],
)
def test_the_page_speaks_a_language_that_it_has(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


def test_a_prefix_that_asks_too_often_waits_and_its_neighbours_do_not() -> None:
    limit = Limit(per_minute=3)
    assert [limit.allows(f"192.0.2.{number}", 10) for number in range(5)] == [True, True, True, False, False]
    assert limit.allows("198.51.100.1", 10)
    assert limit.allows("192.0.2.9", 71), "the next minute"
    assert [limit.allows(f"2001:db8:1:{number}::1", 10) for number in range(4)] == [True, True, True, False]
    assert limit.allows("2001:db8:2::1", 10)
    assert limit.allows("not an address", 10)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_of_it(language: str) -> None:
    assert set(TEXTS[language]) == set(TEXTS["en"])
    assert set(WORDS[language]) == set(Purpose)
    assert all("{code}" in words for words in WORDS[language].values())
    for name, words in TEXTS[language].items():
        assert ("{brand}" in words, "{channel}" in words) == ("{brand}" in TEXTS["en"][name], "{channel}" in TEXTS["en"][name])
    page = invitation(
        language, "Polderwind Air", "", purpose=Purpose.TICKET, agreed=["..."], links={"Chat": "https://example.org/"},
        code="AAAA-0000", qr="https://example.org/i/1", used=True,
    )  # fmt: skip
    assert f'<html lang="{language}">' in page
    assert len({TEXTS[one]["agree"] for one in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_family_says_all_of_it_in_every_language_and_nothing_is_markup(language: str) -> None:
    texts = join_page.TEXTS[language]
    assert set(texts) == set(join_page.TEXTS["en"])
    assert "  " not in "".join(texts.values())
    leg = join_page.leg_in_words(language, "flight", "ZZ 1007", "A<b>", "B", "1 & 2")
    page = join_page.invited(
        language, "<i>Brand", "https://example.org/?a=1&b=2", legs=[leg], agreed="<script>",
        links={"Chat": "https://x.example/?a=1&b"}, code="AAAA-0000", qr="https://example.org/j/1", here="/j/\"x",
    )  # fmt: skip
    assert "<i>" not in page
    assert "<b>" not in page.replace('<b lang', "")
    assert "<script" not in page
    assert "?a=1&amp;b" in page
    assert "/j/&quot;x?lang=" in page
    assert join_page.leg_in_words(language, "trip", "3542", "Utrecht", None, None).endswith(" 3542")
    for why in join_page.WHY:
        refused = join_page.refused(language, "Polderwind Air", "", why, "/j/-")
        assert refused.count("<h1>") == 1
        assert texts[why] in refused
        assert 'class="go"' not in refused, "where there is no way in, none is offered"
