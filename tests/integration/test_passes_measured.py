"""The benchmark of boarding passes, small: each passenger one message, no two the same picture, each with their own code."""

from __future__ import annotations

import pytest

from bench.passes import measure


@pytest.mark.long
async def test_three_hundred_passes_on_one_number_reach_three_hundred_people_once() -> None:
    found = await measure(300)
    assert (found.count, found.doubles, found.alike, found.wrong) == (300, 0, 0, 0)
    assert found.read == 6
