"""`python -m demo.code`: the code that Ines is asked for at the desk, by the story's clock."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pyotp

from demo.team import CODES
from gateway.store.second import STEP_S


def main() -> int:
    directory = Path(os.environ.get("GATEWAY_DATA_DIR", "var")) / "demo"
    try:
        clock_ms = json.loads((directory / "story.json").read_text())["clock_ms"]
        secret = (directory / CODES).read_text()
    except (OSError, ValueError, KeyError):
        print(f"no demo runs with {directory}: start it with make demo", file=sys.stderr)
        return 1
    print(pyotp.TOTP(secret, interval=STEP_S).at(clock_ms // 1000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
