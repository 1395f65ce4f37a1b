"""`python -m demo.code`: the code that Ines is asked for at the desk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyotp

from demo.team import CODES
from gateway.store.second import STEP_S


def main() -> int:
    directory = Path(os.environ.get("GATEWAY_DATA_DIR", "var")) / "demo"
    try:
        secret = (directory / CODES).read_text()
    except OSError:
        print(f"no demo runs with {directory}: start it with make demo", file=sys.stderr)
        return 1
    print(pyotp.TOTP(secret, interval=STEP_S).now())
    return 0


if __name__ == "__main__":
    sys.exit(main())
