"""A gateway with keys of somebody else's pass does not start, and says which setting to mend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.core import ROOT
from tests.support.wallet_keys import apple_environment


@pytest.mark.long
def test_keys_of_somebody_elses_pass_stop_the_start_by_their_setting(tmp_path: Path) -> None:
    values = apple_environment(GATEWAY_APPLE_TEAM="OTHERTEAM1") | {"GATEWAY_DATA_DIR": str(tmp_path / "var")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "run"],
        cwd=tmp_path, env={**kept, **values, "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
                           "GATEWAY_PRICES_DIR": str(ROOT / "prices")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "GATEWAY_APPLE_TEAM: OTHERTEAM1 is not the organisational unit" in said
    assert "Traceback" not in said
    assert "PRIVATE KEY" not in said
