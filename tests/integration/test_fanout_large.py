"""One event to 100,000 people by a gateway as an operator starts it, as `make bench` measures it: only in `make test-long`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import run, sizes

MANY = 100_000


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_hundred_thousand_people_cost_no_memory_and_keep_nobody_elses_urgent_notice_waiting() -> None:
    wanted = replace(sizes.LONG, fan_many=MANY, fan_rounds=1, notices=100)
    found = await run.measure(wanted, lambda said: None, only=("fanout",))
    rows = {row.key: row for row in found.rows}
    growth = next(row for row in found.rows if row.name == "fan-out, growth of the process")
    waited = rows["urgent notice beside it, p99", "a second"]
    assert growth.ours < 20, growth
    assert waited.ours < 1000, waited
