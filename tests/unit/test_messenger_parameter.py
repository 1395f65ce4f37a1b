"""Values of utility templates: cleaned of what Meta refuses, still to be read, never empty."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.messenger.render import clean_parameter

CLEANED: list[tuple[str, str]] = [
    ("RE 4711", "RE 4711"),
    ("#4", "4"),
    ("Platform #4", "Platform 4"),
    ("50%", "50 pct"),
    ("50 %", "50 pct"),
    ("50\u202f%", "50 pct"),
    ("$25.00", "dollar 25.00"),
    ("25,00 $", "25,00 dollar"),
    ("US$5", "US dollar 5"),
    ("\uff054", "pct4"),
    ("€ 25,00", "€ 25,00"),
    ("£42.00", "£42.00"),
    ("Gate A3 ✈️", "Gate A3"),
    ("🚆 RE 4711 🚆", "RE 4711"),
    ("👨‍👩‍👧‍👦", "-"),
    ("🇳🇱", "-"),
    ("1️⃣", "1"),
    ("👍🏽 fine", "fine"),
    ("Amsterdam → Utrecht", "Amsterdam → Utrecht"),
    ("Zoë Šimić", "Zoë Šimić"),
    ("می‌خواهم", "می‌خواهم"),
    ("क्‍ष", "क्‍ष"),
    ("two\nlines\tand  spaces", "two lines and spaces"),
    ("", "-"),
    ("#", "-"),
    (" \n ", "-"),
    ("12\u00a0345", "12\u00a0345"),
]


@pytest.mark.parametrize(("given_text", "expected"), CLEANED)
def test_a_value_is_cleaned_and_can_still_be_read(given_text: str, expected: str) -> None:
    assert clean_parameter(given_text) == expected


@given(st.text())
@settings(max_examples=300)
def test_no_value_is_refused_for_its_characters(text: str) -> None:
    cleaned = clean_parameter(text)
    assert cleaned.strip()
    assert not re.search(r"[#%$\n\r\t]| {2,}", cleaned)
    assert not any(0x1F000 <= ord(char) <= 0x1FAFF or 0x2600 <= ord(char) <= 0x27BF for char in cleaned)
    assert clean_parameter(cleaned) == cleaned


@given(st.text(st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Nd"]), min_size=1))
def test_letters_and_digits_are_left_alone(text: str) -> None:
    assert clean_parameter(text) == text
