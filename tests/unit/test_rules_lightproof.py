"""A surname or four digits as people type them, against what the page was kept with."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.rules.lightproof import canonical, forms, forms_said, opens


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("van der Berg", "van der Berg"),
        ("berg", "van der Berg"),
        ("BERG", "van der Berg"),
        ("  v a n derberg ", "Van der Berg"),
        ("van der berg", "VANDERBERG"),
        ("Berg", "VANDERBERG"),
        ("Mila van der Berg", "van der Berg"),
        ("mrs. M. van der Berg", "van der Berg"),
        ("Berg, Mila", "van der Berg"),
        (" , Berg", "van der Berg"),
        ("Berg-Jansen", "Berg-Jansen"),
        ("jansen berg", "Jansen-Berg"),
        ("bergjansen", "Berg - Jansen"),
        ("Berg", "Berg-Jansen"),
        ("jansen", "Berg-Jansen"),
        ("Jansen-de Vries", "JANSENDEVRIES"),
        ("García Márquez", "GARCIA MARQUEZ"),
        ("garcia", "García Márquez"),
        ("Müller", "MUELLER"),
        ("Mueller", "Müller"),
        ("Muller", "Müller"),
        ("Groß", "GROSS"),
        ("Sorensen", "Sørensen"),
        ("Soerensen", "Sørensen"),
        ("O'Brien", "OBRIEN"),
        ("o’brien", "O'Brien"),
        ("D'Angelo", "d angelo"),
        ("Papadopoulos", "Παπαδόπουλος"),
        ("Papadopoylos", "Παπαδόπουλος"),
        ("παπαδοπουλος", "PAPADOPOULOS"),
        ("Ivanova", "Иванова"),
        ("Иванова", "IVANOVA"),
        ("Yurin", "Юрин"),
        ("Iurin", "Юрин"),
        ("Shevchenko", "Шевченко"),
        ("Haritonov", "Харитонов"),
        ("Çelik", "celik"),
        ("İnan", "inan"),
        ("Nguyễn", "NGUYEN"),
        ("山田", "山田"),
        ("de", "De"),
        ("Le", "LE"),
        ("de la Cruz", "Cruz"),
    ],
)
def test_a_surname_is_known_however_it_is_typed(said: str, name: str) -> None:
    assert opens(said, [name], "")
    assert opens(said, ["Somebody Else", name], "0123")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("", "Berg"),
        ("   ", "Berg"),
        ("-", "Berg"),
        ("van der", "van der Berg"),
        ("van", "van Dijk"),
        ("Mila", "van der Berg"),
        ("Smit, Berg", "Berg"),
        ("Bergman", "Berg"),
        ("Ber", "Berg"),
        ("Berg Smit", "Berg"),
        ("Smit Jansen Bakker Visser Meijer Mulder Bos Berg Vos", "Berg"),
        ("erg", "Berg"),
        ("Li", "Lima-Li-Po"),
        ("0123", "Berg"),
        ("Иванов", "Petrov"),
    ],
)
def test_what_is_not_the_surname_does_not_open(said: str, name: str) -> None:
    assert not opens(said, [name], "")


@pytest.mark.parametrize("said", ["0123", " 01 23", "+44 7700 900123", "07700-900123", "٠١٢٣", "０１２３"])
def test_the_last_four_digits_are_known_in_a_whole_number_too(said: str) -> None:
    assert opens(said, ["Berg"], "0123")
    assert not opens(said, ["Berg"], "")
    assert not opens(said, ["Berg"], "1230")


@pytest.mark.parametrize("said", ["123", "01234", "0123 Berg x", "tel 0123"])
def test_other_digits_are_wrong(said: str) -> None:
    assert not opens(said, ["Visser"], "0123")


def test_an_answer_sent_again_in_another_spelling_is_the_same_try() -> None:
    assert len({canonical(said) for said in ("Müller", "MÜLLER ", "mu\u0308ller", "müller.")}) == 1
    assert canonical("0123") == canonical(" 01-23 ")
    assert canonical("smit") != canonical("bakker")
    assert canonical("?!") == ""


@pytest.mark.parametrize("other", [
    "dejong jansendevriesbakker", "dejongjansen devriesbakker", "dejong jansen, devriesbakker", "dejongjansen, devries bakker",
])  # fmt: skip
def test_letters_parted_anew_are_another_try(other: str) -> None:
    row = "dejongjansendevriesbakker"
    assert forms_said(other) != forms_said(row), "it names others"
    assert canonical(other) != canonical(row), "so it is counted"


@given(*[st.text(alphabet="abé .,-", min_size=1, max_size=7)] * 2)
@example("a", ".,a")
def test_answers_that_count_as_one_try_open_the_same(one: str, other: str) -> None:
    if canonical(one) == canonical(other):
        assert forms_said(one) == forms_said(other)


@given(st.text(max_size=400), st.lists(st.text(max_size=100), max_size=4), st.from_regex(r"(\d{4})?", fullmatch=True))
def test_any_text_is_judged_and_opens_only_by_a_form_that_is_there(said: str, names: list[str], digits: str) -> None:
    right = opens(said, names, digits)
    if right and not any(char.isdigit() for char in said):
        assert forms(names)
    assert not opens("", names, digits)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzéüøßαβω- ", min_size=1, max_size=30))
def test_a_name_always_opens_by_itself(name: str) -> None:
    assert opens(name, [name], "") is bool(forms([name]))
