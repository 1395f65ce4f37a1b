"""The benchmark: its arithmetic, and that a run on the smallest sizes measures every row and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.report import alternated, line, percentile
from bench.sizes import QUICK, TINY, WHOLE, Sizes

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "dispatch, one process, whole path",
    "webhooks answered",
    "fan-out, a subscriber of many",
    "fan-out, a member of a family",
    "fan-out, growth of the process",
    "urgent notice beside it, p50",
    "urgent notice beside it, p99",
    "urgent notice beside it, p99",
    "event to wire, unloaded, p50",
    "event to wire, unloaded, p99",
    "event to wire, unloaded, p50",
    "memory: subscription",
    "memory: queued message",
    "memory: queued message, body as the prototype's",
    "memory: contact",
    "boarding pass as a picture",
    "boarding pass as a picture",
    "boarding pass as a page",
    "boarding pass as a page",
    "pictures made beside the gateway",
]


def test_the_ratio_is_that_of_the_rounds_and_not_of_the_medians() -> None:
    row = alternated("x", "/s", [(100.0, 200.0), (300.0, 300.0), (90.0, 900.0)], 0.45, "bare")
    assert (row.ours, row.bare, row.ratio, row.met) == (100.0, 300.0, 0.5, True)
    assert alternated("x", "ms", [(5.0, 1.0)], 4.0, "bare", least=False).met is False


def test_a_missed_target_is_said_in_the_line() -> None:
    assert "MISSED (>= 0.45)" in line(alternated("x", "/s", [(1.0, 10.0)], 0.45, "bare"))
    assert "MISSED" not in line(alternated("x", "/s", [(1.0, 10.0)], None, "bare"))


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(200)], 0.99) == 198.0
    assert percentile([7.0], 0.99) == 7.0


@pytest.mark.parametrize("sizes", [WHOLE, QUICK, TINY])
def test_the_queue_holds_what_all_rounds_take(sizes: Sizes) -> None:
    slots = min(200, sizes.messages)
    left_over = slots * (sizes.rounds + 1) if sizes is not TINY else 0  # the smallest is claimed whole in its first rounds
    assert sizes.messages >= sizes.rounds * sizes.sends + sizes.warm + left_over


@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_run_on_the_smallest_sizes_prints_every_row_and_leaves_nothing_behind() -> None:
    with tempfile.TemporaryDirectory(prefix="b-") as place:
        code = "from bench.run import run; raise SystemExit(run(tiny=True, as_json=True))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={"TMPDIR": place, "PATH": ""}, capture_output=True, text=True, timeout=110
        )
        assert done.returncode == 0, done.stderr[-2000:]
        rows = json.loads(done.stdout)["rows"]
        assert [row["name"] for row in rows] == NAMES
        # Of a handful of keys the server's own allocations say more than ours, so bytes are only numbers at this size.
        timed = [row for row in rows if not row["name"].startswith(("memory", "fan-out, growth"))]
        assert all(row["ours"] > 0 and row["bare"] > 0 and row["ratio"] > 0 for row in timed)
        assert all(isinstance(row["ours"], float) and row["bare"] > 0 for row in rows)
        assert list(Path(place).iterdir()) == []


@pytest.mark.long
@pytest.mark.timeout(240)
def test_curves_measure_each_size_up_to_the_largest(tmp_path: Path) -> None:
    code = "from bench.run import run; raise SystemExit(run(tiny=True, as_json=True, only=['curves'], most=100))"
    env = {"TMPDIR": str(tmp_path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=230)
    assert done.returncode == 0, done.stderr[-2000:]
    points = json.loads(done.stdout)["curves"]
    sizes = [(point["subscriptions"], point["contacts"], point["audience"]) for point in points]
    assert sizes == [(1, 1, 1), (10, 4, 3), (100, 34, 30)]
    assert all(point["planned_us"] > 0 and point["dispatched"] > 0 and point["bare"] > 0 for point in points)
    assert points[0]["store"] < points[1]["store"] < points[2]["store"]
