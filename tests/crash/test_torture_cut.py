"""A short torture: three gateways and a store, one killed every two seconds and one standing still, and every count right."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.core import ROOT

SEED = 20_261_122
SECONDS = 12


@pytest.mark.timeout(300)
def test_under_fire_nothing_is_lost_late_out_of_order_or_sent_twice_in_spite_of_evidence() -> None:
    command = [sys.executable, "-m", "torture", "--seconds", str(SECONDS), "--seed", str(SEED), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=290, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert done.returncode == 0, f"{json.dumps(found['found'], indent=2)}\n{done.stderr}"
    assert set(found["counts"].values()) == {0}
    # It was a fire: without these the zeros would say little.
    assert sum(found["kills"].values()) >= 4
    assert found["figures"]["bubbles"] > 100
    assert found["figures"]["older"] > 3
    assert all(found["tried"].values()), found["tried"]
    assert len(found["stopped_after_ms"]) == found["tried"]["people who said STOP"] >= 2
