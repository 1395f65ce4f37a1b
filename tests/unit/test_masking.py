"""What must not be kept of a message, and what only looks like it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.masking import COVER, Hidden, codes_in, is_bsn, is_card, mask

# Test numbers that the card schemes publish, and numbers made up for their check digit.
COVERED = [
    ("my card is 4111 1111 1111 1111, exp 11/28", Hidden.CARD, "4111"),
    ("5555-5555-5555-4444", Hidden.CARD, "5555"),
    ("amex 378282246310005", Hidden.CARD, "3782"),
    ("2223.0031.2200.3222 graag terugstorten", Hidden.CARD, "2223"),
    ("6011111111111117", Hidden.CARD, "6011"),
    ("30569309025904!", Hidden.CARD, "3056"),
    ("4111\u00a01111\u00a01111\u00a01111", Hidden.CARD, "4111"),
    ("٤١١١ ١١١١ ١١١١ ١١١١", Hidden.CARD, "٤١١١"),
    ("mijn BSN is 111222333", Hidden.BSN, "111222"),
    ("burgerservicenummer 11 12 22 333 alvast", Hidden.BSN, "333"),
    ("bsn: 12345672", Hidden.BSN, "12345672"),
    ("wachtwoord: konijntje", Hidden.PASSWORD, "konijntje"),
    ("My password is Rabbit77 can you log in?", Hidden.PASSWORD, "Rabbit77"),
    ('Das Passwort lautet "kaninchen"', Hidden.PASSWORD, "kaninchen"),
    ("mot de passe = lapin", Hidden.PASSWORD, "lapin"),
    ("pincode is 4821", Hidden.PASSWORD, "4821"),
    ("the CVC: 123", Hidden.PASSWORD, "123"),
]
KEPT = [
    "order 4111111111111112",  # no check digit of a card
    "my booking TR-70007, ticket 074-2412345678",
    "bestelling 111222333 is er nog niet",  # passes the eleven test, and is an order
    "111222333",
    "my number is +44 7700 900123 or 07700 900123",
    "+41 11 11 11 11 11 11 11",
    "IMEI 490154203237518",
    "OV-chipkaart 3528 0200 1234 5678",
    "track 3SABCD1234567890",
    "GB33BUKB20201555555555",
    "mijn bsn weet ik niet uit mijn hoofd, order 123456789",
    "my password is not working",
    "mijn wachtwoord is vergeten",
    "le mot de passe est faux",
    "password reset please",
    "I forgot my PIN",
    "12.345.678,90 euro",
    "1700000000000",
    "flight 9321 on 2026-11-22 at 18:15",
]


@pytest.mark.parametrize(("text", "kind", "gone"), COVERED)
def test_what_must_not_be_kept_is_covered(text: str, kind: Hidden, gone: str) -> None:
    found = mask(text)
    assert found.hidden == (kind,)
    assert COVER in found.text
    assert gone not in found.text
    assert mask(found.text).text == found.text


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert mask(text).text == text
    assert mask(text).hidden == ()


def test_several_kinds_in_one_message_are_all_covered_and_the_rest_stays() -> None:
    found = mask("card 4111 1111 1111 1111, bsn 111222333, password: hop. Order 5512, thanks 🐇")
    assert found.hidden == (Hidden.CARD, Hidden.BSN, Hidden.PASSWORD)
    assert found.text.startswith(f"card {COVER}, bsn {COVER}, password: {COVER}")
    assert found.text.endswith("Order 5512, thanks 🐇")


@given(st.text(alphabet="0123456789", min_size=15, max_size=15), st.sampled_from(["", " ", "-", "."]))
def test_every_card_with_a_right_check_digit_is_covered_however_it_is_grouped(tail: str, between: str) -> None:
    body = "4" + tail[:14]
    digit = next(d for d in "0123456789" if is_card(body + d))
    number = body + digit
    written = between.join(number[place : place + 4] for place in range(0, 16, 4))
    assert mask(f"so: {written}, please").text == f"so: {COVER}, please"
    wrong = body + str((int(digit) + 1) % 10)
    assert mask(wrong).text == wrong


@given(st.integers(1, 99_999_999))
def test_of_eleven_last_digits_at_most_one_makes_a_bsn(body: int) -> None:
    assert sum(is_bsn(f"{body:08d}{digit}") for digit in range(10)) <= 1


def test_a_long_message_of_digits_takes_no_time() -> None:
    began = time.perf_counter()
    codes_in("1 " * 20_000)
    mask("1 " * 20_000 + "password is " * 5_000 + "4111-" * 5_000)
    assert time.perf_counter() - began < 2
