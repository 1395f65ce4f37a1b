"""Tokens, codes, booking codes and surnames, as links bring them and as people type them."""

from __future__ import annotations

import zlib

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ids import SubjectId, is_id
from gateway.planning import waysin_words as words
from gateway.planning.waysin_links import _modules, qr_png, qr_svg
from gateway.store.vault import KeyRing, Vault

BLIND = Vault(KeyRing(KeyRing.generate()), None).blind  # type: ignore[arg-type]  # hashes need no store
SUBJECT = SubjectId("j07abcdefghjkm")
INVITATION = words.invitation_id(BLIND, SUBJECT, "test")
CODE = words.code_of(BLIND, INVITATION)
SHOWN = words.shown(CODE)


def test_an_invitation_made_of_the_same_parts_is_the_same_in_its_subjects_partition() -> None:
    assert is_id(INVITATION, "i")
    assert INVITATION[1:3] == "07"
    assert words.invitation_id(BLIND, SUBJECT, "test") == INVITATION
    assert words.invitation_id(BLIND, SUBJECT, "other") != INVITATION


def test_a_token_is_opaque_and_shows_whether_we_made_it() -> None:
    token = words.token_of(BLIND, INVITATION)
    assert 16 <= len(token) <= 32
    assert words.is_token(BLIND, token)
    assert INVITATION[3:] not in token
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert not words.is_token(BLIND, forged)
    assert words.looks_like_token(forged)
    assert not words.looks_like_token("spring-campaign")


@pytest.mark.parametrize(
    "text",
    [
        f"Stuur mijn ticket, code {SHOWN}",
        SHOWN.lower(),
        SHOWN.replace("-", " "),
        SHOWN.replace("-", ""),
        f"hoi,  {SHOWN[:4]} – {SHOWN[5:]} alsjeblieft!",
        f"Send my ticket, code {SHOWN}. Thanks, and have a nice day 12 34",
        "code " + " ".join(SHOWN.replace("-", "")),
        SHOWN.replace("0", "O").replace("1", "I"),
    ],
    # The code is another one in each process that runs these: the names of the cases must not be.
    ids=["sentence", "small", "apart", "together", "dash", "digits", "spelt", "alike"],
)
def test_a_code_is_found_however_it_is_written(text: str) -> None:
    assert CODE in words.codes_in(BLIND, text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_search_for_codes(text: str) -> None:
    for code in words.codes_in(BLIND, text):
        assert len(code) == 8
        assert code[7] == BLIND("invitation code sign", code[:7])[0]
    assert all(len(one) >= 4 for one in words.bookings_in(text, asked=True))
    words.same_surname(text, text)


def test_a_code_that_is_plainly_meant_is_told_from_a_sentence() -> None:
    assert words.says_code("Send my ticket, code ZZZZ-0000")
    assert not words.says_code("what is the dress code for tonight")
    assert not words.says_code("ABCD-1234")


@pytest.mark.parametrize(
    ("text", "asked", "found"),
    [
        ("TR-55310", False, "TR55310"),
        ("tr 55310", False, "TR55310"),
        ("mijn boeking is ZX4299, dank", False, "ZX4299"),
        ("QWERTY", False, "QWERTY"),
        ("qwerty", True, "QWERTY"),
    ],
)
def test_a_booking_code_is_seen_as_it_is_typed(text: str, asked: bool, found: str) -> None:
    assert found in words.bookings_in(text, asked=asked)


@pytest.mark.parametrize("text", ["hallo, waar is mijn trein?", "goedemorgen", "ja", ""])
def test_a_sentence_holds_no_booking_code(text: str) -> None:
    assert words.bookings_in(text, asked=False) == []


@pytest.mark.parametrize(
    ("said", "family", "given"),
    [
        ("van den Berg", "van den Berg", ""),
        ("Berg", "van den Berg", ""),
        ("berg, van den", "Berg", ""),
        ("MULLER", "Müller", ""),
        ("Mila van den Berg", "van den Berg", "Mila"),
        ("jansen de vries", "Jansen-de Vries", ""),
        ("Øster", "Oster", ""),
    ],
)
def test_a_surname_is_known_without_accents_case_and_particles(said: str, family: str, given: str) -> None:
    assert words.same_surname(said, family, given)


@pytest.mark.parametrize(
    ("said", "family"),
    [("Berg", "Berg-Jansen"), ("Jansen", "van den Berg"), ("de", "de Vries"), ("", "Berg"), ("Anna Berg", "Berg")],
)
def test_another_surname_is_another(said: str, family: str) -> None:
    assert not words.same_surname(said, family, "Mila")


def test_a_question_is_no_surname() -> None:
    assert words.may_be_surname("van den Berg")
    assert not words.may_be_surname("waarom wil je dat weten?")
    assert not words.may_be_surname("dat weet ik niet meer precies maar het was iets met een B")


def test_a_qr_code_is_read_back_from_its_picture() -> None:
    url = "https://news.example.org/i/abcdefghjkmnpqrstvwx0123"
    png = qr_png(url, scale=4)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    rows = pixels(png)
    assert zxingcpp.read_barcodes(rows)[0].text == url
    svg = qr_svg(url, label="QR")
    assert svg.count("h1v1h-1z") == sum(sum(row) for row in _modules(url))


def pixels(png: bytes) -> memoryview:
    """A one-bit PNG as grey bytes."""
    side = int.from_bytes(png[16:20], "big")
    at = png.index(b"IDAT")
    length = int.from_bytes(png[at - 4 : at], "big")
    raw = zlib.decompress(png[at + 4 : at + 4 + length])
    stride = (side + 7) // 8 + 1
    grey = bytearray()
    for y in range(side):
        line = raw[y * stride + 1 : (y + 1) * stride]
        grey += bytes(255 if line[x // 8] >> (7 - x % 8) & 1 else 0 for x in range(side))
    return memoryview(bytes(grey)).cast("B", (side, side))
