"""A value that goes back and forth is told when it has settled."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.flaps import Settling, print_of, told

NOON = 1_795_348_800_000
WINDOW = 180_000

Told = tuple[float, str, float | None]
"""(minute, value, until which minute it waits; None: told at once)"""


def tell(*news: tuple[float, str], before: str = "A") -> list[Settling]:
    """What is told at these minutes, one after another; the memory goes through JSON as it does in the store."""
    memory: dict[str, Any] | None = None
    found = []
    for minute, value in news:
        now = NOON + int(minute * 60_000)
        memory, settling = told(memory, before=before, value=value, now_ms=now, window_ms=WINDOW)
        assert memory == json.loads(json.dumps(memory))
        found.append(settling)
    return found


def waits(*news: tuple[float, str], before: str = "A") -> list[float | None]:
    """Until which minute each waits."""
    return [(one.until_ms - NOON) / 60_000 if one.until_ms else None for one in tell(*news, before=before)]


@pytest.mark.parametrize(
    ("says", "news"),
    [
        ("the first change is told at once", [(0, "B", None)]),
        ("a new value each time is no flapping", [(0, "B", None), (1, "C", None), (2, "D", None)]),
        ("back within three minutes waits until three minutes after it was left", [(0, "B", None), (1, "A", 3)]),
        ("back after them is told at once", [(0, "B", None), (3, "A", None)]),
        ("later flips wait no longer", [(0, "B", None), (1, "A", 3), (2, "B", 3), (2.9, "A", 3)]),
        ("a new value meanwhile is told at once", [(0, "B", None), (1, "A", 3), (2, "C", None)]),
        ("and what comes back after that waits as before", [(0, "B", None), (1, "A", 3), (2, "C", None), (2.5, "B", 3)]),
        ("who goes on flapping waits from where the value was left", [(0, "B", None), (1, "A", 3), (3.5, "B", 4)]),
        ("the same value told again while it waits waits on", [(0, "B", None), (1, "A", 3), (2, "A", 3)]),
        ("the same value told again is told at once where nothing flaps", [(0, "B", None), (1, "B", None)]),
        ("a value left long ago counts as new", [(0, "B", None), (2, "C", None), (4, "A", None), (4.5, "B", 5)]),
    ],
)  # fmt: skip
def test_what_waits_and_until_when(says: str, news: list[Told]) -> None:
    assert waits(*((minute, value) for minute, value, _ in news)) == [until for _, _, until in news], says


def test_who_was_handed_nothing_goes_by_the_value_that_was_never_news() -> None:
    assert [one.base for one in tell((0, "B"), (1, "A"))] == ["A", "A"]
    assert [one.base for one in tell((0, "A"), (1, "B"), (2, "A"))] == ["", "", ""]  # A was told, and may not have arrived
    assert [one.base for one in tell((0, "B"), (4, "C"), (5, "B"))] == ["A", "", ""]
    assert [one.base for one in tell((0, "B"), (1, "C"), (2, "B"), before="")] == ["", "", ""]


def test_a_clock_that_jumps_never_makes_a_wait_longer_than_the_window() -> None:
    memory, _ = told(None, before="A", value="B", now_ms=NOON + 3_600_000, window_ms=WINDOW)
    memory, back = told(memory, before="", value="A", now_ms=NOON, window_ms=WINDOW)
    assert NOON < back.until_ms <= NOON + WINDOW
    _, forward = told(memory, before="", value="B", now_ms=NOON + 7_200_000, window_ms=WINDOW)
    assert forward.until_ms == 0


def test_a_window_of_nothing_never_waits() -> None:
    memory: dict[str, Any] | None = None
    for value in "BABAB":
        memory, settling = told(memory, before="A", value=value, now_ms=NOON, window_ms=0)
        assert settling.until_ms == 0


def test_prints_differ_exactly_where_values_do() -> None:
    assert print_of(["D5", 1]) == print_of(["D5", 1])
    assert len({print_of(one) for one in (["D5"], ["D7"], [None], [], ["D5", 0])}) == 5


@given(st.lists(st.tuples(st.integers(0, 120_000), st.sampled_from("ABC")), max_size=25))
def test_however_it_goes_no_wait_outlives_its_window_and_at_once_comes_only_what_is_new(steps: list[tuple[int, str]]) -> None:
    memory: dict[str, Any] | None = None
    now, seen, waits_until = NOON, [("A", 0)], 0
    for passes, value in steps:
        now += passes
        memory, settling = told(memory, before="A", value=value, now_ms=now, window_ms=WINDOW)
        assert settling.until_ms <= now + WINDOW
        if waits_until > now:
            assert settling.until_ms in (0, waits_until), "a wait that has begun is never made longer"
        if value != seen[-1][0]:
            recent = {one for (one, _), (_, left) in itertools.pairwise(seen) if left > now - WINDOW}
            assert bool(settling.until_ms) == (value in recent)
            seen.append((value, now))
        waits_until = settling.until_ms or waits_until
