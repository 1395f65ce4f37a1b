"""More messages than anybody writes by hand: which of them the desk folds, and that nothing of them is lost."""

from __future__ import annotations

from gateway.rules.flood import MOST, beyond
from gateway.webcare.folding import folded
from gateway.webcare.lines import Line
from tests.support.team import NOW


def line(number: int, at_ms: int, kind: str = "in") -> Line:
    return Line(f"e-{number}", kind, at_ms, "Mila", f"words {number}", sent_files=(f"{number}.pdf",) if number == 30 else ())


def test_what_comes_after_twenty_of_the_minute_before_it_is_too_much() -> None:
    each_second = [NOW + n * 1000 for n in range(100)]
    assert [at for at, many in enumerate(beyond(each_second)) if many] == list(range(MOST, 100))
    each_three = [NOW + n * 3000 for n in range(100)]
    assert not any(beyond(each_three)), "twenty a minute are a person in a hurry"
    assert beyond([NOW] * 20 + [NOW + 59_999, NOW + 60_000]) == [False] * 20 + [True, False]


def test_e19_lines_over_twenty_a_minute_are_folded_in_the_view_and_all_their_words_unfold() -> None:
    rows = [line(n, NOW + n * 100) for n in range(40)]
    answer = line(40, NOW + 3050, "out")
    found = folded(sorted([*rows, answer], key=lambda one: one.at_ms))
    assert [one.id for one in found] == [*(f"e-{n}" for n in range(20)), "x-e-20", "e-40", "x-e-31"]
    first, _, second = found[20:]
    assert [one.text for one in (*first.folded, *second.folded)] == [f"words {n}" for n in range(20, 40)]
    assert (first.kind, first.text, first.sent_files, second.sent_files) == ("in", "", ("30.pdf",), ())
    assert (first.quotable, second.at_ms) == (False, NOW + 3100)
    assert folded(rows[:20]) == rows[:20]
