"""Any legal boarding pass is written and read back as it was; any text at all is read, or refused by our own error."""

from __future__ import annotations

import string
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.documents.bcbp import BoardingPass, PassLeg, Repeated, Security, Unique, decode, encode
from gateway.documents.bcbp_days import day_text, flight_date, issue_date, issue_text
from gateway.documents.bcbp_model import REPEATED, UNIQUE, Layout
from gateway.errors import BadPass

TODAY = date(2026, 11, 22)
PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))
DAYS = st.dates(date(2023, 1, 1), date(2030, 6, 1))


def texts(longest: int, least: int = 0) -> st.SearchStrategy[str]:
    """Values as they are read: without blanks at their end."""
    return st.text(PRINTABLE, min_size=least, max_size=longest).map(lambda text: text.rstrip(" "))


def letters(size: int, of: str = string.ascii_uppercase) -> st.SearchStrategy[str]:
    return st.text(of, min_size=size, max_size=size)


def filled(items: Layout) -> st.SearchStrategy[dict[str, str | None]]:
    """The first few items of a section, as a carrier cuts it; sometimes all."""
    sizes = st.integers(0, len(items))
    return sizes.flatmap(
        lambda used: st.tuples(*(texts(width) for _, width in items[:used])).map(
            lambda values: dict(zip((name for name, _ in items), values, strict=False))
        )
    )


@st.composite
def passes(draw: st.DrawFn) -> BoardingPass:
    unique = None
    if draw(st.booleans()):
        values = draw(filled(UNIQUE))
        issued = None
        if values.get("issue") is not None:
            values["issue"] = issue_text(draw(DAYS)) if draw(st.booleans()) else values["issue"]
            issued = issue_date(values["issue"] or "", TODAY)
        unique = Unique(version=draw(st.sampled_from("12345678")), issued=issued, **values)
    legs = []
    for number in range(draw(st.integers(1, 4))):
        repeated = Repeated(**draw(filled(REPEATED))) if (number > 0 or unique) and draw(st.booleans()) else None
        words = draw(st.text(PRINTABLE, max_size=60)) if repeated is not None or (number == 0 and unique is None) else ""
        day = draw(DAYS.map(day_text))
        flies = flight_date(day, unique.issued if unique else None, TODAY)
        route = (draw(texts(7)), draw(letters(3)), draw(letters(3)), draw(texts(3)), draw(texts(5)), day)
        seat = (draw(texts(1)), draw(texts(4)), draw(texts(5)), draw(texts(1)))
        legs.append(PassLeg(*route, *seat, repeated, words if words[:1] != ">" else "", flies))
    security = Security(draw(letters(1)), draw(st.text(PRINTABLE, max_size=255))) if draw(st.booleans()) else None
    return BoardingPass(draw(texts(20)), tuple(legs), draw(st.sampled_from(["E", ""])), unique, security)


def more(few: int, many: int) -> pytest.MarkDecorator:
    """So many examples, and many times more where time is taken for it."""
    return pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.long)])


@more(50, 1000)
def test_a_legal_pass_is_read_back_as_it_was_written(examples: int) -> None:
    @settings(max_examples=examples)
    @given(passes())
    def holds(one: BoardingPass) -> None:
        assert decode(encode(one), today=TODAY) == one

    holds()


WORKED = (
    "M2JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCNGRP2"
    "ZX7K2P LHRDUBZZ 0522 326Y007A0018 12B29000241234567801ZZ                     1PC^108ABCDEFGH"
)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A real code with a few places changed, cut or swollen: gets much further than a text out of nowhere."""
    text = list(WORKED[: draw(st.integers(0, len(WORKED)))])
    for _ in range(draw(st.integers(0, 6))):
        where = draw(st.integers(0, max(len(text) - 1, 0)))
        text[where : where + draw(st.integers(0, 2))] = draw(st.text(st.sampled_from("0123456789ABCDEF>^ MЖ\x00"), max_size=3))
    return "".join(text)


@more(120, 3000)
def test_any_text_is_read_or_refused_by_our_own_error(examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.one_of(st.text(), st.text().map(lambda text: "M1" + text), spoilt()))
    def holds(text: str) -> None:
        try:
            legs = decode(text, today=TODAY).legs
        except BadPass:
            return
        assert len(legs) == int(text[1])

    holds()


@settings(max_examples=100)
@given(DAYS.filter(lambda day: abs(day - TODAY) < timedelta(days=4 * 365)), st.integers(-6, 300))
def test_a_flight_within_ten_months_of_its_issue_has_its_day(issued: date, later: int) -> None:
    flies = issued + timedelta(days=later)
    assert issue_date(issue_text(issued), TODAY) == issued
    assert flight_date(day_text(flies), issued, TODAY) == flies
